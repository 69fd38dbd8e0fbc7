"""Other names for the parameters and local variables of a function, each the same everywhere.

A name is left alone as soon as renaming it could change the meaning: when it is used outside the scope of its
declarations (there it is somebody else's), stands in text that the parser cannot follow or that the preprocessor
rewrites, or is a field, a type or an enumerator as well. What the text of one function does not show is not known:
macros that use a local by name without being given it, fields that an anonymous class inherits.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice

from codewren.core.errors import InputError
from codewren.edits.scopes import Variables, variables
from codewren.edits.trees import parse
from codewren.syntax.lexers import is_keyword

_WORD = re.compile(r"[^\W\d][\w$]*")
_TRIES = 20  # draws for each name before all names are looked through

Places = Mapping[bytes, list[int]]


def local_names(source: str, language: str) -> list[str]:
    """Names of parameters and local variables that can be renamed, in the order they first occur.

    Raises:
        InputError: the language has no edits.

    >>> local_names("int f(int n) { return n + g; }", "c")
    ['n']
    """
    return [name.decode() for name in _variables(_encoded(source), language)[1].offsets]


def rename(source: str, language: str, *, rng: random.Random, names: Sequence[str], share: float = 1.0) -> str:
    """Rename parameters and local variables; the text is unchanged where none can be.

    Args:
        source: one function.
        language: `c`, `cpp` or `java`.
        rng: source of all choices.
        names: identifiers that new names are drawn from, best ones that people use; when they run out, numbers are
            appended.
        share: of the variables that are renamed, at least one of them.

    Raises:
        InputError: the language has no edits, `names` is empty, or `share` is not within 0 and 1.

    >>> rename("int f(int n) { return n + g; }", "c", rng=random.Random(0), names=["size"])
    'int f(int size) { return size + g; }'
    """
    if not names or not 0 < share <= 1:
        raise InputError(f"{len(names)} names to draw from and share {share}; wanted one or more, and 0 < share <= 1")
    text = _encoded(source)
    shape, bound = _variables(text, language)
    old = list(bound.offsets)
    if share < 1 and old:
        chosen = sorted(rng.sample(range(len(old)), max(1, round(share * len(old)))))
        old = [old[index] for index in chosen]
    new = islice(_fresh(source, language, rng, names, count=len(old)), len(old))
    mapping = {name: fresh.encode() for name, fresh in zip(old, new, strict=True)}
    return _renamed(text, shape, bound.offsets, mapping, language)


def rename_with(source: str, language: str, mapping: Mapping[str, str]) -> str:
    """Rename as `mapping` says; names that cannot be renamed stay.

    Raises:
        InputError: the language has no edits, or a new name is no name, another variable's, or given twice.
    """
    return Renamer(source, language).renamed(mapping)


class Renamer:
    """One function, parsed once, for many ways to rename it.

    Attributes:
        names: of parameters and local variables that can be renamed, in the order they first occur.
    """

    def __init__(self, source: str, language: str) -> None:
        """Raises InputError where the language has no edits."""
        self._source, self._text, self._language = source, _encoded(source), language
        self._shape, self._bound = _variables(self._text, language)
        self.names = tuple(name.decode() for name in self._bound.offsets)

    def renamed(self, mapping: Mapping[str, str]) -> str:
        """The text with these variables renamed; names that cannot be renamed stay.

        Raises:
            InputError: a new name is no name, another variable's, or given twice.
        """
        bound = self._bound
        renames = {name: mapping[name.decode()].encode() for name in bound.offsets if name.decode() in mapping}
        names_taken = set(bound.names - renames.keys())
        for name, new in renames.items():
            if new in names_taken or not _is_usable(new.decode(), self._language):
                raise InputError(f"{name.decode()!r} cannot be renamed {new.decode()!r}: that is taken, or no name")
            names_taken.add(new)
        return _renamed(self._text, self._shape, bound.offsets, renames, self._language)

    def fresh(self, count: int, *, rng: random.Random, names: Sequence[str]) -> list[str]:
        """So many different names, drawn from `names`, that the function does not have in any place."""
        return list(islice(_fresh(self._source, self._language, rng, names, count=count), count))


def _encoded(source: str) -> bytes:
    return source.encode("utf-8", "surrogatepass")


def _variables(text: bytes, language: str) -> tuple[str, Variables]:
    """Shape of the tree, and the variables."""
    root = parse(text, language)
    return ("", Variables({}, frozenset())) if root is None else (str(root), variables(text, root, language))


def _renamed(text: bytes, shape: str, offsets: Places, mapping: Mapping[bytes, bytes], language: str) -> str:
    """The text with new names, if it parses as before."""
    pieces, end = [], 0
    for start, name in sorted((offset, old) for old in mapping for offset in offsets[old]):
        pieces += [text[end:start], mapping[name]]
        end = start + len(name)
    edited = b"".join([*pieces, text[end:]])
    root = parse(edited, language)
    is_same = root is not None and str(root) == shape
    return (edited if is_same else text).decode("utf-8", "surrogatepass")


def _fresh(source: str, language: str, rng: random.Random, names: Sequence[str], *, count: int) -> Iterator[str]:
    """Endless names, each once, that the function does not have in any place."""
    names_taken = set(_WORD.findall(source))
    for name in _drawn(rng, names, count * _TRIES):
        if name not in names_taken and _is_usable(name, language):
            names_taken.add(name)
            yield name


def _drawn(rng: random.Random, names: Sequence[str], draws: int) -> Iterator[str]:
    """Names at random; then all of them; then with numbers."""
    for _ in range(draws):
        yield names[rng.randrange(len(names))]
    pool = sorted({name for name in names if _WORD.fullmatch(name)}) or ["name"]
    rng.shuffle(pool)
    yield from pool
    for number in count(2):
        yield from (f"{name}{number}" for name in pool)


def _is_usable(name: str, language: str) -> bool:
    return _WORD.fullmatch(name) is not None and not is_keyword(name, language)
