"""What a student costs: a step of its training, and a function at run time with a plain and a factorised word table.

Processor time of one thread, the least of several rounds, on random ids whose frequencies fall as those of words do.
`python benchmarks/bench_student.py [RECIPE]`; with a recipe also what data flow adds, on its validation split.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.bundle.read import Bundle
from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec
from codewren.bundle.write import write_bundle
from codewren.core.recipe import Recipe
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.core.task import CLONE, Task
from codewren.data.load import load_split
from codewren.predict.predictor import Predictor
from codewren.train.batches import encode_split
from codewren.train.distil import step_seconds
from codewren.train.processes import keep_freed_memory, one_thread
from codewren.train.student import Student
from codewren.train.tokenizer_training import train_tokenizer

PAIRS, ROUNDS, TOKENS, ITEMS = 32, 8, 300, 600
CONFIG = StudentConfig(tokenizer=TokenizerKind.WORD, vocab_size=4000, hidden_size=128)


def main() -> None:
    """Print the table."""
    keep_freed_memory()
    with one_thread():
        for config in (CONFIG.replace(vocab_size=1000, hidden_size=96), CONFIG, CONFIG.replace(hidden_size=256)):
            print(f"V {config.vocab_size} H {config.hidden_size}: training step of {PAIRS} pairs: {both_ways(config)}")
    for config in (CONFIG, CONFIG.replace(vocab_size=16_000, hidden_size=256)):
        for narrow in (0, 32):
            size, load_s, encode_s = run_time(config.replace(embedding_size=narrow))
            print(
                f"V {config.vocab_size} H {config.hidden_size} E {narrow or '-'}: {size:,} bytes, "
                f"load {1e3 * load_s:.1f} ms, {1e6 * encode_s:.1f} us a function of {TOKENS} tokens"
            )
    if len(sys.argv) > 1:
        data_flow(Recipe.load(Path(sys.argv[1])))


def data_flow(recipe: Recipe) -> None:
    """Print what up to 64 nodes a function add."""
    data = load_split(recipe, "valid").subset(range(ITEMS))
    spec = train_tokenizer(TokenizerKind.BPE, 1000, data.functions)
    logits = np.zeros((len(data), len(data.task.labels)), dtype=np.float32)
    for nodes in (0, 64):
        config = StudentConfig(vocab_size=len(spec.vocab), hidden_size=128, batch_size=PAIRS, max_data_flow=nodes)
        split = encode_split(data, spec, max_length=400, logits=logits, max_data_flow=nodes)
        tokens = np.mean([len(ids) for ids in split.functions])
        step = min(step_seconds(config, data.task, train=split, options=recipe.distil, steps=ROUNDS))
        with tempfile.TemporaryDirectory() as folder:
            predictor = Predictor(shipped(config, data.task, spec, Path(folder)), threads=1)
            encode_s = least(partial(one_by_one, predictor, data.functions[:100])) / 100
        print(
            f"{nodes} nodes: {tokens:.0f} ids, step {1e3 * step:.1f} ms, "
            f"{1e3 * encode_s:.2f} ms a function from its text"
        )


def one_by_one(predictor: Predictor, functions: Sequence[str]) -> None:
    """Encode each function by itself."""
    for function in functions:
        predictor.encode([function])


def both_ways(config: StudentConfig) -> str:
    """A step in torch alone and with the native core, in turn."""
    steps = [training_step(config, in_core=in_core) for in_core in (False, True)]
    seconds = [least(step, rounds=1) for _ in range(ROUNDS) for step in steps]
    torch_s, core_s = min(seconds[::2]), min(seconds[1::2])
    return f"{1e3 * torch_s:.1f} ms in torch, {1e3 * core_s:.1f} with the core, {torch_s / core_s:.2f} times faster"


def training_step(config: StudentConfig, *, in_core: bool) -> Callable[[], object]:
    """One step on pairs of functions of similar length."""
    rng = np.random.default_rng(0)
    lengths = np.repeat(rng.integers(80, 380, PAIRS), 2) + rng.integers(-20, 20, 2 * PAIRS)
    ids = torch.from_numpy(words(rng, config.vocab_size, int(lengths.sum())))
    items, targets = torch.arange(2 * PAIRS).view(PAIRS, 2), torch.randn(PAIRS, 2)
    model = Student(config, CLONE, seed=0).train()
    model.in_core = in_core
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        loss = F.mse_loss(model(ids, torch.from_numpy(lengths), items), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def run_time(config: StudentConfig) -> tuple[int, float, float]:
    """Bytes of the bundle, seconds to load it, seconds a function."""
    rng = np.random.default_rng(0)
    vocab = (*SPECIAL_TOKENS, *(f"w{index}" for index in range(config.vocab_size - len(SPECIAL_TOKENS))))
    functions = [words(rng, config.vocab_size, TOKENS).tolist() for _ in range(100)]
    with tempfile.TemporaryDirectory() as folder:
        bundle = shipped(config, CLONE, TokenizerSpec(TokenizerKind.WORD, vocab), Path(folder))
        load_s = least(lambda: Predictor(bundle, threads=1))
        predictor = Predictor(bundle, threads=1)
        return bundle.size_bytes, load_s, least(lambda: predictor._model.encode_ids(functions, 1)) / len(functions)


def shipped(config: StudentConfig, task: Task, spec: TokenizerSpec, folder: Path) -> Bundle:
    """A student with random weights, as a file."""
    rng = np.random.default_rng(0)
    shapes = tensor_shapes(config, task)
    tensors = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    write_bundle(folder / "timed.wren", task=task, config=config, tensors=tensors, tokenizer=spec)
    return Bundle.read(folder / "timed.wren")


def words(rng: np.random.Generator, vocab_size: int, count: int) -> NDArray[np.int64]:
    """Ids of ordinary tokens, the k-th a k-th as frequent as the first."""
    frequency = 1 / np.arange(1, vocab_size - len(SPECIAL_TOKENS) + 1)
    return rng.choice(len(frequency), count, p=frequency / frequency.sum()) + len(SPECIAL_TOKENS)


def least(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Processor seconds of the fastest round."""
    work()
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
