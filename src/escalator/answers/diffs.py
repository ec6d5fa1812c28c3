"""Unified diffs and patches as models write them: numbers may be wrong or missing, context is what counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from escalator.answers.edits import similar_lines
from escalator.answers.failures import ONE_FORMAT, UnusableError, quote, show
from escalator.answers.limits import Effort, refuse_many_files
from escalator.answers.matching import replace_unique
from escalator.answers.scopes import in_scope

_HUNK = re.compile(r"@@+(?: -(?P<old>\d+)(?:,(?P<size>\d+))?(?: \+\d+(?:,\d+)?)? ?@@+)?(?P<rest>.*)\Z")
_OLD = re.compile(r"--- (?P<path>[^\t]+)")
_NEW = re.compile(r"\+\+\+ (?P<path>[^\t]+)")
_GIT = re.compile(r"diff --git (?:\"?a/)?(?P<old>\S+?)\"? (?:\"?b/)?(?P<new>\S+?)\"?\Z")
_EXTENDED = re.compile(
    r"(?:index [0-9a-f]+\.\.|old mode|new mode|similarity index|copy (?:from|to)|Index: |={20,})"
)
_PATCH = re.compile(r"\*\*\* (?P<verb>Update|Add|Delete) File: (?P<path>.+?)\s*\Z")
_LOOKS = re.compile(
    r"^(?:diff --git |@@ -\d|--- \S.*\n\+\+\+ \S|\*\*\* Begin Patch|\*\*\* (?:Update|Add|Delete) File: )",
    re.MULTILINE,
)


@dataclass(slots=True)
class Hunk:
    """A run of lines: `old` as they are, `new` as they shall be; `line` is the stated first line, 0 if none.

    `scope` are the lines it is said to stand under, the outermost first. `old_bare` and `new_bare`: the file is
    said to end without a newline there, before and after. `at_end`: it is said to stand at the end of the file.
    """

    line: int = 0
    size: int | None = None
    scope: tuple[str, ...] = ()
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    old_bare: bool = False
    new_bare: bool = False
    at_end: bool = False
    mark: str = ""


@dataclass(slots=True)
class FileDiff:
    """What a diff does to one file; `old` or `new` is None for a file created or deleted, "" if unnamed."""

    old: str | None = ""
    new: str | None = ""
    hunks: list[Hunk] = field(default_factory=list)


def looks_like_diff(text: str) -> bool:
    """Whether a text has the headers of a unified diff or a patch, not just lines with plus and minus."""
    return bool(_LOOKS.search(text[:20_000]))


def read_diff(lines: Sequence[str], *, fenced: bool) -> list[FileDiff]:
    """Every file of a diff. Outside a fence a line that is no diff line ends a hunk; inside it is context whose
    leading space was lost.
    """
    reader = _Reader(lines=list(lines), fenced=fenced)
    while reader.number < len(reader.lines):
        reader.step()
    return [
        diff for diff in reader.files if diff.hunks or diff.old is None or diff.new is None or diff.old != diff.new
    ]


def apply_diff(path: str, text: str, hunks: Sequence[Hunk]) -> tuple[str, list[str]]:
    """The text after all hunks, and notes on hunks that were found elsewhere than they said.

    Raises `UnusableError` for a hunk whose lines are not in the file or, without a right number, are there twice.
    """
    notes: list[str] = []
    shift, effort = 0, Effort()
    for number, hunk in enumerate(hunks, 1):
        effort.spend(len(text))
        before = text.count("\n")
        text, note = _apply(path, text, hunk, number=number, shift=shift)
        shift += text.count("\n") - before
        if note:
            notes.append(f"{path}: hunk {number} {note}")
    return text, notes


@dataclass(slots=True)
class _Reader:
    lines: list[str]
    fenced: bool
    number: int = 0
    files: list[FileDiff] = field(default_factory=list)
    hunk: Hunk | None = None

    def step(self) -> None:
        line = self.lines[self.number]
        following = self.lines[self.number + 1] if self.number + 1 < len(self.lines) else ""
        self.number += 1
        if self._header(line, following):
            return
        found = _HUNK.match(line)
        if found is not None and not (self.hunk and line.startswith("@@@")):
            self._begin_hunk(found)
            return
        if self.hunk is None and self.fenced and line[:1] in {"+", "-", " "}:
            self._begin_hunk(None)
        self._hunk_line(line)

    def _header(self, line: str, following: str) -> bool:
        short = len(line) < 1000
        git, patch = (_GIT.match(line), _PATCH.match(line)) if short else (None, None)
        if git:
            self._begin_file(FileDiff(old=git["old"], new=git["new"]))
        elif patch:
            self._patch_header(patch)
        elif line.startswith("--- ") and following.startswith("+++ "):
            self._file_header(line, following)
        elif line.startswith(("*** Begin Patch", "*** End Patch", "*** End of File")):
            if self.hunk is not None and line.startswith("*** End of"):
                self.hunk.at_end = True
            self.hunk = None if line.startswith("*** End P") else self.hunk
        elif self.hunk is None and self.files:
            return self._extended(line)
        else:
            return False
        return True

    def _file_header(self, line: str, following: str) -> None:
        old, new = _OLD.match(line), _NEW.match(following)
        first, second = _path(old["path"] if old else ""), _path(new["path"] if new else "")
        self.number += 1
        if first and second and first.startswith("a/") and second.startswith("b/"):
            first, second = first[2:], second[2:]
        elif first is None and second and second.startswith("b/"):
            second = second[2:]
        elif second is None and first and first.startswith("a/"):
            first = first[2:]
        if self.files and self.hunk is None and not self.files[-1].hunks and self.files[-1].new in {second, first}:
            self.files[-1].old, self.files[-1].new = first, second
        else:
            self._begin_file(FileDiff(old=first, new=second))

    def _patch_header(self, patch: re.Match[str]) -> None:
        path, verb = patch["path"], patch["verb"]
        self._begin_file(FileDiff(old=None if verb == "Add" else path, new=None if verb == "Delete" else path))
        if verb == "Add":
            self.hunk = Hunk()
            self.files[-1].hunks.append(self.hunk)

    def _extended(self, line: str) -> bool:
        diff = self.files[-1]
        if line.startswith("deleted file mode"):
            diff.new = None
        elif line.startswith("new file mode"):
            diff.old = None
        elif line.startswith(("rename from ", "*** Move from: ")):
            diff.old = line.split(" ", 2)[2].strip()
        elif line.startswith("rename to "):
            diff.new = line.removeprefix("rename to ").strip()
        elif line.startswith("*** Move to: "):
            diff.new = line.removeprefix("*** Move to: ").strip()
        elif line.startswith(("Binary files ", "GIT binary patch")):
            raise UnusableError("bad_format", f"A binary file cannot be changed by a diff. {ONE_FORMAT}")
        else:
            return bool(_EXTENDED.match(line))
        return True

    def _begin_file(self, diff: FileDiff) -> None:
        self.files.append(diff)
        refuse_many_files(len(self.files))
        self.hunk = None

    def _begin_hunk(self, found: re.Match[str] | None) -> None:
        if not self.files:
            self._begin_file(FileDiff())
        line, size, rest = (found["old"], found["size"], found["rest"]) if found else (None, None, "")
        scope: tuple[str, ...] = () if (said := rest.strip(" .").removesuffix("@@").strip(" .")) == "" else (said,)
        hunks, last = self.files[-1].hunks, self.hunk
        if last is not None and scope and last.scope and not last.line and not (last.old or last.new):
            scope = (*last.scope, *scope)
            hunks.pop()
        self.hunk = Hunk(line=int((line or "0")[:9]), size=int(size[:9]) if size else None, scope=scope)
        hunks.append(self.hunk)

    def _hunk_line(self, line: str) -> None:
        hunk = self.hunk
        if hunk is None:
            return
        if line.startswith("\\"):
            hunk.old_bare = hunk.old_bare or hunk.mark in {"-", " "}
            hunk.new_bare = hunk.new_bare or hunk.mark in {"+", " "}
            return
        mark, rest = line[:1], line[1:]
        hunk.mark = mark if mark in {"-", "+"} else " "
        if mark == "-":
            hunk.old.append(rest)
        elif mark == "+":
            hunk.new.append(rest)
        elif mark in {" ", ""} or self.fenced:
            context = rest if mark == " " else line
            hunk.old.append(context)
            hunk.new.append(context)
        else:
            self.hunk = None


def _apply(path: str, text: str, hunk: Hunk, *, number: int, shift: int) -> tuple[str, str]:
    text, note = _placed(path, text, hunk, number=number, shift=shift)
    last = hunk.new[-1] if hunk.new else ""
    if hunk.new_bare and text.removesuffix("\n").endswith(last):
        return text.removesuffix("\n"), note
    return (text + "\n" if hunk.old_bare and not hunk.new_bare and text[-1:] not in {"", "\n"} else text), note


def _placed(path: str, text: str, hunk: Hunk, *, number: int, shift: int) -> tuple[str, str]:
    if not any(line.strip() for line in hunk.old) and not text.strip():
        return "\n".join(hunk.new).rstrip("\n") + "\n" if any(hunk.new) else "", ""
    if not hunk.old or (hunk.size == 0 and not any(hunk.old)):
        return _insert(path, text, hunk, number=number, shift=shift)
    several = 0
    for old, new in _variants(hunk):
        where = _Where(text, hunk, len(old), shift)
        found = replace_unique(text, "\n".join(old) + "\n", "\n".join(new) + "\n" if new else "", where.choose)
        if isinstance(found, tuple):
            how = f"matched {found[1]}" if found[1] else ""
            return found[0], how or ("" if where.is_stated("\n".join(old)) else "was not at the line it stated")
        several = several or found
    raise _failed(path, text, hunk, number, several)


@dataclass(frozen=True, slots=True)
class _Where:
    """What a hunk says of its place: the lines it stands under, then its number, then the end of the file."""

    text: str
    hunk: Hunk
    rows: int
    shift: int

    def choose(self, places: Sequence[int]) -> Sequence[int]:
        """Of several places those it can mean."""
        if self.hunk.scope:
            places = in_scope(self.text.split("\n"), self.hunk.scope, places) or places
        stated = [place for place in places if place == self._line]
        if len(places) > 1 and self.hunk.line and stated:
            return stated
        total = self.text.removesuffix("\n").count("\n") + 1
        ending = [place for place in places if self.hunk.at_end and place + self.rows >= total]
        return ending or places

    def is_stated(self, old: str) -> bool:
        """Whether its lines stand where its number says, if it has one."""
        rows = old.split("\n")
        line = max(self._line, 0)
        return not self.hunk.line or self.text.split("\n")[line : line + len(rows)] == rows

    @property
    def _line(self) -> int:
        return self.hunk.line - 1 + self.shift


def _variants(hunk: Hunk) -> list[tuple[list[str], list[str]]]:
    """The hunk as written, then without blank context lines at its end, which may belong to the prose."""
    variants = [(hunk.old, hunk.new)]
    old, new = list(hunk.old), list(hunk.new)
    while len(old) > 1 and old and new and not old[-1].strip() and not new[-1].strip():
        old.pop()
        new.pop()
    if len(old) != len(hunk.old):
        variants.append((old, new))
    return variants


def _insert(path: str, text: str, hunk: Hunk, *, number: int, shift: int) -> tuple[str, str]:
    """Lines added without any context: only a stated place can say where."""
    lines = text.split("\n")
    place = hunk.line + shift
    if hunk.size == 0 and 0 <= place < len(lines):
        return "\n".join([*lines[:place], *hunk.new, *lines[place:]]), ""
    raise UnusableError(
        "edit_ambiguous",
        f"Hunk {number} for {show(path)} only adds lines and has no context, so its place is unknown:\n"
        f"{quote(chr(10).join(hunk.new))}\nAdd unchanged lines before or after it. "
        "Nothing was applied; send all again.",
    )


def _failed(path: str, text: str, hunk: Hunk, number: int, several: int) -> UnusableError:
    body = "\n".join(hunk.old)
    if several:
        return UnusableError(
            "edit_ambiguous",
            f"Hunk {number} for {show(path)} matches {several} places:\n{quote(body)}\n"
            "Add context lines so that it matches exactly one. Nothing was applied; send all hunks again.",
        )
    similar = similar_lines(text, body) if body.strip() else ""
    hint = f"The most similar lines in the file are:\n{quote(similar)}\n" if similar else ""
    return UnusableError(
        "edit_not_found",
        f"Hunk {number} for {show(path)} does not match the file; these lines were expected:\n{quote(body)}\n"
        f"{hint}Copy context exactly. Nothing was applied; send all hunks again, or whole files. {ONE_FORMAT}",
    )


def _path(written: str) -> str | None:
    path = written.strip().strip('"')
    return None if path == "/dev/null" else path
