"""What a scan by a hint alarms at, and in what order."""

from pathlib import Path

import pytest

import codewren
from codewren.predict.predictor import find_bundle, load, load_for_report
from codewren.scan.alarms import alert_threshold
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_cache_keeps_the_calibrations_of_a_hint_apart(here: Path, tmp_path: Path) -> None:
    (here / "a.h").write_text("int f(char *s) { char b[8]; strcpy(b, s); return b[0]; }\n")
    every = ScanOptions(cache=tmp_path / "cache", threshold=0.0)
    for name in ("hints-c-micro", "hints-c-micro@devign", "hints-c-micro@review"):
        model = load(name)
        (finding,) = scan(["."], model, every).findings
        assert finding.probability == pytest.approx(model.predict_proba([(here / "a.h").read_text().strip()])[0][1])


@pytest.mark.parametrize("name", ["hints-c-micro", str(find_bundle("hints-c-micro"))])
def test_a_report_by_a_hint_goes_by_what_to_review_first(name: str) -> None:
    text = "int f(char *s) { char b[8]; strcpy(b, s); return b[0]; }"
    report, review, general = (load_for_report(name + at) for at in ("", "@review", "@general"))
    assert report.predict_proba([text]) == review.predict_proba([text]) != general.predict_proba([text])
    assert general.predict_proba([text]) == load(name).predict_proba([text])
    assert alert_threshold(report, ScanOptions()) == alert_threshold(review, ScanOptions())


def test_the_alarms_of_a_hint_are_the_first_of_its_reading_order(here: Path) -> None:
    short = "int f(char *s) {{ char b[8]; strcpy(b, s); return b[{0}]; }}\n"
    body = (
        "    if (len > size) {{ memcpy(buf + {0}, s, len); p->next = malloc(len * {0}); }}\n    else s[n] += p->x{0};\n"
    )
    texts = [short.format(n) for n in range(8)]
    for n in range(1, 9):
        lines = "".join(body.format(number) for number in range(60 * n))
        texts.append(f"int g{n}(struct s *p, char *s, int n, size_t len)\n{{\n{lines}}}\n")
    (here / "a.c").write_text("".join(texts))
    found = codewren.scan(".", model="hints-c-micro", options=ScanOptions()).findings
    order = [finding.review_first for finding in found]
    assert order == sorted(order, reverse=True) == [finding.probability for finding in found] != []
    assert min(order) > load("hints-c-micro@review").bundle.decision.alert_threshold
