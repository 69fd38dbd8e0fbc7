"""Findings that say which lines speak for them, against the model asked directly."""

import json
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest

from codewren.bundle.read import Bundle
from codewren.cli.main import main
from codewren.core.errors import InputError
from codewren.predict.predictor import Predictor, load
from codewren.scan.finding import Finding
from codewren.scan.result import Order, ScanOptions
from codewren.scan.scan import scan
from codewren.scan.telling_lines import MOST_LINES, with_explanations, with_token_counts
from students import write_student

FIRST = "int f(int w7)\n{\n    w8(w9);\n    w10 = w11 + w12;\n    return w13;\n}"
SECOND = "void g(void)\n{\n" + "    w14(w15, w16);\n" * 30 + "}"
SOURCE = f"/* one */\n\n{FIRST}\n\n  {SECOND}\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_student(tmp_path / "x.wren", alert_threshold=0.0)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.c").write_text(SOURCE)
    return tmp_path / "a.c"


def run_main(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def found(predictor: Predictor) -> list[Finding]:
    return scan(["a.c"], predictor, ScanOptions(jobs=1)).findings


def test_lines_of_the_file_carry_what_the_model_says_of_the_function(bundle: Path, source: Path) -> None:
    predictor = load(bundle)
    for finding, text in zip(with_explanations(found(predictor), predictor), (FIRST, SECOND), strict=True):
        (wanted,) = predictor.explain([text])
        lines = SOURCE.split("\n")
        assert finding.explanation is not None
        assert finding.explanation.lines
        assert len(finding.explanation.lines) <= MOST_LINES
        scores = {finding.location.start_line - 1 + line.line: line.score for line in wanted.lines}
        assert {line.line: line.score for line in finding.explanation.lines}.items() <= scores.items()
        telling = [score for number, score in scores.items() if score > 0 and any(map(str.isalnum, lines[number - 1]))]
        assert [line.score for line in finding.explanation.lines] == sorted(telling, reverse=True)[:MOST_LINES]
        assert all(lines[line.line - 1].strip() == line.text for line in finding.explanation.lines)
        assert finding.explanation.evidence == wanted.evidence


def test_how_much_was_read_is_known_without_asking_for_lines(bundle: Path, source: Path) -> None:
    predictor = load(bundle)
    first, second = (finding.explanation for finding in with_token_counts(found(predictor), predictor))
    assert first is not None
    assert second is not None
    assert (first.is_cut, second.is_cut) == (False, True)
    assert (second.tokens_read, second.lines) == (78, None)
    assert second.tokens_total > 150


def test_a_function_that_changed_since_is_not_explained(bundle: Path, source: Path) -> None:
    predictor = load(bundle)
    findings = found(predictor)
    source.write_text(SOURCE.replace("w8", "w9"))
    assert [finding.explanation is None for finding in with_explanations(findings, predictor)] == [True, False]
    source.unlink()
    assert {finding.explanation for finding in with_explanations(findings, predictor)} == {None}


def test_findings_of_many_files_keep_their_order(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("codewren.scan.telling_lines._TOGETHER", 3)
    for number in range(8):
        (tmp_path / f"{number}.c").write_text(SOURCE.replace("w8", f"w{20 + number}"))
    predictor = load(bundle)
    findings = scan(["."], predictor, ScanOptions(jobs=1)).findings
    explained = with_explanations(findings, predictor)
    assert [(one.location, one.fingerprint) for one in explained] == [
        (one.location, one.fingerprint) for one in findings
    ]
    assert all(one.explanation for one in explained)


def test_pairs_are_not_explained_by_lines() -> None:
    with pytest.raises(InputError, match="judges pairs and explains no lines"):
        with_explanations([], load("clones"))


def test_every_format_tells_the_lines(bundle: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = {}
    for style in ("text", "json", "sarif", "github"):
        arguments = ["scan", "a.c", "--model", str(bundle), "--explain", "--no-cache", "--format", style]
        assert run_main(arguments) == 1
        shown[style] = capsys.readouterr().out
    first = json.loads(shown["json"])["findings"][0]["explanation"]
    strongest = first["lines"][0]
    assert f"{strongest['line']}  {strongest['score']:<+7.2g}  {strongest['text']}" in shown["text"]
    assert "the model read the first 78 of" in shown["text"]
    results = json.loads(shown["sarif"])["runs"][0]["results"]
    related = results[0]["relatedLocations"][0]
    assert related["physicalLocation"]["region"]["startLine"] == strongest["line"]
    assert results[0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "endLine": 8}
    assert results[1]["properties"]["tokensRead"] == 78
    assert f"line={strongest['line']},endLine={strongest['line']}," in shown["github"].splitlines()[0]


def test_without_being_asked_json_tells_only_what_was_read(
    bundle: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(["scan", "a.c", "--model", str(bundle), "--no-cache", "--format", "json"]) == 1
    cut = json.loads(capsys.readouterr().out)["findings"][1]["explanation"]
    assert (cut["tokens_read"], cut["lines"], cut["evidence"]) == (78, None, None)
    assert run_main(["scan", "a.c", "--model", str(bundle), "--no-cache"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


class Ranking(Predictor):
    """A student that wants short functions read first."""

    def review_first(self, texts: Sequence[str]) -> list[float]:
        return [1 / (1 + len(text)) for text in texts]


def test_a_model_that_ranks_functions_orders_the_scan(bundle: Path, source: Path, tmp_path: Path) -> None:
    source.write_text(f"{SECOND}\n{FIRST}\n")
    predictor = Ranking(Bundle.read(bundle))
    for _ in range(2):  # the second time from the cache
        result = scan(["a.c"], predictor, ScanOptions(jobs=1, cache=tmp_path / "cache"))
        assert [finding.location.name for finding in result.findings] == ["f", "g"]
        assert [finding.review_first for finding in result.findings] == [
            1 / (1 + len(text)) for text in (FIRST, SECOND)
        ]
        assert result.remarks == ["a reading order, no verdict (its first 20: --threshold 0 --top 20); not measured"]
    by_path = scan(["a.c"], predictor, ScanOptions(jobs=1, order=Order.PATH))
    assert [finding.location.name for finding in by_path.findings] == ["g", "f"]
    assert by_path.findings[0].to_dict()["review_first"] == round(1 / (1 + len(SECOND)), 6)


def test_the_ranking_survives_packing(bundle: Path, source: Path) -> None:
    from codewren.scan.infer import predict_files
    from codewren.scan.record import Record
    from codewren.scan.source_files import SourceFile

    (outcome,) = predict_files(
        [SourceFile("a.c", "c")], Ranking(Bundle.read(bundle)), max_bytes=10**6, key=lambda *_: b""
    )
    assert Record.unpack(outcome.record).reviews == array("d", [1 / (1 + len(text)) for text in (FIRST, SECOND)])
