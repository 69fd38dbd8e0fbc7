"""Strict loading of Hugging Face models: what transformers only logs, or does not even notice, is an error here."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from codewren.core.errors import TeacherError

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
PADDED_VOCABULARY = 127
"""Rows that a model may have above its tokenizer: many round their embedding up to a multiple of 64 or 128."""


def beside(folder: Path, path: str) -> str:
    """A model's path as a recipe in `folder` means it: below that folder if there is one, else as it stands."""
    return str(folder / path) if path and (folder / path).exists() else path


def local_or_hub(path: str) -> str:
    """A folder if there is one, else the hub id, unless the hub is switched off.

    A hub id without network retries for half a minute, so what can be decided here is decided here.

    Raises:
        TeacherError: no such folder, and it cannot be a hub id or the hub is switched off.
    """
    if Path(path).is_dir():
        return path
    offline = any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in OFFLINE)
    looks_like_path = Path(path).is_absolute() or path.startswith(".") or path.count("/") > 1
    if not path or offline or looks_like_path:
        why = "the hub is switched off (HF_HUB_OFFLINE)" if offline and not looks_like_path else "it is not a hub id"
        raise TeacherError(f"encoder {path!r}: no such folder, and {why}; give the folder of a Hugging Face model")
    return path


def load_tokenizer(path: str, vocab_size: int, *, revision: str | None = None) -> Any:
    """The tokenizer of a Hugging Face folder or hub id.

    Raises:
        TeacherError: it is missing, or has more or far fewer entries than the model (transformers makes an empty one
            from a folder without tokenizer files and says nothing).
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(local_or_hub(path), revision=revision)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise TeacherError(f"{path}: no tokenizer can be loaded ({first_line(error)}); add tokenizer.json") from error
    size = len(tokenizer)
    if size > vocab_size or size < vocab_size - PADDED_VOCABULARY:
        raise TeacherError(
            f"{path}: the tokenizer has {size} entries, the model {vocab_size}; they do not belong together "
            "(a folder without tokenizer files gives a nearly empty tokenizer)"
        )
    if tokenizer.pad_token_id is None:
        raise TeacherError(f"{path}: the tokenizer has no padding token; declare one in tokenizer_config.json")
    return tokenizer


def load_encoder(path: str, *, attention: str, attention_dropout: float | None = None) -> Any:
    """A pretrained encoder, all of it: no weight may be missing (but an unused pooler).

    Args:
        path: Hugging Face folder or hub id.
        attention: `eager` or `sdpa`.
        attention_dropout: replaces the encoder's own; None leaves it.

    Raises:
        TeacherError: not a model, or some weights are not in the file and would be random.
    """
    from transformers import AutoModel

    hush()
    changes = {} if attention_dropout is None else {"attention_probs_dropout_prob": attention_dropout}
    try:
        encoder, info = AutoModel.from_pretrained(
            local_or_hub(path), output_loading_info=True, attn_implementation=attention, dtype=torch.float32, **changes
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise TeacherError(f"encoder {path!r} cannot be loaded: {first_line(error)}") from error
    check_loading(path, info, ignore=("pooler.",))
    if encoder.config.is_encoder_decoder:
        raise TeacherError(
            f"encoder {path!r} is an encoder-decoder ({encoder.config.model_type}); give a plain encoder"
        )
    return encoder


def hush() -> None:
    """Silence the bars and reports of transformers: what matters in them is an error here."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def check_loading(path: str, info: Any, *, ignore: tuple[str, ...] = ()) -> None:
    """Turn what transformers only logs into an error.

    Raises:
        TeacherError: weights of the model are missing from the file, or have another shape.
    """
    missing = sorted(key for key in info["missing_keys"] if not key.startswith(ignore or ("\0",)))
    mismatched = sorted(str(key) for key in info.get("mismatched_keys", ()))
    if missing or mismatched:
        shown = ", ".join((missing + mismatched)[:4])
        raise TeacherError(
            f"{path}: {len(missing)} weights of the model are not in the file and {len(mismatched)} have another "
            f"shape, so they would be random: {shown}; this is not a fine-tuned checkpoint of this architecture"
        )


def usable_length(encoder: Any) -> int | None:
    """Longest sequence the position table allows, or None where there is none (RoBERTa's first rows are reserved)."""
    rows = getattr(encoder.config, "max_position_embeddings", None)
    if rows is None:
        return None
    padding = getattr(getattr(encoder, "embeddings", None), "padding_idx", None)
    return int(rows) if padding is None else int(rows) - int(padding) - 1


def check_length(path: str, encoder: Any, wanted: int) -> None:
    """Raise when `max_sequence_length` is beyond the encoder's positions.

    Raises:
        TeacherError: it is.
    """
    usable = usable_length(encoder)
    if usable is not None and wanted > usable:
        raise TeacherError(f"{path}: max_sequence_length {wanted} exceeds the {usable} positions it has; lower it")


def first_line(error: BaseException) -> str:
    """The beginning of a library's message, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__
