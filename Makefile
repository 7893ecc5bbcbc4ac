# `make demo` and `make test` set everything up by themselves; all they need is Python 3.11 or newer.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Rewritten when the project's dependencies change, so that a second run starts at once.
READY := $(VENV)/.ready

.PHONY: help demo test tests lint format docs wheel readme clean

help:
	@echo "make demo    derive, check, export and train a sentiment RNN on real reviews"
	@echo "make test    lint, types and all tests"
	@echo "make lint    ruff and mypy only"
	@echo "make format  rewrite the code in the project's format"
	@echo "make docs    build the documentation into site/"
	@echo "make wheel   build the wheel into dist/"
	@echo "make readme  run the README's examples again and write down what they print"
	@echo "make clean   remove all that these commands have made"

$(READY): pyproject.toml
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rnnsym needs Python 3.11 or newer: make PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/sentiment/demo.py

test: lint tests

tests: $(READY)
	$(BIN)/pytest -q -n 2 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)
	$(BIN)/rnnsym docs --run
	$(BIN)/mkdocs build --strict --quiet
	@echo "The site is in site/: open site/index.html"

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

readme: $(READY)
	$(BIN)/python scripts/readme.py

clean:
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
