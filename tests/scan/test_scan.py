import os
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from codewren.bundle.read import Bundle
from codewren.core.errors import CodewrenError, InputError
from codewren.core.task import VULNERABILITY, Task, Unit
from codewren.predict.predictor import Predictor, load
from codewren.scan import infer as judge_module
from codewren.scan import schedule as schedule_module
from codewren.scan.result import ScanOptions, ScanResult
from codewren.scan.scan import scan, scanned_languages
from codewren.syntax.functions import Parsed, extract
from codewren.syntax.grammars import LANGUAGES
from students import CONFIG, write_student

Location = tuple[str, int, int, str]


def function(name: str, rng: random.Random) -> str:
    words = [f"w{rng.randint(4, 59)};" for _ in range(rng.randint(1, 40))]
    return f"int {name}(void)\n{{\n  {' '.join(words)}\n}}"


def make_tree(root: Path, files: int = 12, seed: int = 0) -> dict[Location, str]:
    """Write C files; every function's place and text, from how it was written."""
    rng, places = random.Random(seed), {}
    for number in range(files):
        path, text = root / f"d{number % 3}" / f"f{number}.c", "/* é */\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        for index in range(rng.randint(0, 6)):
            code = function(f"g{index}", rng)
            line = text.count("\n") + 1
            places[str(path.relative_to(root)), line, line + 3, f"g{index}"] = code
            text += code + "\n\n"
        path.write_text(text, encoding="utf-8")
    return places


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return Predictor(Bundle.read(write_student(tmp_path / "x.wren")))


def found(result: ScanResult) -> dict[Location, float]:
    return {
        (one.location.path, one.location.start_line, one.location.end_line, one.location.name): one.probability
        for one in result.findings
    }


def wanted(places: dict[Location, str], predictor: Predictor, threshold: float) -> dict[Location, float]:
    rows = predictor.predict_proba(list(places.values()))
    return {place: row[1] for place, row in zip(places, rows, strict=True) if row[1] > threshold}


def in_chunks(monkeypatch: pytest.MonkeyPatch, files: int = 2) -> None:
    monkeypatch.setattr(schedule_module, "CHUNK_FILES", files)


def test_findings_are_the_functions_the_model_alarms_at(here: Path, predictor: Predictor) -> None:
    places = make_tree(here)
    result = scan(["."], predictor, ScanOptions(jobs=1))
    assert found(result) == pytest.approx(wanted(places, predictor, 0.5), abs=0)
    assert 0 < len(result.findings) < len(places)
    assert (result.files, result.functions, result.threshold) == (12, len(places), 0.5)
    assert [one.location.path for one in result.findings] == sorted(one.location.path for one in result.findings)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_number_of_processes_changes_nothing(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    places = make_tree(here)
    in_chunks(monkeypatch)
    assert found(scan(["."], predictor, ScanOptions(jobs=jobs))) == wanted(places, predictor, 0.5)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9, 1.0])
def test_a_threshold_can_be_asked_for(here: Path, predictor: Predictor, threshold: float) -> None:
    places = make_tree(here)
    assert found(scan(["."], predictor, ScanOptions(threshold=threshold))) == wanted(places, predictor, threshold)


def test_the_bundle_decides_where_no_threshold_is_given(here: Path, tmp_path: Path) -> None:
    places = make_tree(here)
    predictor = load(write_student(tmp_path / "y.wren", threshold=0.7))
    assert found(scan(["."], predictor, ScanOptions())) == wanted(places, predictor, 0.7)


def test_of_several_labels_the_largest_wins(here: Path, tmp_path: Path) -> None:
    places = make_tree(here)
    task = Task("kind", Unit.FUNCTION, ("fine", "odd", "bad"), "bad", "c")
    predictor = load(write_student(tmp_path / "y.wren", CONFIG, task, seed=2))
    rows = predictor.predict_proba(list(places.values()))
    winners = {place for place, row in zip(places, rows, strict=True) if row[2] == max(row)}
    result = scan(["."], predictor, ScanOptions())
    assert set(found(result)) == winners
    assert 0 < len(winners) < len(places)
    above = {place for place, row in zip(places, rows, strict=True) if row[2] > 0.2}
    assert set(found(scan(["."], predictor, ScanOptions(threshold=0.2)))) == above


