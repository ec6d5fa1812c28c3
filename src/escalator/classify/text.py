"""Reads a request: a bounded window of it, taken apart into prose, quotations, names and code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache

WINDOW = 2048
"""Characters of a request that are read; a longer one is read at its head and its tail, half of it each.

Of 120 labelled requests with a file of code behind, before, or a log behind them, 93.3, 90.8 and 90.8 % get the
right type; with 3,072 characters (2,048 and 1,024) it was 92.5, 89.2 and 90.8 %.
"""

_TAIL = WINDOW // 2
_MENTION_WORDS = 5
"""A quotation of at most this many words names something; a longer one tells something."""

_ACCENTS = str.maketrans(
    "áàâãäåāăąçćčďđéèêëēęěğíìîïīıłñńňóòôõöøőřśšşșťțúùûüūůűýÿźżž\u2019`\u00b4\u0451\u0623\u0625\u0622\u0649",
    "aaaaaaaaacccddeeeeeeegiiiiiilnnnooooooorssssttuuuuuuuyyzzz'''\u0435\u0627\u0627\u0627\u064a",
    "\u0307\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652",
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_UNSPACED = r"\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_JOINED = r"[\u0620-\u06ff\u0900-\u0963\u0970-\u097f]+"
_SCRIPTS = (
    r"|(?P<cjk>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)"
    rf"|(?P<joined>{_JOINED}(?:[ ]{_JOINED})*)"
)


@cache
def tokens(*, plain: bool) -> re.Pattern[str]:
    """What a request is taken apart by. `plain` is for text in ASCII: it finds the same there, and large sets of
    characters, of which the other is full, take long to compile.
    """
    sign, letter = (r"\w", r"[^\W\d_]") if plain else (rf"[^\W{_UNSPACED}]", rf"[^\W\d_{_UNSPACED}]")
    opening, closing = ('"', '"') if plain else ('"“„«「『»', '"“”»」』«')
    return re.compile(
        r"(?P<plain>(?:[A-Z]?[a-z]++(?=[ ,\n;:!?)\"`\]]|\.(?:\s|\Z)|\Z)[ ,]{0,2})++)"
        r"|`(?P<tick>[^`\n]{1,200})`"
        rf"|[{opening}](?P<quote>[^\n{closing}]{{1,200}})[{closing}]"
        rf"|(?P<path>(?:(?:{sign}|[.-]){{0,40}}/){{0,12}}(?:{sign}|-){{0,60}}\.[A-Za-z]{sign}{{0,13}}(?::\d{{1,9}})?(?!{sign}))"
        r"|(?P<arrow>->|=>|→|⇒)"
        rf"|(?P<name>{sign}{{1,80}}\(\)|{letter}(?:{letter}|\d){{0,40}}_{sign}{{1,80}}|[A-Za-z][a-z]{{0,40}}(?:[A-Z][a-z0-9]{{1,40}}){{1,12}})"
        r"|(?P<number>\d[\d.,\u00a0 ]{0,20}\d|\d)"
        + ("" if plain else _SCRIPTS)
        + rf"|(?P<word>{letter}+(?:['\u2019]{letter}+)*)"
        r"|(?P<end>[.!?;:\n。!?;:]+)"
    )


_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_ELISION = re.compile(r"^(?:[ldnsjcmt]|qu)'(?=\w{2})")
_TRACE_LINE = re.compile(r"^[ \t]{1,40}(?:at [\w.$<>]{1,200}[ (]|File \"[^\n]*\n[ \t]+)[^\n]*$", re.MULTILINE)
_ALARMING_PIECES = (
    *("../", "169.254.", "rm -rf", "|| true", "||true", "chmod 777", " 777", "NOPASSWD", "http://"),
    *("innerHTML", "v-html", "return true", "= true;"),
)
_ALARMING = re.compile(
    r"verify\w{0,20}[\"']?[ ]?[=:][ ]?[Ff]alse|alg\w{0,9}[ ]?=[ ]?[\"']?none|\bif [^\n=]{0,60}[^=!<>\n]=[^=>]"
)
_PREAMBLE = re.compile(
    r"(?:^|(?<=[.!\n\u3002]))\s{0,5}"
    r"(?:you are (?:a|an|my|the)\b|act as\b|take a deep breath|think (?:step by step|hard)|<role>"
    r"|du bist ein|eres un|voc\u00ea \u00e9|tu es un|\u4f60\u662f)[^.!\n\u3002]{0,200}[.!\n\u3002]",
    re.IGNORECASE,
)
_ROLES = ("you are", "act as", "take a deep", "think", "<role>", "du bist", "eres un", "tu es un")
"""One of these is in every preamble of plain ASCII letters."""

_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*\u2022]|\d{1,2}[.)])[ ]", re.MULTILINE)
_ENDPOINTS = ("GET /", "POST /", "PUT /", "PATCH /", "DELETE /")
_TRACES = ("Traceback", "Exception", "Error:", "panicked at", "[ERROR]", "ERROR ", "\tat ", "    at ")


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
    return [w for m in re.finditer(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|[*]", text) for w in words_of(m.group())]


@dataclass(slots=True)
class Reading:
    """A request taken apart.

    `prose`, `mentions` (short quotations) and `names` (identifiers, inline code) are folded words in order, with
    "" between separate pieces. `scripts` are runs of Chinese, Japanese or Korean in prose, `joined` those of
    Arabic or Devanagari, `quoted_scripts` short quotations as written. `sentences` says where in `prose` each
    sentence begins, `numbers` are (value, index in `prose` of the next word), `endings` the suffixes of the file
    names mentioned. The rest are counts and flags.
    """

    length: int = 0
    prose: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
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
    bullets: int = 0
    trace: bool = False
    alarming: bool = False
    endpoint: bool = False
    question: bool = False


def read(text: str) -> Reading:
    """Take the window of a request apart. Sentences that only tell a model who it is are left out."""
    text = _without_preamble(window(text))
    reading = Reading(length=len(text))
    _flags(text, reading)
    for block in _FENCE.findall(text):
        reading.blocks += 1
        reading.names.extend((*_parts(block[:1000]), ""))
    _prose(_TRACE_LINE.sub("", _FENCE.sub("\n", text)) if reading.trace else _FENCE.sub("\n", text), reading)
    return reading


def _without_preamble(text: str) -> str:
    if text.isascii() and not any(role in text.lower() for role in _ROLES):
        return text
    return _PREAMBLE.sub("", text)


def _flags(text: str, reading: Reading) -> None:
    reading.trace = any(piece in text for piece in _TRACES)
    reading.endpoint = any(piece in text for piece in _ENDPOINTS)
    reading.bullets = len(_BULLET.findall(text))
    reading.question = "?" in text or "\uff1f" in text or "\u061f" in text
    reading.alarming = any(piece in text for piece in _ALARMING_PIECES) or (
        ("=" in text or ":" in text) and _ALARMING.search(text) is not None
    )


def _prose(text: str, reading: Reading) -> None:
    prose, fresh = reading.prose, True
    for match in tokens(plain=text.isascii()).finditer(text):
        kind = match.lastgroup
        if kind in {"plain", "word"}:
            if fresh:
                reading.sentences.append(len(prose))
                fresh = False
            if kind == "plain":
                prose.extend(match.group().lower().replace(",", " ").split())
            else:
                prose.extend(words_of(match[kind]))
        elif kind == "end":
            fresh = True
            if not match.group().startswith(":"):
                prose.append("")
        else:
            _take(reading, kind or "", match)


def _take(reading: Reading, kind: str, match: re.Match[str]) -> None:
    value = match.group()
    if kind == "cjk":
        reading.scripts.append(value)
    elif kind == "joined":
        reading.joined.append(value)
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


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in _PARTS.findall(name))


@lru_cache(maxsize=4096)
def _name_words(name: str) -> tuple[str, ...]:
    return _parts(name)


def _number(text: str) -> float:
    digits = "".join(ch for ch in text if ch.isdigit())
    separated = re.fullmatch(r"\d{1,3}(?:[., ]\d{3})+", text) is not None
    if separated or digits == text:
        return float(digits[:12])
    return float(re.match(r"\d+", text).group()[:12])  # type: ignore[union-attr]
