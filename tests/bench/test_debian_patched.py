"""Functions that a package patched for a CVE are cut out before and behind the patch, and nothing else is."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import debian_patched
from debian_patched import Package, cves, functions, others, packages, patched, read_rows, touched, write_rows

needs_patch = pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is missing")
PACKAGE = Package("made", ["1.0-1"], "extra", "c")

SOURCE = """int same(int a)
{
    return a;
}

int reads(char *to, const char *from, int size)
{
    memcpy(to, from, size);
    return size;
}
"""

EARLIER = """--- a/src/x.c
+++ b/src/x.c
@@ -7,4 +7,4 @@
 {
-    memcpy(to, from, size);
+    memcpy(to, from, size + 1);
     return size;
 }
"""

TELLING = """Description: a check of the size
 Fixes CVE-2024-1234.

--- a/src/x.c
+++ b/src/x.c
@@ -1,3 +1,3 @@
 int same(int a)
-{
+{ /* as before */
     return a;
@@ -6,4 +6,6 @@
 int reads(char *to, const char *from, int size)
 {
+    if (size >= LARGEST)
+        return -1;
     memcpy(to, from, size + 1);
     return size;
"""


def made_tree(folder, patches):
    """A source package with one file and patches, in their order."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/x.c").write_text(SOURCE)
    (folder / "debian/patches").mkdir(parents=True)
    for name, text in patches.items():
        (folder / "debian/patches" / name).write_text(text)
    (folder / "debian/patches/series").write_text("".join(f"{name}\n" for name in patches))
    return folder


@needs_patch
def test_a_function_is_taken_as_it_stands_right_before_and_right_behind_the_patch(tmp_path):
    tree = made_tree(tmp_path / "tree", {"first.patch": EARLIER, "second.patch": TELLING})
    (row,) = patched(tree, PACKAGE)
    assert (row["file"], row["name"], row["cve"], row["target"]) == ("src/x.c", "reads", "CVE-2024-1234", 1)
    assert "size + 1" in row["func"] and "LARGEST" not in row["func"]
    assert "size + 1" in row["fixed"] and "LARGEST" in row["fixed"]


@needs_patch
def test_a_patch_without_a_cve_or_that_does_not_apply_tells_nothing(tmp_path, capsys):
    silent = made_tree(tmp_path / "silent", {"first.patch": EARLIER, "second.patch": TELLING.replace("CVE", "bug")})
    assert list(patched(silent, PACKAGE)) == []
    broken = made_tree(tmp_path / "broken", {"second.patch": TELLING})
    assert list(patched(broken, PACKAGE)) == []
    assert "does not apply" in capsys.readouterr().err


@needs_patch
def test_a_patch_of_many_functions_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_patched, "MOST_CHANGED", 0)
    tree = made_tree(tmp_path / "tree", {"first.patch": EARLIER, "second.patch": TELLING})
    assert list(patched(tree, PACKAGE)) == []
    assert "LARGEST" in (tree / "src/x.c").read_text()  # later patches need it all the same


def test_a_cve_is_read_from_the_name_or_the_head_of_a_patch_and_not_from_what_it_changes():
    assert cves(Path("CVE-2023-11111-2.diff"), EARLIER) == ["CVE-2023-11111"]
    assert cves(Path("x.patch"), TELLING) == ["CVE-2024-1234"]
    assert cves(Path("x.patch"), EARLIER.replace("size + 1", "size /* CVE-2020-0001 */")) == []


def test_tests_and_files_of_other_languages_are_not_read():
    text = "".join(f"--- a/{name}\n+++ b/{name}\n" for name in ("lib/x.c", "lib/x.py", "tests/y.c", "fuzz/z.c", "x.cc"))
    assert touched(text, "c") == ["lib/x.c"]
    assert touched(text, "cpp") == ["x.cc"]
    assert touched("--- a/lib/attest.c\n+++ b/lib/attest.c\n", "c") == ["lib/attest.c"]


def test_others_are_drawn_alike_and_bear_no_name_that_is_taken(tmp_path, monkeypatch):
    tree = made_tree(tmp_path / "tree", {})
    names = [f"other{k}" for k in range(30)]
    (tree / "src/y.c").write_text("".join(f"int {name}(void)\n{{\n    return {name}_;\n}}\n" for name in names))
    (tree / "src/link.c").symlink_to("/etc/passwd")
    monkeypatch.setattr(debian_patched, "MOST_OTHERS", 10)
    drawn = others(tree, PACKAGE, {"reads", "other3"})
    assert len(drawn) == 10
    assert drawn == others(tree, PACKAGE, {"reads", "other3"})
    monkeypatch.setattr(debian_patched, "MOST_OTHERS", 100)
    assert {row["name"] for row in others(tree, PACKAGE, {"reads", "other3"})} == {"same", *names} - {"other3"}


def test_functions_of_one_name_in_a_file_are_kept_apart(tmp_path):
    (tmp_path / "x.c").write_text("#if A\nint f(void) { return 1; }\n#else\nint f(void) { return 2; }\n#endif\n")
    texts = functions(tmp_path / "x.c", "c")
    assert list(texts) == [("f", 0), ("f", 1)]


def test_lines_of_one_name_are_versions_of_it_and_rows_are_written_alike(tmp_path):
    listed = tmp_path / "list.tsv"
    listed.write_text("package\tversion\tpart\tlanguage\nx\t1\textra\tc\nx\t2\textra\tc\ny\t1\tcpp\tcpp\n")
    assert packages(listed) == [Package("x", ("1", "2"), "extra", "c"), Package("y", ("1",), "cpp", "cpp")]
    rows = [{"package": "x", "func": "int f(void) { return 'ä'; }"}]
    for name in ("one", "two"):
        write_rows(tmp_path / name, rows)
    assert list(read_rows(tmp_path / "one")) == rows
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_list_names_each_package_in_one_part_and_none_that_hints_learn_from():
    listed = packages(Path(debian_patched.__file__).with_suffix(".tsv"))
    assert {package.part for package in listed} == {"confirm", "extra", "seen", "cpp"}
    taught = {"cups", "curl", "expat", "imagemagick", "libxml2", "nginx", "openjpeg2", "redis", "tiff", "vim"}
    taught |= {"ffmpeg", "qemu", "chromium"}
    assert not taught & {package.name for package in listed}
    for package in listed:
        assert package.language == ("cpp" if package.part == "cpp" else "c")
