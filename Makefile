# Every task of this project; `make` alone lists them.
SHELL := /bin/bash
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
RUN := .venv/bin/python -m
PYTEST := $(RUN) pytest -n 2
ENVTEST = $$(hack/envtest/build.sh)

.DEFAULT_GOAL := help
.PHONY: help quickstart install fmt lint type test test-real test-all cover generate verify check envtest bench simulate deflake run image wheel-test docs clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

quickstart: install ## Bring up a management API and a simulated cluster, and watch it become Ready
	.venv/bin/capelin quickstart

install: .venv/installed ## Create the environment in .venv

.venv/installed: uv.lock pyproject.toml | $(UV)
	$(UV) sync --frozen --quiet
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv && .uv/bin/pip install --quiet uv

fmt: install ## Format the code
	.venv/bin/ruff format && .venv/bin/ruff check --fix

lint: install ## Check style and the layers between packages
	.venv/bin/ruff format --check && .venv/bin/ruff check && .venv/bin/lint-imports

type: install ## Check types
	$(RUN) mypy -p capelin -p tests -p hack

test: install ## Run the fast tests: what the README promises
	$(PYTEST) -m "(not slow or drawn) and not real"

test-real: install ## Run the tests against a real kube-apiserver and etcd (built on first use), and the slow ones that matter
	KUBEBUILDER_ASSETS=$(ENVTEST) CAPELIN_REQUIRE_REAL=1 $(PYTEST) -p no:randomly --dist loadfile -m "real or gate"

test-all: install ## Run every test there is, properties on fifty times as many objects
	CAPELIN_DRAWS=10000 KUBEBUILDER_ASSETS=$(ENVTEST) CAPELIN_REQUIRE_REAL=1 $(PYTEST)

cover: install ## Run the fast tests and report which lines they reach
	.venv/bin/coverage run -m pytest -m "not slow and not real" && .venv/bin/coverage report

generate: install ## Rebuild every generated file
	for generator in hack/gen_*.py; do $(RUN) hack.$$(basename $$generator .py) || exit 1; done

verify: install ## Fail when a generated file is not current
	for generator in hack/gen_*.py; do $(RUN) hack.$$(basename $$generator .py) --check || exit 1; done

check: lint type verify ## Lint, types, generated files; no tests

envtest: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl (once; about five minutes)
	hack/envtest/build.sh

bench: install ## Create and delete fleets, and print what they cost
	$(RUN) hack.bench

simulate: install ## Run 1 000 seeds of the simulator: about twenty minutes on two idle cores
	$(RUN) capelin.simulation run --seeds 1000

deflake: install ## Run the fast tests in random orders until one fails
	while $(PYTEST) -m "not slow and not real"; do :; done

run: install ## Run the controllers against the cluster of the current kubeconfig
	.venv/bin/capelin manager

image: ## Build the container image
	docker build --tag capelin:dev .

wheel-test: install | $(UV) ## Build the wheel, install it into an empty environment and start it
	hack/wheel_test.sh $(UV)

docs: install ## Rebuild the generated pages and run every shell block of the docs
	$(RUN) hack.gen_docs && $(RUN) pytest tests/docs

clean: ## Remove what the other tasks made
	rm -rf .venv .uv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