def test_short_functions_can_be_left_out(here: Path, predictor: Predictor) -> None:
    (here / "a.c").write_text("int f(void) { return 1; }\nint g(void)\n{\n  return 1;\n}\n")
    names = [one.location.name for one in scan(["."], predictor, ScanOptions(threshold=0, min_lines=2)).findings]
    assert names == ["g"]


def test_a_comment_silences_and_is_counted(here: Path, predictor: Predictor) -> None:
    (here / "a.c").write_text(
        "// codewren: ignore[vulnerability]\nint f(void) { return 1; }\nint g(void) { return 1; }\n"
    )
    result = scan(["."], predictor, ScanOptions(threshold=0))
    assert ([one.location.name for one in result.findings], result.suppressed) == (["g"], 1)


def test_fingerprints_survive_moved_lines_and_white_space(here: Path, predictor: Predictor) -> None:
    (here / "a.c").write_text("int f(void)\n{\n  return 1;\n}\nint g(void) { return 2; }\n")
    before = [one.fingerprint for one in scan(["."], predictor, ScanOptions(threshold=0)).findings]
    (here / "a.c").write_text("int new;\n\n\nint  f( void ) {\n\treturn 1; }\r\n\nint g(void) { return 2 ; }\n")
    after = [one.fingerprint for one in scan(["."], predictor, ScanOptions(threshold=0)).findings]
    assert before == after
    assert len(set(before)) == 2
    (here / "a.c").write_text("int f(void)\n{\n  return 3;\n}\n")
    assert scan(["."], predictor, ScanOptions(threshold=0)).findings[0].fingerprint not in before


def test_other_languages_are_scanned_on_demand(here: Path, predictor: Predictor) -> None:
    (here / "a.cpp").write_text("struct S { int f() { return 1; } };\n")
    (here / "b.py").write_text("def g():\n    return 1\n")
    silent = scan(["."], predictor, ScanOptions(threshold=0))
    assert (silent.findings, silent.foreign) == ([], {"cpp": ["a.cpp"], "python": ["b.py"]})
    assert silent.gaps == [
        ".: nothing to scan: no source file of a wanted language is there (but cpp, python: --language)"
    ]
    both = scan(["."], predictor, ScanOptions(threshold=0, languages=("cpp", "python")))
    assert [one.location.name for one in both.findings] == ["S::f", "g"]
    assert both.remarks[0].startswith("WARNING: the model was trained for c alone; what it says of cpp and python")


def test_languages_are_checked() -> None:
    assert scanned_languages(VULNERABILITY, None) == {"c"}
    free = Task("t", Unit.FUNCTION, ("a", "b"), "b")
    assert scanned_languages(free, None) == set(LANGUAGES)
    with pytest.raises(InputError, match="did you mean 'java'"):
        scanned_languages(VULNERABILITY, ("jav",))


BAD = {
    "binary.c": (b"int f;\0", "binary (NUL byte at 6)"),
    "utf16.c": ("int f(void) {}".encode("utf-16-le"), "binary (NUL byte at 1)"),
    "large.c": (b"int f(void) {}\n" * 400_000, "larger than 5000000 bytes (--max-file-bytes)"),
    "deep.c": (b"int f(void) { return " + b"(" * 100_000 + b")" * 100_000 + b"; }", "nested more than 500 deep"),
    "open.c": (b"{" * 100_000, "nested more than 500 deep"),
}
GOOD = {
    "latin.c": b"// \xe9\nint f(void) {}",
    "empty.c": b"",
    "spaces.c": b" \n\t\n",
    "comment.c": b"/* never closed",
    "junk.c": bytes(random.Random(0).choices(b"abc(){};\"'#\\\n <>=*&", k=50_000)),
    "crlf.c": b"int f(void)\r\n{\r\n}\r\n",
    "oneline.c": b"int f(void) { return 1" + b" + 1" * 50_000 + b"; }",
}


