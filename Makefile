# Everything runs in .venv, made from the lock file. Needs Python 3.11 or newer, and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Tests start the program hundreds of times; without bytecode each start compiles it anew, half of its CPU time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run demo test suite test-long coverage lint types fuzz bench lock clean

help:  ## Show what can be done here
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# setuptools warns of every editable package whose folder is in the working directory, and recent versions of pip show it.
$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Groundswell needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv from requirements.lock (once; about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.lock
	@PYTHONWARNINGS=ignore::UserWarning $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Adding the test tools from requirements-dev.lock ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.runtime  ## Make the environment in .venv, nothing more

run: $(VENV)/.runtime  ## Poll the feeds of feeds.yaml and serve the site on http://127.0.0.1:8000
	@$(BIN)/groundswell run

demo: $(VENV)/.runtime  ## Play the sample edition on http://127.0.0.1:8000, without any network
	@$(BIN)/groundswell demo

test:  ## Lint, types, architecture and tests, on all cores
	@$(MAKE) --no-print-directory -j 3 lint types suite

suite: $(VENV)/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not long"

# Most of these tests wait, for leases, kills and clocks, so three workers keep two cores busy.
test-long: $(VENV)/.dev  ## Kills, hostile servers, shortages and a real browser: minutes
	@$(BIN)/python -m pytest -n 3 --dist loadfile -m long

coverage: $(VENV)/.dev  ## Branch coverage of the tests; fails below 92 %, in clustering, engine and polling below 95 %
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not long" --cov --cov-report=term --cov-fail-under=92
	@$(BIN)/python -m coverage report --fail-under=95 --include='scoring/clustering/*,scoring/engine/*,aggregator/polling/*'

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

fuzz: $(VENV)/.dev  ## Look for a document that breaks the reading of feeds, for a minute
	@$(BIN)/python -m bench.fuzz --atheris 60

bench: $(VENV)/.dev  ## Every benchmark; each prints its own table
	@$(BIN)/python -m bench

lock:  ## Renew both lock files (needs uv)
	uv pip compile pyproject.toml --extra build --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev --extra mcp --extra postgres --universal --python-version 3.11 --generate-hashes --no-header -c requirements.lock -q -o requirements-dev.lock

clean:  ## Remove .venv and caches; never the database
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
