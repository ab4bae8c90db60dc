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
# The tools start Python thousands of times; where its compiled code may not be kept, each start compiles Ansible anew.
unexport PYTHONDONTWRITEBYTECODE

GROUPS := lint unit sanity integration importer docs formats evidence rollback containment footguns runner compose systemd lab molecule

LAB := python tests/lab/lab.py $(if $(LAB_PORT),--base-port $(LAB_PORT))

CHAOS := tools/chaos.sh $(if $(WHERE),--where $(WHERE)) $(if $(SEED),--seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))

.PHONY: help setup recover test $(GROUPS) chaos bench bench-evidence bench-logs bench-containment matrix lab-up lab-break lab-status lab-down requirements clean

help: ## This list
	@awk -F ':.*## ' '/^(# )?[a-z-]+:.*## / { sub(/^# /, ""); printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## The environment (.venv and the link to this checkout); everything below implies it
	@tools/setup.sh

recover: setup ## The main job on the embedded lab: broken (BREAK=all-down), recovered, before and after
	@tools/recover.sh

test: setup ## Everything, with a summary at the end
	@python tools/run_stages.py all

$(GROUPS): setup
	@python tools/run_stages.py $@

# For the list above, since the stages share one recipe:
# lint:        ## yamllint, ruff, mypy, ansible-lint, the house rules
# unit:        ## Unit tests with coverage, and on the oldest Python
# sanity:      ## ansible-test sanity and units
# integration: ## The modules as tasks
# docs:        ## Documentation of plugins, changelog
# importer:    ## The release archive, as Galaxy judges it
# formats:     ## Reports and evidence, judged by the tools that read them
# evidence:    ## Captures on a host with a full disk, a dead mount, every write watched (root)
# rollback:    ## Switches of files killed at every step, deadlines whose setter is gone (root)
# containment: ## What an isolated host can still do, packet by packet, in a container
# footguns:    ## The traps of Ansible itself, raw and guarded
# runner:      ## The plain checkout, run as AWX does
# compose:     ## Services of a compose project in real containers
# systemd:     ## Services on hosts with a systemd of their own, in containers
# lab:         ## Every way to break the embedded lab, recovered or reported
# molecule:    ## Three real hosts in containers

chaos: setup ## 500 random faults, a recovery after each: CASES=50 SEED=7 WHERE=containers; one again: SEED=7 CASE=12 KEEP=1
	@$(CHAOS) $(if $(CASE),--case $(CASE) $(if $(KEEP),--keep),$(if $(CASES),--cases $(CASES)))

bench: setup ## The main job beside other tools, on hosts in namespaces (root): HOSTS="1 10" ROUNDS=3; not part of test
	@tests/bench/enter.sh python tests/bench/bench.py --hosts $(or $(HOSTS),1 10 25 50) --rounds $(or $(ROUNDS),3)
	@echo "See also: make bench-evidence, make bench-logs, make bench-containment"

bench-evidence: setup ## Capturing evidence of a busy host, of 1 GiB of logs, of 20 hosts (root): ONLY=logs MIB=2048 ROUNDS=3
	@tests/bench/enter.sh python tests/bench/evidence.py $(if $(ONLY),--only $(ONLY)) --mib $(or $(MIB),1024) --rounds $(or $(ROUNDS),3)

bench-logs: setup ## Searching 1 GiB of logs beside grep: MIB=256 ROUNDS=3
	@python tests/bench/log_scan.py --mib $(or $(MIB),1024) --rounds $(or $(ROUNDS),3)

bench-containment: setup ## Isolating 20 hosts with evidence before and after (root), and what management feels of it: HOSTS=5 ROUNDS=1
	@tests/bench/enter.sh python tests/bench/containment.py --hosts $(or $(HOSTS),20) --rounds $(or $(ROUNDS),3)
	@tools/containment.sh python3 tests/containment/timing.py

matrix: setup ## The oldest and the newest ansible-core (not part of test)
	@tools/matrix.sh

lab-up: setup ## Start the embedded lab
	@$(LAB) up

lab-break: setup ## Break it: BREAK=hang; without BREAK, list the ways
	@$(LAB) break $(or $(BREAK),--help)

lab-status: setup ## What answers
	@$(LAB) status

lab-down: setup ## End the lab and forget it
	@$(LAB) down

requirements: setup ## Pin requirements/*.in anew
	@tools/pin.sh

clean: ## Remove logs, caches and archives (not the environment, not the lab)
	rm -rf build tests/output
