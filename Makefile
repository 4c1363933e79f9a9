# dicom_pipeline: `make help` lists the targets. Nothing but Python 3.11 or newer and make is needed.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 3000
VENV := .venv
BIN := $(VENV)/bin
INSTALL := install --quiet --disable-pip-version-check --no-input
EDITABLE := --no-deps --editable .

export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1

.PHONY: help run dev test test-all test-cloud test-faults fakesnow audit licences bench load bench-deid lint format dagster_deps dbt_deps dbt_build docs deid_docs words lambda-package harlequin screenshots lock clean

help:  ## list the targets
	@grep -hE '^[a-z_-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; point PYTHON at one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements.lock pyproject.toml
	@echo "installing the pinned dependencies (once, about a minute)"
	@$(BIN)/pip $(INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip $(INSTALL) $(EDITABLE)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "installing what tests need (once)"
	@$(BIN)/pip $(INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run  ## set up, take in all files of the landing zone, publish, print a summary
	@$(BIN)/python -m dicom_pipeline.cli run --sample

dev: $(VENV)/.run  ## set up and serve the Dagster web UI on http://127.0.0.1:3000 (PORT=3001)
	@$(BIN)/python -c 'import socket, sys; sys.exit(not socket.socket().connect_ex(("127.0.0.1", $(PORT))))' \
		|| { echo "port $(PORT) is taken: if by the web UI of this project, use that one; else: make dev PORT=3001"; exit 1; }
	@$(BIN)/python -m dicom_pipeline.cli prepare
	@PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONWARNINGS=ignore dagster dev --host 127.0.0.1 --port $(PORT)

test: $(VENV)/.dev lint  ## set up, check the code and run the tests
	@$(BIN)/python -m pytest

test-all: $(VENV)/.dev  ## also the tests that take minutes
	@$(BIN)/python -m pytest -m "" --cov --cov-report=term:skip-covered

screenshots: $(VENV)/.dev  ## the README's pictures, by the tests that look at the pages (needs Chromium)
	@SCREENSHOTS=yes $(BIN)/python -m pytest -n 0 tests/browser tests/endtoend/test_report.py

test-cloud: $(VENV)/.dev fakesnow  ## all of S3, Lambda and Snowflake on local servers; ends with the parity matrix
	@$(BIN)/python -m pytest -m "" tests/cloud

test-faults: $(VENV)/.dev  ## kill, damage, fill and unmount things, and hold that nothing is lost (docs/reliability.md)
	@$(BIN)/python -m pytest -m "" tests/faults

fakesnow:  ## a local server of Snowflake's protocol for tests, in an environment of its own
	@test -x .fakesnow/bin/python || $(PYTHON) -m venv .fakesnow
	@.fakesnow/bin/pip $(INSTALL) "fakesnow[server]==0.12.1" "snowflake-connector-python<5"

audit:  ## known vulnerabilities of all locked packages, by pip-audit in an environment of its own (asks pypi.org)
	@test -x .audit/bin/python || $(PYTHON) -m venv .audit
	@.audit/bin/pip $(INSTALL) "pip-audit==2.10.1"
	@.audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements-dev.lock

licences: $(VENV)/.dev  ## docs/licences.md from the metadata of what is installed
	@$(BIN)/python -m tools.licences

harlequin:  ## the SQL client of `dicom-pipeline explore`, in an environment of its own
	@test -x .harlequin/bin/python || $(PYTHON) -m venv .harlequin
	@.harlequin/bin/pip $(INSTALL) "harlequin>=2.17,<3"
	@echo "now: $(BIN)/dicom-pipeline explore"

bench: $(VENV)/.dev  ## measure speed, write docs/benchmarks.md (an hour; BENCH="--quick --only reader,raw")
	@$(BIN)/python -m tests.speed_benchmark $(BENCH)

load: $(VENV)/.dev  ## a million files in bursts under readers, and a compressed day (an hour; LOAD="--files 10000")
	@$(BIN)/python -m tests.load $(LOAD)

bench-deid: $(VENV)/.dev  ## score de-identification (about 10 minutes; BENCH="--profile strict --out FILE")
	@$(BIN)/python -m tests.deid_benchmark $(BENCH)

lint: $(VENV)/.dev  ## ruff, mypy (strict), sqlfluff
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@cd dbt_snowflake && ../$(BIN)/sqlfluff lint --disable-progress-bar --nocolor models

format: $(VENV)/.dev  ## put the code in its form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@cd dbt_snowflake && ../$(BIN)/sqlfluff fix --disable-progress-bar models

dagster_deps:  ## install into the active virtual environment
	@python -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null || { \
		echo "No virtual environment is active. Make one first:"; \
		echo "  python3 -m venv .venv"; \
		echo "  . .venv/bin/activate"; \
		exit 1; }
	@python -m pip $(INSTALL) --no-deps --require-hashes -r requirements.lock
	@python -m pip $(INSTALL) $(EDITABLE)

dbt_deps:  ## ready dbt: key, vault, manifest and seeds
	@PATH="$(CURDIR)/$(BIN):$$PATH" dicom-pipeline prepare
	@cd dbt_snowflake && PATH="$(CURDIR)/$(BIN):$$PATH" dbt --quiet seed

dbt_build: $(VENV)/.run  ## stage and processed tables by dbt alone, without Dagster
	@$(BIN)/python -m dicom_pipeline.cli prepare
	@cd dbt_snowflake && ../$(BIN)/dbt build

docs: $(VENV)/.run  ## serve the pages of dbt docs, every column described, on http://127.0.0.1:8080
	@$(BIN)/python -m tools.dbt_docs

deid_docs: $(VENV)/.dev  ## docs/deid.md from the mapping and the standard's table
	@$(BIN)/python -m tools.deid_docs

words: $(VENV)/.dev  ## the seed of allowed words from pydicom, public descriptions and tools/words
	@$(BIN)/python -m tools.allowed_words write

lambda-package: $(VENV)/.run  ## dist/lambda.zip, the function of AWS Lambda (docs/cloud_lambda.md)
	@$(BIN)/python -m tools.lambda_package

lock:  ## pin the dependencies anew (needs uv)
	uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	uv pip compile $(LOCK) pyproject.toml --extra deploy -c requirements.lock -o requirements-deploy.lock
	uv pip compile $(LOCK) pyproject.toml --extra deploy --group dev -c requirements-deploy.lock -o requirements-dev.lock

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --quiet

clean:  ## remove what can be made again; never data, keys or databases
	rm -rf $(VENV) dbt_snowflake/target dbt_snowflake/logs .pytest_cache .mypy_cache .ruff_cache *.egg-info
