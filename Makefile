# Everything a newcomer needs: `make run`, `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= data
SCENE  := build/scene.pcap

.PHONY: help run test fuzz story lint bench peers services services-stop bundle setup kernels clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: kernels ## stream a capture through Citywall: make run [CAPTURE=path] (default: a synthesised scene)
ifdef CAPTURE
	@$(BIN)/citywall run --data "$(DATA)" "$(CAPTURE)"
else
	@test -s $(SCENE) || { mkdir -p build && $(BIN)/citywall synth $(SCENE); }
	@$(BIN)/citywall run --data "$(DATA)" $(SCENE)
endif

test: $(VENV)/.dev kernels ## run every test, three at a time: many wait for clocks and servers
	@$(BIN)/python -m pytest -n 3 --dist loadgroup $(PYTEST)

fuzz: $(VENV)/.dev ## coverage-guided fuzzing of the parsers, bounded: make fuzz [SECONDS_EACH=60] [TARGETS="exports app-dns"] [KEEP=--keep]
	@$(BIN)/pip install --quiet --group fuzz
	@$(BIN)/python tests/fuzz/run.py $(KEEP) $(or $(SECONDS_EACH),60) $(TARGETS)

story: $(VENV)/.dev kernels ## the whole story through the service, its screens saved under build/story (root, tmux)
	@STORY=build/story $(BIN)/python -m pytest tests/end_to_end/test_story.py

lint: $(VENV)/.dev ## formatting, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: kernels $(VENV)/.bench ## measure against peers, keep the results, write the README's table
	@$(BIN)/python -m bench $(BENCH)
	@$(BIN)/python -m bench table

peers: $(VENV)/.bench ## install the peers that bench compares with (needs root for two of them)
	@apt-get install -y softflowd tcpdump nfdump

services: $(VENV)/.run ## Kafka and Elasticsearch on loopback until Ctrl-C (DETACH=1: until services-stop)
	@$(BIN)/python -m bench.services $(if $(DETACH),start,run)

services-stop: $(VENV)/.run ## stop what services started
	@$(BIN)/python -m bench.services stop

bundle: $(VENV)/.run ## wheels, checksums and an installer for machines without a network (x86-64 and arm64)
	@$(BIN)/python deploy/bundle/make.py $(BUNDLE)

setup: $(VENV)/.dev ## the virtual environment with everything tests need

# A fresh Debian has python3 without its venv module; root can mend that, anyone else is told how.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); \
	  else echo "python3 -m venv failed: install it with  sudo apt-get install python3-venv" >&2; exit 1; fi; }
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "installing Citywall into $(VENV) (once)" >&2
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.run
	@$(BIN)/pip install --quiet --group dev
	@touch $@

$(VENV)/.bench: pyproject.toml | $(VENV)/.run
	@$(BIN)/pip install --quiet --group bench
	@touch $@

# Kernels are compiled on their first run and cached under a digest of their sources.
kernels: $(VENV)/.run
	@$(BIN)/citywall compile --quiet

clean: ## remove what make made (the data folder stays)
	@rm -rf $(VENV) build
