"""An index finds what brute force finds, and after any edits holds what a fresh one would."""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import codewren
from codewren.core.errors import InputError
from codewren.index.index_folder import CATALOG, ORPHAN_AFTER_S, SEGMENT_SUFFIX
from codewren.index.query import Filters
from codewren.index.tree_index import Index
from codewren.scan.clones import SMALLEST_CLONE_TOKENS
from codewren.scan.infer import predict_text
from index.trees import JAVA, OTHER, PYTHON, RENAMED, SMALL, price_tree, write_tree

MODEL = "clones-micro"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return price_tree(tmp_path / "tree")


def opened(tree: Path, **options) -> Index:
    return Index.open(tree, model=MODEL, folder=tree.parent / "indexes", **options)


def held(index: Index) -> list[tuple[str, str, int, bytes]]:
    """Path, name, line and vector of every function, as queries see them."""
    view = index._newest()
    functions = []
    for number, (segment, wanted) in enumerate(zip(view.segments, view.wanted(with_tests=True), strict=True)):
        for row in (row for row in range(len(wanted)) if wanted[row]):
            member = view.member(number, row)
            vector = bytes(segment.vectors[row * segment.vector_bytes : (row + 1) * segment.vector_bytes])
            name, line = member.record.names[member.number], member.record.lines(member.number)[0]
            functions.append((member.file.source.path, name, line, vector))
    return sorted(functions)


def brute_force(tree: Path, index: Index) -> list[tuple[str, str, int, bytes]]:
    """The same by reading every file."""
    languages = {".py": "python", ".java": "java", ".js": "javascript"}
    functions = []
    for path in sorted(path for path in tree.rglob("*.*") if path.suffix in languages and ".git" not in path.parts):
        record = predict_text(path.read_bytes(), languages[path.suffix], index.predictor)
        functions += [
            (os.fspath(path.relative_to(tree)), record.names[number], record.lines(number)[0], record.vector(number))
            for number in range(len(record))
            if record.size(number) >= SMALLEST_CLONE_TOKENS
        ]
    return sorted(functions)


def test_renamed_edited_and_translated_functions_are_found_closest_first(tree: Path) -> None:
    with opened(tree) as index:
        index.update()
        (answer,) = index.query(RENAMED, language="python")
        assert (answer.name, answer.start_line) == ("whole_cost", 2)
        assert [(match.path, match.name, match.start_line) for match in answer.matches[:2]] == [
            ("a.py", "total_price", 2),
            ("src/Prices.java", "Prices.totalPrice", 3),
        ]
        assert [match.kind for match in answer.matches[:2]] == ["renamed", "semantic"]
        similarities = [match.similarity for match in answer.matches]
        assert similarities == sorted(similarities, reverse=True)


def test_similarities_are_those_of_the_predictor(tree: Path) -> None:
    with opened(tree) as index:
        index.update()
        (answer,) = index.query(OTHER, language="python", k=9, filters=Filters(0.0))
        texts = {"a.py": PYTHON, "lib/b.py": OTHER, "src/Prices.java": JAVA.split("{", 1)[1].rsplit("}", 1)[0]}
        for match in answer.matches:
            pair = [(OTHER.strip(), texts[match.path].strip())]
            expected = index.predictor.predict_proba(pair)[0][1]
            assert match.probability == pytest.approx(expected, abs=1e-9), match
        assert len(answer.matches) == 3


def test_functions_of_a_file_do_not_match_themselves_but_their_copies(tree: Path) -> None:
    write_tree(tree, {"copy.py": PYTHON})
    with opened(tree) as index:
        index.update()
        changed = "\n\n" + PYTHON.replace("* (1 + rate)", "* rate")
        answers = index.query(changed, path=tree / "a.py", k=1)
        assert [(match.path, match.kind) for match in answers[0].matches] == [("copy.py", "edited")]
        everywhere = index.query(changed, language="python", k=2)
        assert {match.path for match in everywhere[0].matches} == {"a.py", "copy.py"}


