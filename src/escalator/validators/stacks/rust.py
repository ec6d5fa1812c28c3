"""Tests in Rust: the files in a crate's tests folder, by `cargo test`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from escalator.errors import ValidatorError
from escalator.records import Brief, Command, Limits, RunResult
from escalator.validators.compile.tools import Missing, Tool, finder, tools_for
from escalator.validators.reports import ReportError, read_libtest
from escalator.validators.stacks.stack import Defined, Lack, Marked, Reading, Share, Turn, Twin, under
from escalator.validators.stacks.trees import edited, everything, inner, root_of, said

if TYPE_CHECKING:
    from tree_sitter import Node

_ATTRIBUTE = re.compile(r"#\[\s*(?:\w+::)*test\b")
_NUMBER = re.compile(r"(\d+)(\.\d+)?([iuf]\w+)?")
_LEAVES = frozenset({"return_expression", "try_expression", "break_expression"})
_LACKS = re.compile(r"no matching package named|failed to (?:get|download)|you may need to run without --offline")


class Cargo:
    """`cargo test`: crates are built from the copy, offline, outside the project's own target folder."""

    name = "cargo"
    kept = ("tests", "*/tests/*")
    settings = ()

    def lack(self, brief: Brief, share: Share) -> Lack | None:
        """The cargo command."""
        tool = _tool(brief, share)
        return Lack(why=tool.why, mend=tool.hint) if isinstance(tool, Missing) else None

    def defined(self, brief: Brief, share: Share) -> Defined:
        """The functions marked as tests, and those to be ignored."""
        ids, excused = [], set()
        for path, text in share.tests.items():
            for name, attributes, _ in _functions(text):
                ids.append(f"{under(share.root, path)}::{name}")
                excused |= {ids[-1]} if "#[ignore" in attributes else set()
        return Defined(ids=tuple(ids), excused=frozenset(excused))

    def wholes(self, share: Share) -> frozenset[str]:
        """None: a file that does not build keeps all from being run."""
        return frozenset()

    def marked(self, brief: Brief, share: Share, texts: Mapping[str, str], word: str) -> Marked:
        """The tests with sentinels at their ends."""
        own = (
            f"\n#[test]\nfn {word}_equal() {{ assert_eq!(1, 2); }}\n"
            f"#[test]\nfn {word}_holds() {{ assert!(1 > 2); }}\n"
            f"#[test]\nfn {word}_differs() {{ assert_ne!(1, 1); }}\n"
            f'#[test]\nfn {word}_panics() {{ panic!("must fail"); }}\n'
        )
        names = ("equal", "holds", "differs", "panics")
        ids = tuple(f"{under(share.root, path)}::{word}_{name}" for path in texts for name in names)
        return Marked(files={path: text + own for path, text in texts.items()}, sentinels=ids)

    def twin(self, share: Share) -> Twin:
        """The tests with other expected values, for a type says itself what it equals."""
        texts, ids = dict[str, str](), set[str]()
        for path, text in share.tests.items():
            edits = []
            for name, attributes, body in _functions(text):
                own = [] if "ignore" in attributes or "should_panic" in attributes else list(_edits(body))
                edits += own
                ids |= {f"{under(share.root, path)}::{name}"} if own else set()
            texts |= {path: edited(text, edits)} if edits else {}
        return Twin(texts=texts, ids=frozenset(ids))

    def command(self, brief: Brief, share: Share, files: Mapping[str, str | None], turn: Turn) -> Command:
        """The test binaries of these files, both streams in one."""
        tool = _tool(brief, share)
        if isinstance(tool, Missing):
            raise ValidatorError(tool.why, validator=self.name)
        linked, cargo = tool.argv[2].partition("exec ")[0], tool.argv[3]
        built = 'CARGO_TARGET_DIR="$TMPDIR/target" exec "$0"'
        script = f'{linked}{built} test --offline --no-fail-fast --color never "$@" 2>&1'
        binaries = [word for path in share.tests for word in ("--test", _target(path))]
        return Command(
            argv=("sh", "-c", script, cargo, *binaries),
            workspace=brief.workspace,
            files=files,
            writable=True,
            readable=tool.readable,
            env={**tool.env, "RUST_BACKTRACE": "0"},
            cwd=f"{{workspace}}/{share.root}".rstrip("/"),
            artefacts=tuple(share.tests),
            limits=Limits(wall=turn.bounds.timeout, memory=None, processes=512),
        )

    def read(self, share: Share, result: RunResult, turn: Turn) -> Reading:
        """Each test of each binary; a crate that does not build says why."""
        try:
            report = read_libtest(result.stdout)
        except ReportError:
            return Reading(broken=result.stdout.strip() or result.stderr.strip() or "it said nothing")
        return Reading(report=report, broken="; ".join(report.problems))

    def environment(self, brief: Brief, message: str) -> Lack | None:
        """Crates that were not fetched."""
        if _LACKS.search(message):
            why = "The tests need a crate that is not on this machine, and the sandbox has no network."
            return Lack(why=why, mend="Run `cargo fetch` in the project.")
        return None


