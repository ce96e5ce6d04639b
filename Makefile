# All that is done with this project, one target each. Recipes are thin: the work is in
# `python -m sensorkit ...`, so that people without make type the same commands.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

PYTHON ?= python3
VENV ?= .venv
# Arguments for the target's command: make evaluate ARGS="--quick"
ARGS ?=
# The emulated devices of `make evaluate`, a run each: PROFILE=weather, PROFILE="turbofan weather",
# PROFILE=all. Where ARGS say what is evaluated, they alone do.
PROFILE ?= $(if $(filter --profile% --recording% --dataset% --config%,$(ARGS)),,serial_monitor fermenter)
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python
STAMP := $(VENV)/.sensorkit-ready
FRESH := $(VENV)/.sensorkit-kernels
# Notebooks and tests must not depend on the machine's zone, hash seed or thread count.
STEADY := SENSORKIT_QUIET=1 PYTHONHASHSEED=0 TZ=UTC OMP_NUM_THREADS=1
# Two to four at a time; the tests of a file, and the cells of a notebook, stay in their order.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with=tests/nbval_sanitize.cfg

.PHONY: help setup evaluate test test-services lint notebooks lab datasets bench docs live lock clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make .venv with sensorkit and all it needs (about a minute, needs the network once)

# An interrupted installation leaves no stamp, so the next make heals it.
$(STAMP): pyproject.toml requirements.lock
	@echo "sensorkit: installing $$(grep -c '^[a-z].*==' requirements.lock) packages into $(VENV); about a minute, needs the network once"
	@start=$$(date +%s); \
	if command -v uv >/dev/null 2>&1; then \
	  uv venv -q --allow-existing --python '>=3.11' "$(VENV)" && \
	  uv pip install -q --compile-bytecode --python "$(PY)" --require-hashes -r requirements.lock && \
	  uv pip install -q --python "$(PY)" --no-deps --no-build-isolation -e . ; \
	else \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sensorkit needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; make PYTHON=python3.12 setup")' && \
	  { $(PYTHON) -m venv "$(VENV)" || { echo 'no venv module; on Debian and Ubuntu: sudo apt-get install python3-venv' >&2; exit 1; }; } && \
	  "$(PY)" -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock && \
	  "$(PY)" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi && touch "$@" && echo "sensorkit: ready after $$(( $$(date +%s) - start )) s"

# numba keeps a compiled kernel for as long as its own file is unchanged, and does not look at the
# kernels it calls. When one has changed, all are compiled anew.
KERNELS := $(wildcard sensorkit/detect/kernels/*.py sensorkit/wire/kernel*.py sensorkit/quality/*.py) sensorkit/wire/compiling.py \
  sensorkit/detect/novelty.py sensorkit/detect/volatility.py sensorkit/capture/kernel_rows.py \
  $(wildcard sensorkit/evaluate/metrics/*.py) sensorkit/evaluate/statistics/blocks.py \
  sensorkit/evaluate/detectability/firth.py sensorkit/evaluate/public/nab_alerts.py
$(FRESH): $(STAMP) $(KERNELS)
	@find sensorkit -name '*.nb[ci]' -delete && touch "$@"

evaluate: $(FRESH) ## capture, inject, benchmark, report; PROFILE=all is every device (one to two minutes)
	@"$(PY)" -m sensorkit evaluate $(foreach name,$(PROFILE),--profile $(name)) $(ARGS)

test: $(FRESH) ## all tests, the notebooks included
	@start=$$(date +%s); \
	$(STEADY) "$(PY)" -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term:skip-covered --cov-report=xml -m "not browser" $(ARGS) && \
	$(STEADY) "$(PY)" -m pytest $(SIDE_BY_SIDE) $(NBVAL) notebooks && \
	echo "sensorkit: all tests passed after $$(( $$(date +%s) - start )) s"

test-services: $(FRESH) ## tests against real services: Chromium
	@$(STEADY) "$(PY)" -m pytest $(SIDE_BY_SIDE) -m browser $(ARGS)

lint: $(STAMP) ## ruff, mypy --strict, and the import contracts
	@"$(PY)" -m ruff check . && "$(PY)" -m ruff format --check . && "$(PY)" -m mypy && "$(BIN)/lint-imports"

notebooks: $(FRESH) ## run the notebooks and write their committed outputs anew
	@$(STEADY) "$(PY)" -m sensorkit.report.running.refresh notebooks

lab: $(FRESH) ## open the notebooks in JupyterLab
	@"$(PY)" -m jupyter lab notebooks

datasets: $(FRESH) ## make the committed recordings anew, byte for byte
	@"$(PY)" datasets/make.py

bench: $(FRESH) ## measure speed, loss and detection quality, each beside its yardstick (twenty minutes)
	@for bench in benchmarks/*.py; do "$(PY)" "$$bench" $(ARGS) || exit 1; done

docs: $(STAMP) ## build the site of docs/ into site/; a warning is an error
	@$(STEADY) "$(PY)" docs/making
	@$(STEADY) "$(PY)" -m pytest tests/docs --ignore tests/docs/test_site.py --ignore tests/docs/test_blocks.py
	@NO_MKDOCS_2_WARNING=1 "$(PY)" -m mkdocs build --quiet && echo "sensorkit: the site is in site/index.html"

live: $(FRESH) ## watch an emulated device live: capture, alerts, report (20 s)
	@"$(PY)" -m sensorkit demo $(ARGS)

lock: $(STAMP) ## resolve the dependencies anew: requirements.lock and constraints.txt
	@uv=uv; command -v uv >/dev/null 2>&1 || \
	  { "$(PY)" -m pip install -q --disable-pip-version-check uv && uv="$(BIN)/uv"; } && \
	"$$uv" pip compile -q --universal --python-version 3.11 --upgrade --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links --extra test --extra docs pyproject.toml -o requirements.lock
	@sed -n 's/^\([A-Za-z0-9_.-]*==[^\\]*[^\\ ]\).*/\1/p' requirements.lock > constraints.txt
	@touch "$(STAMP)"

clean: ## remove .venv, caches and generated reports
	@rm -rf "$(VENV)" .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* coverage.xml
	@find reports -mindepth 1 -not -name README.md -delete
