"""The core's forward and backward of a one-layer student against torch's autograd."""

from dataclasses import replace

import pytest
import torch

from codewren import _native
from codewren.core.student_config import PositionType, StudentConfig
from codewren.core.task import CLONE
from codewren.train.first_token import Settings, Tables, first_token
from codewren.train.student import Student

LENGTHS = torch.tensor([5, 1, 90, 33, 2, 40])
ITEMS = torch.tensor([[0, 1], [2, 3], [4, 5], [2, 0]])


def student(**changes):
    config = StudentConfig(
        vocab_size=70, hidden_size=24, num_attention_heads=3, intermediate_size=20, max_sequence_length=90
    ).replace(**changes)
    model = Student(config, CLONE, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model


def ids(vocab_size):
    return torch.randint(0, vocab_size, (int(LENGTHS.sum()),), generator=torch.Generator().manual_seed(3))


def logits_and_gradients(model, in_core):
    model.in_core = in_core
    model.zero_grad()
    logits = model(ids(70), LENGTHS, ITEMS)
    (logits * torch.arange(8).view(4, 2)).sum().backward()
    return logits.detach(), {name: parameter.grad for name, parameter in model.named_parameters()}


def assert_equal(found, wanted):
    largest = max(float(gradient.abs().max()) for gradient in wanted.values() if gradient is not None)
    for name, gradient in wanted.items():
        assert found[name] is not None or gradient is None, name
        if gradient is not None:
            assert float((found[name] - gradient).abs().max()) <= 1e-5 * max(1, largest), name


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("narrow", [0, 7])
@pytest.mark.parametrize("positions", ["absolute", "relative_key"])
@pytest.mark.parametrize("sizes", [(24, 3), (128, 8), (20, 20), (33, 1)])
def test_logits_and_gradients_are_those_of_autograd(positions, narrow, sizes, threads):
    model = student(
        position_embedding_type=PositionType(positions),
        embedding_size=narrow,
        hidden_size=sizes[0],
        num_attention_heads=sizes[1],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        logits, gradients = logits_and_gradients(model, in_core=True)
    finally:
        torch.set_num_threads(before)
    wanted, theirs = logits_and_gradients(model, in_core=False)
    assert torch.allclose(logits, wanted, atol=1e-5, rtol=1e-5)
    assert_equal(gradients, theirs)


@pytest.mark.parametrize("target", ["", "generic"])
def test_gradients_under_dropout_are_those_of_the_same_dropped_numbers(target, monkeypatch):
    hidden, heads, count = 16, 2, len(LENGTHS)
    generator = torch.Generator().manual_seed(0)
    tables = [torch.randn(shape, generator=generator) * 0.5 for shape in ((70, 16), (90, 16), (16,), (16,))]
    query = [torch.randn(shape, generator=generator) * 0.3 for shape in ((16, 16), (16,), (16, 16))]
    if target:
        made = _native.TrainingBatch
        monkeypatch.setattr(_native, "TrainingBatch", lambda *a, **k: made(*a, **k, target=target))
    settings = Settings(heads=heads, hidden_dropout=0.3, weight_dropout=0.4, seed=11)
    token_ids = ids(70)
    starts = torch.cat([torch.zeros(1, dtype=torch.long), LENGTHS.cumsum(0)])

    def ours(word, position, gain, shift, wq, bq, wk):
        return first_token(Tables(word, position, gain, shift, wq, bq, wk), token_ids, LENGTHS, settings)

    rows_kept, weights_kept = kept_rows_and_weights(settings, token_ids, hidden)

    def theirs(word, position, gain, shift, wq, bq, wk):
        out = []
        for b in range(count):
            length = int(LENGTHS[b])
            z = word[token_ids[starts[b] : starts[b + 1]]] + position[:length]
            x = torch.nn.functional.layer_norm(z, (hidden,), gain, shift, 1e-5) * rows_kept[b]
            q = (x[0] @ wq.T + bq).view(heads, -1)
            u = torch.einsum("ad,adh->ah", q, wk.view(heads, -1, hidden))
            w = ((x @ u.T) / (hidden // heads) ** 0.5).softmax(0) * weights_kept[b]
            out.append((x[0], w.T @ x, w.sum(0)))
        return tuple(torch.stack(each) for each in zip(*out, strict=True))

    results = []
    for function in (ours, theirs):
        leaves = [tensor.clone().requires_grad_() for tensor in (*tables, *query)]
        outputs = function(*leaves)
        sum((out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum() for out in outputs).backward()
        results.append(([out.detach() for out in outputs], [leaf.grad for leaf in leaves]))
    for mine, want in zip(results[0][0] + results[0][1], results[1][0] + results[1][1], strict=True):
        assert float((mine - want).abs().max()) <= 1e-5 * max(1.0, float(want.abs().max()))
    shares = [1 - (torch.cat(kept) > 0).float().mean() for kept in (rows_kept, weights_kept)]
    assert abs(float(shares[0]) - 0.3) < 0.03
    assert abs(float(shares[1]) - 0.4) < 0.1


def kept_rows_and_weights(settings, token_ids, hidden):
    """What dropout keeps, as factors: of each function's rows (T, H) and of its weights (T, A).

    Where only one token's row is not zero, and all softmax weights are equal, the sum of the rows shows what is kept.
    """
    zeros, longest = torch.zeros(hidden, hidden), int(LENGTHS.max())
    word = torch.stack([torch.zeros(hidden), torch.arange(hidden) - (hidden - 1) / 2])
    normal = torch.nn.functional.layer_norm(word[1], (hidden,), eps=1e-5)
    tables = Tables(word, torch.zeros(1, hidden), 1 / normal, torch.zeros(hidden), zeros, torch.zeros(hidden), zeros)
    starts = LENGTHS.cumsum(0) - LENGTHS
    rows = [torch.zeros(int(length), hidden) for length in LENGTHS]
    weights = [torch.zeros(int(length), settings.heads) for length in LENGTHS]
    for t in range(longest):
        shown = torch.zeros_like(token_ids)
        shown[(starts + t)[t < LENGTHS]] = 1
        of_rows = first_token(tables, shown, LENGTHS, replace(settings, weight_dropout=0.0))[1]
        of_weights = first_token(tables, shown, LENGTHS, replace(settings, hidden_dropout=0.0))[1]
        for b in torch.nonzero(t < LENGTHS).flatten().tolist():
            rows[b][t] = of_rows[b, 0] * LENGTHS[b]
            weights[b][t] = of_weights[b, :, 0] * LENGTHS[b]
    return rows, weights


def test_dropout_changes_with_the_seed_and_repeats_with_it():
    model = student()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(model(ids(70), LENGTHS, ITEMS).detach())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ids": torch.tensor([0, 70])}, "an id is out of range"),
        ({"ids": torch.tensor([0, -1])}, "an id is out of range"),
        ({"lengths": torch.tensor([3])}, "lengths do not add up"),
        ({"lengths": torch.tensor([1])}, "lengths do not add up"),
        ({"lengths": torch.tensor([0, 2])}, "lengths do not add up"),
        ({"position": torch.zeros(3, 5)}, "not as wide as the gain"),
        ({"hidden_dropout": 1.0}, "chance of dropout"),
        ({"heads": 3}, "no multiple of the heads"),
    ],
)
def test_what_does_not_fit_is_refused(changes, said):
    tensors = {
        "word": torch.zeros(70, 4),
        "position": torch.zeros(9, 4),
        "gain": torch.ones(4),
        "shift": torch.zeros(4),
        "ids": torch.tensor([0, 1]),
        "lengths": torch.tensor([2]),
    }
    settings = {"heads": 2, "hidden_dropout": 0.0, "weight_dropout": 0.0, "seed": 0, "threads": 1}
    arrays = [changes.get(name, tensor).numpy() for name, tensor in tensors.items()]
    settings |= {name: value for name, value in changes.items() if name in settings}
    with pytest.raises(ValueError, match=said):
        _native.TrainingBatch(*arrays, **settings)
