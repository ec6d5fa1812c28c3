"""What a fence's language tag, a file name or a text says about its language."""

from __future__ import annotations

import re
from typing import Final

from escalator.languages.table import EVERY_LANGUAGE

_BY_TAG: Final = {
    tag: row.family
    for row in EVERY_LANGUAGE
    for tag in (row.name, *row.aliases, *row.tags, *(suffix.removeprefix(".") for suffix in row.suffixes))
}
_BY_FILE: Final = {name.lower(): row.family for row in EVERY_LANGUAGE for name in (*row.files, *row.like_files)}
_EXTENSIONS: Final = {row.name: row.usual for row in EVERY_LANGUAGE}

_KIN: Final = (
    frozenset({"javascript", "typescript", "tsx", "vue", "svelte", "astro"}),
    frozenset({"c", "cpp", "objc"}),
    frozenset({"html", "xml", "vue", "svelte", "astro", "templates", "php", "markdown"}),
    frozenset({"css", "scss"}),
    frozenset({"json", "jsonl", "yaml", "javascript"}),
    frozenset({"bash", "console", "dockerfile", "makefile", "ini"}),
    frozenset({"ini", "toml"}),
    frozenset({"gradle", "kotlin", "java"}),
    frozenset({"markdown", "rst", "text"}),
    frozenset({"elixir", "erlang"}),
    frozenset({"csv", "text"}),
)

COMMANDS: Final = frozenset(row.name for row in EVERY_LANGUAGE if row.use == "commands")
"""Languages whose blocks are more often commands to type than files to save."""

PROSE: Final = frozenset(row.name for row in EVERY_LANGUAGE if row.use == "prose")
"""Languages in which any text is valid."""

_GUESSES: Final = (
    ("python", r"^(?:async )?def \w+\(.*|^class \w+.*:$|^from [\w.]+ import |^import \w+(?:$|\.| as |, )|^@\w+"),
    ("rust", r"^(?:pub )?fn \w+.*\{|^use [\w:]+(?:::|;)|^impl\b.*\{|\blet mut\b"),
    ("go", r"^package \w+$|^func (?:\(\w+ [*\w]+\) )?\w+\("),
    ("java", r"^(?:public |final |abstract )+(?:class|interface|enum|record) \w+|^import java[x.]"),
    ("cpp", r"^#include <(?:iostream|vector|string|map|memory)>|^using namespace |^template ?<|std::"),
    ("c", r"^#include [<\"]|^int main\("),
    ("typescript", r"^(?:export )?interface \w+ ?\{|^(?:export )?type \w+ = |\): \w+(?:<.*>)? \{$|^import type "),
    (
        "javascript",
        r"^(?:export )?(?:default )?(?:async )?function\b|^(?:export )?const \w+ = |=> [{(]|^import .* from ",
    ),
    ("html", r"^<!doctype html|^<html\b|^<(?:div|head|body|section|template)\b"),
    ("xml", r"^<\?xml "),
    ("php", r"^<\?php"),
    ("sql", r"^(?:SELECT|CREATE (?:TABLE|INDEX|VIEW)|INSERT INTO|UPDATE|ALTER TABLE|DELETE FROM|WITH \w+ AS)\b"),
    ("bash", r"^#!.*\b(?:ba|z|k)?sh\b|^set -e"),
    ("json", r"\A\s*[{\[]\s*(?:\"|\{|\[|\}|\])"),
    ("css", r"^[.#]?[\w-]+(?:[ ,.>:]+[\w-]+)* \{$"),
    ("markdown", r"\A#{1,3} \S"),
    ("yaml", r"\A(?:---\n)?[\w-]+:(?: \S.*)?$"),
)


def language_of_tag(tag: str) -> str | None:
    """The language a fence's tag names, None for an unknown tag."""
    folded = tag.casefold().strip(".{}")
    return _BY_TAG.get(folded) or _BY_TAG.get(re.sub(r"[\d.]+$", "", folded))


def language_of_path(path: str) -> str | None:
    """The language a file name stands for, None if it does not tell."""
    name = path.rsplit("/", 1)[-1].casefold()
    if name in _BY_FILE:
        return _BY_FILE[name]
    if name.startswith(("dockerfile.", "makefile.")):
        return name.split(".", 1)[0]
    return _BY_TAG.get(name.rsplit(".", 1)[-1]) if "." in name else None


def extension_of(language: str | None) -> str:
    """The usual extension of a language, without the dot; "txt" for none."""
    return _EXTENSIONS.get(language or "text", language or "txt")


def known_extension(extension: str) -> bool:
    """Whether files commonly have this extension."""
    folded = extension.casefold()
    return folded in _BY_TAG or folded in {
        "lock",
        "example",
        "sample",
        "template",
        "m",
        "gitignore",
        "j",
        "mod",
        "sum",
    }


def known_name(name: str) -> bool:
    """Whether files without an extension commonly have this name."""
    return name.casefold() in _BY_FILE


def compatible(first: str | None, second: str | None) -> bool:
    """Whether text said to be in one language may well be a file of the other."""
    if first is None or second is None or first == second or "text" in {first, second}:
        return True
    return any(first in kin and second in kin for kin in _KIN)


def guess_language(text: str) -> str | None:
    """The language a text looks like from its first 4,000 characters, None if nothing stands out."""
    sample = text[:4000]
    scores = [(len(re.findall(pattern, sample, re.MULTILINE)), name) for name, pattern in _GUESSES]
    best = max(scores, key=lambda score: score[0])
    return best[1] if best[0] else None
