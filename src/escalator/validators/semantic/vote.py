"""Reads one reply of the checker, believes only what it can point at, and computes the vote from the list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from escalator.validators.json_schema import schema_errors
from escalator.validators.semantic.prompt import SCHEMA, Exhibit
from escalator.validators.semantic.rubric import Item

Met: TypeAlias = Literal["yes", "no", "unclear"]
Ballot: TypeAlias = Literal["pass", "fail", "undecided"]


class ReplyError(Exception):
    """The reply is not of the wanted form; the message tells the checker what to do differently."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Defect:
    """Something wrong with the answer, and the call that shows it, if one was given."""

    severity: Literal["blocking", "minor"]
    where: str
    what: str
    call: str = ""
    expected: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One reply, checked. `met` has every item of the rubric; `void`: items whose quote is not in the code."""

    met: dict[str, Met]
    defects: tuple[Defect, ...]
    control: Met
    void: tuple[str, ...] = ()

    @property
    def ballot(self) -> Ballot:
        """fail: a requirement is not met or a defect blocks. pass: all are met. Otherwise undecided."""
        if "no" in self.met.values() or any(defect.severity == "blocking" for defect in self.defects):
            return "fail"
        return "undecided" if "unclear" in self.met.values() else "pass"


def read_vote(text: str, items: Sequence[Item], shown: Exhibit) -> Vote:
    """Read a reply. Raises `ReplyError` for one that is not of the wanted form.

    An item said to be met whose quote does not stand in the code counts as unclear; so does one left out. A
    blocking defect at a place that does not exist is taken for a minor one.
    """
    said = _object(text)
    if errors := schema_errors(SCHEMA, said):
        raise ReplyError("; ".join(errors))
    keys = {item.key for item in items}
    met: dict[str, Met] = dict.fromkeys(sorted(keys), "unclear")
    void: list[str] = []
    for each in said["requirements"]:
        if each["id"] not in keys:
            raise ReplyError(f"There is no requirement {each['id']!r}; the ids are {', '.join(sorted(keys))}.")
        met[each["id"]] = each["met"]
        if each["met"] == "yes" and not shown.holds(each["quote"]):
            met[each["id"]] = "unclear"
            void.append(each["id"])
    defects = tuple(_defect(each, shown) for each in said["defects"][:10])
    return Vote(met=met, defects=defects, control=said["control"], void=tuple(void))


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a reply, whatever prose or fence stands around it."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        raise ReplyError("It holds no JSON object.")
    try:
        said = json.loads(text[start : end + 1])
    except (ValueError, RecursionError) as error:
        raise ReplyError(f"It is not JSON: {error}.") from error
    return dict(said)


def _defect(each: Mapping[str, Any], shown: Exhibit) -> Defect:
    severity: Literal["blocking", "minor"] = "minor"
    if each["severity"] == "blocking" and shown.holds(each["where"]):
        severity = "blocking"
    return Defect(
        severity=severity,
        where=each["where"][:200],
        what=each["what"][:500],
        call=each["call"].strip()[:500],
        expected=each["expected"].strip()[:500],
    )
