# The two commands: `make demo` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV := .venv
LITE := .venv-litert
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := pyproject.toml train/pyproject.toml runtime/pyproject.toml constraints.txt
WORKERS ?= 2
SECONDS ?= 60
SOAK ?= 1800
GUIDED := graphs manifests zips arrays csv
# shapes in signatures are checked while the tests run, and only then
HOOK := ssdgm_train,ssdgm_export,beartype.beartype

.PHONY: help demo test slow lint check fix docs web litert docs-site bench fuzz soak golden clean

help:
	@echo "make demo   train, convert, verify and use a model on real digits (a few minutes)"
	@echo "make test   install the development set; lint, types, import contracts, the tests"
	@echo "make slow   the tests of whole programs: examples, wheels, killed runs, messy tables"
	@echo "make lint   the checks without the tests"
	@echo "make web    the JavaScript package in Node, and the page of deploy web in Chromium"
	@echo "make litert the files of deploy litert, in an environment of their own"
	@echo "make docs-site   these pages, the methods and every public name as a site in build/site"
	@echo "make fix    repair what ruff can, and write the generated parts of the pages again"
	@echo "make fuzz   random attacks on all that reads files, SECONDS=60 on each"
	@echo "make soak   every call that touches the disk fails; then all at once on 16 threads, SOAK=1800 s"
	@echo "make bench  measure the speed claims of benchmarks/"

$(VENV)/installed: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt -e ./runtime -e ./train -e '.[dev]'
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) install --quiet -c constraints.txt -e ./runtime -e ./train -e '.[docs]'
	@touch $@

$(VENV)/demo: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt -e ./runtime -e ./train -e '.[train,cpu]'
	@touch $@

demo: $(VENV)/demo
	$(BIN)/python examples/demo.py

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" --durations=20 --jaxtyping-packages=$(HOOK)

slow: $(VENV)/installed
	$(BIN)/python -m pytest -n $(WORKERS) -m slow --durations=10 --jaxtyping-packages=$(HOOK)

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: test

fix: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(MAKE) docs

bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt pyro-ppl openvino
	$(BIN)/python -m benchmarks.run

fuzz: $(VENV)/installed
	PYTHONPATH=tests $(BIN)/python tests/fuzz.py --seconds $(SECONDS)
	$(BIN)/python -m pip install --quiet atheris # for Linux and macOS, and not for every Python
	for target in $(GUIDED); do \
	    PYTHONPATH=tests $(BIN)/python tests/guided.py $$target --seconds $(SECONDS) || exit 1; \
	done

soak: $(VENV)/installed
	PYTHONPATH=tests $(BIN)/python tests/faults.py
	$(BIN)/python tests/soak.py --seconds $(SOAK)

docs-site: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python docs/site/links.py build/site

docs: $(VENV)/installed
	$(BIN)/python tests/architecture/readme.py
	$(BIN)/python tests/architecture/settings.py

web: $(VENV)/installed
	PYTHON="$(CURDIR)/$(BIN)/python" tests/web/run.sh

# litert-torch wants older versions of some packages than the development set has
$(LITE)/installed: $(SOURCES) tests/export/lite/constraints.txt
	$(PYTHON) -m venv $(LITE)
	cat tests/export/lite/constraints.txt > $(LITE)/constraints.txt
	cut -d= -f1 tests/export/lite/constraints.txt | sed 's/.*/^&==/' | \
		grep -v -f - constraints.txt >> $(LITE)/constraints.txt
	$(LITE)/bin/python -m pip --disable-pip-version-check install --quiet \
		-c $(LITE)/constraints.txt -e ./runtime -e ./train \
		-e '.[train,cpu,images,tables,litert]' beartype hypothesis jsonschema pytest pytest-xdist
	@touch $@

litert: $(LITE)/installed
	$(LITE)/bin/python -m pytest -p no:anyio -n $(WORKERS) tests/export/lite \
		tests/export/bench/test_eager.py tests/cli/test_deploy.py -m "not slow"

golden: $(VENV)/installed
	$(BIN)/python tests/golden/make.py

clean:
	rm -rf $(VENV) $(LITE) .venv-device build dist demo runs
	rm -rf runtime/javascript/node_modules runtime/javascript/build runtime/javascript/dist
