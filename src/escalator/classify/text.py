"""Reads a request: a bounded window of it, taken apart into prose, quotations, names and code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

WINDOW = 4096
"""Characters of a request that are read; a longer one is read at its head and its tail."""

_TAIL = 1024
_MENTION_WORDS = 5
"""A quotation of at most this many words names something; a longer one tells something."""

_ACCENTS = str.maketrans(
    "áàâãäåāăąçćčďđéèêëēęěğíìîïīıłñńňóòôõöøőřśšşșťțúùûüūůűýÿźżž’`´ё",
    "aaaaaaaaacccddeeeeeeegiiiiiilnnnooooooorssssttuuuuuuuyyzzz'''е",
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"`(?P<tick>[^`\n]{1,200})`"
    r"|[\"“„«「『»](?P<quote>[^\"”“«»」』\n]{1,200})[\"”“»」』«]"
    r"|(?P<path>(?:[\w.-]*/)*[\w-]*\.[A-Za-z]\w{0,13}(?::\d+)?(?!\w))"
    r"|(?P<arrow>->|=>|→|⇒)"
    r"|(?P<name>\w+\(\)|[^\W\d]\w*_\w+|[a-z]+(?:[A-Z][a-z0-9]+)+|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)"
    r"|(?P<number>\d[\d.,  ]*\d|\d)"
    r"|(?P<cjk>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<end>[.!?;:\n。!?;:]+)"
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_ELISION = re.compile(r"^(?:[ldnsjcmt]|qu)'(?=\w{2})")
_TRACE_LINE = re.compile(r"^[ \t]+(?:at [\w.$<>]+[ (]|File \"[^\n]*\n[ \t]+)[^\n]*$", re.MULTILINE)
_ALARMING = re.compile(
    r"\.\./|rm -rf|\|\| ?true|verify\w*[\"']?\s*[=:]\s*[Ff]alse|alg\w*\s*=\s*[\"']?none|\b0\.0\.0\.0|chmod \d*7|\b777\b|NOPASSWD|http://|"
    r"innerHTML|v-html|\[?if [^\n]*[^=!<>]=[^=>]|return true|= true;"
)
_ENDPOINT = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /")
_TRACE = re.compile(r"Traceback|^\s+at [\w.$<>]+\(|Exception|Error:|panicked at|\[ERROR\]|ERROR ", re.MULTILINE)


def window(text: str) -> str:
    """The part of a request that is read: all of a short one, head and tail of a long one."""
    if len(text) <= WINDOW:
        return text
    return text[: WINDOW - _TAIL] + "\n" + text[-_TAIL:]


def fold(text: str) -> str:
    """Lower case without accents, so that words compare however they were typed."""
    return text.lower().translate(_ACCENTS)


@lru_cache(maxsize=8192)
def words_of(word: str) -> tuple[str, ...]:
    """The folded word, with an elided article or pronoun ("l'accès") split off."""
    folded = fold(word)
    elided = _ELISION.match(folded)
    return (folded[: elided.end() - 1], folded[elided.end() :]) if elided else (folded,)


def split_words(text: str) -> list[str]:
    """The words of a phrase exactly as `read` would give them."""
    return [w for m in re.finditer(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[*]", text) for w in words_of(m.group())]


@dataclass(slots=True)
class Reading:
    """A request taken apart.

    `prose`, `mentions` (short quotations) and `names` (identifiers, inline code) are lists of folded words in order, with ""
    between separate pieces. `scripts` are runs of Chinese, Japanese or Korean in prose, `quoted_scripts` those in quotations.
    `openers` are the first words of sentences, `sentences` where in `prose` each begins, `numbers` (value, index in `prose` of the next word).
    `endings` are the suffixes of the file names mentioned.
    """

    length: int = 0
    prose: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    quoted_scripts: list[str] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)
    numbers: list[tuple[float, int]] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    paths: int = 0
    located: int = 0
    arrows: int = 0
    quotes: int = 0
    ticks: int = 0
    blocks: int = 0
    code_lines: int = 0
    trace: bool = False
    alarming: bool = False
    endpoint: bool = False
    question: bool = False


def read(text: str) -> Reading:
    """Take the window of a request apart."""
    text = window(text)
    reading = Reading(length=len(text))
    reading.trace = _TRACE.search(text) is not None
    reading.alarming = _ALARMING.search(text) is not None
    reading.endpoint = _ENDPOINT.search(text) is not None
    reading.question = "?" in text or "？" in text
    fences = _FENCE.findall(text)
    reading.blocks = len(fences)
    reading.code_lines = sum(block.count("\n") for block in fences)
    for block in fences:
        reading.names.extend(_name_words(block[:1000]))
        reading.names.append("")
    prose = _FENCE.sub("\n", text)
    if reading.trace:
        prose = _TRACE_LINE.sub("", prose)
    fresh = True
    for match in _TOKEN.finditer(prose):
        kind, value = match.lastgroup, match.group()
        if kind == "word":
            if fresh:
                reading.sentences.append(len(reading.prose))
                fresh = False
            reading.prose.extend(words_of(value))
        elif kind == "end":
            fresh = True
            if value[0] != ":":
                reading.prose.append("")
        else:
            _take(reading, kind or "", match)
    return reading


def _take(reading: Reading, kind: str, match: re.Match[str]) -> None:
    value = match.group()
    if kind == "cjk":
        reading.scripts.append(value)
    elif kind == "number":
        reading.numbers.append((_number(value), len(reading.prose)))
    elif kind == "quote":
        _take_quote(reading, match["quote"])
    elif kind == "arrow":
        reading.arrows += 1
        reading.prose.append("")
    elif kind == "path":
        _take_path(reading, value)
    else:
        reading.ticks += kind == "tick"
        reading.names.extend(_name_words(value))
        reading.names.append("")


def _take_quote(reading: Reading, quoted: str) -> None:
    reading.quotes += 1
    words = split_words(quoted)
    if len(words) > _MENTION_WORDS:
        reading.prose.extend(words)
        return
    reading.mentions.extend(words)
    reading.mentions.append("")
    reading.quoted_scripts.append(quoted)


def _take_path(reading: Reading, path: str) -> None:
    bare, _, line = path.partition(":")
    reading.paths += 1
    reading.located += bool(line)
    reading.endings.append(bare.rpartition(".")[2].lower())
    reading.names.extend(_name_words(bare))
    reading.names.append("")


def _name_words(name: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(name)]


def _number(text: str) -> float:
    digits = "".join(ch for ch in text if ch.isdigit())
    separated = re.fullmatch(r"\d{1,3}(?:[., ]\d{3})+", text) is not None
    if separated or digits == text:
        return float(digits[:12])
    return float(re.match(r"\d+", text).group()[:12])  # type: ignore[union-attr]
