# Verbs only; `make help` lists them. Needs python3 (3.11 or newer) and nothing else.

PYTHON ?= python3
PORT ?= 5006
WORKERS ?= 0
STRIPES ?= 1,4,8
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test fuzz reliability observability e2e lint validate docs format bench bench-scaling lock clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/server.done ## Serve on PORT (5006) with WORKERS processes (one per CPU) until Ctrl-C
	@exec $(BIN)/python -m grisaille serve --port $(PORT) --workers $(WORKERS)

test: $(VENV)/test.done ## Run all tests that need no cluster, two files at a time
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

reliability: $(VENV)/test.done ## Let workers die, hang, lie and come back under load; writes docs/reliability.md (Linux)
	$(BIN)/python -m pytest tests/reliability --report docs/reliability.md --soak-seconds 180

fuzz: $(VENV)/test.done ## Damage files some 100,000 times in search of one that breaks a parser or a kernel
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/fuzz

observability: $(VENV)/test.done ## Every panel, rule and alert against a real Prometheus (Debian's package has it)
	$(BIN)/python -m pytest tests/observability

e2e: $(VENV)/test.done ## Build, deploy and test on the cluster of the current kubectl context (TOOLS: a test cluster's)
	tests/e2e/build $(TOOLS)
	$(BIN)/python -m pytest tests/e2e -s

lint: $(VENV)/test.done validate ## Check style, types and formatting, and `make validate`
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

validate: $(VENV)-validate/validate.done ## Check what is deployed: schemas, policies, the chart, without a cluster
	$(VENV)-validate/bin/python -m pytest tests/validate --config-file tests/validate/pytest.ini

docs: $(VENV)/test.done $(VENV)-validate/validate.done ## Write pages, dashboard and alert rules that are made from code
	$(BIN)/python -m docs.generate
	$(VENV)-validate/bin/python deploy/dashboards/build.py
	$(VENV)-validate/bin/python deploy/alerts/build.py

format: $(VENV)/test.done ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/test.done ## Measure beside Pillow and libvips, and beside the predecessor for STRIPES (1,4,8)
	$(BIN)/python -m bench
	$(BIN)/python -m bench.small
	$(BIN)/python -m bench.predecessor --stripes $(STRIPES)

bench-scaling: $(VENV)/test.done ## Measure 1 to 8 workers with a tenth of a core each (Linux, as root)
	$(BIN)/python -m bench.scaling

lock: ## Write requirements/*.txt anew from pyproject.toml
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/python requirements/lock.py
	rm -rf $(VENV)-lock

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) $(VENV)-validate .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python $(VENV)-validate/bin/python:
	$(PYTHON) -m venv $(@D:/bin=)

define install
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
endef

$(VENV)/%.done: requirements/%.txt $(VENV)/bin/python
	$(install)

# Apart: the tools that check manifests bring a hundred packages, which the tests must not meet.
$(VENV)-validate/%.done: requirements/%.txt $(VENV)-validate/bin/python
	$(install)
