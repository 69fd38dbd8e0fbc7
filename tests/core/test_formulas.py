"""The papers' formulas give the papers' figures; the honest ones equal a counted model."""

import numpy as np
import pytest

from codewren.bundle.tensors import parameter_count
from codewren.core.formulas import (
    first_token_layer_flops,
    papers_flops,
    papers_parameters,
    papers_size_bytes,
    plain_flops,
    student_flops,
)
from codewren.core.student_config import PositionType, StudentConfig
from codewren.core.task import CLONE, VULNERABILITY


def shape(hidden, layers, vocab, inner):
    return {"hidden_size": hidden, "num_hidden_layers": layers, "vocab_size": vocab, "intermediate_size": inner}


TEACHER = shape(768, 12, 50265, 3072)


def test_teacher_has_the_parameters_both_papers_start_from():
    assert papers_parameters(**TEACHER) == 125_237_762
    assert papers_size_bytes(**TEACHER) / 1e6 == pytest.approx(500.95, abs=0.005)


@pytest.mark.parametrize(
    ("published", "heads", "megabytes", "gflops"),
    [
        (shape(96, 12, 1000, 64), 8, 3.0616, 2.2532),
        (shape(432, 6, 1000, 128), 16, 24.788, 9.180),
        (shape(480, 6, 6000, 576), 16, 49.870, 15.896),
        (shape(320, 12, 2000, 32), 8, 24.83, 10.60),
        (shape(448, 12, 1000, 160), 8, 49.95, 18.58),
        (shape(96, 12, 1000, 32), 8, 2.765, 2.176),
        (shape(16, 6, 13000, 2656), 8, 2.999, 1.056),
        (shape(128, 1, 1000, 1728), 4, 2.953, 0.895),
        (shape(16, 1, 44000, 864), 2, 2.970, 0.789),
        (shape(24, 1, 27505, 1508), 2, 3.001, 0.807),
    ],
)
def test_published_architectures_have_their_published_size_and_gflops(published, heads, megabytes, gflops):
    digits = len(str(megabytes).split(".")[1])
    assert round(papers_size_bytes(**published) / 1e6, digits) == megabytes
    flops = papers_flops(**published, num_attention_heads=heads)
    assert round(flops / 1e9, len(str(gflops).split(".")[1])) == gflops


@pytest.mark.parametrize(
    ("published", "heads", "length", "gflops", "plain"),
    [
        (TEACHER, 12, 400, 105.89, 73.85),
        (shape(96, 12, 1000, 64), 8, 400, 1.491, 1.209),
        (shape(24, 1, 27505, 1508), 2, 400, 0.620, 0.075),
        (shape(18, 7, 19302, 1491), 6, 351, 0.667, 0.332),
    ],
)
def test_formula_at_the_real_length_and_the_true_products(published, heads, length, gflops, plain):
    flops = papers_flops(**published, num_attention_heads=heads, length=length)
    assert flops / 1e9 == pytest.approx(gflops, abs=0.006)
    sizes = {name: published[name] for name in ("hidden_size", "num_hidden_layers", "intermediate_size")}
    assert plain_flops(**sizes, tokens=length) / 1e9 == pytest.approx(plain, abs=0.005)


@pytest.mark.parametrize(
    ("published", "heads", "length", "megabytes", "gflops"),
    [
        (shape(18, 7, 19302, 1491), 6, 351, 3.004, 0.667),
        (shape(24, 1, 27505, 1508), 2, 2 * 512, 3.050, 1.693),
        (shape(36, 3, 27505, 1508), 12, 2 * 358, 5.46, 2.383),
        (shape(36, 3, 1606, 2985), 12, 2 * 358, 3.027, 1.533),
    ],
)
def test_picked_configurations_of_the_second_paper(published, heads, length, megabytes, gflops):
    assert papers_size_bytes(**published, length=length) / 1e6 == pytest.approx(megabytes, abs=0.005)
    assert papers_flops(**published, num_attention_heads=heads, length=length) / 1e9 == pytest.approx(gflops, abs=5e-4)


@pytest.mark.parametrize(("task", "real"), [(VULNERABILITY, 756_098), (CLONE, 774_626 - 9_312)])
def test_honest_count_is_the_released_student_without_its_unused_pooler(task, real):
    config = StudentConfig(num_hidden_layers=12, max_sequence_length=514)
    assert parameter_count(config, task) == real


def test_formulas_accept_arrays():
    hidden = np.array([96, 432])
    sizes = papers_size_bytes(
        hidden_size=hidden,
        num_hidden_layers=np.array([12, 6]),
        vocab_size=1000,
        intermediate_size=np.array([64, 128]),
    )
    assert sizes.tolist() == [3_061_640, papers_size_bytes(**shape(432, 6, 1000, 128))]


def products_of_a_first_token_layer(torch, *, tokens, hidden, inner, heads):
    """The last layer as it ships, written out with matrix products only."""
    x, square = torch.randn(tokens, hidden), torch.randn(hidden, hidden)
    key = torch.randn(heads, hidden // heads, hidden)
    query = (x[:1] @ square).reshape(heads, 1, hidden // heads)
    scores = (query @ key)[:, 0] @ x.T
    mixed = (scores @ x).reshape(heads, hidden, 1)
    value = (key @ mixed).reshape(1, hidden)
    attended = value @ square
    return attended @ torch.randn(hidden, inner) @ torch.randn(inner, hidden)


def test_first_token_layer_equals_counted_products():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        products_of_a_first_token_layer(torch, tokens=40, hidden=24, inner=20, heads=4)
    formula = first_token_layer_flops(hidden_size=24, intermediate_size=20, num_attention_heads=4, tokens=40)
    assert formula == counter.get_total_flops()


def test_one_layer_student_is_linear_in_length_and_free_of_vocabulary():
    config = StudentConfig(num_hidden_layers=1, hidden_size=64, vocab_size=1000)
    cost = [student_flops(config, VULNERABILITY, tokens=tokens) for tokens in (100, 200, 300)]
    assert cost[2] - cost[1] == cost[1] - cost[0] == 4 * 8 * 100 * 64
    assert student_flops(config.replace(vocab_size=9000), VULNERABILITY, tokens=100) == cost[0]


def test_a_pair_costs_two_functions_and_a_wider_head():
    config = StudentConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2)
    one, two = student_flops(config, VULNERABILITY), student_flops(config, CLONE)
    head = 2 * 32 * 32 + 2 * 32 * 2
    assert two - 2 * (one - head) == head + 2 * 32 * 32


def test_nodes_cost_as_much_as_tokens_but_for_their_distance():
    config = StudentConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, max_sequence_length=50)
    longer = student_flops(config.replace(max_sequence_length=58), VULNERABILITY)
    assert student_flops(config.replace(max_data_flow=8), VULNERABILITY) == longer
    relative = config.replace(position_embedding_type=PositionType.RELATIVE_KEY)
    distances = student_flops(relative, VULNERABILITY) - student_flops(config, VULNERABILITY)
    with_nodes = relative.replace(max_data_flow=8)
    assert student_flops(with_nodes, VULNERABILITY) == longer + distances


def test_relative_positions_cost_a_product_per_pair_of_tokens_and_term():
    config = StudentConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, max_sequence_length=50)
    costs = [student_flops(config.replace(position_embedding_type=kind), VULNERABILITY) for kind in PositionType]
    assert costs[1] - costs[0] == costs[2] - costs[1] == 2 * 32 * (50 * 50 + 50)
