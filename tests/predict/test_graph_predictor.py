"""A student that reads data flow, from source text to probabilities, against the reference and its own parts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from codewren.core.errors import BundleError, InputError
from codewren.core.student_config import PositionType
from codewren.core.task import CLONE, VULNERABILITY
from codewren.predict.graph_ids import GraphEncoder
from codewren.predict.predictor import Predictor, load
from codewren.predict.tokenizer import Tokenizer
from codewren.scan.infer import predict_files
from codewren.scan.record import Record
from codewren.scan.source_files import SourceFile
from oracle import Oracle
from students import CONFIG, write_student

FLOW = CONFIG.replace(max_data_flow=8)
FUNCTIONS = [
    "int w5(int w6) { int w7 = w6; while (w7) w7 = w7 - w8; return w7; }",
    "int w5(int w6) { int w7 = w6; while (w7) w7 = w7 - w7; return w6; }",
    "void w9() {}",
    "",
]
PYTHON = "def w5(w6):\n    w7 = w6\n    return w7\n"


def graphs(
    predictor: Predictor, language: str, texts: list[str]
) -> list[tuple[list[int], list[tuple[int, int]], list]]:
    encoder = GraphEncoder(Tokenizer(predictor.bundle.tokenizer), language, max_length=80, max_nodes=8)
    return [(one.ids, one.spans, one.edges) for one in map(encoder.encode, texts)]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("positions", PositionType)
def test_probabilities_are_those_of_code_and_graph(tmp_path: Path, positions: PositionType, layers: int) -> None:
    config = FLOW.replace(position_embedding_type=positions, num_hidden_layers=layers)
    path = write_student(tmp_path / "x.wren", config, temperature=1.5)
    predictor, oracle = load(path), Oracle(path)
    wanted = [oracle.probabilities(graph) for graph in graphs(predictor, "c", FUNCTIONS)]
    np.testing.assert_allclose(predictor.predict_proba(FUNCTIONS), wanted, atol=1e-5)
    assert len(graphs(predictor, "c", FUNCTIONS)[0][1]) > 4


def test_a_pair_task_compares_vectors_of_graphs(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", FLOW, CLONE)
    predictor, oracle = load(path), Oracle(path)
    texts = [text.replace("w8", "w9") for text in FUNCTIONS[:3]]
    found = np.array(predictor.encode(texts))
    wanted = [oracle.vector(graph) for graph in graphs(predictor, "java", texts)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_each_item_may_be_of_another_language(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", FLOW))
    mixed = predictor.predict_proba([FUNCTIONS[0], PYTHON, PYTHON], languages=["c", "python", "c"])
    assert mixed[0] == predictor.predict_proba(FUNCTIONS[:1])[0]
    assert mixed[1] == predictor.predict_proba([PYTHON], languages=["python"])[0]
    assert mixed[1] != mixed[2]
    with pytest.raises(InputError, match="2 languages for 1 items"):
        predictor.predict_proba([PYTHON], languages=["c", "python"])
    with pytest.raises(InputError, match="cobol"):
        predictor.predict_proba([PYTHON], languages=["cobol"])


def test_a_scan_reads_each_file_in_its_own_language(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", FLOW))
    (tmp_path / "a.py").write_text(PYTHON)
    (tmp_path / "a.c").write_text(FUNCTIONS[0])
    files = [SourceFile(str(tmp_path / name), language, True) for name, language in (("a.py", "python"), ("a.c", "c"))]
    outcomes = predict_files(files, predictor, max_bytes=10_000, key=lambda content, language: content)
    found = [Record.unpack(outcome.record).probabilities[0] for outcome in outcomes]
    wanted = [
        predictor.predict_proba([PYTHON.rstrip()], languages=["python"])[0][1],
        predictor.predict_proba([FUNCTIONS[0]])[0][1],
    ]
    assert found == pytest.approx(wanted)


def test_text_no_parser_follows_is_still_judged(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", FLOW))
    nested = "int w5() { return " + "(" * 600 + "w6" + ")" * 600 + "; }"
    for text in (nested, "@@ w6 w7 }}} (", "\ud800"):
        (row,) = predictor.predict_proba([text])
        assert sum(row) == pytest.approx(1)


@pytest.mark.parametrize("language", [None, "cobol"])
def test_a_task_whose_language_has_no_data_flow_is_refused(tmp_path: Path, language: str | None) -> None:
    task = dataclasses.replace(VULNERABILITY, language=language)
    with pytest.raises(BundleError, match="reads data flow"):
        load(write_student(tmp_path / "x.wren", FLOW, task))
