"""An edited function means what it meant: to compilers, where there are any, and token by token on real functions."""

import json
import lzma
import random
import re
import shutil
import subprocess

import pytest

from codewren.edits import add_dead_code, local_names, reformat, remove_comments, rename, rename_with
from codewren.syntax.tokens import tokens

NAMES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
COMPILED = """
struct node { int key; struct node *next; };
static int depth;
int sum(struct node *next, int key) {
  int total = 0, *p = &total, (*call)(int) = 0;
  for (struct node *node = next; node; node = node->next) { int key = node->key; *p += key * depth; }
  { int depth = key; total += depth; }
  switch (key) { case 1: { int total = 5; return total; } default: goto key; }
key:
  return call ? call(total) : ({ int inner = total; inner + sizeof(struct node) + sizeof(total); });
}
"""
FUNCTION = COMPILED.index("int sum")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_compiler_makes_the_same_code_of_a_renamed_function(tmp_path):
    """Everything is renamed but `depth`, which is a global as well."""
    function = COMPILED[FUNCTION:]
    wanted = assembly(function, tmp_path, "-O0")
    for seed in range(3):
        edited = rename(function, "c", rng=random.Random(seed), names=NAMES)
        assert not {"total", "node", "key"} & set(local_names(edited, "c"))
        assert assembly(edited, tmp_path, "-O0") == wanted
    assert local_names(function, "c") == ["next", "key", "total", "p", "call", "node", "inner"]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_compiler_makes_the_same_code_of_other_layout_and_with_dead_code(tmp_path):
    function = COMPILED[FUNCTION:]
    wanted = assembly(function, tmp_path, "-O1")
    for seed in range(4):
        for edited in (
            reformat(function, "c", rng=random.Random(seed)),
            add_dead_code(function, "c", rng=random.Random(seed)),
        ):
            assert edited != function
            assert assembly(edited, tmp_path, "-O1") == wanted


def assembly(function, folder, level):
    path = folder / "one.c"
    path.write_text(COMPILED[:FUNCTION] + function)
    command = ["gcc", level, "-S", "-o", "-", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def sample(path, count):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["func"] for _, line in zip(range(count), lines, strict=False)]


@pytest.mark.parametrize(
    ("path", "language", "least"),
    [
        ("bcb/functions.jsonl.xz", "java", 0.99),
        ("devign/valid.jsonl.xz", "c", 0.9),
        ("reveal/valid.jsonl.xz", "cpp", 0.8),
    ],
)
def test_real_functions_keep_their_tokens_and_nearly_all_are_renamed(shared, path, language, least):
    functions = sample(shared / "data" / path, 80)
    rng, renamed = random.Random(3), 0
    for text in functions:
        edited = rename(text, language, rng=rng, names=NAMES)
        renamed += edited != text
        before, after = tokens(text, language), tokens(edited, language)
        mapping = {old: new for old, new in zip(before, after, strict=True) if old != new}
        assert set(mapping) <= set(local_names(text, language))
        assert len(set(mapping.values())) == len(mapping)
        assert not set(mapping.values()) & set(before)
        assert rename_with(edited, language, {new: old for old, new in mapping.items()}) == text
    assert renamed >= least * len(functions)


@pytest.mark.parametrize(
    ("path", "language"),
    [("bcb/functions.jsonl.xz", "java"), ("devign/valid.jsonl.xz", "c"), ("reveal/valid.jsonl.xz", "cpp")],
)
def test_real_functions_keep_their_tokens_in_any_layout(shared, path, language):
    rng, changed = random.Random(3), 0
    functions = sample(shared / "data" / path, 40)
    for text in functions:
        wanted = tokens(text, language)
        set_anew = reformat(text, language, rng=rng)
        changed += set_anew != text
        assert tokens(set_anew, language) == wanted
        assert tokens(remove_comments(text, language), language) == wanted
        padded = tokens(add_dead_code(text, language, rng=rng), language)
        place = next((i for i, (old, new) in enumerate(zip(wanted, padded, strict=False)) if old != new), len(wanted))
        added = len(padded) - len(wanted)
        assert added in {0, 5, 11}
        assert padded[:place] + padded[place + added :] == wanted
    assert changed >= 0.95 * len(functions)


JAVA_CLASS = """
import java.util.*;
import java.util.function.*;
class A implements AutoCloseable {
  int count = 3; A next; String s = "x";
  public void close() {}
  int count(int count) { return count; }
  @
}
"""
JAVA_METHOD = """int f(final List<String> names, int limit, int... more) throws Exception {
    int count = this.count + count(limit), total[] = {count};
    next: for (int i = 0; i < names.size(); i++) { if (i == limit) break next; total[0] += names.get(i).length(); }
    for (String s : s.split(",")) total[0] += s.length();
    IntBinaryOperator plus = (a, b) -> a + b;
    Function<Integer, Integer> twice = x -> { int y = x; return y + x; };
    try (A next = new A(); A other = this.next) { next.next = other; } finally { next = null; }
    Object box = new Object() { int limit = 7; @Override public int hashCode() { return limit + super.hashCode(); } };
    if (box instanceof Integer number && number > 1) count += number;
    switch (limit) { case 1: int inner = 2; count += inner; break; default: inner = 3; }
    Supplier<A> make = A::new;
    try { throw new Exception("count"); } catch (RuntimeException | Error e) { e.printStackTrace(); }
    catch (Exception e) { count--; }
    class Local { int total = 1; int get(int more) { return total + more; } }
    int i = new Local().get(more.length);
    return plus.applyAsInt(twice.apply(count), i) + total[0];
  }"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="needs a Java compiler")
def test_a_compiler_makes_the_same_classes_of_a_renamed_method(tmp_path):
    """Bytecode without debug information holds all names but those of locals (of which anonymous classes keep some)."""
    edits = {"a": JAVA_METHOD}
    edits |= {key: rename(JAVA_METHOD, "java", rng=random.Random(seed), names=NAMES) for seed, key in enumerate("bc")}
    edits["d"] = remove_comments(reformat(JAVA_METHOD, "java", rng=random.Random(2)), "java")
    assert len(set(edits.values())) == 4
    for key, text in edits.items():
        whole = JAVA_CLASS.replace("@", text, 1)
        (tmp_path / f"Qq{key}.java").write_text(re.sub(r"\bA\b", f"Qq{key}", whole))
    command = ["javac", "-g:none", "-nowarn", *(f"Qq{key}.java" for key in edits)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = [
        {
            path.name[3:]: path.read_bytes().replace(f"Qq{key}".encode(), b"")
            for path in tmp_path.glob(f"Qq{key}*.class")
        }
        for key in edits
    ]
    assert len(made[0]) == 3
    assert made[0] == made[1] == made[2] == made[3]
    found = set(local_names(JAVA_METHOD, "java"))
    assert found >= {"names", "more", "count", "plus", "a", "b", "twice", "x", "y", "other", "number", "e", "i"}
    assert not found & {"s", "next", "total", "limit"}  # fields as well
