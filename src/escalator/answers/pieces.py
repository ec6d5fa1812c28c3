"""One definition answered where a whole file was meant: put in the place of the old one, the rest stays.

Only in Python, and only where nothing is left to be told apart: the answer consists of definitions and imports,
what it changes is there once, of the same kind, as deep, under the same decorators. Everything else stays a whole
file, and is refused for what that file would lose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Final, Literal

from escalator.answers.definitions import may_be_piece
from escalator.answers.elision import stand_in_of
from escalator.answers.imports import with_imports
from escalator.answers.indents import in_style_of, indent_of
from escalator.answers.losses import MAIN, asked_for, exact_names
from escalator.languages.outline import Definition, outline
from escalator.languages.parsing import literal_spans, parses, tree_of

_BOUND: Final = re.compile(r"(?:async )?def \w+\(\s*(?:self|cls)\b|class \w+")


@dataclass(slots=True)
class _Part:
    """A run of lines at the top of an answer: its imports, or a definition with the comments above it."""

    kind: Literal["import", "definition"]
    lines: list[str]
    defined: Definition | None = None


@dataclass(slots=True)
class _Change:
    """Lines that take the place of a definition of the file, with new ones before and after it."""

    old: Definition
    lines: list[str]
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def placed(path: str, old: str, new: str, asked: str) -> tuple[str, str] | None:
    """The file `old` with the definitions that `new` consists of in their places, and a note; None where `new` is
    the file itself, or where a place is in doubt. `asked`: what the task says.
    """
    if not may_be_piece(path, old, new):
        return None
    text = dedent(new)
    inside = indent_of(next((line for line in new.split("\n") if line.strip()), "")) != ""
    parts, there = _parts(path, text), [each for each in outline("python", old) or [] if each.kind != "value"]
    if parts is None or not there or stand_in_of(path, old, new):
        return None
    changes = _changes(parts, there, old.split("\n"), inside=inside)
    if not changes or not _is_piece(path, old, text, changes, asked):
        return None
    lines = _written(old, changes)
    imported = [line for part in parts if part.kind == "import" for line in part.lines]
    whole = with_imports(lines, imported)
    if whole is None or parses("python", whole) is not True:
        return None
    names = ", ".join(change.old.name for change in changes)
    return whole, f"{path}: only {names} was given and took the place of the old one; the rest of the file stayed"


def _parts(path: str, text: str) -> list[_Part] | None:
    """The text as imports and definitions, None if there is anything else in it, or an error."""
    tree = tree_of("python", text)
    defined = {each.first: each for each in outline("python", text) or [] if "." not in each.name}
    if tree is None or tree.root_node.has_error or not defined:
        return None
    lines, parts, above = text.split("\n"), list[_Part](), list[str]()
    for node in tree.root_node.named_children:
        rows = lines[node.start_point[0] : node.end_point[0] + (node.end_point[1] > 0)]
        if node.type == "comment":
            above += [] if _names_file(rows[0], path) else rows
        elif node.type in {"import_statement", "import_from_statement", "future_import_statement"}:
            parts.append(_Part("import", rows))
        elif node.start_point[0] in defined:
            parts.append(_Part("definition", [*above, *rows], defined[node.start_point[0]]))
            above = []
        else:
            return None
    if above and parts[-1].kind == "definition":
        parts[-1].lines += above
    return parts


def _names_file(comment: str, path: str) -> bool:
    return comment.strip("# \t").rpartition("/")[2] == path.rpartition("/")[2]


def _changes(
    parts: Sequence[_Part], there: Sequence[Definition], lines: Sequence[str], *, inside: bool
) -> list[_Change] | None:
    """What each definition takes the place of; None if that is in doubt for any."""
    changes: list[_Change] = []
    fresh: list[list[str]] = []
    for part in parts:
        if part.defined is None:
            continue
        meant = _meant(part, there, lines, inside=inside)
        if meant is None:
            return None
        if not meant:
            fresh.append(part.lines)
            continue
        rows = _reindented(part.lines, meant[0], lines)
        if rows is None or (fresh and "." in meant[0].name) or meant[0] in [change.old for change in changes]:
            return None
        changes.append(_Change(meant[0], rows, before=_spaced(fresh)))
        fresh = []
    if fresh and changes and "." not in changes[-1].old.name:
        changes[-1].after = _spaced(fresh)
    elif fresh:
        return None
    return changes


def _meant(
    part: _Part, there: Sequence[Definition], lines: Sequence[str], *, inside: bool
) -> list[Definition] | None:
    """The definition of the file that a part takes the place of, none if it is new, None if that is in doubt."""
    given = part.defined
    if given is None:
        return None
    head = next(line for line in part.lines if line.startswith(("def ", "class ", "async ")))
    bound = head.startswith(("def ", "async ")) and _BOUND.match(head) is not None
    tops = [] if inside else [each for each in there if each.name == given.name]
    members = [each for each in there if each.name.endswith(f".{given.name}")]
    found = tops or (members if inside or bound or given.decorated else [])
    if bound and tops and members and not _BOUND.match(_head(tops[0], lines)):
        return None
    if not found:
        return None if inside or bound else []
    if len(found) > 1 or found[0].kind != given.kind or (found[0].decorated and not given.decorated):
        return None
    return found


def _head(defined: Definition, lines: Sequence[str]) -> str:
    rows = (line.strip() for line in lines[defined.first : defined.last + 1])
    return next((row for row in rows if row.startswith(("def ", "class ", "async "))), "")


def _is_piece(path: str, old: str, new: str, changes: Sequence[_Change], asked: str) -> bool:
    """Whether the answer is one definition, or fewer than it leaves out, and nobody asked for that."""
    if any("." in change.old.name for change in changes):
        return True
    before, after = exact_names(path, old), exact_names(path, new)
    lost = [name for name in before if name not in after and (name == MAIN or "." not in name)]
    if lost:
        return (len(changes) == 1 or len(changes) < len(lost)) and not all(asked_for(name, asked) for name in lost)
    return len(changes) == 1 and _has_more(old, new)


def _has_more(old: str, new: str) -> bool:
    """Whether the file has statements beside its definitions, or imports what the new text uses."""
    tree = tree_of("python", old)
    kept = {"comment", "function_definition", "class_definition", "decorated_definition"}
    for node in tree.root_node.named_children if tree is not None else []:
        said = (node.text or b"").decode("utf-8", "replace")
        if "import" in node.type:
            names = re.findall(r"\w+", said.partition("import")[2])
            if said not in new and any(re.search(rf"\b{name}\b", new) for name in names if name != "as"):
                return True
        elif node.type not in kept and said not in new:
            return True
    return False


def _reindented(rows: Sequence[str], meant: Definition, lines: Sequence[str]) -> list[str] | None:
    """The lines as deep as the definition they take the place of; None if that would change a string."""
    pad = indent_of(lines[meant.first])
    if not pad:
        return list(rows)
    text = in_style_of("\n".join(lines), "", "\n".join(rows))
    written = text.split("\n")
    if any(not written[number].strip().startswith(('"', "'", "r")) for number in _long_strings(text)):
        return None
    return [pad + row if row.strip() else row for row in written]


def _long_strings(text: str) -> list[int]:
    """The numbers of the lines on which strings of several lines begin."""
    data = text.encode("utf-8", "replace")
    spans = literal_spans("python", text, comments=False)
    return [data.count(b"\n", 0, start) for start, end in spans if b"\n" in data[start:end]]


def _written(old: str, changes: Sequence[_Change]) -> list[str]:
    lines = old.split("\n")
    for change in sorted(changes, key=lambda each: -each.old.first):
        first, rows = change.old.first, change.lines
        above = next((n for n, row in enumerate(rows) if not row.lstrip().startswith("#")), 0)
        if above and [row.strip() for row in lines[max(0, first - above) : first]] == [
            row.strip() for row in rows[:above]
        ]:
            rows = rows[above:]
        after = ["", "", *change.after[:-2]] if change.after else []
        lines[first : change.old.last + 1] = [*change.before, *rows, *after]
    return lines


def _spaced(parts: Sequence[Sequence[str]]) -> list[str]:
    return [row for part in parts for row in (*part, "", "")]
