"""Comments that ask for silence: `codewren: ignore`, or `codewren: ignore[task]` for one task."""

import re

MARK = b"codewren:"
_COMMENT = re.compile(rb"(?://|/\*|#|\*).*?\bcodewren:\s*ignore\b(?:\s*\[([^\]]*)\])?")
_ONLY_COMMENT = re.compile(rb"\s*(?://|/\*|#|\*)")


def is_suppressed(lines: list[bytes], start_line: int, body_line: int, task: str) -> bool:
    """Whether a comment stands between the first line of a function and that of its body, or alone on the line above.

    `lines` are those of the whole file; line numbers count from 1.
    """
    header = lines[start_line - 1 : body_line]
    above = lines[start_line - 2] if start_line > 1 else b""
    if _ONLY_COMMENT.match(above):
        header.append(above)
    for line in header:
        comment = _COMMENT.search(line)
        if comment and (comment[1] is None or task.encode() in [name.strip() for name in comment[1].split(b",")]):
            return True
    return False
