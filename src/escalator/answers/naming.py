"""Which file a block is for: what is written around it, and what the workspace makes of that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from escalator.answers.blocks import Block
from escalator.answers.info import looks_like_path
from escalator.languages.tags import PROSE, compatible, language_of_path
from escalator.workspace import composed

_LABEL: Final = (
    r"(?:(?:updated?|modif(?:y|ied)|changed?|new|created?|edit(?:ed)?|full|complete|revised|final|the|contents? of"
    r"|file ?name|file ?path|file|path|in|to|for|and|save (?:this )?as|step|part|\d+[.):]?)[:\s]+){0,5}"
)
_TITLE = re.compile(
    rf"(?:[-*+]\s+|\d+[.)]\s+)?(?:#{{1,6}}\s*)?{_LABEL}(?P<path>\S+?)"
    r"\s*(?:\([^()]{0,80}\)|\[[^\[\]]{0,80}\]|[-\u2013\u2014]+\s.{0,80})?\s*:*\s*#*\s*\Z",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"\s*(?:#|//|--|;|%|/\*\*?|<!--|\(\*|\"{3}|'{3}|REM\b)\s*(?:(?:file ?name|file ?path|file|path)\s*[:=]?\s+)?"
    r"(?P<path>\S+?)\s*(?:\*/|-->|\*\)|\"{3}|'{3})?\s*(?:\([^()]{0,60}\))?\s*\Z",
    re.IGNORECASE,
)
_MENTION = re.compile(r"`([^`\s]{1,200})`|(?<![\w/.`])([\w./\\-]{1,200}\.[A-Za-z]\w{0,9})(?![\w`/])")
_MARKS = str.maketrans("", "", "*`\"'\u2018\u2019\u201c\u201d\u200b")

_PRODUCTS: Final = re.compile(
    r"(?:node|vue|next|nuxt|react|express|three|d3|chart|angular|backbone|ember|moment|socket|p5|nest|alpine|solid"
    r"|deno|bun|asp)\.(?:js|io|net)",
    re.IGNORECASE,
)
_STAND_INS: Final = re.compile(
    r"(?:\.?/?path/to/.*|(?:your|my|the|some)[_-]?(?:file|code|script|module|file_?name)\.\w+|filename\.\w+|file\.\w+"
    r"|(?:relative/)?path/.*|example\.\w+|code\.\w+|answer\.\w+|solution\.\w+|script\.\w+|snippet\.\w+|untitled\.\w+)",
    re.IGNORECASE,
)
_GENERIC_NAMES: Final = frozenset({"__init__.py", "mod.rs", "index.js", "index.ts", "index.html", "package.json"})


@dataclass(frozen=True, slots=True)
class Workspace:
    """The files an answer may be about, `wanted` being the one an unnamed block is for (None if several).

    `given` are those that the answer gives under their own path, so that no other path in it means them.
    """

    files: Mapping[str, str]
    wanted: str | None
    by_name: dict[str, list[str]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    @classmethod
    def of(cls, files: Mapping[str, str], target: str | None) -> Workspace:
        """The workspace with its look-up by base name. A single file is the wanted one if no target is named."""
        wanted = target or (next(iter(files)) if len(files) == 1 else None)
        by_name: dict[str, list[str]] = {}
        for path in dict.fromkeys([*files, *([wanted] if wanted else [])]):
            by_name.setdefault(path.rsplit("/", 1)[-1], []).append(path)
        return cls(files, wanted, by_name)

    def giving(self, written: Iterable[str | None]) -> Workspace:
        """The workspace for an answer that writes these paths."""
        given = {path for each in written if each and self.knows(path := normal_path(each))}
        return replace(self, given=frozenset(given))

    @property
    def language(self) -> str | None:
        """The language an unnamed block is expected in: the wanted file's, or the only one of the workspace."""
        if self.wanted:
            return language_of_path(self.wanted)
        languages = {language_of_path(path) for path in self.files}
        return languages.pop() if len(languages) == 1 else None

    def knows(self, path: str) -> bool:
        """Whether the path is one of the files or the wanted one."""
        return path in self.files or path == self.wanted

    def resolve(self, written: str) -> list[str]:
        """What a path in an answer may stand for: itself, or known files that end with it or that it ends with."""
        path = normal_path(written)
        if self.knows(path):
            return [path]
        name = path.rsplit("/", 1)[-1]
        same = self.by_name.get(name, [])
        longer = [known for known in same if known.endswith("/" + path)]
        if name not in _GENERIC_NAMES and longer:
            return longer
        shorter = [
            known
            for known in same
            if path.endswith("/" + known) and known not in self.given and ("/" in known or self._alone(known))
        ]
        if len(shorter) == 1 and name not in _GENERIC_NAMES:
            return shorter
        if self.wanted and _STAND_INS.fullmatch(path) and _same_language(path, self.wanted):
            return [self.wanted]
        return [path]

    def _alone(self, known: str) -> bool:
        return known == self.wanted and len(self.files) <= 1


