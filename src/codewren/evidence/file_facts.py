"""What a C file and its headers say outside of functions: macros, arrays, texts that never change."""

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

_NOT_CODE = re.compile(r"//[^\n]*+|/\*.*?\*/", re.DOTALL)
_MACRO = re.compile(r"^[ \t]*+#[ \t]*+define[ \t]++(\w++)[ \t]++((?:[^\n\\]|\\.)++)", re.MULTILINE | re.DOTALL)
_ARRAY = re.compile(r"\b(\w++)\s++\**+(\w++)\s*+((?:\[[^\[\];{}]{1,80}\]\s*+){1,2})(?=[;=,])")
_MORE = re.compile(r",\s*+(\w++)\s*+((?:\[[^\[\];{}]{1,80}\]\s*+){1,2})(?=[;=,])")
_TEXT = re.compile(r"\bchar\b[\s*]*+(?:const\b)?+\s*+(\w++)\s*+(?:\[[^\[\]]{0,40}\])?+\s*+=\s*+([^;{}]{1,2000});")
_FIELDS = re.compile(r"\b(?:struct|union)\b[^;{}()]{0,200}\{([^{}]*+)\}")
_POINTER = re.compile(r"\*\s*+(\w++)\s*+(?=[;,])")
_TABLE = re.compile(r"\bchar\b[\s*]*+(?:const\b)?+\s*+(\w++)\s*+\[[^\[\]]{0,40}\]\s*+=\s*+\{([^{};]{1,20000})\}")
_ASSIGNED = re.compile(r"\b(\w++)\s*+(?:\[[^\[\]]{0,40}\]\s*+)?=(?!=)")
_ONLY_TEXTS = re.compile(r'(?:\s|\\\n|"(?:\\.|[^"\\])*+"|[A-Za-z_]\w*+)++')
_SIZEOF = re.compile(r"\bsizeof\s*+(?:\(\s*+([^()]{1,80}?)\s*+\)|([\w.\->]++))")
_CAST = re.compile(r"\(\s*+(?:unsigned|signed|size_t|ssize_t|int|long|short|socklen_t|\s)++\s*+\)")
_SUFFIX = re.compile(r"\b(0[xX][0-9a-fA-F]++|\d++)[uUlL]++\b")
_OCTAL = re.compile(r"\b0+(?=\d)")
_ARITHMETIC = re.compile(r"(?:0[xX][0-9a-fA-F]+|\d+|[\s+\-*/%()]|<<)*+")
_WORD = re.compile(r"\b[A-Za-z_]\w*+")
_LONGEST, _DEEPEST, _LARGEST = 300, 8, 1 << 40
_TYPES = {
    "char": 1,
    "signed char": 1,
    "unsigned char": 1,
    "uint8_t": 1,
    "int8_t": 1,
    "bool": 1,
    "_Bool": 1,
    "u_char": 1,
}
_TYPES |= {"BYTE": 1, "uchar": 1, "TCHAR": 1, "short": 2, "unsigned short": 2, "uint16_t": 2, "int16_t": 2}
_TYPES |= {"int": 4, "unsigned int": 4, "unsigned": 4, "uint32_t": 4, "int32_t": 4, "wchar_t": 4, "float": 4}
_TYPES |= {"long": 8, "unsigned long": 8, "size_t": 8, "uint64_t": 8, "int64_t": 8, "double": 8, "time_t": 8}
_TYPES |= {"off_t": 8, "long long": 8, "unsigned long long": 8, "ssize_t": 8, "u_int": 4, "u_int32_t": 4}
_KNOWN = {"PATH_MAX": 4096, "MAXPATHLEN": 4096, "BUFSIZ": 8192, "NAME_MAX": 255, "INET_ADDRSTRLEN": 16}
_CONFLICT = "several"  # the value of what is defined in more than one way: no number
_KNOWN |= {"INET6_ADDRSTRLEN": 46, "NI_MAXHOST": 1025, "NI_MAXSERV": 32, "LINE_MAX": 2048}
_DO: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


