"""The sentence names nothing that is harmless for certain, and what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren import _native
from codewren.predict.explanation import LineScore
from codewren.predict.hint_evidence import TEMPLATES, WEIGHTS, Fact, evidence_sentence

HARMFUL = {
    'sscanf(s, "%d %s", &n, name);': "unbounded sscanf",
    'sscanf(s, "%[^,],%d", name, &n);': "unbounded sscanf",
    'sscanf(s, "%*d %ls", wide);': "unbounded sscanf",
    'scanf("%s", name);': "unbounded scanf",
    'fscanf(f, "%*[ ]%s", name);': "unbounded fscanf",
    'fscanf(f, "%[]a]%[^]x]", a, b);': "unbounded fscanf",
    'sscanf(s, "%" SCNu64 "%s", &n, name);': "unbounded sscanf",
    'sscanf(s, wide ? "%31s" : "%s", name);': "unbounded sscanf",
    "sscanf(s, format, &n);": "unbounded sscanf",
    "vsscanf(s, format, list);": "unbounded vsscanf",
    'sprintf(buf, "%s", name);': "unbounded sprintf",
    'sprintf(buf, "%d%%%s", n, name);': "unbounded sprintf",
    'sprintf(buf, "%2$s %1$d", n, name);': "unbounded sprintf",
    'sprintf(buf, "%*d", n, m);': "unbounded sprintf",
    'sprintf(buf, "%.*f", n, m);': "unbounded sprintf",
    'sprintf(buf, _("at %s"), name);': "unbounded sprintf",
    "sprintf(buf, format, n);": "unbounded sprintf format",
    'vsprintf(buf, "%s", list);': "unbounded vsprintf",
    "strcpy(buf, name);": "unbounded strcpy name",
    "strcpy(buf, is_long ? name : NULL);": "unbounded strcpy name",
    "stpcpy(buf, name);": "unbounded stpcpy name",
    "strcat(buf, s->name);": "unbounded strcat name",
    "gets(buf);": "unbounded gets buf",
    "memcpy(buf, s->data, s->len);": "copy memcpy len",
    "memcpy(buf, data, n * sizeof(*data));": "copy memcpy n",
    "memcpy(buf, data, end - begin);": "copy memcpy begin",
    "memcpy(buf, data, strlen(data));": "copy memcpy data",
    "memmove(buf, data, (size_t) n);": "copy memmove n",
    "n = 8; n += m; memcpy(buf, data, n);": "copy memcpy n",
    "n = 8; read_size(s, &n); memcpy(buf, data, n);": "copy memcpy n",
    "n = 8; do { memcpy(buf, data, n); n = m; } while (1);": "copy memcpy n",
    "n = 8; memcpy(buf, data, s->n);": "copy memcpy n",
    "strncpy(buf, name, n);": "copy strncpy n",
    "fread(buf, n, 1, f);": "copy fread n",
    "read(fd, buf, n);": "copy read n",
    "snprintf(p, size - used, FORMAT);": "copy snprintf used",
    "fgets(p, n - 1, f);": "copy fgets n",
    "p = malloc(n * 4);": "allocation malloc n",
    "p = malloc(strlen(s) + n);": "allocation malloc n",
    "p = malloc(n + strlen(s));": "allocation malloc n",
    "p = calloc(1, n);": "allocation calloc n",
    "p = realloc(p, n);": "allocation realloc n",
    "p = xrealloc(p, n);": "allocation xrealloc n",
    "p = av_malloc(n);": "allocation av_malloc n",
    "p = pool_alloc(pool, len);": "allocation pool_alloc len",
    "p = pool_calloc(pool, count, sizeof(*p));": "allocation pool_calloc count",
    "a[n] = 0;": "index a n",
    "a[s.n++] = 0;": "index a n",
    "memcpy(buf, data, s->t->len - n);": "copy memcpy n",
    "a[i % 8 + n] = 0;": "index a n",
    "a[n * (i & 7)] = 0;": "index a i",
    "i = 0; while (1) a[i++] = 0;": "index a i",
    "printf(text);": "format printf text",
    "fprintf(f, s->text, 1);": "format fprintf text",
    "system(line);": "command system line",
    'popen(is_own ? line : "ls", "r");': "command popen line",
    "free(p); p->next = 0;": "freed p",
    "free(p); run(p);": "freed p",
    "free(p, M_TEMP); run(p);": "freed p",
}
"""Statements, and the evidence that they hold: its kind, what is called, and the variable if it matters."""

HARMLESS = (
    'sscanf(s, "%d %x %lf", &n, &m, &x);',
    'sscanf(s, "%31s %15[a-z] %c %3c %n", a, b, c, d, &n);',
    'sscanf(s, "%*s %*[^,] %%s %ms %d", &p, &n);',
    'sscanf(s, "%9[%s]", a);',
    'sscanf(s, "%" MAX_NAME "[^;] %" xstr(LAST) "s", a, b);',
    'scanf("%d", &n);',
    'fscanf(f, "%" SCNu32, &n);',
    'vfscanf(f, "%d", list);',
    'sprintf(buf, "%d %08lx %.3f %c %p %%s", n, m, x, c, p);',
    'sprintf(buf, "%.8s %.*s", name, 4, name);',
    'sprintf(buf, "%s", "text");',
    'sprintf(buf, "%s and %-5d", n ? "a" : "b", n);',
    'sprintf(buf, "%*d", 4, n);',
    'sprintf(buf, "%" PRIu64 " bytes", n);',
    'strcpy(buf, "text");',
    'strcpy(buf, n ? "a" : "b");',
    "strcat(buf, SUFFIX);",
    "p = malloc(strlen(name) + 1); strcpy(p, name);",
    'if (strlen(name) > 9) return; sprintf(buf, "%s", name);',
    "memset(a, 0, sizeof a);",
    "memset(a, 0, sizeof s->field.other);",
    "memcpy(a, b, sizeof(s->field));",
    "memcpy(a, b, 16);",
    "strncat(a, name, sizeof(a) - strlen(a) - 1);",
    "memcpy(a, b, HEADER_SIZE);",
    "memcpy(a, b, ARRAY_SIZE(table));",
    "memcpy(a, b, MIN(n, sizeof(a)));",
    "memcpy(a, b, n & 15);",
    "int n = 10; p = my_malloc(n);",
    "int n = sizeof(a) - 1; memcpy(a, b, n);",
    "n = min(m, 9); memcpy(a, b, n);",
    "snprintf(buf, size, FORMAT);",
    "fgets(buf, n, f);",
    "strlcpy(buf, name, size);",
    "ops->read(ops, buf, n);",
    "p = malloc(sizeof(struct s) * 2);",
    "p = malloc(strlen(name) + 1);",
    "p = malloc(strlen(s->name) + strlen(end) + 2);",
    "p = calloc(4, sizeof(*p));",
    "p = realloc(p, 16);",
    "p = xrealloc(p, 16);",
    "p = frame_alloc(context);",
    "p = talloc(context, struct s);",
    "p = pool_calloc(pool, sizeof(*p));",
    "a[0] = a[LAST];",
    "a[i & 15] = a[(i + 1) % n];",
    "x = table[(unsigned char) c];",
    "x = table[(uint8_t)(c + 1)];",
    "i = 0; a[i] = 1;",
    "x = sizeof(a[i]);",
    'printf("%d", n);',
    'printf(n ? "a" : "b", n);',
    'printf(_("text"));',
    'printf("a" own_text\n#endif\n"b", n);',
    'const char *text = "text"; printf(text);',
    'fprintf(stderr, "%s", name);',
    "fprintf(f, FORMAT, n);",
    'system("ls");',
    'system(n ? "ls" : "dir");',
)


def evidence(body: str) -> list[Fact]:
    return [Fact(*fact) for fact in _native.hint_evidence([f"int f(int n, char *name) {{ {body} }}"])[0]]


@pytest.mark.parametrize("body", HARMFUL)
def test_what_may_go_wrong_is_evidence(body: str) -> None:
    found = [f"{fact.kind} {fact.name} {fact.variable}" for fact in evidence(body) if fact.kind != "free"]
    kind, *names = HARMFUL[body].split()
    wanted = [kind, *names] if kind != "freed" else [kind, names[0], names[0]]
    assert [each.split()[: len(wanted)] for each in found] == [wanted]


@pytest.mark.parametrize("body", HARMLESS)
def test_what_is_harmless_for_certain_is_none(body: str) -> None:
    assert evidence(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "free(p); p = 0; use(p);",
        "if (x) { free(p); return; } use(p);",
        "if (is_own) free(p); use(p);",
        "if (x) free(p); else use(p);",
        "for (;;) { free(p); continue; use(p); }",
        "free(name); entry->name[0] = 0;",
        "free(p); renew(&p); use(p);",
        "if (block_is_free(p)) use(p);",
        "pool_free(pool, p); use(pool);",
        "FREE(parser, p); use(parser);",
    ],
)
def test_what_is_not_freed_for_certain_is_not_used_after_it(body: str) -> None:
    assert {fact.kind for fact in evidence(body)} <= {"free"}


def test_the_functions_own_name_and_parameters_are_no_calls() -> None:
    assert _native.hint_evidence(["int read(int fd, char *buf, int len) { return 0; }"]) == [[]]


def test_lines_are_counted_and_checks_are_seen() -> None:
    text = "void f(int n)\n{\n    if (n > 4)\n        return;\n    memcpy(a, b, n);\n}\n"
    assert _native.hint_evidence([text]) == [[(5, "copy", "memcpy", "n", True)]]


def test_a_member_that_was_compared_is_checked_whatever_holds_it() -> None:
    text = "void f(void) { if (s.n >= 9) return; a[s.n++] = 0; }"
    assert _native.hint_evidence([text]) == [[(1, "index", "a", "n", True)]]


def test_measures_of_lines_count_facts_as_the_trees_were_fitted() -> None:
    body = "int f(char *s) {\n sscanf(s, FORMAT, &n);\n p = xrealloc(q, n);\n strcpy(a, NAME);\n}"
    assert [fact[1:4] for fact in _native.hint_facts([body])[0]] == [
        ("unbounded", "sscanf", "s"),
        ("allocation", "xrealloc", "q"),
        ("unbounded", "strcpy", ""),
    ]
    assert np.frombuffer(_native.hint_line_measures([body])[2], np.uint8).reshape(-1, 58)[:, 27].tolist() == [
        0,
        1,
        1,
        1,
    ]


def test_every_kind_has_a_sentence() -> None:
    kinds = {fact.kind for body in HARMFUL for fact in evidence(body)}
    assert kinds == TEMPLATES.keys() and WEIGHTS.keys() <= kinds
    for kind in kinds:
        assert "line 1" in evidence_sentence([LineScore(1, 0.5)], [Fact(1, kind, "name", "variable", False)])


PARTS = st.sampled_from(
    [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ";",
        ",",
        "*",
        "&",
        "=",
        "?",
        ":",
        "-",
        "%",
        "p",
        "n",
        "strlen",
        "sizeof",
        "sprintf",
        "sscanf",
        "free",
        "x_alloc",
        '"%s%*.*d"',
        '"%["',
    ]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PARTS, max_size=60).map(lambda parts: "f(){" + "\n".join(parts)))
def test_any_tokens_are_read(text: str) -> None:
    assert all(1 <= fact[0] <= text.count("\n") + 1 for fact in _native.hint_evidence([text])[0])
