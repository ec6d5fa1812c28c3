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
    """One reply, checked. `met` has every item of the rubric. `void`: items whose quote does not show the point.
    `contradicted`: items that the reply judges in two ways.
    """

    met: dict[str, Met]
    defects: tuple[Defect, ...]
    control: Met
    void: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()

    @property
    def ballot(self) -> Ballot:
        """fail: a requirement is not met or a defect blocks. pass: all are met. Otherwise undecided."""
        if "no" in self.met.values() or any(defect.severity == "blocking" for defect in self.defects):
            return "fail"
        return "undecided" if "unclear" in self.met.values() else "pass"


def read_vote(text: str, items: Sequence[Item], shown: Exhibit) -> Vote:
    """Read a reply. Raises `ReplyError` for one that is not of the wanted form.

    An item counts as unclear if it is left out, judged in two ways, or said to be met by a quote that does not
    show it; and every item does if no quote stands where the answer changed something. A blocking defect at a
    place that does not exist is taken for a minor one.
    """
    said = _object(text)
    if errors := schema_errors(SCHEMA, said):
        raise ReplyError("; ".join(errors))
    texts = {item.key: item.text for item in items}
    judged: dict[str, list[Mapping[str, Any]]] = {}
    for each in said["requirements"]:
        if each["id"] not in texts:
            raise ReplyError(f"There is no requirement {each['id']!r}; the ids are {', '.join(sorted(texts))}.")
        judged.setdefault(each["id"], []).append(each)
    words = {key: {each["met"] for each in judged.get(key, ())} or {"unclear"} for key in sorted(texts)}
    quotes = {key: [each["quote"] for each in judged[key]] for key, said in words.items() if said == {"yes"}}
    void = [key for key, given in quotes.items() if not all(shown.shows(quote, texts[key]) for quote in given)]
    if not any(shown.is_changed(quote) for key, given in quotes.items() if key not in void for quote in given):
        void = list(quotes)
    contradicted = tuple(key for key, said in words.items() if len(said) > 1)
    return Vote(
        met={key: "unclear" if key in {*void, *contradicted} else min(said) for key, said in words.items()},
        defects=tuple(_defect(each, shown) for each in said["defects"][:10]),
        control=said["control"],
        void=tuple(void),
        contradicted=contradicted,
    )


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a reply, whatever prose or fence stands around it."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        raise ReplyError("It holds no JSON object.")
    try:
        said = json.loads(text[start : end + 1], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ReplyError(f"It is not JSON: {error}.") from error
    return dict(said)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are given once: of two values for one key, neither can be chosen."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ReplyError("One key is given twice in the same object.")
    return found


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
