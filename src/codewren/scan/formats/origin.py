"""Where findings come from: what every format says of the model and of the folder that paths are relative to."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from codewren.core.files import unicode_path

if TYPE_CHECKING:
    from codewren.scan.history import Run


@dataclass(frozen=True, slots=True)
class Origin:
    """The model and the root of a scan.

    Attributes:
        model: name of the bundle's file.
        sha256: of the bundle.
        version: of codewren.
        root: absolute path of the repository around the current folder, or of the current folder.
        colour: whether ANSI colours may be used.
        history: runs of this model until now, where they are kept.
    """

    model: str
    sha256: str
    version: str
    root: str
    colour: bool = False
    history: "tuple[Run, ...]" = ()

    @classmethod
    def of(cls, model: str, sha256: str, *, colour: bool = False) -> Self:
        """The origin of a scan that runs in the current folder; without a hash, for people, it has no version."""
        if not sha256:
            return cls(model, "", "", repository_root(), colour)
        from codewren import __version__  # which reads the metadata of the installation: 20 ms

        return cls(model, sha256, __version__, repository_root(), colour)

    def relative(self, path: str) -> str | None:
        """A path relative to the root, with `/`; None for one outside."""
        absolute = os.path.abspath(path)  # noqa: PTH100  a symbolic link keeps its name
        inside = absolute.startswith(self.root.rstrip(os.sep) + os.sep)
        return absolute[len(self.root.rstrip(os.sep)) + 1 :].replace(os.sep, "/") if inside else None


def repository_root() -> str:
    """The nearest folder around the current one that holds `.git`; without one, the current folder."""
    here = folder = os.getcwd()  # noqa: PTH109
    while not os.path.lexists(f"{folder}/.git"):
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder:
            return here
        folder = parent
    return folder


def printable(text: str) -> str:
    """Text without control characters: a file name must not move the cursor or end a line."""
    shown = unicode_path(text)
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in shown)
