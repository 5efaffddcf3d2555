"""``make test-faults``: tries to break the product, in parts that ``__main__`` runs and counts.

Each part is a module with ``FULL``, the number of tries of a whole run, and
``tries(seed, folder)``, which gives one try after another for ever, beginning with that of the
seed; the next one has the next seed.

``chain``     the pipeline's stages in one process, without Prefect and MLflow
``worker``    the chain in a forked process that can be struck at a chosen moment
``pictures``  what a data folder holds, in a form that can be compared
``kills``     the process is killed at a random moment
``full_disk`` a disk is full, or a folder can only be read
``damages``   a file is damaged, emptied or deleted
``mounts``    small disks
``at_once``   several runs at once, on one data folder or with one shared store
``shown``     what the commands show of a damaged data folder
``inputs``    the corpus is made of files of every bad sort
``given``     such a file, and what has to become of it
``bad_…``     the sorts: archives, texts, talks and dumps, settings
``forked``    work in a forked process, with what it took of memory and time
``network``   a dataset is fetched while the network to Kaggle fails
``faulty_kaggle``  the stand-in for Kaggle with these faults
``told``      what the log says
``outcomes``  what came of the tries: the table, the JSON
"""
