"""What an answer is asked to meet, item by item, taken from the task before any answer is seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.records import Brief

MOST_ITEMS = 12
_LONGEST_ITEM = 400
_SHORTEST_ITEM = 8
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*+\u2022]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(.*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")
_NOT_A_DEMAND = re.compile(
    r"^(?:hi|hello|hey|dear|thanks|thank you|please help|here (?:is|are)|cheers)\b", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing the answer must meet; `key` is "R1", "R2", ..."""

    key: str
    text: str


def rubric(brief: Brief) -> tuple[Item, ...]:
    """The task's own requirements; where it lists none, one item for each bullet or sentence of its prompt.

    Never empty: a prompt without a usable sentence is one item as a whole. At most 12 items; what is beyond
    stands together in the last.
    """
    demands = [_tidy(text) for text in brief.requirements] or _demands(brief.prompt)
    demands = list(dict.fromkeys(text for text in demands if text)) or ["The answer does what the task asks."]
    if len(demands) > MOST_ITEMS:
        demands = [*demands[: MOST_ITEMS - 1], " ".join(demands[MOST_ITEMS - 1 :])[: 3 * _LONGEST_ITEM]]
    return tuple(Item(key=f"R{number}", text=text) for number, text in enumerate(demands, start=1))


def _demands(prompt: str) -> list[str]:
    """Bullets and sentences that say something; a line ending in a colon only introduces what follows."""
    found: list[str] = []
    paragraph: list[str] = []
    for line in [*_CODE_BLOCK.sub("\n", prompt).splitlines(), ""]:
        bullet = _BULLET.match(line)
        if bullet or not line.strip():
            found += _sentences(" ".join(paragraph))
            paragraph = []
        if bullet:
            found.append(_tidy(bullet[1]))
        elif line.strip():
            paragraph.append(line.strip())
    kept = [text for text in found if len(text) >= _SHORTEST_ITEM and not _NOT_A_DEMAND.match(text)]
    return kept or [_tidy(prompt)]


def _sentences(paragraph: str) -> list[str]:
    return [text for part in _SENTENCE_END.split(paragraph) if (text := _tidy(part)) and not text.endswith(":")]


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ITEM else text[: _LONGEST_ITEM - 3] + "..."