def test_a_line_asks_about_the_innermost_function_around_it(tree: Path) -> None:
    text = (
        f"def outer():\n{''.join('    ' + line for line in PYTHON.strip().splitlines(keepends=True))}\n    return 1\n"
    )
    with opened(tree) as index:
        index.update()
        assert [answer.name for answer in index.query(text, language="python", line=3)] == ["outer.total_price"]
        with pytest.raises(InputError, match="no function at line 99; the nearest is outer"):
            index.query(text, language="python", line=99)


def test_a_text_without_a_function_is_taken_as_one(tree: Path) -> None:
    body = "\n".join(line[4:] for line in PYTHON.strip().splitlines()[2:-1])
    with opened(tree) as index:
        index.update()
        (answer,) = index.query(body, language="python")
        assert answer.name == "(text)" and answer.matches[0].name == "total_price"
        assert index.query("", language="python") == []


def test_tests_are_left_out_when_asked(tree: Path) -> None:
    write_tree(tree, {"tests/x.py": PYTHON, "pkg/test_y.py": PYTHON})
    with opened(tree) as index:
        index.update()
        matches = index.query(PYTHON, language="python", k=9, filters=Filters(with_tests=False))[0].matches
        assert [match.path for match in matches if match.kind == "exact"] == ["a.py"]
        assert len(index.query(PYTHON, language="python", k=9)[0].matches) == len(matches) + 2


