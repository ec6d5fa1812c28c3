"""What the text of a test in JavaScript or TypeScript says: the tests it defines, what it imports, its twin."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from escalator.languages.files import language_of
from escalator.validators.stacks.trees import edited, everything, inner, root_of, said

if TYPE_CHECKING:
    from tree_sitter import Node

FAMILY = frozenset({"javascript", "typescript", "tsx"})
_TESTS, _SUITES = frozenset({"test", "it", "specify"}), frozenset({"describe", "suite", "context"})
_ASIDE = {"xit": "it", "xtest": "test", "xdescribe": "describe", "fit": "it", "fdescribe": "describe"}
_NOT_RUN = frozenset({"skip", "todo", "xit", "xtest", "xdescribe", "failing", "fails", "skipIf", "runIf", "only"})
_EQUAL = frozenset({"equal", "strictEqual", "deepEqual", "deepStrictEqual", "partialDeepStrictEqual"})
_MATCHERS = frozenset({"toBe", "toEqual", "toStrictEqual"})
_PLAIN = frozenset(
    {"number", "string", "true", "false", "null", "undefined", "array", "object", "template_string"}
)
_FUNCTIONS = frozenset(
    {"arrow_function", "function_expression", "function_declaration", "method_definition", "generator_function"}
)
_RUN_BY = frozenset({"expression_statement", "await_expression", "statement_block"})
_LEAVES = frozenset({"return_statement", "throw_statement", "break_statement", "continue_statement"})
_IMPORTS = re.compile(r"""(?:from|import|require\()\s*['"]([^'"]+)['"]""")
_CALLED = re.compile(r"(?<![\w.$])(?:test|it|describe|suite)(?:\.\w+)*\s*[(`]")
_OF_THEIR_OWN = re.compile(r"\.{1,2}/[\w./@-]+")
_ENDINGS = ("js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx", "json")
_SYNTAX = re.compile(r"^\s*(?:import\s*(?:[\w*{'\"]|type\b)|export\s+[\w*{])", re.MULTILINE)


def language(path: str) -> str | None:
    """The grammar of a path, if it is one of the family."""
    found = language_of(path)
    name = found.name if found is not None else ""
    return name if name in FAMILY else None


def imports(text: str) -> frozenset[str]:
    """What a text imports, by the words in quotes."""
    return frozenset(_IMPORTS.findall(text))


def calls_tests(text: str) -> bool:
    """Whether a text calls something that defines tests."""
    return _CALLED.search(text) is not None


def has_module_syntax(text: str) -> bool:
    """Whether a text imports or exports as modules do."""
    return _SYNTAX.search(text) is not None


def imported_place(tests: Mapping[str, str], answer: str) -> str | None:
    """Where the tests look for the one module that is not theirs, if there is exactly one and the answer's only
    file is not there; an import without an ending gets the answer's.
    """
    places = set()
    for path, text in tests.items():
        for name in filter(_OF_THEIR_OWN.fullmatch, imports(text)):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            if place.rpartition(".")[2] not in _ENDINGS:
                place += posixpath.splitext(answer)[1] or ".js"
            places |= {place} if place not in tests and not place.startswith("..") else set()
    return places.pop() if len(places) == 1 and answer not in places else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """A test that a text defines under a name written out. `aside`: it, or what it stands in, says it is not run
    as others are. `body`: what its function holds, where that is a block.
    """

    title: str
    aside: bool
    body: Node | None


@dataclass(kw_only=True, slots=True)
class _Walk:
    found: list[Test] = field(default_factory=list)

    def into(self, node: Node, titles: tuple[str, ...], *, aside: bool) -> None:
        """Look at what is run when the file is: function bodies only where they are suites'."""
        for child in inner(node):
            if child.type == "call_expression" and self._call(child, titles, aside=aside):
                continue
            if child.type in _RUN_BY:
                self.into(child, titles, aside=aside)

    def _call(self, call: Node, titles: tuple[str, ...], *, aside: bool) -> bool:
        names = _chain(call.child_by_field_name("function"))
        kind = _ASIDE.get(names[0], names[0]) if names else ""
        given = call.child_by_field_name("arguments")
        if kind not in _TESTS | _SUITES or given is None:
            return False
        title, parts = _title(inner(given)), inner(given)
        if title is None or "each" in names or "for" in names:
            return True
        aside = aside or not _NOT_RUN.isdisjoint(names) or _options_aside(parts)
        body = next((_block(part) for part in parts if part.type in _FUNCTIONS), None)
        if kind in _TESTS:
            self.found.append(Test(title=" > ".join((*titles, title)), aside=aside, body=body))
        elif body is not None:
            self.into(body, (*titles, title), aside=aside)
        return True


def tests_of(path: str, text: str) -> list[Test]:
    """The tests whose names are written out where the file as a whole runs by; those made in loops are not among
    them.
    """
    name = language(path)
    root = root_of(name, text) if name else None
    walk = _Walk()
    if root is not None:
        walk.into(root, (), aside=False)
    return walk.found


def twin_text(path: str, text: str) -> tuple[str, frozenset[str]]:
    """The text with other expected values wherever each passing run of a test comes by, and the titles of the
    tests that must fail so.
    """
    edits: list[tuple[Node, str]] = []
    changed = set()
    for test in tests_of(path, text):
        own = [] if test.aside or test.body is None else list(_edits(test.body))
        edits += own
        changed |= {test.title} if own else set()
    return edited(text, edits), frozenset(changed)


def _edits(body: Node) -> Iterator[tuple[Node, str]]:
    for statement in inner(body):
        value = _expectation(statement)
        if value is not None:
            yield value, f"({_other(value)})"
        elif any(node.type in _LEAVES or said(node) == "skip" for node in everything(statement)):
            return


def _expectation(statement: Node) -> Node | None:
    """The literal that a statement says something equals."""
    call = inner(statement)[0] if statement.type == "expression_statement" and inner(statement) else None
    if call is not None and call.type == "await_expression":
        call = inner(call)[0] if inner(call) else None
    given = call.child_by_field_name("arguments") if call is not None else None
    if call is None or given is None or given.type != "arguments":
        return None
    names, parts = _chain(call.child_by_field_name("function")), inner(given)
    if names[:1] == ["expect"]:
        usual = names[-1] in _MATCHERS and set(names[1:-1]) <= {"resolves"}
        return parts[0] if usual and len(parts) == 1 and _is_plain(parts[0]) else None
    if not names or names[-1] not in _EQUAL or len(parts) < 2:
        return None
    return next((part for part in parts[1::-1] if _is_plain(part)), None)


def _chain(node: Node | None) -> list[str]:
    """The names of a call as in `expect(x).resolves.toBe` or `test.skip`, the calls among them by their names."""
    names: list[str] = []
    while node is not None:
        if node.type == "member_expression":
            names.append(said(node.child_by_field_name("property")))
            node = node.child_by_field_name("object")
        elif node.type == "call_expression":
            node = node.child_by_field_name("function")
        else:
            names.append(said(node) if node.type == "identifier" else "")
            break
    return names[::-1]


def _title(parts: list[Node]) -> str | None:
    """The name that a test is given, if it is written out."""
    first = parts[0] if parts else None
    if first is None or first.type not in {"string", "template_string"}:
        return None
    if any(child.type == "template_substitution" for child in first.children):
        return None
    text = said(first)[1:-1]
    if not text or "\n" in text:
        return None
    return re.sub(r"\\(['\"`\\])", r"\1", text) if re.fullmatch(r"(?:[^\\]|\\['\"`\\])*", text) else None


def _options_aside(parts: list[Node]) -> bool:
    return any(part.type == "object" and re.search(r"\b(?:skip|todo|only)\b", said(part)) for part in parts[1:2])


def _block(function: Node) -> Node | None:
    body = function.child_by_field_name("body")
    return body if body is not None and body.type == "statement_block" else None


def _is_plain(node: Node) -> bool:
    """Whether a value is written out."""
    if node.type == "unary_expression":
        return said(node)[:1] in {"-", "+"} and all(part.type == "number" for part in inner(node))
    if node.type == "array":
        return all(map(_is_plain, inner(node)))
    if node.type == "object":
        return all(
            pair.type == "pair" and (value := pair.child_by_field_name("value")) is not None and _is_plain(value)
            for pair in inner(node)
        )
    if node.type == "number":
        return not said(node).endswith("n")
    return node.type in _PLAIN and all(child.type != "template_substitution" for child in node.children)


def _other(node: Node) -> str:
    """An expression of a value that does not equal the given one, by any comparison."""
    text = said(node)
    if node.type in {"true", "false"}:
        return "false" if node.type == "true" else "true"
    if node.type == "array":
        return f'[...{text}, "~"]'
    if node.type == "object":
        return f'({{...{text}, "~": "~"}})'
    if node.type in {"number", "unary_expression"}:
        return f"Math.abs({text}) < 2 ** 50 ? {text} + 1 : {text} / 2"
    return f'{text} + "~"' if node.type in {"string", "template_string"} else '"~"'
