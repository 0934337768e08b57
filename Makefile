PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Bytecode is written at the first use of a module: without it every start would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help frontend run test check bench prove lock clean
help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/'

$(VENV)/base.stamp: requirements/base.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --no-compile --disable-pip-version-check --require-hashes -r requirements/base.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/base.stamp
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	touch $@

$(VENV)/frontend.stamp: $(VENV)/base.stamp frontend/package-lock.json $(wildcard frontend/src/*.ts frontend/styles/*.css)
	cd frontend && ./with-node.sh $(CURDIR)/$(VENV) npm ci --silent && ./with-node.sh $(CURDIR)/$(VENV) npm run --silent build
	touch $@

frontend: $(VENV)/frontend.stamp  ## build the scripts and styles of the pages

run: $(VENV)/base.stamp $(VENV)/frontend.stamp  ## start everything and print the address
	@exec $(BIN)/python -m gongzhi run

test: $(VENV)/dev.stamp $(VENV)/frontend.stamp  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/operations
	$(BIN)/python -m pytest tests/operations

check: $(VENV)/dev.stamp $(VENV)/frontend.stamp  ## lint, types, direction of imports, migrations, translations
	$(BIN)/ruff check gongzhi tests cities benchmarks
	$(BIN)/ruff format --check gongzhi tests cities benchmarks
	DATABASE_URL=postgresql://unused GONGZHI_LOG_LEVEL=ERROR $(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cd frontend && ./with-node.sh $(CURDIR)/$(VENV) npm run --silent check
	DATABASE_URL=postgresql://unused GONGZHI_LOG_LEVEL=ERROR $(BIN)/python -W ignore -m django makemigrations --check --dry-run --settings gongzhi.settings
	$(BIN)/python -m tests.translations

bench: $(VENV)/dev.stamp $(VENV)/frontend.stamp  ## measure, beside a reference in the same run; WHAT="post ledger" for some
	$(BIN)/python -m benchmarks $(WHAT)

prove: $(VENV)/dev.stamp $(VENV)/frontend.stamp  ## try the promises about faults in full size (hours)
	GONGZHI_PROVE=1 $(BIN)/python -m pytest tests/operations tests/ledger tests/api

lock:  ## write the lock files anew
	$(BIN)/pip install -q uv
	set -e; for f in base dev fonts; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/$$f.in -o requirements/$$f.lock; done

clean:  ## remove the environment, not the data
	rm -rf $(VENV)
