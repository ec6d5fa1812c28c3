"""Reads Python, JSON, TOML and YAML with their own parsers and says where one gives up.

Each reader takes the text and returns the first fault, or None if the text is well formed. None of them runs,
imports or builds anything from what it reads. `TooHeavyError` means this process should not try.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

from escalator.forking import ForkLock
from escalator.languages.faults import Fault, position
from escalator.validators.syntax.mappings import JsonKeys, YamlKeys
from escalator.workspace import encoded

DEEPEST = 200
"""Levels of nested brackets a reader follows; CPython's own limit for Python source is the same."""

LARGEST_PYTHON = 1_000_000
"""Characters of Python that are compiled in this process; more is compiled in a child."""

_FILTERS = ForkLock()
"""Held while warnings are silenced: the filters belong to the whole process, not to a thread."""

_REPEATED = Fault(line=1, column=1, message="a key stands twice in one mapping", structural=True, repeat=True)
"""Said of a text that is well formed; `keys` tells which."""

_TOO_DEEP = f"brackets nest deeper than {DEEPEST} levels; write it flatter"
_STRING = r'"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\Z)'
_JSONC_TOKEN = re.compile(_STRING + r"|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)")
_TRAILING_COMMA = re.compile(f"({_STRING})" + r"|,(?=\s*[}\]])")
_LONG_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_BRACKET = re.compile(r"[\[{(]|[\]})]")


class TooHeavyError(Exception):
    """The text is too large or too deep to be read in this process; read it in a child."""


