"""Answers without any fence: a whole file as it stands, perhaps with a sentence before or after it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from escalator.languages.parsing import parses
from escalator.languages.tags import PROSE, compatible, guess_language

_MAX_TRIES: Final = 12

_START: Final = {
    "python": re.compile(
        r"(?:import |from [\w.]+ import|(?:async )?def \w|class \w|@\w|#!|if __name__|\"{3}|'{3}|# "
        r"|[A-Za-z_][\w.]* ?(?::[^=]+)?= ?\S)"
    ),
}
_ANY_START: Final = re.compile(
    r"(?:import\b|from |export |const |let |var |function\b|async function|class |interface |type \w+|enum "
    r"|package \w|func |use |pub |fn |mod |impl |struct |#include|#define|#!|using |namespace |public |private "
    r"|static |int |void |<[!?A-Za-z]|<\?php|SELECT |CREATE |INSERT |WITH |--|/\*|//|[.#@]?[\w-]+ ?\{|[\w-]+:"
    r"|\{|\[|require|module |def |FROM )"
)
_CODEY: Final = {
    "python": re.compile(
        r"^[ \t]*(?:(?:async )?def \w+\(|class \w+[(:]|import \w|from [\w.]+ import |@\w+|return\b|print\("
        r"|raise \w|(?:if|for|while|with|try|elif)\b.*:$|[A-Za-z_][\w.\[\]\"']*(?: ?, ?\w+)* ?"
        r"(?::[^=\n]+)?[-+*/|&]?= ?\S"
        r"|[\w.]+\([^()\n]*\)$)",
        re.MULTILINE,
    ),
}
_ANY_CODEY: Final = re.compile(
    r"[;{}][ \t]*$|^[ \t]*(?:import|from|export|package|use|func|fn|const|let|var|def|end)\b|=>|\) ?\{",
    re.MULTILINE,
)
_SHAPES: Final = {
    "html": re.compile(r"\A\s*<[!A-Za-z].*>\s*\Z", re.DOTALL),
    "xml": re.compile(r"\A\s*<[?!A-Za-z].*>\s*\Z", re.DOTALL),
    "vue": re.compile(r"\A\s*<(?:template|script|style).*>\s*\Z", re.DOTALL),
    "svelte": re.compile(r"\A\s*<\w.*>\s*\Z", re.DOTALL),
    "scss": re.compile(r"\{[^{}:]*:"),
    "sql": re.compile(
        r"\A\s*(?:--[^\n]*\n\s*)*(?:SELECT|CREATE|INSERT|UPDATE|DELETE|ALTER|DROP|WITH|BEGIN)\b.*;",
        re.IGNORECASE | re.DOTALL,
    ),
    "dockerfile": re.compile(r"\A(?:#[^\n]*\n|ARG [^\n]*\n|\s)*FROM \S+"),
    "makefile": re.compile(r"^[\w.-]+:.*\n\t.+", re.MULTILINE),
    "markdown": re.compile(r"\A(?:---\n.*?\n---\n)?\s*(?:#{1,3} \S|<h1|!\[|\[!\[)", re.DOTALL),
}
_SAID: Final = re.compile(
    r"[ \t]*(?:[#>*\u2022-]+[ \t]+|\d{1,3}[.)][ \t]+)?[*_`\"'(\[]*[^\W\d_]"
    r"[\w'\u2019.,;:!?()/&%\u2013\u2014+*`\"-]*"
    r"(?:[ \t]+[^\x00-\x1f]*)?\Z"
)
"""A line that reads like a sentence or an item of a list."""

_ONE_WORD: Final = re.compile(r"[A-Z]?[a-z]+[.:!?]+|[A-Z][a-z]+")

_YAML_LINE: Final = re.compile(r"(?:[\w\"'./${}<-][\w\"'./ ${}<-]*:(?:\s|$)|- |\s|#|---|\.\.\.|$)")


def bare_code(text: str, language: str | None) -> str | None:
    """The code in a text without fences, None if there is none. `language` is what is expected, None to guess.

    Words alone are never code, even where a grammar accepts them.
    """
    wanted = language or guess_language(text)
    if wanted is None or one_word(text):
        return None
    if wanted in PROSE and wanted != "markdown":
        return None
    for candidate, rest in _candidates(text, wanted):
        if all(is_prose(line, wanted) for line in rest) and is_code(candidate, wanted):
            return candidate.strip("\n") + "\n"
    return None


def is_code(text: str, language: str) -> bool:
    """Whether a text is code of this language by its grammar and its looks."""
    if one_word(text):
        return False
    if language == "json":
        return text.lstrip().startswith(("{", "[")) and parses("json", text) is True
    if language == "yaml":
        lines = text.strip().split("\n")
        return len(lines) > 1 and ":" in text and all(_YAML_LINE.match(line) for line in lines)
    shape = _SHAPES.get(language)
    if shape is not None:
        return bool(shape.search(text))
    if not _CODEY.get(language, _ANY_CODEY).search(text):
        return False
    accepted = parses(language, text)
    return accepted if accepted is not None else compatible(guess_language(text), language)


def one_word(text: str) -> bool:
    """Whether a text is nothing but a word, which many grammars take for code."""
    return re.fullmatch(r"[\w.!?'\u2019-]*", text.strip()[:100]) is not None


def bare_document(text: str) -> str | None:
    """A Markdown document that stands unfenced in the answer, a lead-in ending with a colon left out."""
    for start in (0, text.find("\n#") + 1, text.find("\n---\n") + 1):
        lead = text[:start].strip()
        if (start or not lead) and (not lead or (lead.count("\n") < 3 and lead.endswith(":"))):
            body = text[start:].strip("\n") + "\n"
            if _SHAPES["markdown"].search(body):
                return body
    return None


def is_prose(line: str, language: str | None) -> bool:
    """Whether a line is said about code rather than being some in this language."""
    bare = line.strip()
    if not bare or bare.startswith(("```", "~~~")) or set(bare) <= set("-=*_"):
        return True
    if line[:1] in {" ", "\t"} and not re.match(r"\s*(?:[-*\u2022]|\d{1,3}[.)])\s", line):
        return False
    if _is_sentence(bare):
        return True
    if _CODEY.get(language or "", _ANY_CODEY).search(line):
        return False
    word = bare.strip("*_#` ")
    return _ONE_WORD.fullmatch(word) is not None or (" " in bare and _SAID.match(line[:500]) is not None)


def _candidates(text: str, language: str) -> Iterator[tuple[str, list[str]]]:
    """The whole text, then less around it, then what is indented by four; each with the lines left out."""
    yield text, []
    lines = text.split("\n")
    start = _START.get(language, _ANY_START)
    first = next((n for n, line in enumerate(lines) if start.match(line) and not _is_sentence(line)), None)
    if first is not None:
        ends = [len(lines)]
        for number in range(len(lines) - 1, first, -1):
            if len(ends) >= _MAX_TRIES:
                break
            if not lines[number].strip():
                ends.append(number)
        for end in ends:
            yield "\n".join(lines[first:end]), [*lines[:first], *lines[end:]]
    indented = [line[4:] if line.strip() else "" for line in lines if line.startswith("    ") or not line.strip()]
    if sum(bool(line) for line in indented) >= 2:
        yield "\n".join(indented), [line for line in lines if line.strip() and not line.startswith("    ")]


def _is_sentence(line: str) -> bool:
    return bool(re.match(r"[A-Z#][\w', -]+[.:!?]\s*\Z", line)) and line.count(" ") > 3
