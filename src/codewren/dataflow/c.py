"""C: what its grammar's nodes mean for the flow of data."""

from functools import partial

from codewren.dataflow.handlers import (
    assignment,
    binary,
    block,
    do,
    every,
    for_,
    goto,
    if_,
    jump,
    labelled,
    literal,
    name,
    only,
    return_,
    skip,
    statements,
    ternary,
    update,
    while_,
    without,
)
from codewren.dataflow.walk import NONE, PART, Grammar, Handler, Values, Walker


def declared(w: Walker, node: int) -> tuple[int, bool]:
    """The name that a declarator declares, or -1, and whether it is that of a function."""
    tree, is_function = w.tree, False
    while node >= 0 and tree.kinds[node] != "identifier":
        kind = tree.kinds[node]
        if kind == "function_declarator":
            is_function = True
        elif kind == "parenthesized_declarator":
            is_function = False
        elif kind == "array_declarator":
            w.visit_all(tree.under(node, "size"))
        elif not kind.endswith("declarator"):
            return -1, is_function
        inner = tree.child(node, "declarator")
        node = inner if inner >= 0 else _unfielded(w, node)
    return node, is_function


def _unfielded(w: Walker, node: int) -> int:
    """The child of a declarator whose grammar rule has no field for it: parentheses, references, attributes."""
    for child in w.tree.children(node):
        if w.tree.kinds[child] == "identifier" or w.tree.kinds[child].endswith("declarator"):
            return child
    return -1


def bind(w: Walker, node: int, values: Values, *, relation: str = "comesFrom") -> Values:
    """Declare the variables of a declarator with their first value."""
    tree = w.tree
    inner = node
    while inner >= 0 and tree.kinds[inner] == "reference_declarator":
        inner = tree.first(inner)
    if inner >= 0 and tree.kinds[inner] == "structured_binding_declarator":
        return [target for child in tree.children(inner) for target in w.declare(child, values, relation=relation)]
    named, is_function = declared(w, node)
    if named < 0 or is_function:
        return NONE
    return w.declare(named, values, relation=relation)


def declaration(w: Walker, node: int) -> Values:
    """`T a = x, *b, c[3] = {x};`."""
    tree = w.tree
    for child in tree.under(node, "type"):
        w.visit(child)
    values: list[int] = []
    value = tree.child(node, "value")  # `if (int x = y)`
    for child in tree.under(node, "declarator"):
        if tree.kinds[child] == "init_declarator":
            values += initialised(w, child)
        else:
            values += bind(w, child, w.visit(value) if value >= 0 else NONE)
    return values


def initialised(w: Walker, node: int) -> Values:
    """`name = value`, `name(value)`, `name{value}`."""
    declarator, value = w.tree.child(node, "declarator"), w.tree.child(node, "value")
    values = w.visit(value) if value >= 0 else NONE
    return bind(w, declarator, values) if declarator >= 0 else NONE


def function(w: Walker, node: int) -> Values:
    """A function: its parameters, then its body."""
    tree = w.tree

    def walk() -> Values:
        inner = tree.child(node, "declarator")
        while inner >= 0 and tree.kinds[inner] != "function_declarator":
            following = tree.child(inner, "declarator")
            inner = following if following >= 0 else _unfielded(w, inner)
        if inner >= 0:
            w.visit_all(tree.under(_innermost(w, inner), "parameters"))
        for child in tree.children(node):  # what K&R functions have between the two, and members' first values
            if tree.fields[child] not in {"declarator", "type"}:
                w.visit(child)
        return NONE

    w.region(walk)
    return NONE


def _innermost(w: Walker, node: int) -> int:
    """The function declarator with the parameters of the function itself, not of what it returns."""
    inner, declarator = w.tree.child(node, "declarator"), node
    while inner >= 0 and w.tree.kinds[inner] != "identifier":
        if w.tree.kinds[inner] == "function_declarator":
            declarator = inner
        following = w.tree.child(inner, "declarator")
        inner = following if following >= 0 else _unfielded(w, inner)
    return declarator


def parameters(w: Walker, node: int) -> Values:
    """Parameters, which an old function lists by name only."""
    for child in w.tree.children(node):
        if w.tree.kinds[child] == "identifier":
            w.declare(child)
        else:
            w.visit(child)
    return NONE


def parameter(w: Walker, node: int) -> Values:
    """A definition without sources, or with a default value."""
    default, declarator = w.tree.child(node, "default_value"), w.tree.child(node, "declarator")
    values = w.visit(default) if default >= 0 else NONE
    named = declared(w, declarator)[0] if declarator >= 0 else -1
    return w.declare(named, values) if named >= 0 else NONE


