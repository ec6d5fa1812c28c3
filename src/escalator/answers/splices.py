"""One definition answered where a whole file was meant, in languages of braces: put in the place of the old one.

The rules are those of `pieces`, which does the same for Python: only where nothing is left to be told apart. A
text of nothing but definitions that has no place is no file either, where the file has more than definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from escalator.answers.indents import indent_of
from escalator.answers.losses import asked_for, asks_for_much, exact_names
from escalator.languages.outline import Definition, outline
from escalator.languages.parsing import parses, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_HOLDING: Final = frozenset({"javascript", "typescript", "tsx", "java"})
"""Languages in which a method alone is no file: it is read inside a class."""

_ABOVE: Final = frozenset({"comment", "line_comment", "block_comment", "attribute_item"})
_EXPORTED: Final = re.compile(r"\s*(export|pub|public)\b")
_SHELL: Final = "class Shell {{\n{}\n}}\n"
_FEW: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A definition of an answer, with the comments and attributes above it; `bare`: a method without its class."""

    defined: Definition
    lines: tuple[str, ...]
    bare: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """The lines from `first` to before `last` of the file, that `lines` take the place of."""

    name: str
    first: int
    last: int
    lines: tuple[str, ...]


def spliced(path: str, language: str, *, old: str, new: str, asked: str) -> tuple[str, str] | None:
    """The file `old` with the definitions that `new` consists of in their places, and a note; None where `new` may
    be the file itself, or where a place is in doubt. `asked`: what the task says.
    """
    parts = _parts(language, new) if old.strip() else None
    there = outline(language, old)
    if not parts or not there or not _is_piece(path, language, old=old, new=new, parts=parts, asked=asked):
        return None
    lines = old.split("\n")
    places = _places(language, parts, there, lines)
    if places is None:
        return None
    for place in reversed(places):
        lines[place.first : place.last] = place.lines
    whole = "\n".join(lines)
    if parses(language, whole) is not True:
        return None
    names = ", ".join(place.name for place in places)
    return whole, f"{path}: only {names} was given and took the place of the old one; the rest of the file stayed"


def is_lone(path: str, language: str, *, old: str, new: str, asked: str) -> bool:
    """Whether a text is only a piece of a file: definitions and nothing else, where the file has more."""
    if language == "php" and "<?" in old and "<?" not in new:
        return True
    parts = _parts(language, new) if old.strip() else None
    return bool(parts) and _is_piece(path, language, old=old, new=new, parts=parts or [], asked=asked)


def _parts(language: str, text: str) -> list[_Part] | None:
    """What a text defines, None if there is anything else in it but comments, or an error."""
    plain = dedent(text).strip("\n")
    tree = tree_of(language, plain)
    if tree is not None and not tree.root_node.has_error:
        found = outline(language, plain) or []
        tops = [each for each in found if _is_top(each, found)]
        return _listed(tree.root_node, plain.split("\n"), tops, bare=language == "java")
    if language not in _HOLDING:
        return None
    shell = _SHELL.format(plain)
    tree, found = tree_of(language, shell), [each for each in outline(language, shell) or [] if "." in each.name]
    body = tree.root_node.named_children[0].child_by_field_name("body") if tree is not None else None
    if tree is None or body is None or tree.root_node.has_error:
        return None
    inner = [each._replace(name=each.name.removeprefix("Shell.")) for each in found]
    return _listed(body, shell.split("\n"), [each for each in inner if "." not in each.name], bare=True)


def _is_top(each: Definition, found: Sequence[Definition]) -> bool:
    """Whether no other definition holds this one."""
    holder = each.name.rpartition(".")[0]
    return not holder or all(other.name != holder for other in found)


def _listed(
    root: Node, lines: Sequence[str], defined: Sequence[Definition], *, bare: bool = False
) -> list[_Part] | None:
    """The definitions right under a node; None if one shares its lines or something else stands there."""
    parts, above = list[_Part](), None
    for node in root.named_children:
        first, last = node.start_point[0], _last_row(node)
        if node.type in _ABOVE:
            above = first if above is None else above
            continue
        inside = [each for each in defined if first <= each.first and each.last <= last]
        held = node.type == "impl_item"
        if len(inside) != 1 and not (inside and held):
            return None
        for each in inside:
            begin, end = (each.first, each.last) if held else (first if above is None else above, last)
            rows, is_bare = tuple(lines[begin : end + 1]), bare and each.kind == "function"
            parts.append(_Part(defined=each, lines=rows, bare=is_bare))
        above = None
    return parts if above is None and 0 < len(parts) <= _FEW else None


def _places(
    language: str, parts: Sequence[_Part], there: Sequence[Definition], lines: Sequence[str]
) -> list[_Place] | None:
    """Where the parts go, in the order of the file; new ones go behind the one given before them, or before the
    next. None where any is in doubt.
    """
    starts = _starts(language, "\n".join(lines))
    places, fresh = list[_Place](), list[_Part]()
    for part in parts:
        found = _meant(part, there)
        if found is None or (not found and (_is_bound(part) or "." in part.defined.name)):
            return None
        if not found:
            fresh.append(part)
            continue
        place = _place(part, found[0], lines, starts)
        if place is None or any(other.first < place.last and place.first < other.last for other in places):
            return None
        places.append(place)
    if not places or (fresh and "." in places[-1].name):
        return None
    rows = [row for part in fresh for row in ("", *part.lines)]
    places[-1] = _Place(
        name=places[-1].name, first=places[-1].first, last=places[-1].last, lines=(*places[-1].lines, *rows)
    )
    return sorted(places, key=lambda place: place.first)


