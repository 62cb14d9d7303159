# Needs only python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
TOOLS := build/tools
REFEREES := build/referees
MCPB := PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(TOOLS)/node_modules/.bin/mcpb
MCPB_VERSION := 2.1.2
CONFORMANCE_VERSION := 0.2.0-alpha.12
INSPECTOR_VERSION := 2.12.0
BROWSER := build/browser
PY313 := build/py313
# As pinned, or CLIENTS=newest, FRAMEWORKS=newest.
CLIENTS ?= pinned
CLIENTS_FOLDER = build/clients$(if $(filter newest,$(CLIENTS)),-newest)
FRAMEWORKS ?= pinned
FRAMEWORKS_FOLDER = build/frameworks$(if $(filter newest,$(FRAMEWORKS)),-newest)
EXT_APPS_VERSION := 2.0.4
AXE_VERSION := 4.14.1
MCP_SDK_VERSION := 1.32.2
ESBUILD_VERSION := 0.28.2
# A collector of OpenTelemetry. It has only alphas, as binaries. Apache-2.0.
ROTEL_VERSION := 0.0.1a15
# Of `make proof` and of `make nightly`: all parts, unless one is named.
NIGHTLY_PARTS := $(PART)
PART ?= browser conformance deploy operations replicas
# Python's defaults, whatever is set outside. The hash seed is printed, and can be given again.
unexport PYTHONDONTWRITEBYTECODE PYTHONOPTIMIZE
ifeq ($(filter-out random,$(PYTHONHASHSEED)),)
override PYTHONHASHSEED := $(strip $(shell od -An -N4 -tu4 /dev/urandom))
endif
ifneq ($(shell test 0 -le '$(PYTHONHASHSEED)' -a '$(PYTHONHASHSEED)' -le 4294967295 2>&1 && echo fits),fits)
$(error PYTHONHASHSEED is a number from 0 to 4294967295, and not "$(PYTHONHASHSEED)")
endif
export PYTHONHASHSEED
ifneq ($(filter test% check proof% nightly,$(MAKECMDGOALS)),)
$(if $(filter 0,$(MAKELEVEL)),$(info PYTHONHASHSEED=$(PYTHONHASHSEED)))
endif
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' trax_mcp/__init__.py)
BUNDLE = build/trax-mcp-$(VERSION).mcpb
BILL = build/trax-mcp-$(VERSION).cdx.json

.DEFAULT_GOAL := help
.PHONY: help install demo test test313 check format docs pictures bench proof fetch nightly clients frameworks wheel bundle packer image release lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/run ## set trax-mcp up in .venv, or upgrade it
	@echo "$(BIN)/trax-mcp is ready. Next, without a key: $(BIN)/trax-mcp install --sandbox. With your key: $(BIN)/trax-mcp install"

demo: .venv/run ## see a whole show on practice studios
	@$(BIN)/trax-mcp demo

test: .venv/dev ## run the tests, in under three minutes
	$(BIN)/pytest -n auto --dist worksteal -m "not timing" $(PYTEST_OPTIONS)
	$(BIN)/pytest -m timing

# All of them with TESTS=tests.
TESTS ?= tests/seams tests/cli tests/docs
test313: $(PY313)/ready ## run the tests of commands, pages and the wheel on Python 3.13, as the image does
	$(PY313)/bin/pytest -n auto --dist worksteal -p no:cacheprovider -m "not timing" $(TESTS)

check: .venv/dev ## format, lint, types, imports and tests: all must pass before a commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m proof.machines --quick
	$(MAKE) test PYTEST_OPTIONS='--cov --cov-report=term'

format: .venv/dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev ## write what is generated: parts of pages, exchanges, manifest lists, snapshots, picture
	$(BIN)/python -m tools.docs
	$(BIN)/pytest -n auto -m syrupy_snapshot --snapshot-update

pictures: .venv/dev chromium $(BROWSER)/host.js ## draw the pages that people see, as docs/ shows them, or all into PICTURES=FOLDER
	APP_BRIDGE=$(BROWSER)/host.js $(BIN)/python -m tools.pictures $(PICTURES)

bench: .venv/dev ## compare start, memory and calls with a bare server; measure consent and the control room
	$(BIN)/python -m bench

proof: $(addprefix proof-,$(PART)) ## prove what needs programs from elsewhere, or one PART=browser|conformance|deploy|operations|replicas

proof-browser: .venv/dev chromium $(BROWSER)/host.js
	APP_BRIDGE=$(BROWSER)/host.js $(BIN)/pytest -n 2 $(PYTEST_OPTIONS) proof/browser

proof-conformance: .venv/dev $(REFEREES)/ready
	$(BIN)/pytest $(PYTEST_OPTIONS) proof/conformance

proof-deploy: image
	sh proof/install_programs.sh valkey-server haproxy >/dev/null
	$(BIN)/pytest -n 2 $(PYTEST_OPTIONS) proof/deploy

proof-operations: .venv/dev
	sh proof/install_programs.sh prometheus valkey-server >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check rotel==$(ROTEL_VERSION)
	$(BIN)/pytest -n 2 $(PYTEST_OPTIONS) proof/operations

proof-replicas: .venv/dev
	sh proof/install_programs.sh valkey-server haproxy >/dev/null
	$(BIN)/pytest -n 3 -m "not nightly" $(PYTEST_OPTIONS) proof/replicas

