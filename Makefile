# Every target does its own set-up on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers

.PHONY: test check demo docs bench bench-peers clean setup system bubblewrap

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	touch $(READY)

# bubblewrap for the sandbox, PostgreSQL for the ledger's tests, where this user may install packages.
bubblewrap:
	@sh tools/system_packages.sh bubblewrap

system:
	@sh tools/system_packages.sh bubblewrap postgresql

test: setup system
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses=2 --dist=worksteal -m "not clock"
	$(BIN)/pytest -m clock

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/test_architecture.py tests/test_contracts.py

demo: setup bubblewrap
	@$(BIN)/escalator demo

docs: setup
	$(BIN)/python tools/write_reference.py
	$(BIN)/pytest --quiet tests/test_docs.py

bench: setup
	$(BIN)/python -m benchmarks all

# The peers are installed beside the project in an environment of their own; litellm wants a newer certifi than we pin.
bench-peers: $(PEERS)/.ready
	$(PEERS)/bin/python -m benchmarks peers

$(PEERS)/.ready: benchmarks/peers.txt pyproject.toml constraints.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	grep -v '^certifi==' constraints.txt > $(PEERS)/constraints.txt
	$(PEERS)/bin/python -m pip install --quiet --constraint $(PEERS)/constraints.txt --editable . --requirement benchmarks/peers.txt
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
