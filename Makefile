# The commands of the project; `make` lists them.
CONF    ?= sample
ARCHIVE ?=
SET     ?=
AGAIN   ?=
PORT    ?= 5000
DUMP    ?=
PREFECT_PORT ?= 4200
PYTHON  ?= python3
PIP     ?=

VENV := .venv
BIN  := $(VENV)/bin
MADE := $(VENV)/.made
CLUSTER := $(VENV)/.cluster

export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# The job runner of MLflow's server is of no use here and takes 200 MB.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

.DEFAULT_GOAL := help
.PHONY: help setup cluster pipeline sweep up down deploy notify ui test test-all bench-data bench-train bench-flow lint clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18
	@echo
	@echo '  make pipeline CONF=classics [ARCHIVE=russian-literature.zip] [SET="train.max_steps=200 seed=1"]'
	@echo '  make setup PIP="--extra-index-url https://download.pytorch.org/whl/cpu"   without a GPU: a smaller torch'

setup: $(MADE)  ## make .venv with all that is needed (other targets do it on first use)

$(MADE): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo 'error: no $(PYTHON): install Python 3.11 or newer, or name one with PYTHON=…' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'error: $(PYTHON) is older than 3.11: name a newer one with PYTHON=…' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

cluster: $(CLUSTER)  ## add what Dask, object storage and PostgreSQL need (docs/cluster.md)

$(CLUSTER): $(MADE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP) -c constraints.txt -e '.[dev,cluster]'
	@touch $@

pipeline: $(MADE)  ## from raw text to samples; CONF=name ARCHIVE=file.zip SET="section.field=value …" AGAIN=train
	@$(BIN)/python -m flows pipeline $(CONF) $(if $(ARCHIVE),--archive '$(ARCHIVE)') $(if $(SET),--set $(SET)) $(if $(AGAIN),--again $(AGAIN))

sweep: $(MADE)  ## train variants, to find the best settings; CONF=name in conf/sweeps SET="minutes=30 …"
	@$(BIN)/python -m flows sweep $(if $(filter sample,$(CONF)),shape,$(CONF)) $(if $(ARCHIVE),--archive '$(ARCHIVE)') $(if $(SET),--set $(SET))

up: $(MADE)  ## start Prefect's server, a worker and MLflow, on 127.0.0.1
	@$(BIN)/python -m flows.services up --prefect-port $(PREFECT_PORT) --mlflow-port $(PORT)

down: $(MADE)  ## end them; what trains writes a checkpoint first
	@$(BIN)/python -m flows.services down

deploy: $(MADE)  ## make the flows known to the server that is up: prefect deployment run 'pipeline/sample'
	@PREFECT_API_URL=http://127.0.0.1:$(PREFECT_PORT)/api $(BIN)/prefect --no-prompt deploy --all

notify: $(MADE)  ## have messages sent when runs end (see flows/automations.py); OFF=1: no more
	@$(BIN)/python -m flows.automations $(if $(OFF),--off)

ui: $(MADE)  ## MLflow's pages on the runs, at http://127.0.0.1:$(PORT)
	@mkdir -p mlruns
	@$(BIN)/mlflow ui --backend-store-uri 'sqlite:///$(CURDIR)/mlruns/mlflow.db' --host 127.0.0.1 --port $(PORT) --workers 1

test: $(MADE)  ## the tests, in some minutes
	@$(BIN)/python -m pytest -q -m 'not slow'

test-all: $(CLUSTER)  ## all tests, the long ones too
	@$(BIN)/python -m pytest -q

bench-data: $(MADE) .venv-datatrove/.made  ## the data plane against datatrove and plain scripts; ARCHIVE=file.zip [DUMP=…]
	@test -n '$(ARCHIVE)' || { echo 'error: give the classics: make bench-data ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@$(BIN)/python benchmarks/bench_data.py '$(ARCHIVE)' $(if $(DUMP),--dump '$(DUMP)') --datatrove .venv-datatrove/bin/python

bench-train: $(MADE)  ## the engine against a plain recipe, in 40 minutes; ARCHIVE=file.zip
	@test -n '$(ARCHIVE)' || { echo 'error: give the classics: make bench-train ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@$(BIN)/python benchmarks/our_data.py tokens '$(ARCHIVE)' data/bench
	@$(BIN)/python benchmarks/bench_train.py data/bench/tokens/*

bench-flow: $(MADE)  ## what orchestration costs, in 15 minutes
	@$(BIN)/python benchmarks/bench_flow.py

.venv-datatrove/.made:  # of its own: datatrove asks for much that we do not need
	$(PYTHON) -m venv .venv-datatrove
	.venv-datatrove/bin/python -m pip install --quiet --disable-pip-version-check 'datatrove[io,processing]==0.10.1' spacy
	@touch $@

lint: $(MADE)  ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean:  ## remove what was made from the texts (data/), not the runs in mlruns/
	rm -rf data
