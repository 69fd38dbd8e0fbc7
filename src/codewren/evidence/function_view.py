"""One C function as a list of what evidence needs: calls, arrays, values given to variables, comparisons."""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codewren.evidence.expressions import bare, field_name, index_of, nodes_below, root_name
from codewren.evidence.file_facts import FileFacts, array_size, type_width
from codewren.evidence.operations import OPERATIONS, Kind
from codewren.syntax.blanks import parsable
from codewren.syntax.grammars import syntax_root

if TYPE_CHECKING:
    from tree_sitter import Node

_ORDERED = frozenset({"<", ">", "<=", ">="})
_NOTHING = frozenset({"0", "-1", "NULL", "'\\0'", "EOF", "1"})
_NULL_BYTES = frozenset({"0", "'\\0'", "0x00", "'\\000'", "NUL", "EOS"})
_CLEARS = frozenset({"memset", "bzero"})
_NAMES = frozenset({"identifier", "field_expression"})
_LEAST = re.compile(r"(?i:(?:^|_)(?:min|clamp|std::min)$)")


@dataclass(frozen=True, slots=True)
class Call:
    """A call: name of the function, line counted from the function's first as 0, arguments."""

    name: str
    line: int
    node: "Node"
    arguments: tuple["Node", ...]

    def argument(self, number: int | None) -> "Node | None":
        """The argument of a number, or None where there is none."""
        return self.arguments[number] if number is not None and number < len(self.arguments) else None


Given = tuple["FunctionView", "Node"]


