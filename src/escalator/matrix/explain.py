"""What pydantic found wrong with a matrix, said in the words of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from escalator.matrix.matrix import closest
from escalator.matrix.reading import KeyPath
from escalator.matrix.schema import MatrixFile, Section


def explain(problem: Mapping[str, Any]) -> tuple[KeyPath, str, str]:
    """Key path, message and hint for one entry of `ValidationError.errors()`."""
    key = _real_path(problem["loc"])
    kind = problem["type"]
    if kind == "unexpected_keyword_argument":
        known = _fields_at(key[:-1])
        return key, f"unknown key {key[-1]!r}{closest(str(key[-1]), known)}", ""
    if kind == "missing":
        return key, f"the key {key[-1]!r} is missing", ""
    if kind == "literal_error":
        expected = problem["ctx"]["expected"]
        given = problem.get("input")
        options = [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]
        return key, f"{given!r} is not one of {expected}{closest(str(given), options)}", ""
    message = str(problem["msg"])
    if kind == "string_pattern_mismatch" and key and key[-1] == "api_key_env":
        return key, "this is not the NAME of an environment variable", "keys never stand in the file"
    given = problem.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) else ""
    return key, f"{message[:1].lower()}{message[1:]}{shown}", ""


def _real_path(loc: tuple[str | int, ...]) -> KeyPath:
    """The path in the file: pydantic adds the names of union members, which no one wrote."""
    noise = {"str", "RungSection", "list[str]", "constrained-str", "tuple[float, float]"}
    return tuple(
        part for part in loc if part not in noise and not str(part).startswith(("dict[", "list[", "function-"))
    )


def _fields_at(path: KeyPath) -> list[str]:
    """Which keys may stand at a path."""
    section: type[Section] | None = MatrixFile
    for part in path:
        if section is None:
            return []
        known = {field.name: field for field in fields(section)}
        if str(part) in known:  # else a free name under a mapping, such as the name of a model
            section = section_of(known[str(part)].type)
    return [field.name for field in fields(section)] if section is not None else []


def section_of(annotation: object) -> type[Section] | None:
    """The section type inside an annotation such as dict[str, Section] or list[str | Section]."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for inner in get_args(annotation):
        found = section_of(inner)
        if found is not None:
            return found
    return None
