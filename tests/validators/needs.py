"""Marks for tests of tool chains that a machine may lack: they are skipped there, and the end of the run says so."""

import shutil
import subprocess

import pytest


def _node() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int(said.strip().removeprefix("v").partition(".")[0] or 0)


def _cargo() -> bool:
    return shutil.which("cargo") is not None and shutil.which("cc") is not None


needs_node = pytest.mark.skipif(_node() < 20, reason="no Node 20 or newer here")
needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
needs_cargo = pytest.mark.skipif(not _cargo(), reason="no Cargo here")
