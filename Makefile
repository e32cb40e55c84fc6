# make demo    install what aligning needs, align the reads that ship to the genome that ships
# make env     .venv with everything: genoseq editable, all extras, tools for development
# make test    the whole test suite            make lint    style, format, types
# make nextflow        Nextflow into the environment, where none is on PATH
# make demo-nextflow   all workflows on the data that ships
# make test-cluster    the workflows with faults, and on a real Slurm where its packages are
# make bench   the table of the benchmarks     make docs    docs/cli.md, and the output in pages and notebooks

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python that numba, the pickiest dependency, supports.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
# uv where it is, pip everywhere else; both read pyproject.toml.
ifeq ($(shell uv --version >/dev/null 2>&1 && echo yes),yes)
  CREATE = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
  INSTALL = VIRTUAL_ENV=$(abspath $(VENV)) uv pip install --quiet
else
  CREATE = $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
  INSTALL = $(BIN)/python -m pip install --quiet
endif
# `make test ARGS="-m 'not slow' -x"`
ARGS ?=

# Two releases, the oldest that the workflows run on and the newest that Maven has: NXF_VER picks one.
NEXTFLOWS := 24.10 25.04
MVN := mvn --batch-mode --no-transfer-progress --quiet -Dstyle.color=never --file tests/nextflow/pom.xml

.PHONY: env demo nextflow demo-nextflow test test-cluster lint format bench docs clean

env: $(VENV)/.everything

$(VENV)/.base: pyproject.toml
	@test -n "$(PYTHON)" || { echo 'genoseq needs Python 3.11, 3.12 or 3.13 (make PYTHON=/path/to/python3.11 ...)' >&2; exit 2; }
	$(CREATE)
	$(INSTALL) -e .
	@touch $@

$(VENV)/.everything: $(VENV)/.base
	$(INSTALL) -e '.[all]' --group dev
	@touch $@

demo: $(VENV)/.base
	@mkdir -p demo
	$(BIN)/genoseq align -r data/genome.fa.gz data/reads.fq.gz -o demo/reads.sam
	@echo; echo 'demo/reads.sam:'; head -n 12 demo/reads.sam | cut -c 1-140

nextflow: $(VENV)/.nextflow

$(VENV)/.nextflow: tests/nextflow/pom.xml tests/nextflow/nextflow $(VENV)/.base
	for version in $(NEXTFLOWS); do \
	  $(MVN) -P $$version dependency:copy-dependencies -DincludeScope=runtime \
	    -DoutputDirectory=$(abspath $(VENV))/nextflow/$$version || exit 1; \
	done
	install -m 755 tests/nextflow/nextflow $(BIN)/nextflow
	cd $(VENV)/nextflow && for version in $(NEXTFLOWS); do \
	  NXF_VER=$$version $(abspath $(BIN))/nextflow -q run $(CURDIR)/nextflow -profile test -preview || exit 1; done
	@touch $@

demo-nextflow: env
	@PATH="$(abspath $(BIN)):$$PATH" command -v nextflow >/dev/null || $(MAKE) nextflow
	PATH="$(abspath $(BIN)):$$PATH" nextflow run nextflow -profile test --outdir demo/nextflow -work-dir demo/work

test: env
	$(BIN)/python -m pytest $(ARGS)

test-cluster: env nextflow
	GENOSEQ_CI=1 $(BIN)/python -m pytest tests/nextflow -m cluster $(ARGS)

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: env
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: env
	$(BIN)/python benchmarks/align/run.py $(ARGS)

docs: env
	$(BIN)/python docs/make_cli.py docs/cli.md
	$(BIN)/python docs/run_examples.py --write
	$(BIN)/python docs/run_notebooks.py examples/*.ipynb

clean:
	rm -rf .nextflow .nextflow.log* demo dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find genoseq tests -name __pycache__ -type d -exec rm -rf {} +
