"""What cuts the text of each language into tokens: its keywords, primitive types and operators, for a native lexer."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codewren._native import Lexer

_C = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"""
_JAVASCRIPT = """async await break case catch class const continue debugger default delete do else export extends false
finally for function get if import in instanceof let new null of return set static super switch this throw true try
typeof undefined var void while with yield"""
_TYPESCRIPT = f"""{_JAVASCRIPT} abstract as declare enum implements infer interface is keyof namespace override private
protected public readonly satisfies type"""
_WORDS = {
    "c": _C,
    "cpp": f"""{_C} alignas alignof bool catch class const_cast constexpr decltype delete dynamic_cast explicit export
false final friend mutable namespace new noexcept nullptr operator override private protected public reinterpret_cast
static_assert static_cast template this throw true try typeid typename using virtual""",
    "java": """abstract assert boolean break byte case catch char class const continue default do double else enum
extends false final finally float for goto if implements import instanceof int interface long native new null package
private protected public return short static strictfp super switch synchronized this throw throws transient true try var
void volatile while""",
    "python": """False None True and as assert async await break class continue def del elif else except finally for
from global if import in is lambda nonlocal not or pass raise return try while with yield""",
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": """break case chan const continue default defer else fallthrough false for func go goto if import interface
iota map nil package range return select struct switch true type var""",
    "csharp": """abstract as async await base bool break byte case catch char checked class const continue decimal
default delegate do double else enum event explicit extern false finally fixed float for foreach goto if implicit in int
interface internal is lock long namespace new null object operator out override params private protected public readonly
ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true try typeof uint ulong
unchecked unsafe ushort using var virtual void volatile when while yield""",
    "rust": """Self as async await break const continue crate dyn else enum extern false fn for if impl in let loop
match mod move mut pub ref return self static struct super trait true type unsafe use where while""",
}
_KEYWORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_C_TYPES = "bool boolean byte char double float int long short signed unsigned"
_TYPES = {
    **dict.fromkeys(("c", "cpp", "java"), _C_TYPES),
    "csharp": f"{_C_TYPES} decimal object sbyte string uint ulong ushort",
}
_OPERATORS = ["++", "--", "&&", "::", "..."]
_OWN_OPERATORS = {"python": list[str](), "go": [*_OPERATORS, "<-"]}
_WITH_TEXT_BLOCKS = frozenset({"csharp", "java", "python"})
_WITH_ANGLES = frozenset({"cpp", "csharp", "java", "rust", "tsx", "typescript"})


@cache
def lexer(language: str) -> "Lexer":
    """The native lexer of one of `codewren.syntax.grammars.LANGUAGES`."""
    from codewren._native import Lexer

    types = frozenset(_TYPES.get(language, "").split())
    return Lexer(
        keywords=sorted(_KEYWORDS[language] - types),
        types=sorted(types),
        operators=_OWN_OPERATORS.get(language, _OPERATORS),
        indented=language == "python",
        single_quoted=language != "rust",  # where a quote may begin a lifetime
        text_blocks=language in _WITH_TEXT_BLOCKS,
        angles=language in _WITH_ANGLES,
    )


def is_keyword(word: str, language: str) -> bool:
    """Whether a word of the language can be no name.

    >>> is_keyword("new", "java"), is_keyword("new", "c")
    (True, False)
    """
    return word in _KEYWORDS[language]