class FunctionView:
    """What the text of one function shows.

    Args:
        source: its text, UTF-8.
        language: `c` or `cpp`.
        facts: of the file around it.

    Attributes:
        calls: in order.
        arrays: bytes of an element and texts of the dimensions of the arrays it declares, by name.
        parameters: their numbers, by name.
        is_variadic: it takes `...` or a `va_list`.
        values: the nodes that each variable is given, with the byte where.
        filled: the calls that write into each array or pointer, with the byte where.
        indexed: elements of each that are written.
        ended: the arrays that a null byte is written to; `null_bytes`: the elements.
        limits: largest values of variables under each comparison with a constant.
        pointers: names declared as such.
        sizing: variables that are an index or a size somewhere; `allocating`: in an allocation; `returned`: alone;
            `last_indexes`: less one as an index.
        declarator_rows: lines where arrays are declared, parameters and fields among them.
        initial: what arrays begin with, texts and lists.
        cleared: the arrays that begin as null bytes or as a text.
        compared: bytes where expressions are compared in order, and what they depend on.
        declared: names of the arrays whose declarators begin on a line, the function's first is 0.
        origins: of nodes, as `value_origin` has found them; `lengths`: as `longest_text` has.
        handed: what callers give a parameter, each with the view of the caller; none where they are not all known.
    """

    def __init__(
        self, source: bytes, language: str, facts: FileFacts, handed: "Callable[[int], list[Given]] | None" = None
    ) -> None:
        self.source, self.facts = parsable(source, language), facts
        self.calls: list[Call] = []
        self.arrays: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.parameters: dict[str, int] = {}
        self._handed, self._callers = handed, dict[str, list[Given]]()
        self.origins: dict[tuple[int, int], int] = {}
        self.lengths: dict[tuple[int, int, bool], int | None] = {}
        self.pointers: set[str] = set()
        self.sizing: set[str] = set()
        self.allocating: set[str] = set()
        self.returned: set[str] = set()
        self.ended: set[str] = set()
        self.null_bytes: dict[str, list[Node]] = defaultdict(list)
        self.limits: dict[str, list[int]] = defaultdict(list)
        self.initial: dict[str, Node] = {}
        self.last_indexes: set[str] = set()
        self.declarator_rows: set[int] = set()
        self.declared: dict[int, list[str]] = defaultdict(list)
        self.values: dict[str, list[tuple[int, Node]]] = defaultdict(list)
        self.filled: dict[str, list[tuple[int, Call]]] = defaultdict(list)
        self.cleared: set[str] = set()
        self.indexed: dict[str, list[Node]] = defaultdict(list)
        self.compared: list[tuple[int, frozenset[str]]] = []
        self.is_variadic = b"va_list" in source or b"..." in source[: source.find(b"{")]
        self.root = syntax_root(self.source, language)
        for node in nodes_below(self.root):
            self._read(node)

    def text(self, node: "Node | None") -> str:
        """The text of a node without white space outside of literals, and without parentheses and casts around it."""
        if node is None:
            return ""
        node = bare(node)
        return "".join(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace").split())

    def phrase(self, node: "Node | None") -> str:
        """The text of a node for people: on one line, without parentheses and casts around it."""
        if node is None:
            return ""
        node = bare(node)
        return " ".join(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace").split())

    def size_of(self, node: "Node | None") -> int | None:
        """Bytes of the array that an expression names, or None."""
        node = None if node is None else bare(node)
        if node is not None and node.type == "subscript_expression":
            return self._row_size(node)
        if node is not None and node.type in {"binary_expression", "pointer_expression"}:
            return self._rest_size(node)
        return self._named_size(node) if node is not None and node.type in _NAMES else None

    def _named_size(self, node: "Node") -> int | None:
        if node.type == "identifier" and (name := self.text(node)) in self.arrays:
            width, dimensions = self.arrays[name]
            value = self.facts.value(dimensions[-1]) if len(dimensions) == 1 else None
            return None if value is None else value * width
        if node.type == "identifier" and (name in self.parameters or name in self.values or name in self.pointers):
            return None
        return array_size(self.facts, field_name(self.text(node)))

    def _rest_size(self, node: "Node") -> int | None:
        """Bytes of an array of bytes from a constant place on: of `a + 2` and `&a[2]`."""
        offset: Node | None
        if node.type == "binary_expression":
            sign, base = self.text(node.child_by_field_name("operator")), node.child_by_field_name("left")
            offset = node.child_by_field_name("right") if sign == "+" else None
        else:
            inner = node.child_by_field_name("argument")
            if inner is None or inner.type != "subscript_expression" or self.text(node)[:1] != "&":
                return None
            base, offset = inner.child_by_field_name("argument"), index_of(inner)
        value, size = self.constant(offset), self.size_of(base)
        if base is None or base.type not in _NAMES or value is None or size is None or self._width(base) != 1:
            return None
        return size - value if 0 <= value <= size else None

    def _width(self, base: "Node") -> int:
        name = self.text(base)
        width, _ = self.arrays.get(name) or self.facts.arrays.get(field_name(name)) or (0, ())
        return width

    def _row_size(self, node: "Node") -> int | None:
        base = node.child_by_field_name("argument")
        name = field_name(self.text(base))
        width, dimensions = self.arrays.get(name) or self.facts.arrays.get(name) or (0, ())
        value = self.facts.value(dimensions[1]) if len(dimensions) == 2 else None
        return None if value is None else value * width

    def sizes(self) -> dict[str, int]:
        """Bytes of each array that the function declares."""
        known = {}
        for name, (width, dimensions) in self.arrays.items():
            counts = [self.facts.value(text) for text in dimensions]
            if counts and None not in counts:
                known[name] = width
                for count in counts:
                    known[name] *= count or 0
        return known

    def constant(self, node: "Node | None") -> int | None:
        """The value of a constant expression, or None."""
        if node is None:
            return None
        return self.facts.value(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace"), self.sizes())

    def variables(self, node: "Node | None") -> set[str]:
        """What an expression's value depends on: variables and fields, not constants in capitals, not `sizeof`."""
        names = set[str]()
        nodes = [] if node is None else [node]
        while nodes:
            node = nodes.pop()
            if node.type in _NAMES:
                name = self.text(node)
                if any(c.islower() for c in name) and name not in self.facts.macros:
                    names.add(name)
            elif node.type == "call_expression":
                arguments = node.child_by_field_name("arguments")
                nodes += [] if arguments is None else arguments.named_children
                if self.text(node.child_by_field_name("function")) == "strlen":
                    names.add(self.text(node))
            elif node.type != "sizeof_expression":
                nodes += node.named_children
        return names

    def is_compared(self, names: set[str], before: int, after: int = -1) -> bool:
        """Whether one of several expressions is compared in order with something that is not zero."""
        return any(after < byte < before and names & keys for byte, keys in self.compared)

    def is_tested(self, name: str) -> bool:
        """Whether a variable is compared with anything, or is a condition by itself."""
        text = "".join(self.source.decode("utf-8", "replace").split())
        escaped = re.escape(name)
        alone = rf"[(&|!]{escaped}[)&|?]"
        return re.search(rf"\b{escaped}(?:[<>]|[=!]=)|(?:[<>]|[=!]=){escaped}\b|{alone}", text) is not None

    def is_lent(self, name: str) -> bool:
        """Whether the address of a variable is taken, so that it may have other values than those that are seen."""
        return re.search(rf"(?<!&)&\s*{re.escape(name)}\b(?!\s*[\[.]|\s*->)".encode(), self.source) is not None

    def given(self, name: str) -> "list[Node]":
        """The nodes that a variable is given, in order."""
        return [node for _, node in self.values.get(name, ())]

    def handed(self, name: str) -> "list[Given]":
        """What callers give a parameter; nothing where it has other values, or not all callers are known."""
        if self._handed is None or name not in self.parameters or name in self.values:
            return []
        if name not in self._callers:
            self._callers[name] = self._handed(self.parameters[name])
        return self._callers[name]

    def _read(self, node: "Node") -> None:
        reader = {
            "call_expression": self._read_call,
            "init_declarator": self._read_initial,
            "array_declarator": self._read_array,
            "pointer_declarator": self._read_pointer,
            "subscript_expression": self._read_index,
            "return_statement": self._read_return,
            "update_expression": self._read_update,
            "assignment_expression": self._read_assignment,
            "binary_expression": self._read_comparison,
            "parameter_declaration": self._read_parameter,
        }.get(node.type)
        if reader:
            reader(node)

    def _read_call(self, node: "Node") -> None:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None:
            return
        name = self.text(function).split("::")[-1]
        pieces = tuple(child for child in arguments.named_children if child.type != "comment")
        call = Call(name, function.start_point.row, node, pieces)
        self.calls.append(call)
        operation = OPERATIONS.get(name)
        if operation and (target := call.argument(operation.target)) is not None:
            self.filled[root_name(self.text(target))].append((node.start_byte, call))
        if operation and operation.kind is Kind.SCAN:
            for part in pieces[1:]:
                self.filled[root_name(self.text(part))].append((node.start_byte, call))
        if operation and operation.size is not None:
            self.sizing |= self.variables(call.argument(operation.size))
        elif "alloc" in name.lower():
            self.allocating |= set().union(*map(self.variables, pieces))
            self.sizing |= self.allocating
        if name in _CLEARS and pieces and (len(pieces) < 3 or self.text(pieces[1]) in _NULL_BYTES):
            self.cleared.add(root_name(self.text(pieces[0])))
        if _LEAST.search(name):
            self.compared.append((node.start_byte, frozenset().union(*map(self.variables, pieces))))

    def _read_initial(self, node: "Node") -> None:
        name = self._declared(node.child_by_field_name("declarator"))
        value = node.child_by_field_name("value")
        if name and value is not None:
            self.values[name].append((node.start_byte, value))
            if value.type in {"initializer_list", "string_literal"}:
                self.cleared.add(name)
                self.initial[name] = value

    def _read_array(self, node: "Node") -> None:
        self.declarator_rows.add(node.start_point.row)
        declaration, around, dimensions = node.parent, node.parent, list[str]()
        inner: Node | None = node
        while declaration is not None and declaration.type.endswith("declarator"):
            declaration = declaration.parent
        if declaration is None or around is None or declaration.type != "declaration":
            return
        if around.type == "array_declarator":
            return
        while inner is not None and inner.type == "array_declarator":
            size = inner.child_by_field_name("size")
            dimensions.append("" if size is None else self.text(size))
            inner = inner.child_by_field_name("declarator")
        kind = self.text(declaration.child_by_field_name("type"))
        written = self.source[declaration.start_byte : node.start_byte].decode("utf-8", "replace")
        spelled = " ".join(written.split(",")[0].split()[:2])
        if inner is not None and inner.type == "identifier":
            is_pointer = "*" in written.split(",")[-1] or around.type == "pointer_declarator"
            width = (
                8 if is_pointer else type_width(spelled) or type_width(kind) or type_width(spelled.split(" ")[0]) or 0
            )
            self._add_array(self.text(inner), width, tuple(reversed(dimensions)))
            self.declared[node.start_point.row].append(self.text(inner))
            if re.match(r"\s*(?:\w+\s+)?static\b", written):
                self.cleared.add(self.text(inner))

    def _read_index(self, node: "Node") -> None:
        index = index_of(node)
        self.sizing |= self.variables(index)
        last = re.fullmatch(r"\[?(\w+)-1\]?", self.text(index))
        if last:
            self.last_indexes.add(last[1])

    def _read_update(self, node: "Node") -> None:
        """`a[i]++` is a write as well."""
        argument = node.child_by_field_name("argument")
        if argument is not None and argument.type == "subscript_expression":
            self.indexed[root_name(self.text(argument))].append(argument)

    def _read_return(self, node: "Node") -> None:
        if node.named_child_count == 1:
            self.returned.add(self.text(node.named_children[0]))

    def _read_pointer(self, node: "Node") -> None:
        self.pointers.add(self._declared(node))

    def _add_array(self, name: str, width: int, dimensions: tuple[str, ...]) -> None:
        known = self.arrays.setdefault(name, (width, dimensions))
        if known != (width, dimensions):  # two arrays of one name, in two blocks
            self.arrays[name] = (width, ("unknown",))

    def _read_assignment(self, node: "Node") -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type in {"subscript_expression", "pointer_expression"}:
            index = index_of(left) if left.type == "subscript_expression" else None
            for name in {root_name(self.text(left)), root_name(self.text(index).strip("[]"))}:  # `i[a]` is `a[i]`
                self.indexed[name].append(left)
            if self.text(right) in _NULL_BYTES:
                self.ended.add(root_name(self.text(left)))
                self.null_bytes[root_name(self.text(left))].append(left)
        else:
            self.values[self.text(left)].append((node.start_byte, right))

    def _read_comparison(self, node: "Node") -> None:
        sign = node.child_by_field_name("operator")
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if sign is None or left is None or right is None or self.text(sign) not in _ORDERED:
            return
        if self.text(left) in _NOTHING or self.text(right) in _NOTHING:
            return
        self._read_limit(left, self.text(sign), right)
        keys = self.variables(left) | self.variables(right)
        self.compared.append((node.start_byte, frozenset(keys | self._behind(keys))))

    def _read_limit(self, left: "Node", sign: str, right: "Node") -> None:
        """The largest value of a variable under a comparison with a constant, `i < 8` or `8 > i`."""
        turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
        for variable, relation, other in ((left, sign, right), (right, turned[sign], left)):
            value = self.constant(other)
            if value is not None and bare(variable).type == "identifier":
                over = relation in {"<", ">="}  # `if (i >= 8) break`
                self.limits[self.text(variable)].append(value - 1 if over else value)

    def _behind(self, keys: set[str]) -> set[str]:
        """The lengths that compared variables were set to: `n = strlen(s); if (n < ...)` bounds `strlen(s)` too."""
        lengths = set[str]()
        for key in keys:
            for value in self.given(key):
                lengths |= {name for name in self.variables(value) if name.startswith("strlen(")}
        return lengths

    def _read_parameter(self, node: "Node") -> None:
        declarator = node.child_by_field_name("declarator")
        name = self._declared(declarator)
        if declarator is None:  # of K&R: the parser takes the name for a type
            name = self.text(node.child_by_field_name("type"))
        if name and node.parent is not None and not self._is_inner(node):
            self.parameters[name] = len(self.parameters)

    def _is_inner(self, node: "Node") -> bool:
        """Whether a parameter is one of a function that is declared inside of this one."""
        while node.parent is not None:
            node = node.parent
            if node.type == "compound_statement":
                return True
        return False

    def _declared(self, node: "Node | None") -> str:
        while node is not None and node.type.endswith("declarator"):
            if node.type == "parenthesized_declarator":
                node = node.named_children[0] if node.named_children else None
            else:
                node = node.child_by_field_name("declarator")
        return self.text(node) if node is not None and node.type == "identifier" else ""
