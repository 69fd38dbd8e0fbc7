"""After labelling the run says what the teacher is worth, and whether it was fed what it was trained on."""

import json

import numpy as np
import pytest
import torch
from transformers import (
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from codewren.compress.run import Run
from codewren.compress.stage_label import label_splits
from codewren.core.recipe import Recipe
from codewren.core.run_folder import TEACHER_CHECK

ITEMS = 60


@pytest.fixture
def layout_task(tmp_path):
    """Functions whose label is a line feed, and a classifier that answers by it: raw text right, collapsed wrong."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

    for split in ("unlabelled", "valid"):
        rows = [
            {"func": f"int f{i}(){{{chr(10) if i % 2 else ' '}return {i}; }}", "label": i % 2} for i in range(ITEMS)
        ]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "\n": 4}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\n"), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(tmp_path / "model")
    config = RobertaConfig(
        vocab_size=5, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )
    torch.manual_seed(0)
    model = RobertaForSequenceClassification(config)
    _answer_by_line_feed(model)
    model.save_pretrained(tmp_path / "model")
    return tmp_path


def _answer_by_line_feed(model: RobertaForSequenceClassification) -> None:
    ids = torch.tensor([[0, 3, 2, 1, 1], [0, 3, 4, 3, 2]])
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(ids, attention_mask=(ids != 1).long()).logits, torch.arange(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def run_of(folder, out="out", **teacher) -> Run:
    raw = {
        "task": {"name": "vulnerability"},
        "data": {split: {"path": f"{split}.jsonl"} for split in ("unlabelled", "valid")},
        "teacher": {"path": "model", "max_sequence_length": 64, **teacher},
    }
    return Run(Recipe.from_dict(raw, folder), folder / out)


def test_each_labelled_split_has_one_line(layout_task, capsys):
    label_splits(run_of(layout_task))
    said = capsys.readouterr().err.splitlines()
    assert "teacher on valid: accuracy 1.00, majority 0.50" in said
    assert "teacher on unlabelled: accuracy 1.00, majority 0.50" in said
    assert not [line for line in said if line.startswith("warning")]


def test_a_teacher_fed_in_another_text_form_is_told(layout_task, capsys):
    run = run_of(layout_task, whitespace="collapsed")
    for _ in range(2):  # the second time from what the first one kept
        label_splits(run)
        said = capsys.readouterr().err
        assert "teacher on valid: accuracy 0.50, majority 0.50" in said
        assert (
            'better on 60 labelled items: 1.00 against 0.50; feed what it was trained on: teacher.whitespace = "raw"'
            in said
        )
    kept = json.loads(run.path(TEACHER_CHECK).read_text())
    assert kept["form"]["accuracy_other"] == 1.0
    assert len(kept["warnings"]) == 3  # both splits at chance, and the form


@pytest.mark.parametrize("broken", ["exchanged columns", "rows in another order"])
def test_logits_that_do_not_belong_to_the_items_are_doubted(layout_task, capsys, broken):
    labels = np.arange(ITEMS) % 2
    logits = np.stack([1.0 - 2 * labels, labels], axis=1).astype(np.float32)
    logits = logits[:, ::-1] if broken == "exchanged columns" else np.random.default_rng(0).permutation(logits)
    np.save(layout_task / "l.npy", logits)
    label_splits(run_of(layout_task, kind="logits", path="l.npy"))
    assert "warning: on unlabelled the teacher finds" in capsys.readouterr().err


def test_a_teacher_that_knows_the_labels_is_not_doubted(layout_task, capsys):
    labels = np.arange(ITEMS) % 2
    np.save(layout_task / "l.npy", np.stack([-labels, labels], axis=1).astype(np.float32))
    label_splits(run_of(layout_task, kind="logits", path="l.npy"))
    assert capsys.readouterr().err == "teacher on unlabelled: accuracy 1.00, majority 0.50\n"
