"""The exported tokenizer gives our ids in the `tokenizers` library and in transformers.js."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import tokenizers

from c_builds import ROOT, tool
from codewren.core.student_config import TokenizerKind
from codewren.export.tokenizer_json import tokenizer_config_json, tokenizer_json
from codewren.predict.tokenizer import Tokenizer
from tokenizer_specs import AWKWARD, KINDS, MODES, python_functions, small_spec

ALL = 1 << 20
NODE_MODULES = Path(os.environ.get("CODEWREN_NODE_MODULES", ROOT / "build/npm"))
JAVASCRIPTS_OWN = {AWKWARD[12]}  # letters of the latest Unicode versions, whose lower case Node 20 does not know


def by_transformers(kind: TokenizerKind, mode, texts: list[str]) -> list[list[int]]:
    node = tool("node")
    if not (NODE_MODULES / "node_modules/@huggingface/transformers").is_dir():
        pytest.skip("needs @huggingface/transformers in the folder of CODEWREN_NODE_MODULES, or in build/npm")
    spec = small_spec(kind, mode)
    request = {
        "tokenizer": json.loads(tokenizer_json(spec, ALL)),
        "config": json.loads(tokenizer_config_json(ALL)),
        "texts": texts,
    }
    command = [node, ROOT / "scripts/tokenize_with_transformers.mjs"]
    ended = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, check=False, cwd=NODE_MODULES
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("max_length", [ALL, 12])
def test_the_library_gives_our_ids(kind: TokenizerKind, mode, max_length: int) -> None:
    spec = small_spec(kind, mode)
    theirs = tokenizers.Tokenizer.from_buffer(tokenizer_json(spec, max_length))
    ours = Tokenizer(spec)
    for text in [*python_functions(), *AWKWARD]:
        assert theirs.encode(text).ids == ours.encode(text, max_length), text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_transformers_js_gives_our_ids(kind: TokenizerKind, mode) -> None:
    texts = [text for text in [*python_functions(), *AWKWARD] if text not in JAVASCRIPTS_OWN]
    ours = Tokenizer(small_spec(kind, mode))
    for text, ids in zip(texts, by_transformers(kind, mode, texts), strict=True):
        assert ids == ours.encode(text, ALL), text


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_in_a_text_are_plain_characters(kind: TokenizerKind) -> None:
    theirs = tokenizers.Tokenizer.from_buffer(tokenizer_json(small_spec(kind), ALL))
    assert not {0, 1, 2} & set(theirs.encode("x <s> </s> <pad>").ids[1:-1])