class FileFacts:
    """Macros, arrays and constant texts of a file and the headers that it names.

    Attributes:
        macros: body of each macro without parameters.
        arrays: of globals and fields of structures: size of an element and texts of the dimensions, by name. A name
            that is declared with two sizes is left out, as is a macro with two bodies that are no texts.
        tables: the entries of global arrays of texts.
        texts: what global variables are set to that are only ever texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.macros: dict[str, str] = {}
        self.arrays: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.texts: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        for text in texts:
            code = _NOT_CODE.sub(" ", text)
            for name, body in _MACRO.findall(code):
                self._add_macro(name, body.strip())
            self._read_arrays(code)
            self.tables.update(_TABLE.findall(code))
            assigned = Counter(_ASSIGNED.findall(code))
            for name, value in _TEXT.findall(code):
                if '"' in value and _ONLY_TEXTS.fullmatch(value) and assigned[name] == 1:
                    self.texts.setdefault(name, value)

    def _read_arrays(self, code: str) -> None:
        for body in _FIELDS.findall(code):
            for name in _POINTER.findall(body):
                self.arrays[name] = (8, (_CONFLICT,))
        for match in _ARRAY.finditer(code):
            width = type_width(match[1])
            if not width:
                continue
            self._add(match[2], width, match[3])
            more = _MORE.match(code, match.end())
            while more:
                self._add(more[1], width, more[2])
                more = _MORE.match(code, more.end())

    def _add_macro(self, name: str, body: str) -> None:
        known = self.macros.setdefault(name, body)
        if known != body and not (known.startswith('"') and body.startswith('"')):
            self.macros[name] = _CONFLICT

    def _add(self, name: str, width: int, dimensions: str) -> None:
        sizes = tuple(size.strip() for size in re.findall(r"\[([^\[\]]*)\]", dimensions))
        known = self.arrays.setdefault(name, (width, sizes))
        if known != (width, sizes) or sizes in {("0",), ("1",)}:  # a last field of one element often has more
            self.arrays[name] = (width, (_CONFLICT,))

    def value(self, text: str, sizes: Mapping[str, int] | None = None) -> int | None:
        """The value of a constant expression, or None where it is not known.

        Args:
            text: in C.
            sizes: in bytes, of what `sizeof` may be asked for besides types.
        """
        return self._value(text, sizes or {}, 0)

    def _value(self, text: str, sizes: Mapping[str, int], depth: int) -> int | None:
        if depth > _DEEPEST or len(text) > _LONGEST:
            return None
        plain = _CAST.sub("", _SIZEOF.sub(lambda match: str(_size_of(match[1] or match[2], sizes, self)), text))
        plain = _OCTAL.sub("", _SUFFIX.sub(r"\1", plain))
        names = set(_WORD.findall(re.sub(r"\b0[xX][0-9a-fA-F]+", "0", plain)))
        values = {name: self._named(name, sizes, depth) for name in names}
        if None in values.values():
            return None
        plain = re.sub(r"(?<![0-9])[A-Za-z_]\w*", lambda match: str(values.get(match[0], match[0])), plain)
        if not _ARITHMETIC.fullmatch(plain):
            return None
        try:
            return _evaluated(ast.parse(plain.replace("/", "//").strip(), mode="eval").body)
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
            return None

    def _named(self, name: str, sizes: Mapping[str, int], depth: int) -> int | None:
        if name in _KNOWN:
            return _KNOWN[name]
        body = self.macros.get(name)
        return None if body is None else self._value(body, sizes, depth + 1)


def type_width(name: str) -> int | None:
    """Bytes of a basic type of C on 64-bit Linux, or None."""
    return _TYPES.get(" ".join(name.replace("const", " ").replace("static", " ").split()))


def _size_of(asked: str, sizes: Mapping[str, int], facts: FileFacts) -> int | str:
    """Bytes of a type or an array; a name that has no value where they are not known."""
    key = "".join(asked.split())
    if key in sizes:
        return sizes[key]
    width = type_width(asked)
    if width is None and re.search(r"(?:->|\.)\w+$", key):
        width = array_size(facts, re.split(r"->|\.", key)[-1])
    return "unknown" if width is None else width


def array_size(facts: FileFacts, name: str) -> int | None:
    """Bytes of a global array or an array that is a field, of one dimension, or None."""
    if name not in facts.arrays:
        return None
    width, dimensions = facts.arrays[name]
    value = facts.value(dimensions[-1]) if len(dimensions) == 1 else None
    return None if value is None else value * width


def _evaluated(node: ast.expr) -> int:
    """The value of an expression of whole numbers.

    Raises:
        ValueError: anything else is in it, or a value is too large.
    """
    if isinstance(node, ast.Constant) and type(node.value) is int:
        value = node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = -_evaluated(node.operand)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
        left, right = _evaluated(node.left), _evaluated(node.right)
        value = left << right if 0 <= right < 40 else _LARGEST
    elif isinstance(node, ast.BinOp) and type(node.op) in _DO:
        value = _DO[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    else:
        raise ValueError("not a constant")
    if not -_LARGEST < value < _LARGEST:
        raise ValueError("too large")
    return value