def call(w: Walker, node: int) -> Values:
    """Arguments are read; a function is, if it is a variable; `&x` may be written through."""
    tree = w.tree
    called, arguments = tree.child(node, "function"), tree.child(node, "arguments")
    values: list[int] = []
    if called >= 0:
        is_name = tree.kinds[called] == "identifier"
        if not is_name or w.lookup(tree.texts[called]) is not None:
            values += w.visit(called)
    for argument in tree.children(arguments) if arguments >= 0 else ():
        value = tree.child(argument, "argument")
        if tree.kinds[argument] == "pointer_expression" and value >= 0 and tree.tokens[tree.at[argument]] == "&":
            values += w.assign(value, NONE, PART)
        else:
            values += w.visit(argument)
    return values


def comma(w: Walker, node: int) -> Values:
    """Both sides are evaluated, the right one is the value."""
    values: Values = NONE
    for child in w.tree.children(node):
        values = w.visit(child)
    return values


def switch(w: Walker, node: int) -> Values:
    """`switch`; its cases may stand anywhere below it."""
    w.scopes.append({})
    w.visit_all(w.tree.under(node, "condition"))
    frame = w.frame(loop=False)
    frame.head = w.flow.start(w.flow.current)
    w.flow.start()
    w.visit_all(w.tree.under(node, "body"))
    w.close()
    w.scopes.pop()
    w.flow.start(w.flow.current, *frame.breaks, *([] if frame.has_default else [frame.head]))
    return NONE


def case(w: Walker, node: int) -> Values:
    """`case value:` is reached from the head of the `switch`, and from the case before."""
    value = w.tree.child(node, "value")
    for frame in reversed(w.regions[-1].frames):
        if frame.head:
            frame.has_default |= value < 0
            w.flow.start(frame.head, w.flow.current)
            break
    for child in w.tree.children(node):
        if child != value:
            w.visit(child)
    return NONE


def conditional_text(w: Walker, node: int) -> Values:
    """`#if`: one of its parts is there, or none."""
    tree, branches = w.tree, [node]
    while (following := tree.child(branches[-1], "alternative")) >= 0:
        branches.append(following)

    def visit_branch(branch: int) -> None:
        for child in tree.children(branch):
            if tree.fields[child] not in {"alternative", "condition", "name"}:
                w.visit(child)

    w.fork([partial(visit_branch, branch) for branch in branches], may_skip=tree.kinds[branches[-1]] != "preproc_else")
    return NONE


def designated(w: Walker, node: int) -> Values:
    """`.x = value`, `[i] = value`."""
    return w.visit_all(w.tree.under(node, "value"))


_LITERALS = "number_literal char_literal string_literal true false null"
_SKIPPED = """primitive_type type_identifier sized_type_specifier struct_specifier union_specifier enum_specifier
macro_type_specifier type_descriptor type_qualifier storage_class_specifier type_definition sizeof_expression
alignof_expression offsetof_expression attribute_specifier attribute_declaration ms_declspec_modifier field_identifier
statement_identifier preproc_include preproc_def preproc_function_def preproc_call preproc_directive preproc_arg
preproc_defined field_declaration_list system_lib_string gnu_asm_goto_list"""
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_LITERALS.split(), literal),
    **dict.fromkeys(_SKIPPED.split(), skip),
    "identifier": name,
    "binary_expression": binary,
    "comma_expression": comma,
    "assignment_expression": assignment,
    "update_expression": update,
    "conditional_expression": ternary("condition", "consequence", "alternative"),
    "cast_expression": only("value"),
    "compound_literal_expression": only("value"),
    "field_expression": Walker.member,
    "call_expression": call,
    "initializer_pair": designated,
    "function_definition": function,
    "parameter_list": parameters,
    "parameter_declaration": parameter,
    "declaration": declaration,
    "translation_unit": statements,
    "compound_statement": block,
    "if_statement": if_,
    "while_statement": while_,
    "do_statement": do,
    "for_statement": for_(initial="initializer"),
    "switch_statement": switch,
    "case_statement": case,
    "labeled_statement": labelled,
    "goto_statement": goto,
    "break_statement": jump,
    "continue_statement": jump,
    "return_statement": return_,
    "preproc_if": conditional_text,
    "preproc_ifdef": conditional_text,
    "gnu_asm_output_operand": every,
    "else_clause": without(),
}
GRAMMAR = Grammar(
    handlers=HANDLERS,
    members={"field_expression": ("argument", "field")},
    elements={"subscript_expression": "argument", "pointer_expression": "argument", "parenthesized_expression": ""},
    patterns=frozenset(),
    this=frozenset(),
)
