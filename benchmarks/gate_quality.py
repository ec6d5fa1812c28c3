"""How many right, broken, empty and cut answers each gate accepts: ours, and those of peers where installed.

    python -m benchmarks gate_quality [--peers PYTHON ...]

A gate is what stands between a model's answer and its acceptance. `--peers` names interpreters that have
cascadeflow, cascade-llm or litellm installed; without it only our own rows are measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gate_problems import KINDS, PROBLEMS, Problem, answers
from benchmarks.measure import table
from escalator import Escalator, Task

Counts = dict[str, int]
"""Accepted answers by kind."""

OURS: Mapping[str, tuple[Any, ...]] = {
    "escalator, syntax alone": ("syntax",),
    "escalator, syntax and tests": ("syntax", "tests"),
}

MATRIX: Mapping[str, Any] = {
    "version": 1,
    "providers": {"here": {"kind": "ollama"}},
    "models": {"small": {"provider": "here", "id": "small", "tier": "local_fast"}},
    "task_types": {
        "quick_edit": {"complexity": [0, 10], "chain": ["small"], "checker": "none", "validators": ["syntax"]}
    },
}


def ours(problems: Sequence[Problem] = PROBLEMS) -> dict[str, Counts]:
    """Our own rows, through `Escalator.validate` on the text as a model would send it."""
    counts = {name: dict.fromkeys(KINDS, 0) for name in OURS}
    with Escalator(MATRIX, ledger=":memory:") as escalator:
        for problem in problems:
            task = Task(prompt=problem.prompt, files=problem.files, tests=problem.tests)
            for kind, text in answers(problem).items():
                for name, validators in OURS.items():
                    verdicts = escalator.validate(text, task, validators=validators)
                    counts[name][kind] += all(verdict.passed for verdict in verdicts)
    return counts


def peers(python: str, problems: Sequence[Problem] = PROBLEMS) -> dict[str, Counts]:
    """The rows of the gates that an interpreter has installed."""
    kinds, lines = [], []
    for problem in problems:
        for kind, text in answers(problem).items():
            kinds.append(kind)
            lines.append(json.dumps({"prompt": problem.prompt, "answer": text}))
    script = Path(__file__).with_name("gate_peers.py")
    ran = subprocess.run(
        [python, str(script)], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"{python} could not judge the answers:\n{ran.stderr[-2000:]}")
    first, *rest = ran.stdout.splitlines()
    counts = {name: dict.fromkeys(KINDS, 0) for name in json.loads(first)}
    for kind, line in zip(kinds, rest, strict=True):
        for name, accepted in json.loads(line).items():
            counts[name][kind] += accepted
    return counts


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gate_quality", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peers", nargs="*", default=[], metavar="PYTHON", help="interpreters with peers installed"
    )
    chosen = parser.parse_args(argv)
    counts = ours()
    for python in chosen.peers:
        counts |= peers(python)
    total = len(PROBLEMS)
    rows = ([gate, *(f"{found[kind]}/{total}" for kind in KINDS)] for gate, found in counts.items())
    print(f"Answers accepted, of {total} problems, by kind of answer:\n")
    print(table(("gate", *KINDS), rows))
    if not chosen.peers:
        print("\nNo --peers given, so only our own gates were measured.", file=sys.stderr)