nightly: .venv/dev ## run what takes long and say how it ended, or one PART=breaks|clients|frameworks|machines|mutants|fuzz|model|people|replicas|shows|python3.13
	$(if $(filter breaks replicas,$(or $(NIGHTLY_PARTS),replicas)),sh proof/install_programs.sh valkey-server haproxy >/dev/null)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group mutants
	$(BIN)/python -m proof.nightly $(NIGHTLY_PARTS)

clients: .venv/dev $(TOOLS)/ready ## run the MCP clients that people have and keep what they draw, pinned or CLIENTS=newest
	$(NPM_INSTALL) --prefix $(CLIENTS_FOLDER) $$(sed '/^#/d$(if $(filter newest,$(CLIENTS)),;s/@[0-9.]*$$/@latest/)' proof/clients/packages.txt)
	CLIENTS_FOLDER=$(CLIENTS_FOLDER) $(BIN)/pytest -n 2 $(PYTEST_OPTIONS) proof/clients

frameworks: .venv/dev $(TOOLS)/ready ## run agent frameworks and keep what reaches the model, pinned or FRAMEWORKS=newest
	FRAMEWORKS_FOLDER=$(FRAMEWORKS_FOLDER) $(BIN)/python -m proof.frameworks.environments
	FRAMEWORKS_FOLDER=$(FRAMEWORKS_FOLDER) $(BIN)/pytest -n 2 $(PYTEST_OPTIONS) proof/frameworks

wheel: .venv/dev ## build the wheel, install it in a new environment and start it
	rm -rf build/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv --without-pip build/wheel/venv
	$(BIN)/python -m pip --python build/wheel/venv/bin/python install --quiet build/wheel/*.whl
	cd build/wheel && TRAX_SANDBOX=1 venv/bin/trax-mcp demo >demo.txt
	@echo "The wheel runs by itself."

bundle: packer ## pack the MCP Bundle for Claude Desktop, start it as a host does, and write its checksum
	$(MCPB) validate manifest.json
	$(MCPB) pack . $(BUNDLE)
	$(BIN)/python -m release.bundle $(BUNDLE) $(TOOLS)

LOCKING = $(TOOLS)/bin/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.13 --python-platform linux \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

lock: .venv/run $(TOOLS)/ready ## choose anew what the image installs, each file by its hash
	$(LOCKING) --extra replicas --extra telemetry --output-file deploy/requirements.lock pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(LOCKING) --output-file deploy/build-requirements.lock -

# With one run of apt-get, since two at once fail.
fetch: ## fetch at once what `make test313` and `make proof` need from elsewhere
	sh proof/install_programs.sh chromium valkey-server haproxy prometheus >/dev/null
	$(MAKE) $(BROWSER)/host.js $(REFEREES)/ready $(PY313)/ready

packer: .venv/run $(TOOLS)/packer

image: .venv/dev $(TOOLS)/ready ## lint the Dockerfile, run its steps without a container engine, and list what is installed, in CycloneDX, into build/
	$(TOOLS)/bin/hadolint Dockerfile
	$(BIN)/python -m release.image $(TOOLS)/bin/cyclonedx-py $(BILL)

release: wheel bundle image ## collect the bundle, the wheel and the bill of materials in build/release, with checksums
	$(BIN)/python -m release.collect $(BUNDLE) build/wheel/*.whl $(BILL)

clean: ## remove the files of the other targets
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf .coverage* *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("trax-mcp needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Setting up trax-mcp in .venv. This takes about a minute."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/run
	@echo "Adding what the tests need."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# Where the system has no Python 3.13, its packages may have one.
$(PY313)/ready: pyproject.toml
	@python3.13 -c 'import ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3.13 python3.13-venv; } >/dev/null \
		|| { echo "There is no Python 3.13 here, and the system's packages have none. Install python3.13 with venv." >&2; exit 1; }
	python3.13 -m venv $(PY313)
	$(PY313)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(PY313)/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

# node, npm, uv and hadolint are installed as Python packages.
$(TOOLS)/ready: pyproject.toml Makefile .venv/run
	$(PYTHON) -m venv --without-pip $(TOOLS)
	$(BIN)/python -m pip --python $(TOOLS)/bin/python install --quiet --group packing
	@touch $@

# node must use the system's certificates, which a company's proxy may need.
NPM_INSTALL = NODE_OPTIONS=--use-system-ca PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" npm install \
	--no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error

$(TOOLS)/packer: $(TOOLS)/ready
	$(NPM_INSTALL) --prefix $(TOOLS) @anthropic-ai/mcpb@$(MCPB_VERSION)
	@touch $@

# Chromium comes from the system's packages: another build may not run on this system.
.PHONY: chromium $(addprefix proof-,browser conformance deploy operations replicas)
chromium:
	sh proof/install_programs.sh chromium >/dev/null

$(BROWSER)/host.js: proof/browser/host.js Makefile $(TOOLS)/ready
	$(NPM_INSTALL) --prefix $(BROWSER) @modelcontextprotocol/ext-apps@$(EXT_APPS_VERSION) @modelcontextprotocol/sdk@$(MCP_SDK_VERSION) esbuild@$(ESBUILD_VERSION) axe-core@$(AXE_VERSION)
	NODE_PATH=$(BROWSER)/node_modules $(BROWSER)/node_modules/.bin/esbuild $< --bundle --format=iife --log-level=warning --outfile=$@

$(REFEREES)/ready: $(TOOLS)/ready
	$(NPM_INSTALL) --prefix $(REFEREES) @modelcontextprotocol/conformance@$(CONFORMANCE_VERSION) @modelcontextprotocol/inspector@$(INSPECTOR_VERSION)
	@touch $@
