# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench rehearse reference clean setup

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

demo: $(STAMP)
	$(BIN)/stepdig run workflows/nightly_sync/nightly_sync.dig --session 2026-11-20

test: $(STAMP) lint
	$(BIN)/pytest -n auto --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for folder in functions/*/; do MYPYPATH=$$folder $(BIN)/mypy $$folder || exit 1; done

# sam validate, build, package and deploy, to a cloud on loopback; checkov on the templates.
rehearse: $(STAMP) tests/deploy/.venv/.installed tests/deploy/checkov/.venv/.installed
	$(BIN)/pytest tests/deploy

%/.venv/.installed: %/requirements.txt
	$(PYTHON) -m venv $*/.venv
	$*/.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

bench: $(STAMP)
	$(BIN)/python bench/run.py

# What is made of declarations: the schema of editors, the tables of docs/reference.
reference: $(STAMP)
	$(BIN)/stepdig schema --vscode .
	$(BIN)/pytest tests/docs -k tables --update-golden

clean:
	rm -rf $(VENV) .stepdig .aws-sam tests/*/.venv tests/deploy/checkov/.venv
