"""Where variables are declared and used: tree-sitter queries, and the parts of a text a declaration is visible in.

Captures of a query:
    any: every identifier that could be a variable.
    other: of these, identifiers where no variable can stand (called Java methods, labels, ...).
    declared: the name of a parameter or local variable in its declaration.
    scope: nodes at whose end the names declared in them are forgotten.
    signature: parameter lists whose names are visible behind them; those of mere prototypes are scopes.
    header: nodes whose child `body` alone sees what is declared before it.
    kept: text whose words are left alone in the whole function, since they are (also) something else there.
    called, plain: functions called, and variables of a type that cannot be called.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codewren.syntax.grammars import grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Query

Spans = list[tuple[int, int]]

_JAVA = """
(identifier) @any
[
  (method_invocation name: (identifier) @other)
  (field_access field: (identifier) @other)
  (method_declaration name: (identifier) @other)
  (constructor_declaration name: (identifier) @other)
  (class_declaration name: (identifier) @other)
  (interface_declaration name: (identifier) @other)
  (enum_declaration name: (identifier) @other)
  (record_declaration name: (identifier) @other)
  (labeled_statement . (identifier) @other)
  (break_statement (identifier) @other)
  (continue_statement (identifier) @other)
  (marker_annotation name: (identifier) @other)
  (annotation name: (identifier) @other)
  (element_value_pair key: (identifier) @other)
  (method_reference (_) "::" (identifier) @other)
  (scoped_identifier (identifier) @other)
]
[
  (formal_parameter name: (identifier) @declared)
  (spread_parameter (variable_declarator name: (identifier) @declared))
  (catch_formal_parameter name: (identifier) @declared)
  (resource name: (identifier) @declared)
  (local_variable_declaration declarator: (variable_declarator name: (identifier) @declared))
  (enhanced_for_statement name: (identifier) @declared)
  (lambda_expression parameters: (identifier) @declared)
  (inferred_parameters (identifier) @declared)
  (instanceof_expression name: (identifier) @declared)
  (type_pattern (identifier) @declared)
  (record_pattern_component (identifier) @declared)
]
[
  (method_declaration) (constructor_declaration) (block) (constructor_body) (lambda_expression) (for_statement)
  (enhanced_for_statement) (catch_clause) (try_with_resources_statement) (switch_block) (switch_rule)
] @scope
[(enhanced_for_statement) (try_with_resources_statement)] @header
[
  (ERROR) (enum_constant name: (identifier)) (switch_label (identifier))
  (field_declaration (variable_declarator name: (identifier)))
  (constant_declaration (variable_declarator name: (identifier)))
  (record_declaration parameters: (formal_parameters))
] @kept
"""

# Macros that are given names of struct members, which look like variables there.
_MEMBER_MACRO = (
    r"^([A-Z0-9_]*(LIST|QUEUE|TREE|FOREACH|FOR_EACH|ENTRY|OFFSET|CONTAINER|RB_|SPLAY)[A-Z0-9_]*"
    r"|\\w*(container_of|offsetof|for_each)\\w*|\\w*list\\w*_entry\\w*)$"
)

_C = f"""
(identifier) @any
(gnu_asm_goto_list (identifier) @other)
[
  (declaration declarator: (identifier) @declared)
  (parameter_declaration declarator: (identifier) @declared)
  (init_declarator declarator: (identifier) @declared)
  (pointer_declarator declarator: (identifier) @declared)
  (array_declarator declarator: (identifier) @declared)
  (attributed_declarator (identifier) @declared)
]
[(function_definition) (compound_statement) (for_statement) (parameter_list)] @scope
[
  (function_definition declarator: (function_declarator parameters: (parameter_list) @signature))
  (function_definition declarator: (pointer_declarator
    declarator: (function_declarator parameters: (parameter_list) @signature)))
  (function_definition declarator: (pointer_declarator declarator: (pointer_declarator
    declarator: (function_declarator parameters: (parameter_list) @signature))))
]
[
  (ERROR) (enumerator name: (identifier)) (attribute_specifier)
  (gnu_asm_output_operand symbol: (identifier)) (gnu_asm_input_operand symbol: (identifier))
  (preproc_def) (preproc_function_def) (preproc_call)
  (preproc_ifdef name: (identifier)) (preproc_elifdef name: (identifier))
  (preproc_if condition: (_)) (preproc_elif condition: (_))
] @kept
(type_identifier) @type
[
  (struct_specifier name: (type_identifier) @tag)
  (union_specifier name: (type_identifier) @tag)
  (enum_specifier name: (type_identifier) @tag)
]
((declaration (storage_class_specifier) @_storage) @kept (#eq? @_storage "extern"))
((call_expression function: (identifier) @_macro arguments: (argument_list (_) (identifier) @kept))
  (#match? @_macro "{_MEMBER_MACRO}"))
(call_expression function: (identifier) @called)
[
  (declaration type: [(primitive_type) (sized_type_specifier)] declarator: (identifier) @plain)
  (declaration type: [(primitive_type) (sized_type_specifier)] declarator: (init_declarator
    declarator: (identifier) @plain))
  (parameter_declaration type: [(primitive_type) (sized_type_specifier)] declarator: (identifier) @plain)
]
"""

_QUERIES = {
    "java": _JAVA,
    "c": _C + "(parameter_list (identifier) @declared) (macro_type_specifier) @kept",  # names without types: old C
    "cpp": _C
    + """
(qualified_identifier name: (identifier) @other)
(destructor_name (identifier) @other)
[
  (reference_declarator (identifier) @declared)
  (optional_parameter_declaration declarator: (identifier) @declared)
  (structured_binding_declarator (identifier) @declared)
  (for_range_loop declarator: (identifier) @declared)
]
[
  (lambda_expression) (for_range_loop) (catch_clause) (if_statement) (while_statement) (switch_statement)
] @scope
(for_range_loop) @header
[
  (catch_clause parameters: (parameter_list) @signature)
  (lambda_expression declarator: (abstract_function_declarator parameters: (parameter_list) @signature))
  (function_definition declarator: (reference_declarator
    (function_declarator parameters: (parameter_list) @signature)))
]
[
  (lambda_capture_initializer left: (identifier)) (field_declaration declarator: (field_identifier))
  (using_declaration) (template_parameter_list)
] @kept
""",
}
_WORD = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*")


class Variables(NamedTuple):
    """What was found in one function.

    Attributes:
        offsets: variables that can be renamed, in the order they first occur, and the bytes where each is named.
        names: of everything that stands where a variable can.
    """

    offsets: dict[bytes, list[int]]
    names: frozenset[bytes]


def variables(text: bytes, root: "Node", language: str) -> Variables:
    """Find the variables of one function."""
    from tree_sitter import QueryCursor

    nodes = QueryCursor(_query(language)).captures(root)
    visible = _visible(text, nodes)
    for name in _reserved(text, nodes):
        visible.pop(name, None)
    other = {node.start_byte for node in nodes.get("other", ())}
    offsets: dict[bytes, list[int]] = {}
    uses = [
        (start, text[start : node.end_byte]) for node in nodes.get("any", ()) if (start := node.start_byte) not in other
    ]
    for start, name in sorted(uses):
        spans = visible.get(name)
        if spans is None:
            continue
        if any(first <= start < last for first, last in spans):
            offsets.setdefault(name, []).append(start)
        else:  # somebody else's variable of that name
            del visible[name]
            offsets.pop(name, None)
    return Variables(offsets, frozenset(name for _, name in uses))


@cache
def _query(language: str) -> "Query":
    from tree_sitter import Query

    return Query(grammar(language), _QUERIES[language])


def _visible(text: bytes, nodes: "dict[str, list[Node]]") -> dict[bytes, Spans]:
    """For each declared name the parts of the text where it is that variable; none for one declared outside."""
    signatures = {node.start_byte for node in nodes.get("signature", ())}
    scopes = sorted(
        (node.end_byte - node.start_byte, node.start_byte, node.end_byte)
        for node in nodes.get("scope", ())
        if node.start_byte not in signatures
    )
    headers = {(node.start_byte, node.end_byte): node for node in nodes.get("header", ())}
    visible: dict[bytes, Spans] = {}
    for node in nodes.get("declared", ()):
        start, end = node.start_byte, node.end_byte
        inside = next(((first, last) for _, first, last in scopes if first <= start < last), None)
        spans = visible.setdefault(text[start:end], [])
        if inside is not None:
            spans += _seen_from(headers[inside], start, end) if inside in headers else [(start, inside[1])]
    return visible


def _seen_from(header: "Node", start: int, end: int) -> Spans:
    """Where a name declared at `start` in a loop over a collection, or in a `try`, is visible."""
    body = header.child_by_field_name("body")
    if body is None or start >= body.start_byte:
        return [(start, header.end_byte)]
    if header.type == "try_with_resources_statement":
        return [(start, body.end_byte)]
    return [(start, end), (body.start_byte, body.end_byte)]


def _reserved(text: bytes, nodes: "dict[str, list[Node]]") -> set[bytes]:
    words = {word for node in nodes.get("kept", ()) for word in _WORD.findall(text, node.start_byte, node.end_byte)}
    tags = {node.start_byte for node in nodes.get("tag", ())}
    words |= {text[n.start_byte : n.end_byte] for n in nodes.get("type", ()) if n.start_byte not in tags}
    called = {text[node.start_byte : node.end_byte] for node in nodes.get("called", ())}
    return words | (called & {text[node.start_byte : node.end_byte] for node in nodes.get("plain", ())})
