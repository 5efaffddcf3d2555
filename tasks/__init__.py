"""Prefect tasks: one per stage of ``femtogpt``; they wrap, watch and record, and add no logic."""

# Names, in the environment, the file in which a flow keeps which MLflow runs are open: who guards
# the flow ends them if it is killed. It stands here as the guard imports nothing that is slow.
OPEN_RUNS = "FEMTOGPT_OPEN_RUNS"
MLFLOW = "FEMTOGPT_MLFLOW"  # names, in the environment, the address of MLflow's pages
