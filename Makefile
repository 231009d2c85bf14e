# Two commands do everything: `make demo` and `make test`. Both make the environments they need
# and use them again when they are there.

PYTHON ?= python3
VENV := .venv
LABEL_STUDIO := .venv-label-studio
TEST := $(VENV)/bin/python -m pytest
# Two processes with one thread each, and with servers of their own; the tests of a file stay
# together, in their order. Files are begun by name, after the longest (tests/conftest.py): by number
# of tests, files of few long tests would come last, for one process alone.
TEST_PARALLEL := OMP_NUM_THREADS=1 $(TEST) --numprocesses 2 --dist loadfile --no-loadscope-reorder
PIP_FLAGS := --disable-pip-version-check --quiet
# Only what a lock has, in the files whose digests it has. A dependency without a wheel is built by
# what locks/build.txt pins, not by what the index has today.
LOCKED := -m pip install $(PIP_FLAGS) --require-hashes --no-deps --only-binary :all: --no-build-isolation
TOOLS := .venv-tools

# Compiled modules are kept, as Python does by itself: a campaign in the tests starts hundreds of
# processes, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

# Makes each of the targets, whatever became of the others, and says at the end which failed.
define each
@failed=; for part in $(1); do $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
	if [ -n "$$failed" ]; then echo "make $@: FAILED:$$failed"; exit 1; fi; \
	echo "make $@: all passed: $(1)"
endef

.PHONY: help demo test test-plain test-services quick docs reference lint rules format types plug-ins \
	layers faults attacks soak mutants results claims \
	env env-label-studio env-tools lock audit clean

help:
	@echo "make demo   the whole loop on sample data: three rounds, real Label Studio, about 4 minutes"
	@echo "make test   all checks and tests, the ones with real services included"
	@echo "make quick  the quick tests, under a minute"
	@echo "make lint   style, types, import layers"
	@echo "make docs   the pages as a site in build/docs; a broken link is an error"
	@echo "make reference  docs/reference/ anew, from the code"
	@echo "make results  the tables and pictures of the pages anew, from benchmarks/results/"
	@echo "make claims measure the cheap claims again: which still hold? under 15 minutes"
	@echo "make faults push and pull under every fault, a life with the n-th effect failed: 25 minutes"
	@echo "make attacks what strangers, annotators and hostile files could do, tried, as a table"
	@echo "make soak   300 lives of campaigns at random: does every promise hold? half an hour"
	@echo "make mutants 400 random changes of the code: does a quick test notice? as a table, an hour"
	@echo "make lock   write locks/*.txt: versions and digests (UPGRADE=--upgrade takes the newest)"
	@echo "make audit  ask which locked packages have known faults, and say which could not be asked"
	@echo "make clean  remove the environments and the demo"

demo: env env-label-studio
	$(VENV)/bin/labelcycle demo demo

test: env env-label-studio
	$(call each,lint docs test-plain test-services)

test-plain: env
	$(TEST_PARALLEL) -m "not service"

test-services: env env-label-studio
	$(TEST_PARALLEL) -m service

quick: env
	$(TEST_PARALLEL) -m "not service and not slow" --hypothesis-profile quick

# For example FAULTS="--into benchmarks/results/faults.json", or NTH="--points all".
faults: env env-label-studio
	PYTHONPATH=tests:tests/support:benchmarks $(VENV)/bin/python -m faults $(FAULTS)
	OMP_NUM_THREADS=1 PYTHONPATH=tests:tests/support:benchmarks \
		$(VENV)/bin/python -m faults.nth_failure $(NTH)

attacks: env env-label-studio
	PYTHONPATH=tests:tests/support $(VENV)/bin/python -m attacks

# For example SOAK="--lives 300 --seed 1".
soak: env
	PYTHONPATH=tests:tests/support:benchmarks $(VENV)/bin/python -m soak $(SOAK)

docs: env
	$(VENV)/bin/python tools/reference.py --check
	$(VENV)/bin/python tools/results.py --check
	$(VENV)/bin/python benchmarks/results_figures.py --check
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --fresh-env --quiet docs build/docs
	@echo "the site: build/docs/index.html"

reference: env
	$(VENV)/bin/python tools/reference.py

results: env
	$(VENV)/bin/python tools/results.py
	$(VENV)/bin/python benchmarks/results_figures.py

# For example CLAIMS="--shared FOLDER", or CLAIMS="--only crowd".
claims: env
	$(VENV)/bin/python benchmarks/claims.py $(CLAIMS)

# For example MUTANTS="core --sample 100 --seed 2".
mutants: env
	OMP_NUM_THREADS=1 $(VENV)/bin/python tools/mutants.py $(MUTANTS)

lint: env
	$(call each,rules format types plug-ins layers)

rules: env
	$(VENV)/bin/ruff check .

format: env
	$(VENV)/bin/ruff format --check .

types: env
	$(VENV)/bin/mypy

plug-ins: env
	$(VENV)/bin/python tools/plug_in_types.py

layers: env
	$(VENV)/bin/lint-imports

env: $(VENV)/.complete
	@echo "environment $(VENV): in place"

env-label-studio: $(LABEL_STUDIO)/.complete
	@echo "environment $(LABEL_STUDIO): in place"

env-tools: $(TOOLS)/.complete

$(VENV)/.complete: pyproject.toml locks/build.txt locks/runtime.txt locks/dev.txt
	@echo "making $(VENV): the pipeline with torch, about 8 GB"
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(LOCKED) --requirement locks/build.txt
	$(VENV)/bin/python $(LOCKED) --no-binary antlr4-python3-runtime \
		--requirement locks/runtime.txt --requirement locks/dev.txt
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@

# Label Studio's server pins libraries that Prefect cannot live with, so it has its own.
$(LABEL_STUDIO)/.complete: locks/build.txt locks/label-studio.txt
	@echo "making $(LABEL_STUDIO): Label Studio's server, about 1 GB"
	test -x $(LABEL_STUDIO)/bin/python || $(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python $(LOCKED) --requirement locks/build.txt
	$(LABEL_STUDIO)/bin/python $(LOCKED) --requirement locks/label-studio.txt \
		--no-binary attr,django-ranged-fileresponse,drf-flex-fields,drf-generators,ordered-set
	@touch $@

$(TOOLS)/.complete: locks/tools.txt
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python $(LOCKED) --requirement locks/tools.txt
	@touch $@

lock: env-tools
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(TOOLS)/bin/python tools/lock.py $(UPGRADE)

audit: env-tools
	$(TOOLS)/bin/python tools/audit.py

clean:
	test ! -d demo || $(VENV)/bin/labelcycle --campaign demo down
	rm -rf demo build/docs .mutants $(VENV) $(LABEL_STUDIO) $(TOOLS)
