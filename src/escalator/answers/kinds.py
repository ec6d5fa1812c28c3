"""What a block is: a file, edits, a diff, or something around the code that is not part of the change."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from escalator.answers.blocks import Block
from escalator.answers.definitions import called_unbound, definitions
from escalator.answers.diffs import looks_like_diff
from escalator.answers.naming import Workspace, by_language
from escalator.languages.parsing import parses
from escalator.languages.tags import COMMANDS, PROSE, compatible, extension_of, guess_language

Kind: TypeAlias = Literal["file", "edits", "diff", "commands", "output", "example", "test", "sample"]

_USAGE = re.compile(
    r"\b(?:usage|how to (?:use|call|run|test)|to (?:use|run|test|try) (?:it|this|the|them)"
    r"|examples?(?=\s*[:*_.]*\s*\Z)|example (?:usage|use|call|of (?:how|use|using|calling))"
    r"|(?:can|could) (?:now )?(?:be )?(?:use|used|call|called|run|test|tested|try|invoke)|use it|try it|call it"
    r"|called like|like this|for example|for instance|demo(?:nstration)?|test it|quick (?:check|test)|sanity check"
    r"|invoke)\b",
    re.IGNORECASE,
)
_OUTPUT = re.compile(
    r"\b(?:outputs?|prints?|printed|results?|produces|returns|yields|will (?:show|see|get)|traceback|error message"
    r"|console|logs?|stdout|expected|before the (?:fix|change)|currently|directory (?:structure|layout|tree)"
    r"|project structure|file (?:structure|tree))\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"(?:\$ |> |% )?(?:sudo |python3? |pip3? |pipx |uv |poetry |conda |pytest\b|npm |npx |yarn |pnpm |node |deno "
    r"|bun |cargo |go (?:run|test|build|get|mod)|git |cd |mkdir |ls\b|cat |cp |mv |rm |touch |curl |wget "
    r"|make\b|docker |brew |apt(?:-get)? |export \w+=|source |chmod |mvn |gradle |\./|java |javac |gcc |rustc "
    r"|dotnet |bash |sh )"
)
_PROMPT = re.compile(r"(?:[\w@~/.-]*[$%#] |>>> |PS [A-Z]:)")
_TREE = re.compile(r"[├└│]|^\s*\|--", re.MULTILINE)
_TRACE = re.compile(
    r"Traceback \(most recent call last\)|^={5,} .+ ={5,}$|^\s+at .+\(.+:\d+\)$|^PASS(?:ED)?$", re.MULTILINE
)
_SCRIPT = re.compile(
    r"\A#!|^[ \t]*(?:function \w+|\w+ ?\(\) ?\{|if \[|for \w+ in |while |case |set -\w)", re.MULTILINE
)
_TEST_CALLS = re.compile(
    r"^[ \t]*(?:describe|it|test|suite|beforeEach)\([ \t]*[\"'`]|^func Test\w+\(\w+ \*testing\.|#\[test\]",
    re.MULTILINE,
)
_TEST_NAME = re.compile(r"test|fixture|Test\w+|\w+Tests?\Z|\w+Spec\Z", re.IGNORECASE)
_DATA: Final = frozenset({"json", "jsonl", "yaml", "toml", "csv", "xml", "ini", "mermaid"})


def kind_of(block: Block, path: str | None, workspace: Workspace) -> Kind:
    """What a block is, judged by itself, the path it is given and the prose above it."""
    if block.edits:
        return "edits"
    if _is_diff(block, path):
        return "diff"
    if path is not None:
        return "file"
    expected = workspace.language
    if _is_commands(block, expected):
        return "commands"
    if _is_output(block, expected):
        return "output"
    if _is_test(block, workspace):
        return "test"
    return "example" if _USAGE.search(_lead(block)) else "file"


def is_script(block: Block) -> bool:
    """Whether a block of commands has the shape of a script to be saved."""
    return bool(_SCRIPT.search(block.text[:20_000]))


def language_in(block: Block) -> str | None:
    """The language of a block by its tag, else by its looks; None if neither tells."""
    if block.info.language is not None and block.info.language != "text":
        return block.info.language
    return guess_language(block.text)


def side_shows(blocks: list[Block], workspace: Workspace) -> list[Kind | None]:
    """What unnamed blocks turn out to be beside each other: uses of what another one defines, untagged output,
    sample data; None for those that may be files.
    """
    expected = workspace.language
    if expected in PROSE or len(blocks) < 2:
        return [None for _ in blocks]
    own = [definitions(_path_like(block), block.text) for block in blocks]
    defined = {name for names in own for name in names}
    return [
        "example" if not names and _uses(block, defined) else _side_show(block, blocks, workspace)
        for block, names in zip(blocks, own, strict=True)
    ]


def _side_show(block: Block, others: list[Block], workspace: Workspace) -> Kind | None:
    expected = workspace.language
    tagged = [other for other in others if other is not block and other.info.language not in PROSE | {None}]
    if not tagged:
        return None
    if block.info.language in PROSE | {None} and not _is_code_of(block, expected):
        return "output"
    if block.info.language in _DATA and any(other.info.language not in _DATA for other in tagged):
        meant = expected in _DATA or by_language(block.info.language, workspace) is not None
        return None if meant else "sample"
    return None


def _uses(block: Block, defined: set[str]) -> bool:
    """Whether a block calls or imports what another block defines."""
    if not defined:
        return False
    return not defined.isdisjoint(called_unbound(_path_like(block), block.text) | _imported(block.text))


def _path_like(block: Block) -> str:
    return f"x.{extension_of(language_in(block))}"


def _imported(text: str) -> set[str]:
    return {
        name
        for line in text.split("\n")[:200]
        if "import" in line[:300]
        for name in re.findall(r"\w+", line[:300])
    }


def _is_code_of(block: Block, expected: str | None) -> bool:
    guessed = guess_language(block.text)
    return guessed is not None and compatible(guessed, expected) and parses(guessed, block.text) is not False


def _is_diff(block: Block, path: str | None) -> bool:
    if path is not None and path.endswith((".diff", ".patch")):
        return False
    if block.info.language == "diff" or _is_patch(block):
        return True
    first = next((line for line in block.lines if line.strip()), "")
    starts = first.startswith(("diff --git ", "--- ", "@@ -", "*** Begin Patch", "*** Update File: ", "Index: "))
    return starts and looks_like_diff(block.text)


def _is_patch(block: Block) -> bool:
    """Whether a block calls a program on a patch that stands in it."""
    if block.info.language not in COMMANDS | {None, "text"} or "*** Begin Patch" not in block.text:
        return False
    first = next((line.strip() for line in block.lines if line.strip()), "")
    return "apply_patch" in first or first.startswith(("cat <<", "***"))


def _is_commands(block: Block, expected: str | None) -> bool:
    language = block.info.language
    if language in COMMANDS:
        return expected not in COMMANDS | {"dockerfile", "makefile"} or language == "console"
    if language not in {None, "text", "output"} or expected in COMMANDS | PROSE:
        return False
    rows = [line.strip() for line in block.lines[:200] if line.strip() and not line.lstrip().startswith("# ")]
    return bool(rows) and (all(_COMMAND.match(row) for row in rows) or bool(_PROMPT.match(rows[0])))


def _is_output(block: Block, expected: str | None) -> bool:
    language = block.info.language
    if language in {"output", "mermaid"} and expected not in {"output", "text"}:
        return True
    if language == "python" and block.text.lstrip().startswith(">>> "):
        return True
    if language not in {None, "text"} or expected in PROSE:
        return False
    sample = block.text[:5_000]
    if _TREE.search(sample) or _TRACE.search(sample):
        return True
    return bool(_OUTPUT.search(_lead(block))) and parses(expected, block.text) is not True


def _is_test(block: Block, workspace: Workspace) -> bool:
    if workspace.wanted and _TEST_NAME.search(workspace.wanted.rsplit("/", 1)[-1]):
        return False
    names = definitions(_path_like(block), block.text)
    if names:
        return all(_TEST_NAME.match(name) for name in names)
    return bool(_TEST_CALLS.search(block.text[:20_000])) and "export " not in block.text


def _lead(block: Block) -> str:
    """The sentence that leads to a block, and the heading above it."""
    return "\n".join(
        line[:500] for line in block.above[-2:] if line is block.above[-1] or line.lstrip().startswith("#")
    )
