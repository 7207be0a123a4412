# Needs make and Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PYTEST_FLAGS ?=
LOCKED := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: demo test lint lock audit bench clean

demo: .venv/.demo-stamp
	$(BIN)/python -m deploy.local.demo

test: .venv/.stamp
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: .venv/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile
	$(BIN)/mypy

# The image's dependencies, for setup.cfg as it is now: with all extras but those that develop Tally.
# UPGRADE=--upgrade takes newer ones.
IMAGE_EXTRAS := aws avro mqtt parquet sns sql
lock: .venv/.stamp
	$(BIN)/uv pip compile $(UPGRADE) $(LOCKED) $(IMAGE_EXTRAS:%=--extra %) setup.cfg --output-file deploy/image/requirements.lock
	$(BIN)/uv pip compile $(UPGRADE) $(LOCKED) deploy/image/build.in --output-file deploy/image/build.lock

audit: .venv/.stamp
	$(BIN)/python -m deploy.audit

bench: .venv/.stamp
	$(BIN)/python -m benchmarks compare

clean:
	rm -rf .venv build dist *.egg-info streams/compiled.c streams/compiled.*.so tests/appsync/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo takes less, so that a first look doesn't wait for the tests' tools.
SETUP := setup.cfg setup.py pyproject.toml streams/compiled.pyx deploy/setup_venv.sh
.venv/.demo-stamp: $(SETUP)
	@PYTHON="$(PYTHON)" sh deploy/setup_venv.sh local "Faust, aiokafka, RocksDB and a Java runtime"
	@touch $@

.venv/.stamp: $(SETUP)
	@PYTHON="$(PYTHON)" sh deploy/setup_venv.sh local,test,dev "Tally, and what its tests need"
	@touch .venv/.demo-stamp $@
