"""What an answer does to files, in order, and doing it in memory: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from escalator.answers.definitions import begins_inside, definitions, hollow_function, may_be_piece, may_have_lost
from escalator.answers.diffs import Hunk, apply_diff
from escalator.answers.edits import Edit, apply_edit
from escalator.answers.elision import stand_in_of
from escalator.answers.failures import EDIT_FORMAT, ONE_FORMAT, UnusableError, quote, show
from escalator.answers.limits import Effort, refuse_many_edits, refuse_many_files
from escalator.answers.losses import asks_to_remove, is_missed, lost_definitions
from escalator.answers.pieces import placed
from escalator.languages.tags import language_of_path
from escalator.workspace import in_newlines_of, unwritable


@dataclass(frozen=True, slots=True)
class Whole:
    """The file's new content; None deletes it."""

    path: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One search/replace pair; `number` counts them over the answer, from 1."""

    path: str
    edit: Edit
    number: int


@dataclass(frozen=True, slots=True)
class Patch:
    """The hunks of a diff; `source` is the file they start from, None for a file that is created."""

    path: str
    hunks: tuple[Hunk, ...]
    source: str | None


Operation: TypeAlias = Whole | Change | Patch

SPLICED: Final = frozenset({"javascript", "typescript", "tsx", "go", "rust", "java"})
"""Languages of braces whose outlines tell reliably where a definition begins and ends."""

_OUTLINED: Final = frozenset({"c", "cpp", "csharp", "php", "ruby"})
"""Languages whose outlines tell no more than that a text is nothing but a definition."""


@dataclass(slots=True)
class Result:
    """Files after the operations so far, with line feeds only; None means deleted. `asked`: what the task says."""

    before: Mapping[str, str]
    asked: str = ""
    after: dict[str, str | None] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    seen: set[tuple[str, object]] = field(default_factory=set)
    effort: Effort | None = None

    def old(self, path: str) -> str:
        """The file before any change, with line feeds only; empty if there was none."""
        return self.before.get(path, "").replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")

    def now(self, path: str) -> str:
        """The file after the operations so far; empty if there is none."""
        return (self.after[path] or "") if path in self.after else self.old(path)


def perform(operations: Sequence[Operation], before: Mapping[str, str], asked: str = "") -> Result:
    """Apply operations one after another. Raises `UnusableError` if any of them cannot be applied."""
    result = Result(before, asked)
    if len(operations) > 1:
        refuse_many_edits(sum(isinstance(operation, Change) for operation in operations))
    for operation in operations:
        if isinstance(operation, Whole):
            _write(result, operation)
        elif isinstance(operation, Change):
            _edit(result, operation)
        else:
            _patch(result, operation)
    if len(operations) > 1:
        refuse_many_files(len(result.after))
    return result


def refuse_elided(result: Result) -> None:
    """Raise `UnusableError` if a file holds a stand-in for code, or lost what it still uses."""
    for path, text in result.after.items():
        old = result.old(path)
        if text is None:
            _refuse_deletion(result, path, old)
            continue
        char = None if text.isascii() else unwritable(path, text)
        if char is not None:
            raise _not_in_encoding(path, char)
        line = stand_in_of(path, old, text)
        if line is not None:
            raise _elided(path, f"this line stands for code that was left out:\n{quote(line)}\n")
        if old:
            _refuse_loss(result, path, old, text)


def finished(result: Result, dropped: Iterable[str] = ()) -> dict[str, str | None]:
    """The new files in the newline style of the old ones, without those `dropped`."""
    left_out = set(dropped)
    return {
        path: None if text is None else in_newlines_of(result.before.get(path, ""), text)
        for path, text in result.after.items()
        if path not in left_out
    }


def _write(result: Result, operation: Whole) -> None:
    path, text = operation.path, operation.text
    if text is None and path not in result.before and path not in result.after:
        result.notes.append(f"{path}: was to be deleted, but is not one of the files")
        return
    if text is not None and "\0" in text:
        raise UnusableError("bad_format", f"{show(path)} holds a NUL character; only text files can be written.")
    text = text.replace("\r\n", "\n").replace("\r", "\n") if text is not None else None
    now = result.now(path)
    piece = _placed(path, now, text, result.asked) if text is not None else None
    if piece is not None:
        result.after[path] = piece[0]
        result.notes.append(piece[1])
        return
    if path in result.after and result.after[path] != text:
        _refuse_two_pieces(result, path, text)
        result.notes.append(f"{path}: given more than once, the last one counts")
    result.after[path] = text
    result.whole.add(path)


def _placed(path: str, old: str, new: str, asked: str) -> tuple[str, str] | None:
    """The old file with the definitions in their places that the new text consists of, if it does; and a note."""
    language = language_of_path(path)
    if language in SPLICED and old.strip():
        from escalator.answers.splices import spliced

        return spliced(path, language, old=old, new=new, asked=asked)
    return placed(path, old, new, asked) if may_be_piece(path, old, new) else None


def _refuse_two_pieces(result: Result, path: str, text: str | None) -> None:
    """Raise `UnusableError` if what was given first is not in what was given last."""
    first = definitions(path, result.now(path)).keys() - definitions(path, text or "").keys()
    if text is not None and path not in result.before and first:
        raise _elided(path, f"you gave it more than once, and the last one does not define {', '.join(first)}.\n")


def _edit(result: Result, operation: Change) -> None:
    path, edit = operation.path, operation.edit
    if (path, edit.splits) in result.seen:
        result.notes.append(f"{path}: edit {operation.number} repeats an earlier one and was left out")
        return
    result.seen.add((path, edit.splits))
    if edit.search.strip() and path not in result.before and not result.now(path):
        raise UnusableError(
            "edit_not_found",
            f"SEARCH block {operation.number} is for {show(path)}, which is not one of the files you were given:\n"
            f"{quote(edit.search)}\nName the file exactly as it was given to you. Nothing was applied; send all "
            f"edits again. {EDIT_FORMAT}",
        )
    now = result.now(path)
    result.effort = result.effort or Effort()
    result.effort.spend(len(now))
    text, note = apply_edit(path, now, edit, number=operation.number)
    result.after[path] = text
    if note:
        result.notes.append(note)


def _patch(result: Result, operation: Patch) -> None:
    source = operation.source
    text = result.now(source) if source is not None else ""
    if source is None and result.now(operation.path).strip():
        text = result.now(operation.path)
        if not any(hunk.old for hunk in operation.hunks):
            text = ""
            result.whole.add(operation.path)
    new, notes = apply_diff(operation.path, text, operation.hunks)
    if source is not None and source != operation.path:
        result.after[source] = None
    result.after[operation.path] = new
    result.notes.extend(notes)


def _refuse_loss(result: Result, path: str, old: str, text: str) -> None:
    whole = path in result.whole
    if whole and begins_inside(path, text):
        raise _elided(path, "it begins with an indented line, so it is only a piece of the file.\n")
    hollow = hollow_function(path, old, text) if whole else None
    if hollow is not None:
        raise _elided(path, f"the body of {hollow} was replaced by '...'.\n")
    elsewhere = [other for name, other in result.after.items() if name != path and other]
    if not may_have_lost(path, old, text):
        return
    lost = lost_definitions(path, old, text, elsewhere=elsewhere, asked=result.asked)
    if lost:
        names = ", ".join(lost[:12])
        what = f"it no longer defines {names}, which the file had and nobody asked to remove or rename.\n"
        raise _elided(path, what) if whole else _removed(path, what)
    if whole and _is_lone(path, old, text, result.asked):
        raise _elided(path, "it is only a piece of the file, and it is unclear what it takes the place of.\n")


def _is_lone(path: str, old: str, new: str, asked: str) -> bool:
    language = language_of_path(path)
    if language not in SPLICED and (language not in _OUTLINED or asks_to_remove(asked)):
        return False
    from escalator.answers.splices import is_lone

    return is_lone(path, language, old=old, new=new, asked=asked)


def _refuse_deletion(result: Result, path: str, old: str) -> None:
    elsewhere = [text for text in result.after.values() if text]
    if is_missed(path, old, elsewhere=elsewhere, asked=result.asked):
        raise UnusableError(
            "elided",
            f"{show(path)} would be deleted with all that is in it, and nobody asked for that. Keep it, or move "
            f"what is in it to another file. Nothing was applied; send all changes again. {ONE_FORMAT}",
        )


def _removed(path: str, what: str) -> UnusableError:
    return UnusableError(
        "elided",
        f"{show(path)} would lose something: {what}Keep what the task does not ask to remove. Nothing was "
        f"applied; send all changes again. {EDIT_FORMAT}",
    )


def _not_in_encoding(path: str, char: str) -> UnusableError:
    return UnusableError(
        "bad_format",
        f"{show(path)} declares an encoding that does not have the character {char!a}. Write it as an escape, "
        f"or declare UTF-8. Nothing of your answer was used. {ONE_FORMAT}",
    )


def _elided(path: str, what: str) -> UnusableError:
    return UnusableError(
        "elided",
        f"{show(path)} is not complete: {what}What you answer replaces the whole file, so write every line of it, "
        f"also what does not change; or send only the changes as edits. {ONE_FORMAT} Edits: {EDIT_FORMAT}",
    )
