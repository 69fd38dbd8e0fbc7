"""`SHA256SUMS` of a repository: which file is the bundle, and what it must hash to; `sha256sum -c` reads it too."""

import re
from typing import NamedTuple

from codewren.core.errors import InputError

SUMS = "SHA256SUMS"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<name>[\w][\w.-]*\.wren)")


class Checksum(NamedTuple):
    """A bundle of a repository: its file's name, and the hash of its bytes."""

    name: str
    sha256: str

    def line(self) -> str:
        r"""The file that holds it.

        >>> Checksum("a.wren", "0" * 64).line()[60:]
        '0000  a.wren\n'
        """
        return f"{self.sha256}  {self.name}\n"


def read_checksum(text: str, source: str) -> Checksum:
    """The one bundle of a repository; a name that is a path is refused.

    Raises:
        InputError: the text names none, or several.
    """
    found = [_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
    if len(found) != 1 or found[0] is None:
        raise InputError(f"{source}: {SUMS} has {len(found)} lines, wanted one of a hash and NAME.wren; push it again")
    return Checksum(found[0]["name"], found[0]["sha256"])


def checked_name(name: str) -> str:
    """A file name for a bundle.

    Raises:
        InputError: it is none that any system can have.
    """
    if not _LINE.fullmatch(f"{'0' * 64}  {name}"):
        raise InputError(f"bundle name {name!r}: wanted letters, digits, '.', '_' and '-', and .wren at its end")
    return name
