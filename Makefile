# `make app` and `make test` set up everything they need; run them in a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: app test lint types imports unit browser areas fuzz soak scale bench sbom lock clean help

help:  ## Say what can be made.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

app: $(READY)  ## Set everything up and open the map (http://127.0.0.1:8501).
	$(BIN)/shelterplan app

test:  ## Set everything up and run every check, two things at once where they can be.
	@$(MAKE) --no-print-directory --jobs=2 lint imports types unit

lint: $(READY)  ## Style of the code.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Types, strictly.
	$(BIN)/mypy

imports: $(READY)  ## Imports run one way.
	$(BIN)/lint-imports

unit: $(READY) browser  ## All tests, doctests and browser tests included.
	$(BIN)/pytest -m "not browser" --numprocesses auto --maxprocesses 4 --dist loadfile
	$(BIN)/pytest -m browser tests/browser --numprocesses 2 --dist loadfile

browser:  ## Debian's chromium for the browser tests, where root and apt exist.
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	      apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null \
	      || echo "chromium could not be installed: the browser tests will be skipped"; \
	  else echo "no chromium here, and no root with apt-get to install it: the browser tests will be skipped"; fi; }

areas: $(READY)  ## Build the embedded study areas again from their raw files.
	$(BIN)/python data/build_monaco.py
	$(BIN)/python data/build_coquimbo.py

fuzz: $(READY)  ## Damaged and hostile files for every reader; a few minutes (see CONTRIBUTING).
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: $(READY)  ## Kill -9 at any moment, and fifty sessions at once; half an hour and more.
	$(BIN)/python -m tests.soak $(ARGS)

scale: $(READY)  ## A country in tiles: the same bits as undivided, whatever dies meanwhile.
	$(BIN)/python -m tests.scale $(ARGS)

bench: $(READY)  ## Speed and memory beside peers, in one run.
	$(BIN)/python -m tests.benchmarks

sbom: $(READY)  ## What the program is made of, and under which licences (artefacts/).
	$(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/pip install --quiet --disable-pip-version-check --require-hashes -r .ci/sbom.lock
	$(BIN)/python .ci/sbom.py

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --quiet

lock:  ## Fix the versions of all dependencies (needs uv).
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	$(COMPILE) pyproject.toml --group build -c requirements.lock -o requirements-run.lock
	$(COMPILE) .ci/sbom.in -o .ci/sbom.lock

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) .venv-sbom artefacts .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "shelterplan needs Python 3.11 or newer; set PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes \
	  -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	-@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib  # on all cores, which pip does not
	@touch $@
