"""What disappears from a file without anybody having asked for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from escalator.answers.definitions import bound_names, called_unbound, functions
from escalator.languages.outline import outline
from escalator.languages.parsing import without_literals
from escalator.languages.sections import sections
from escalator.languages.tags import language_of_path

MAIN: Final = 'the part under if __name__ == "__main__"'
"""What a Python file loses that can no longer be started."""

_CONSTANT: Final = re.compile(r"^([A-Z][A-Z0-9_]*|__\w+__)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_MAIN: Final = re.compile(r"^if __name__\b", re.MULTILINE)
_AGAIN: Final = " number "
_DEFINES: Final = re.compile(r"\s*(?:pub |export |default |async )*(?:def|class|fn|func|function|type)\b")
_EXPORTS: Final = re.compile(r"^(?:export\b|module\.exports\b|exports\.)", re.MULTILINE)
_GENERATED: Final = frozenset(
    {"__init__", "__eq__", "__repr__", "__hash__", "__lt__", "__le__", "__gt__", "__ge__"}
)
_GENERATORS: Final = re.compile(
    r"@\w*(?:\.?dataclass|attrs?|define|frozen|total_ordering)\b|\b(?:NamedTuple|BaseModel)\b"
)

_REMOVES: Final = re.compile(
    r"\b(?:remov|delet|drop|renam|replac|inlin|merg|mov|extract|eliminat|split|convert|turn|deprecat|unus|dead"
    r"|no longer|obsolet|fold|combin|consolidat|clean|refactor|rewrit|simplif|restructur|reorgani[sz]|strip"
    r"|instead|get(?:ting)? rid|private|unneeded|superfluous|redundant|discard|retir|pull|lift|hoist|becom"
    r"|call it|chang\w* (?:the )?name|entfern|l\u00f6sch|umbenenn|ersetz|streich|supprim|renomm|remplac|borr"
    r"|quit|elimin|apag|usun)|\u0443\u0434\u0430\u043b|\u043f\u0435\u0440\u0435\u0438\u043c\u0435\u043d"
    r"|\u5220\u9664|\u79fb\u9664|\u91cd\u547d\u540d|\u524a\u9664|\uc0ad\uc81c",
    re.IGNORECASE,
)
_KEEPS: Final = re.compile(
    r"\b(?:keep|leave|do not|don't|never|without|must stay|stays?|remains?|unchanged)\b", re.IGNORECASE
)
_BROAD: Final = re.compile(
    r"\b(?:re-?writ|refactor|re-?structur|re-?organi[sz]|re-?design|simplif|clean(?:ing)?[ -]?up|tidy"
    r"|from scratch|start(?:ing)? over|modulari[sz]|moderni[sz]|consolidat|dead code|unused"
    r"|(?:port|migrate|convert|translate) (?:it|this|the (?:file|module|script|class|code|project))\b"
    r"|replace (?:the )?(?:whole|entire|complete|file|content|everything))",
    re.IGNORECASE,
)
_DELETES_FILES: Final = re.compile(
    r"\b(?:delet|remov|drop|renam|mov|merg|split)\w*\s+(?:(?!(?:in|from|of|to|at|into|on|for)\b)[\w`'./-]+\s+){0,3}"
    r"(?:files?|modules?|scripts?|packages?|folders?|director(?:y|ies))\b",
    re.IGNORECASE,
)
_OUT_OF: Final = re.compile(
    r"\b(?:from|in|inside|within|of|at|to|into)\s+(?:the\s+)?(?:file\s+)?[`'\"]*(?:[\w.-]*/)*\Z"
)
"""What stands before the name of a file that something is removed from, or moved to."""

_SENTENCE: Final = re.compile(r"[.!?;](?:\s|$)|\n\s*\n")


def lost_definitions(
    path: str, old: str, new: str, *, elsewhere: Iterable[str] = (), asked: str = ""
) -> list[str]:
    """What the old file defines and the new one does not, though nobody asked for that.

    What the new text still calls without having it is lost whatever was asked. `elsewhere` are the other new
    files, to which definitions may have moved; `asked` is what the task says. A private name that nothing
    mentions any more is not missed. Where the task asks to rewrite the file, nothing is but most of it, with
    next to nothing in its place. An emptied file has lost nothing, and neither has, where no task is known, one
    that has nothing of the old one.
    """
    if not new.strip():
        return []
    if language_of_path(path) != "python" and names_in(path, old).keys() <= names_in(path, new).keys():
        return []
    before, after = exact_names(path, old), exact_names(path, new)
    plain, had = (without_literals(language_of_path(path), text) for text in (new, old))
    came = {_last(name) for name in after if name not in before} | (_bound(plain) - _bound(had))
    came |= {_last(name) for text in elsewhere for name in names_in(path, text)}
    lost = [name for name in before if name not in after and _last(name) not in came]
    called = called_unbound(path, new) if lost else set()
    used = [name for name in lost if name in called]
    if used:
        return used
    if len(lost) == len(before) and not asked:
        return []
    if sections(language_of_path(path), old) is not None:
        return _shrunk(lost, before, after, asked)
    missed = [name for name in lost if not _is_excused(path, name, old=old, new=new, plain=plain, asked=asked)]
    return _heads(_left_out(lost, before, after) if _BROAD.search(asked) else missed)


def asks_for_much(asked: str) -> bool:
    """Whether a task asks to rewrite, restructure or tidy up, so that much may go."""
    return _BROAD.search(asked) is not None


def asks_to_remove(asked: str) -> bool:
    """Whether a task asks for something to go, whatever it is."""
    return _REMOVES.search(asked) is not None


def asked_for(name: str, asked: str) -> bool:
    """Whether a task asks in one sentence to remove, rename or move what has this name, or what holds it."""
    if not _REMOVES.search(asked):
        return False
    parts = [part for part in name.partition(_AGAIN)[0].split(".") if part]
    words = {re.escape(part) for part in parts} if name != MAIN else {"__main__", "main"}
    named = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(words))})(?!\w)")
    return any(
        named.search(said) and _REMOVES.search(said) and not _KEEPS.search(said) for said in _SENTENCE.split(asked)
    )


def is_missed(path: str, old: str, *, elsewhere: Iterable[str] = (), asked: str = "") -> bool:
    """Whether a file that is deleted takes something along that nobody asked to remove: what it defines, or, where
    it defines nothing, its lines, are not in `elsewhere`, the other new files. Where no task is known, nothing is.
    """
    if not asked or not old.strip() or _BROAD.search(asked) or _file_asked_for(path, asked):
        return False
    others = list(elsewhere)
    names = {_last(name) for name in names_in(path, old)}
    if names:
        return not names <= {_last(name) for text in others for name in names_in(path, text)}
    rows = {line.strip() for line in old.split("\n") if line.strip()}
    return not rows <= {line.strip() for text in others for line in text.split("\n")}


def _file_asked_for(path: str, asked: str) -> bool:
    """Whether a sentence asks to remove, rename or move a file or folder of this name, or plainly files."""
    stems = {part.partition(".")[0] for part in path.split("/")} - {""}
    words = {re.escape(word) for word in {path, *path.split("/"), *stems}}
    words |= {re.escape(stem).replace("_", "[ _-]").replace("\\-", "[ _-]") for stem in stems}
    named = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(words, key=len, reverse=True))})(?!\w)", re.IGNORECASE)
    for said in _SENTENCE.split(asked):
        if not _REMOVES.search(said) or _KEEPS.search(said):
            continue
        if _DELETES_FILES.search(said) or any(
            not _OUT_OF.search(said[: found.start()]) for found in named.finditer(said)
        ):
            return True
    return False


def names_in(path: str, text: str) -> dict[str, None]:
    """What a file defines, as quickly as it can be told: in Python with names inside strings, perhaps."""
    if language_of_path(path) != "python":
        return exact_names(path, text)
    return {**functions(path, text), **_constants(text)}


def exact_names(path: str, text: str) -> dict[str, None]:
    """What a file defines, by its grammar where there is one."""
    language = language_of_path(path)
    parts = sections(language, text)
    if parts is not None:
        return parts
    found = outline(language, text)
    names = functions(path, text) if found is None else _counted(each.name for each in found if each.name)
    return {**names, **_constants(without_literals(language, text))} if language == "python" else names


def _counted(names: Iterable[str]) -> dict[str, None]:
    """The names, those that are there more than once with a number: a getter and its setter are two."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
    return {
        f"{name}{_AGAIN}{n}" if n > 1 else name: None for name, most in seen.items() for n in range(1, most + 1)
    }


