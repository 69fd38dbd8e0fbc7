"""HTML and SVG as text that cannot be broken out of: every string is escaped unless it is markup already."""

from collections.abc import Iterable, Mapping
from html import escape

_VOID = frozenset({"meta", "br", "hr", "col", "input"})
_HIDDEN = dict.fromkeys(
    [
        *range(9),
        11,
        12,
        *range(14, 32),
        *range(127, 160),
        *range(0x202A, 0x202F),  # these and the next turn the reading direction: text would not read as it is
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        0xFFFE,
        0xFFFF,
    ],
    "\ufffd",
)


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def visible(text: object) -> str:
    r"""The text with every character that XML forbids or that turns the reading direction replaced.

    >>> visible("a\x00b")
    'a\ufffdb'
    """
    return str(text).translate(_HIDDEN)


def element(name: str, attributes: Mapping[str, object] | None = None, *children: object) -> Markup:
    """One element, well-formed as HTML and as XML.

    Attributes that are None are left out. Children may be strings (escaped), markup, None (nothing), or iterables of
    these.

    >>> element("p", {"class": "x", "id": None}, "a < b", element("br"))
    '<p class="x">a &lt; b<br/></p>'
    """
    pairs = (attributes or {}).items()
    written = "".join(f' {key}="{escape(visible(value))}"' for key, value in pairs if value is not None)
    if name in _VOID:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[object]) -> Markup:
    """Children one after the other, each as `element` takes it."""
    return Markup("".join(_markup(child) for child in children))


def _markup(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str) or not isinstance(child, Iterable):
        return escape(visible(child))
    return joined(child)