def _meant(part: _Part, there: Sequence[Definition]) -> list[Definition] | None:
    """The definition of the file that a part takes the place of, none if it is new, None if that is in doubt."""
    name = part.defined.name
    tops = [] if part.bare else [each for each in there if each.name == name]
    members = [each for each in there if each.name.endswith(f".{name}")]
    found = tops or (members if _is_bound(part) else [])
    if not found:
        return None if members else []
    return found if len(found) == 1 and found[0].kind == part.defined.kind else None


def _place(
    part: _Part, old: Definition, lines: Sequence[str], starts: dict[int, tuple[int, int, int]]
) -> _Place | None:
    """The lines that a part replaces: with the comments above the old one, if it brings its own."""
    if old.first not in starts:
        return None
    commented, first, last = starts[old.first]
    head, given = lines[old.first], next(row for row in part.lines if _is_head(row))
    if _word(head) != _word(given):
        return None
    brings = not _is_head(part.lines[0])
    pad, own = indent_of(head), indent_of(given)
    if any(row.strip() and not row.startswith(own) for row in part.lines) or (pad != own and _spans_lines(part)):
        return None
    rows = tuple(pad + row[len(own) :] if row.strip() else row for row in part.lines)
    return _Place(name=old.name, first=commented if brings else first, last=last + 1, lines=rows)


def _starts(language: str, text: str) -> dict[int, tuple[int, int, int]]:
    """For the first line of each definition that has its lines for itself: where the comments above it begin, and
    where the statement it is begins and ends.
    """
    tree = tree_of(language, text)
    found: dict[int, tuple[int, int, int]] = {}
    for node in _statements(tree.root_node) if tree is not None else []:
        first, last = node.start_point[0], _last_row(node)
        above, top = node.prev_named_sibling, first
        while above is not None and above.type in _ABOVE and _last_row(above) == top - 1:
            top, above = above.start_point[0], above.prev_named_sibling
        if _is_alone(node, first, last):
            found.setdefault(first, (top, first, last))
    return found


def _is_alone(node: Node, first: int, last: int) -> bool:
    """Whether nothing else of its level stands on the lines of a node."""
    before, after = node.prev_named_sibling, node.next_named_sibling
    return (before is None or _last_row(before) < first) and (after is None or after.start_point[0] > last)


def _last_row(node: Node) -> int:
    return node.end_point[0] - (node.end_point[1] == 0)


def _statements(node: Node, depth: int = 0) -> Iterator[Node]:
    for child in node.named_children:
        yield child
        if depth < 6 and child.type not in _ABOVE:
            yield from _statements(child, depth + 1)


def _is_head(row: str) -> bool:
    return bool(row.strip()) and not row.lstrip().startswith(("//", "/*", "*", "#["))


def _word(row: str) -> str:
    """What makes a definition known outside its file."""
    found = _EXPORTED.match(row)
    return found[1] if found else ""


def _spans_lines(part: _Part) -> bool:
    return any("`" in row or '"""' in row for row in part.lines)


def _is_piece(path: str, language: str, *, old: str, new: str, parts: Sequence[_Part], asked: str) -> bool:
    """Whether the answer is a member, or fewer definitions than it leaves out, or one where the file has more than
    definitions, and nobody asked for that.
    """
    if any(_is_bound(part) for part in parts):
        return True
    before, after = exact_names(path, old), exact_names(path, new)
    given = {part.defined.name for part in parts}
    if not given & before.keys():
        return False
    held = {name.rpartition(".")[0] for name in given} & before.keys()
    gone = [name for name in before if name not in after]
    lost = [name for name in gone if "." not in name or name.rpartition(".")[0] not in given]
    if lost or held:
        return (len(parts) == 1 or len(parts) < len(lost)) and not all(asked_for(name, asked) for name in lost)
    return len(parts) == 1 and not asks_for_much(asked) and _has_more(language, old, new)


def _is_bound(part: _Part) -> bool:
    """Whether a definition without a holder can only be a member."""
    head = next(row for row in part.lines if _is_head(row))
    return part.bare or ("." not in part.defined.name and re.search(r"\(&?(?:mut )?self\b", head) is not None)


def _has_more(language: str, old: str, new: str) -> bool:
    """Whether the file has statements beside its definitions that the new text has not."""
    tree, defined = tree_of(language, old), {each.first for each in outline(language, old) or []}
    for node in tree.root_node.named_children if tree is not None else []:
        said = (node.text or b"").decode("utf-8", "replace")
        if node.type in _ABOVE or said.strip() in new or node.type == "impl_item":
            continue
        if not any(node.start_point[0] <= first <= node.end_point[0] for first in defined):
            return True
    return False
