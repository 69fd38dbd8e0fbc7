"""Tiny tokenizers, encoders and tasks, made on the fly."""

from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, RobertaConfig

from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import CLONE, VULNERABILITY, Task

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
TEXTS = [f"int f{i}(int a) {{ {'a += g(a);' * (i % 7)} return {'free(a)' if i % 2 else 'a'}; }}\n" for i in range(40)]


def save_tokenizer(folder: Path, *, vocab_size: int = 300) -> int:
    """Train a byte-level BPE with `<s> … </s>` around the text and save it as Hugging Face does; return its size."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def roberta_config(vocab_size: int, **changes: object) -> RobertaConfig:
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 24,
        "max_position_embeddings": 50,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "pad_token_id": 1,
    }
    return RobertaConfig(vocab_size=vocab_size, **{**sizes, **changes})


def make_functions(count: int, *, task: Task = VULNERABILITY, split: str = "labelled") -> Dataset:
    """Functions whose label is whether they free their argument: learnable in a few steps."""
    texts = tuple(TEXTS[i % len(TEXTS)] + f"/* {i} */" for i in range(count))
    ids = tuple(str(i) for i in range(count))
    items = tuple((i,) for i in range(count))
    return Dataset(task, split, texts, ids, items, tuple(i % 2 for i in range(count)), ids)


def make_pairs(count: int, *, split: str = "labelled") -> Dataset:
    """Pairs over few functions, so that each function occurs in several."""
    functions = tuple(TEXTS[:12])
    items = tuple((i % 12, (i * 5 + 1) % 12) for i in range(count))
    labels = tuple(int(a % 2 == b % 2) for a, b in items)
    names = tuple(str(i) for i in range(12))
    return Dataset(CLONE, split, functions, names, items, labels, tuple(f"p{i}" for i in range(count)))


def make_recipe(encoder: Path, task: str = "vulnerability", **sections: dict[str, object]) -> Recipe:
    finetune = {"encoder": str(encoder), "epochs": 2, "batch_size": 4, "learning_rate": 1e-3}
    raw = {"task": {"name": task}, "finetune": {**finetune, "max_sequence_length": 24}, **sections}
    return Recipe.from_dict(raw)
