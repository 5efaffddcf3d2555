"""Prefect tasks: one per stage of ``femtogpt``. They wrap, watch and record, and add no logic."""

# Names of environment variables, kept here because flows/__main__.py must not import anything slow.
OPEN_RUNS_VARIABLE = "FEMTOGPT_OPEN_RUNS"  # the folder in which a run notes what it has open
MLFLOW_NOTES, PREFECT_NOTES = "mlflow", "prefect"  # the files there
MLFLOW_PAGES_VARIABLE = "FEMTOGPT_MLFLOW"  # the address of MLflow's pages
