"""From nothing to a clone detector of a few hundred kilobytes: `make demo`.

No download, no prepared data: the functions are those of the Python that runs this, the teacher is trained here, and
every figure printed was measured a moment ago. Every step is a command that you can run yourself; it is printed first.
"""

import argparse
import sys
import time
from pathlib import Path

from codewren.cli.main import cli
from codewren.core.files import write_bytes
from codewren.core.progress import Bar
from codewren.core.recipe import Recipe
from codewren.data.load import load_test_split
from harvest import Sizes, harvest

RECIPE = """# Written by the demo; the data are functions of your own Python.
[task]
name = "python-clone"
unit = "pair"
labels = ["different", "clone"]
positive = "clone"
language = "python"

[data]
root = "data"
functions = { path = "functions.jsonl.xz" }
labelled = { path = "labelled.tsv.xz" }
unlabelled = { path = "unlabelled.tsv.xz" }
valid = { path = "valid.tsv.xz" }
test = { path = "test.tsv.xz" }

[finetune]
encoder = "ENCODER"
epochs = 4
batch_size = 32
learning_rate = 2e-3
max_sequence_length = 256
pooling = "mean"
pair_head = "symmetric"

[teacher]
kind = "huggingface"
path = "TEACHER"
max_sequence_length = 256

[search]
strategy = "compressor"
space = "compressor"

# Compressor takes the greatest FLOPs that the budget allows; without a cap on them it takes twelve narrow layers,
# which train for hours.
[budget]
max_bytes = 300_000
max_flops = 5e6

[student]
max_sequence_length = 256
hidden_dropout_prob = 0.1
attention_probs_dropout_prob = 0.0
learning_rate = 1e-3
batch_size = 32
pair_head = "symmetric"

[distil]
train_on = ["unlabelled", "labelled"]
epochs = 10
temperature = 2.0
word_dropout = 0.1
"""


def main() -> None:
    """Run every step, saying what it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    out: Path = parser.parse_args().out
    started = time.monotonic()

    say("1. Harvest real functions and build a clone task from them")
    stages = Stages()
    made = harvest(out / "data", sizes=Sizes(labelled=6000, unlabelled=6000), progress=stages.show)
    stages.end()
    print(f"   Python {made.python}: {made.functions} functions, {made.pairs} pairs, half of them clones")

    say("2. A small transformer with random weights, to become the teacher")
    encoder = untrained_encoder(out / "encoder", out / "data" / "functions.jsonl.xz")
    recipe = out / "recipe.toml"
    teacher = out / "teacher"
    text = RECIPE.replace("ENCODER", str(encoder.resolve())).replace("TEACHER", str(teacher.resolve()))
    write_bytes(recipe, text.encode())
    codewren("finetune", recipe, "--out", out)

    say("3. Compress it: label, search, distil, export, evaluate, report")
    codewren("compress", recipe, "--out", out)

    say("4. The test split, opened once")
    codewren("evaluate", out / "student.wren", recipe, "--split", "test")

    say("5. Use the file: a function against its rewritten self, and against a stranger")
    for name, text in example_files(recipe).items():
        write_bytes(out / name, text.encode())
    codewren("info", out / "student.wren")
    codewren("predict", out / "student.wren", out / "a.py", out / "a_rewritten.py")
    codewren("predict", out / "student.wren", out / "a.py", out / "stranger.py")
    print(f"\nDone in {time.monotonic() - started:.0f} s. The detector is {out / 'student.wren'}.")


class Stages:
    """A progress bar for each stage of the harvest."""

    def __init__(self) -> None:
        self.bar: Bar | None = None

    def show(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of a stage are done."""
        if self.bar is None or self.bar.description != stage:
            self.end()
            self.bar = Bar(stage, total).__enter__()
        self.bar.advance(done - self.bar.done)

    def end(self) -> None:
        """Close the last bar."""
        if self.bar is not None:
            self.bar.__exit__(None, None, None)


def say(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


def codewren(*arguments: object) -> None:
    """Print a command and run it."""
    words = [str(word) for word in arguments]
    print(f"$ codewren {' '.join(words)}", flush=True)
    cli.main(words, standalone_mode=False)
    sys.stdout.flush()


def untrained_encoder(folder: Path, functions: Path) -> Path:
    """A Hugging Face folder of a two-layer RoBERTa with random weights and a tokenizer trained on the functions."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel
    from transformers.utils.logging import disable_progress_bar

    from codewren.core.dataset import collapse_whitespace
    from codewren.data.readers import read_rows

    disable_progress_bar()
    trainer = ByteLevelBPETokenizer()
    texts = [collapse_whitespace(row.text("func")) for row in read_rows(functions)]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer.train_from_iterator(texts, vocab_size=4000, special_tokens=special, show_progress=False)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(
        tokenizer_object=trainer._tokenizer, cls_token="<s>", sep_token="</s>", **names
    ).save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256}
    config = RobertaConfig(vocab_size=4000, max_position_embeddings=258, type_vocab_size=1, pad_token_id=1, **size)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def example_files(recipe: Path) -> dict[str, str]:
    """A clone pair of the test split, and a function that is no clone of its left side."""
    test = load_test_split(Recipe.load(recipe))
    clone = next(i for i, label in enumerate(test.labels) if label == 1)
    other = next(i for i, label in enumerate(test.labels) if label == 0)
    left, right = test.texts(clone)
    return {"a.py": left, "a_rewritten.py": right, "stranger.py": test.texts(other)[1]}


if __name__ == "__main__":
    main()
