"""Declarations that a language allows once and a text makes twice, which grammars do not mind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from escalator.languages.faults import Fault

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query

_SCRIPT = """
(lexical_declaration (variable_declarator name: (_) @once))
(variable_declaration (variable_declarator name: (_) @also))
(class_declaration name: (_) @once)
(function_declaration name: (identifier) @also)
(generator_function_declaration name: (identifier) @also)
(import_clause (identifier) @once)
(import_specifier) @once
(namespace_import (identifier) @once)
(formal_parameters) @given
(catch_clause parameter: (_) @given)
"""
_QUERIES = {
    **dict.fromkeys(("javascript", "typescript", "tsx"), _SCRIPT),
    "go": """
(source_file (function_declaration name: (identifier) @once))
(source_file (type_declaration (type_spec name: (type_identifier) @once)))
(source_file (var_declaration (var_spec name: (identifier) @once)))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @once))))
(source_file (const_declaration (const_spec name: (identifier) @once)))
""",
    "rust": """
(function_item name: (identifier) @once)
(struct_item name: (type_identifier) @once)
(enum_item name: (type_identifier) @once)
(trait_item name: (type_identifier) @once)
(const_item name: (identifier) @once)
""",
    "java": """
(class_body (field_declaration declarator: (variable_declarator name: (identifier) @once)))
(block (local_variable_declaration declarator: (variable_declarator name: (identifier) @once)))
""",
    "php": """
(program (function_definition name: (name) @once))
(program (class_declaration name: (name) @once))
""",
}
"""What declares a name: "once" where its scope may hold no other declaration of it, "also" and, for parameters,
"given" where it may hold others that are not "once".
"""

_SCOPES = frozenset(
    {"program", "statement_block", "switch_body", "for_statement"}
    | {"source_file", "declaration_list", "block", "class_body"}
)
_NOT_COUNTED = frozenset({"init", "_"})
_FIRST_BINDS = frozenset(
    {"assignment_pattern", "object_assignment_pattern", "required_parameter", "optional_parameter"}
)
_PATTERNS = _FIRST_BINDS | {"object_pattern", "array_pattern", "pair_pattern", "rest_pattern", "formal_parameters"}
_NAMES = frozenset({"identifier", "shorthand_property_identifier_pattern", "type_identifier", "name"})


def repeats(language: str, root: Node, grammar: Language) -> list[Fault]:
    """The declarations of a well-formed tree that its scope has already, in reading order."""
    query = _query(language, grammar)
    if query is None or (language == "php" and (root.text or b"").count(b"namespace ") > 1):
        return []
    from tree_sitter import QueryCursor

    found = QueryCursor(query).captures(root)
    names = [(kind, name) for kind, nodes in found.items() for node in nodes for name in _names_in(node)]
    return list(_again(language, sorted(names, key=lambda each: each[1].start_byte)))


@lru_cache(maxsize=16)
def _query(language: str, grammar: Language) -> Query | None:
    from tree_sitter import Query

    text = _QUERIES.get(language)
    return None if text is None else Query(grammar, text)


def _again(language: str, names: list[tuple[str, Node]]) -> Iterator[Fault]:
    counts = Counter(node.text for _, node in names)
    first: dict[tuple[object, ...], tuple[str, Node]] = {}
    for kind, node in names:
        text = (node.text or b"").decode("utf-8", "replace")
        if counts[node.text] < 2 or text in _NOT_COUNTED:
            continue
        scope = _scope(language, kind, node)
        if scope is None:
            continue
        key = (scope, text, node.type if language == "rust" else "")
        kind_before, before = first.setdefault(key, (kind, node))
        if before is not node and "once" in {kind, kind_before}:
            yield _fault(text, node, before)


def _names_in(node: Node) -> list[Node]:
    """The names that a declaration's pattern binds; those of an import of types alone are left out."""
    if node.type == "import_specifier":
        local = node.child_by_field_name("alias") or node.child_by_field_name("name")
        return [] if local is None or _of_types(node) else [local]
    if node.type in _NAMES:
        return [node]
    if node.type not in _PATTERNS:
        return []
    inner = node.named_children
    if node.type == "pair_pattern":
        inner = inner[-1:]
    elif node.type in {
        "assignment_pattern",
        "object_assignment_pattern",
        "required_parameter",
        "optional_parameter",
    }:
        inner = inner[:1]
    return [name for child in inner for name in _names_in(child)]


def _of_types(node: Node) -> bool:
    """Whether an import is of types, which live beside values."""
    statement = node.parent
    while statement is not None and statement.type != "import_statement":
        statement = statement.parent
    marked = [node] if statement is None else [node, statement]
    return any(child.type in {"type", "typeof"} for each in marked for child in each.children)


def _scope(language: str, kind: str, node: Node) -> int | None:
    """The node in which a declared name is known; None for what is declared only under a condition."""
    declaration = node.parent
    if kind == "given":
        while declaration is not None and declaration.type not in {"formal_parameters", "catch_clause"}:
            declaration = declaration.parent
        function = declaration if declaration is None or declaration.type == "catch_clause" else declaration.parent
        body = None if function is None else function.child_by_field_name("body")
        return None if body is None else body.id
    while declaration is not None and declaration.type not in _SCOPES:
        if declaration.type == "ambient_declaration":
            return None
        before = declaration.prev_named_sibling
        if language == "rust" and before is not None and before.type == "attribute_item":
            return None
        declaration = declaration.parent
    return None if declaration is None else declaration.id


def _fault(name: str, node: Node, before: Node) -> Fault:
    row, column = node.start_point
    return Fault(
        line=row + 1,
        column=column + 1,
        message=f'"{name}" is declared twice in one scope, first in line {before.start_point[0] + 1}',
        structural=True,
        repeat=True,
    )
