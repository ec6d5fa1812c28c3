"""Small makers of records for tests: what a test does not care about has a default here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from escalator.records import (
    Attempt,
    Brief,
    Call,
    ChangeSet,
    Classification,
    Failure,
    Model,
    Plan,
    Policies,
    Price,
    Rejection,
    Rung,
    Tier,
    ValidatorSpec,
    Verdict,
)

FREE = Price(input=Decimal(0), output=Decimal(0))


def model(name: str = "local-14b", tier: Tier = Tier.LOCAL_FAST, **more: Any) -> Model:
    more.setdefault("local", tier.rank < 0)
    more.setdefault("price", FREE if more["local"] else None)
    more.setdefault("provider", "ollama" if more["local"] else "anthropic")
    return Model(**{"kind": "ollama", "id": name, "name": name, "tier": tier, **more})


def chain(*names: str, attempts: int = 2) -> tuple[Rung, ...]:
    tiers = [Tier.LOCAL_FAST, Tier.LOCAL_BALANCED, Tier.HAIKU, Tier.SONNET, Tier.OPUS]
    last = len(names) - 1
    return tuple(
        Rung(index=i, model=model(name, tiers[i % 5], provider=f"p{i}"), attempts=attempts, last=i == last)
        for i, name in enumerate(names)
    )


def plan(*names: str, validators: tuple[str, ...] = ("syntax", "tests"), attempts: int = 2, **more: Any) -> Plan:
    more.setdefault("policies", Policies())
    return Plan(
        classification=Classification(task_type="standard_development", complexity=4),
        chain=chain(*(names or ("a", "b", "c")), attempts=attempts),
        validators=tuple(ValidatorSpec(name=name) for name in validators),
        **more,
    )


def brief(**more: Any) -> Brief:
    return Brief(**{"task_id": "t1", "prompt": "Make it work.", **more})


def answered(rung: Rung, number: int = 1, text: str = "x = 1\n", **more: Any) -> Attempt:
    return Attempt(
        rung=rung.index,
        number=number,
        model=rung.model.name,
        answer=text,
        changes=ChangeSet(files={"x.py": text}),
        calls=(call(rung),),
        **more,
    )


def broken(rung: Rung, kind: str, number: int = 1, *, sent: bool = True) -> Attempt:
    return Attempt(
        rung=rung.index,
        number=number,
        model=rung.model.name,
        failure=Failure(kind=kind, message=f"{kind} happened", provider=rung.model.provider),  # type: ignore[arg-type]
        calls=(call(rung),) if sent else (),
    )


def unusable(rung: Rung, number: int = 1, kind: str = "no_code") -> Attempt:
    return Attempt(
        rung=rung.index,
        number=number,
        model=rung.model.name,
        answer="?",
        rejection=Rejection(kind=kind, feedback="Answer with code."),  # type: ignore[arg-type]
        calls=(call(rung),),
    )


def call(rung: Rung, cost: str = "0.01") -> Call:
    return Call(
        purpose="worker", model=rung.model.name, provider=rung.model.provider, cost=Decimal(cost), rung=rung.index
    )


def passed(name: str, **more: Any) -> Verdict:
    return Verdict(validator=name, status="passed", **more)


def failed(name: str, feedback: str = "line 1: wrong", **more: Any) -> Verdict:
    return Verdict(validator=name, status="failed", feedback=feedback, **more)


def undecided(name: str, reason: str = "unavailable", **more: Any) -> Verdict:
    return Verdict(validator=name, status="inconclusive", reason=reason, hint="install it", **more)  # type: ignore[arg-type]
