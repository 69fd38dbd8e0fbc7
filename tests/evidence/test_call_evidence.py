"""What calls in small C functions show; a case for every way that something looked harmless and was not."""

import pytest

from codewren.evidence.file_facts import FileFacts
from codewren.evidence.function_view import FunctionView
from codewren.evidence.grade import WORTH, Evidence, Grade
from codewren.evidence.line_evidence import line_evidence, uncalled

FILE = """
#define SIZE 8
#define TWO "ab"
struct record { char name[SIZE]; char *text; };
static const char *title = "a title";
"""


def shown(body: str, words: str = "", header: str = "void f(struct record *r, const char *s, int n)") -> Evidence:
    """The evidence of the line of a body that ends with a star in a comment."""
    rows = f"{header}\n{{\n{body}\n}}".split("\n")
    line = next(number for number, row in enumerate(rows) if "/* * */" in row)
    view = FunctionView("\n".join(rows).encode(), "c", FileFacts([FILE]))
    evidence = line_evidence(view, line, words)
    assert evidence is not None
    return evidence


HARMLESS = {
    "a literal that fits": 'strcpy(r->name, "seven77"); /* * */',
    "a macro that is one": "char a[3];\nstrcpy(a, TWO); /* * */",
    "one of two that fit": 'char a[3];\nstrcpy(a, n ? "x" : TWO); /* * */',
    "numbers in room for them": 'char a[32];\nsprintf(a, "%d:%d", n, n); /* * */',
    "a table of short texts": 'static const char *t[] = {"a", "bcd"};\nchar a[4];\nstrcpy(a, t[n]); /* * */',
    "the size of the target": "char a[9];\nfgets(a, sizeof(a), stdin); /* * */",
    "less than the target": "char a[9];\nread(0, a, SIZE); /* * */",
    "the smaller of two": "char a[9];\nread(0, a, MIN(n, 9)); /* * */",
    "a cut text that is ended": "char a[9];\nstrncpy(a, s, 8); /* * */\na[8] = '\\0';",
    "what is left but one": 'char a[9] = "";\nstrncat(a, s, /* * */\nsizeof(a) - strlen(a) - 1);',
    "a width that fits": 'char a[9];\nscanf("%8s", a); /* * */',
    "a constant format": 'printf(n ? "%d" : "%x", n); /* * */',
    "a global that is a text": "fprintf(stderr, title, n); /* * */",
    "a constant command": 'system("ls"); /* * */',
}
NOT_HARMLESS = {
    "a literal that is too long": ('strcpy(r->name, "eight888"); /* * */', Grade.OVERFLOW),
    "a parameter": ("strcpy(r->name, s); /* * */", Grade.UNBOUNDED_PARAMETER),
    "the environment": ('char a[9];\nstrcpy(a, getenv("HOME")); /* * */', Grade.UNBOUNDED_OUTSIDE),
    "a length that is compared": ("char a[9];\nif (strlen(s) > 8) return;\nstrcpy(a, s); /* * */", Grade.CHECKED),
    "an array that may itself overflow": (
        'char a[9], b[9];\nsprintf(a, "%s", s);\nstrcpy(b, a); /* * */',
        Grade.UNBOUNDED_PARAMETER,
    ),
    "an array filled by indexes": (
        "char a[9], b[9];\nint i;\nfor (i = 0; s[i]; i++) a[i] = s[i];\nstrcpy(b, a); /* * */",
        Grade.PRESUMED,
    ),
    "a text behind an offset": ("char a[9], b[9];\nfgets(a, 9, stdin);\nstrcpy(b, a + 4); /* * */", Grade.PRESUMED),
    "two arrays of one name": ("{ char a[9]; }\n{ char a[2];\nstrcpy(a, TWO); } /* * */", Grade.UNKNOWN_TARGET),
    "one of some formats": ('char a[4];\nsprintf(a, n ? "%s" : "(%s)", s); /* * */', Grade.UNKNOWN_TARGET),
    "what is read and not ended": ("char a[9];\nread(0, a, sizeof a); /* * */\natoi(a);", Grade.UNENDED),
    "a cut text that is not": ("char a[9];\nstrncpy(a, s, 9); /* * */\nputs(a);", Grade.UNENDED),
    "another byte that is set": ("char a[9];\nstrncpy(a, s, 9); /* * */\na[0] = 'x';", Grade.UNENDED),
    "a source before its text": (
        "char a[9];\nstrncpy(a, s + strlen(s) - 4, 4); /* * */\na[4] = 0;",
        Grade.CONSTANT_SIZE,
    ),
    "an append behind other writers": (
        'char a[9];\nfill(a);\nstrcat(a, "x"); /* * */',
        Grade.UNKNOWN_TARGET,
    ),
    "an append to a pointer": (
        "strncat(r->text, s, sizeof(r->text) - strlen(r->text) - 1); /* * */",
        Grade.CONSTANT_SIZE,
    ),
    "a parameter as a size": ("memcpy(r->text, s, n); /* * */", Grade.SIZE_PARAMETER),
    "a parameter as a format": ("printf(s); /* * */", Grade.FORMAT_VARIABLE),
    "a width that is too large": ('char a[9];\nscanf("%9s", a); /* * */', Grade.OVERFLOW),
    "no width": ('char a[9];\nscanf("%s", a); /* * */', Grade.UNBOUNDED_OUTSIDE),
    "a command": ("system(s); /* * */", Grade.COMMAND_VARIABLE),
    "a script of a shell": ('execl("/bin/sh", "sh", "-c", s, 0); /* * */', Grade.COMMAND_VARIABLE),
    "a length as an index": ("char a[9];\nfgets(a, 9, stdin);\na[strlen(a) - 1] = 0; /* * */", Grade.LENGTH_INDEX),
    "room for no null byte": ("r->text = malloc(strlen(s)); /* * */", Grade.OVERFLOW),
    "a number as an index": ("char a[9];\nint i = atoi(s); /* * */\na[i] = 0;", Grade.NUMBER_USED),
}


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_what_is_known_to_fit_is_harmless(body: str) -> None:
    evidence = shown(body)
    assert evidence.is_harmless, evidence


