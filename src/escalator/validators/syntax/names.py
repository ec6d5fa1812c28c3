"""Names that look like others: a path beside the file that was meant, an identifier that is not what it seems."""

from __future__ import annotations

import builtins
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from escalator.languages.faults import Fault, position
from escalator.languages.lookalikes import odd_characters, skeleton
from escalator.languages.parsing import code_parts

if TYPE_CHECKING:
    from pathlib import Path

    from escalator.languages.table import Language
    from escalator.records import Brief

_NAME = re.compile(r"[^\W\d]\w*")


def looks_like(path: str, brief: Brief) -> str | None:
    """The file of the task or project that a path is drawn like which is not the task's; None if there is none."""
    if path in brief.tests:
        return None
    found = _alike(path, (*brief.files, *brief.tests))
    if found is None and brief.workspace is not None:
        found = _on_the_way(brief.workspace, path.split("/"))
    return found


def told(path: str, meant: str) -> str:
    """What a model is told of a path that looks like another."""
    if odd := odd_characters(path):
        return (
            f"{path}: this looks like {meant} and is another path, for it holds {odd}. "
            f"Write the change to {meant}, spelt exactly like that."
        )
    return (
        f"{path}: this looks like {meant} and is another path, for that holds {odd_characters(meant)}. "
        f"Write the change to {meant}; copy its name."
    )


def _alike(name: str, others: Iterable[str]) -> str | None:
    """Of the others the one that is drawn like `name`; two plain names are told apart by everybody."""
    plain = name.isascii()
    wanted = skeleton(name, near=True)
    for other in others:
        if not (plain and other.isascii()) and other != name and skeleton(other, near=True) == wanted:
            return other
    return None


def _on_the_way(root: Path, parts: list[str]) -> str | None:
    """The first entry of the workspace on the way to a path that is drawn like the part that is not there."""
    if ".." in parts or not parts[0]:
        return None
    for depth, part in enumerate(parts):
        try:
            entries = os.listdir(root.joinpath(*parts[:depth]))  # noqa: PTH208  names are all that is needed
        except OSError:
            return None
        if part not in entries:
            found = _alike(part, entries)
            return None if found is None else "/".join([*parts[:depth], found, *parts[depth + 1 :]])
    return None


def disguised(path: str, text: str, language: Language, brief: Brief) -> list[Fault]:
    """Identifiers that are drawn like a known name and are another; those the file had before are let pass."""
    if (parts := code_parts(language.name, text)) is None:
        return []
    old = brief.files.get(path, "")
    had = frozenset(_NAME.findall(old))
    known: frozenset[str] | None = None
    found = []
    for offset, name in _odd_names(parts, language):
        known = _known_names(brief, text, language) if known is None else known
        if name not in had and (meant := skeleton(name)) in known:
            line, column = position(text, offset)
            message = f'"{name}" looks like "{meant}" and is another name (it holds {odd_characters(name)})'
            found.append(Fault(line=line, column=column, message=message, structural=True))
    return found


def _odd_names(parts: list[tuple[int, str]], language: Language) -> Iterator[tuple[int, str]]:
    """Names in the code that are drawn in plain letters without being made of them, with their places."""
    for start, part in parts:
        if part.isascii():
            continue
        for match in _NAME.finditer(part):
            name = match[0]
            if name.isascii() or not skeleton(name).isascii():
                continue
            if language.name != "python" or not unicodedata.normalize("NFKC", name).isascii():
                yield start + match.start(), name


def _known_names(brief: Brief, text: str, language: Language) -> frozenset[str]:
    texts = (text, brief.prompt, *brief.files.values(), *brief.tests.values())
    names = {name for each in texts for name in _NAME.findall(each) if name.isascii()}
    return frozenset(names | set(dir(builtins)) if language.name == "python" else names)