def normal_path(written: str) -> str:
    """A path as written by a model, with forward slashes, without a leading `./`, in composed Unicode form."""
    written = composed(written)
    if "\\" not in written and "./" not in written and "//" not in written:
        return written.strip()
    path = written.strip().replace("\\", "/") if not re.match(r"[A-Za-z]:\\|\\\\", written) else written
    return re.sub(r"(?<=[^/])/{2,}", "/", re.sub(r"(?:(?<=/)|\A)(?:\./+)+(?!\Z)", "", path))


def named_path(block: Block, workspace: Workspace) -> str | None:
    """The path a block is given in so many words: in its info string, on the line above, in its first comment."""
    if block.info.path:
        return block.info.path
    if block.above:
        titled = title_path(block.above[-1], workspace)
        if titled:
            return titled
    return comment_path(block, workspace)


def title_path(line: str, workspace: Workspace | None = None) -> str | None:
    """The path on a line that holds nothing else: a heading, bold or quoted text, a label with a colon."""
    if len(line) > 500:
        return None
    quoted = re.search(r"`([^`]+)`", line)
    if quoted and workspace and workspace.knows(normal_path(quoted[1])) and " " in quoted[1]:
        return quoted[1]
    found = _TITLE.match(line.strip().lstrip(">").strip().translate(_MARKS))
    if found is None:
        return None
    path = found["path"].rstrip(":,")
    if workspace is not None and workspace.knows(normal_path(path)):
        return path
    return path if looks_like_path(path) and not _PRODUCTS.fullmatch(path) else None


def comment_path(block: Block, workspace: Workspace) -> str | None:
    """The path in a comment that is the first line of a block, or the second under a `#!` line."""
    rows = [row for row in block.lines[:4] if row.strip()][:2]
    if rows and rows[0].startswith("#!"):
        rows = rows[1:]
    if not rows or len(rows[0]) > 300:
        return None
    if block.info.language in {"markdown", "rst"} or (
        block.info.language in {"bash", "console"} and len(rows) < 2
    ):
        return None
    found = _COMMENT.match(rows[0])
    if found is None:
        return None
    path = found["path"].strip("`\"'*:")
    if workspace.knows(normal_path(path)):
        return path
    plausible = looks_like_path(path) and not _PRODUCTS.fullmatch(path) and not path.startswith(("/usr/", "/bin/"))
    same = compatible(block.info.language, language_of_path(path)) or block.info.language in PROSE
    return path if plausible and same else None


def hinted_path(block: Block, workspace: Workspace) -> str | None:
    """The one known file that the sentence leading to a block names, as in "Here is `app.py` with the fix:"."""
    if not block.above or len(block.above[-1]) > 1000 or not block.above[-1].rstrip(" *_").endswith(":"):
        return None
    written = {quoted or bare for quoted, bare in _MENTION.findall(block.above[-1])}
    known = {
        paths[0] for paths in map(workspace.resolve, written) if len(paths) == 1 and workspace.knows(paths[0])
    }
    return known.pop() if len(known) == 1 else None


def by_language(language: str | None, workspace: Workspace) -> str | None:
    """The only file of the workspace in this language."""
    if language is None:
        return None
    same = [path for path in workspace.files if language_of_path(path) == language]
    return same[0] if len(same) == 1 else None


def _same_language(first: str, second: str) -> bool:
    return compatible(language_of_path(first), language_of_path(second))
