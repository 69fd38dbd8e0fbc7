import pytest

from codewren.syntax.file_names import SUFFIXES, is_test_path, language_of
from codewren.syntax.grammars import LANGUAGES


def test_every_language_has_files_and_every_file_a_language() -> None:
    assert set(SUFFIXES.values()) == set(LANGUAGES)
    for suffix, language in SUFFIXES.items():
        assert language_of("a" + suffix.upper(), LANGUAGES) == language


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py", "a/test_b.py", "b_test.py", "conftest.py", "pkg/tests.py",  # pytest, Django
        "src/test/java/a/B.java", "ATest.java", "ATests.java", "StoreIT.java", "TestA.java", "a/ATestCase.java",
        "a_test.go", "pkg/testdata/a.go",
        "a.test.ts", "a.spec.tsx", "a.test.js", "__tests__/a.js", "e2e/a.ts", "test.js",
        "a_unittest.cc", "a_test.cpp", "a-test.c", "google/protobuf/test/a.cc",
        "App.Tests/A.cs", "My.App.UnitTests/A.cs", "FooTests.cs",
        "tests/a.rs", "src/tests.rs", "tests\\a.c",
    ],
)  # fmt: skip
def test_test_files_are_known_by_their_names(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/latest.c", "contest/a.py", "attestation.go", "src/Testament.java", "greatest.js", "a/testimony/b.ts",
        "protest.rs", "src/manifest.cs", "UNIT.java", "EXIT.java", "spectrum.js", "inspect.py", "main.go",
    ],
)  # fmt: skip
def test_words_that_hold_test_are_none(path: str) -> None:
    assert not is_test_path(path)
