"""What the words are worth that answer for unjudged items is said before a student copies them."""

import json

import numpy as np
import pytest

from codewren.compress.spread_report import spread_lines, spread_warnings
from codewren.train.teachers.spread import Spread
from commands import fails, remarks, run

SPREAD = Spread(1566, 1471, 453, 1566, (858, 1000), 0.9, {"labelled": (2000, 434), "unlabelled": (4000, 4000)})


@pytest.fixture
def judged(tmp_path):
    """The folder of a recipe with 40 judged functions, 20 unjudged ones and 10 to validate; and its judgements."""
    for split, count in (("labelled", 40), ("unlabelled", 20), ("valid", 10)):
        rows = (
            {"id": f"{split}-{at}", "label": ("quiet", "loud")[at % 2] if split == "valid" else None}
            | {"func": f"def f{at}():\n    {'shout' if at % 2 else 'whisper'}({at % 5})"}
            for at in range(count)
        )
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = "\n".join(
        f'{split} = {{ path = "{split}.jsonl", id = "id" }}' for split in ("labelled", "unlabelled", "valid")
    )
    (tmp_path / "recipe.toml").write_text(
        '[task]\nname = "noise"\nunit = "function"\nlabels = ["quiet", "loud"]\npositive = "loud"\n'
        f'[data]\n{sources}\n[teacher]\nkind = "judgements"\npath = "judgements.jsonl"\n'
        '[search]\nstrategy = "fixed"\n[student]\nhidden_size = 16\nnum_attention_heads = 4\nmax_sequence_length = 32\n'
        '[distil]\ntrain_on = ["labelled", "unlabelled"]\nepochs = 2\n'
    )
    return tmp_path, [{"id": f"labelled-{at}", "label": ("quiet", "loud")[at % 2]} for at in range(40)]


def write(folder, rows):
    (folder / "judgements.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_what_was_learnt_and_how_far_it_is_right_is_said_with_an_interval():
    judges, answered, agreement = spread_lines(SPREAD)
    assert judges == "judges agree with each other in 0.86 of 1,000 pairs of sure judgements"
    assert "learnt 1,566 sure judgements answer 434 of 2,000 items of labelled, 4,000 of 4,000" in answered
    assert agreement.endswith("in 0.94 [0.93, 0.95], the commonest answer in 0.29")
    assert spread_warnings(SPREAD, left_out=[]) == []


def test_words_that_know_no_more_than_the_commonest_answer_are_warned_of():
    poor = Spread(100, 52, 50, 100, (0, 0), 1.0, {"unlabelled": (10, 10)})
    assert len(spread_lines(poor)) == 2
    (warning,) = spread_warnings(poor, left_out=[])
    assert "agree with the judgements in 0.520, the commonest answer in 0.500" in warning


def test_a_run_spreads_judgements_once_and_warns_of_those_it_does_not_learn(judged):
    folder, rows = judged
    write(folder, rows)
    args = ("compress", folder / "recipe.toml", "--out", folder / "run")
    said = remarks(*args)
    assert "spread: words that learnt 40 sure judgements answer 0 of 40 items of labelled, 20 of 20" in said
    assert "teacher on valid: accuracy 1.00" in said  # by words, which never saw it
    logits = np.load(folder / "run" / "logits-unlabelled.npz")["logits"]
    assert (logits.argmax(axis=1) == np.arange(20) % 2).all()
    before = (folder / "run" / "spread.json").read_bytes()
    run(*args)
    assert (folder / "run" / "spread.json").read_bytes() == before
    said = remarks("label", *args[1:3], folder / "other", "--set", "distil.train_on=['unlabelled']")
    assert "warning: labelled is judged, and the student does not learn from it: add 'labelled'" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('{"id": "labelled-0", "label": "quiet"', "judgements.jsonl, line 41: not JSON"),
        ('{"id": "labelled-0", "label": "shrill"}', "line 41: label 'shrill' is none of quiet, loud"),
        ('{"id": "labelled-99", "label": "loud"}', "line 41: id 'labelled-99' is of no item"),
        ('{"id": "labelled-0", "probabilities": {"quiet": 0.9, "loud": 0.9}}', "line 41: probabilities sum to 1.8"),
    ],
)
def test_a_line_that_is_no_judgement_ends_the_run_with_its_place(judged, capsys, change, said):
    folder, rows = judged
    write(folder, rows)
    with (folder / "judgements.jsonl").open("a") as stream:
        stream.write(change + "\n")
    assert said in fails(capsys, "compress", folder / "recipe.toml", "--out", folder / "run")


def test_judgements_without_a_sure_answer_end_the_run(judged, capsys):
    folder, rows = judged
    write(folder, [row | {"label": "unsure"} for row in rows])
    assert "0 of 40 judged items have a sure answer" in fails(
        capsys, "compress", folder / "recipe.toml", "--out", folder / "run"
    )
