"""How much faster than the original a student runs: ratios measured interleaved in one run on one core.

    python benchmarks/bench_runtime.py [--bundle X.wren ...] [--functions 200] [--slow 9] [--skip-original]

The original is CodeBERT's architecture (125 M parameters) with random weights, which run as fast as trained ones: in
torch padded to 400 tokens, as the papers time it, and in onnxruntime as int8 without padding, the best it can do. It
is given token ids; the students are given source text, so tokenisation counts against them alone. Its unpadded inputs
are as long as a vocabulary of 8,000 tokens makes them, shorter than its own tokenizer would.

Students without --bundle: one layer of hidden 192, and the shape of the published 12-layer student, which also runs in
onnxruntime as fp32. Every function is run once, after 200 others have warmed the caches, so the tokenizer has not seen
it before. Processor time of this process, so that neighbours on the machine do not enter.
"""

import argparse
import json
import lzma
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from transformers import RobertaConfig, RobertaForSequenceClassification

from codewren.bundle.read import Bundle
from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.bundle.write import write_bundle
from codewren.core.student_config import StudentConfig
from codewren.core.task import VULNERABILITY
from codewren.measure.latency import interleaved
from codewren.predict.predictor import Predictor
from codewren.predict.tokenizer import Tokenizer
from codewren.train.tokenizer_training import cut, train_tokenizer

DEVIGN = Path(__file__).resolve().parents[2] / "shared/data/devign"
LENGTH = 400
ORIGINAL = RobertaConfig(num_labels=2, vocab_size=50265, max_position_embeddings=514, pad_token_id=1)
PUBLISHED = StudentConfig(num_hidden_layers=12, hidden_size=96, intermediate_size=64, num_attention_heads=8)
ONE_LAYER = StudentConfig(vocab_size=8000, hidden_size=192, intermediate_size=384, num_attention_heads=8)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    arguments.cache.mkdir(parents=True, exist_ok=True)
    warm_codes, codes = _codes("valid", 200), _codes("valid", 200 + arguments.functions)[200:]
    spec = train_tokenizer(ONE_LAYER.tokenizer, 8000, _codes("train", 4000), cache=arguments.cache)
    students = {path.name: Predictor(Bundle.read(path), threads=1) for path in arguments.bundle}
    students = students or _random_students(arguments.cache, spec)
    lengths = Tokenizer(spec)
    tokens = {code: len(lengths.encode(code, LENGTH)) for code in warm_codes + codes}
    by_length = sorted(codes, key=tokens.__getitem__)
    slow = [by_length[round(rank)] for rank in np.linspace(0, len(codes) - 1, arguments.slow)]

    fast = {name: _whole(predictor) for name, predictor in students.items()}
    fast |= {
        f"{name}, without tokenisation": _model_only(predictor, warm_codes + codes)
        for name, predictor in students.items()
    }
    twelve = next((p for p in students.values() if p.config.num_hidden_layers > 1), None)
    if twelve is not None:
        fast["12 layers in onnxruntime fp32"] = _onnx_student(arguments.cache, twelve, warm_codes + codes)
    originals = {} if arguments.skip_original else _originals(arguments.cache, tokens)
    seconds = _measure(fast, originals, warm_codes, codes, slow)
    _print(seconds, len(codes), arguments.slow)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, nargs="*", default=[])
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--slow", type=int, default=9)
    parser.add_argument("--cache", type=Path, default=Path("runs/bench"))
    parser.add_argument("--skip-original", action="store_true")
    return parser.parse_args()


def _codes(split: str, count: int) -> list[str]:
    with lzma.open(DEVIGN / f"{split}.jsonl.xz", "rt") as lines:
        return [json.loads(line)["func"] for line, _ in zip(lines, range(count), strict=False)]


def _random_students(folder: Path, spec: TokenizerSpec) -> dict[str, Predictor]:
    rng = np.random.default_rng(0)
    students = {}
    for name, config in {"1 layer, hidden 192": ONE_LAYER, "12 layers, hidden 96": PUBLISHED}.items():
        path = folder / f"{name}.wren"
        tensors = {
            key: (np.ones(shape) if key.endswith("norm.weight") else rng.normal(0, 0.05, shape)).astype(np.float32)
            for key, shape in tensor_shapes(config, VULNERABILITY).items()
        }
        tokenizer = cut(spec, config.vocab_size)
        write_bundle(path, task=VULNERABILITY, config=config, tensors=tensors, tokenizer=tokenizer)
        students[name] = Predictor(Bundle.read(path), threads=1)
    return students


