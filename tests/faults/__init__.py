"""``make test-faults``: tries to break the product, in parts that ``__main__`` runs and counts.

Each part is a module with ``FULL``, the number of tries of a whole run, and ``tries(seed, folder)``,
which gives one try after another for ever; the try that a seed names is always the same.

``chain``     the pipeline's stages in one process, without Prefect and MLflow
``worker``    the chain in a forked process that can be struck at a chosen moment
``pictures``  what a data folder holds, in a form that can be compared
``kills``     the process is killed at a random moment
``damages``   a file is damaged, emptied or deleted
"""
