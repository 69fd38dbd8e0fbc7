"""What a function definition is in each language: the nodes that are one, their names, starts and bodies."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from codewren.syntax.declarators import declared_name
from codewren.syntax.nodes import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

Names = Mapping[str, Callable[["Node", bytes], str]]
Position = tuple[int, int]
"""A byte and its row, from 0."""


class Definitions(NamedTuple):
    """What differs between languages.

    Attributes:
        query: captures `function`, `scope` (what lends its name to what is inside) and `prefix` (what stands before a
            function and belongs to it: decorators, template parameters).
        separator: between the parts of a qualified name; "" where functions are not nested, so that one around another
            is a brace the parser missed.
        names: by kind of node, for those whose name is in no field.
    """

    query: str
    separator: str
    names: Names = MappingProxyType({})


_NAME_FIELDS = ("name", "left", "key", "property")
_BEFORE = frozenset({"attribute_item", "decorator"})
_WITH_BEFORE = frozenset({"function_item", "method_definition", "public_field_definition"})
_WITH_BRACE = frozenset({"compound_statement", "constructor_body", "statement_block"})
_AROUND_TYPES = frozenset({"generic_type", "parenthesized_type", "pointer_type", "reference_type"})


def name_of(node: "Node", source: bytes, names: Names) -> str:
    """The name of a function or scope as it stands there; "" if it has none.

    A function without a name has that of what it is bound to: a variable, a property, an assignment's left side.
    """
    if names and (own := names.get(node.type)):
        return own(node, source)
    for field in _NAME_FIELDS:
        named = node.child_by_field_name(field)
        if named is not None:
            return text_of(named, source).removeprefix("this.").strip("\"'")
    return ""


def body_of(node: "Node") -> "Node | None":
    """What holds the statements of a function or scope; None if it is only declared."""
    body = node.child_by_field_name("body")
    if body is not None:
        return body
    bound = node.child_by_field_name("value") or node.child_by_field_name("right")
    if bound is not None:
        return bound.child_by_field_name("body") or bound
    if node.type != "function_definition":
        return None
    last = node.named_child(node.named_child_count - 1)
    return last if last is not None and last.type == "try_statement" else None


def start_of(node: "Node", prefixed: dict[int, Position]) -> Position:
    """Where the text of a function starts: at its decorators, attributes or template parameters, or its `const`."""
    if node.id in prefixed:
        return prefixed[node.id]
    first, kind = node, node.type
    if kind == "variable_declarator" and node.parent is not None and node.parent.named_child_count == 1:
        first = node.parent
    before = first.prev_named_sibling if kind in _WITH_BEFORE else None
    while before is not None and before.type in _BEFORE:
        first, before = before, before.prev_named_sibling
    return first.start_byte, first.start_point.row


def prefixed_starts(prefixes: "Iterable[Node]") -> dict[int, Position]:
    """Where functions start that have decorators or template parameters around them, by node id."""
    starts: dict[int, Position] = {}
    for node in sorted(prefixes, key=lambda prefix: prefix.start_byte):
        inner = node.named_child(node.named_child_count - 1)
        if inner is not None:
            starts[inner.id] = starts.get(node.id, (node.start_byte, node.start_point.row))
    return starts


def body_start(node: "Node", body: "Node") -> Position:
    """Where the header has ended: behind the `{`, `:` or `=>` before the first statement, and the row of that."""
    kind = body.type
    if kind == "arrow_expression_clause":
        return body.start_byte + len("=>"), body.start_point.row
    if kind not in _WITH_BRACE and (kind != "block" or node.type == "function_definition"):
        before = body.prev_sibling
        while before is not None and before.type not in {":", "=>"}:
            before = before.prev_sibling
        if before is not None:
            return before.end_byte, before.start_point.row
    return body.start_byte + 1, body.start_point.row


def _declared(node: "Node", source: bytes) -> str:
    return declared_name(node, source, body_of(node))


def _method(node: "Node", source: bytes) -> str:
    """A method of Go with its receiver's type: `T.f`."""
    name, receiver = text_of(node.child_by_field_name("name"), source), node.child_by_field_name("receiver")
    parameter = receiver.named_child(0) if receiver is not None else None
    kind = _bare_type(parameter.child_by_field_name("type"), source) if parameter is not None else ""
    return f"{kind}.{name}" if kind else name


