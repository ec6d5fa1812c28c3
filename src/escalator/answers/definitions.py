"""What a file defines, and definitions that went missing without anybody having removed them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from escalator.languages.parsing import without_literals
from escalator.languages.tags import language_of_path

_LONGEST_LINE: Final = 300

_JAVASCRIPT: Final = re.compile(
    r"(?:export )?(?:default )?(?:async )?(?:function\*?|class|interface|type|enum|abstract class) (\w+)"
    r"|(?:export )?(?:const|let|var) (\w+)(?:: [^=]+)? = (?:async )?(?:function|\(|\w+ =>|<)"
)
_C: Final = re.compile(
    r"(?!return|else|if|for|while|switch)[A-Za-z_][\w *:<>,&]*[ *&](\w+)\([^;]*\Z"
    r"|(?:typedef )?(?:struct|enum|union|class) (\w+)[ :{]*\Z"
)
_JAVA: Final = re.compile(
    r"(?: {4}|\t| {2})?(?:(?:public|protected|private|internal|static|final|abstract|async|override|fun) )+"
    r"[^(={]{0,80}?(\w+) ?[({]"
)
_PATTERNS: Final = {
    "python": re.compile(r"(?:async )?(?:def|class) (\w+)"),
    "go": re.compile(r"(?:func(?: \([^)]*\))?|type) (\w+)"),
    "rust": re.compile(r"(?:pub(?:\([^)]*\))? )?(?:(?:async|unsafe|const) )*(?:fn|struct|enum|trait|mod) (\w+)"),
    "ruby": re.compile(r" {0,2}(?:def|class|module) ([\w.?!]+)"),
    "php": re.compile(r" {0,4}(?:(?:public|private|protected|static|abstract|final) )*(?:function|class) (\w+)"),
    **dict.fromkeys(("javascript", "typescript", "tsx"), _JAVASCRIPT),
    **dict.fromkeys(("c", "cpp", "objc"), _C),
    **dict.fromkeys(("java", "csharp", "kotlin", "scala"), _JAVA),
}
_CALLED: Final = re.compile(r"(?<![\w.\"'`@$-])(\w+)\s?\(")
_BINDING: Final = re.compile(
    r"\s*(?:from|import|use|using|require|const|let|var|export|#include|global|nonlocal)\b"
)
_ASSIGNED: Final = re.compile(r"\s*(?:def |class |fn |func |function |async def )?(\w+)\s*(?:[:=(]|$)")
_HEADER: Final = _PATTERNS["python"]
_HEADERS: Final = ("def ", "class ", "async ")
_HEAD_LINES: Final = re.compile(r"^[ \t]*(?:async )?(?:def|class) \w+", re.MULTILINE)
_CONSTANT_LINES: Final = re.compile(
    r"^(?:if __name__|[A-Z][A-Z0-9_]*[ \t]*(?=(?::[^=\n]+)?=(?!=))|__\w+__[ \t]*(?=(?::[^=\n]+)?=(?!=)))",
    re.MULTILINE,
)
_FIELD_LINES: Final = re.compile(r"^(?: {1,4}|\t)(\w+)[ \t]*(?::[^=\n(]*)?(?:=(?!=)|$)", re.MULTILINE)
_PLAIN: Final = ("import ", "from ", "def ", "class ", "async ", "@", "#", ")", "]", "}", " ", "\t", '"""', "'''")
_FEW: Final = 40
"""Definitions that are still a piece of a file."""

_HOLLOW: Final = frozenset({"..."})


def definitions(path: str, text: str) -> dict[str, None]:
    """Names defined at the top of a file, in order; empty for languages it cannot be told for."""
    language = language_of_path(path) or ""
    pattern = _PATTERNS.get(language)
    if pattern is None:
        return {}
    lines = text.split("\n")
    if language == "python":
        lines = [line for line in lines if line.startswith(_HEADERS)]
    found = (pattern.match(line) for line in lines if len(line) <= _LONGEST_LINE)
    return dict.fromkeys(next(group for group in match.groups() if group) for match in found if match)