def test_bad_files_are_skipped_with_the_reason_and_cost_no_others(here: Path, predictor: Predictor) -> None:
    for name, content in [*((name, content) for name, (content, _) in BAD.items()), *GOOD.items()]:
        (here / name).write_bytes(content)
    (here / "good.c").write_text("int g(void) { return 1; }\n")
    result = scan(["."], predictor, ScanOptions(threshold=0, jobs=2))
    reasons = {note.path: note.reason for note in result.notes}
    assert reasons.keys() == BAD.keys()
    assert all(reason in reasons[name] for name, (_, reason) in BAD.items())
    assert result.files == len(GOOD) + 1
    assert {one.location.path for one in result.findings} >= {"good.c", "crlf.c", "oneline.c"}


@pytest.mark.parametrize("megabytes", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_a_huge_function_is_judged_when_its_file_is_let_in(here: Path, predictor: Predictor, megabytes: int) -> None:
    lines = megabytes * 100_000
    (here / "a.c").write_text("int f(void)\n{\n" + "  w7 = w8;\n" * lines + "}\n")
    assert scan(["."], predictor, ScanOptions(max_file_bytes=1_000_000)).notes[0].path == "a.c"
    result = scan(["."], predictor, ScanOptions(threshold=0, max_file_bytes=20_000_000))
    assert [one.location.lines for one in result.findings] == [lines + 3]


def test_an_empty_file_may_come_first(here: Path, predictor: Predictor) -> None:
    (here / "a.c").write_bytes(b"")
    (here / "b.c").write_text("int g(void) { return 1; }\n")
    assert len(scan(["."], predictor, ScanOptions(threshold=0)).findings) == 1


def test_a_file_that_vanishes_is_noted(here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(here, 2)
    read = judge_module.read_bytes

    def vanishing(path: str, max_bytes: int) -> bytes:
        Path(path).unlink()
        return read(path, max_bytes)

    monkeypatch.setattr(judge_module, "read_bytes", vanishing)
    result = scan(["."], predictor, ScanOptions(jobs=1))
    assert {note.reason for note in result.notes} == {"cannot be read: No such file or directory"}
    assert (result.files, result.findings) == (0, [])


def test_a_named_file_that_cannot_be_read_is_an_error(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(here, 1)

    def refused(path: str, max_bytes: int) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(judge_module, "read_bytes", refused)
    assert scan(["d0/f0.c"], predictor, ScanOptions()).gaps[0] == "d0/f0.c: cannot be read: Permission denied"
    assert scan(["."], predictor, ScanOptions()).notes[0].reason == "cannot be read: Permission denied"


@pytest.mark.parametrize(("bad", "is_incomplete"), [(0, False), (1, False), (2, True), (12, True)])
def test_a_scan_that_skipped_more_than_a_tenth_is_incomplete(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch, bad: int, is_incomplete: bool
) -> None:
    """Whatever the reason: here the parser kills its process, as old bindings did."""
    make_tree(here)
    for number in range(bad):
        (here / f"d{number % 3}" / f"f{number}.c").write_text("int evil;\n")

    def deadly(source: bytes, language: str) -> Parsed:
        if b"evil" in source:
            os.kill(os.getpid(), signal.SIGKILL)
        return extract(source, language)

    monkeypatch.setattr(judge_module, "extract", deadly)
    in_chunks(monkeypatch, 4)
    result = scan(["."], predictor, ScanOptions(jobs=2))
    assert len(result.notes) == bad
    wanted_gap = f"{bad} of 12 files were skipped, {bad} because: {schedule_module.CRASHED}"
    assert result.gaps == ([wanted_gap] if is_incomplete else [])


def test_a_named_folder_that_cannot_be_read_is_a_gap(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(here)
    scandir = os.scandir

    def refused(path: str) -> object:
        if path.endswith("/d0"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert scan(["d0", "d1"], predictor, ScanOptions()).gaps == ["d0: cannot be read: Permission denied"]
    assert scan(["."], predictor, ScanOptions()).gaps == []


def test_a_file_that_kills_its_process_is_noted_and_costs_no_others(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = make_tree(here)
    (here / "d1" / "evil.c").write_text("int evil(void) { return 1; }\n")

    def deadly(source: bytes, language: str) -> Parsed:
        if b"evil" in source:
            os.kill(os.getpid(), signal.SIGKILL)
        return extract(source, language)

    monkeypatch.setattr(judge_module, "extract", deadly)
    in_chunks(monkeypatch, 4)
    result = scan(["."], predictor, ScanOptions(jobs=2))
    assert [(note.path, note.reason) for note in result.notes] == [("d1/evil.c", schedule_module.CRASHED)]
    assert found(result) == wanted(places, predictor, 0.5)


def test_a_failure_of_the_program_is_no_clean_result(
    here: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(here)
    in_chunks(monkeypatch)

    def broken(source: bytes, language: str) -> Parsed:
        raise RuntimeError("bug")

    monkeypatch.setattr(judge_module, "extract", broken)
    with pytest.raises(CodewrenError, match="RuntimeError: bug"):
        scan(["."], predictor, ScanOptions(jobs=2))


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScanOptions:
    monkeypatch.setattr(schedule_module, "WORTH_CACHING_BYTES", 0)
    in_chunks(monkeypatch)
    return ScanOptions(cache=tmp_path / "cache", jobs=2)


def test_a_second_scan_takes_everything_from_the_cache(
    here: Path, predictor: Predictor, cached: ScanOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(here)
    first = scan(["."], predictor, cached)
    monkeypatch.setattr(judge_module, "extract", lambda *_: pytest.fail("parsed again"))
    second = scan(["."], predictor, cached)
    assert second.findings == first.findings
    assert (first.cached_files, second.cached_files, second.functions) == (0, 12, first.functions)


@pytest.mark.parametrize("is_cached", [True, False])
def test_an_interrupted_scan_keeps_what_was_judged_and_says_so_only_then(
    here: Path, predictor: Predictor, cached: ScanOptions, is_cached: bool
) -> None:
    make_tree(here)
    options = replace(cached, cache=cached.cache if is_cached else None, jobs=1)

    def interrupt(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        scan(["."], predictor, options, progress=interrupt)
    assert str(stopped.value) == ("the cache keeps the results of 5 files for the next scan" if is_cached else "")
    assert scan(["."], predictor, options).cached_files == (5 if is_cached else 0)


def test_the_cache_forgets_what_changed_and_nothing_else(here: Path, predictor: Predictor, cached: ScanOptions) -> None:
    make_tree(here)
    scan(["."], predictor, cached)
    (here / "d0" / "f0.c").write_text("int changed(void) { return 1; }\n")
    places = make_tree(here / "other", 1, seed=5)
    result = scan(["."], predictor, cached)
    assert result.cached_files == 11
    assert result.files == 12 + len({path for path, *_ in places})
    assert found(result) == found(scan(["."], predictor, ScanOptions()))


def test_the_cache_keeps_models_and_languages_apart(
    here: Path, tmp_path: Path, predictor: Predictor, cached: ScanOptions
) -> None:
    (here / "a.h").write_text("int f(void) { return w7; }\n")
    scan(["."], predictor, cached)
    other = load(write_student(tmp_path / "other.wren", seed=1))
    assert scan(["."], other, cached).cached_files == 0
    assert scan(["."], predictor, ScanOptions(cache=cached.cache, languages=("cpp",))).cached_files == 0
    assert scan(["."], predictor, cached).cached_files == 1


def test_options_of_the_report_do_not_spoil_the_cache(here: Path, predictor: Predictor, cached: ScanOptions) -> None:
    places = make_tree(here)
    scan(["."], predictor, cached)
    low = scan(["."], predictor, ScanOptions(cache=cached.cache, threshold=0.1))
    assert low.cached_files == 12
    assert found(low) == wanted(places, predictor, 0.1)


def test_a_damaged_cache_changes_no_result(here: Path, predictor: Predictor, cached: ScanOptions) -> None:
    make_tree(here)
    first = scan(["."], predictor, cached)
    for path in (cached.cache or here).iterdir():
        path.write_bytes(b"rubbish" * 1000)
    second = scan(["."], predictor, cached)
    assert second.findings == first.findings
    assert "damaged" in second.remarks[0]


def test_few_bytes_are_not_worth_a_cache(here: Path, predictor: Predictor, tmp_path: Path) -> None:
    make_tree(here)
    scan(["."], predictor, ScanOptions(cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_progress_counts_to_the_end(here: Path, predictor: Predictor) -> None:
    make_tree(here)
    steps: list[tuple[int, int]] = []
    scan(["."], predictor, ScanOptions(jobs=1), progress=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 12) for done in range(1, 13)]
