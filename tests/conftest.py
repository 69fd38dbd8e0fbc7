"""Fixtures that several folders share: the data beside the project, tiny tasks, finished runs."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real data in ../shared, which is not here")
    return SHARED


VERBS = ("open", "close", "read", "write", "copy", "move", "sort", "find", "send", "load")


def function(kind, rng):
    """A Java-like method whose body repeats the words of its kind."""
    words = [f"{VERBS[kind]}{rng.randint(0, 3)}" for _ in range(rng.randint(4, 12))]
    return f"void {rng.choice('abcdef')}{rng.randint(0, 99)}() {{ {' ; '.join(w + '(x)' for w in words)} ; }}"


@pytest.fixture(scope="session")
def clone_task(tmp_path_factory):
    """A folder with a recipe whose teacher is a logits file that knows the labels."""
    return write_clone_task(tmp_path_factory.mktemp("clone-task"))


def write_clone_task(folder):
    rng = random.Random(0)
    kinds = {f"f{i}": i % len(VERBS) for i in range(300)}
    lines = [json.dumps({"idx": name, "func": function(kind, rng)}) for name, kind in kinds.items()]
    (folder / "functions.jsonl").write_text("\n".join(lines))
    names = list(kinds)
    parts = {"labelled": names[:100], "unlabelled": names[:200], "valid": names[200:250], "test": names[250:]}
    for split, pool in parts.items():
        rows = []
        for k in range(400 if split == "unlabelled" else 150):
            a = rng.choice(pool)
            b = rng.choice([x for x in pool if (kinds[x] == kinds[a]) == (k % 2 == 0)])
            rows.append((a, b, int(kinds[a] == kinds[b])))
        text = "id1\tid2\tlabel\n" + "".join(f"{a}\t{b}\t{y}\n" for a, b, y in rows)
        (folder / f"{split}.tsv").write_text(text)
        labels = np.array([y for *_, y in rows], dtype=np.float32)
        np.save(folder / f"logits-{split}.npy", np.stack([3 - 6 * labels, 6 * labels - 3], axis=1))
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


RECIPE = """
[task]
name = "clone"
[data]
functions = { path = "functions.jsonl" }
labelled = { path = "labelled.tsv" }
unlabelled = { path = "unlabelled.tsv" }
valid = { path = "valid.tsv" }
test = { path = "test.tsv" }
[teacher]
kind = "logits"
path = "logits-{split}.npy"
[search]
strategy = "fixed"
[student]
vocab_size = 300
hidden_size = 32
num_attention_heads = 4
intermediate_size = 16
max_sequence_length = 64
learning_rate = 5e-3
hidden_dropout_prob = 0
batch_size = 8
pair_head = "symmetric"
[distil]
epochs = 4
"""
