"""Java: what its grammar's nodes mean for the flow of data."""

from codewren.dataflow.handlers import (
    assignment,
    binary,
    block,
    do,
    every,
    for_,
    if_,
    interpolated,
    jump,
    labelled,
    literal,
    loop,
    name,
    only,
    return_,
    scoped,
    skip,
    statements,
    ternary,
    throw,
    try_,
    update,
    while_,
)
from codewren.dataflow.walk import NONE, Grammar, Handler, Values, Walker


def method(w: Walker, node: int) -> Values:
    """A method or constructor: its parameters, then its body."""
    w.region(lambda: w.visit_all([*w.tree.under(node, "parameters"), *w.tree.under(node, "body")]) and NONE)
    return NONE


def parameter(w: Walker, node: int) -> Values:
    """A parameter, a caught exception: a definition without sources."""
    named = w.tree.child(node, "name")
    return w.declare(named) if named >= 0 else every(w, node)


def variable(w: Walker, node: int) -> Values:
    """`name = value` in a declaration, a resource, a variable parameter."""
    named, value = w.tree.child(node, "name"), w.tree.child(node, "value")
    values = w.visit(value) if value >= 0 else NONE
    return w.declare(named, values) if named >= 0 else every(w, node)


def local(w: Walker, node: int) -> Values:
    """Declarators of a declaration."""
    return w.visit_all(w.tree.under(node, "declarator"))


def for_each(w: Walker, node: int) -> Values:
    """`for (T name : value) body`."""
    tree = w.tree
    named, value, body = (tree.child(node, field) for field in ("name", "value", "body"))
    values = w.visit(value) if value >= 0 else NONE

    def once() -> None:
        if named >= 0:
            w.declare(named, values, relation="computedFrom")
        if body >= 0:
            w.visit(body)

    w.scopes.append({})
    loop(w, once)
    w.scopes.pop()
    return NONE


def lambda_(w: Walker, node: int) -> Values:
    """A lambda gives what it returns."""
    tree = w.tree
    parameters, body = tree.child(node, "parameters"), tree.child(node, "body")

    def walk() -> Values:
        if parameters >= 0 and tree.kinds[parameters] == "identifier":
            w.declare(parameters)
        elif parameters >= 0 and tree.kinds[parameters] == "inferred_parameters":
            for parameter in tree.children(parameters):
                w.declare(parameter)
        elif parameters >= 0:
            w.visit(parameters)
        return w.visit(body) if body >= 0 else NONE

    return w.region(walk).returned


def instance_of(w: Walker, node: int) -> Values:
    """`left instanceof T name`: the name gets the value of what is tested."""
    tree = w.tree
    left, named, pattern = (tree.child(node, field) for field in ("left", "name", "pattern"))
    values = w.visit(left) if left >= 0 else NONE
    if named >= 0:
        w.declare(named, values)
    if pattern >= 0:
        take_apart(w, pattern, values)
    return values


def take_apart(w: Walker, node: int, values: Values) -> None:
    """Names of a pattern get the value."""
    tree = w.tree
    for pattern in range(node, tree.skips[node]):
        if tree.kinds[pattern] in {"record_pattern_component", "type_pattern"}:
            named = [child for child in tree.children(pattern) if tree.kinds[child] == "identifier"]
            for child in named[-1:]:
                w.declare(child, values)


def switch(w: Walker, node: int) -> Values:
    """`switch`, statement or expression, with `case x:` or `case x ->`."""
    tree = w.tree
    condition, body = tree.child(node, "condition"), tree.child(node, "body")
    subject = w.visit(condition) if condition >= 0 else NONE
    frame = w.frame(loop=False)
    frame.head = head = w.flow.start(w.flow.current)
    ends = []
    w.scopes.append({})
    w.flow.start()
    for case in tree.children(body) if body >= 0 else ():
        if tree.kinds[case] == "switch_rule":
            w.flow.start(head)
            frame.values += case_body(w, case, subject)
            ends.append(w.flow.current)
            w.flow.start()
        else:
            w.flow.start(head, w.flow.current)
            case_body(w, case, subject)
    w.scopes.pop()
    w.close()
    w.flow.start(w.flow.current, *ends, *frame.breaks, *([] if frame.has_default else [head]))
    return frame.values


