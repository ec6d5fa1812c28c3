"""What a classifier is, and how every kind of it is called the same way."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

from escalator.flow import Flow
from escalator.records import Brief, Call, Classification

TASK_TYPES = ("quick_edit", "standard_development", "complex_architecture", "critical")
"""The built-in task types, from the cheapest chain to the dearest."""

BANDS = MappingProxyType(
    {
        "quick_edit": (0.0, 2.0),
        "standard_development": (3.0, 5.0),
        "complex_architecture": (6.0, 8.0),
        "critical": (9.0, 10.0),
    }
)
"""The complexities that belong to each task type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classified:
    """A classification and the model calls that were paid for it."""

    classification: Classification
    calls: tuple[Call, ...] = ()


Answer: TypeAlias = Classification | Classified | Flow[Classification] | Flow[Classified]
"""What a classifier may answer: the judgement itself, or a flow that ends in it."""


class Classifier(Protocol):
    """Says what kind of work a task is.

    A pure classifier returns a `Classification`. One that needs a model returns a flow of steps that ends in a
    `Classification`, or in `Classified` so that its calls are on the books.
    """

    def __call__(self, brief: Brief, /) -> Answer:
        """Judge one task."""


def classified(classifier: Classifier, brief: Brief) -> Flow[Classified]:
    """Call any kind of classifier from inside a flow, as in `found = yield from classified(rules, brief)`."""
    answer = classifier(brief)
    found = (yield from answer) if isinstance(answer, Generator) else answer
    if isinstance(found, Classified):
        return found
    if isinstance(found, Classification):
        return Classified(classification=found)
    raise TypeError(
        f"classifier {classifier!r} answered with {type(found).__name__}; "
        "return a Classification, or a flow that ends in one"
    )
