"""The missing last brace of a function: seen, and put back. Devign's files lack it where a function is vulnerable."""

LANGUAGES_WITH_BRACES = frozenset({"c", "cpp", "java"})


def lacks_last_brace(text: str) -> bool:
    """Whether a function ends before its last closing brace, and perhaps lacks others too.

    >>> lacks_last_brace("int f() { return 1;"), lacks_last_brace("int f() { return 1; }"), lacks_last_brace("x = 1")
    (True, False, False)
    """
    return not text.rstrip().endswith("}") and text.count("{") > text.count("}")


def close_last_brace(text: str) -> str:
    r"""A function with its last brace appended where that is missing.

    >>> close_last_brace("int f() {\n  return 1;\n")
    'int f() {\n  return 1;\n}'
    """
    return (text if text.endswith("\n") else text + "\n") + "}" if lacks_last_brace(text) else text
