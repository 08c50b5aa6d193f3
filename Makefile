# make run: environment, dependencies, the app. make test: the same for the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test bench clean

run: $(VENV)/run.stamp
	$(BIN)/python app.py

test: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

bench: $(VENV)/run.stamp
	$(BIN)/python -m demo bench

$(VENV)/run.stamp: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

# torch first and by its exact version: a build for the CPU lies beside many package indexes.
$(VENV)/test.stamp: $(VENV)/run.stamp tests/requirements.txt models/requirements.txt
	$(BIN)/python -m pip install --quiet -r models/requirements.txt
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) models/cache models/runs .pytest_cache .ruff_cache