@pytest.mark.parametrize(("body", "grade"), NOT_HARMLESS.values(), ids=NOT_HARMLESS)
def test_what_is_not_known_to_fit_is_not(body: str, grade: Grade) -> None:
    assert shown(body).grade is grade, shown(body)


ARRAYS = {
    "bounded": ("char a[9]; /* * */\nfgets(a, 9, stdin);", Grade.HARMLESS),
    "by an index that a constant bounds": ("char a[9]; /* * */\nfor (int i = 0; i < 9; i++) a[i] = 0;", Grade.HARMLESS),
    "by an index that is bounded by more": (
        "char a[9]; /* * */\nfor (int i = 0; i < 10; i++) a[i] = 0;",
        Grade.PRESUMED,
    ),
    "by an index that nothing bounds": (
        "char a[9]; /* * */\nint i = 0;\nwhile (*s) a[i++] = *s++;",
        Grade.ARRAY_INDEXED,
    ),
    "ended where a read leaves a byte": (
        "char a[9]; /* * */\nint k = read(0, a, 8);\nif (k > 0) a[k] = 0;",
        Grade.HARMLESS,
    ),
    "ended where a read fails": ("char a[9]; /* * */\nint k = read(0, a, 8);\na[k] = 0;", Grade.ARRAY_INDEXED),
    "ended where it leaves none": ("char a[9]; /* * */\nint k = read(0, a, 9);\na[k] = 0;", Grade.OVERFLOW),
    "by an index that may be negative": ("char a[9]; /* * */\nif (n < 9) a[n] = 0;", Grade.PRESUMED),
    "by an index that may not": ("char a[9]; /* * */\nif (n >= 0 && n < 9) a[n] = 0;", Grade.HARMLESS),
    "by an index before the brackets": ("char a[9]; /* * */\nn[a] = 0;", Grade.ARRAY_INDEXED),
    "by one that is told more than its size": ("char a[9]; /* * */\nfill(a, sizeof(a) + 1);", Grade.ARRAY_PASSED),
    "by one that is told its size behind its beginning": (
        "char a[9]; /* * */\nfill(a + 1, sizeof(a));",
        Grade.ARRAY_PASSED,
    ),
    "by one that is told the size of a name that begins alike": (
        "char a[9], ab[99]; /* * */\nfill(a, sizeof(ab));",
        Grade.ARRAY_PASSED,
    ),
    "by one that counts wide characters": ("wchar_t a[9]; /* * */\nfill(a, sizeof(a));", Grade.ARRAY_PASSED),
    "cleared beyond its end": ("char a[9]; /* * */\nmemset(a, 0, 10);", Grade.ARRAY_PASSED),
    "cleared": ("char a[9]; /* * */\nmemset(a, 0, 5);", Grade.HARMLESS),
    "by characters that are scanned": ('char a[9]; /* * */\nsscanf(s, "%10c", a);', Grade.OVERFLOW),
    "by as many as it has": ('char a[9]; /* * */\nsscanf(s, "%9c", a);', Grade.HARMLESS),
    "with a first text that fills it": ('char a[2] = "ab"; /* * */\nputs(a);', Grade.UNENDED),
    "by another function": ("char a[9]; /* * */\nfill(a);", Grade.ARRAY_PASSED),
    "by one that is told its size": ("char a[9]; /* * */\nfill(a, sizeof(a));", Grade.HARMLESS),
    "by one that is told another size": ("char a[9]; /* * */\nfill(a, sizeof(int));", Grade.ARRAY_PASSED),
    "by realpath": ("char a[9]; /* * */\nrealpath(s, a);", Grade.ARRAY_PASSED),
    "by a pointer into it": ("char a[9], *p; /* * */\np = n ? a : 0;", Grade.ARRAY_PASSED),
    "by a pointer to a row": ("char a[4][9], *p; /* * */\np = a[n];", Grade.ARRAY_PASSED),
    "without a bound": ("char a[9]; /* * */\nstrcpy(a, s);", Grade.UNBOUNDED_PARAMETER),
    "nowhere, a parameter": ("strlen((char *)s); /* * */", Grade.HARMLESS),
}


