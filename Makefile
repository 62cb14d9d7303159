# Works from a bare clone with only python3 (3.11 or newer) and make on the machine.
PYTHON ?= python3
BIN := .venv/bin
TOOLS := build/tools
REFEREES := build/referees
MCPB := PATH=$(CURDIR)/$(TOOLS)/bin:$$PATH $(TOOLS)/node_modules/.bin/mcpb
MCPB_VERSION := 2.1.2
CONFORMANCE_VERSION := 0.2.0-alpha.12
INSPECTOR_VERSION := 2.12.0
BUNDLE = build/trax-mcp-$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' trax_mcp/__init__.py).mcpb

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs bench breaks fuzz conformance soak race wheel bundle packer image clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run ## watch a whole show on the embedded sandbox
	@$(BIN)/trax-mcp demo

test: .venv/dev ## run the tests
	$(BIN)/pytest -n auto

check: .venv/dev ## everything that must hold before a change goes in
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --cov --cov-report=term

format: .venv/dev ## put the code into its house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/dev ## write what is generated: README table and exchanges, manifest lists, tool snapshots, pictures
	$(BIN)/python -m tests.generated
	$(BIN)/python -m tests.exchanges
	$(BIN)/python -m tests.doctor_states
	$(BIN)/python -m tests.icon
	$(BIN)/python -m tests.picture

bench: .venv/dev ## measure start, memory and calls beside a bare server; consent; chat
	$(BIN)/python -m bench

breaks: .venv/dev ## break the code on purpose, over and over, and see that a test fails each time
	$(BIN)/python -m proof.breaks

fuzz: .venv/dev ## try the property tests again, with new and many more examples
	$(BIN)/pytest -n auto --hypothesis-profile=long -m fuzz

conformance: .venv/dev $(REFEREES)/ready ## let the official suite and the Inspector judge the server
	$(BIN)/python -m proof.conformance $(TOOLS)/bin/node $(REFEREES)

soak: .venv/dev ## half an hour of shows on a fast clock, watching for what leaks
	$(BIN)/python -m proof.soak

race: .venv/dev $(TOOLS)/ready ## run beside the generators of MCP servers, and write docs/race.md
	$(BIN)/python -m proof.race $(TOOLS)/bin

wheel: .venv/dev ## build the package, install it alone elsewhere and start it
	rm -rf build/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet build/wheel/*.whl
	cd build/wheel && TRAX_SANDBOX=1 venv/bin/trax-mcp demo >demo.txt
	@echo "The wheel runs by itself."

bundle: packer ## pack the MCP Bundle, unpack it elsewhere and start it as a host does
	$(MCPB) validate manifest.json
	$(MCPB) pack . $(BUNDLE)
	$(BIN)/python -m tests.bundle $(BUNDLE) $(TOOLS)

packer: .venv/run $(TOOLS)/packer ## fetch what packs the bundle

image: .venv/run $(TOOLS)/ready ## lint the Dockerfile, and do what it says without a container engine
	$(TOOLS)/bin/hadolint Dockerfile
	$(BIN)/python -m tests.image

clean: ## remove what the other targets made
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf .coverage* *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("trax-mcp needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# node, npm, uv and hadolint come as Python packages: nothing else has to be on the machine.
$(TOOLS)/ready: pyproject.toml Makefile .venv/run
	$(PYTHON) -m venv --without-pip $(TOOLS)
	$(BIN)/python -m pip --python $(TOOLS)/bin/python install --quiet --group packing
	@touch $@

# Trusts what the system trusts: node has a list of its own, which knows no company's proxy.
NPM_INSTALL = NODE_OPTIONS=--use-system-ca PATH=$(CURDIR)/$(TOOLS)/bin:$$PATH npm install \
	--no-save --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error

$(TOOLS)/packer: $(TOOLS)/ready
	$(NPM_INSTALL) --prefix $(TOOLS) @anthropic-ai/mcpb@$(MCPB_VERSION)
	@touch $@

$(REFEREES)/ready: $(TOOLS)/ready
	$(NPM_INSTALL) --prefix $(REFEREES) @modelcontextprotocol/conformance@$(CONFORMANCE_VERSION) @modelcontextprotocol/inspector@$(INSPECTOR_VERSION)
	@touch $@
