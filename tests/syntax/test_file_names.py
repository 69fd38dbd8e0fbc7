from codewren.syntax.file_names import SUFFIXES, language_of
from codewren.syntax.grammars import LANGUAGES


def test_every_language_has_files_and_every_file_a_language() -> None:
    assert set(SUFFIXES.values()) == set(LANGUAGES)
    for suffix, language in SUFFIXES.items():
        assert language_of("a" + suffix.upper(), LANGUAGES) == language
