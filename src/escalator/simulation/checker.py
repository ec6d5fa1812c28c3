"""How a simulated model answers when it is asked for an opinion on code."""

from __future__ import annotations

from typing import Any

from escalator.simulation.fleet import Question


def schema_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON schema a request demands, by whichever wire it came."""
    wanted = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    wanted = wanted or ((body.get("output_config") or {}).get("format") or {}).get("schema")
    generation = body.get("generationConfig") or {}
    wanted = wanted or generation.get("responseJsonSchema") or generation.get("responseSchema")
    given = body.get("format")
    return wanted or (given if isinstance(given, dict) else None)


def opinion(question: Question) -> str | None:
    """An opinion if one is asked for, else None."""
    return None if schema_of(question.body) is None else "{}"