def is_integration_test(path: str) -> bool:
    """Whether cargo builds a file as tests of their own: those in a folder named tests, and mains one below."""
    parts = PurePosixPath(path).parts
    return path.endswith(".rs") and (
        parts[-2:-1] == ("tests",) or (parts[-3:-2] == ("tests",) and parts[-1] == "main.rs")
    )


def _target(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.name == "main.rs" else pure.stem


def _tool(brief: Brief, share: Share) -> Tool | Missing:
    """Cargo as the compile validator finds it, with what it needs to be shown."""
    return tools_for(brief, tuple(share.tests), only="cargo", find=finder(brief))[0]


def _functions(text: str) -> Iterator[tuple[str, str, Node]]:
    """Each function marked as a test: its name with its modules', its attributes, its body."""
    root = root_of("rust", text)
    waiting = [("", root)] if root is not None else []
    while waiting:
        prefix, node = waiting.pop(0)
        attributes = ""
        for child in inner(node):
            if child.type == "attribute_item":
                attributes += said(child)
                continue
            name, body = said(child.child_by_field_name("name")), child.child_by_field_name("body")
            if child.type == "mod_item" and body is not None:
                waiting.append((f"{prefix}{name}::", body))
            elif child.type == "function_item" and body is not None and _ATTRIBUTE.search(attributes):
                yield f"{prefix}{name}", attributes, body
            attributes = ""


def _edits(body: Node) -> Iterator[tuple[Node, str]]:
    """Change the values written out in `assert_eq!` where each passing run of a test comes by."""
    for statement in inner(body):
        call = inner(statement)[0] if statement.type == "expression_statement" and inner(statement) else statement
        literal = _expected(call) if call.type == "macro_invocation" else None
        new = _other(literal) if literal is not None else ""
        if literal is not None and new:
            yield literal, new
        elif any(node.type in _LEAVES for node in everything(statement)):
            return


def _expected(call: Node) -> Node | None:
    """The literal that `assert_eq!` compares with."""
    if not said(call.child_by_field_name("macro")).endswith("assert_eq"):
        return None
    tokens = next((child for child in call.children if child.type == "token_tree"), None)
    sides: list[list[Node]] = [[]]
    for token in tokens.children[1:-1] if tokens is not None else ():
        if token.type == ",":
            sides.append([])
        else:
            sides[-1].append(token)
    return next((side[0] for side in sides[1::-1] if len(side) == 1 and side[0].type.endswith("_literal")), None)


def _other(literal: Node) -> str:
    """Another literal of the same type, empty where none is known."""
    text = said(literal)
    if text in {"true", "false"}:
        return "false" if text == "true" else "true"
    if literal.type == "string_literal" and text.endswith('"'):
        return f'{text[:-1]}~"'
    number = _NUMBER.fullmatch(text)
    if number is None:
        return ""
    value = int(number[1])
    return f"{value - 1 if value else 1}{number[2] or ''}{number[3] or ''}"
