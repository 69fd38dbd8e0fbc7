"""The tokenizer as data: it survives its file, and a stranger's file is checked."""

import json

import pytest

from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec, byte_alphabet
from codewren.core.errors import BundleError
from codewren.core.student_config import TokenizerKind
from codewren.train.tokenizer_training import Mode
from tokenizer_specs import KINDS, MODES, small_spec

BPE, WORDPIECE, UNIGRAM, WORD = KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_a_spec_survives_its_file(kind: TokenizerKind, mode: Mode) -> None:
    spec = small_spec(kind, mode)
    again = TokenizerSpec.from_dict(json.loads(spec.to_bytes()))
    assert again == spec
    assert again.sha256 == spec.sha256


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (WORD, {"kind": "bytes"}, "none of bpe"),
        (WORD, {"kind": ["bpe"]}, "none of bpe"),
        (WORD, {"vocab": "abc"}, "must be a list"),
        (WORD, {"vocab": ["<s>", "<pad>", "</s>", "x"]}, "must start with"),
        (WORD, {"vocab": [*SPECIAL_TOKENS, "a", "a"]}, "twice"),
        (WORD, {"vocab": [*SPECIAL_TOKENS, ""]}, "empty"),
        (WORD, {"vocab": [*SPECIAL_TOKENS, 5]}, "strings only"),
        (WORD, {"vocab": [*SPECIAL_TOKENS, "\ud800"]}, "not Unicode"),
        (WORD, {"merges": [4, 5]}, "belong to bpe"),
        (WORD, {"scores": [0.0]}, "belong to unigram"),
        (WORD, {"add_prefix_space": 1}, "true or false"),
        (WORD, {"normalizer": {"lowercase": True}}, "missing"),
        (WORD, {"surprise": 1}, "unknown key"),
        (UNIGRAM, {"scores": [0.0]}, "scores for"),
        (UNIGRAM, {"scores": [float("nan")] * 700}, "finite"),
        (UNIGRAM, {"scores": ["0"] * 700}, "finite"),
        (BPE, {"vocab": [*SPECIAL_TOKENS, *byte_alphabet()[1:]]}, "256 bytes|must name"),
        (BPE, {"merges": [4, 5, 6]}, "pairs"),
        (BPE, {"merges": [4, True]}, "whole numbers"),
        (BPE, {"merges": [4, 260]}, "made before"),
        (BPE, {"merges": [-1, 4]}, "must name"),
        (BPE, {"merges": [3, 4]}, "must name"),
        (BPE, {"merges": [4, 5, 4, 5]}, "twice"),
        (BPE, {"merges": [4, 4, *(260 + index // 2 for index in range(200))]}, "more than"),
    ],
)
def test_a_damaged_spec_is_refused_with_a_reason(kind: TokenizerKind, changes: dict[str, object], said: str) -> None:
    raw = small_spec(kind).to_dict()
    with pytest.raises(BundleError, match=said):
        TokenizerSpec.from_dict({**raw, **changes})


def test_an_incomplete_or_foreign_file_is_refused() -> None:
    raw = small_spec(WORD).to_dict()
    for name in raw:
        with pytest.raises(BundleError, match=f"{name} is missing"):
            TokenizerSpec.from_dict({key: value for key, value in raw.items() if key != name})
    with pytest.raises(BundleError, match="must be an object"):
        TokenizerSpec.from_dict([])
