"""Strict loading of Hugging Face models: what transformers only logs, or does not even notice, is an error here."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from codewren.core.errors import TeacherError

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
PADDED_VOCABULARY = 127
PADDED_SHARE = 1 / 16
"""Rows that a model may have above its tokenizer, the larger of both: embeddings are rounded up to a multiple of 64 or
128, or leave room (Qwen2.5 271 rows, Phi 905 of 51,200). They are never looked up; what is far more is a mistake."""
ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop", "attn_dropout")
"""What the architectures call the dropout inside attention."""
POINTER = b"version https://git-lfs"
WEIGHTS = ("*.safetensors", "*.bin")


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
    if not fits_vocabulary(size, vocab_size):
        raise TeacherError(
            f"{path}: the tokenizer has {size} entries, the model {vocab_size}; they do not belong together "
            "(a folder without tokenizer files gives a nearly empty tokenizer)"
        )
    if tokenizer.pad_token_id is None:
        raise TeacherError(f"{path}: the tokenizer has no padding token; declare one in tokenizer_config.json")
    return tokenizer


def fits_vocabulary(size: int, rows: int) -> bool:
    """Whether a tokenizer of `size` entries can be that of a model with `rows` embeddings."""
    return size <= rows <= size + max(PADDED_VOCABULARY, rows * PADDED_SHARE)


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

    encoder, info = load_model(AutoModel, path, attention=attention, attention_dropout=attention_dropout)
    check_loading(path, info, ignore=("pooler.",))
    if encoder.config.is_encoder_decoder:
        raise TeacherError(
            f"encoder {path!r} is an encoder-decoder ({encoder.config.model_type}); give a plain encoder"
        )
    return encoder


def load_model(
    kind: Any,
    path: str,
    *,
    attention: str,
    attention_dropout: float | None = None,
    revision: str | None = None,
    num_labels: int | None = None,
) -> tuple[Any, Any]:
    """A model in float32 and transformers' account of its weights.

    An architecture that knows no `sdpa` attention gets the plain one, which is the same function.

    Args:
        kind: `AutoModel` or one of its siblings.
        path: Hugging Face folder or hub id.
        attention: `eager` or `sdpa`.
        attention_dropout: replaces the model's own, under the name that its architecture has for it.
        revision: of a hub id.
        num_labels: outputs of its head; None takes the folder's own number.

    Raises:
        TeacherError: it cannot be loaded, or the folder holds something else than weights.
    """
    from transformers import AutoConfig

    hush()
    check_weights(Path(path))
    try:
        config = AutoConfig.from_pretrained(local_or_hub(path), revision=revision)
        if num_labels is not None:
            config.num_labels = num_labels
        for name in ATTENTION_DROPOUT:
            if attention_dropout is not None and hasattr(config, name):
                setattr(config, name, attention_dropout)
        options = {"config": config, "revision": revision, "output_loading_info": True, "dtype": torch.float32}
        try:
            loaded = kind.from_pretrained(path, attn_implementation=attention, **options)
        except ValueError as error:
            if attention == "eager" or "attention" not in str(error):
                raise
            loaded = kind.from_pretrained(path, attn_implementation="eager", **options)
    except TeacherError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, ImportError, SafetensorError) as error:
        raise TeacherError(f"teacher or encoder {path!r} cannot be loaded: {first_line(error)}") from error
    return loaded[0], loaded[1]


def check_weights(folder: Path) -> None:
    """Raise when a folder holds an adapter or an ONNX file alone, or git-lfs pointers in the place of weights.

    Raises:
        TeacherError: saying which, and what to do.
    """
    inside = sorted(folder.glob("**/*.onnx")) if folder.is_dir() else []
    if folder.suffix == ".onnx" or (inside and not any(any(folder.glob(pattern)) for pattern in WEIGHTS)):
        raise TeacherError(
            f"{folder}: an ONNX model, of which no encoder can be made; it can teach as a classifier, or hand its "
            "logits in (kind = 'logits')"
        )
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise TeacherError(
            f"{folder}: holds a LoRA adapter without its model; merge them (peft: merge_and_unload, save_pretrained) "
            "and name that folder"
        )
    for pattern in WEIGHTS if folder.is_dir() else ():
        for file in sorted(folder.glob(pattern)):
            check_no_pointer(file)


def check_no_pointer(file: Path) -> None:
    """Raise when a file is the pointer that git-lfs leaves instead of weights.

    Raises:
        TeacherError: it is.
    """
    with file.open("rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise TeacherError(f"{file}: a git-lfs pointer, not the weights; run git lfs pull in its repository")


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


def check_first_token(path: str, encoder: Any) -> None:
    """Raise when the first token's vector does not depend on the tokens after it, as in a decoder.

    Raises:
        TeacherError: it does not.
    """
    ids_BT = torch.tensor([[2, 3, 4], [2, 3, 5]])
    encoder.eval()
    with torch.inference_mode():
        first_BH = encoder(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).last_hidden_state[:, 0]
    if torch.equal(first_BH[0], first_BH[1]):
        raise TeacherError(
            f"{path}: a {encoder.config.model_type} reads from left to right, so the first token has read nothing of "
            "the function; set finetune.pooling = 'mean'"
        )


def usable_length(encoder: Any) -> int | None:
    """Longest sequence the position table allows, or None where there is none (RoBERTa's first rows are reserved)."""
    rows = getattr(encoder.config, "max_position_embeddings", None)
    if rows is None or rows < 1:  # XLNet says -1
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
