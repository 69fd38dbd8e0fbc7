"""CodeBERT's architecture: its size and work are the papers'."""

import pytest
import torch

from codewren.core.dataset import Dataset
from codewren.core.formulas import papers_parameters, plain_flops
from codewren.core.task import CLONE, VULNERABILITY
from codewren.train.teachers import original
from codewren.train.teachers.fresh_process_teacher import dataset_of
from codewren.train.teachers.original import Original, counted_flops

SMALL = {"HIDDEN": 24, "LAYERS": 2, "VOCABULARY": 90, "INTERMEDIATE": 48, "HEADS": 2}


@pytest.fixture
def small(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setattr(original, name, value)


def test_its_constants_are_those_of_the_papers_teacher():
    sizes = {"vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072}
    assert papers_parameters(**sizes) == 125_237_762  # SPEC 1.3
    assert tuple(sizes.values()) == (original.VOCABULARY, original.HIDDEN, original.LAYERS, original.INTERMEDIATE)
    assert (original.HEADS, original.POSITIONS, original.PADDED_TOKENS) == (12, 514, 400)


def test_its_parameters_are_the_papers_formula_but_for_the_pooler(small):
    made = Original.random(VULNERABILITY, padded=True)
    formula = papers_parameters(vocab_size=90, hidden_size=24, num_hidden_layers=2, intermediate_size=48)
    # The formula has a pooler and a dense layer of H x H + H each; the classification model has no pooler.
    assert made.parameters == formula - (24 * 24 + 24)


@pytest.mark.parametrize("lengths", [[[7]], [[7], [20]]])
def test_torch_counts_the_closed_form_fused_attention_included(small, lengths):
    made = Original.random(VULNERABILITY, padded=False)
    longest = max(length for item in lengths for length in item)
    encoder = plain_flops(hidden_size=24, num_hidden_layers=2, intermediate_size=48, tokens=longest)
    head = 2 * 24 * 24 + 2 * 24 * 2
    assert counted_flops(lambda: made.logits(lengths)) == len(lengths) * (encoder + head)


def test_padding_costs_all_tokens_and_a_pair_is_two_functions(small):
    made = Original.random(CLONE, padded=True)
    encoder = plain_flops(hidden_size=24, num_hidden_layers=2, intermediate_size=48, tokens=400)
    head = 2 * 48 * 24 + 2 * 24 * 2
    assert counted_flops(lambda: made.logits([[7, 9]])) == 2 * encoder + head
    assert made.logits([[7, 9], [3, 4]]).shape == (2, 2)


def test_weights_are_the_same_in_every_process(small):
    first, second = (Original.random(VULNERABILITY, padded=False).logits([[9], [500]]) for _ in range(2))
    assert torch.equal(first, second)


def test_items_without_labels_are_a_data_set_with_each_function_once():
    found = dataset_of(CLONE, [("a", "b"), ("b", "c"), ("a", "a")])
    assert isinstance(found, Dataset)
    assert found.functions == ("a", "b", "c")
    assert found.sources() == [("a", "b"), ("b", "c"), ("a", "a")]