def _constants(text: str) -> dict[str, None]:
    names = dict.fromkeys(_CONSTANT.findall(text))
    return {**names, MAIN: None} if _MAIN.search(text) else names


def _bound(plain: str) -> set[str]:
    """What is imported or assigned, but not defined."""
    return bound_names("\n".join(line for line in plain.split("\n") if not _DEFINES.match(line)))


def _is_excused(path: str, name: str, *, old: str, new: str, plain: str, asked: str) -> bool:
    last = _last(name)
    if asked_for(name, asked):
        return True
    if last in _GENERATED and _GENERATORS.search(new) and not _GENERATORS.search(old):
        return True
    return _is_private(path, name, old) and not re.search(rf"(?<!\w){re.escape(last)}(?!\w)", plain)


def _is_private(path: str, name: str, old: str) -> bool:
    """Whether only the file itself can mean the name."""
    last, language = _last(name), language_of_path(path)
    if last.startswith("_"):
        return not last.endswith("__")
    word = re.escape(last)
    if language == "go":
        return last[:1].islower()
    if language in {"javascript", "typescript", "tsx"} and "." not in name and _EXPORTS.search(old):
        exported = rf"\bexport (?:default |async |abstract |declare )*\w+\*? {word}\b|\bexport default {word}\b"
        return not re.search(rf"{exported}|\bexport \{{[^}}]*\b{word}\b|\bexports\b[^\n;]*\b{word}\b", old)
    if language == "rust":
        return not re.search(rf"\bpub\b[^\n]*\b{word}\b", old)
    if language in {"java", "csharp", "kotlin", "php"}:
        return re.search(rf"\bprivate\b[^\n=;]*\b{word}\b", old) is not None
    return language in {"c", "cpp"} and re.search(rf"^static\b[^\n=;]*\b{word}\b", old, re.MULTILINE) is not None


def _shrunk(lost: list[str], before: dict[str, None], after: dict[str, None], asked: str) -> list[str]:
    """Half of a file that is no program, or more, where some of it was kept."""
    kept = any(name in after for name in before) or not after
    few = len(after) * 2 <= len(before) and kept
    return [name for name in lost if not asked_for(name, asked)] if few and not _BROAD.search(asked) else []


def _left_out(lost: list[str], before: dict[str, None], after: dict[str, None]) -> list[str]:
    """Most of a file, with next to nothing in its place."""
    holders = {name.rsplit(".", 1)[0] for name in before if "." in name}
    kept = sum(name not in lost and name not in holders for name in before)
    added = sum(name not in before for name in after)
    return lost if len(lost) >= 2 and 0 < kept < len(lost) and added < len(lost) / 2 else []


def _heads(names: list[str]) -> list[str]:
    """Without what goes with its holder."""
    gone = set(names)
    return [name for name in names if name.rpartition(".")[0] not in gone]


def _last(name: str) -> str:
    return name.partition(_AGAIN)[0].rpartition(".")[2] if name != MAIN else name