def test_small_functions_are_not_in_the_index(tree: Path) -> None:
    with opened(tree) as index:
        assert index.update().functions == len(index) == 3
        assert "one" not in {name for _, name, *_ in held(index)}


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edits_an_index_holds_what_brute_force_finds(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    tree = price_tree(tmp_path / "tree")
    texts = [PYTHON, RENAMED, OTHER, SMALL, PYTHON + OTHER, "", "x = 1\n", "def broken(:\n"]
    with opened(tree) as index:
        for step in range(25):
            for _ in range(rng.randint(1, 3)):
                path = tree / f"{rng.choice('abcdefgh')}{rng.choice(['/x', ''])}.py"
                if path.exists() and rng.random() < 0.3:
                    path.unlink()
                elif path.exists() and rng.random() < 0.2:
                    path.replace(tree / f"moved{step}.py")
                else:
                    edited = rng.choice(texts).replace("price", f"price{rng.randint(0, 2)}")
                    write_tree(tree, {os.fspath(path.relative_to(tree)): edited})
            index.update()
            assert held(index) == brute_force(tree, index), step
            assert len(index) == len(held(index))
        segments = [segment.name for segment in index._newest().segments if segment]
        assert {path.stem for path in index.folder.glob(f"*{SEGMENT_SUFFIX}")} == {*segments}
        assert len(segments) <= 4


def test_what_is_known_is_not_encoded_again(tree: Path) -> None:
    with opened(tree) as index:
        assert index.update().judged == 3
        for path in tree.rglob("*.*"):
            os.utime(path, (1_000_000_000.5, 1_000_000_000.5))
        touched = index.update()
        assert (touched.judged, touched.unchanged) == (0, 3)
        (tree / "a.py").rename(tree / "z.py")
        moved = index.update()
        assert (moved.judged, moved.removed, moved.functions) == (0, 1, 3)
        assert "z.py" in {path for path, *_ in held(index)}


def test_an_edit_in_the_same_tick_of_the_clock_is_seen(tree: Path) -> None:
    with opened(tree) as index:
        for number in range(20):
            text = PYTHON.replace("total_price", f"price_{number:02}")
            (tree / "a.py").write_text(text)
            index.update()
            assert f"price_{number:02}" in {name for _, name, *_ in held(index)}


def test_named_files_are_followed_without_looking_at_others(tree: Path) -> None:
    with opened(tree) as index:
        index.update()
        write_tree(tree, {"new.py": OTHER, "unnamed.py": OTHER})
        (tree / "a.py").unlink()
        update = index.update([tree / "new.py", tree / "a.py", tree / "nowhere.py"])
        assert (update.judged, update.removed) == (1, 1)
        assert {path for path, *_ in held(index)} == {"lib/b.py", "new.py", "src/Prices.java"}


def test_too_large_an_update_is_left_for_later(tree: Path) -> None:
    with opened(tree) as index:
        assert index.update(most_files=2).is_partial and len(index) == 0
        assert not index.update(most_files=3).is_partial and len(index) == 3


def test_ignored_and_excluded_files_are_not_indexed(tree: Path) -> None:
    write_tree(tree, {".gitignore": "lib/\n", ".git/HEAD": ""})
    with opened(tree, exclude=["*.java"]) as index:
        index.update()
        assert {path for path, *_ in held(index)} == {"a.py"}


def test_another_index_of_the_same_tree_sees_what_one_wrote(tree: Path) -> None:
    with opened(tree) as first, opened(tree) as second:
        first.update()
        assert held(second) == held(first) and second.update().judged == 0
        write_tree(tree, {"c.py": OTHER.replace("read_lines", "again")})
        second.update()
        assert held(first) == held(second) and len(first) == 4


def test_processes_that_update_at_once_leave_a_whole_index(tree: Path) -> None:
    write_tree(tree, {f"m{number}.py": PYTHON.replace("rate", f"rate{number}") for number in range(40)})
    code = (
        "import sys, codewren\n"
        "with codewren.Index.open(sys.argv[1], model=sys.argv[2], folder=sys.argv[3]) as index:\n"
        "    index.update(); print(len(index))"
    )
    command = [sys.executable, "-c", code, os.fspath(tree), MODEL, os.fspath(tree.parent / "indexes")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate()[0].strip() for process in processes} == {"43"}
    with opened(tree) as index:
        assert index.update().judged == 0
        assert held(index) == brute_force(tree, index)


def test_threads_share_an_index_while_it_is_updated(tree: Path) -> None:
    failures: list[BaseException] = []
    with opened(tree) as index:
        index.update()

        def ask() -> None:
            try:
                for _ in range(30):
                    assert index.query(RENAMED, language="python")[0].matches[0].kind in {"renamed", "exact"}
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(15):
            write_tree(tree, {f"n{number}.py": OTHER})
            index.update()
        for thread in threads:
            thread.join()
    assert failures == []


def test_segments_of_writers_that_were_killed_are_swept_once_they_are_old(tree: Path) -> None:
    with opened(tree) as index:
        index.update()
        old, fresh = (index.folder / f"{letter * 16}{SEGMENT_SUFFIX}" for letter in "ab")
        old.write_bytes(b"x")
        fresh.write_bytes(b"x")
        os.utime(old, (0, fresh.stat().st_mtime - ORPHAN_AFTER_S - 1))
        write_tree(tree, {"c.py": OTHER})
        index.update()
        assert fresh.exists() and not old.exists()


def test_wrong_input_is_told_in_one_line(tree: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        Index.open(tree / "nowhere")
    with pytest.raises(InputError, match=r"vulnerability-c-mini.wren: no similarity encoder"):
        Index.open(tree, model="vulnerability-c")
    index = opened(tree)
    with pytest.raises(InputError, match="in which language is the text"):
        index.query("x")
    with pytest.raises(InputError, match="unknown language 'pyton'; did you mean 'python'"):
        index.query("x", language="pyton")
    with pytest.raises(InputError, match="k is 0; ask for 1 match or more"):
        index.query("x", language="c", k=0)
    index.close()
    with pytest.raises(InputError, match="the index is closed"):
        index.query("x", language="c")


def test_the_index_is_one_of_the_names_of_the_package(tree: Path) -> None:
    assert codewren.Index is Index and "Index" in codewren.__all__
    with opened(tree) as index:
        index.update()
        assert repr(index) == f"Index({os.fspath(tree)!r}, model='clones-micro.wren', functions=3)"
        assert (index.folder / CATALOG).is_file()


@pytest.mark.parametrize("threshold", [float("nan"), -0.1, 1.1])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(InputError, match="is no probability"):
        Filters(threshold)
