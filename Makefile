# Needs make and Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PYTEST_FLAGS ?=

.PHONY: demo test lint bench clean

demo: .venv/.stamp
	$(BIN)/python -m deploy.local.demo

test: .venv/.stamp
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: .venv/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.stamp
	$(BIN)/python -m benchmarks compare

clean:
	rm -rf .venv build dist *.egg-info streams/compiled.c streams/compiled.*.so tests/appsync/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.stamp: setup.cfg setup.py pyproject.toml streams/compiled.pyx deploy/setup_venv.sh
	@PYTHON="$(PYTHON)" sh deploy/setup_venv.sh
