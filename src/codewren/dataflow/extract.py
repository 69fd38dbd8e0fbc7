"""Where the values of a function come from: the one function that finds it."""

from codewren.core.errors import InputError, nearest
from codewren.dataflow.graph import DataFlow, Mode, Token, connected
from codewren.dataflow.papers import papers_flow
from codewren.dataflow.tree import parse
from codewren.dataflow.walk import flow_of

LANGUAGES = ("c", "cpp", "java", "python")


def data_flow(source: str, language: str, *, mode: Mode = "repaired") -> DataFlow:
    """Find where the values of a function come from.

    Args:
        source: a function, several, or a file.
        language: one of `LANGUAGES`.
        mode: `repaired` follows every path through the text (see `walk`); `papers` reproduces the released
            preprocessing of Compressor, defects included (see `papers`; Java and C only).

    Raises:
        InputError: the language or mode is unknown, the papers have no such walker, brackets are nested absurdly
            deep, or the parser gave up.

    Source: Guo et al., GraphCodeBERT, ICLR 2021, section 3.

    >>> flow = data_flow("int f(int a) { int b = a; return b; }", "c")
    >>> [(node.name, [flow.nodes[one].name for one in node.sources]) for node in flow.nodes]
    [('a', []), ('b', ['a']), ('a', ['a']), ('b', ['b'])]
    """
    if language not in LANGUAGES:
        raise InputError(f"no data flow for language {language!r}; {nearest(language, LANGUAGES)}")
    if mode == "papers":
        return papers_flow(source, language)
    if mode != "repaired":
        raise InputError(f"unknown data-flow mode {mode!r}; known: papers, repaired")
    tree = parse(source.encode("utf-8", "replace"), language)
    sources, computed = flow_of(tree, language)
    tokens = tuple(map(Token, tree.tokens, tree.starts, tree.ends))
    return DataFlow(tokens, connected(tree, sources, computed), tree.has_errors, source)
