"""A small matrix and a house around it, for tests of the whole walk with scripted models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from escalator import Escalator
from escalator.events import Event
from escalator.ledger import Ledger
from escalator.testing import MemoryLedger, ScriptedProvider, VirtualClock, fenced

RIGHT = fenced("def add(a, b):\n    return a + b", path="adding.py")
WRONG = fenced("def add(a, b):\n    return a - b", path="adding.py")
BROKEN = fenced("def add(a, b:\n    return a + b", path="adding.py")
BASE = {"adding.py": "def add(a, b):\n    return None\n"}
TESTS = {"test_adding.py": "from adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"}


def adds(candidate: Any) -> Any:
    """A validator without a process: does the answer add?"""
    from escalator.validators import failed, passed

    text = candidate.files.get("adding.py", "")
    return passed("adds") if "a + b" in text else failed("adds", feedback="assert add(2, 3) == 5, got -1")


adds.name = "adds"  # type: ignore[attr-defined]
adds.cost = "instant"  # type: ignore[attr-defined]


def adding() -> Any:
    """The factory of the validator above, for what names it as `houses:adding`."""
    return adds


def matrix(**changes: Any) -> dict[str, Any]:
    """Two local models and a paid one; `changes` replace whole sections."""
    data: dict[str, Any] = {
        "version": 1,
        "providers": {
            "here": {"kind": "ollama"},
            "there": {"kind": "lmstudio"},
            "cloud": {"kind": "anthropic", "api_key_env": "ANTHROPIC_API_KEY"},
        },
        "models": {
            "small": {
                "provider": "here",
                "id": "small:1b",
                "tier": "local_fast",
                "context": 8192,
                "max_output": 1024,
            },
            "large": {"provider": "there", "id": "large:30b", "tier": "local_quality", "context": 32768},
            "haiku": {
                "provider": "cloud",
                "id": "claude-haiku-5-5",
                "tier": "haiku",
                "context": 200000,
                "max_output": 1024,
                "vision": True,
            },
        },
        "task_types": {
            name: {
                "complexity": band,
                "chain": ["small", "large", "haiku"],
                "checker": "none",
                "validators": ["syntax"],
                "max_attempts": 2,
                "at_end": end,
                "review": name == "critical",
            }
            for name, band, end in (
                ("quick_edit", [0, 2], "skip"),
                ("standard_development", [3, 5], "skip"),
                ("complex_architecture", [6, 8], "review"),
                ("critical", [9, 10], "review"),
            )
        },
        "cost_guard": {"baseline": "haiku"},
    }
    return {**data, **changes}


def chain_of(*models: str, **more: Any) -> dict[str, Any]:
    """Task types: one for every complexity, with this chain and no checker; `more` replaces its keys."""
    section = {"complexity": [0, 10], "chain": list(models), "checker": "none", "validators": ["syntax"], **more}
    return {"standard_development": section}


class House:
    """An `Escalator` with scripted models, a ledger in memory, a virtual clock and a list of events."""

    def __init__(self, script: Any, *, ledger: Ledger | None = None, approve: Any = None, **changes: Any) -> None:
        self.clock = VirtualClock()
        self.provider = ScriptedProvider(script, clock=self.clock)
        self.events: list[Event] = []
        self.ledger = ledger or MemoryLedger(clock=self.clock.clock)
        self.escalator = Escalator(
            matrix(**changes),
            ledger=self.ledger,
            providers=self.provider,
            approve=approve,
            on_event=self.events.append,
            clock=self.clock.clock,
            timer=self.clock.timer,
            sleep=self.clock.sleep,
        )

    def execute(self, prompt: str = "Fix add() in adding.py.", **options: Any) -> Any:
        return self.escalator.execute(prompt, **self._defaults(options))

    async def aexecute(self, prompt: str = "Fix add() in adding.py.", **options: Any) -> Any:
        return await self.escalator.aexecute(prompt, **self._defaults(options))

    @staticmethod
    def _defaults(options: Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {
            "files": BASE,
            "validators": ["syntax", adds],
            "task_type": "standard_development",
        }
        return {**given, **options}

    def models(self) -> Sequence[str]:
        """The models asked, in order."""
        return [request.model.name for request in self.provider.requests]
