"""Findings of other tools with a bundle's word on them, against the model asked directly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codewren.bundle.read import Bundle
from codewren.core.errors import InputError
from codewren.evidence.function_view import FunctionView
from codewren.predict.predictor import Predictor, find_bundle, load
from codewren.verify import finding_evidence
from codewren.verify.read_report import read_report
from codewren.verify.reported import Place, Reported
from codewren.verify.source_tree import SourceTree
from codewren.verify.verified import verify

HERE = Path(__file__).parent


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> SourceTree:
    monkeypatch.chdir(HERE / "source")
    return SourceTree(["."])


def reported(line: int, path: str = "parse.c", weight: float = 0.5) -> Reported:
    return Reported("tool", f"rule{line}", "warning", weight, "message", f"print{line}", (Place(path, line, line),))


def test_a_finding_has_the_probability_of_the_function_around_it(tree: SourceTree) -> None:
    predictor = load("vulnerability-c")
    lines = (HERE / "source/parse.c").read_text().split("\n")
    text = "\n".join(lines[12:23])
    assert text.startswith("int parse_setting(")
    assert text.endswith("}")
    (one,) = verify([reported(19)], tree, predictor)
    assert one.function == "parse_setting"
    assert one.probability == pytest.approx(predictor.predict_proba([text])[0][1])
    assert one.line_score == pytest.approx(predictor.explain([text])[0].lines[19 - 13].score)
    assert one.reported == reported(19)


def test_what_is_worth_reading_comes_first_and_what_would_be_dropped_last(tree: SourceTree) -> None:
    predictor = load("vulnerability-c")
    lines = [45, 9, 19, 37, 51, 1]
    verified = verify([reported(line) for line in lines], tree, predictor, threshold=0.5, order="model")
    assert [one.reported.places[0].line for one in verified] == [19, 37, 9, 1, 45, 51]
    assert [one.unjudged for one in verified] == ["", "", "outside of functions", "outside of functions", "", ""]
    assert [bool(one.drop) for one in verified] == [False] * 4 + [True] * 2
    assert verified[4].drop == f"show is judged safe (vulnerable {verified[4].probability:.2f}, not above 0.50)"
    assert not any(one.drop for one in verify([reported(45)], tree, predictor, threshold=0.0))


def test_in_one_function_the_line_that_carries_more_comes_first_then_the_worse_severity(tree: SourceTree) -> None:
    findings = [reported(20, weight=0.9), reported(21, weight=0.5), reported(19), reported(19, weight=0.7)]
    verified = verify(findings, tree, load("vulnerability-c"), order="model")
    scores = [one.line_score for one in verified]
    assert scores == sorted((score for score in scores if score is not None), reverse=True)
    assert len(set(scores)) == 3
    assert [one.reported.weight for one in verified if one.reported.places[0].line == 19] == [0.7, 0.5]


class Ranking(Predictor):
    """A student that wants long functions read first."""

    def review_first(self, texts: Sequence[str]) -> list[float]:
        return [len(text) / 10_000 for text in texts]


def test_a_reading_order_drops_nothing_by_itself(tree: SourceTree) -> None:
    predictor = Ranking(Bundle.read(find_bundle("vulnerability-c")))
    verified = verify([reported(line) for line in (45, 19, 33)], tree, predictor)
    assert [one.function for one in verified] == ["parse_setting", "parse_setting_checked", "show"]
    assert [one.review_first is None for one in verified] == [False] * 3
    assert not any(one.drop for one in verified)
    dropped = verify([reported(line) for line in (45, 19, 33)], tree, predictor, threshold=0.5)
    assert [one.function for one in dropped if one.drop] == ["show"]


def test_what_the_call_shows_comes_before_severity_and_severity_before_the_model(tree: SourceTree) -> None:
    findings = [reported(21, weight=0.9), reported(37, weight=0.9), reported(51, weight=0.1), reported(19), reported(9)]
    verified = verify(findings, tree, load("vulnerability-c"))
    assert [one.reported.places[0].line for one in verified] == [51, 19, 9, 21, 37]
    worths = [None if one.evidence is None else one.evidence.worth for one in verified]
    assert worths[2] is None
    assert worths[0] > worths[1] > worths[3] == worths[4]
    assert verified[3].probability > verified[4].probability
    assert not any(one.drop for one in verified)


def test_what_is_known_to_be_harmless_would_be_dropped_whatever_the_model_says(tree: SourceTree) -> None:
    memcpy = Reported("flawfinder", "FF1002", "level 2", 0.4, "buffer/syslog: ...", "", (Place("parse.c", 19, 19),))
    verified = verify([memcpy, reported(45)], tree, load("vulnerability-c"))
    assert [one.drop for one in verified] == ["", "syslog: syslog is not called here"]
    assert verified[1].probability == max(one.probability for one in verified)


def test_the_files_of_a_tree_say_how_large_arrays_are(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "include/sizes.h").write_text("#define SIZE 4\nstruct s { char name[SIZE]; };\n")
    code = '#include "sizes.h"\nvoid f(struct s *p) {\n  strcpy(p->name, "abc");\n  strcpy(p->name, "abcd");\n}\n'
    (tmp_path / "src/f.c").write_text(code)
    findings = [reported(3, "src/f.c"), reported(4, "src/f.c")]
    verified = verify(findings, SourceTree([str(tmp_path)]), load("vulnerability-c"))
    assert [one.reported.places[0].line for one in verified] == [4, 3]
    assert verified[0].evidence.sentence == "may write 5 bytes, p->name has 4"
    assert verified[1].drop == "strcpy: writes at most 4 bytes, p->name has 4"


def test_what_every_caller_gives_is_known_of_functions_of_one_file(tmp_path: Path) -> None:
    code = '{0} void f(const char *s) {{\n  char a[4];\n  strcpy(a, s);\n}}\nvoid g(void) {{ f("abc"); f("x"); }}\n'
    for scope, dropped in (("static", True), ("", False)):
        (tmp_path / "f.c").write_text(code.format(scope))
        (one,) = verify([reported(3, "f.c")], SourceTree([str(tmp_path)]), load("vulnerability-c"))
        assert bool(one.drop) is dropped
    (tmp_path / "f.c").write_text(code.format("static") + "void (*h)(const char *) = f;\n")
    (one,) = verify([reported(3, "f.c")], SourceTree([str(tmp_path)]), load("vulnerability-c"))
    assert not one.drop


def test_without_evidence_the_order_is_the_models(tree: SourceTree) -> None:
    findings = [reported(line) for line in (9, 14, 26)]
    predictor = load("vulnerability-c")
    assert verify(findings, tree, predictor) == verify(findings, tree, predictor, order="model")


def test_no_finding_is_lost(tree: SourceTree) -> None:
    for path in sorted((HERE / "reports").glob("*.*[!md]")):
        findings = read_report(path).findings
        predictor = load("clones" if findings[0].is_duplicate else "vulnerability-c")
        verified = verify(findings, tree, predictor)
        assert sorted(map(repr, findings)) == sorted(repr(one.reported) for one in verified)
        assert not any(one.unjudged for one in verified if one.reported.places[0].line > 12)


def test_files_outside_the_tree_are_not_judged(tree: SourceTree) -> None:
    for path in ("../test_verified.py", "/etc/passwd", "gone.c"):
        (one,) = verify([reported(1, path)], tree, load("vulnerability-c"))
        assert (one.probability, one.unjudged, one.paths) == (None, "no such file in the tree", (path,))


@pytest.mark.parametrize("name", ["jscpd.json", "cpd.xml", "cpd.csv"])
def test_copies_are_judged_as_pairs_of_functions(tree: SourceTree, name: str) -> None:
    (one,) = verify(read_report(HERE / "reports" / name).findings, tree, load("clones"))
    assert (one.function, one.drop, one.unjudged) == ("Forest.height", "", "")
    assert one.paths == ("Forest.java", "Tree.java")
    assert one.probability is not None
    assert one.probability > 0.99
    assert [(r.first, r.second, r.lines, r.relation) for r in one.correspondence] == [(4, 2, 11, "exact")]


def test_lines_outside_functions_are_compared_as_they_are(tree: SourceTree) -> None:
    places = (Place("Forest.java", 1, 2), Place("Forest.java", 1, 2))
    copies = Reported("tool", "copy", "", 0.5, "", "", places, is_duplicate=True)
    (one,) = verify([copies], tree, load("clones"))
    assert one.function == ""
    assert one.probability is not None
    assert one.probability > 0.9


def test_a_model_of_the_other_kind_is_refused(tree: SourceTree) -> None:
    with pytest.raises(InputError, match="give --model vulnerability-c"):
        verify([reported(1)], tree, load("clones"))
    with pytest.raises(InputError, match="give --model clones"):
        verify(read_report(HERE / "reports/cpd.csv").findings, tree, load("vulnerability-c"))


def test_functions_that_share_a_line_drop_nothing_for_each_other(tmp_path: Path) -> None:
    text = "struct C { void f() { char t[4]; sprintf(t, s); } template <class T> void g(T x) { use(x); } };\n"
    (tmp_path / "c.cpp").write_text(text)
    rule = "buffer/char: Statically-sized arrays"
    finding = Reported("flawfinder", "FF1013", "level 2", 0.4, rule, "print", (Place("c.cpp", 1, 1),))
    (one,) = verify([finding], SourceTree([str(tmp_path)]), load("vulnerability-c"))
    assert not one.drop


def test_a_function_is_read_once_whatever_the_order_of_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 2 * 200  # twice as many as are kept
    body = "static void f{0}(char *s) {{\n  char a[9];\n  strcpy(a, s);\n  puts(s);\n}}\n"
    (tmp_path / "many.c").write_text("".join(body.format(number) for number in range(count)))
    read = list[bytes]()

    class Counted(FunctionView):
        def __init__(self, source: bytes, *others: Any) -> None:
            read.append(source)
            super().__init__(source, *others)

    monkeypatch.setattr(finding_evidence, "FunctionView", Counted)
    findings = [reported(5 * number + row, "many.c") for row in (3, 4) for number in range(count)]
    verified = verify(findings, SourceTree([str(tmp_path)]), load("vulnerability-c"))
    assert len(verified) == 2 * count
    assert len(read) == count
