#!/usr/bin/env bash
# MLflow 3.17.2, several clients that begin to use one new SQLite file in the same second.
#
# Expected: the tables are made once, under the lock that mlflow.store.db.utils has for it; at worst
# a client is refused and its next try succeeds.
# Seen: the tracking store makes its tables without that lock. The clients trip over each other's
# migrations (another message each time), and what they leave is refused for good: a lone client
# that comes later gets an error too, every time.
# So: the first client has to be alone, or to make the file under another name and rename it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
cat >clients.py <<'PYTHON'
import logging
import multiprocessing
import time
import warnings
from importlib.metadata import version

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
from mlflow import MlflowClient
from mlflow.store.tracking import sqlalchemy_store  # noqa: F401  imported before they begin

CLIENTS, APART_SECONDS, ROUNDS = 5, 0.2, 12


def use(uri, barrier, results, seconds):
    barrier.wait()
    time.sleep(seconds)
    try:
        MlflowClient(uri).search_experiments()
        results.put("")
    except Exception as error:
        results.put(type(error).__name__ + ": " + str(error).strip().splitlines()[0][:90])


def at_once(uri, clients):
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(clients), fork.Queue()
    processes = []
    for number in range(clients):
        arguments = (uri, barrier, results, APART_SECONDS * number)
        processes.append(fork.Process(target=use, args=arguments))
        processes[-1].start()
    answers = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return [answer for answer in answers if answer]


print("mlflow", version("mlflow"))
assert at_once("sqlite:///alone.db", 1) == [], "a lone client makes its tables"
for number in range(ROUNDS):
    uri = f"sqlite:///round{number}.db"
    refused = at_once(uri, CLIENTS)
    later = [answer for _ in range(2) for answer in at_once(uri, 1)]
    print(f"round {number}: {len(refused)} of {CLIENTS} at once were refused; later, alone: {later}")
    if refused and len(later) == 2:
        break
else:
    raise SystemExit("no round left a database that is refused")
PYTHON
MLFLOW_DISABLE_TELEMETRY=true venv/bin/python clients.py
