# dicom_pipeline: `make help` lists the targets. Python 3.11 or newer and make are the only requirements.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
PORT ?= 3000
VENV := .venv
BIN := $(VENV)/bin
# pip, for tools in environments of their own
INSTALL := install --quiet --disable-pip-version-check --no-input
INSTALL_PACKAGES := tools/install_packages.py

export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1
# Set (as container images do), each process compiles every module again, and a run takes a third longer.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run dev test check check-rest test-all test-cloud test-faults fakesnow audit licences bench load bench-deid lint format dagster_deps dbt_deps dbt_build docs deid_docs words lambda-package harlequin screenshots lock clean

help:  ## list the targets
	@grep -hE '^[a-z_-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

IS_SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))

$(VENV)/.python:
	@$(PYTHON) -c '$(IS_SUPPORTED)' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed; point PYTHON at one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Installed by uv, which removes what the lock does not list. `.dev` has all packages of `.run`, so
# it stands for both; `.run` removes the packages of `.dev`.
$(VENV)/.run: $(VENV)/.python requirements.lock pyproject.toml $(INSTALL_PACKAGES)
	@echo "installing the pinned packages of requirements.lock"
	@rm -f $(VENV)/.dev
	@$(BIN)/python $(INSTALL_PACKAGES) --exact requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.python requirements.lock requirements-dev.lock pyproject.toml $(INSTALL_PACKAGES)
	@echo "installing the pinned packages of requirements-dev.lock"
	@$(BIN)/python $(INSTALL_PACKAGES) --exact requirements-dev.lock
	@touch $(VENV)/.run $@

run: $(VENV)/.run  ## set up, load the files of the landing zone, publish, print a summary
	@$(BIN)/python -m dicom_pipeline.cli run --sample

dev: $(VENV)/.run  ## set up and serve the Dagster web UI on http://127.0.0.1:3000 (PORT=3001)
	@$(BIN)/python -c 'import socket, sys; sys.exit(not socket.socket().connect_ex(("127.0.0.1", $(PORT))))' \
		|| { echo "port $(PORT) is in use. If this project uses it, open http://127.0.0.1:$(PORT); otherwise: make dev PORT=3001"; exit 1; }
	@$(BIN)/python -m dicom_pipeline.cli prepare
	@PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONWARNINGS=ignore dagster dev --host 127.0.0.1 --port $(PORT)

# three workers on two cores: one has the walk through the web UI, which waits most of the time
test: $(VENV)/.dev lint  ## set up, lint, and run the default tests
	@$(BIN)/python -m pytest -n 3

check: test check-rest  ## everything that CI runs: lint, default tests and the tests marked check

check-rest: $(VENV)/.dev  ## only the tests marked check
	@$(BIN)/python -m pytest -m check

test-all: $(VENV)/.dev  ## every test, also those that take minutes, with coverage
	@$(BIN)/python -m pytest -m "" --cov --cov-report=term:skip-covered

screenshots: $(VENV)/.dev  ## rebuild the README's pictures with the browser tests (needs Chromium)
	@SCREENSHOTS=yes $(BIN)/python -m pytest -n 0 tests/browser tests/endtoend/test_report.py

test-cloud: $(VENV)/.dev fakesnow  ## every test of S3, Lambda and Snowflake on local servers, and the parity matrix
	@$(BIN)/python -m pytest -m "" tests/cloud

test-faults: $(VENV)/.dev  ## kill runs, damage files, fill disks; check that no row is lost (docs/reliability.md)
	@$(BIN)/python -m pytest -m "" tests/faults

fakesnow:  ## install a local server of Snowflake's protocol, for tests, in .fakesnow
	@test -x .fakesnow/bin/python || $(PYTHON) -m venv .fakesnow
	@.fakesnow/bin/pip $(INSTALL) "fakesnow[server]==0.12.1" "snowflake-connector-python<5"

audit:  ## list known vulnerabilities of all locked packages (pip-audit; needs network)
	@test -x .audit/bin/python || $(PYTHON) -m venv .audit
	@.audit/bin/pip $(INSTALL) "pip-audit==2.10.1"
	@.audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements-dev.lock

licences: $(VENV)/.dev  ## write docs/licences.md from the metadata of the installed packages
	@$(BIN)/python -m tools.licences