def _explicit_method(node: "Node", source: bytes) -> str:
    """A method of C# with the interface that it names: `I.F`."""
    specifiers = (child for child in node.named_children if child.type == "explicit_interface_specifier")
    interface = "".join(text_of(specifier, source) for specifier in specifiers)
    return interface + text_of(node.child_by_field_name("name"), source)


def _destructor(node: "Node", source: bytes) -> str:
    return "~" + text_of(node.child_by_field_name("name"), source)


def _operator(node: "Node", source: bytes) -> str:
    symbol = node.child_by_field_name("operator") or node.child_by_field_name("type")
    return f"operator {text_of(symbol, source)}"


def _implemented_type(node: "Node", source: bytes) -> str:
    return _bare_type(node.child_by_field_name("type"), source)


def _bare_type(node: "Node | None", source: bytes) -> str:
    """A type without pointers, references and arguments."""
    while node is not None and node.type in _AROUND_TYPES:
        node = node.child_by_field_name("type") or node.named_child(0)
    return text_of(node, source)


_CALLABLE = "[(arrow_function) (function_expression) (generator_function)]"
_NAMESPACE = "[(object) (class)]"
_JAVASCRIPT = (
    "[(function_declaration) (generator_function_declaration) (method_definition) "
    "(function_expression name: (_)) (generator_function name: (_)) "
    f"(variable_declarator value: {_CALLABLE}) (assignment_expression right: {_CALLABLE}) (pair value: {_CALLABLE}) "
    f"(export_statement value: {_CALLABLE})] @function "
    "[(class_declaration) (class) "
    f"(variable_declarator value: {_NAMESPACE}) (assignment_expression right: {_NAMESPACE}) "
    f"(pair value: {_NAMESPACE})] @scope "
)
_DECLARED_NAMES: Names = {"function_definition": _declared}
_EXPORTED_NAMES: Names = {"export_statement": lambda *_: "default"}
_TYPESCRIPT = Definitions(
    f"{_JAVASCRIPT} (public_field_definition value: {_CALLABLE}) @function "
    "[(abstract_class_declaration) (internal_module) (module) "
    "(variable_declarator value: [(as_expression (object)) (satisfies_expression (object))])] @scope",
    ".",
    _EXPORTED_NAMES,
)
DEFINITIONS = {
    "c": Definitions("(function_definition) @function", "", _DECLARED_NAMES),
    "cpp": Definitions(
        "(function_definition) @function (template_declaration) @prefix "
        "[(namespace_definition) (class_specifier) (struct_specifier) (union_specifier)] @scope",
        "::",
        _DECLARED_NAMES,
    ),
    "java": Definitions(
        "[(method_declaration) (constructor_declaration) (compact_constructor_declaration)] @function "
        "[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)] @scope",
        ".",
    ),
    "python": Definitions(
        "(function_definition) @function (decorated_definition) @prefix (class_definition) @scope",
        ".",
    ),
    "javascript": Definitions(f"{_JAVASCRIPT} (field_definition value: {_CALLABLE}) @function", ".", _EXPORTED_NAMES),
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": Definitions("[(function_declaration) (method_declaration)] @function", ".", {"method_declaration": _method}),
    "csharp": Definitions(
        "[(method_declaration) (constructor_declaration) (destructor_declaration) (operator_declaration) "
        "(conversion_operator_declaration) (local_function_statement)] @function "
        "[(class_declaration) (struct_declaration) (interface_declaration) (record_declaration)] @scope",
        ".",
        {
            "method_declaration": _explicit_method,
            "destructor_declaration": _destructor,
            "operator_declaration": _operator,
            "conversion_operator_declaration": _operator,
        },
    ),
    "rust": Definitions(
        "(function_item) @function [(impl_item) (trait_item) (mod_item)] @scope",
        "::",
        {"impl_item": _implemented_type},
    ),
}
