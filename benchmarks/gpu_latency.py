"""Latency and joules of the papers' original and students on one GPU, one item at a time; `on_gpu.py` calls it.

Weights are random, which run as fast as trained ones, and ids too, so tokenisation is not charged. Every call waits for
the GPU to finish (the papers' scripts do not, SPEC 4.3). Joules are those of NVML's counter over a stretch of calls,
with what the idle GPU draws in as long beside them.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE, Task
from codewren.measure.energy.meter import Meter, MeterAbsentError
from codewren.measure.energy.nvml import nvml_meter
from codewren.measure.latency import interleaved
from codewren.train.bilstm import BiLstm, BiLstmConfig
from codewren.train.student import Student

TOKENS, IDLE_S, SPENT_S = 400, 3.0, 3.0
Call = Callable[[int], object]


def measured(students: Mapping[str, tuple[StudentConfig, Task]], *, small: bool) -> dict[str, Any]:
    """Milliseconds an item [low, high] and joules per 1,000 items of each model, and of which device."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokens, items, rounds = (24, 3, 1) if small else (TOKENS, 50, 5)
    calls: dict[str, Call] = {"original, padded": original(device, tokens, small=small)}
    calls |= {name: student(config, task, device, tokens) for name, (config, task) in students.items()}
    calls["bilstm"] = bilstm(device, tokens)
    times = interleaved(calls, range(items), rounds=rounds)
    meter, why = _meter()
    spent_s = 0.0 if small else SPENT_S
    idle_w = _idle_w(meter, 0.0 if small else IDLE_S) if meter else None
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "no GPU",
        "tokens": tokens,
        "meter": meter.sheet.label if meter else why,
        "idle_w": idle_w,
        "ms": {
            name: [1e3 * value for value in (t.median_s.value, t.median_s.low, t.median_s.high)]
            for name, t in times.items()
        },
        "joules_per_1000": {name: joules(meter, call, spent_s, idle_w) for name, call in calls.items()}
        if meter and idle_w is not None
        else None,
    }


def original(device: torch.device, tokens: int, *, small: bool) -> Call:
    """CodeBERT's architecture under a classification head, on both functions of a pair, padded to all its tokens."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = RobertaConfig(vocab_size=50_265, max_position_embeddings=514, **(sizes if small else {}))
    model = RobertaForSequenceClassification(config).to(device).eval()
    ids = _ids(config.vocab_size, 2 * tokens, device).view(2, tokens)
    return _waited(lambda: model(ids), device)


def student(config: StudentConfig, task: Task, device: torch.device, tokens: int) -> Call:
    """One item of a student: one function, or both of a pair."""
    model = Student(config, task, seed=0).to(device).eval()
    count, length = task.functions_per_item, min(tokens, config.max_sequence_length)
    ids = _ids(config.vocab_size, count * length, device)
    lengths = torch.full((count,), length, device=device)
    items = torch.arange(count, device=device)[None]
    return _waited(lambda: model(ids, lengths, items), device)


def bilstm(device: torch.device, tokens: int) -> Call:
    """A pair for the first paper's baseline."""
    config = BiLstmConfig(mode="faithful")
    model = BiLstm(config, CLONE).to(device).eval()
    ids, lengths = _ids(config.vocab_size, 2 * tokens, device), torch.tensor([tokens, tokens])
    return _waited(lambda: model(ids, lengths, torch.arange(2)[None]), device)


def joules(meter: Meter, call: Call, seconds: float, idle_w: float) -> dict[str, float]:
    """Of 1,000 items by the meter, and without what the idle GPU draws in that time."""
    started, count = time.perf_counter(), 0
    meter.start()
    while not count or time.perf_counter() - started < seconds:
        call(count)
        count += 1
    spent, took = meter.stop(), time.perf_counter() - started
    return {"all": 1000 * spent / count, "above_idle": 1000 * (spent - idle_w * took) / count, "items": count}


def _ids(vocabulary: int, count: int, device: torch.device) -> Tensor:
    return torch.randint(4, vocabulary, (count,), generator=torch.Generator().manual_seed(0)).to(device)


def _waited(call: Callable[[], object], device: torch.device) -> Call:
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)

    def once(_: int) -> None:
        with torch.inference_mode():
            call()
        wait()

    return once


def _meter() -> tuple[Meter | None, str]:
    try:
        return nvml_meter(), ""
    except MeterAbsentError as error:
        return None, str(error)


def _idle_w(meter: Meter, seconds: float) -> float:
    started = time.perf_counter()
    meter.start()
    time.sleep(seconds)
    return meter.stop() / max(time.perf_counter() - started, 1e-6)
