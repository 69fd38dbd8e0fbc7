"""The student against transformers' RoBERTa and against a plain attention written out in full."""

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from codewren.bundle.tensors import parameter_count, tensor_shapes
from codewren.core.student_config import Activation, PairHead, PositionType, StudentConfig
from codewren.core.task import CLONE, VULNERABILITY
from codewren.train.student import LAYER_NORM_EPS, Attention, Packing, Student

CONFIG = StudentConfig(vocab_size=50, num_hidden_layers=2, hidden_size=24, intermediate_size=20, num_attention_heads=3)
LENGTHS = torch.tensor([5, 1, 9])


def student(config=CONFIG, task=VULNERABILITY):
    model = Student(config, task, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():  # biases and gains away from 0 and 1, so that dropping one shows
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model


def ids(config=CONFIG):
    return torch.randint(0, config.vocab_size, (int(LENGTHS.sum()),), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("narrow", [0, 7])
@pytest.mark.parametrize("task", [VULNERABILITY, CLONE])
@pytest.mark.parametrize("positions", PositionType)
def test_state_has_the_names_and_shapes_of_the_bundle(positions, task, narrow):
    config = CONFIG.replace(position_embedding_type=positions, embedding_size=narrow)
    model = student(config, task)
    assert {name: tuple(t.shape) for name, t in model.state_dict().items()} == tensor_shapes(config, task)
    assert sum(p.numel() for p in model.parameters()) == parameter_count(config, task)


@pytest.mark.parametrize("act", Activation)
def test_absolute_student_equals_transformers_roberta(act):
    from transformers import RobertaConfig, RobertaModel

    config = CONFIG.replace(hidden_act=act)
    model = student(config)
    theirs = RobertaModel(
        RobertaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=config.num_attention_heads,
            intermediate_size=config.intermediate_size,
            hidden_act=str(act),
            max_position_embeddings=config.max_sequence_length + 2,
            type_vocab_size=1,
            layer_norm_eps=LAYER_NORM_EPS,
            pad_token_id=1,
            attn_implementation="eager",
        ),
        add_pooling_layer=False,
    ).eval()
    theirs.load_state_dict(as_roberta(model, theirs.state_dict()))
    packed = ids()
    start = 0
    for index, length in enumerate(LENGTHS):
        one = packed[start : start + length][None]
        start += length
        positions = torch.arange(int(length))[None] + 2
        with torch.no_grad():
            want = theirs(one, attention_mask=torch.ones_like(one), position_ids=positions).last_hidden_state[0, 0]
            got = model.encode(packed, LENGTHS)[index]
        assert torch.allclose(got, want, atol=2e-5)


def test_factorised_student_is_a_plain_one_with_the_product_as_its_word_table():
    narrow, plain = student(CONFIG.replace(embedding_size=7)), student()
    state = narrow.state_dict()
    projection = state.pop("embeddings.projection")
    state["embeddings.word"] = torch.stack([projection @ row for row in state["embeddings.word"]])
    plain.load_state_dict(state)
    with torch.no_grad():
        got, want = narrow.encode(ids(), LENGTHS), plain.encode(ids(), LENGTHS)
    assert torch.allclose(got, want, atol=1e-5)


def test_word_vectors_start_with_the_same_spread_factorised_or_not():
    for narrow in (16, 64):
        model = Student(StudentConfig(embedding_size=narrow), VULNERABILITY, seed=0)
        words = model.embeddings.word @ model.embeddings.projection.T
        assert words.std().item() == pytest.approx(0.02, rel=0.1)


def test_initializer_range_scales_the_same_first_weights_and_leaves_biases_and_gains():
    narrow = Student(CONFIG, VULNERABILITY, seed=1).state_dict()
    wide = Student(CONFIG, VULNERABILITY, seed=1, initializer_range=0.1).state_dict()
    for name, weights in narrow.items():
        same = "norm." in name or name.endswith("bias")
        torch.testing.assert_close(wide[name], weights if same else 5 * weights)


def as_roberta(model, template):
    ours = model.state_dict()
    names = {
        "embeddings.word_embeddings.weight": ours["embeddings.word"],
        "embeddings.token_type_embeddings.weight": ours["embeddings.token_type"][None],
        "embeddings.LayerNorm.weight": ours["embeddings.norm.weight"],
        "embeddings.LayerNorm.bias": ours["embeddings.norm.bias"],
    }
    position = torch.zeros_like(template["embeddings.position_embeddings.weight"])
    position[2:] = ours["embeddings.position"]
    names["embeddings.position_embeddings.weight"] = position
    parts = {
        "attention.self.query": "attention.query",
        "attention.self.key": "attention.key",
        "attention.self.value": "attention.value",
        "attention.output.dense": "attention.output",
        "attention.output.LayerNorm": "attention.norm",
        "intermediate.dense": "intermediate",
        "output.dense": "output",
        "output.LayerNorm": "norm",
    }
    for layer in range(CONFIG.num_hidden_layers):
        for theirs, mine in parts.items():
            for kind in ("weight", "bias"):
                names[f"encoder.layer.{layer}.{theirs}.{kind}"] = ours[f"layers.{layer}.{mine}.{kind}"]
    return {**{k: v for k, v in template.items() if k not in names}, **names}


def plain_attention(attention: Attention, x_TH, table_row):
    """All queries, all keys, one loop a pair: slow, obvious."""
    length, heads, size = len(x_TH), attention.heads, attention.head_size
    q, k, v = (part(x_TH).view(length, heads, size) for part in (attention.query, attention.key, attention.value))
    score = torch.zeros(heads, length, length)
    for a in range(heads):
        for i in range(length):
            for j in range(length):
                value = q[i, a] @ k[j, a]
                if attention.distance is not None:
                    row = attention.distance[table_row(i, j)]
                    value = value + q[i, a] @ row
                    if attention.kind is PositionType.RELATIVE_KEY_QUERY:
                        value = value + k[j, a] @ row
                score[a, i, j] = value / math.sqrt(size)
    mixed = torch.einsum("aij,jad->iad", score.softmax(-1), v).reshape(length, -1)
    return attention.norm(x_TH + attention.output(mixed))


@pytest.mark.parametrize("positions", PositionType)
def test_both_attention_forms_equal_the_plain_one(positions):
    config = CONFIG.replace(position_embedding_type=positions, max_sequence_length=12)
    model = student(config)
    x = torch.randn(int(LENGTHS.sum()), config.hidden_size, generator=torch.Generator().manual_seed(4))
    packing = Packing(LENGTHS)
    full, last = model.layers[0].attention, model.layers[1].attention
    with torch.no_grad():
        every, firsts = full.all_tokens(x, packing), last.first_token(x, packing)
        for index, (x_TH, got) in enumerate(zip(x.split(LENGTHS.tolist()), every.split(LENGTHS.tolist()), strict=True)):
            want = plain_attention(full, x_TH, lambda i, j: i - j + config.max_sequence_length - 1)
            assert torch.allclose(got, want, atol=2e-5)
            want = plain_attention(last, x_TH, lambda i, j: j)[0] if positions is PositionType.ABSOLUTE else None
            if want is None:  # the last table is indexed by the key alone, so only its query 0 has a meaning
                want = plain_attention(last, x_TH, lambda i, j: j)[0]
            assert torch.allclose(firsts[index], want, atol=2e-5)


@pytest.mark.parametrize("positions", PositionType)
def test_a_function_does_not_see_the_others_in_its_batch(positions):
    model = student(CONFIG.replace(position_embedding_type=positions))
    packed = ids()
    with torch.no_grad():
        together = model.encode(packed, LENGTHS)
        alone = [model.encode(part, torch.tensor([len(part)]))[0] for part in packed.split(LENGTHS.tolist())]
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)


def test_symmetric_head_ignores_the_order_of_a_pair_and_concat_does_not():
    items = torch.tensor([[0, 2], [2, 0]])
    for head, same in ((PairHead.SYMMETRIC, True), (PairHead.CONCAT, False)):
        model = student(CONFIG.replace(pair_head=head), CLONE)
        with torch.no_grad():
            first, second = model(ids(), LENGTHS, items)
        assert torch.allclose(first, second, atol=1e-6) is same


def test_first_token_form_is_an_order_cheaper_than_all_tokens():
    """Counted, not timed: O(T·H) against O(T·H²)."""
    config = CONFIG.replace(hidden_size=96, num_attention_heads=4)
    attention = student(config).layers[1].attention
    packing = Packing(torch.tensor([300]))
    x = torch.randn(300, 96)
    counts = []
    for form in (attention.first_token, attention.all_tokens):
        with FlopCounterMode(display=False) as counter:
            form(x, packing)
        counts.append(counter.get_total_flops())
    assert counts[0] * 20 < counts[1]
