# make run: environment, dependencies, the app. make test: the same for the tests.
# make site: the page that needs no server, in dist/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test bench site clean

run: $(VENV)/run.stamp
	$(BIN)/python app.py

test: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

bench: $(VENV)/run.stamp
	$(BIN)/python -m demo bench

site: $(VENV)/site.stamp
	$(BIN)/python -m web.build

$(VENV)/run.stamp: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

# npm comes with node in a wheel: it needs the environment's bin first on the path.
$(VENV)/site.stamp: $(VENV)/run.stamp web/requirements.txt web/package-lock.json
	$(BIN)/python -m pip install --quiet -r web/requirements.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix web --ignore-scripts --no-audit --no-fund --silent
	touch $@

# torch first and by its exact version: a build for the CPU lies beside many package indexes.
$(VENV)/test.stamp: $(VENV)/site.stamp tests/requirements.txt models/requirements.txt
	$(BIN)/python -m pip install --quiet -r models/requirements.txt
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) dist web/vendor web/node_modules models/cache models/runs .pytest_cache .ruff_cache
