# The commands of the project; `make` lists them.
CONF    ?= sample
ARCHIVE ?=
SET     ?=
HOURS   ?=
AGAIN   ?=
PORT    ?= 5000
DUMP    ?=
PREFECT_PORT ?= 4200
PLAY_PORT ?=
SERVE_PORT ?=
PART    ?=
SEED    ?=
MINUTES ?=
QUICK   ?=
NANOGPT ?=
CARD    ?=
PYTHON  ?= python3
PIP     ?=

VENV := .venv
MADE := $(VENV)/.made
CLUSTER := $(VENV)/.cluster
PROGRAM := $(VENV)/bin/python
ifneq ($(findstring %,$(CURDIR)),)  # MLflow cannot be where its path has one: there by a link
PROGRAM := $(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}/femtogpt" && mkdir -p "$$cache" \
    && link="$$cache/$$(pwd -P | cksum | tr -d ' ')" && ln -sfn "$$(pwd -P)/$(VENV)" "$$link" \
    && echo "$$link/bin/python" || echo $(VENV)/bin/python)
endif
# A variable as one word of a shell command, whatever is in it: spaces, quotes, dollar signs.
quoted = '$(subst ','\'',$(value $(1)))'

options = $(if $(ARCHIVE),--archive $(call quoted,ARCHIVE)) $(if $(SET),--set-line $(call quoted,SET))

# The programs of a virtual environment name its place in full, and Python notes the place: one that
# was moved or copied with the project is made again.
MOVED := $(shell cd $(VENV) 2>&- && grep -qs '^command = ' pyvenv.cfg \
    && ! grep -qF -- " $$(pwd -P)" pyvenv.cfg && echo --clear)
ifdef MOVED
.PHONY: $(MADE)
endif

export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# MLflow's job runner is of no use here and takes 200 MB.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

.DEFAULT_GOAL := help
.PHONY: help setup cluster pipeline sweep play serve up down deploy notify ui check lint types \
        test test-all test-faults test-long audit bench-data bench-train bench-generate bench-learn \
        bench-scarce bench-hours law bench-flow check-gpu architecture clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 22
	@echo
	@echo '  make pipeline CONF=classics [ARCHIVE=russian-literature.zip] [SET="train.max_steps=200 seed=1"]'
	@echo '  make pipeline CONF=classics HOURS=2   size and length are chosen for this time'
	@echo '  make pipeline AGAIN=train   a stage that is up to date, once more'
	@echo '  make setup PIP="--extra-index-url https://download.pytorch.org/whl/cpu"   without a GPU: a smaller torch'

setup: $(MADE)  ## create .venv with everything that is needed (other targets do it on first use)

