"""The baseline of the first paper: a bidirectional LSTM distilled with the recipe of Tang et al. (arXiv 1903.12136).

`faithful` is what the paper's script does: the network returns probabilities and regresses them on raw logits, which
they cannot reach, and a pair is one sequence of both functions. `repaired` regresses logits on logits, and encodes the
functions of a pair apart, as the students it is compared with. Padding never enters the LSTM in either.

Tensors carry shape suffixes: B functions or items, N tokens of all of them back to back, T longest, E embedding,
H hidden, R items, C labels.

Source: SPEC 1.12, and 4.1 items 16 to 18.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial, reduce
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from codewren.core.dataset import Dataset
from codewren.core.files import write_bytes, write_json
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DistilSection
from codewren.core.run_folder import LOGITS, TOKENIZERS
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.core.task import Task
from codewren.data.load import load_split
from codewren.train.batches import EncodedSplit, batch_plan, encode_split, make_batch
from codewren.train.class_weights import weighted
from codewren.train.distil import Distilled, DistilLoop, Select, loss_of, run_to
from codewren.train.processes import Processes
from codewren.train.teachers.logits_file import read_logits, write_logits
from codewren.train.tokenizer_training import train_tokenizer
from codewren.train.validation import validation_scores


@dataclass(frozen=True, slots=True)
class BiLstmConfig:
    """Sizes and settings of the baseline; the paper's history also has `hidden_size` 200.

    >>> from codewren.core.task import VULNERABILITY
    >>> parameter_count(BiLstm(BiLstmConfig(), VULNERABILITY))
    1865402
    """

    mode: Literal["faithful", "repaired"] = "repaired"
    vocab_size: int = 1000
    embedding_size: int = 300
    hidden_size: int = 300
    dense_size: int = 200
    dropout: float = 0.1
    learning_rate: float = 1e-4
    batch_size: int = 16
    max_sequence_length: int = 400


class BiLstm(nn.Module):
    """Embedding, one bidirectional LSTM, its two last states side by side, dense, ReLU, dropout, out."""

    def __init__(self, config: BiLstmConfig, task: Task, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.apart = config.mode == "repaired"
        vectors = task.functions_per_item if self.apart else 1
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
            self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, bidirectional=True, batch_first=True)
            self.dense = nn.Linear(vectors * 2 * config.hidden_size, config.dense_size)
            self.out = nn.Linear(config.dense_size, len(task.labels))
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, sequences_B: Sequence[Tensor]) -> Tensor:
        """Token ids of each sequence to the last forward and the last backward state, (B, 2H)."""
        lengths_B = torch.tensor([len(ids) for ids in sequences_B])
        embedded_BTE = self.embedding(pad_sequence(list(sequences_B), batch_first=True))
        packed = pack_padded_sequence(embedded_BTE, lengths_B, batch_first=True, enforce_sorted=False)
        _, (last_2BH, _) = self.lstm(packed)
        return torch.cat([last_2BH[0], last_2BH[1]], dim=-1)

    def forward(self, ids_N: Tensor, lengths_B: Tensor, items_RK: Tensor) -> Tensor:
        """Packed ids, lengths, and the functions of each item to logits (faithful: probabilities), (R, C)."""
        functions = torch.split(ids_N, lengths_B.tolist())
        if self.apart:
            features = self.encode(functions)[items_RK].flatten(1)
        else:
            features = self.encode([torch.cat([functions[i] for i in item]) for item in items_RK.tolist()])
        logits_RC: Tensor = self.out(self.dropout(torch.relu(self.dense(features))))
        return logits_RC if self.apart else logits_RC.softmax(-1)


def parameter_count(model: nn.Module) -> int:
    """Numbers in a network."""
    return sum(parameter.numel() for parameter in model.parameters())


def distil_bilstm(
    config: BiLstmConfig,
    task: Task,
    *,
    train: EncodedSplit,
    valid: EncodedSplit,
    options: DistilSection,
    select: Select,
    out: Path,
    quiet: bool = False,
) -> Distilled:
    """Train the baseline on the teacher's logits by mean squared error, or go on where a checkpoint in `out` stopped.

    Args:
        config: sizes, learning rate, batch size, mode.
        task: what is judged.
        train: items with teacher logits, in the tokens of a vocabulary of `config.vocab_size`.
        valid: items with labels.
        options: epochs, warm-up, selection and seed; its loss is not used.
        select: validation score.
        out: folder for `checkpoint.pt` and `log.jsonl`.
        quiet: no progress on stderr.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint belongs to another run.
    """
    schedule = StudentConfig(
        vocab_size=config.vocab_size,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        max_sequence_length=config.max_sequence_length,
    )
    loop = DistilLoop(
        BiLstm(config, task, seed=options.seed),
        schedule,
        train=weighted(train, task, options.class_weights),
        valid=valid,
        options=replace(options, loss="mse", features="none"),
        select=select,
        out=out,
        quiet=quiet,
        predict=bilstm_logits,
        also={"bilstm": asdict(config), **loss_of(task)},
    )
    return run_to(loop, options.epochs)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trained baseline.

    Attributes:
        folder: holds `bilstm.safetensors`, `bilstm.json`, `logits-valid.npz` (its outputs), the log and checkpoint.
        scores: on the validation split.
        parameters: numbers in the network.
        size_bytes: of these numbers in float32, as the paper counts it.
        epoch: the epoch that was kept.
        seconds: training time.
    """

    folder: Path
    scores: dict[str, float]
    parameters: int
    size_bytes: int
    epoch: int
    seconds: float


