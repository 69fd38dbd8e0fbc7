"""Training, cutting, keeping and importing tokenizers; the oracle is the training library itself."""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import tokenizer_specs
from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec, byte_alphabet
from codewren.core.errors import InputError
from codewren.core.student_config import TokenizerKind
from codewren.train.tokenizer_training import (
    Encoder,
    characters_read,
    cut,
    encode_batch,
    encoder,
    import_tokenizers_json,
    train_tokenizer,
)
from codewren.train.tokenizers_json import spec_from_tokenizers
from codewren.train.unigram import train_unigram
from tokenizer_specs import AWKWARD, KINDS, functions_of, python_functions, small_spec

BPE, WORDPIECE, UNIGRAM, WORD = KINDS
PAPER_NORMALIZER = [normalizers.Lowercase(), normalizers.NFKD(), normalizers.Strip(), normalizers.StripAccents()]


def as_the_paper_trains(kind: TokenizerKind, texts: list[str], size: int) -> Tokenizer:
    """The second paper's four tokenizers, written down from SPEC 2.7 and nothing else."""
    special = list(SPECIAL_TOKENS)
    options = {"vocab_size": size, "special_tokens": special, "show_progress": False}
    digits = [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]
    model, before, trainer = {
        BPE: lambda: (
            models.BPE(unk_token="<unk>"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
            trainers.BpeTrainer(initial_alphabet=list(byte_alphabet()), **options),
        ),
        WORDPIECE: lambda: (
            models.WordPiece(unk_token="<unk>"),
            pre_tokenizers.Whitespace(),
            trainers.WordPieceTrainer(**options),
        ),
        UNIGRAM: lambda: (
            models.Unigram(),
            pre_tokenizers.Metaspace(),
            trainers.UnigramTrainer(unk_token="<unk>", **options),
        ),
        WORD: lambda: (
            models.WordLevel(unk_token="<unk>"),
            pre_tokenizers.Sequence(digits),
            trainers.WordLevelTrainer(**options),
        ),
    }[kind]()
    tokenizer = Tokenizer(model)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Sequence(PAPER_NORMALIZER), before
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


@pytest.fixture(scope="module")
def collapsed() -> list[str]:
    return [" ".join(code.split()) for code in (*python_functions()[:150], *AWKWARD[:3])]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_gives_the_ids_of_the_tokenizer_it_was_made_from(kind: TokenizerKind, collapsed: list[str]) -> None:
    trained = as_the_paper_trains(kind, collapsed, 700)
    spec = spec_from_tokenizers(json.loads(trained.to_str()), source="trained", add_special_tokens=False)
    texts = [" ".join(text.split()) for text in (*python_functions(), *AWKWARD) if "<s>" not in text]
    assert encode_batch(spec, texts, 10**9) == [trained.encode(text).ids for text in texts]


@pytest.mark.parametrize("kind", [BPE, WORD])
def test_our_training_is_the_papers(kind: TokenizerKind, collapsed: list[str]) -> None:
    trained = as_the_paper_trains(kind, collapsed, 700)
    vocab = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    assert small_spec(kind, "avatar").vocab == tuple(token for token, _ in vocab)


def test_compressor_settings_find_nearly_the_published_vocabulary_on_another_half_of_devign(shared: Path) -> None:
    published = import_tokenizers_json(shared / "reference" / "bpe_1000_vulnerability.json")
    functions = functions_of(shared / "data/devign/valid.jsonl.xz")[:1000]
    ours = train_tokenizer(BPE, 1000, functions, mode="compressor")
    assert len(set(ours.vocab) & set(published.vocab)) >= 900
    assert (ours.lowercase, ours.nfkd, ours.add_prefix_space) == (published.lowercase, published.nfkd, True)


@pytest.mark.parametrize("task", ["clone", "vulnerability"])
def test_an_imported_published_tokenizer_gives_its_own_ids(task: str, shared: Path) -> None:
    path = shared / "reference" / f"bpe_1000_{task}.json"
    spec, original = import_tokenizers_json(path), Tokenizer.from_file(str(path))
    codes = functions_of(shared / "data/devign/valid.jsonl.xz")[:200]
    bodies = [original.encode(" ".join(code.split())).ids[:398] for code in codes]
    assert encode_batch(spec, codes, 400) == [[0, *body, 2] for body in bodies]


@pytest.mark.parametrize("kind", [BPE, WORD])
def test_a_cut_equals_training_at_that_size(kind: TokenizerKind) -> None:
    texts = python_functions()[:150]
    large = train_tokenizer(kind, 900, texts)
    for size in (260, 261, 300, 777, 900):
        assert cut(large, size) == train_tokenizer(kind, size, texts)
    assert cut(large, 5000) == large


@pytest.mark.parametrize("kind", [WORDPIECE, UNIGRAM])
def test_kinds_that_do_not_nest_are_not_cut(kind: TokenizerKind) -> None:
    with pytest.raises(InputError, match="trained anew"):
        cut(small_spec(kind), 300)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_never_exceeds_its_size_even_with_more_characters_than_tokens(kind: TokenizerKind) -> None:
    ideographs = [chr(0x4E00 + index) * 2 + " x y" for index in range(1500)]
    spec = train_tokenizer(kind, 400, [*ideographs, *python_functions()[:30]])
    assert 300 <= len(spec.vocab) <= 400
    assert len(spec.vocab[0]) + sum(character < "\u4e00" for token in spec.vocab for character in token) > 300


@pytest.mark.parametrize("kind", KINDS)
def test_little_text_gives_a_smaller_vocabulary(kind: TokenizerKind) -> None:
    spec = train_tokenizer(kind, 5000, ["int main() { return 0; }"])
    assert len(spec.vocab) < 320


@pytest.mark.parametrize("kind", KINDS)
def test_text_never_becomes_a_special_token(kind: TokenizerKind) -> None:
    spec = train_tokenizer(kind, 600, ["<s> </s> <pad> <unk> print <s>x</s>" * 3, *python_functions()[:60]])
    (ids,) = encode_batch(spec, ["a<s>b </s> <pad><s>"], 100)
    assert (ids[0], ids[-1]) == (0, 2)
    assert not {0, 1, 2} & set(ids[1:-1])


TRAINING = """
import sys
from codewren.train.tokenizer_training import train_tokenizer
from tokenizer_specs import AWKWARD, python_functions
texts = [*python_functions()[:100], *AWKWARD]
for mode in ("wren", "avatar"):
    sys.stdout.buffer.write(train_tokenizer(sys.argv[1], 500, texts, mode=mode).to_bytes())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_every_process_trains_the_same_bytes(kind: TokenizerKind) -> None:
    written = set()
    for seed in ("1", "2", "3"):
        settings = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(tokenizer_specs.__file__).parent)}
        command = [sys.executable, "-c", TRAINING, kind]
        written.add(subprocess.run(command, check=True, capture_output=True, env=settings).stdout)
    assert len(written) == 1


@pytest.mark.parametrize("size", [400, 700])
def test_our_unigram_compresses_as_well_as_the_librarys(collapsed: list[str], size: int) -> None:
    library = json.loads(as_the_paper_trains(UNIGRAM, collapsed, size).to_str())
    theirs = spec_from_tokenizers(library, source="trained")
    ours = train_tokenizer(UNIGRAM, size, collapsed, mode="avatar")
    others = list(python_functions()[150:])
    tokens = [sum(map(len, encode_batch(spec, others, 10**6))) for spec in (ours, theirs)]
    assert len(ours.vocab) <= size
    assert tokens[0] <= 1.02 * tokens[1]


def test_a_unigram_score_is_the_logarithm_of_a_probability() -> None:
    words = Counter({"▁aaab": 40, "▁ab": 30, "▁b": 5, "▁<s>": 9, "▁" + "x" * 200: 2})
    pieces = dict(train_unigram(words, 12, ["<s>"]))
    assert {"▁", "a", "b", "x", "<", "s", ">"} <= pieces.keys()
    assert "<s>" not in pieces
    assert len(pieces) <= 12
    assert list(pieces.items()) == sorted(pieces.items(), key=lambda item: (-item[1], item[0]))
    assert 0.5 < sum(map(math.exp, pieces.values())) < 1.01


def test_unigram_of_fewer_entries_than_characters_or_of_no_words_is_small() -> None:
    assert [piece for piece, _ in train_unigram(Counter({"▁xy": 1}), 1, [])] == ["x", "y", "▁"]
    assert train_unigram(Counter(), 100, []) == []
    marks = train_tokenizer(UNIGRAM, 300, ["\u0301"], mode="avatar")
    assert marks.vocab == tuple(SPECIAL_TOKENS)


def test_length_counts_special_tokens_and_is_never_exceeded() -> None:
    with_special, without = (
        small_spec(BPE),
        TokenizerSpec.from_dict({**small_spec(BPE).to_dict(), "add_special_tokens": False}),
    )
    body = encode_batch(without, ["for x in range(10): pass"], 1000)[0]
    for length in range(len(body) + 4):
        assert encode_batch(without, ["for x in range(10): pass"], length) == [body[:length]]
        wanted = [0, *body[: max(0, length - 2)], 2][:length]
        assert Encoder(with_special).encode_batch(["for x in range(10): pass"], length) == [wanted]


def test_the_cache_is_used_and_keyed_by_everything_that_matters(tmp_path: Path) -> None:
    texts = list(python_functions()[:40])
    spec = train_tokenizer(UNIGRAM, 300, texts, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    assert TokenizerSpec.from_dict(json.loads(file.read_bytes())) == spec
    before = file.stat().st_mtime_ns
    assert train_tokenizer(UNIGRAM, 300, texts, cache=tmp_path) == spec
    assert train_tokenizer(UNIGRAM, 300, texts, cache=tmp_path, add_special_tokens=False).scores == spec.scores
    assert file.stat().st_mtime_ns == before
    train_tokenizer(WORD, 300, texts, cache=tmp_path)
    train_tokenizer(WORD, 299, texts, cache=tmp_path)
    train_tokenizer(WORD, 300, texts[1:], cache=tmp_path)
    train_tokenizer(WORD, 300, texts, cache=tmp_path, lowercase=False)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_damaged_file_in_the_cache_is_named(tmp_path: Path) -> None:
    train_tokenizer(WORD, 300, ["a b"], cache=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("{}")
    with pytest.raises(InputError, match=rf"{file.name}.*delete the file"):
        train_tokenizer(WORD, 300, ["a b"], cache=tmp_path)


def test_case_is_kept_when_asked_for() -> None:
    spec = train_tokenizer(WORD, 300, ["Foo foo FOO BAR"], lowercase=False)
    assert {"Foo", "foo", "FOO"} <= set(spec.vocab)


@pytest.mark.parametrize(
    ("kind", "size", "texts", "options", "said"),
    [
        (BPE, 259, ["x"], {}, "needs 260"),
        (WORD, 4, ["x"], {}, "needs 5"),
        (BPE, 300, [" ", "\n"], {}, "found none"),
        (WORD, 300, ["x"], {"mode": "compressor"}, "bpe only"),
        (BPE, 300, ["x"], {"mode": "avatar", "lowercase": False}, "lower-cases"),
        (BPE, 300, ["x"], {"mode": "other"}, "none of wren, compressor, avatar"),
    ],
)
def test_bad_options_say_what_was_wanted(
    kind: TokenizerKind, size: int, texts: list[str], options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        train_tokenizer(kind, size, texts, **options)  # type: ignore[arg-type]


def foreign(change: dict[str, object], model: dict[str, object]) -> dict[str, object]:
    raw = json.loads(encoder(small_spec(BPE)).to_str())
    raw["model"]["vocab"] = {token.strip(): index for token, index in raw["model"]["vocab"].items()}
    raw["model"]["unk_token"] = "<unk>"
    return {**raw, **change, "model": {**raw["model"], **model}}


@pytest.mark.parametrize(
    ("change", "model", "said"),
    [
        ({"normalizer": {"type": "NFC"}}, {}, "normalizer"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "Lowercase"}]}}, {}, "order"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, {}, "pre_tokenizer"),
        ({"pre_tokenizer": None}, {}, "pre_tokenizer"),
        ({"post_processor": {"type": "TemplateProcessing"}}, {}, "post_processor"),
        ({"added_tokens": [{"id": 700, "content": "<mask>"}]}, {}, "<mask>"),
        ({}, {"dropout": 0.1}, "dropout"),
        ({}, {"ignore_merges": True}, "ignore_merges"),
        ({}, {"byte_fallback": True}, "byte_fallback"),
        ({}, {"end_of_word_suffix": "</w>"}, "end_of_word_suffix"),
        ({}, {"a_setting_of_tomorrow": 1}, "no such setting"),
        ({}, {"type": "GPT"}, "GPT"),
        ({}, {"merges": ["a b c"]}, "not a tokenizer file"),
        ({}, {"merges": []}, "merge k"),
        ({}, {"vocab": {"<s>": 0, "a": 2}}, "gaps"),
    ],
)
def test_import_refuses_what_a_spec_cannot_express(
    change: dict[str, object], model: dict[str, object], said: str, tmp_path: Path
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(foreign({}, {})))
    assert import_tokenizers_json(tmp_path / "good.json") == small_spec(BPE)
    (tmp_path / "bad.json").write_text(json.dumps(foreign(change, model)))
    with pytest.raises(InputError, match=said):
        import_tokenizers_json(tmp_path / "bad.json")


def test_of_more_text_than_enough_a_part_is_read_by_unigram_alone() -> None:
    texts = ["x" * 1_000_000] * 40
    assert characters_read(UNIGRAM, texts) == characters_read(UNIGRAM, texts[::10]) == 2_000_000
    assert characters_read(UNIGRAM, texts, mode="avatar") == characters_read(BPE, texts) == 40_000_000
    assert characters_read(UNIGRAM, texts[:1]) == 1_000_000
