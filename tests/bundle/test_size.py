import io
import json
import lzma
import zipfile
from itertools import product
from pathlib import Path

import pytest

from codewren.bundle.size import bundle_size_bytes, tokenizer_size_bytes, weights_size_bytes
from codewren.core.student_config import PairHead, PositionType, Storage, TokenizerKind
from codewren.core.task import CLONE
from codewren.train.tokenizer_training import train_tokenizer
from students import CONFIG, write_student


def test_the_size_of_the_weights_is_exact(tmp_path: Path) -> None:
    for positions, storage, layers, narrow in product(PositionType, Storage, (1, 2, 5), (0, 7)):
        config = CONFIG.replace(
            position_embedding_type=positions,
            storage=storage,
            num_hidden_layers=layers,
            embedding_size=narrow,
            max_data_flow=narrow,
        )
        with zipfile.ZipFile(write_student(tmp_path / "x.wren", config, CLONE)) as archive:
            assert weights_size_bytes(config, CLONE) == archive.getinfo("weights.bin").file_size


@pytest.mark.parametrize("head", PairHead)
@pytest.mark.parametrize(("layers", "narrow"), [(1, 0), (12, 0), (1, 7)])
def test_the_budgeted_size_is_an_upper_bound_and_close(
    tmp_path: Path, layers: int, narrow: int, head: PairHead
) -> None:
    config = CONFIG.replace(num_hidden_layers=layers, embedding_size=narrow, max_data_flow=narrow, pair_head=head)
    provenance = {"command": "codewren compress recipes/clone.toml", "seeds": list(range(100))}
    card = "# A card\n\n" + "\n".join(f"- measured value {index}: {index * 0.37:.3f}" for index in range(100))
    path = write_student(tmp_path / "x.wren", config, CLONE, provenance=provenance, scores={"f1": 0.9}, card=card)
    with zipfile.ZipFile(path) as archive:
        tokenizer_bytes = archive.getinfo("tokenizer.json").compress_size
    bound = bundle_size_bytes(config, CLONE, tokenizer_bytes)
    assert path.stat().st_size <= bound <= path.stat().st_size + 8_000


def test_the_tokenizer_estimate_is_above_a_real_tokenizer(shared: Path) -> None:
    with lzma.open(shared / "data/devign/train.jsonl.xz", "rt") as lines:
        texts = [json.loads(line)["func"] for line, _ in zip(lines, range(600), strict=False)]
    for kind in (TokenizerKind.BPE, TokenizerKind.WORD):
        spec = train_tokenizer(kind, 2000, texts)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.writestr("tokenizer.json", spec.to_bytes())
            real = archive.getinfo("tokenizer.json").compress_size
        estimate = tokenizer_size_bytes(kind, len(spec.vocab))
        assert real <= estimate <= 1.5 * real, (kind, real, estimate)
