"""A command line in this process: `main()` as the console script calls it, in a folder of its own."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Shown:
    """What a command said, and the status it left with."""

    status: int
    out: str
    err: str

    @property
    def flat(self) -> str:
        """Both outputs without line breaks, however they were wrapped."""
        return " ".join(f"{self.out} {self.err}".split())

    @property
    def told(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    @property
    def widest(self) -> int:
        """Columns of the longest line on standard output."""
        return max((len(line.rstrip()) for line in self.out.splitlines()), default=0)


class Shell:
    """Runs commands in a folder, on a terminal of 80 columns that is none."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._captured = folder, patch, captured
        patch.chdir(folder)
        self.env(COLUMNS="80", ESCALATOR_LEDGER=str(folder / "ledger.sqlite"), HOME=str(folder))
        for name in ("ESCALATOR_MATRIX", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
            patch.delenv(name, raising=False)

    def env(self, **values: str) -> None:
        """Set environment variables for the commands that follow."""
        for name, value in values.items():
            self._patch.setenv(name, value)

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def __call__(self, *words: str, given: str = "") -> Shown:
        from escalator.cli import main

        self._patch.setattr(sys, "argv", ["escalator", *words])
        self._patch.setattr(sys, "stdin", io.StringIO(given))
        self._captured.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        shown = self._captured.readouterr()
        code = left.value.code
        return Shown(
            status=code if isinstance(code, int) else 0 if code is None else 1, out=shown.out, err=shown.err
        )


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A command line in an empty folder, without a matrix, a ledger and keys."""
    return Shell(tmp_path, monkeypatch, capsys)
