"""A clone task of a few hundred methods, and a teacher of its own that is small enough to ask a hundred times."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/train")]  # whose makers of tiny things these are

from conftest import write_clone_task  # noqa: E402

STUDENT = ["distil.epochs=2", "budget.max_bytes=120000"]
SEARCH = ["search.strategy=random", "search.trials=2", "search.trial_epochs=1"]


def write_task(folder: Path) -> Path:
    """The recipe of a new task; its teacher is a network that `finetune` makes in `folder/teacher`."""
    from tiny import roberta_config, save_tokenizer
    from transformers import RobertaModel

    write_clone_task(folder)
    encoder = folder / "encoder"
    size = save_tokenizer(encoder)
    RobertaModel(roberta_config(size)).save_pretrained(encoder)
    lines = (folder / "recipe.toml").read_text().replace('kind = "logits"\npath = "logits-{split}.npy"', TEACHER)
    recipe = folder / "recipe.toml"
    recipe.write_text(lines.replace("[teacher]", f'[finetune]\nencoder = "{encoder}"\n{FINETUNE}[teacher]'))
    return recipe


TEACHER = 'kind = "huggingface"\npath = "teacher"\nbatch_size = 8\n'
FINETUNE = "epochs = 1\nbatch_size = 8\nlearning_rate = 1e-3\nmax_sequence_length = 32\n"


def settings(*words: str) -> list[str]:
    return [argument for word in words for argument in ("--set", word)]
