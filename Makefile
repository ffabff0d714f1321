# SPDX-License-Identifier: Apache-2.0
# What a person types.  Each target says first what it needs and what it installs.
# ARGS go to what is run: make test ARGS="-k host tests/unit"

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
NAME ?= host_life
# Most of what the tests do is waiting for hosts, so there are more than cores.
JOBS ?= 4

.DEFAULT_GOAL := help
.PHONY: help demo test test-lowest up lint bench images constraints sbom lab-up lab-down clean venv

help: ## this list
	@echo "Hummingbird: small node management for StarlingX and any Kubernetes."
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo "demo, test, bench and lab-* need Linux and root; up and lint do not."

demo: ## three real hosts join a real Kubernetes, one through NAT, one loses its power, one retires (KEEP=1 leaves it running)
	@tools/requirements.sh demo
	@$(MAKE) --no-print-directory venv
	@$(BIN)/python tools/demo.py $(ARGS)

test: ## all tests, with real hosts, databases and message broker
	@tools/requirements.sh test
	@$(MAKE) --no-print-directory venv
	@$(BIN)/hummingbird-lab prepare --images
	@$(BIN)/python -m tests.keystone_server
	@$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
	  --durations 20 $(ARGS)

test-lowest: ## the tests that need no lab, on the oldest libraries that setup.cfg allows
	@tools/requirements.sh test
	@echo "Installing Hummingbird on its oldest libraries into build/lowest (1 to 2 min)"
	@test -x build/lowest/bin/python || $(PYTHON) -m venv build/lowest
	@$(call install,build/lowest/bin,constraints-lowest.txt)
	@build/lowest/bin/pytest -n $(JOBS) --dist loadfile $(or $(ARGS), \
	  tests/unit tests/contract tests/migration tests/functional tests/scenario)

up: venv ## the control plane alone, against your own kubeconfig; needs no root
	@$(BIN)/hummingbird up $(ARGS)

lint: venv ## layers, types, style of code and playbooks
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/yamllint --strict playbooks
	@$(BIN)/python tools/host_words.py

bench: ## one script of bench/, its JSON line last: make bench NAME=host_life
	@tools/requirements.sh bench >&2
	@$(MAKE) --no-print-directory venv >&2
	@$(BIN)/python bench/$(NAME).py $(ARGS)

images: ## the agents' images, pushed to a registry of your own: make images REGISTRY=registry.example/edge; build/images/agents.conf names them by digest
	@REGISTRY="$(REGISTRY)" tools/build_images.sh $(ARGS)

constraints: ## the lists of exact versions anew, from what setup.cfg allows and PyPI has today
	@tools/constraints.sh

sbom: ## what Hummingbird and its images are made of (CycloneDX), and of what and by what they were built: build/sbom
	@PYTHON="$(PYTHON)" tools/sbom.sh

lab-up: ## three edge hosts, their networks and a Kubernetes, on this machine
	@tools/requirements.sh lab-up
	@$(MAKE) --no-print-directory venv
	@$(BIN)/hummingbird-lab up --images $(ARGS)

lab-down: ## end that lab; nothing of it stays
	@$(BIN)/hummingbird-lab down $(ARGS)

clean: ## remove what was made in this folder (the lab's cache is in ~/.cache/hummingbird)
	rm -rf .venv .tox build dist *.egg-info lab/*.egg-info \
	  .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

venv: .venv/installed

# What a list has and no other, then what is here, which asks nobody for anything.
install = \
  $(1)/pip install --quiet --disable-pip-version-check --require-hashes -r $(2) && \
  $(1)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    -e . -e ./lab

# Again only when what is to be installed has changed.
.venv/installed: setup.cfg setup.py lab/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; exit 1; }
	@echo "Installing Hummingbird, its test tools and the lab into .venv (1 to 2 min)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@rm -rf hummingbird.egg-info  # a stale one would hide the installed entry points
	@$(call install,$(BIN),constraints.txt)
	@touch $@