@pytest.mark.parametrize(("body", "grade"), ARRAYS.values(), ids=ARRAYS)
def test_an_array_is_as_bad_as_what_may_write_to_it(body: str, grade: Grade) -> None:
    evidence = shown(body, "buffer/char: statically-sized arrays")
    assert evidence.grade is grade, evidence


NOT_ENDED = {
    "behind the array": "a[sizeof(a)] = 0;",
    "before it is cut": "a[8] = 0;\n{cut}",
    "in one case": "if (n) a[8] = 0;",
    "at its first byte": "*a = 0;",
    "anywhere": "a[n] = 0;",
}


@pytest.mark.parametrize("body", NOT_ENDED.values(), ids=NOT_ENDED)
def test_a_null_byte_elsewhere_does_not_end_a_cut_text(body: str) -> None:
    cut = "strncpy(a, s, 9); /* * */"
    rows = body.format(cut=cut) if "{cut}" in body else f"{cut}\n{body}"
    evidence = shown(f"char a[9];\n{rows}")
    assert not evidence.is_harmless, evidence


def test_a_variable_whose_address_is_taken_may_have_another_text() -> None:
    rest = "other(&text);\nchar a[9];\nstrcpy(a, text); /* * */"
    assert shown(f'const char *text = "short";\n{rest}').grade is not Grade.HARMLESS
    assert shown(f'const char *text = "short";\n{rest.replace("&", "")}').grade is Grade.HARMLESS
    assert shown('char *text = "short";\nother(&text);\nprintf(text); /* * */').grade is not Grade.HARMLESS


def test_a_wide_array_has_room_for_a_quarter_of_its_bytes() -> None:
    assert shown('wchar_t a[4];\nwcscpy(a, L"long"); /* * */').grade is Grade.OVERFLOW
    assert shown('wchar_t a[5];\nwcscpy(a, L"long"); /* * */').grade is Grade.HARMLESS
    assert shown("wchar_t a[4];\nwcsncpy(a, s, 16); /* * */\na[3] = 0;").grade is Grade.OVERFLOW


def test_parameters_of_the_old_form_are_parameters() -> None:
    evidence = shown("strcpy(a, s); /* * */", header="int f(a, s)\nchar *a;\nchar *s;")
    assert evidence.grade is Grade.UNBOUNDED_PARAMETER


def test_the_words_of_a_finding_choose_among_the_calls_of_a_line() -> None:
    body = 'printf("%d", atoi(s)); /* * */'
    assert shown(body, "format/printf: ...").call == "printf"
    assert shown(body, "integer/atoi: ...").call == "atoi"
    assert shown(body, "a tool that names none").call == "atoi"


def test_a_name_that_is_not_called_is_harmless_and_one_that_is_given_away_is_not() -> None:
    words = "format/syslog: ..."
    assert uncalled("  unsigned int syslog;  /* boolean */", words).is_harmless
    assert uncalled("#define syslog our_syslog", words).is_harmless
    assert not uncalled("  handler = syslog;", words).is_harmless
    assert uncalled("  syslog(LOG_ERR, text);", words) is None
    assert uncalled("  unsigned int other;", "another tool") is None


def test_every_grade_has_a_worth_and_nothing_is_worth_less_than_what_is_harmless() -> None:
    assert set(WORTH) == set(Grade)
    assert min(WORTH.values()) == WORTH[Grade.HARMLESS]
