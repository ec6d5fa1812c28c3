"""Does an answer change what it was asked to change? White space and comments alone do not count as a change."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from escalator.languages.files import language_of
from escalator.languages.parsing import shape
from escalator.languages.tags import PROSE, language_of_path
from escalator.validators import wanted
from escalator.validators.syntax.readers import parsed_python, plain_json, yaml_events

if TYPE_CHECKING:
    from escalator.records import Brief, Candidate

Change: TypeAlias = Literal["code", "wording", "words", "layout"]
"""What differs: something a program sees, the words of comments that were there, other comments, white space."""

_SHOWN = 5
_MARKS = {
    **dict.fromkeys(("makefile", "dockerfile", "cmake", "terraform", "graphql", "nix", "perl"), r"#"),
    **dict.fromkeys(("r", "julia", "elixir", "powershell", "yaml", "toml"), r"#"),
    **dict.fromkeys(("jsonc", "proto", "gradle", "dart", "scss", "solidity", "fsharp", "objc"), r"//"),
    **dict.fromkeys(("ini", "asm", "clojure"), r"[#;]"),
    **dict.fromkeys(("sql", "lua", "haskell"), r"--"),
}
"""How a line begins that is a comment, where no grammar tells."""

_MARKUP = frozenset({"html", "xml", "vue", "svelte", "astro"})


def left_undone(candidate: Candidate, languages: Mapping[str, str]) -> str:
    """What is to be said of an answer that changes none of the files it was to change; empty if it does.

    `languages`: of the files whose language is known.
    """
    brief, changes = candidate.brief, candidate.changes.files
    if not brief.files or brief.response_schema is not None:
        return ""
    touched = [path for path in brief.files if path in changes and changes[path] != brief.files[path]]
    if not touched:
        return _beside(brief, [path for path in changes if path not in brief.files])
    kinds = []
    for path in touched:
        new = changes[path]
        language = languages.get(path) or _language(path, new or "", brief.language)
        kind = "code" if new is None else what_changed(language, brief.files[path], new)
        if _counts(kind, brief):
            return ""
        kinds.append(kind)
    elsewhere = [path for path in changes if path not in brief.files]
    if elsewhere and wanted.new_file(brief, elsewhere):
        return ""
    other = "white space" if set(kinds) == {"layout"} else "comments, documentation or white space"
    return f"{_listed(touched)}: does the same as before, with other {other}. Change what the task asks for."


def _counts(kind: Change, brief: Brief) -> bool:
    if kind == "code":
        return True
    if kind == "layout":
        return wanted.layout(brief)
    return wanted.words(brief) or wanted.layout(brief) or (kind == "wording" and wanted.spelling(brief))


def _beside(brief: Brief, others: list[str]) -> str:
    if not others or wanted.new_file(brief, others):
        return ""
    asked = _listed([path for path in brief.files if path not in brief.tests])
    return (
        f"The task is to change {asked}, and the answer leaves that as it was and only writes {_listed(others)}. "
        f"Put the change into {asked}."
    )


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _language(path: str, text: str, declared: str | None) -> str | None:
    language = language_of(path, text, declared)
    return language.name if language else language_of_path(path)


def what_changed(name: str | None, old: str, new: str) -> Change:
    """What differs between two versions of a file in the language of this name."""
    if name in PROSE or name is None:
        return _by_lines(old, new, None)
    try:
        return _COMPARED.get(name, _by_shape)(name, old, new)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _by_lines(old, new, "#" if name == "python" else _MARKS.get(name))


def _python(_name: str, old: str, new: str) -> Change:
    before, after = parsed_python(old), parsed_python(new)
    said = _without_effect(before), _without_effect(after)
    if ast.dump(before) != ast.dump(after):
        return "code"
    return _words(_comments(old) + said[0], _comments(new) + said[1])


def _without_effect(tree: ast.Module) -> list[str]:
    """The texts that stand as statements, docstrings above all, taken out of a module with what does nothing."""
    found: list[str] = []
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                idle = [each for each in block if _is_idle(each)]
                found += [ast.dump(each) for each in idle if isinstance(each, ast.Expr)]
                block[:] = [each for each in block if each not in idle]
    return found


def _is_idle(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _words(before: list[str], after: list[str]) -> Change:
    if before == after:
        return "layout"
    return "wording" if len(before) == len(after) else "words"


def _json(name: str, old: str, new: str) -> Change:
    plain = plain_json if name == "jsonc" else str
    return _by_data(name, old, new, lambda text: [_ordered(part) for part in _parts(name, plain(text))])


def _parts(name: str, text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()] if name == "jsonl" else [text]


def _ordered(text: str) -> object:
    """What JSON says, with the order of keys, and numbers as they are written."""
    return json.loads(
        text.removeprefix("\ufeff"),
        object_pairs_hook=lambda pairs: ("object", pairs),
        parse_float=lambda written: ("number", written),
        parse_int=lambda written: ("number", written),
    )


def _toml(name: str, old: str, new: str) -> Change:
    return _by_data(name, old, new, lambda text: repr(tomllib.loads(text)))


def _yaml(name: str, old: str, new: str) -> Change:
    return _by_data(name, old, new, yaml_events)


def _by_data(name: str, old: str, new: str, read: Callable[[str], object]) -> Change:
    """By what a reader of data gets; if that is the same, by the lines that are comments."""
    if read(old) != read(new):
        return "code"
    mark = re.compile(_MARKS.get(name, r"(?!)"))
    before, after = ([line for line in text.split("\n") if mark.search(line)] for text in (old, new))
    return _words(before, after)


def _by_shape(name: str, old: str, new: str) -> Change:
    before, after = shape(name, old), shape(name, new)
    if before is None or after is None:
        return _by_lines(old, new, _MARKS.get(name), markup=name in _MARKUP)
    return "code" if before[0] != after[0] else _words(before[1], after[1])


def _by_lines(old: str, new: str, mark: str | None, *, markup: bool = False) -> Change:
    """By lines without their right margin, those left out that are empty or begin with the mark of a comment."""
    comment = re.compile(mark) if mark else None
    kept, said = [], []
    for text in (old, new):
        plain = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL) if markup else text
        lines = [line.rstrip() for line in plain.split("\n") if line.strip()]
        words = [line for line in lines if comment and comment.match(line.lstrip())]
        kept.append([line for line in lines if not (comment and comment.match(line.lstrip()))])
        said.append(words + (re.findall(r"<!--.*?-->", text, flags=re.DOTALL) if markup else []))
    return _words(*said) if kept[0] == kept[1] else "code"


_COMPARED: dict[str, Callable[[str, str, str], Change]] = {
    "python": _python,
    "json": _json,
    "jsonc": _json,
    "jsonl": _json,
    "toml": _toml,
    "yaml": _yaml,
}
