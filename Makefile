# Claimtwin: every target sets up what it needs from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := lib tests jobs docs $(wildcard notebooks) $(wildcard bench)
JAVA_APT := apt-get install -y openjdk-17-jre-headless

.DEFAULT_GOAL := help
.PHONY: help setup java demo test check fmt bench coverage paper wheel zip lock clean

help: ## print this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.jars ## Java, the virtual environment from the hash lock, and the Delta JARs

# Java 17 or newer: JAVA_HOME's, else the one on PATH. Installed only by root on Debian or Ubuntu; else we say how.
java:
	@version=$$("$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version 2>&1 | sed -nE 's/.*version "(1\.)?([0-9]+).*/\2/p'); \
	if [ "$${version:-0}" -ge 17 ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && [ -f /etc/debian_version ] && [ -z "$$JAVA_HOME" ]; then \
	    echo "Java 17 is missing; installing it: $(JAVA_APT)"; \
	    log=$$(mktemp); \
	    { apt-get update && DEBIAN_FRONTEND=noninteractive $(JAVA_APT); } >"$$log" 2>&1 || { tail -n 5 "$$log"; exit 1; }; \
	    if update-alternatives --list java 2>/dev/null | grep -q java-17; then \
	        update-alternatives --set java "$$(update-alternatives --list java | grep java-17)" >/dev/null; fi; \
	else \
	    echo "Java 17 or newer is needed$${JAVA_HOME:+ (JAVA_HOME is $$JAVA_HOME)}. Type this, then make again:"; \
	    if [ -f /etc/debian_version ]; then echo "  sudo $(JAVA_APT)"; \
	    elif [ "$$(uname)" = Darwin ]; then echo "  brew install openjdk@17 && export JAVA_HOME=\$$(brew --prefix openjdk@17)"; \
	    elif command -v dnf >/dev/null; then echo "  sudo dnf install -y java-17-openjdk-headless"; \
	    else echo "  install OpenJDK 17 and set JAVA_HOME to it"; fi; \
	    exit 1; \
	fi

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	@echo "Virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Packages from requirements-dev.lock (pyspark is large: some minutes the first time)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.jars: $(VENV)/.ready | java
	@$(BIN)/claimtwin doctor --fetch
	@touch $@

demo: setup java ## a whole study on made-up claims with a known effect; leaves claimtwin-demo/report.html
	@$(BIN)/claimtwin demo --folder claimtwin-demo

test: setup java ## run the tests: those of the whole way, and beside them all others
	@others=$$(mktemp); $(BIN)/python -m pytest -q -m "not whole_way" --durations=5 >"$$others" 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest -q -m whole_way --durations=5; status=$$?; \
	wait $$beside || status=1; cat "$$others"; rm -f "$$others"; exit $$status

check: $(VENV)/.ready ## lint, formatting, types and house rules; changes nothing
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy lib/claimtwin jobs
	$(BIN)/python -m pytest -q tests/house

fmt: $(VENV)/.ready ## format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: setup java ## measure time and memory on this machine
	@$(BIN)/python -m bench

coverage: setup ## 500 made-up populations: bias, coverage and type-I error of every model
	@$(BIN)/python -m bench.coverage

paper: setup java ## the preset study on claims calibrated to the abstract, beside published and planted figures
	@$(BIN)/python -m bench.paper

wheel: $(VENV)/.ready ## build the wheel into dist/
	@rm -f dist/claimtwin-*.whl
	@$(BIN)/python -m hatchling build -t wheel

# A wheel holds the package and its presets, and is a zip archive; --py-files goes by the name's ending.
zip: wheel ## build dist/claimtwin.zip, the archive for spark-submit --py-files
	@cp dist/claimtwin-*.whl dist/claimtwin.zip
	@echo dist/claimtwin.zip

lock: ## resolve requirements-dev.lock anew, with hashes (needs uv)
	uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-package claimtwin -o requirements-dev.lock pyproject.toml

clean: ## remove what the other targets made
	rm -rf $(VENV) dist claimtwin-demo claimtwin-paper .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse
