"""Each edit changes what it should and nothing else, in cases with a known answer."""

import random
import re

import pytest

from codewren.core.errors import InputError
from codewren.edits import add_dead_code, local_names, reformat, remove_comments, rename, rename_with
from codewren.syntax.tokens import tokens

NAMES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]


def paired(old, new):
    return dict(zip(old.split(), new.split(), strict=True))


RENAMED = {
    "fields, methods and labels keep their names": (
        "java",
        "int f(Node next) { next: while (true) { next.next = next.next(this.next); break next; } }",
        {"next": "N"},
        "int f(Node N) { next: while (true) { N.next = N.next(this.next); break next; } }",
    ),
    "a field of the name is used outside the scope of the local": (
        "java",
        "void f(int n) { for (int i = 0; i < n; i++) g(i); i++; }",
        {"n": "N", "i": "I"},
        "void f(int N) { for (int i = 0; i < N; i++) g(i); i++; }",
    ),
    "used before it is declared": (
        "java",
        "void f() { total = 3; int total = 4; int x = total; }",
        {"total": "T", "x": "X"},
        "void f() { total = 3; int total = 4; int X = total; }",
    ),
    "a loop's collection is not the loop's variable": (
        "java",
        "void f() { for (String s : s) g(s); }",
        {"s": "S"},
        "void f() { for (String s : s) g(s); }",
    ),
    "two loops, one name": (
        "java",
        "void f(List<A> all) { for (A a : all) g(a); for (A a : all) h(a, all.a); }",
        {"a": "X", "all": "Y"},
        "void f(List<A> Y) { for (A X : Y) g(X); for (A X : Y) h(X, Y.a); }",
    ),
    "lambdas, resources, exceptions, varargs, patterns": (
        "java",
        "void f(int... v) throws E { try (In in = open(v); Out o = in.out()) { v.map(x -> x + v[0]).map((p, q) -> p); }"
        " catch (A | B e) { e.log(); } if (v instanceof Foo w) w.go(); }",
        {"v": "V", "in": "I", "o": "O", "x": "X", "p": "P", "q": "Q", "e": "E1", "w": "W"},
        "void f(int... V) throws E { try (In I = open(V); Out O = I.out()) { V.map(X -> X + V[0]).map((P, Q) -> P); }"
        " catch (A | B E1) { E1.log(); } if (V instanceof Foo W) W.go(); }",
    ),
    "a resource is not visible in finally": (
        "java",
        "void f() { try (In in = open()) { in.read(); } finally { in.close(); } }",
        {"in": "I"},
        "void f() { try (In in = open()) { in.read(); } finally { in.close(); } }",
    ),
    "a field of an anonymous class": (
        "java",
        "Object f(int n) { return new R() { int n = 1; int g(int m) { return n + m; } }; }",
        {"n": "N", "m": "M"},
        "Object f(int n) { return new R() { int n = 1; int g(int M) { return n + M; } }; }",
    ),
    "annotations, references, switches": (
        "java",
        '@A(name = "x") int f(int name, int k) { final int B = 1; switch (k) { case B: return k; } '
        "name = T::name; return A.B.name; }",
        {"name": "N", "k": "K", "B": "C"},
        '@A(name = "x") int f(int N, int K) { final int B = 1; switch (K) { case B: return K; } '
        "N = T::name; return A.B.name; }",
    ),
    "declarators of any shape": (
        "c",
        "int f(char **p, int a[3], int (*cb)(int x), T *s) { int *q[2], (*m)[4], n = 1, k; return cb(n) + *q[k]; }",
        paired("p a cb x s q m n k", "P A CB X S Q M N K"),
        "int f(char **P, int A[3], int (*CB)(int X), T *S) { int *Q[2], (*M)[4], N = 1, K; return CB(N) + *Q[K]; }",
    ),
    "members, tags, labels, designators, initialisers": (
        "c",
        "void f(T *x) { struct stat stat; x->x = (struct y){ .x = 1, .stat = stat.x }; goto x; x: free(x); }",
        {"x": "X", "stat": "S"},
        "void f(T *X) { struct stat S; X->x = (struct y){ .x = 1, .stat = S.x }; goto x; x: free(X); }",
    ),
    "before C was standardised": (
        "c",
        "int f(a, b) int a; char *b; { return a + *b; }",
        {"a": "A", "b": "B"},
        "int f(A, B) int A; char *B; { return A + *B; }",
    ),
    "what the preprocessor sees": (
        "c",
        "int f(int a, int b, int c) {\n#define SQ(v) v * a\n#ifdef b\n  b++;\n#endif\n  return SQ(c) + b;\n}",
        {"a": "A", "b": "B", "c": "C"},
        "int f(int a, int b, int C) {\n#define SQ(v) v * a\n#ifdef b\n  b++;\n#endif\n  return SQ(C) + b;\n}",
    ),
    "enumerators, externs, types, prototypes and macros of a variable's name": (
        "c",
        "int f(int n) { enum { n1, e }; extern int g; int min = min(n, e); n_t q; int h(int n); int t = sizeof(t_t); }",
        {"n": "N", "e": "E", "g": "G", "min": "M", "q": "Q", "h": "H", "t": "T"},
        "int f(int N) { enum { n1, e }; extern int g; int min = min(N, e); n_t Q; int h(int N); int T = sizeof(t_t); }",
    ),
    "a macro is given the name of a member": (
        "c",
        "void f(S *s) { S *next, *e; QTAILQ_FOREACH_SAFE(e, &s->all, next, x); next = container_of(s, T, e); }",
        {"s": "S1", "next": "N", "e": "E"},
        "void f(S *S1) { S *next, *e; QTAILQ_FOREACH_SAFE(e, &S1->all, next, x); next = container_of(S1, T, e); }",
    ),
    "shadowing": (
        "c",
        "int f(int x) { { char *x = 0; for (int x = 1; x < 3; x++) ; } return x; }",
        {"x": "X"},
        "int f(int X) { { char *X = 0; for (int X = 1; X < 3; X++) ; } return X; }",
    ),
    "references, bindings, lambdas, exceptions": (
        "cpp",
        "int A::f(const T& r, int d = 3) { auto [u, v] = r; for (auto& e : r) g(e); auto l = [&, u](int k) { k + m; };"
        " try {} catch (const Err& x) { x.r(); } if (int q = d; q) {} std::vector<int> w{1}; return A::u + l(v); }",
        paired("r d u v e l k m x q w", "R D U V E L K M X Q W"),
        "int A::f(const T& R, int D = 3) { auto [U, V] = R; for (auto& E : R) g(E); auto L = [&, U](int K) { K + m; };"
        " try {} catch (const Err& X) { X.r(); } if (int Q = D; Q) {} std::vector<int> W{1}; return A::u + L(V); }",
    ),
    "umlauts count as bytes and as letters": (
        "java",
        'int f(int größe) { String s = "größe ü"; /* ü */ return größe; }',
        {"größe": "size", "s": "t"},
        'int f(int size) { String t = "größe ü"; /* ü */ return size; }',
    ),
}