def case_body(w: Walker, node: int, subject: Values) -> Values:
    """Labels and statements of one case; the value of a rule that is an expression."""
    tree, values, frame = w.tree, list[int](), w.regions[-1].frames[-1]
    is_rule = tree.kinds[node] == "switch_rule"
    for child in tree.children(node):
        if tree.kinds[child] == "switch_label":
            frame.has_default |= "default" in tree.tokens[tree.at[child] : tree.at[child] + 3]
            for statement in tree.children(child):
                if tree.kinds[statement] == "pattern":
                    take_apart(w, statement, subject)
                elif tree.kinds[statement] == "guard":
                    w.visit(statement)
        else:
            result = w.visit(child)
            values += result if is_rule and tree.kinds[child] == "expression_statement" else NONE
    return values


def yield_(w: Walker, node: int) -> Values:
    """Leave a `switch` with a value."""
    values = every(w, node)
    for frame in reversed(w.regions[-1].frames):
        if frame.head:
            frame.values += values
            frame.breaks.append(w.flow.current)
            break
    w.flow.start()
    return NONE


def method_reference(w: Walker, node: int) -> Values:
    """`x::call` reads x."""
    whole = w.tree.first(node)
    if whole < 0 or (w.tree.kinds[whole] == "identifier" and w.tree.texts[whole][:1].isupper()):
        return NONE
    return w.visit(whole)


_LITERALS = """decimal_integer_literal hex_integer_literal octal_integer_literal binary_integer_literal
decimal_floating_point_literal hex_floating_point_literal true false null_literal character_literal"""
_SKIPPED = """modifiers annotation marker_annotation superclass super_interfaces extends_interfaces interfaces permits
type_parameters type_arguments throws catch_type dimensions package_declaration import_declaration class_literal
type_identifier scoped_type_identifier generic_type array_type integral_type floating_point_type boolean_type
void_type scoped_identifier this super receiver_parameter"""
_HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_LITERALS.split(), literal),
    **dict.fromkeys(_SKIPPED.split(), skip),
    "string_literal": interpolated,
    "identifier": name,
    "binary_expression": binary,
    "assignment_expression": assignment,
    "update_expression": update,
    "ternary_expression": ternary("condition", "consequence", "alternative"),
    "instanceof_expression": instance_of,
    "cast_expression": only("value"),
    "field_access": Walker.member,
    "method_invocation": only("object", "arguments"),
    "method_reference": method_reference,
    "object_creation_expression": only("arguments"),
    "array_creation_expression": only("dimensions", "value"),
    "lambda_expression": lambda_,
    "switch_expression": switch,
    "switch_statement": switch,
    "yield_statement": yield_,
    "method_declaration": method,
    "constructor_declaration": method,
    "compact_constructor_declaration": method,
    "class_declaration": only("body"),
    "interface_declaration": only("body"),
    "enum_declaration": only("body"),
    "record_declaration": only("parameters", "body"),
    "enum_constant": only("arguments", "body"),
    "class_body": block,
    "interface_body": block,
    "enum_body": block,
    "constructor_body": block,
    "explicit_constructor_invocation": only("arguments"),
    "formal_parameter": parameter,
    "catch_formal_parameter": parameter,
    "variable_declarator": variable,
    "resource": variable,
    "local_variable_declaration": local,
    "field_declaration": local,
    "program": statements,
    "block": block,
    "if_statement": if_,
    "while_statement": while_,
    "do_statement": do,
    "for_statement": for_(initial="init"),
    "enhanced_for_statement": for_each,
    "labeled_statement": labelled,
    "break_statement": jump,
    "continue_statement": jump,
    "return_statement": return_,
    "throw_statement": throw,
    "try_statement": try_,
    "try_with_resources_statement": try_,
    "catch_clause": scoped(every),
}


def creation(w: Walker, node: int) -> Values:
    """`new T(arguments) { body }`: what its methods read is no part of the value."""
    values = w.visit_all(w.tree.under(node, "arguments"))
    for child in w.tree.children(node):
        if w.tree.kinds[child] == "class_body":
            w.visit(child)
    return values


_HANDLERS["object_creation_expression"] = creation
GRAMMAR = Grammar(
    handlers=_HANDLERS,
    members={"field_access": ("object", "field")},
    elements={"array_access": "array", "parenthesized_expression": ""},
    patterns=frozenset(),
    this=frozenset({"this", "super"}),
    classes_capitalised=True,
)