def begins_inside(path: str, text: str) -> bool:
    """Whether a Python text begins with an indented line, so that it can only be a piece of a file."""
    if language_of_path(path) != "python":
        return False
    first = next((line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")), "")
    return first.startswith((" ", "\t"))


def hollow_function(path: str, old: str, new: str) -> str | None:
    """The name of a Python function whose body became `...` while the old file had a real one."""
    if language_of_path(path) != "python" or "..." not in new:
        return None
    before = _bodies(old)
    hollow = (name for name, body in _bodies(new).items() if body == _HOLLOW)
    return next((name for name in hollow if before.get(name, _HOLLOW) != _HOLLOW), None)


def called_unbound(path: str, text: str) -> set[str]:
    """Names that a file calls and neither imports, assigns nor defines anywhere; none if it imports everything."""
    text = without_literals(language_of_path(path), text)
    if "import *" in text:
        return set()
    lines = (line for line in text.split("\n") if len(line) <= _LONGEST_LINE * 3)
    return {name for line in lines for name in _CALLED.findall(line)} - bound_names(text)


def bound_names(text: str) -> set[str]:
    """Names that a text without its strings and comments imports, assigns or defines anywhere."""
    bound: set[str] = set()
    listing = False
    for line in text.split("\n"):
        if len(line) > _LONGEST_LINE * 3:
            continue
        if listing or _BINDING.match(line):
            bound.update(re.findall(r"\w+", line))
            listing = (listing or line.rstrip().endswith(("(", "{", ","))) and ")" not in line and "}" not in line
        elif (assigned := _ASSIGNED.match(line)) and not line.lstrip().startswith(assigned[1] + "("):
            bound.add(assigned[1])
    return bound


def heads(text: str) -> Counter[str]:
    """The beginnings of the lines that define something in a Python text, with their indentation, counted."""
    return Counter(_HEAD_LINES.findall(text))


def may_have_lost(path: str, old: str, new: str) -> bool:
    """A quick look at the lines that define something, where they tell enough: whether the new text lacks one."""
    if language_of_path(path) != "python":
        return True
    if heads(old) - heads(new) or set(_CONSTANT_LINES.findall(old)) - set(_CONSTANT_LINES.findall(new)):
        return True
    return "class " in old and bool(Counter(_FIELD_LINES.findall(old)) - Counter(_FIELD_LINES.findall(new)))


def may_be_piece(path: str, old: str, new: str) -> bool:
    """A quick look: whether the new text defines a few things, and lacks something that the old one has."""
    if language_of_path(path) != "python" or not old.strip():
        return False
    first = next((line for line in new.split("\n") if line.strip()), "")
    if first[:1] in {" ", "\t"}:
        return True
    given, had = heads(new), heads(old)
    if not had or not 0 < sum(head[0] not in " \t" for head in given) <= _FEW:
        return False
    if had - given:
        return True
    if sum(head[0] not in " \t" for head in had) > 1:
        return False
    said = set(new.split("\n"))
    return any(line and not line.startswith(_PLAIN) and line not in said for line in old.split("\n")) or (
        "import" in old and "import" not in new
    )


def functions(path: str, text: str) -> dict[str, None]:
    """Definitions at the top of a file, in Python also what classes define: methods and classes in them."""
    names = definitions(path, text)
    if language_of_path(path) == "python":
        names.update(_members(text))
    return names


def _members(text: str) -> dict[str, None]:
    """What is defined inside the classes of a Python text, each behind the names of what holds it."""
    names: dict[str, None] = {}
    stack: list[tuple[int, str, bool]] = []
    for indent, line in _code_lines(text):
        while stack and indent <= stack[-1][0]:
            stack.pop()
        found = _HEADER.match(line) if line.startswith(_HEADERS) else None
        if found is None:
            continue
        name = f"{stack[-1][1]}.{found[1]}" if stack else found[1]
        if all(holds for _, _, holds in stack) and (stack or not indent):
            names[name] = None
        stack.append((indent, name, line.startswith("class ")))
    return {name: None for name in names if "." in name}


def _bodies(text: str) -> dict[str, frozenset[str]]:
    """For each function or class of a Python text the set of its lines, docstrings and comments left out."""
    bodies: dict[str, set[str]] = {}
    stack: list[tuple[int, str]] = []
    for indent, written in _code_lines(text):
        while stack and indent <= stack[-1][0]:
            stack.pop()
        line = written.partition("  #")[0].rstrip()
        for _, name in stack[-3:]:
            bodies[name].add(line)
        found = _HEADER.match(line) if line.startswith(_HEADERS) else None
        if found:
            name = ".".join([*(outer.rsplit(".", 1)[-1] for _, outer in stack[-1:]), found[1]])
            bodies[name] = set(_HOLLOW) if re.search(r":\s*\.\.\.\Z", line) else set()
            stack.append((indent, name))
    return {name: frozenset(lines) for name, lines in bodies.items()}


def _code_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a Python text that hold code, each behind its indentation."""
    quoted = False
    marked = '"""' in text or "'''" in text
    for line in text.split("\n"):
        bare = line.lstrip()
        indent = len(line) - len(bare)
        if marked and ('"""' in bare or "'''" in bare):
            marks = bare.count('"""') + bare.count("'''")
            inside, quoted = quoted, quoted != bool(marks % 2)
            if inside or bare.startswith(('"""', "'''")):
                continue
        elif quoted:
            continue
        if bare and bare[0] != "#":
            yield indent, bare