harlequin:  ## install the SQL client of `dicom-pipeline explore`, in .harlequin
	@test -x .harlequin/bin/python || $(PYTHON) -m venv .harlequin
	@.harlequin/bin/pip $(INSTALL) "harlequin>=2.17,<3"
	@echo "now: $(BIN)/dicom-pipeline explore"

bench: $(VENV)/.dev  ## measure speed, write docs/benchmarks.md (1 hour; BENCH="--quick --only reader,raw")
	@$(BIN)/python -m tests.speed_benchmark $(BENCH)

load: $(VENV)/.dev  ## load test: a million files in bursts, with readers (1 hour; LOAD="--files 10000")
	@$(BIN)/python -m tests.load $(LOAD)

bench-deid: $(VENV)/.dev  ## score de-identification (10 minutes; BENCH="--profile strict --out FILE")
	@$(BIN)/python -m tests.deid_benchmark $(BENCH)

lint: $(VENV)/.dev  ## ruff, mypy (strict), sqlfluff
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@cd dbt_snowflake && ../$(BIN)/sqlfluff lint --disable-progress-bar --nocolor models

format: $(VENV)/.dev  ## format Python and SQL code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@cd dbt_snowflake && ../$(BIN)/sqlfluff fix --disable-progress-bar models

dagster_deps:  ## install into the active virtual environment, without removing packages
	@python -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null || { \
		echo "No virtual environment is active. Make one first:"; \
		echo "  python3 -m venv .venv"; \
		echo "  . .venv/bin/activate"; \
		exit 1; }
	@python -c '$(IS_SUPPORTED)' \
		|| { echo "Python 3.11 or newer is needed; the active environment has $$(python -V)"; exit 1; }
	@python $(INSTALL_PACKAGES) requirements.lock

# the active environment first: `make dagster_deps` installs there
INSTALLED := $(if $(VIRTUAL_ENV),$(VIRTUAL_ENV)/bin:)$(CURDIR)/$(BIN)

dbt_deps:  ## prepare dbt: pseudonym key, vault, manifest and seeds
	@PATH="$(INSTALLED):$$PATH"; command -v dicom-pipeline >/dev/null \
		|| { echo "dicom-pipeline is not installed. Activate a virtual environment, then: make dagster_deps"; exit 1; }; \
	dicom-pipeline prepare && cd dbt_snowflake && dbt --quiet seed

dbt_build: $(VENV)/.run  ## build the staged and processed tables by dbt, without Dagster
	@$(BIN)/python -m dicom_pipeline.cli prepare
	@cd dbt_snowflake && ../$(BIN)/dbt build

docs: $(VENV)/.run  ## serve the pages of dbt docs on http://127.0.0.1:8080
	@$(BIN)/python -m tools.dbt_docs

deid_docs: $(VENV)/.dev  ## write docs/deid.md from the mapping and Table E.1-1 of PS3.15
	@$(BIN)/python -m tools.deid_docs

words: $(VENV)/.dev  ## write the seed of allowed words from pydicom, public descriptions and tools/words
	@$(BIN)/python -m tools.allowed_words write

lambda-package: $(VENV)/.run  ## build dist/lambda.zip, the function of AWS Lambda (docs/cloud_lambda.md)
	@$(BIN)/python -m tools.lambda_package

# what a checkout installs: every setting and command works
EXTRAS := --extra aws --extra snowflake --extra report
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --quiet

lock:  ## pin the dependencies again; pins that still fit are kept (needs uv)
	uv pip compile $(LOCK) --group uv -o requirements-uv.lock
	uv pip compile $(LOCK) pyproject.toml $(EXTRAS) -o requirements.lock
	uv pip compile $(LOCK) pyproject.toml $(EXTRAS) --extra deploy -c requirements.lock -o requirements-deploy.lock
	uv pip compile $(LOCK) pyproject.toml $(EXTRAS) --extra deploy --group dev -c requirements-deploy.lock -o requirements-dev.lock

clean:  ## remove files that make can rebuild; never data, keys or databases
	rm -rf $(VENV) dbt_snowflake/target dbt_snowflake/logs .pytest_cache .mypy_cache .ruff_cache *.egg-info
