"""What a file defines by its grammar: functions and types with what holds them, and the lines they stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from escalator.languages.parsing import MAX_PARSED, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS: Final = frozenset(
    {"function_definition", "function_declaration", "generator_function_declaration", "function_item"}
    | {"method_definition", "method_declaration", "constructor_declaration", "method", "singleton_method"}
    | {"function_signature", "function_signature_item", "method_signature", "abstract_method_signature"}
)
_TYPES: Final = frozenset(
    {"class_definition", "class_declaration", "abstract_class_declaration", "class", "interface_declaration"}
    | {
        "enum_declaration",
        "record_declaration",
        "type_alias_declaration",
        "struct_item",
        "enum_item",
        "trait_item",
    }
    | {
        "impl_item",
        "mod_item",
        "module",
        "type_spec",
        "class_specifier",
        "struct_declaration",
        "trait_declaration",
    }
)
_WRAPPERS: Final = frozenset(
    {"export_statement", "decorated_definition", "declaration_list", "class_body", "block", "body_statement"}
    | {"namespace_declaration", "namespace_definition", "template_declaration", "type_declaration"}
    | {"interface_body", "enum_body", "enum_body_declarations", "field_declaration_list", "lexical_declaration"}
    | {"variable_declaration", "ambient_declaration", "linkage_specification", "preproc_ifdef", "preproc_if"}
    | {"file_scoped_namespace_declaration"}
)
_VALUES: Final = frozenset({"arrow_function", "function_expression", "generator_function", "class"})
_DEEPEST: Final = 12


Kind: TypeAlias = Literal["function", "type", "value"]


class Definition(NamedTuple):
    """A function, a type, or a value in a class of Python. `name` is behind those of its holders, as in
    "Shop.price"; `first` and `last` are its lines from 0, decorators included.
    """

    name: str
    kind: Kind
    first: int
    last: int
    decorated: bool = False


def outline(language: str | None, text: str) -> list[Definition] | None:
    """Every definition at the top of a file and inside its types, in order; None where it cannot be told. What is
    inside functions or behind conditions is not among them.
    """
    tree = tree_of(language, text) if language and len(text) <= MAX_PARSED else None
    return None if tree is None else list(_inside(tree.root_node, "", 0))


def _inside(node: Node, holder: str, depth: int) -> Iterator[Definition]:
    if depth > _DEEPEST:
        return
    for child in node.named_children:
        if child.type in _WRAPPERS:
            yield from _inside(child, holder, depth + 1)
        elif child.type in _FUNCTIONS or child.type in _TYPES:
            yield from _definition(child, holder, depth)
        elif child.type == "variable_declarator":
            value = child.child_by_field_name("value")
            if value is not None and value.type in _VALUES:
                yield _named(child, holder, "function")
        elif holder and child.type == "expression_statement":
            yield from _values(child, holder)


def _values(node: Node, holder: str) -> Iterator[Definition]:
    """What a statement in a class of Python assigns or declares."""
    found = node.named_children[0] if node.named_children else None
    left = found.child_by_field_name("left") if found is not None and found.type == "assignment" else None
    if left is not None and left.type == "identifier":
        name = (left.text or b"").decode("utf-8", "replace")
        yield Definition(f"{holder}.{name}", "value", node.start_point[0], node.end_point[0])


def _definition(node: Node, holder: str, depth: int) -> Iterator[Definition]:
    if node.type in _FUNCTIONS:
        yield _named(node, holder or _receiver(node), "function")
        return
    found = _named(node, holder, "type")
    if node.type != "impl_item":
        yield found
    body = node.child_by_field_name("body") or node
    yield from _inside(body, found.name, depth + 1)


def _named(node: Node, holder: str, kind: Kind) -> Definition:
    outer = node.parent if node.parent is not None and node.parent.type == "decorated_definition" else node
    name = _name(node)
    return Definition(
        name=f"{holder}.{name}" if holder else name,
        kind=kind,
        first=outer.start_point[0],
        last=outer.end_point[0] - (outer.end_point[1] == 0),
        decorated=outer is not node,
    )


def _name(node: Node) -> str:
    named = _declared(node) or node.child_by_field_name("name") or node.child_by_field_name("type")
    return (named.text or b"").decode("utf-8", "replace") if named is not None else ""


def _declared(node: Node) -> Node | None:
    """The name inside the declarators of a function in C and its kin."""
    inner = node.child_by_field_name("declarator")
    while inner is not None and (further := inner.child_by_field_name("declarator")) is not None:
        inner = further
    return inner


def _receiver(node: Node) -> str:
    """The type that a method of Go is for."""
    found = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    words = (found.text or b"").decode("utf-8", "replace").strip("()").split() if found is not None else []
    return words[-1].lstrip("*").partition("[")[0] if words else ""
