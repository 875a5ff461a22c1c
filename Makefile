# Every command of the project. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: help install fmt lint types imports test test-e2e check check-static verify generate lock demo \
	bench bench-central build mutation picture pictures results cluster-build cluster-up cluster-down cluster-image clean

help:  ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Dantaro needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (first time: about half a minute)..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

install: $(STAMP)  ## set up .venv with all extras, from the lock

demo: $(STAMP)  ## trade the quickstart on the simulated market and show the live table (Ctrl-C ends it)
	$(BIN)/dantaro up examples/01-quickstart

fmt: $(STAMP)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(STAMP)  ## check style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)  ## check types (mypy, strict)
	$(BIN)/mypy

imports: $(STAMP)  ## check the layers
	$(BIN)/lint-imports

test: $(STAMP)  ## run every test tier of this machine, print the coverage
	@$(BIN)/python -m tests.cluster build --optional --quiet
	@rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m 'not e2e' --cov --cov-report= 
	$(BIN)/python -m tests.support.coverage_report

test-e2e: $(STAMP)  ## run the tests on a real node (as root on Linux, or DANTARO_TEST_KUBECONFIG)
	$(BIN)/pytest -m e2e tests/e2e

check-static: lint types imports verify  ## everything that CI runs but the tests

check: check-static test  ## what CI runs, and you before a hand-in

generate: $(STAMP)  ## write CRD YAML and the reference pages from the models
	$(BIN)/python -m dantaro_crds.schema
	$(BIN)/python -m dantaro_central.commands.reference

verify: $(STAMP)  ## fail when a generated file differs from its source
	$(BIN)/python -m dantaro_crds.schema --check
	$(BIN)/python -m dantaro_central.commands.reference --check

lock: $(STAMP)  ## resolve the dependencies again
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --quiet --upgrade -o requirements.lock

bench: $(STAMP)  ## measure: replay speed, start-up, memory of each process
	$(BIN)/python -m tests.bench

bench-central: $(STAMP)  ## measure central: its API on one core beside a bare FastAPI, the analysis of 200 markets
	$(BIN)/python -m tests.bench.central_api
	$(BIN)/python -m tests.bench.central_analysis

cluster-build: $(STAMP)  ## build the Kubernetes of the tests with Go (cached), print the paths
	$(BIN)/python -m tests.cluster build

cluster-up: $(STAMP)  ## start a Kubernetes without Docker: with a node as root on Linux, else its API server
	$(BIN)/python -m tests.cluster up

cluster-down: $(STAMP)  ## end it and remove everything of it
	$(BIN)/python -m tests.cluster down

cluster-image: $(STAMP)  ## build the bot's image and give it to the node
	$(BIN)/python -m tests.cluster image

bench-operator: $(STAMP)  ## measure the operator with 300, 1,000 and 3,000 bots on a real API server
	@$(BIN)/python -m tests.cluster build --quiet
	$(BIN)/python -m tests.bench.operator

mutation: $(STAMP)  ## change the code of the books one place at a time; which changes does no test notice?
	$(BIN)/python -m tests.support.mutation

picture: $(STAMP)  ## draw the picture of the README from a real run
	$(BIN)/python -m tests.support.picture

pictures: $(STAMP)  ## draw the pictures of the strategy guide from recorded candles
	$(BIN)/python -m tests.support.strategy_pictures

results: $(STAMP)  ## print what each strategy made of a recorded month on four markets, run twice
	$(BIN)/python -m tests.bench.results

build: $(STAMP)  ## build wheel and sdist, import them in a clean environment
	$(BIN)/python -m tests.support.check_build

clean:  ## remove everything that make made
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
