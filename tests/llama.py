"""Real llama.cpp servers for tests: `llama_servers` is a fixture that starts as many as a test wants.

    def test_something(llama_servers):
        url = llama_servers(grammar='root ::= "yes"', name="local-14b")

Each is a child process with a tiny untrained model; it is gone with the test. Where the wheel is missing, the
test is skipped. A folder of tests that uses it imports both fixtures in its conftest.py.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tiny_model import Nature, write_model

ORDINARY = Nature()
SERVER = Path(__file__).parent / "tiny_server.py"

needs_llama = pytest.mark.needs_llama
"""Put it on tests that use `llama_servers`."""


class StartServer(Protocol):
    """Starts a server and returns its URL once the model is loaded; options as in `tiny_server.serve`."""

    def __call__(self, *, nature: Nature = ORDINARY, **options: Any) -> str:
        """Start one."""
        ...


class Servers:
    """The child processes of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.children: list[subprocess.Popen[str]] = []

    def __call__(self, *, nature: Nature = ORDINARY, **options: Any) -> str:
        """Start one and wait for its URL."""
        path = self._folder / f"{abs(hash(nature))}.gguf"
        if not path.exists():
            write_model(path, nature)
        child = subprocess.Popen(
            [sys.executable, str(SERVER), json.dumps({"model": str(path), **options})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.children.append(child)
        if options.get("port"):
            return f"http://127.0.0.1:{options['port']}"
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, f"the server ended with code {child.wait(5)} before its model was loaded"
        return str(json.loads(line)["url"])

    def stop(self) -> list[int]:
        """Close the pipes, wait, and return the exit codes."""
        for child in self.children:
            assert child.stdin is not None
            child.stdin.close()
        codes = []
        for child in self.children:
            try:
                codes.append(child.wait(10))
            except subprocess.TimeoutExpired:
                child.kill()
                codes.append(child.wait())
            assert child.stdout is not None
            child.stdout.close()
        self.children.clear()
        return codes


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the models of a test run are written, each once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def llama_servers(model_folder: Path) -> Iterator[StartServer]:
    """Starts real llama.cpp servers that end with the test."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: there is no wheel of it for this platform.")
    servers = Servers(model_folder)
    yield servers
    servers.stop()
