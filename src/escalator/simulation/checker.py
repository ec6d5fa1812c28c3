"""How a simulated model answers when it is asked for an opinion on code: it finds everything met."""

from __future__ import annotations

import json
import re
from typing import Any

from escalator.simulation.fleet import Question

_DATA = re.compile(r"<(data-[0-9a-f]+)>\n(.*?)\n</\1>", re.DOTALL)


def opinion(question: Question) -> str | None:
    """A favourable opinion in the form the semantic validator asks for; None if no opinion is asked for.

    Each requirement is quoted from the code shown, and the control item, which is always wrong, is found wrong.
    """
    found = _DATA.search(question.prompt)
    if found is None:
        return None
    data: dict[str, Any] = json.loads(found[2])
    quote = _quote(data.get("answer", []))
    met = [{"id": item["id"], "met": "yes", "quote": quote} for item in data.get("requirements", [])]
    return json.dumps({"requirements": met, "defects": [], "control": "no"})


def _quote(files: list[dict[str, str]]) -> str:
    """A line of the code that says something."""
    lines = [line.strip() for file in files for line in file.get("content", "").splitlines()]
    return max(lines, key=len, default="")[:120]
