"""Print the tests that a document names, as pytest takes them: `scan/test_scan.py::a_thing_holds` in backticks.

pytest $(python scripts/named_tests.py docs/faults.md)
"""

import re
import sys
from pathlib import Path

_NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(\w+)`")


def named_tests(text: str) -> list[str]:
    """Each test once, in the order of the text.

    >>> named_tests("held by `scan/test_scan.py::files_are_found`")
    ['tests/scan/test_scan.py::test_files_are_found']
    """
    return list(dict.fromkeys(f"tests/{file}::test_{name}" for file, name in _NAMED.findall(text)))


if __name__ == "__main__":
    print(*(test for page in sys.argv[1:] for test in named_tests(Path(page).read_text(encoding="utf-8"))))
