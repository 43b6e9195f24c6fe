# Works as the first command in a fresh clone: needs python3 (3.11, 3.12 or 3.13), make and git.
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-reset run test test-long converge check bench screenshots messages lock clean

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# PYTHON=/path/to/python3.12 chooses one; otherwise the first supported one on the PATH.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c '$(SUPPORTED)' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
# On two cores a third process works while others wait for files; PostgreSQL and browsers need the cores themselves.
WORKERS ?= $(if $(TEST_DATABASE_URL)$(filter test-long,$(MAKECMDGOALS)),2,3)
# A set but empty variable wins over `.env`: the demo never sees a real key, nor a mistake in that file.
NO_ENV_FILE := STRIPE_SECRET_KEY= STRIPE_WEBHOOK_SECRETS= STRIPE_API_BASE= STRIPE_API_VERSION= DATABASE_URL= DEBUG= \
	SECRET_KEY= ALLOWED_HOSTS= STRIPE_MAX_REQUESTS_PER_SECOND= EVENTS_KEPT_DAYS= CHANGES_KEPT_DAYS= \
	PUSH_GRACE_SECONDS= EXPORTS_DIR= EXPORTS_KEPT_DAYS= EXPORTS_STREAM_ROWS= TRUSTED_PROXIES=

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The environment: `.venv/.run` holds what the program needs, `.venv/.dev` the tests' and checkers' packages too.
.venv/bin/pip:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(SUPPORTED)' 2>/dev/null; then \
		echo "This project needs Python 3.11, 3.12 or 3.13, and none was found (python3 here: $$(python3 --version 2>&1))."; \
		echo "Install one (Debian/Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13), or name it: make PYTHON=/path/to/python3.12 ..."; \
		exit 1; fi
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python can't make a virtual environment here. On Debian/Ubuntu: apt install python3-venv"; exit 1; }

.venv/.run: requirements.lock | .venv/bin/pip
	@echo "Installing the locked packages into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock | .venv/bin/pip
	@echo "Installing the locked packages for tests and checks into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ .venv/.run

setup: .venv/.dev  ## create .venv with everything that tests and checks need

demo: .venv/.run  ## the whole thing on this machine, without a Stripe account
	@exec env $(NO_ENV_FILE) $(BIN)/python manage.py demo

demo-reset: .venv/.run  ## forget the demo's data; `make demo` then starts over
	@exec env $(NO_ENV_FILE) $(BIN)/python manage.py demo --reset

run: .venv/.run  ## server and worker against the real Stripe, with .env
	@exec $(BIN)/python manage.py serve

PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: .venv/.dev  ## the tests, on SQLite or on TEST_DATABASE_URL, without the long ones
	@$(PYTEST) -m "not long"

test-long: .venv/.dev  ## those that wait for real processes, browsers and migrations
	@$(PYTEST) -m long

converge: .venv/.dev  ## random histories against real processes, half on SQLite and half on PostgreSQL (CONVERGE_EXAMPLES=2000)
	@$(BIN)/python -m tests.converge

check: .venv/.dev  ## formatting, lint, types, import walls, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check

bench: .venv/.dev  ## measure: events per second, backfill, export
	@$(BIN)/python -m tests.bench

screenshots: .venv/.dev  ## a picture of every page in screenshots/: light, dark, and as on a phone
	@$(BIN)/python -m tests.browser.screenshots

messages: .venv/.dev  ## collect what can be translated into locale/, and compile it
	@$(BIN)/python manage.py translations

lock:  ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra sandbox pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --all-extras pyproject.toml -o requirements-dev.lock

clean:  ## remove the environment and the demo's data
	rm -rf .venv .demo
