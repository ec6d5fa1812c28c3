"""From blocks, diffs and JSON entries to operations on files: which file each of them is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from escalator.answers.bare import one_word
from escalator.answers.blocks import Block
from escalator.answers.definitions import definitions
from escalator.answers.diffs import FileDiff, read_diff
from escalator.answers.edits import Edit, read_edits
from escalator.answers.failures import EDIT_FORMAT, ONE_FORMAT, UnusableError, no_code, show
from escalator.answers.kinds import Kind, is_script, kind_of, language_in, side_shows
from escalator.answers.matching import replace_unique
from escalator.answers.naming import Workspace, by_language, hinted_path, named_path, normal_path, title_path
from escalator.answers.numbering import unnumbered
from escalator.answers.operations import Change, Operation, Patch, Whole
from escalator.answers.structured import Item
from escalator.languages.parsing import parses, repaired_spaces
from escalator.languages.tags import COMMANDS, PROSE, compatible, extension_of, guess_language, language_of_path
from escalator.workspace import path_problem

_MOST_UNNAMED: Final = 200

_REVISED: Final = re.compile(
    r"\b(?:final|corrected|fixed|updated|improved|revised|complete|full|better|whole|cleaned|optimi[sz]ed"
    r"|putting it (?:all )?together|everything together)\b",
    re.IGNORECASE,
)
_ALTERNATIVE: Final = re.compile(
    r"\b(?:alternativ\w*|option|or|variant|approach|version \d|instead|another)\b", re.IGNORECASE
)
_DROPPED: Final[dict[Kind, str]] = {
    "commands": "a block of commands",
    "output": "a block of output",
    "example": "a usage example",
    "test": "a block of tests without a path",
    "sample": "a block of sample data",
}


def blocks(found: Sequence[Block], workspace: Workspace, notes: list[str]) -> list[Operation]:
    """Operations for all blocks in order; what is not part of the change is left out with a note.

    Raises `UnusableError` where a block's file cannot be told, is unsafe or is in another language.
    """
    if len(found) > 1:
        workspace = workspace.giving(named_path(block, workspace) for block in found)
    return _Assignment(workspace, notes).run(found)


def diffs(found: Sequence[FileDiff], workspace: Workspace, named: str | None) -> list[Operation]:
    """Operations for the files of a diff; `named` is the path written around it, for hunks without headers."""
    operations: list[Operation] = []
    for diff in found:
        old, new = (diff.old if diff.old != "" else named), (diff.new if diff.new != "" else named)
        if diff.old == "" and diff.new == "" and named is None:
            old = new = workspace.wanted
        if old is None and new is None:
            raise ambiguous("a diff has no file name", workspace)
        source = resolved(old, workspace) if old is not None else None
        if new is None and source is not None:
            operations.append(Whole(source, None))
        elif new is not None:
            path = source if source is not None and old == new else resolved(new, workspace)
            operations.append(Patch(path, tuple(diff.hunks), source))
    if not operations:
        raise UnusableError("bad_format", f"The diff in your answer has no hunks that can be read. {ONE_FORMAT}")
    return operations


def items(found: Sequence[Item], workspace: Workspace) -> list[Operation]:
    """Operations for the entries of a JSON answer."""
    operations: list[Operation] = []
    number, workspace = 0, workspace.giving(item.path for item in found)
    for item in found:
        if item.patch:
            operations += diffs(read_diff(item.patch.split("\n"), fenced=True), workspace, None)
            continue
        path = resolved(item.path, workspace) if item.path is not None else workspace.wanted
        if path is None and not workspace.files and item.content is not None:
            path = answer_name(guess_language(item.content))
        if path is None:
            raise ambiguous("an entry of the JSON has no path", workspace)
        if item.search is None:
            operations.append(Whole(path, item.content))
        else:
            number += 1
            operations.append(Change(path, Edit(splits=((item.search, item.replace),)), number))
    return operations


def ambiguous(what: str, workspace: Workspace) -> UnusableError:
    """Nothing tells which file something is for."""
    known = ", ".join(show(path) for path in list(workspace.files)[:20])
    given = f"The files are: {known}. " if known else ""
    return UnusableError(
        "ambiguous_path",
        f"It is unclear which file to change: {what}. {given}Nothing of your answer was used. {ONE_FORMAT}",
    )


def wrong_language(got: str, workspace: Workspace) -> UnusableError:
    """The code is in a language that the wanted file is not in."""
    wanted = show(workspace.wanted) if workspace.wanted else "the files"
    return UnusableError(
        "wrong_language",
        f"Your code is {got}, but {wanted} must be {workspace.language or 'in the language of the project'}. "
        f"Write it again in that language. {ONE_FORMAT}",
    )


class _Assignment:
    def __init__(self, workspace: Workspace, notes: list[str]) -> None:
        self.workspace, self.notes = workspace, notes
        self.slots: list[list[Operation]] = []
        self.unnamed: list[tuple[int, Block]] = []
        self.aside: dict[Kind, list[tuple[int, Block]]] = {}
        self.given: dict[str, str] = {}
        self.edits = 0
        self.last_path: str | None = None

    def run(self, found: Sequence[Block]) -> list[Operation]:
        for slot, block in enumerate(found):
            self.slots.append([])
            self._sort(slot, block)
        self._move_side_shows()
        self._fall_back()
        self._place_unnamed()
        for kind, aside in self.aside.items():
            self.notes.extend([f"{_DROPPED[kind]} was left out"] * min(len(aside), 1))
        operations = [operation for slot in self.slots for operation in slot]
        if not operations:
            raise self._nothing()
        return operations

    def _sort(self, slot: int, block: Block) -> None:
        named = named_path(block, self.workspace) if not block.edits else None
        kind = kind_of(block, named, self.workspace)
        if kind == "edits":
            self.slots[slot] = self._edit_operations(block)
        elif kind == "diff":
            around = block.info.path or (title_path(block.above[-1], self.workspace) if block.above else None)
            self.slots[slot] = diffs(read_diff(block.lines, fenced=True), self.workspace, around)
        elif named is not None:
            self._give(slot, block, resolved(named, self.workspace))
        elif kind == "file":
            if block.text.strip():
                self.unnamed.append((slot, block))
        else:
            self.aside.setdefault(kind, []).append((slot, block))

    def _give(self, slot: int, block: Block, path: str) -> None:
        text, wanted = block.text, language_of_path(path)
        plain = unnumbered(path, wanted, text)
        if plain is not None:
            self.notes.append(f"{path}: the numbers in front of its lines were taken off")
            text = plain
        tagged = block.info.language
        if tagged not in {None, "output"} and not compatible(tagged, wanted) and parses(wanted, text) is not True:
            raise UnusableError(
                "wrong_language",
                f"The block for {show(path)} is {tagged}, but that file must be {wanted}. Write it again. "
                f"{ONE_FORMAT}",
            )
        repaired = repaired_spaces(wanted, text)
        if repaired is not None:
            self.notes.append(f"{path}: invisible characters and odd spaces outside strings were made plain")
        self.slots[slot].append(Whole(path, repaired if repaired is not None else text))
        self.given[path] = text

    def _edit_operations(self, block: Block) -> list[Operation]:
        operations: list[Operation] = []
        around = block.info.path or (title_path(block.above[-1], self.workspace) if block.above else None)
        for edit in read_edits(block.lines, cut=False):
            titled = title_path(edit.title, self.workspace) if edit.title else None
            written = titled or around
            path = resolved(written, self.workspace) if written else self._path_of_edit(edit, block)
            if titled:
                around = titled
            self.edits += 1
            self.last_path = path
            operations.append(Change(path, edit, self.edits))
        return operations

    def _path_of_edit(self, edit: Edit, block: Block) -> str:
        workspace = self.workspace
        if workspace.wanted is not None and len(workspace.files) <= 1:
            return workspace.wanted
        fitting = [
            path
            for path, text in workspace.files.items()
            if any(isinstance(replace_unique(_plain(text), *split), tuple) for split in edit.splits)
        ]
        path = workspace.wanted or hinted_path(block, workspace)
        if len(fitting) == 1 and path not in fitting:
            return fitting[0]
        path = path or self.last_path or (fitting[0] if len(fitting) == 1 else None)
        if path is None:
            raise ambiguous(f"an edit block has no path above it. {EDIT_FORMAT}", workspace)
        return path

    def _move_side_shows(self) -> None:
        if len(self.unnamed) > _MOST_UNNAMED:
            raise ambiguous(f"there are {len(self.unnamed)} blocks of code without a path", self.workspace)
        kinds = side_shows([block for _, block in self.unnamed], self.workspace)
        for item, kind in zip(self.unnamed, kinds, strict=True):
            if kind is not None:
                self.aside.setdefault(kind, []).append(item)
        self.unnamed = [item for item, kind in zip(self.unnamed, kinds, strict=True) if kind is None]

    def _fall_back(self) -> None:
        """Where nothing is left that looks like the answer, take the example or the script that does."""
        if self.unnamed or any(self.slots):
            return
        examples = self.aside.get("example", [])
        if examples:
            self.unnamed = self.aside.pop("example")
        elif self.workspace.wanted is None and not self.workspace.files:
            scripts = [item for item in self.aside.get("commands", []) if is_script(item[1])]
            tests, commands = self.aside.get("test", []), self.aside.get("commands", [])
            single = next((found for found in (scripts, commands, tests) if len(found) == 1), [])
            self.unnamed = single
            self.aside = {
                kind: found for kind, found in self.aside.items() if not single or single[0] not in found
            }

    def _place_unnamed(self) -> None:
        wanted = self.workspace.wanted
        if wanted is not None and wanted not in self.given:
            self._place_wanted(wanted)
        for slot, block in self.unnamed:
            self._place(slot, block)

    def _place_wanted(self, wanted: str) -> None:
        """The blocks that may be the wanted file: exactly one is, or the last of several versions of it."""
        language = language_of_path(wanted)
        fitting = [(slot, block) for slot, block in self.unnamed if _fits(block, language)]
        if not fitting:
            self._refuse_language(language)
            return
        slot, block = fitting[0] if len(fitting) == 1 else self._settled(fitting, wanted)
        self.unnamed = [item for item in self.unnamed if item not in fitting]
        if one_word(block.text) and language not in PROSE | {"json", "yaml", None}:
            raise no_code("one word is not a file")
        self._give(slot, block, wanted)

    def _refuse_language(self, language: str | None) -> None:
        for _, block in self.unnamed:
            got = language_in(block)
            if got is not None and by_language(got, self.workspace) is None:
                raise wrong_language(got, self.workspace)

    def _settled(self, fitting: list[tuple[int, Block]], wanted: str) -> tuple[int, Block]:
        old = set(definitions(wanted, self.workspace.files.get(wanted, "")))
        names = [set(definitions(wanted, block.text)) for _, block in fitting]
        whole = [n for n, defined in enumerate(names) if old and old <= defined]
        last = len(fitting) - 1
        versions = all(defined <= names[last] for defined in names) and bool(names[last])
        leads = [" ".join(block.above[-2:])[:1000] for _, block in fitting]
        alternative = any(_ALTERNATIVE.search(lead) for lead in leads[1:])
        if whole and (len(whole) == 1 or not alternative) and self._covers(fitting, whole[-1], wanted):
            chosen = whole[-1]
        elif versions and not alternative and (_REVISED.search(leads[last]) or _is_excerpt(fitting)):
            chosen = last
        else:
            raise ambiguous(f"there are {len(fitting)} blocks of code without a path", self.workspace)
        self.notes.append(f"{wanted}: {len(fitting)} blocks without a path, number {chosen + 1} was taken")
        return fitting[chosen]

    def _covers(self, fitting: list[tuple[int, Block]], chosen: int, wanted: str) -> bool:
        """Whether the other blocks are earlier versions, or excerpts of the chosen one or of the old file."""
        names = set(definitions(wanted, fitting[chosen][1].text))
        rows = _rows(fitting[chosen][1].text) | _rows(self.workspace.files.get(wanted, ""))
        for number, (_, block) in enumerate(fitting):
            defined = set(definitions(wanted, block.text))
            version = number < chosen and bool(defined) and defined <= names
            if number != chosen and not version and not _rows(block.text) <= rows:
                return False
        return True

    def _place(self, slot: int, block: Block) -> None:
        hinted = hinted_path(block, self.workspace)
        language = language_in(block)
        path = hinted or by_language(language, self.workspace)
        if path is not None and path not in self.given and compatible(language, language_of_path(path)):
            self._give(slot, block, path)
        elif self._is_aside(block, language):
            self.notes.append("a block of code without a path was left out beside the files that have one")
        elif not self.workspace.files and self.workspace.wanted is None and not any(self.slots):
            self._name(slot, block, language)
        else:
            self._refuse_language_of_all(language)
            raise ambiguous("a block of code has no path", self.workspace)

    def _name(self, slot: int, block: Block, language: str | None) -> None:
        if len(self.unnamed) > 1:
            raise ambiguous(f"there are {len(self.unnamed)} blocks of code without a path", self.workspace)
        if one_word(block.text) and language not in {"json", "yaml"}:
            raise no_code("one word is not a file")
        self._give(slot, block, answer_name(language if language is not None else block.info.language))

    def _is_aside(self, block: Block, language: str | None) -> bool:
        """An excerpt of a file, or a snippet that defines nothing new and can be no other file."""
        rows, files = _rows(block.text), self.workspace.files
        if any(rows <= _rows(text) for text in self.given.values()):
            return True
        if not self.given and not any(self.slots):
            return False
        known = {name for path, text in [*files.items(), *self.given.items()] for name in definitions(path, text)}
        if definitions(f"x.{extension_of(language)}", block.text).keys() - known:
            return False
        others = [
            path for path in files if path not in self.given and compatible(language, language_of_path(path))
        ]
        alone = self.workspace.wanted is not None and len(files) <= 1
        return alone or not others or any(rows <= _rows(_plain(text)) for text in files.values())

    def _refuse_language_of_all(self, language: str | None) -> None:
        languages = {language_of_path(path) for path in self.workspace.files}
        if language is not None and languages and not any(compatible(language, known) for known in languages):
            raise wrong_language(language, self.workspace)

    def _nothing(self) -> UnusableError:
        if self.aside.get("test"):
            return ambiguous("there is only a block of tests, without a path", self.workspace)
        scripts = [block for _, block in self.aside.get("commands", []) if is_script(block)]
        if scripts and self.workspace.language not in COMMANDS | {None}:
            return wrong_language("bash", self.workspace)
        kinds = ", ".join(_DROPPED[kind] for kind in self.aside)
        return no_code(f"there is only {kinds}" if kinds else "the fenced block is empty")


def answer_name(language: str | None) -> str:
    """The file that code without any name goes to."""
    return f"answer.{extension_of(language)}"


def refuse_unsafe(path: str) -> None:
    """Raise `UnusableError` for a path no answer may name."""
    problem = path_problem(path)
    if problem:
        raise UnusableError(
            "unsafe_path",
            f"The path {show(path)} cannot be used: {problem}. Name files relative to the project, as "
            f"they were given to you. Nothing of your answer was used. {ONE_FORMAT}",
        )


def resolved(written: str | None, workspace: Workspace) -> str:
    """The path meant by a path as written. Raises `UnusableError` if it is unsafe or means several files."""
    path = normal_path(written or "")
    refuse_unsafe(path)
    meant = workspace.resolve(path)
    if len(meant) > 1:
        raise ambiguous(f"{show(path)} may be any of {', '.join(map(show, meant[:10]))}", workspace)
    return meant[0]


def _fits(block: Block, language: str | None) -> bool:
    """Whether a block may be a file in this language: by its tag, else unless it is clearly something else."""
    tagged = block.info.language
    if tagged is not None and tagged != "text":
        return compatible(tagged, language) or (tagged == "console" and language == "bash")
    if language in PROSE | {None}:
        return True
    accepted = parses(language, block.text)
    looks = language_in(block)
    return accepted is True or looks is None or compatible(looks, language) or parses(looks, block.text) is False


def _is_excerpt(fitting: list[tuple[int, Block]]) -> bool:
    """Whether every line of the earlier blocks is in the last one."""
    last = _rows(fitting[-1][1].text)
    return all(_rows(block.text) <= last for _, block in fitting[:-1])


def _rows(text: str) -> set[str]:
    return {line.strip() for line in text.split("\n") if line.strip()}


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
