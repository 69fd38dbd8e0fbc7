"""Published figures agree with what the formulas and the configurations say."""

import pytest

from codewren.core.formulas import papers_flops, papers_parameters, papers_size_bytes
from codewren.report.published_figures import PUBLISHED_ROWS, published_rows
from published_configs import PUBLISHED

SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size")
ROBERTA_BASE = {"vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072}


@pytest.mark.parametrize(
    ("model", "shape", "heads"),
    [
        ("Compressor 3 MB", PUBLISHED["compressor-3mb"], 8),
        ("Avatar, version 1", PUBLISHED["avatar-v1"], 2),
        ("CodeBERT teacher", ROBERTA_BASE, 12),
    ],
)
def test_sizes_and_gflops_are_those_of_the_papers_formulas(model, shape, heads):
    sizes = {name: shape[name] for name in SIZES}
    rows = [row for row in PUBLISHED_ROWS if row.model == model]
    assert len(rows) == 2
    for row in rows:
        assert row.size_mb == pytest.approx(papers_size_bytes(**sizes) / 1e6, rel=2e-3)
        assert row.gflops == pytest.approx(papers_flops(**sizes, num_attention_heads=heads) / 1e9, rel=3e-3)
    assert papers_parameters(**ROBERTA_BASE) == 125_237_762


def test_only_the_papers_data_sets_have_published_rows_and_each_names_its_source():
    assert published_rows("ReVeal") == published_rows("") == ()
    for dataset in ("Devign", "BigCloneBench"):
        models = [row.model for row in published_rows(dataset)]
        assert {"CodeBERT teacher", "BiLSTM", "Compressor 3 MB", "Avatar"} <= set(models)
    assert all(row.source for row in PUBLISHED_ROWS)