# With --no-compile, a module is compiled when it is first imported, which one in seven ever is.
$(MADE): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo 'error: $(PYTHON) is missing: install Python 3.11 or newer, or name one with PYTHON=…' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'error: $(PYTHON) is older than 3.11: name a newer one with PYTHON=…' >&2; exit 1; }
	$(if $(MOVED),@echo 'the project has moved: making $(VENV) again')
	$(PYTHON) -m venv $(MOVED) $(VENV)
	"$(PROGRAM)" -m pip install --quiet --no-compile --disable-pip-version-check $(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

cluster: $(CLUSTER)  ## install what Dask, object storage and PostgreSQL need (docs/cluster.md)

$(CLUSTER): $(MADE)
	"$(PROGRAM)" -m pip install --quiet --disable-pip-version-check $(PIP) -c constraints.txt -e '.[dev,cluster]'
	@touch $@

pipeline: $(MADE)  ## from raw text to samples; CONF=name ARCHIVE=file.zip HOURS=2 SET="section.field=value …" AGAIN=train
	@"$(PROGRAM)" -m flows pipeline $(if $(CONF),$(call quoted,CONF)) $(options) $(if $(HOURS),--hours $(call quoted,HOURS)) $(if $(AGAIN),--again $(AGAIN))

sweep: $(MADE)  ## train variants of a configuration; CONF=name in conf/sweeps SET="minutes=30 …"
	@"$(PROGRAM)" -m flows sweep $(if $(subst sample,,$(CONF)),$(call quoted,CONF),shape) $(options)

play: $(MADE)  ## read, compare and judge what models write, on a page in the browser; PLAY_PORT=…
	@"$(PROGRAM)" -m flows.play $(if $(PLAY_PORT),--port $(PLAY_PORT))

serve: $(MADE)  ## answer other programs with the best run of CONF=name (docs/compare-runs.md); SERVE_PORT=…
	@"$(PROGRAM)" -m flows.serve $(call quoted,CONF) $(if $(SERVE_PORT),--port $(SERVE_PORT))

up: $(MADE)  ## start Prefect's server, a worker and MLflow, on 127.0.0.1
	@"$(PROGRAM)" -m flows.services up --prefect-port $(PREFECT_PORT) --mlflow-port $(PORT)

down: $(MADE)  ## stop them; a running training writes a checkpoint first
	@"$(PROGRAM)" -m flows.services down

deploy: $(MADE)  ## register the flows with that server: prefect deployment run 'pipeline/sample'
	@PREFECT_API_URL=http://127.0.0.1:$(PREFECT_PORT)/api "$(PROGRAM)" -m flows.deployments

notify: $(MADE)  ## send messages when runs end (docs/deployments.md); OFF=1: no more
	@"$(PROGRAM)" -m flows.automations $(if $(OFF),--off)

ui: $(MADE)  ## MLflow's pages, at http://127.0.0.1:5000; PORT=… for another port
	@"$(PROGRAM)" -m flows.services ui --mlflow-port $(PORT)

check: lint types test  ## style, types and tests: what has to pass before a change goes in

lint: $(MADE)  ## style (ruff)
	@"$(PROGRAM)" -m ruff check . && "$(PROGRAM)" -m ruff format --check .

types: $(MADE)  ## types (mypy)
	@"$(PROGRAM)" -m mypy

test: $(MADE)  ## the tests, in about ten minutes
	@"$(PROGRAM)" -m pytest -q -m 'not slow' --hypothesis-profile quick -n 2 --dist loadfile --no-loadscope-reorder --durations 30

test-all: $(CLUSTER)  ## all tests, the slow ones too
	@"$(PROGRAM)" -m pytest -q

audit: .venv-audit/.made  ## known weaknesses of the packages in constraints.txt, by pip-audit (asks pypi.org)
	@.venv-audit/bin/python -m pip_audit --strict --no-deps --disable-pip -r constraints.txt

test-faults: $(MADE)  ## try to break it, within an hour (docs/promises.md); PART="kills damages" SEED=1
	@"$(PROGRAM)" -m tests.faults $(PART) $(if $(SEED),--seed $(call quoted,SEED))

test-long: $(MADE)  ## two hours of training: what grows, and clocks that go wrong (docs/promises.md); MINUTES=20
	@"$(PROGRAM)" -m tests.long $(if $(MINUTES),--minutes $(call quoted,MINUTES))

bench-data: $(MADE) .venv-datatrove/.made  ## the data stages against datatrove and plain scripts; ARCHIVE=file.zip [DUMP=…]
	@test -n $(call quoted,ARCHIVE) || { echo 'error: name the archive of the classics: make bench-data ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@"$(PROGRAM)" benchmarks/bench_data.py $(call quoted,ARCHIVE) $(if $(DUMP),--dump $(call quoted,DUMP)) --datatrove .venv-datatrove/bin/python

bench-train: $(MADE)  ## training against a plain recipe, in 40 minutes; ARCHIVE=file.zip
	@test -n $(call quoted,ARCHIVE) || { echo 'error: name the archive of the classics: make bench-train ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@"$(PROGRAM)" benchmarks/data_stages.py tokens $(call quoted,ARCHIVE) data/bench
	@"$(PROGRAM)" benchmarks/bench_train.py data/bench/tokens/*

bench-generate: $(MADE)  ## writing against llama.cpp and others, in 6 minutes
	@"$(PROGRAM)" benchmarks/bench_generate.py

bench-learn: $(MADE)  ## what is learned in ten minutes, against today's build, in 3 hours; ARCHIVE=file.zip [QUICK=1 NANOGPT=folder]
	@test -n $(call quoted,ARCHIVE) || { echo 'error: name the archive of the classics: make bench-learn ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@"$(PROGRAM)" benchmarks/bench_learn.py $(call quoted,ARCHIVE) $(if $(QUICK),--quick) $(if $(NANOGPT),--nanogpt $(call quoted,NANOGPT))

bench-scarce: $(MADE)  ## what is learned from little text, against today's build, in 2 hours; ARCHIVE=file.zip
	@test -n $(call quoted,ARCHIVE) || { echo 'error: name the archive of the classics: make bench-scarce ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@"$(PROGRAM)" benchmarks/bench_scarce.py $(call quoted,ARCHIVE)

bench-hours: $(MADE)  ## whether the best is chosen for a time, in 3 hours; ARCHIVE=file.zip MINUTES="10 30"
	@test -n $(call quoted,ARCHIVE) || { echo 'error: name the archive of the classics: make bench-hours ARCHIVE=russian-literature.zip' >&2; exit 1; }
	@"$(PROGRAM)" benchmarks/bench_hours.py $(call quoted,ARCHIVE) $(if $(MINUTES),--minutes $(MINUTES))

law: $(MADE)  ## fit the scaling law to small runs, in two to three hours: of your text, CONF=name, or of the classics, ARCHIVE=file.zip
	@"$(PROGRAM)" benchmarks/scaling_runs.py $(if $(ARCHIVE),$(call quoted,ARCHIVE) --out femtogpt/scaling_law.json,--conf $(call quoted,CONF))

check-gpu:  ## training on this machine's card, checked in 8 minutes, without set-up (docs/cards.md); [CARD=name]
	@"$(if $(wildcard $(MADE)),$(PROGRAM),$(PYTHON))" benchmarks/check_gpu.py $(if $(CARD),--out docs/cards/$(call quoted,CARD).json)

architecture: $(MADE)  ## draw the diagram in docs/architecture.md from the imports
	@"$(PROGRAM)" -m tests.architecture --write

bench-flow: $(MADE)  ## what orchestration costs, in 15 minutes
	@"$(PROGRAM)" benchmarks/bench_flow.py

.venv-datatrove/.made:  # apart: datatrove needs many packages that we do not
	$(PYTHON) -m venv .venv-datatrove
	.venv-datatrove/bin/python -m pip install --quiet --disable-pip-version-check 'datatrove[io,processing]==0.10.1' spacy
	@touch $@

.venv-audit/.made:  # apart: pip-audit needs many packages that we do not
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit==2.10.1'
	@touch $@

clean:  ## remove data/, but not the runs in mlruns/
	rm -rf data
