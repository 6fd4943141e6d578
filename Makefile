# Everything the project needs is set up by these targets on a bare Debian or Ubuntu with Python >= 3.11.
PYTHON ?= python3
PROFILE ?= renewal-notice
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

# Compiled modules are kept, whatever the shell says: without them each start compiles all of them again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test check bench lock browser
.DELETE_ON_ERROR:

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml scripts/make_venv.sh scripts/install_parts.sh
	@echo "部品を取り寄せています（数分かかります）… / Fetching the parts (a few minutes) …"
	@PYTHON="$(PYTHON)" sh scripts/make_venv.sh $(VENV)
	@sh scripts/install_parts.sh $(VENV)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: setup
	@MADOGUCHI_PROFILE=$(PROFILE) $(BIN)/madoguchi serve --demo

test: setup browser
	@$(BIN)/python -m pytest -n 4 --dist worksteal

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup
	@$(BIN)/python -m benchmarks

# Browser tests need a Chromium: on Debian the distribution's own. Without one they are reported as skipped, except in CI.
browser:
	@sh scripts/find_chromium.sh

lock: setup
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --extra dev pyproject.toml -o requirements.lock -q
