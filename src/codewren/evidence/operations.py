"""Calls of the C library that other tools report, and which of their arguments decide whether they do harm."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a call does that may go wrong."""

    COPY = "copy"  # as much as the source has
    BOUNDED = "bounded"  # as much as an argument says
    PRINT = "print"  # a format into memory, without a bound
    FORMAT = "format"  # a format to a stream
    SCAN = "scan"
    COMMAND = "command"
    PATH = "path"  # that another may exchange between two calls
    TEMPORARY = "temporary"  # a name that another can guess
    OPEN = "open"
    NUMBER = "number"
    LENGTH = "length"
    ENVIRONMENT = "environment"
    PLAIN = "plain"  # seldom wrong by itself


@dataclass(frozen=True, slots=True)
class Operation:
    """A function, with the numbers of the arguments that matter; None where it has no such argument."""

    kind: Kind
    target: int | None = None
    source: int | None = None
    size: int | None = None
    format: int | None = None
    appends: bool = False
    ends: bool = True  # what it writes ends with a null byte, if it is text


def _all(names: str, operation: Operation) -> dict[str, Operation]:
    return dict.fromkeys(names.split(), operation)


OPERATIONS: dict[str, Operation] = {
    **_all("strcpy stpcpy wcscpy lstrcpy lstrcpyA _mbscpy", Operation(Kind.COPY, 0, 1)),
    **_all("strcat wcscat lstrcat lstrcatA _mbscat", Operation(Kind.COPY, 0, 1, appends=True)),
    "gets": Operation(Kind.COPY, 0),
    **_all("memcpy memmove mempcpy CopyMemory", Operation(Kind.BOUNDED, 0, 1, 2, ends=False)),
    "bcopy": Operation(Kind.BOUNDED, 1, 0, 2, ends=False),
    **_all("strncpy stpncpy wcsncpy lstrcpyn", Operation(Kind.BOUNDED, 0, 1, 2, ends=False)),
    **_all("strncat wcsncat", Operation(Kind.BOUNDED, 0, 1, 2, appends=True)),
    **_all("strlcpy", Operation(Kind.BOUNDED, 0, 1, 2)),
    **_all("strlcat", Operation(Kind.BOUNDED, 0, 1, 2)),
    "fgets": Operation(Kind.BOUNDED, 0, None, 1),
    **_all("read recv recvfrom pread readlink", Operation(Kind.BOUNDED, 1, None, 2, ends=False)),
    "fread": Operation(Kind.BOUNDED, 0, None, 2, ends=False),
    **_all("snprintf vsnprintf", Operation(Kind.BOUNDED, 0, None, 1, 2)),
    **_all("sprintf vsprintf", Operation(Kind.PRINT, 0, format=1)),
    **_all("printf vprintf", Operation(Kind.FORMAT, format=0)),
    **_all("fprintf vfprintf dprintf syslog vsyslog", Operation(Kind.FORMAT, format=1)),
    **_all("scanf vscanf", Operation(Kind.SCAN, format=0)),
    **_all("fscanf sscanf vfscanf vsscanf", Operation(Kind.SCAN, format=1)),
    **_all("system popen execl execlp execle execv execvp ShellExecute", Operation(Kind.COMMAND, source=0)),
    **_all("chmod chown lchown chgrp access", Operation(Kind.PATH, source=0)),
    **_all("mktemp tmpnam tempnam", Operation(Kind.TEMPORARY, source=0)),
    **_all("fopen open", Operation(Kind.OPEN, source=0)),
    **_all("atoi atol atoll", Operation(Kind.NUMBER, source=0)),
    **_all("strlen wcslen", Operation(Kind.LENGTH, source=0)),
    **_all("getenv curl_getenv", Operation(Kind.ENVIRONMENT, source=0)),
    **_all("srand random rand srandom drand48 erand48", Operation(Kind.PLAIN)),
    **_all("getopt getopt_long getwd usleep umask mkstemp tmpfile", Operation(Kind.PLAIN)),
    **_all("fgetc getc getchar realpath crypt", Operation(Kind.PLAIN)),
}
OUTSIDE = frozenset(  # functions that give what a stranger may have written
    (
        "getenv", "fgets", "gets", "read", "recv", "recvfrom", "fread", "getline", "getdelim", "scanf", "fscanf",
        "getc", "fgetc", "getchar", "readlink", "readdir", "gethostbyname", "gethostbyaddr", "getpass", "pread",
    )
)  # fmt: skip
TRANSLATED = frozenset(["_", "N_", "Q_", "gettext", "dgettext", "dcgettext", "ngettext", "tr"])
NUMBERS = frozenset({"atoi", "atol", "atoll", "strtol", "strtoul"})
