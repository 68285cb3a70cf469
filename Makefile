# `make demo` and `make test` set up everything they need by themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test soak check bench proto clean franka

# The environment is complete when its stamp is newer than what it was made from.
$(VENV)/.ready: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hilt needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,tensorboard,hub]'
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt 'franka-rs'
	touch $@

demo: $(VENV)/.ready
	$(BIN)/hilt demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest

# An arm that is not there, for the tests of the real one; it needs an older numpy than hilt.
franka: $(VENV)-franka/.ready

$(VENV)-franka/.ready:
	$(PYTHON) -m venv $(VENV)-franka
	$(VENV)-franka/bin/python -m pip install --quiet --disable-pip-version-check 'franka-sim==1.1.7' 'numpy==1.26.4' 'mujoco<3.3'
	touch $@

soak: $(VENV)/.ready
	$(BIN)/python -m tests.system.soak
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.ready
	$(BIN)/hilt bench --peer

proto: $(VENV)/.ready
	$(BIN)/python -m grpc_tools.protoc -I src --python_out=src --pyi_out=src src/hilt/data/transition.proto src/hilt/transport/hilt.proto

clean:
	rm -rf $(VENV) $(VENV)-franka .pytest_cache .mypy_cache .ruff_cache build src/*.egg-info
