# Two commands on a fresh machine: `make gate` (decide two sample models) and `make test` (check everything).
# Needs Python >= 3.11 and make, and internet access or Go.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/weightgate
TOOLS := $(CACHE)/tools
JOBS ?= auto

# Everything that users run is run with the locked dependencies and weightgate's own OPA.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export WEIGHTGATE_CONFTEST ?= $(TOOLS)/conftest
export WEIGHTGATE_ACTIONLINT ?= $(TOOLS)/actionlint

.DEFAULT_GOAL := help
.PHONY: help gate test setup lint types policy mutants mutate unit scanners locks clean

help:
	@echo "make gate   gate two sample models against dev, staging and prod with a real scanner"
	@echo "make test   run every check: tests, policy tests with coverage, linters, types"
	@echo "make mutate plant every mistake into the policy tree, and count those that its tests find (takes minutes)"
	@echo "make locks  renew the lock files    make clean  remove what make made here"

## set-up, each step done once

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("weightgate needs Python 3.11 or newer; say make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: requirements/core.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/core
	$(BIN)/weightgate opa install
	$(BIN)/weightgate scanners install modelaudit

## the two commands

gate: setup
	@$(BIN)/python samples/gate.py

test: setup $(VENV)/dev scanners lint types policy mutants unit
	@echo "all checks passed"

scanners: $(VENV)/core
	$(BIN)/weightgate scanners install picklescan
	$(BIN)/weightgate scanners install modelscan
	$(BIN)/weightgate scanners install fickling
	$(BIN)/python tests/support/tools.py $(TOOLS)

lint: $(VENV)/dev
	ruff check .
	ruff format --check .

types: $(VENV)/dev
	mypy

policy: setup
	opa=$$(weightgate opa path) && \
	$$opa fmt --fail --list policies environments && \
	$$opa check --strict policies environments && \
	$$opa check --strict --schema src/weightgate/schemas/input.schema.json policies environments && \
	$$opa test --fail-on-empty policies environments && \
	$$opa test --coverage --threshold 100 policies environments > /dev/null
	weightgate policy lint

# A sample of what `make mutate` does as a whole, always the same mistakes, in bounded time.
mutants: setup
	weightgate policy test --mutate --sample 150 --budget 150 --min-score 95

mutate: setup
	weightgate policy test --mutate --min-score 95

unit: $(VENV)/dev
	pytest -n $(JOBS) --dist loadfile tests

## upkeep

locks:
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/core.in -o requirements/core.txt
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build out
