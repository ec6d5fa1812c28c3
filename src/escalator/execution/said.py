"""What changed on the way to an answer and has to be said: room, the prompt, who answered, what it may cost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from escalator.answers.prompts import TESTS_TOKENS, format_of
from escalator.answers.texts import tokens_in
from escalator.execution.budgets import usd
from escalator.ledger import Scope, to_nano, to_usd
from escalator.records import Brief, Model, Outcome, Plan, Request

_EDITION = re.compile(r"[-@:._]+(?:v?\d[\d.-]*|latest|i?q\d\w*|b?f\d+)(?:[-@:._]+(?:\d[\d.-]*|latest))?")
"""What a server may add to a model's name: a date, a version, how the weights are stored."""


def narrowed(brief: Brief, request: Request) -> Iterator[str]:
    """What a request leaves out of what the task holds, or has no room for in its answer."""
    share = max(300, TESTS_TOKENS // max(len(brief.tests), 1))
    short = [path for path, text in brief.tests.items() if tokens_in(text) > share]
    if short:
        yield f"models are shown {len(short)} of {len(brief.tests)} tests shortened, {short[0]} among them"
    needed = sum(tokens_in(text) for text in brief.files.values())
    if format_of(brief, request.model) == "whole" and needed > request.max_tokens:
        yield (
            f"{request.model.name} may write {request.max_tokens:,} tokens and the files are about {needed:,}: "
            "its context or max_output leaves no more"
        )


def beyond(model: Model, highest: Decimal, scopes: Sequence[Scope]) -> str:
    """That a model may cost more than a budget allows; empty if it may not."""
    limited = [scope for scope in scopes if scope.limit is not None and to_nano(highest) > scope.limit]
    if not limited:
        return ""
    least = min(limited, key=lambda scope: scope.limit or 0)
    what = "this task" if least.name.startswith("task:") else least.name
    allowed = usd(to_usd(least.limit or 0))
    return (
        f"{model.name} could cost up to {usd(highest)}, more than the {allowed} budget of {what}; "
        "a call that does not fit is not made"
    )


def stood_in(outcome: Outcome) -> Iterator[str]:
    """Who answered in place of a model that was asked."""
    ids = {model.name: model.id for model in _models(outcome.plan)}
    for call in outcome.calls:
        wanted = ids.get(call.model, "")
        if wanted and call.answered_by and not is_same(wanted, call.answered_by):
            yield f"{call.model} ({wanted}) was asked and {call.answered_by} answered"


def _models(plan: Plan) -> Iterator[Model]:
    for rung in plan.chain:
        yield rung.model
        if rung.checker is not None:
            yield rung.checker


def is_same(wanted: str, answered: str) -> bool:
    """Whether a name is that of the model asked for, or of an edition of it."""
    one, other = sorted((_bare(wanted), _bare(answered)), key=len)
    return other.startswith(one) and (one == other or _EDITION.fullmatch(other[len(one) :]) is not None)


def _bare(name: str) -> str:
    """A name without the folder or vendor in front of it, and the ending of a file."""
    return re.split(r"[/\\]", name.lower())[-1].removesuffix(".gguf")
