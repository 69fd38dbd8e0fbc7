"""C and C++ before the parser sees it: text that only a preprocessor understands becomes spaces.

The length stays, so every byte and line of the syntax tree is one of the file. What is blanked would cost the parser a
function or its name: a macro that stands as a statement, an export macro in a class head, the second branch of an
`#ifdef` that opens a brace twice, the parameter declarations of K&R.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

Span = tuple[int, int]

_ABSENT = (-1, -1)  # span of a group that took no part
_BACK = 2_000  # bytes a function's header may take
_LONGEST_BRANCHES = 20_000  # bytes; longer ones are no pieces of one function
_KEYWORDS = (
    rb"(?:public|protected|private|signals|virtual|static|inline|extern|const|constexpr|explicit|friend|template|using"
    rb"|typedef|namespace|class|struct|union|enum|void|bool|char|short|int|long|float|double|signed|unsigned|size_t"
    rb"|if|for|while|do|switch|return|goto|break|continue|case|default|try)"
)
_CALL = rb"(?:[A-Z][A-Z0-9]*+_[A-Z0-9_]*+|[A-Z]{4,}+|Py_[A-Z_]++)(?:[ \t]*+\([^(){};\n]*+\))?+"
_MACRO = re.compile(
    rb"^[ \t]*+(" + _CALL + rb")[ \t\r]*+\n"
    rb"(?=[ \t\r]*+\n|\s*+(?:" + _KEYWORDS + rb"\b|[}#~]|" + _CALL + rb"[ \t\r]*+\n))",
    re.MULTILINE,
)
_EXPORT = re.compile(
    rb"\b(?:class|struct|union)\s++([A-Z][A-Z0-9_]++(?:\s*+\([^(){};]{0,200}\))?)\s++"
    rb"(?=(?!final\b|\w*FINAL\b)[A-Za-z_][\w:<>, ]{0,200}?(?:\bfinal\s*+)?\s*+(?::(?!:)|\{))"
)
_BEHIND_CLASS = re.compile(
    rb"\b(?:class|struct)\s++(?:(?=\w*[a-z])\w++\s++([A-Z][A-Z0-9_]++)|\w++\s++(\w*FINAL))\s*+"
    rb"(?=:(?!:)|\{)"  # `class X FINAL : public Y {`
)
_NAMED_BY_MACRO = re.compile(
    rb"^[ \t]*+([A-Z][A-Z0-9_]++\()(?:[\w \t*]{1,80}(,))?[ \t]*+\w++[ \t]*+(\))"  # `STDMETHOD(name)(int a) {`
    rb"(?=\s*+\([^;{}#]{0,1000}\)\s*+(?:const\b|override\b|noexcept\b|\s)*+\{)",
    re.MULTILINE,
)
_TYPED_BY_MACRO = re.compile(
    rb"^([A-Z][A-Z0-9_]++\()[\w \t*]{1,80}(\))(?=\s++(?:\w++::)++~?\w++\()",
    re.MULTILINE,  # `STDMETHODIMP_(T) C::f(`
)
_ATTRIBUTE = re.compile(rb"[*&]\s*+(__attribute__\s*+\(\((?:[^()]|\([^()]*+\))*+\)\))")
_BEHIND = re.compile(
    rb"\)\s*+(?:(?:const|noexcept|override|final)\s++)*+([A-Z][A-Z0-9]*+_[A-Z0-9_]++(?:\s*+\([^(){};]*+\))?+)\s*+(?=\{)"
)
_BEFORE = re.compile(
    rb"^[ \t]*+([A-Z][A-Z0-9]*+_[A-Z0-9_]++)[ \t]++"
    rb"(?=(?:const|static|inline|constexpr|virtual|explicit|struct|class|enum|extern|unsigned)\b"
    rb"|[A-Za-z_][\w:]*+[ \t*&]++[A-Za-z_][\w:]*+\("
    rb"|(?:\w++::)*?(\w++)::~?\2\(|\w++\([^(){};]*+\)\s*+:(?!:))",  # constructors and destructors
    re.MULTILINE,
)
_AMID = re.compile(rb"(?:\bexplicit|\btemplate\s*+<>)\s++([A-Z][A-Z0-9]*+_[A-Z0-9_]++)\s++(?=::|\w)")
_SECTION = re.compile(rb"\]\s*+([A-Z][A-Z0-9]*+_[A-Z0-9_]++\s*+\([^(){};]*+\))\s*+(?==)")
_DIRECTIVE = re.compile(
    rb"^[ \t]*+#[ \t]*+(if|ifdef|ifndef|elif|else|endif)\b(?:[^\n\\]|\\.)*+", re.MULTILINE | re.DOTALL
)
_CONDITION = re.compile(rb"\s*+(?:&&|\|\|)")  # `if (a\n#ifdef B\n && b\n#endif`
_NOT_CODE = re.compile(rb"//[^\n]*+|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*+\"|'(?:\\.|[^'\\\n])*+'", re.DOTALL)
_OLD_BODY = re.compile(rb";\s*+^\{", re.MULTILINE)
_OLD_HEADER = re.compile(
    rb"^[A-Za-z_][\w \t*\n]{0,200}\([\w\s,]{0,500}\)((?:\s(?:\s|/\*[^*]{0,200}\*/)*+[a-z_][^;{}=#\"']{1,200};)+)\Z",
    re.MULTILINE,
)
_TWICE_BODY = re.compile(rb"^#[ \t]*+endif[^\n]*+\n\s*+\{", re.MULTILINE)
_TWICE_HEADER = re.compile(rb"^(#[ \t]*if[^\n]*\n)[^{};#]+\)\s*(#[ \t]*(?:else|elif)[^{};]*)\Z", re.MULTILINE)


def parsable(source: bytes, language: str) -> bytes:
    """The text as the parser should be given it; as long, with the same lines.

    >>> parsable(b"class API Foo { };", "cpp")
    b'class     Foo { };'
    """
    if language not in {"c", "cpp"}:
        return source
    patterns = [_MACRO, *((_EXPORT, _BEHIND, _BEFORE, _AMID, _SECTION) if language == "cpp" else ())]
    if b"__attribute__" in source:
        patterns.append(_ATTRIBUTE)
    spans = [match.span(1) for pattern in patterns for match in pattern.finditer(source)]
    if language == "cpp":
        for pattern in (_BEHIND_CLASS, _NAMED_BY_MACRO, _TYPED_BY_MACRO):
            spans += [span for match in pattern.finditer(source) for span in match.regs[1:] if span != _ABSENT]
    spans += _old_declarations(source)
    spans += _second_headers(source)
    spans += _second_branches(source)
    return blanked(source, spans) if spans else source


def blanked(source: bytes, spans: Iterable[Span]) -> bytes:
    """The text with spaces in spans of bytes; its lines stay."""
    text = bytearray(source)
    for start, end in spans:
        text[start:end] = re.sub(rb"[^\r\n]", b" ", source[start:end])
    return bytes(text)


def _old_declarations(source: bytes) -> Iterator[Span]:
    """Declarations between the parameters of a K&R function and its body."""
    for first, body in _with_text_before(_OLD_BODY, source):
        header = _OLD_HEADER.search(source[first : body.start() + 1])
        if header:
            yield first + header.start(1), first + header.end(1)


def _second_headers(source: bytes) -> Iterator[Span]:
    """All but the first of several headers under `#if` that share one body."""
    for first, body in _with_text_before(_TWICE_BODY, source):
        header = _TWICE_HEADER.search(source[first : body.start()])
        if header:
            yield first + header.start(1), first + header.end(1)
            yield first + header.start(2), body.end() - 1


def _with_text_before(pattern: re.Pattern[bytes], source: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Matches, and where the text before each begins: near it, and not before the end of the last match."""
    last = 0
    for match in pattern.finditer(source):
        yield max(last, match.start() - _BACK), match
        last = match.end()


def _second_branches(source: bytes) -> Iterator[Span]:
    """Directives and all but the first branch, where one leaves a brace open or goes on a condition."""
    groups: list[list[Span]] = []
    for directive in _DIRECTIVE.finditer(source):
        kind = directive[1]
        if kind.startswith(b"if"):
            groups.append([directive.span()])
        elif groups:
            groups[-1].append(directive.span())
            if kind == b"endif":
                yield from _unbalanced(source, groups.pop())


def _unbalanced(source: bytes, directives: list[Span]) -> list[Span]:
    if directives[-1][1] - directives[0][0] > _LONGEST_BRANCHES:
        return []
    branches = [source[end:start] for (_, end), (start, _) in pairwise(directives)]
    braces = [_NOT_CODE.sub(b"", branch) for branch in branches]
    is_condition = any(map(_CONDITION.match, branches))
    if not is_condition and all(code.count(b"{") == code.count(b"}") for code in braces):
        return []
    return [directives[0], (directives[1][0], directives[-1][1])]