@pytest.mark.parametrize("case", RENAMED)
def test_variables_and_nothing_else_get_new_names(case):
    language, text, mapping, expected = RENAMED[case]
    assert rename_with(text, language, mapping) == expected


@pytest.mark.parametrize("case", RENAMED)
def test_the_inverse_mapping_gives_the_original_back(case):
    language, text, mapping, expected = RENAMED[case]
    inverse = {new: old for old, new in mapping.items()}
    assert rename_with(expected, language, inverse) == text


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_a_share_of_the_variables_is_renamed_at_least_one(share):
    text = "int f(int a, int b, int c, int d) { return a + b + c + d; }"
    edited = rename(text, "c", rng=random.Random(4), names=NAMES, share=share)
    changed = [old for old, new in zip(tokens(text, "c"), tokens(edited, "c"), strict=True) if old != new]
    assert len(set(changed)) == max(1, round(4 * share)) == len(changed) / 2


def test_new_names_are_seeded_free_usable_and_never_run_out():
    text = "int f(int a, int b) { int c; /* beta */ return alpha(a.zeta, b, c); }"
    names = ["alpha", "beta", "zeta", "int", "1x", "a", "eta"]
    edits = [rename(text, "c", rng=random.Random(seed), names=names) for seed in (1, 1, 2)]
    assert edits[0] == edits[1] != edits[2]
    new = local_names(edits[0], "c")
    assert len(set(new)) == 3 and "eta" in new
    assert all(re.fullmatch(r"eta|(alpha|beta|zeta|int|a|eta)\d+", name) for name in new)