def read_python(text: str, path: str) -> Fault | None:
    """Compile Python source without running it. Raises `TooHeavyError` where a child should do it."""
    if len(text) > LARGEST_PYTHON:
        raise TooHeavyError
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(_bytes(path, text), path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return Fault(line=error.lineno or 1, column=error.offset or 1, message=_python_message(error))
    except (RecursionError, MemoryError) as error:
        raise TooHeavyError from error
    except (ValueError, OverflowError) as error:
        return Fault(line=1, column=1, message=str(error))
    return None


def parsed_python(text: str) -> ast.Module:
    """The tree of Python source; raises what `ast.parse` does."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(_bytes("source.py", text))


def _bytes(path: str, text: str) -> bytes:
    """The source as Python will read it."""
    if text.isascii():
        return text.encode("ascii")  # the same in every encoding that a source may declare
    try:
        return encoded(path, text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _python_message(error: SyntaxError) -> str:
    kind = type(error).__name__
    return f"{kind}: {error.msg}"


def read_json(text: str) -> Fault | None:
    """Read one JSON value; NaN and Infinity, which JSON does not have, are faults."""
    twice = JsonKeys()
    options: Any = {"parse_int": str, "parse_float": str, "parse_constant": _no_constant}
    try:
        json.loads(text.removeprefix("\ufeff"), object_pairs_hook=twice, **options)
    except json.JSONDecodeError as error:
        return Fault(line=error.lineno, column=error.colno, message=error.msg, structural=True)
    except RecursionError:
        return Fault(line=1, column=1, message=_TOO_DEEP)
    except ValueError as error:
        return Fault(line=1, column=1, message=str(error))
    return _REPEATED if twice else None


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON; use null or a string")


def read_jsonc(text: str) -> Fault | None:
    """Read JSON that may hold comments and trailing commas, as editors' and compilers' settings do."""
    return read_json(plain_json(text))


def plain_json(text: str) -> str:
    """JSON with comments and trailing commas as plain JSON, every other character where it was."""
    plain = _JSONC_TOKEN.sub(_blank_comment, text)
    return _TRAILING_COMMA.sub(lambda match: match[1] or " ", plain)


def _blank_comment(match: re.Match[str]) -> str:
    found = match[0]
    unclosed = found.startswith("/*") and not (len(found) > 3 and found.endswith("*/"))
    return found if found.startswith('"') or unclosed else re.sub(r"[^\n]", " ", found)


def read_jsonl(text: str) -> Fault | None:
    """Read one JSON value a line; empty lines are let pass."""
    repeated = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or (fault := read_json(line)) is None:
            continue
        if not fault.repeat:
            return Fault(line=number, column=fault.column, message=fault.message)
        repeated = fault
    return repeated


def read_toml(text: str) -> Fault | None:
    """Read TOML; keys of a hundred dotted parts, which take minutes to read, are refused unread."""
    import tomllib

    if (hostile := _LONG_KEY.search(text)) is not None:
        line, column = position(text, hostile.start())
        return Fault(line=line, column=column, message="a key has more than 100 dotted parts")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _toml_fault(str(error), text)
    except RecursionError:
        return Fault(line=1, column=1, message=_TOO_DEEP)
    except ValueError as error:
        return Fault(line=1, column=1, message=str(error))
    return None


def _toml_fault(message: str, text: str) -> Fault:
    at = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if at is not None:
        return Fault(line=int(at[1]), column=int(at[2]), message=message[: at.start()])
    line, column = position(text, len(text.rstrip("\n")))
    return Fault(line=line, column=column, message=message.removesuffix(" (at end of document)"))


def read_yaml(text: str) -> Fault | None:
    """Read YAML as events, so that neither aliases nor nesting cost anything; no object is built."""
    import yaml

    if _depth(text) > DEEPEST:
        return Fault(line=1, column=1, message=_TOO_DEEP)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    anchors: set[str] = set()
    keys, repeated = YamlKeys(), None
    try:
        for event in yaml.parse(text, Loader=loader):
            if keys.repeats(event):
                repeated = _REPEATED
            if isinstance(event, yaml.DocumentStartEvent):
                anchors.clear()
            elif isinstance(event, yaml.AliasEvent) and event.anchor not in anchors:
                return _at(event.start_mark, f"the alias *{event.anchor} has no anchor")
            elif (anchor := getattr(event, "anchor", None)) is not None:
                anchors.add(anchor)
    except yaml.MarkedYAMLError as error:
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return _at(error.problem_mark or error.context_mark, what)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Fault(line=1, column=1, message=" ".join(str(error).split())[:200])
    return repeated


def yaml_events(text: str) -> list[tuple[object, ...]]:
    """What a YAML text says, in order, however it is laid out. Raises ValueError if it does not parse."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    wanted = ("anchor", "tag", "implicit", "value")
    try:
        events = yaml.parse(text, Loader=loader)
        return [(type(event), *(getattr(event, name, None) for name in wanted)) for event in events]
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _at(mark: Any, message: str) -> Fault:
    if mark is None:
        return Fault(line=1, column=1, message=message)
    return Fault(line=mark.line + 1, column=mark.column + 1, message=message)


def _depth(text: str) -> int:
    """How deep brackets nest at most, those in strings counted too."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    depth = deepest = 0
    for match in _BRACKET.finditer(text):
        depth = depth + 1 if match[0] in "[{(" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def read_markdown(text: str) -> Fault | None:
    """What can be wrong with Markdown at all: a fence that is never closed, or the marks of a failed merge."""
    opened: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if opened is None and line.startswith(("<<<<<<< ", ">>>>>>> ")):
            return Fault(line=number, column=1, message="a mark of a failed merge", structural=True)
        fence = _FENCE.match(line)
        if fence is None:
            continue
        mark, rest = fence[1], fence[2]
        if opened is None:
            opened = (number, mark) if mark[0] == "~" or "`" not in rest else None
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not rest.strip():
            opened = None
    if opened is None:
        return None
    return Fault(line=opened[0], column=1, message=f"the fence {opened[1]} is never closed", structural=True)


READERS: dict[str, Callable[[str], Fault | None]] = {
    "json": read_json,
    "jsonc": read_jsonc,
    "jsonl": read_jsonl,
    "toml": read_toml,
    "yaml": read_yaml,
    "markdown": read_markdown,
}
"""The readers that need nothing but the text."""