def distil_baseline(recipe: Recipe, out: Path, config: BiLstmConfig | None = None, *, quiet: bool = False) -> Baseline:
    """Distil the baseline from the logits that `label` left in `out`, with a BPE vocabulary of the training texts.

    Learning rate, batch size and vocabulary are the baseline's own (the papers'); epochs, selection and seed are the
    recipe's `[distil]`. A killed run goes on where it stopped.

    Raises:
        TeacherError: `out` holds no logits of a split to learn from.
        TrainingError: as `distil_bilstm`.
        InputError: the data cannot be read, or a file not be written.
    """
    config = config or BiLstmConfig()
    datasets = [load_split(recipe, split) for split in recipe.distil.train_on]
    texts = list(dict.fromkeys(text for dataset in datasets for text in dataset.functions))
    spec = train_tokenizer(TokenizerKind.BPE, config.vocab_size, texts, mode="compressor", cache=out / TOKENIZERS)
    config = replace(config, vocab_size=len(spec.vocab))
    encode = partial(encode_split, spec=spec, max_length=config.max_sequence_length)
    taught = (encode(data, logits=read_logits(out / LOGITS.format(split=data.split), data)) for data in datasets)
    valid = load_split(recipe, "valid")
    held_out = encode(valid)
    result = distil_bilstm(
        config,
        recipe.task,
        train=reduce(EncodedSplit.joined, taught),
        valid=held_out,
        options=recipe.distil,
        select=lambda labels, logits: validation_scores(recipe.task, labels, logits)[recipe.distil.selection],
        out=out / f"bilstm-{config.mode}",
        quiet=quiet,
    )
    return _leave(out / f"bilstm-{config.mode}", config, result, valid, held_out)


def _leave(folder: Path, config: BiLstmConfig, result: Distilled, valid: Dataset, held_out: EncodedSplit) -> Baseline:
    """Write what the baseline is and says, and sum it up."""
    tensors = {name: torch.from_numpy(value) for name, value in result.tensors.items()}
    model = BiLstm(config, valid.task)
    model.load_state_dict(tensors)
    model.to(Processes.alone().device)  # on the processor thousands of pairs take longer than an epoch on a GPU
    outputs = bilstm_logits(model, held_out)
    weights = save(tensors)
    write_bytes(folder / "bilstm.safetensors", weights)
    write_logits(folder / LOGITS.format(split="valid"), outputs, valid, teacher_sha256=sha256(weights).hexdigest())
    count = parameter_count(model)
    scores = validation_scores(valid.task, held_out.labels, outputs)
    baseline = Baseline(folder, scores, count, 4 * count, result.epoch, result.seconds)
    write_json(folder / "bilstm.json", {"config": asdict(config), **asdict(baseline), "folder": str(folder)})
    return baseline


def bilstm_logits(model: BiLstm, split: EncodedSplit) -> NDArray[np.float32]:
    """Outputs (n, C) of every item: logits, or probabilities where the mode is faithful."""
    model.eval()
    device = model.out.weight.device
    outputs = np.empty((len(split), model.out.out_features), dtype=np.float32)
    with torch.inference_mode():
        for indices in batch_plan(split, model.config.batch_size, seed=0, epoch=0):
            batch = make_batch(split, indices).to(device)
            outputs[indices] = model(batch.ids_N, batch.lengths_B, batch.items_RK).cpu().numpy()
    return outputs
