"""What damaged input has shown: each is the shortest text or bundle of its kind."""

import pytest

from codewren.dataflow import data_flow
from codewren.syntax.functions import extract


@pytest.mark.parametrize("text", ["d k(t d)\n}\n{", "long f(int a)\nX\n}\n  if (a) {\n}"])
@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_function_never_ends_before_its_body(text: str, language: str) -> None:
    for function in extract(text.encode(), language).functions:
        assert function.body_byte <= function.end_byte
        assert function.body_line <= function.end_line


@pytest.mark.parametrize("text", ["", " \n", "/* a */", "//"])
@pytest.mark.parametrize("language", ["c", "java"])
def test_a_text_without_code_has_an_empty_data_flow(text: str, language: str) -> None:
    for mode in ("papers", "repaired"):
        assert data_flow(text, language, mode=mode).nodes == ()
