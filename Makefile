# Every command of a developer's day. `make help` lists them.
PYTHON ?= python3
ARGS ?=
JOBS ?= 2
BIN = .venv/bin
NEW ?=

# What is compiled is kept, whatever the environment says: our programs start in less than half the time.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup demo test torture bench check format coverage strings strings-check lock screenshots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install everything into .venv, from the hash-pinned lock; quick when nothing changed
	@$(PYTHON) tools/setup.py

demo: setup ## start the portal on http://localhost:8000 and the sandbox on http://127.0.0.1:8001; Ctrl-C stops both
	@$(BIN)/portal demo

test: setup ## run every test, browser tests included; narrow it down with ARGS="tests/domain -k name"
	@$(BIN)/python -m tools.browser
	@$(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

torture: setup ## play every fault of every call to a provider, kill the portal at every step, walk the desk in every language; takes an hour
	@$(BIN)/pytest -m torture -r fE $(ARGS)

bench: setup ## measure what the portal stands, beside a bare page and in a rush; takes seven minutes
	@$(BIN)/python -m tools.bench

check: setup ## format, lint, types, layers, templates, catalogues
	@$(BIN)/python tools/check.py

format: setup ## put code into the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

coverage: setup ## run the tests and show the branch coverage of domain, journey and providers
	@$(BIN)/python -m tools.browser
	@$(BIN)/pytest --cov --cov-report=term-missing $(ARGS)

strings: setup ## collect the words of code and templates into every catalogue; NEW="fi" begins a language
	@$(BIN)/python tools/strings.py update $(NEW)

strings-check: setup ## fail where a catalogue does not hold exactly the words in use
	@$(BIN)/python tools/strings.py check

lock: setup ## resolve requirements.lock anew from pyproject.toml
	@$(BIN)/python tools/lock.py

screenshots: setup ## take the pictures used in the documentation
	@$(BIN)/python -m tools.browser
	@$(BIN)/python -m tools.screenshots

clean: ## remove what the tools made; an operator's data under var/ stays
	@rm -rf .venv var/browser .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find translations -name '*.mo' -exec rm -f {} + 2>/dev/null || true
