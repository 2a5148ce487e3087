# Needs git, make and Python 3.11 or 3.12 (name another by PYTHON=…). Nothing is installed outside .venv.
PYTHON ?= python3
TASK ?= phantom
export PATH := $(CURDIR)/.venv/bin:$(or $(PATH),/usr/local/bin:/usr/bin:/bin)

.PHONY: setup reproduce reproduce-all test test-long test-faults test-browser benchmark lint docs lock

setup: .venv/.ready

# Every package in the version and with the hash that requirements.lock names.
.venv/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 13) else "error: this is Python " + sys.version.split()[0] + "; name a 3.11 or 3.12 by PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip --disable-pip-version-check install --require-hashes --requirement requirements.lock
	@touch $@

# Train the rows of the papers' tables on a task again, and say whether the evidence came out as committed.
reproduce: setup
	python -m pipelines.verify --task $(TASK) --paper emanet adaptive

# The same for every model that has evidence there: other readings, parts taken out, sizes.
reproduce-all: setup
	python -m pipelines.verify --task $(TASK)

# On every core; `python -m pytest PATH` runs single tests.
test: setup
	python -m pytest -n auto --dist worksteal

test-long: setup
	python -m pytest -n auto --dist worksteal -m long

# Faults at every file operation, at moments of every command, forgeries, damaged files; writes docs/reliability.md.
# `make test-long` injects a few of each.
test-faults: setup
	rm -rf scratch/faults
	FAULTS=every python -m pytest -n auto --dist worksteal -m long tests/faults
	python -m tests.faults.rows

# Time and memory, for docs/performance.md. CHECKOUT: one of github.com/MedMNIST/experiments, if there is one.
benchmark: setup
	python -m tests.performance.trainer $(CHECKOUT)
	python -m tests.performance.sizes
	python -m tests.performance.parts
	python -m tests.performance.cores
	python -m tests.performance.engine
	python -m tests.performance.scoring

# Needs Chromium.
test-browser: setup
	python -m pytest -m browser

lint: setup
	ruff check .
	ruff format --check .
	mypy

# Put tables, choices and the picture of imports into docs/, after a change to evidence, papers or folders.
docs: setup
	python -m pipelines.docs

# After a change to the dependencies in pyproject.toml; versions that still fit are kept.
lock: setup
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --output-file requirements.lock
