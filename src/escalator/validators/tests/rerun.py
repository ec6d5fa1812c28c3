"""What running the failing tests once more tells, whoever runs them, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from escalator.records import Verdict
from escalator.validators.protocol import suspicious

NAME = "tests"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondRun:
    """What running the failing tests again told: those that failed again, those that passed, and those of them
    that changed their result without the answer too.
    """

    steady: tuple[str, ...]
    flaky: tuple[str, ...]
    flaky_before: tuple[str, ...]

    def against(self, wrong: tuple[str, ...], passed_before: frozenset[str]) -> tuple[str, ...]:
        """Which of these tests count: those that failed twice, and those that wavered though they passed before
        and did not waver without the answer.
        """
        wavering = (set(self.flaky) & passed_before) - set(self.flaky_before)
        return tuple(test for test in wrong if test in self.steady or test in wavering)

    @property
    def by_chance(self) -> tuple[str, ...]:
        """The tests that failed once with the answer and then passed, and did not waver without it."""
        return tuple(test for test in self.flaky if test not in self.flaky_before)


def wavering(again: SecondRun, **more: Any) -> Verdict:
    """The verdict on an answer whose tests pass by chance, for all that can be told."""
    return suspicious(
        NAME,
        f"Tests failed once and then passed, which may be the answer's doing: {_few(again.by_chance)}.",
        "Run them a few times before you accept it, or set the option rerun_flaky: false.",
        confidence=0.5,
        **more,
    )


def undoubted(**more: Any) -> Verdict:
    """The verdict on an answer whose tests pass and could not be run again with other expected values."""
    return suspicious(
        NAME,
        "The tests pass, but could not be run again with other expected values.",
        "Read the answer before you accept it, or set the option sentinels: never.",
        confidence=0.4,
        **more,
    )


def by_nature(again: SecondRun) -> tuple[float, str]:
    """How much a pass proves where tests waver without the answer too."""
    return 0.7, f"Tests failed once and then passed, and do so without the answer too: {_few(again.flaky)}."


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3])
