# `make demo` and `make test` are all that a fresh machine with Python 3.11+ needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint conformance backends interop bench bench-peers install docs clean

demo: install ## the main job on real SDK traffic; ONCE=1 ends by itself
	$(BIN)/python -m demo $(if $(ONCE),--once)

test: install ## the default suite
	$(BIN)/python -m pytest

lint: install ## ruff and mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

conformance: install ## public cases, from ../shared/conformance or SPANMILL_CONFORMANCE; skipped where absent
	$(BIN)/python -m pytest -m conformance tests/conformance

backends: install ## gets Jaeger, Zipkin and Tempo for `make interop` into ~/.cache, once: builds from source, for minutes
	$(BIN)/python tests/interop/backends/builds.py

interop: install ## SDKs of other languages as senders, backends as receivers; each test says what it needs
	$(BIN)/python -m pytest -m interop tests/interop tests/bench

bench: install ## CPU per request and per span; see bench/README.md
	$(BIN)/python bench/forward.py

bench-peers: install ## beside the OpenTelemetry Collector and Rotel, into docs/benchmarks.md; QUICK=1 prints, in 4 minutes
	$(BIN)/python bench/compare.py $(if $(QUICK),--quick,--write)
	$(if $(QUICK),,$(BIN)/python bench/tail_memory.py --write)

docs: install ## the generated reference; a test fails where it is stale
	$(BIN)/spanmill components --format markdown > docs/components.md

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Spanmill needs Python 3.11 or newer; name one with PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean: ## remove what the commands above made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
