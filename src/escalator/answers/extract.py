"""Model text to a change set, or to a typed reason why there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from escalator.answers import assign
from escalator.answers.bare import bare_code, bare_document, is_code
from escalator.answers.blocks import Block, read_blocks
from escalator.answers.cleaning import clean, without_reasoning
from escalator.answers.diffs import looks_like_diff, read_diff
from escalator.answers.failures import ONE_FORMAT, UnusableError, no_code, show, truncated
from escalator.answers.heredocs import written_files
from escalator.answers.info import Info
from escalator.answers.limits import refuse_excess, refuse_many_files
from escalator.answers.naming import Workspace, named_path, normal_path, title_path
from escalator.answers.numbering import without_numbers
from escalator.answers.operations import Operation, Patch, finished, perform, refuse_elided
from escalator.answers.simple import one_block
from escalator.answers.structured import read_structured
from escalator.answers.tagged import read_tagged
from escalator.languages.parsing import parses
from escalator.languages.tags import COMMANDS, PROSE, guess_language, language_of_path
from escalator.records import ChangeSet, Rejection
from escalator.workspace import changes_test_settings, composed, is_guarded, is_protected

_SHORT: Final = 12_000
"""Characters up to which no text holds more pieces than an answer may."""

_CUT: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "token_limit", "truncated"}
    | {"incomplete", "max_length", "model_length"}
)


def extract(
    text: str,
    *,
    target: str | None = None,
    workspace: Mapping[str, str] | None = MappingProxyType({}),
    finish_reason: str = "stop",
    protected: Collection[str] = (),
    named: Collection[str] = (),
    asked: str = "",
    thought_apart: bool = False,
) -> ChangeSet | Rejection:
    """Take the change set out of a model's answer, all or nothing.

    `target` is the file an unnamed block is for; the only file of `workspace` ({path: content}) is so by itself.
    Without either, one block of code becomes `answer.<extension of its language>`. `protected` are paths,
    directories or glob patterns the answer may not touch; files that steer tests, CI or dependencies are
    protected as well unless they are the target or among `named`, the files the task names. A change there is
    dropped with a note, or rejected if nothing else is left. `asked` is what the task says: what disappears from
    a file is refused unless it asks for that. Never raises; never names a path outside the workspace.
    """
    extraction = _Extraction.of(target, workspace, finish_reason, protected, named=named, asked=asked)
    extraction.thought_apart = thought_apart
    return extraction.result(text)


def extract_thoroughly(
    text: str,
    *,
    target: str | None = None,
    workspace: Mapping[str, str] | None = MappingProxyType({}),
    finish_reason: str = "stop",
    protected: Collection[str] = (),
    named: Collection[str] = (),
    asked: str = "",
    thought_apart: bool = False,
) -> ChangeSet | Rejection:
    """The same as `extract` without its short way for plain answers: this defines what an answer means."""
    extraction = _Extraction.of(target, workspace, finish_reason, protected, named=named, asked=asked)
    extraction.short_way, extraction.thought_apart = False, thought_apart
    return extraction.result(text)


@dataclass(slots=True)
class _Extraction:
    workspace: Workspace
    cut: bool
    protected: tuple[str, ...]
    named: frozenset[str]
    asked: str
    spelt: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    short_way: bool = True
    thought_apart: bool = False

    @classmethod
    def of(
        cls,
        target: str | None,
        workspace: Mapping[str, str] | None,
        finish_reason: str,
        protected: Collection[str],
        *,
        named: Collection[str],
        asked: str,
    ) -> _Extraction:
        files, spelt = dict[str, str](), dict[str, str]()
        for path, content in (workspace or {}).items():
            files[normal_path(path)] = content
            if not path.isascii():
                spelt[normal_path(path)] = path
        return cls(
            spelt=spelt,
            workspace=Workspace.of(files, normal_path(target) if target else None),
            cut=finish_reason.casefold() in _CUT,
            protected=tuple(protected),
            named=frozenset(map(normal_path, named)),
            asked=asked,
        )

    def result(self, text: str) -> ChangeSet | Rejection:
        try:
            return self.run(text)
        except UnusableError as unusable:
            return unusable.rejection

    def run(self, text: str) -> ChangeSet:
        if len(text) > _SHORT:
            refuse_excess(text)
        answer = self._answer(text)
        plain = one_block(answer, self.workspace) if self.short_way and not self.cut else None
        operations = self._operations(answer) if plain is None else [plain]
        within = [one for one in operations if not self._is_off_limits(one)]
        result = perform(within, self.workspace.files, self.asked)
        refuse_elided(result)
        self._drop_test_settings(result.after)
        files = finished(result, self.dropped)
        if not files:
            raise self._nothing_left(result.notes)
        files = {self.spelt.get(path, path): text for path, text in files.items()}
        return ChangeSet(files=files, notes=tuple(dict.fromkeys([*self.notes, *result.notes])))

    def _answer(self, text: str) -> str:
        answer = without_reasoning(clean(text), thought_apart=self.thought_apart)
        if answer is None:
            raise truncated("its reasoning never ended, so there is no answer after it")
        if not answer.strip():
            if self.cut:
                raise truncated("it ended before anything was said")
            raise no_code("it is empty")
        return answer

    def _operations(self, answer: str) -> list[Operation]:
        structured = self._structured(answer)
        if structured is not None:
            return structured
        tagged = read_tagged(answer, self.workspace)
        if tagged is not None:
            return self._of_blocks(answer, tagged)
        document = self._unfenced(answer)
        if document is not None:
            return document
        blocks = read_blocks(answer, self.workspace.language)
        if not blocks:
            return self._bare(answer)
        self._refuse_cut(answer, blocks)
        return self._wrapped(blocks) or assign.blocks(
            _expanded(blocks, self.workspace), self.workspace, self.notes
        )

    def _wrapped(self, blocks: list[Block]) -> list[Operation] | None:
        """What the only block holds, if it is no file but JSON or elements that hold files."""
        info = blocks[0].info
        if len(blocks) > 1 or info.path or info.language == self.workspace.language:
            return self._structured(blocks[0].text) if len(blocks) == 1 and info.language == "json" else None
        if info.language == "json":
            return self._structured(blocks[0].text)
        tagged = read_tagged(blocks[0].text, self.workspace) if info.language in {"xml", "html", None} else None
        return None if tagged is None else assign.blocks(tagged, self.workspace, self.notes)

    def _of_blocks(self, answer: str, blocks: list[Block]) -> list[Operation]:
        """Elements may stand in an answer that was cut only if all of them ended."""
        rest = answer[answer.rfind("</") :].partition(">")[2]
        if self.cut and ("<" in rest or any(not block.closed for block in blocks)):
            raise truncated("it ended in the middle of something")
        return assign.blocks(blocks, self.workspace, self.notes)

    def _structured(self, answer: str) -> list[Operation] | None:
        found = read_structured(answer, self.workspace, cut=self.cut)
        if found is None:
            return None
        said = found[0].content if len(found) == 1 and found[0].path is None else None
        if said is not None and "```" in said:
            return assign.blocks(read_blocks(said, self.workspace.language), self.workspace, self.notes)
        return assign.items(found, self.workspace)

    def _unfenced(self, answer: str) -> list[Operation] | None:
        """A whole file that is not fenced itself though fences occur in it: Markdown, or code with docstrings."""
        language = self.workspace.language
        if "```" not in answer and "~~~" not in answer:
            return None
        first = answer.lstrip()
        if language == "markdown" and not first.startswith(("```", "~~~")):
            tags = {block.info.language for block in read_blocks(answer, language)}
            document = bare_document(answer) if "markdown" not in tags else None
            return self._unnamed(document) if document is not None else None
        if language in PROSE | {None} or first.startswith(("`", "~")) or _column_zero_fence(answer):
            return None
        return self._unnamed(answer) if language and is_code(answer, language) else None

    def _bare(self, answer: str) -> list[Operation]:
        if looks_like_diff(answer):
            return self._bare_diff(answer)
        language = self.workspace.language
        if language not in PROSE | {None, "yaml"}:
            answer = "\n".join(without_numbers(answer.strip("\n").split("\n")) or [answer])
        titled = self._titled(answer)
        if titled is not None:
            return titled
        code = bare_document(answer) if language == "markdown" else bare_code(answer, language)
        if code is None and language is not None and language not in PROSE:
            other = guess_language(answer)
            if other is not None and other != "markdown" and bare_code(answer, other):
                raise assign.wrong_language(other, self.workspace)
        if code is None:
            raise truncated("it ended before any code") if self.cut else no_code("there is no fenced block in it")
        return self._unnamed(code)

    def _titled(self, answer: str) -> list[Operation] | None:
        """A file that stands under nothing but its path."""
        title, _, rest = answer.lstrip("\n").partition("\n")
        path = title_path(title, self.workspace)
        if path is None or len(meant := self.workspace.resolve(path)) != 1 or not self.workspace.knows(meant[0]):
            return None
        language = language_of_path(meant[0])
        if language is None or language in PROSE or not is_code(rest, language):
            return None
        return self._unnamed(rest, meant[0])

    def _unnamed(self, text: str, path: str | None = None) -> list[Operation]:
        if self.cut:
            raise truncated("it ended in the middle of the code, as far as can be told")
        language = self.workspace.language or guess_language(text)
        block = Block(
            info=Info(tag=language or "", language=language, path=path),
            lines=tuple(text.strip("\n").split("\n")),
            start=0,
            end=0,
        )
        return assign.blocks([block], self.workspace, self.notes)

    def _bare_diff(self, answer: str) -> list[Operation]:
        if self.cut:
            raise truncated("it ended in the middle of the diff, as far as can be told")
        return assign.diffs(read_diff(answer.split("\n"), fenced=False), self.workspace, None)

    def _refuse_cut(self, answer: str, blocks: list[Block]) -> None:
        last = blocks[-1]
        if not last.closed:
            if self.cut:
                raise truncated("the last block of code has no end")
            language = last.info.language or self.workspace.language
            if not last.edits and parses(language, last.text) is False:
                raise truncated("the last block of code is neither closed nor complete")
            self.notes.append("the last block was not closed, but is complete as far as can be told")
        elif self.cut:
            self._refuse_incomplete_set(answer, blocks)

    def _refuse_incomplete_set(self, answer: str, blocks: list[Block]) -> None:
        """A cut answer whose last words announce another file."""
        rest = [line for line in answer.split("\n")[blocks[-1].end :] if line.strip()]
        if not rest:
            return
        path = title_path(rest[-1], self.workspace)
        given = {named_path(block, self.workspace) for block in blocks}
        unheard = path is not None and path not in given
        lead = rest[-1].rstrip(" *_").endswith(":") and any(
            known not in given and known in rest[-1] for known in self.workspace.files
        )
        if unheard or lead or rest[-1].lstrip().startswith("#"):
            raise truncated(f"it announces {show(rest[-1].strip())} and stops")

    def _is_off_limits(self, operation: Operation) -> bool:
        paths = {
            operation.path,
            *([operation.source] if isinstance(operation, Patch) and operation.source else []),
        }
        for path in paths:
            assign.refuse_unsafe(path)
            guarded = not self._is_named(path) and is_guarded(path)
            if guarded or is_protected(path, self.protected) or self._is_meant_protected(path):
                if path not in self.dropped:
                    self.dropped.append(path)
                    self.notes.append(f"{path}: protected, its change was dropped")
                return True
        return False

    def _is_named(self, path: str) -> bool:
        return path == self.workspace.wanted or path in self.named

    def _is_meant_protected(self, path: str) -> bool:
        """Whether a path that is no file yet shortens that of exactly one protected file."""
        if self.workspace.knows(path):
            return False
        return sum(composed(item).endswith(f"/{path}") for item in self.protected) == 1

    def _drop_test_settings(self, after: Mapping[str, str | None]) -> None:
        for path, text in after.items():
            old = self.workspace.files.get(path, "")
            if not self._is_named(path) and changes_test_settings(path, old, text):
                self.dropped.append(path)
                self.notes.append(f"{path}: changes the settings of the tests, its change was dropped")

    def _nothing_left(self, notes: list[str]) -> UnusableError:
        if not self.dropped:
            return no_code("; ".join(notes) or "it changes nothing")
        names = ", ".join(show(path) for path in self.dropped[:10])
        return UnusableError(
            "protected",
            f"You may not change {names}: tests and what steers them stay as they are. Change the code they test "
            f"instead. {ONE_FORMAT}",
        )


def _expanded(blocks: list[Block], workspace: Workspace) -> list[Block]:
    """The blocks, those of commands that only write files replaced by these files."""
    if workspace.language in COMMANDS:
        return blocks
    shells = COMMANDS | {None, "text"}
    found = [
        each
        for block in blocks
        for each in ((written_files(block) if block.info.language in shells else []) or [block])
    ]
    refuse_many_files(len(found) - len(blocks))
    return found


def _column_zero_fence(answer: str) -> bool:
    return any(line.startswith(("```", "~~~")) for line in answer.split("\n"))
