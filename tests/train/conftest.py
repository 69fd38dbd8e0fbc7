"""A tiny pretrained encoder, made on the fly."""

from pathlib import Path

import pytest
import torch
from tiny import roberta_config, save_tokenizer
from transformers import RobertaModel


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny RoBERTa with its tokenizer: 2 layers, hidden 16, 48 usable positions."""
    folder = tmp_path_factory.mktemp("encoder")
    size = save_tokenizer(folder)
    torch.manual_seed(0)
    RobertaModel(roberta_config(size)).save_pretrained(folder)
    return folder
