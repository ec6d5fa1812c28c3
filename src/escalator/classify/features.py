"""What is looked at in a request, as named values a linear model can weigh.

A name says where something was found: `says:` in prose, `opens:` near the beginning, `asks:` in the last sentence,
`often:` repeatedly, `names:` in identifiers, code or short quotations, `pair:` groups of concepts together,
`size:` amounts and lengths, `word:`, `words:`, `starts:` and `script:` the words themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

from escalator.classify.lexicon import concepts_in, concepts_in_script
from escalator.classify.text import Reading, fold, read

STAKES = frozenset(
    {"auth", "authz", "strangers", "secrets", "vulnerability", "money", "personal"}
    | {"data_loss", "real_migration", "hot_path", "safety", "twice", "legal"}
)
"""Concepts that speak of something to lose."""

_GROUPS = {
    "stakes": (STAKES, 4),
    "harm": (
        frozenset(
            {"strangers", "data_loss", "twice", "authz", "vulnerability", "safety", "hot_path", "real_migration"}
        ),
        3,
    ),
    "edit": (
        frozenset({"typo", "rename", "doc_target", "ui_text", "style_target", "lint", "constant", "dead_code"}),
        2,
    ),
    "design": (frozenset({"design_ask", "boundaries", "extensible", "gradual"}), 3),
    "wide": (frozenset({"coupling", "pervasive", "concurrency", "system_kind", "code_units"}), 3),
    "build": (frozenset({"build_verb", "small_feature", "algorithm"}), 2),
}
_CROSSED = ("stakes", "edit", "design", "build", "wide")
_SINGLE = ("tests_target", "toy", "not_live", "live", "limit", "size_small", "urgent", "bug", "migrate")

_DOCUMENTS = frozenset(
    {"md", "rst", "txt", "adoc", "tex", "po", "html", "css", "scss", "svg", "png", "jpg", "jpeg"}
)
_SETTINGS = frozenset({"yml", "yaml", "toml", "ini", "json", "cfg", "conf", "env", "properties"})
_LENGTHS = (50, 90, 140, 200, 300, 450)
_OPENING_WORDS = 9
_STEM = 7
_TWIN, _TWINS = 5, 16
_MANY, _HUGE = 10, 10_000
_MULTIPLIERS = frozenset({"m", "k", "mio", "mrd"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """The named values of a request, and the words that speak of each concept found in it."""

    values: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)


def features(text: str, *, files: Iterable[str] = ()) -> Features:
    """Look at a request. Reads a bounded window of it, so the time this takes is bounded too.

    `files` are the paths that may be changed; only their kind is looked at.
    """
    reading = read(text)
    reading.endings.extend(_shared_kind(files))
    found = Features()
    said = _concepts(reading, found)
    _pairs(said, found.values)
    _sizes(reading, said, found.values)
    _words(reading, found.values)
    return found


def _shared_kind(files: Iterable[str]) -> list[str]:
    endings = {path.rpartition(".")[2].lower() for path in files}
    return sorted(endings) if endings and endings <= _DOCUMENTS else []


def _concepts(reading: Reading, found: Features) -> set[str]:
    places = concepts_in(reading.prose)
    scripts = [hit for run in (*reading.scripts, *reading.joined) for hit in concepts_in_script(run)]
    counted: dict[str, int] = {}
    for concept, words in (*((concept, words) for _, concept, words in places), *scripts):
        found.evidence.setdefault(concept, words)
        counted[concept] = counted.get(concept, 0) + 1
    values = found.values
    for concept, times in counted.items():
        values["says:" + concept] = 1.0
        if times > 2:
            values["often:" + concept] = 0.6
    last = reading.sentences[-1] if len(reading.sentences) > 1 else len(reading.prose)
    for at, concept, _ in places:
        if at < _OPENING_WORDS:
            values["opens:" + concept] = 0.6
        if at >= last:
            values["asks:" + concept] = 0.6
    _named(reading, found)
    return set(counted)


def _named(reading: Reading, found: Features) -> None:
    hits = [(concept, words) for _, concept, words in concepts_in(reading.names) + concepts_in(reading.mentions)]
    hits += [hit for run in reading.quoted_scripts for hit in concepts_in_script(run)]
    for concept, words in hits:
        found.values["names:" + concept] = 0.7
        found.evidence.setdefault("names:" + concept, words)


def _pairs(said: set[str], values: dict[str, float]) -> None:
    level = {name: f"{name}={min(len(said & group), most)}" for name, (group, most) in _GROUPS.items()}
    for shown in level.values():
        values["pair:" + shown] = 0.18
    for left, right in combinations(_CROSSED, 2):
        values[f"pair:{level[left]}&{level[right]}"] = 0.12
    for single in _SINGLE:
        if single in said:
            for shown in level.values():
                values[f"pair:{single}&{shown}"] = 0.12
    if "live" in said:
        for concept in sorted(said & STAKES):
            values[f"pair:live&{concept}"] = 0.18


def _sizes(reading: Reading, said: set[str], values: dict[str, float]) -> None:
    length = reading.length + 2 * sum(map(len, reading.scripts))
    for bound in _LENGTHS:
        if length > bound:
            values[f"size:longer than {bound}"] = 0.6
    values[f"size:sentences={min(len(reading.sentences), 6)}"] = 0.4
    for name, amount in _amounts(reading):
        if amount:
            values["size:" + name] = 0.9
        if amount > 1:
            values[f"size:several of {name}"] = 0.6
    if reading.scripts:
        values["size:eastern script"] = 0.3
    _targets(reading, said, values)
    _numbers(reading, values)


def _targets(reading: Reading, said: set[str], values: dict[str, float]) -> None:
    endings = set(reading.endings)
    if endings & _DOCUMENTS:
        values["size:document named"] = 0.9
    if endings & _SETTINGS:
        values["size:settings file named"] = 0.6
    if reading.quotes and (reading.arrows or "ui_text" in said or "typo" in said):
        values["size:quoted text to change"] = 0.9
    if _near_twins(reading):
        values["size:word beside its correction"] = 0.9


def _amounts(reading: Reading) -> tuple[tuple[str, int], ...]:
    return (
        ("arrow", reading.arrows),
        ("quotation", reading.quotes),
        ("inline code", reading.ticks),
        ("file name", reading.paths),
        ("line number", reading.located),
        ("code block", reading.blocks),
        ("list item", reading.bullets),
        ("stack trace", int(reading.trace)),
        ("question mark", int(reading.question)),
        ("alarming code", int(reading.alarming)),
        ("endpoint", int(reading.endpoint)),
    )


def _near_twins(reading: Reading) -> bool:
    """Whether a named word, or one of two words close together, differs from another by a slip of the pen."""
    named = [word for word in (*reading.mentions, *reading.names) if len(word) >= _TWIN][:_TWINS]
    if named:
        others = {*named, *(word for word in reading.prose if len(word) >= _TWIN)}
        if any(_near(word, other) for word in named for other in others):
            return True
    prose = reading.prose
    for at, word in enumerate(prose):
        if len(word) >= _TWIN:
            ends = word[0], word[-1]
            for other in prose[at + 1 : at + 4]:
                if other and (other[0], other[-1]) == ends and _near(word, other):
                    return True
    return False


def _near(one: str, other: str) -> bool:
    """Whether two words differ inside by one letter or by two letters that changed places."""
    if one[0] != other[:1] or one[-1] != other[-1:] or one == other or abs(len(one) - len(other)) > 1:
        return False
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)
    middle, counterpart = one[start : len(one) - end], other[start : len(other) - end]
    return len(middle) + len(counterpart) <= 2 or (len(middle) == 2 and middle == counterpart[::-1])


def _numbers(reading: Reading, values: dict[str, float]) -> None:
    for value, at in reading.numbers:
        following = reading.prose[at : at + 3]
        scaled = bool(following) and (following[0] in _MULTIPLIERS or following[0].startswith(("milli", "billi")))
        scale = "huge" if scaled or value >= _HUGE else "many" if value >= _MANY else "few"
        for _, unit, _ in concepts_in(following):
            if unit in {"code_units", "data_units", "measure"}:
                values[f"size:{scale} {unit}"] = 0.9


def _words(reading: Reading, values: dict[str, float]) -> None:
    previous = ""
    for word in reading.prose:
        stem = word[:_STEM]
        if stem:
            values["word:" + stem] = 0.7
            if previous:
                values[f"words:{previous} {stem}"] = 0.5
        previous = stem
    for at in reading.sentences:
        if at < len(reading.prose) and reading.prose[at]:
            values["starts:" + reading.prose[at][:_STEM]] = 0.8
    for run in reading.scripts:
        folded = fold(run)
        for at in range(len(folded) - 1):
            values["script:" + folded[at : at + 2]] = 0.6
    for run in reading.joined:
        for word in fold(run).split():
            values["word:" + word[:_STEM]] = 0.7
