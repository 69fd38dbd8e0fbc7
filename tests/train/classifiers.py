"""Small classifiers of many architectures with weights from their names, and what transformers says of a text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import transformers
from tiny import make_functions, make_recipe, roberta_config, save_tokenizer, seed_weights
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.recipe import Recipe

LENGTH = 40
FUNCTIONS = make_functions(7)
LAID_OUT = replace(FUNCTIONS, functions=tuple(text.replace("; ", ";\n\n    ") for text in FUNCTIONS.functions))
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
DECODER = {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 64}
CONFIGS = {
    "bert": transformers.BertConfig(**SMALL),
    "distilbert": transformers.DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=24),
    "electra": transformers.ElectraConfig(**SMALL, embedding_size=16),
    "modernbert": transformers.ModernBertConfig(**SMALL, pad_token_id=1, cls_token_id=0, sep_token_id=2),
    "deberta": transformers.DebertaConfig(**SMALL, relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "deberta-v2": transformers.DebertaV2Config(**SMALL, relative_attention=True, pos_att_type=["c2p", "p2c"]),
    "mpnet": transformers.MPNetConfig(**SMALL, pad_token_id=1),
    "longformer": transformers.LongformerConfig(
        **SMALL, attention_window=8, pad_token_id=1, max_position_embeddings=70
    ),
    "big_bird": transformers.BigBirdConfig(**SMALL, attention_type="original_full", pad_token_id=1),
    "xlnet": transformers.XLNetConfig(d_model=16, n_layer=2, n_head=2, d_inner=24, pad_token_id=1),
    "gpt2": transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=64),
    "llama": transformers.LlamaConfig(**DECODER),
    "qwen2": transformers.Qwen2Config(**DECODER),
    "qwen3": transformers.Qwen3Config(**DECODER, head_dim=8),
    "mistral": transformers.MistralConfig(**DECODER),
    "phi": transformers.PhiConfig(**DECODER),
    "gemma": transformers.GemmaConfig(**DECODER, head_dim=8),  # whose configuration pads with 0, its tokenizer with 1
    "albert": transformers.AlbertConfig(**SMALL, embedding_size=16),
    "ernie": transformers.ErnieConfig(**SMALL),
    "xlm-roberta": transformers.XLMRobertaConfig(**SMALL, pad_token_id=1, max_position_embeddings=66),
    "t5": transformers.T5Config(
        d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, pad_token_id=1, decoder_start_token_id=1
    ),
}


def save_classifier(folder: Path, config: transformers.PreTrainedConfig, **changes: object) -> Path:
    """A classifier with weights large enough that texts differ, and its tokenizer."""
    config.vocab_size = save_tokenizer(folder)
    for name, value in {"num_labels": 2, "bos_token_id": 0, "eos_token_id": 2, **changes}.items():
        setattr(config, name, value)
    model = AutoModelForSequenceClassification.from_config(config)
    seed_weights(model)
    model.save_pretrained(folder)
    return folder


def save_roberta(folder: Path, **changes: object) -> Path:
    return save_classifier(folder, roberta_config(300), **changes)


def with_teacher(folder: Path, **teacher: object) -> Recipe:
    return make_recipe(Path("unused"), teacher={"path": str(folder), "max_sequence_length": LENGTH, **teacher})


def oracle(folder: Path, dataset: Dataset, *, collapsed: bool = False) -> np.ndarray:
    """Each text alone, no padding, as the library's own users ask."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.config.pad_token_id = tokenizer.pad_token_id
    logits = []
    for text in dataset.functions:
        given = collapse_whitespace(text) if collapsed else text
        ids = tokenizer(given, truncation=True, max_length=LENGTH, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].numpy())
    return np.stack(logits)
