"""Tiny tokenizers, encoders and tasks, made on the fly."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification, RobertaModel

from codewren.core.dataset import Dataset
from codewren.core.recipe import Recipe
from codewren.core.task import CLONE, VULNERABILITY, Task

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
TEXTS = [f"int f{i}(int a) {{ {'a += g(a);' * (i % 7)} return {'free(a)' if i % 2 else 'a'}; }}\n" for i in range(40)]


PAPERS_HEADS = 4


def train_bpe(vocab_size: int, *, lowercase: bool = False) -> Tokenizer:
    """A byte-level BPE."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def save_tokenizer(folder: Path, *, vocab_size: int = 300) -> int:
    """A tokenizer with `<s> … </s>` around the text, saved as Hugging Face does; returns its size."""
    tokenizer = train_bpe(vocab_size)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return tokenizer.get_vocab_size()


def save_bpe(path: Path, *, vocab_size: int = 300) -> int:
    """A tokenizer file as the papers publish it: lower case, no special tokens around the text; returns its size."""
    tokenizer = train_bpe(vocab_size, lowercase=True)
    tokenizer.save(str(path))
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


def seed_weights(model: nn.Module) -> None:
    """Weights that follow from their names alone, whatever library made the model, large enough that inputs matter."""
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            rng = np.random.default_rng(list(name.encode()))
            values = rng.normal(0.0, 0.4, tuple(parameter.shape)) + (1.0 if name.endswith("LayerNorm.weight") else 0.0)
            parameter.copy_(torch.from_numpy(values))


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


class PapersClone(nn.Module):
    """The wrapper whose state dict the first paper saves for clones: an encoder, and a head over two vectors."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        self.encoder = RobertaModel(config)
        self.classifier = nn.Module()
        self.classifier.dense = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.classifier.out_proj = nn.Linear(config.hidden_size, 2)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits (1, 2) of the pair in the two rows of `ids`."""
        first = self.encoder(ids, attention_mask=mask).last_hidden_state[:, 0].reshape(1, -1)
        return self.classifier.out_proj(torch.tanh(self.classifier.dense(first)))


class PapersVulnerability(nn.Module):
    """The wrapper of its vulnerability model: a whole sequence classifier inside."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        self.encoder = RobertaForSequenceClassification(config)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits (B, 2)."""
        return self.encoder(ids, attention_mask=mask).logits


def papers_model(task: Task, vocab_size: int, *, seed: int) -> nn.Module:
    """A papers' model with weights large enough that texts differ."""
    torch.manual_seed(seed)
    kind = PapersClone if task == CLONE else PapersVulnerability
    model = kind(roberta_config(vocab_size, num_labels=2, initializer_range=0.3, num_attention_heads=PAPERS_HEADS))
    return model.eval()


def save_papers(model: nn.Module, path: Path, **changes: Tensor | None) -> Path:
    """Save a state dict as transformers 4 did, position numbers included; a name's `__` stands for a dot."""
    state = model.state_dict()
    prefix = "encoder.roberta." if any("roberta" in name for name in state) else "encoder."
    state[prefix + "embeddings.position_ids"] = torch.arange(50)[None]
    state |= {name.replace("__", "."): value for name, value in changes.items()}
    torch.save({name: value for name, value in state.items() if value is not None}, path)
    return path
