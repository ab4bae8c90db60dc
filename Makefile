# Two commands are enough: `make recover` shows the main job, `make test` checks everything. Both set up what they need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Absolute, because Ansible ignores the ansible.cfg of a working directory that everybody may write to.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export LC_ALL := C.UTF-8
# A checkout that belongs to somebody else (a mounted folder, a CI user) is read all the same.
export GIT_CONFIG_COUNT := 1
export GIT_CONFIG_KEY_0 := safe.directory
export GIT_CONFIG_VALUE_0 := *
unexport ANSIBLE_COLLECTIONS_PATH ANSIBLE_INVENTORY ANSIBLE_ROLES_PATH ANSIBLE_STDOUT_CALLBACK PYTHONPATH

GROUPS := lint unit sanity integration importer docs footguns runner lab molecule

.PHONY: help setup test $(GROUPS) requirements

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## The environment (.venv and the link to this checkout); everything below implies it
	@tools/setup.sh

test: setup ## Everything, with a summary at the end
	@python tools/run_stages.py all

$(GROUPS): setup
	@python tools/run_stages.py $@

requirements: setup ## Pin requirements/dev.in anew
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --quiet --upgrade --output-file requirements/dev.txt requirements/dev.in
