"""C++: what its grammar's nodes mean for the flow of data, beyond C."""

from codewren.dataflow import c
from codewren.dataflow.handlers import (
    assignment,
    block,
    every,
    for_,
    if_,
    interpolated,
    literal,
    loop,
    only,
    return_,
    scoped,
    skip,
    throw,
    try_,
    while_,
)
from codewren.dataflow.walk import NONE, Grammar, Handler, Values, Walker


def for_each(w: Walker, node: int) -> Values:
    """`for (init; T name : values) body`."""
    tree = w.tree
    w.scopes.append({})
    w.visit_all(tree.under(node, "initializer"))
    declarator, right, body = (tree.child(node, field) for field in ("declarator", "right", "body"))
    values = w.visit(right) if right >= 0 else NONE

    def once() -> None:
        if declarator >= 0:
            c.bind(w, declarator, values, relation="computedFrom")
        if body >= 0:
            w.visit(body)

    loop(w, once)
    w.scopes.pop()
    return NONE


def lambda_(w: Walker, node: int) -> Values:
    """A lambda gives what it captures and what it returns."""
    tree = w.tree
    captures, declarator, body = (tree.child(node, field) for field in ("captures", "declarator", "body"))
    captured: list[int] = []
    w.scopes.append({})
    for capture in tree.children(captures) if captures >= 0 else ():
        if tree.kinds[capture] == "lambda_capture_initializer":
            left, right = tree.child(capture, "left"), tree.child(capture, "right")
            values = w.visit(right) if right >= 0 else NONE
            captured += w.declare(left, values) if left >= 0 else values
        else:
            captured += w.visit(capture)

    def walk() -> Values:
        if declarator >= 0:
            w.visit_all(tree.under(declarator, "parameters"))
        return w.visit(body) if body >= 0 else NONE

    region = w.region(walk)
    w.scopes.pop()
    return [*captured, *region.returned]


def assign(w: Walker, node: int) -> Values:
    """`left = right`; `tie(a, b) = right` writes its arguments."""
    tree = w.tree
    left, right = tree.child(node, "left"), tree.child(node, "right")
    if left < 0 or right < 0 or tree.kinds[left] != "call_expression":
        return assignment(w, node)
    values, arguments = w.visit(right), tree.child(left, "arguments")
    return (
        [target for child in tree.children(arguments) for target in w.assign(child, values)] if arguments >= 0 else NONE
    )


def qualified(w: Walker, node: int) -> Values:
    """`a::b` is a constant, as far as one function shows."""
    return NONE


def member_initialiser(w: Walker, node: int) -> Values:
    """`member(value)` after the colon of a constructor."""
    tree = w.tree
    first = tree.first(node)
    values = w.visit_all(child for child in tree.children(node) if child != first)
    if first < 0 or tree.kinds[first] != "field_identifier":
        return NONE
    token = tree.at[first]
    w.flow.computed.add(token)
    w.flow.derive(token, values)
    w.flow.write(token, w.free(tree.texts[first]))
    return NONE


def new(w: Walker, node: int) -> Values:
    """`new T[length](arguments)`."""
    tree = w.tree
    return w.visit_all(child for child in tree.children(node) if tree.fields[child] not in {"type"})


def template(w: Walker, node: int) -> Values:
    """What is declared, without the parameters of the template."""
    return w.visit_all(child for child in w.tree.children(node) if w.tree.fields[child] != "parameters")


_SKIPPED = """template_parameter_list template_argument_list namespace_identifier qualified_type template_type
placeholder_type_specifier decltype noexcept trailing_return_type concept_definition using_declaration
alias_declaration static_assert_declaration friend_declaration base_class_clause template_function
dependent_type auto requires_clause operator_name destructor_name this field_declaration"""
_HANDLERS: dict[str, Handler] = {
    **c.HANDLERS,
    **dict.fromkeys(_SKIPPED.split(), skip),
    "nullptr": literal,
    "raw_string_literal": interpolated,
    "qualified_identifier": qualified,
    "class_specifier": only("body"),
    "struct_specifier": only("body"),
    "union_specifier": only("body"),
    "field_declaration_list": block,
    "declaration_list": block,
    "template_declaration": template,
    "optional_parameter_declaration": c.parameter,
    "variadic_parameter_declaration": c.parameter,
    "field_initializer": member_initialiser,
    "assignment_expression": assign,
    "new_expression": new,
    "lambda_expression": lambda_,
    "for_range_loop": for_each,
    "for_statement": for_(initial="initializer"),
    "if_statement": scoped(if_),
    "while_statement": scoped(while_),
    "condition_clause": only("initializer", "value"),
    "try_statement": try_,
    "catch_clause": every,
    "throw_statement": throw,
    "co_return_statement": return_,
}
GRAMMAR = Grammar(
    handlers=_HANDLERS,
    members=c.GRAMMAR.members,
    elements=c.GRAMMAR.elements,
    patterns=frozenset(),
    this=frozenset({"this"}),
)
