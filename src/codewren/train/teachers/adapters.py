"""Classifiers kept as a LoRA adapter: the model below it is loaded and the adapter's weights are added to its own.

What peft writes is two files: `adapter_config.json` and `adapter_model.safetensors`. A pair of matrices A (r, in) and
B (out, r) stands for `alpha / r * B A`, which is added to the weight of the layer that they are named for; the head is
saved whole (`modules_to_save`). Nothing of peft is needed for that, and what is not so plain is refused.

Source: Hu et al., LoRA, ICLR 2022, section 4.1; Kalajdzievski 2023 for `use_rslora`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from codewren.core.errors import CodewrenError, TeacherError
from codewren.core.files import read_json
from codewren.train.teachers.pretrained import check_loading, first_line, load_model

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
MERGE = "merge it (peft: merge_and_unload, then save_pretrained) and name that folder"


def is_adapter(path: str) -> bool:
    """Whether a folder holds an adapter without its model."""
    folder = Path(path)
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


def merged_classifier(path: str, *, base: str | None, attention: str) -> tuple[Any, str]:
    """A classifier with its adapter merged in, and the folder or hub id of the model below.

    Args:
        path: folder of the adapter.
        base: of the model below; None takes the one that the adapter names.
        attention: `eager` or `sdpa`.

    Raises:
        TeacherError: the adapter is not a plain LoRA, names no model, or does not fit it.
    """
    from transformers import AutoModelForSequenceClassification

    settings, tensors = _read(Path(path))
    below = base or str(settings.get("base_model_name_or_path") or "")
    if not below:
        raise TeacherError(f"{path}: the adapter names no model; give its folder or hub id as teacher.encoder")
    pairs, whole = _parted(path, tensors)
    model, info = load_model(
        AutoModelForSequenceClassification, below, attention=attention, num_labels=_labels(path, whole)
    )
    state = model.state_dict()
    missing = {key: value for key, value in info.items() if key != "missing_keys"}
    check_loading(below, {**missing, "missing_keys": [key for key in info["missing_keys"] if key not in whole]},
                  ignore=("pooler.",))  # fmt: skip
    for name, tensor in whole.items():
        _check(path, name, state, tuple(tensor.shape))
        state[name].copy_(tensor)
    for name, (down, up) in pairs.items():
        _check(path, name, state, None)
        change = _scale(settings, name, down.shape[0]) * (up.float() @ down.float())
        change = change.T if settings.get("fan_in_fan_out") else change
        _check(path, name, state, tuple(change.shape))
        state[name].add_(change.to(state[name].dtype))
    return model, below


def _read(folder: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    try:
        settings: Mapping[str, Any] = read_json(folder / CONFIG)
        tensors = load_file(folder / WEIGHTS)
    except FileNotFoundError:
        raise TeacherError(f"{folder}: an adapter without {WEIGHTS}; save it with safetensors, or {MERGE}") from None
    except (OSError, SafetensorError, CodewrenError) as error:
        raise TeacherError(f"{folder}: the adapter cannot be read ({first_line(error)}); save it again") from error
    unusual = [name for name in ("use_dora", "layer_replication", "corda_config", "use_qalora") if settings.get(name)]
    kind = settings.get("peft_type")
    if kind != "LORA" or unusual:
        raise TeacherError(
            f"{folder}: a {kind} adapter{' with ' + ', '.join(unusual) if unusual else ''}; only plain LoRA is merged "
            f"here: {MERGE}"
        )
    return settings, tensors


def _parted(path: str, tensors: Mapping[str, Tensor]) -> tuple[dict[str, tuple[Tensor, Tensor]], dict[str, Tensor]]:
    """Pairs of A and B by the weight that they change, and whole tensors by their name in the model."""
    halves: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = key.removeprefix(PREFIX)
        found = re.fullmatch(r"(.+)\.lora_([AB])\.weight", name)
        if found:
            halves.setdefault(f"{found[1]}.weight", {})[found[2]] = tensor
        elif "lora_" in name:
            raise TeacherError(f"{path}: {name} is no plain LoRA matrix of a linear layer; {MERGE}")
        else:
            whole[name.replace(".modules_to_save", "").replace(".base_layer.", ".")] = tensor
    single = [name for name, pair in halves.items() if len(pair) < 2]
    if single or not halves:
        raise TeacherError(f"{path}: {single[0] if single else 'no layer'} has no pair of matrices; save it again")
    return {name: (pair["A"], pair["B"]) for name, pair in halves.items()}, whole


def _labels(path: str, whole: Mapping[str, Tensor]) -> int:
    """Outputs of the head that the adapter brings along, which is the last matrix of its own."""
    heads = [tensor for tensor in whole.values() if tensor.ndim == 2]
    if not heads:
        raise TeacherError(
            f"{path}: the adapter holds no classification head (modules_to_save), so its outputs would be random; "
            "train it with task_type SEQ_CLS"
        )
    return min(int(tensor.shape[0]) for tensor in heads)


def _scale(settings: Mapping[str, Any], weight: str, rank: int) -> float:
    layer = weight.removesuffix(".weight")
    alpha = float(settings.get("lora_alpha", 8))
    for pattern, value in (settings.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", layer):
            alpha = float(value)
    return alpha / (rank**0.5 if settings.get("use_rslora") else rank)


def _check(path: str, name: str, state: Mapping[str, Tensor], shape: tuple[int, ...] | None) -> None:
    if name not in state or (shape is not None and tuple(state[name].shape) != shape):
        found = tuple(state[name].shape) if name in state else "not there"
        raise TeacherError(
            f"{path}: the adapter's {name} {shape or ''} does not fit the model below, where it is {found}; give the "
            "adapter's own model as teacher.encoder"
        )