def _whole(predictor: Predictor) -> Callable[[str], object]:
    return lambda code: predictor.predict_proba([code])


def _model_only(predictor: Predictor, codes: list[str]) -> Callable[[str], object]:
    tokenizer = Tokenizer(predictor.bundle.tokenizer)
    ids = {code: [tokenizer.encode(code, predictor.config.max_sequence_length)] for code in codes}
    return lambda code: predictor._model.encode_ids(ids[code], 1)


def _onnx_student(folder: Path, predictor: Predictor, codes: list[str]) -> Callable[[str], object]:
    config = predictor.config
    shape = RobertaConfig(
        num_labels=2,
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_position_embeddings=514,
    )
    session = _session(_exported(folder / "student.onnx", shape))
    tokenizer = Tokenizer(predictor.bundle.tokenizer)
    ids = {code: np.array([tokenizer.encode(code, config.max_sequence_length)]) for code in codes}
    return lambda code: session.run(None, {"input_ids": ids[code]})


def _originals(folder: Path, tokens: dict[str, int]) -> dict[str, Callable[[str], object]]:
    int8 = folder / "original-int8.onnx"
    if not int8.exists():
        quantize_dynamic(_exported(folder / "original.onnx", ORIGINAL), int8)
    session = _session(int8)
    model = RobertaForSequenceClassification(ORIGINAL).eval()
    rng = np.random.default_rng(0)
    ids = {code: rng.integers(4, ORIGINAL.vocab_size, (1, count)) for code, count in tokens.items()}

    def padded(code: str) -> object:
        inputs = torch.ones(1, LENGTH, dtype=torch.long)
        inputs[0, : tokens[code]] = torch.from_numpy(ids[code][0])
        with torch.inference_mode():
            return model(input_ids=inputs, attention_mask=(inputs != 1).long())

    return {
        "original in torch, padded to 400": padded,
        "original in onnxruntime int8, unpadded": lambda code: session.run(None, {"input_ids": ids[code]}),
    }


def _exported(path: Path, config: RobertaConfig) -> Path:
    if path.exists():
        return path
    model = RobertaForSequenceClassification(config).eval()
    inputs = torch.randint(4, config.vocab_size, (1, 64))
    program = torch.onnx.export(
        model, (inputs,), dynamo=True, dynamic_shapes=({1: torch.export.Dim("tokens", min=2, max=512)},), verbose=False
    )
    assert program is not None
    proto = program.model_proto
    del proto.graph.value_info[:]  # quantize_dynamic refuses the shapes that the exporter writes
    onnx.save(proto, path)
    return path


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _measure(
    fast: dict[str, Any], originals: dict[str, Any], warm_codes: list[str], codes: list[str], slow: list[str]
) -> dict[str, float]:
    """Median seconds of each callable, a part of the functions in turn: a slow minute hits all of them."""
    for run in fast.values():
        for code in warm_codes:
            run(code)
    for run in originals.values():
        run(warm_codes[0])
    times: dict[str, list[float]] = {name: [] for name in fast | originals}
    for block in range(len(slow)):
        for callables, items in ((fast, codes[block :: len(slow)]), (originals, slow[block : block + 1])):
            if not callables:
                continue
            timings = interleaved(callables, items, rounds=1, warmup=0, threads=1, clock=time.process_time_ns)
            for name, latency in timings.items():
                times[name] += latency.items_s
    return {name: statistics.median(values) for name, values in times.items()}


def _print(seconds: dict[str, float], functions: int, slow: int) -> None:
    print(f"median over {functions} Devign functions; the original over {slow} of them, of all lengths")
    for name, value in seconds.items():
        print(f"{value * 1e3:10.3f} ms  {name}")
    rivals = [name for name in seconds if "original" in name or "onnxruntime" in name]
    for rival in rivals:
        for name, value in seconds.items():
            if name not in rivals and ("original" in rival or name.startswith("12 layers")):
                print(f"{seconds[rival] / value:8.1f} x  {name}, against {rival}")


if __name__ == "__main__":
    main()
