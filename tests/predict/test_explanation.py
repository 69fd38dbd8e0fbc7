"""What a line carries, against the reference with the line's tokens out of sight, and against predictions."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codewren import _native
from codewren.bundle.read import Bundle
from codewren.core.errors import InputError
from codewren.core.student_config import PositionType, Storage
from codewren.core.task import CLONE, Task, Unit
from codewren.predict.explanation import Explanation, LineScore, log_odds
from codewren.predict.predictor import Predictor, load
from oracle import Oracle
from students import CONFIG, write_student

TEXT = "w4 w5 w6\n\n  w7 w8\nw9 \t w10 w11\n   \nw12\n"
LINES = {1: [0, 1, 2], 3: [3, 4], 4: [5, 6, 7], 6: [8]}  # word i is token i + 1, behind `<s>`
IDS = [0, *range(4, 13), 2]


class Blinkered(Oracle):
    """The reference where no token sees those of `hidden`."""

    hidden: tuple[int, ...] = ()

    def _attention(self, index: int, x_TH: Any, code: int, sees_TT: Any) -> Any:
        seen = sees_TT.copy()
        seen[:, list(self.hidden)] = False
        return super()._attention(index, x_TH, code, seen)

    def odds(self, *words: int) -> float:
        """Log-odds without these words."""
        self.hidden = tuple(word + 1 for word in words)
        row = self.probabilities(IDS)
        return float(np.log(row[1] / row[0]))


@pytest.mark.parametrize("target", _native.targets())
@pytest.mark.parametrize("storage", [Storage.INT8, Storage.FP32])
@pytest.mark.parametrize("positions", PositionType)
def test_a_line_carries_what_the_reference_loses_without_seeing_it(
    tmp_path: Path, positions: PositionType, storage: Storage, target: str
) -> None:
    config = CONFIG.replace(position_embedding_type=positions, storage=storage)
    path = write_student(tmp_path / "x.wren", config, temperature=1.5)
    oracle = Blinkered(path)
    (explanation,) = Predictor(Bundle.read(path), target=target).explain([TEXT])
    wanted = [oracle.odds() - oracle.odds(*LINES.get(number, ())) for number in range(1, 8)]
    assert np.ptp(wanted) > 0.1
    assert [line.line for line in explanation.lines] == list(range(1, 8))
    np.testing.assert_allclose([line.score for line in explanation.lines], wanted, atol=2e-5)


def test_a_line_that_holds_all_the_weight_costs_no_precision(tmp_path: Path) -> None:
    path = write_student(tmp_path / "x.wren", CONFIG.replace(num_attention_heads=1, storage=Storage.FP32))
    text = "\n".join(f"w{4 + number % 50}" for number in range(70))
    (explanation,) = load(path).explain([text])
    ids = [0, *(4 + number % 50 for number in range(70)), 2]
    oracle = Blinkered(path)
    whole = oracle.logits(ids)
    for line in explanation.lines:
        oracle.hidden = (line.line,)
        lost = whole - oracle.logits(ids)
        assert line.score == pytest.approx(lost[1] - lost[0], abs=2e-5)


def test_a_deeper_student_reads_the_text_again_without_the_line(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", CONFIG.replace(num_hidden_layers=2)))
    (explanation,) = predictor.explain([TEXT])
    lines = TEXT.split("\n")
    for line in explanation.lines:
        rest = "\n".join(lines[: line.line - 1] + lines[line.line :])
        (before,), (after,) = (predictor.predict_proba([text]) for text in (TEXT, rest))
        wanted = math.log(before[1] / before[0]) - math.log(after[1] / after[0])
        assert line.score == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_lines_behind_the_limit_carry_nothing_and_it_is_told(tmp_path: Path, layers: int) -> None:
    predictor = load(write_student(tmp_path / "x.wren", CONFIG.replace(num_hidden_layers=layers)))
    (explanation,) = predictor.explain(["\n".join(["w4 w5 w6 w7"] * 25)])
    assert (explanation.tokens_read, explanation.tokens_total, explanation.is_cut) == (78, 100, True)
    assert [line.line for line in explanation.lines if line.score == 0] == [21, 22, 23, 24, 25]
    assert not predictor.explain(["w4 w5"])[0].is_cut


def test_without_a_word_nothing_carries_anything(tmp_path: Path) -> None:
    for layers in (1, 2):
        predictor = load(write_student(tmp_path / "x.wren", CONFIG.replace(num_hidden_layers=layers)))
        assert predictor.explain([]) == []
        for text in ("", " \n\t\n"):
            (explanation,) = predictor.explain([text])
            assert {line.score for line in explanation.lines} == {0.0}
            assert explanation.evidence == "no line by itself speaks for vulnerable"


def test_the_sentence_names_the_strongest_line_and_both_probabilities(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren"))
    (explanation,) = predictor.explain([TEXT])
    strongest = explanation.strongest(1)[0]
    before = predictor.predict_proba([TEXT])[0][1]
    odds = math.log(before / (1 - before)) - strongest.score
    quoted = " ".join(TEXT.split("\n")[strongest.line - 1].split())
    assert explanation.evidence == (
        f"without `{quoted}` the probability of vulnerable would be {1 / (1 + math.exp(-odds)):.2f} "
        f"instead of {before:.2f}"
    )


def test_only_lines_that_speak_for_the_label_are_strong() -> None:
    lines = (LineScore(1, -3.0), LineScore(2, 0.5), LineScore(3, 0.0), LineScore(4, 2.0), LineScore(5, 0.5))
    explanation = Explanation(lines, None, "")
    assert [line.line for line in explanation.strongest(9)] == [4, 2, 5]
    assert [line.line for line in explanation.strongest(1)] == [4]


def test_log_odds_are_of_one_label_against_all_others() -> None:
    row, temperature = [0.3, -1.2, 2.0], 1.7
    powers = np.exp(np.array(row) / temperature)
    for positive in range(3):
        share = powers[positive] / powers.sum()
        assert log_odds(row, positive, temperature) == pytest.approx(math.log(share / (1 - share)))


def test_the_label_may_stand_in_any_column(tmp_path: Path) -> None:
    flipped = Task("flipped", Unit.FUNCTION, ("vulnerable", "safe"), "vulnerable")
    straight = Task("straight", Unit.FUNCTION, ("vulnerable", "safe"), "safe")
    for task in (flipped, straight):
        write_student(tmp_path / f"{task.name}.wren", task=task)
    one, other = (load(tmp_path / f"{name}.wren").explain([TEXT])[0] for name in ("flipped", "straight"))
    np.testing.assert_allclose([line.score for line in one.lines], [-line.score for line in other.lines], atol=1e-6)


def test_threads_change_nothing(tmp_path: Path) -> None:
    bundle = Bundle.read(write_student(tmp_path / "x.wren"))
    texts = [f"w{4 + number}\nw9 w{5 + number}" for number in range(40)]
    assert Predictor(bundle, threads=1).explain(texts) == Predictor(bundle, threads=8).explain(texts)


def test_pairs_have_no_lines_to_explain(tmp_path: Path) -> None:
    predictor = load(write_student(tmp_path / "x.wren", task=CLONE))
    with pytest.raises(InputError, match="judges pairs"):
        predictor.explain(["w4"])
    with pytest.raises(ValueError, match="one layer"):
        predictor._model.without_lines(["w4"], predictor._tokenizer, 1)
