# Thin calls of picoinfuse and pytest. `make` lists them.
PYTHON ?= python3
BENCH  ?= stub
PROFILE ?= syringe-50ml
PORT   ?=
HIL    ?=
EVIDENCE ?= build/evidence
SEED   := $(shell date +%s)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Where the MicroPython VM has wheels; the lock must install elsewhere too.
VM_WHEELS := (sys_platform == "linux" and platform_machine == "x86_64") or (sys_platform == "darwin" and platform_machine == "arm64")
# Every page that people write; the tables of two are made by `make docs`.
PAGES   = $(filter-out docs/alarms.md docs/faults.md,$(shell git ls-files '*.md'))
FAST   := -m "not long and not week"
PORT_OPTION := $(if $(PORT),--port $(PORT))

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test test-long lint format hooks unit coverage hil bench doctor flash image deploy monitor docs lock pictures clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements.lock firmware/typings.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/typings -r firmware/typings.lock
	@touch $@

setup: $(READY) ## make the environment .venv with all that is needed

demo: $(READY) ## ten virtual minutes of infusion, an occlusion, a report
	@$(BIN)/picoinfuse demo

test: lint unit ## lint, unit tests and the HIL suite on the stub
	$(BIN)/pytest hil_tests --bench stub -n auto $(FAST)

quick: $(READY) ## in seconds: lint, the unit tests that the change touches, the suite's smoke tests
	@.ci/quick

test-long: $(READY) ## the tests that take minutes, and the property tests with random examples (SEED replays them)
	@echo "test-long: make test-long SEED=$(SEED) tries the same examples again"
	$(BIN)/pytest -m "long or hypothesis" --hypothesis-profile random --hypothesis-seed $(SEED) --timeout 1200 -n auto

lint: $(READY) ## ruff, pyright, who imports whom, names in the pages, their format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pyright -p firmware
	@PYTHONPATH=firmware $(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/check_names.py
	@$(BIN)/mdformat --check $(PAGES) || { echo "lint: run make format" >&2; exit 1; }

format: $(READY) ## format the code and the pages
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/mdformat $(PAGES)

hooks: $(READY) ## check each commit as it is made, from now on (pre-commit)
	$(BIN)/pre-commit install

unit: $(READY) ## unit tests of firmware and host
	$(BIN)/pytest firmware/tests host/tests -n auto $(FAST)

# Tracing makes the tests 2.7 times as slow (CPython 3.11), so coverage has a run of its own, over the tests that stay in
# one process: what starts a board or an emulator is not counted. `unit` judges the tests; a test that fails here, for it
# measures time under tracing, costs the figure its lines and no more.
COVERED := firmware/tests host/tests $(addprefix --ignore=host/tests/,emulator image stub rig campaign flash world)
coverage: $(READY) ## lines of the firmware's core and of the host that unit tests reach, in build/coverage.txt
	@mkdir -p build
	-$(BIN)/pytest $(COVERED) -n auto $(FAST) --timeout 300 -q -rN --cov=firmware/pump/core --cov=host/picoinfuse --cov-report=
	@$(BIN)/coverage report --skip-covered > build/coverage.txt
	@echo "coverage: firmware core $$($(BIN)/coverage report --include='firmware/*' --format=total) %, host $$($(BIN)/coverage report --include='host/*' --format=total) % of lines" | tee -a build/coverage.txt

hil: $(READY) ## the HIL suite on BENCH, its report in EVIDENCE, build/evidence/ (HIL: more options of pytest)
	$(BIN)/pytest hil_tests --bench $(BENCH) --evidence $(EVIDENCE) $(FAST) $(if $(filter stub emulator,$(BENCH)),-n auto) $(if $(filter emulator,$(BENCH)),--timeout 300) $(HIL)

bench: $(READY) ## measure speed and size, print a table
	@$(BIN)/picoinfuse bench

doctor: $(READY) ## what is installed, what is plugged in, what to do about it
	@$(BIN)/picoinfuse doctor

flash: $(READY) ## flash UF2 (default: the newest image in build/) onto the Pico at PORT
	$(BIN)/picoinfuse flash $(UF2) $(PORT_OPTION) $(if $(VOLUME),--volume $(VOLUME))

image: $(READY) ## build the production image from the MicroPython tree MPY_DIR
	$(BIN)/picoinfuse image $(if $(MPY_DIR),--mpy-dir $(MPY_DIR))

deploy: $(READY) ## put the firmware on the board at PORT, with PROFILE
	$(BIN)/picoinfuse deploy --profile $(PROFILE) $(PORT_OPTION)

monitor: $(READY) ## watch the pump at PORT
	$(BIN)/picoinfuse monitor $(PORT_OPTION)

pictures: $(READY) ## make the pictures in docs/
	$(BIN)/python -m picoinfuse.demo.picture

docs: $(READY) ## make the pages and schemas that are generated from tables
	$(BIN)/picoinfuse alarms --markdown > docs/alarms.md
	$(BIN)/picoinfuse faults > docs/faults.md
	$(BIN)/python -m picoinfuse.client.reference docs/protocol.md
	for kind in profile regimen library rig; do \
	  $(BIN)/picoinfuse schema $$kind --markdown > docs/reference/$$kind.md && \
	  $(BIN)/picoinfuse schema $$kind > schemas/$$kind.schema.json || exit 1; done

lock: ## write requirements.lock anew from the ranges in pyproject.toml
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet ".[vm,dev]"
	build/lock/bin/python -m pip freeze --exclude picoinfuse | grep -v ' @ ' | sed 's/^jonnor.*/&; $(VM_WHEELS)/; s/^sysv.*/&; sys_platform == "linux"/' > requirements.lock

clean: ## remove what was built
	rm -rf build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