@pytest.mark.parametrize(
    "text", ["", "int", "class {", "int f() { return g; }", "}" * 9, "(" * 2000, "int f(int a { a"]
)
def test_text_without_variables_is_unchanged(text):
    for language in ("c", "cpp", "java"):
        assert rename(text, language, rng=random.Random(0), names=NAMES) == text


def test_what_cannot_be_done_is_said():
    with pytest.raises(InputError, match="functions in 'python' cannot be edited"):
        rename("def f(a): pass", "python", rng=random.Random(0), names=NAMES)
    with pytest.raises(InputError, match="0 names"):
        rename("int f(int a) { }", "c", rng=random.Random(0), names=[])
    with pytest.raises(InputError, match="share 0"):
        rename("int f(int a) { }", "c", rng=random.Random(0), names=NAMES, share=0)
    with pytest.raises(InputError, match="'a' cannot be renamed 'b': that is taken"):
        rename_with("int f(int a) { return b; }", "c", {"a": "b"})
    with pytest.raises(InputError, match="is taken"):
        rename_with("int f(int a, int b) { return b; }", "c", {"a": "c", "b": "c"})


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ('f("//", \'"\'); // x\ng(); /* y */ h(/* z */);', "c", 'f("//", \'"\');\ng(); h();'),
        ("int/**/f() { return a//b\n; }", "c", "int f() { return a\n; }"),
        ("int f() {\n  /* one\n   * two */\n  g();\n\t// x\n}", "java", "int f() {\n  g();\n}"),
        ("int f() {\n#define A 1 /* x */\n  return A; }", "c", "int f() {\n#define A 1\n  return A; }"),
        ("// head\r\nint f() { }\r\n", "cpp", "int f() { }\r\n"),
        ("int f() { }", "java", "int f() { }"),
    ],
)
def test_comments_go_and_lines_that_hold_nothing_else(text, language, expected):
    assert remove_comments(text, language) == expected


def test_what_a_line_break_means_something_to_stays():
    text = 'int f(int a) {\n#define X(a) \\\n  a   +   1\n\n  // one {\n  return X(a)+L"  ;  "[0]   ; }'
    for seed in range(20):
        edited = reformat(text, "c", rng=random.Random(seed))
        assert "\n#define X(a) \\\n  a   +   1\n" in edited
        assert re.search(r'// one {\n\s+return X\( ?a ?\) ?\+ ?L"  ;  "\[0\];\n}', edited)


def test_operators_never_grow_together():
    text = "int f(int a, int *b) { return a - -a + +a & &a == b && a / *b > 1 ? a : .5 ; }"
    edits = {reformat(text, "c", rng=random.Random(seed)) for seed in range(40)}
    assert len(edits) > 10
    assert any("a/ *b" in edit or "a&&" not in edit for edit in edits)
    assert all("/*" not in edit and "--" not in edit and "++" not in edit for edit in edits)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("c", "int f(void) { return 1; }", {"int f(void) { @ return 1; }"}),
        ("c", "int f(void)\n{\n\tg();\n}", {"int f(void)\n{\n\t@\n\tg();\n}"}),
        ("java", "void f(){}", {"void f(){ @ }"}),
        ("cpp", "template <class T> int f(T t) { return t; }", {"template <class T> int f(T t) { @ return t; }"}),
    ],
)
def test_dead_code_stands_first_in_the_body(language, text, expected):
    made = {add_dead_code(text, language, rng=random.Random(seed)) for seed in range(30)}
    never = "false" if language == "java" else "0"
    found = {re.sub(r"int unused_\d+ = 0;", "int unused = 0;", one) for one in made}
    statements = ("int unused = 0;", f"if ({never}) {{ int unused = 0; }}")
    assert found == {one.replace("@", statement) for one in expected for statement in statements}
    assert len(made) > 10


def test_dead_code_takes_no_name_that_is_there():
    text = f"void f(int {', '.join(f'unused_{number}' for number in range(100))}) {{ }}"
    assert "unused_100 = 0" in add_dead_code(text, "c", rng=random.Random(1))


@pytest.mark.parametrize("text", ["class A { int a; A() { super(1); g(); } }", "int f(void);", "A() { this(1); }", ""])
def test_text_that_is_no_method_gets_no_dead_code(text):
    assert add_dead_code(text, "java", rng=random.Random(1)) == text
