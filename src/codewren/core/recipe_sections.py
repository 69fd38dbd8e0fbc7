"""The recipe's sections, each a table of its TOML file, with what holds where a key is left out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from codewren.core.errors import RecipeError

WhiteSpace = Literal["raw", "collapsed"]
"""How a text is fed to a model: as it stands, or with each run of white space made one space."""
ClassWeights = Literal["none", "balanced"] | Mapping[str, float]
"""What a label's items count in a loss."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one split, or the functions of a pair task, is read from.

    Attributes:
        path: JSONL, CSV, TSV or Parquet, plain or .gz/.xz/.zst, below `data.root`; a folder or a glob
            (`train-*.parquet`) of such files, read in the order of their names; a folder without such files, of
            source code, whose functions that no chosen split holds come in a random order; or `hub:DATASET[:SPLIT]`.
        text: column of the source text (of the left function when `text2` is given).
        text2: column of the right function, for pair files that hold the texts themselves.
        id: column of the function's or item's name.
        left: column of the left function's id, for pair lists.
        right: column of the right function's id, for pair lists.
        label: column of the label; a split without that column has unknown labels.
        where: keep the rows whose columns have these values.
        limit: keep the first rows only; of files of logits and judgements likewise.
    """

    path: str
    text: str = "func"
    text2: str | None = None
    id: str = "idx"
    left: str = "id1"
    right: str = "id2"
    label: str = "label"
    where: Mapping[str, str | int] = field(default_factory=dict)
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class DataSection:
    """The splits. Give `train` to have it halved (seeded, stratified), or both as `labelled` and `unlabelled`.

    Attributes:
        root: folder of the data, below the recipe's folder.
        functions: of a pair task, the functions that its splits name by id.
        train: halved into `labelled` and `unlabelled`.
        labelled: the half with labels, for a teacher to learn from.
        unlabelled: the half that the teacher labels for the student.
        valid: picks epochs, students and thresholds.
        test: opened by `codewren evaluate --split test` alone.
        halves_seed: of the halving of `train`.
        close_braces: give a training function in C, C++ or Java its last brace where that is missing: in Devign that
            betrays the label.
        license: what the data may be used for, in a sentence or two; goes into the model card.
    """

    root: str = "."
    functions: Source | None = None
    train: Source | None = None
    labelled: Source | None = None
    unlabelled: Source | None = None
    valid: Source | None = None
    test: Source | None = None
    halves_seed: int = 0
    close_braces: bool = True
    license: str = ""


FILE_TEACHERS = ("logits", "judgements")
"""Kinds of teachers that are files: they can judge nothing new."""


@dataclass(frozen=True, slots=True)
class TeacherSection:
    """What the student learns from.

    Attributes:
        kind: `huggingface` (folder or hub id; a LoRA adapter or an ONNX file too), `papers` (the papers' fine-tuned
            state dict), `logits` (a file), `judgements` (a JSONL file of what judges said of each item: labels with a
            confidence, or a language model's log-probabilities), `ngrams` (words and word pairs, learnt from the labels
            of `distil.train_on`; needs nothing else).
        path: of the teacher, below the recipe's folder; of a file of logits or judgements, below `data.root`, where
            `{split}` stands for the split's name.
        also: for `logits` and `judgements`: further files, whose logits are averaged with `path`'s.
        confidence: for `judgements`: what a label without a confidence of its own counts, above one half.
        spread: for `judgements` of functions: words learn the sure judgements and answer for every item to learn from
            that has none. Left out: where an item has no judgement at all; false refuses such items.
        label_margin: for `logits`: if not 0, the files are of `unlabelled`, and the items of other splits teach their
            own label with this difference between the logits (4 means 98 %).
        encoder: for `papers`: folder or hub id of the encoder's config and tokenizer; for the folder of a LoRA adapter:
            the model below it, where that is another than the adapter names.
        num_attention_heads: for `papers`: a state dict does not hold it.
        max_sequence_length: tokens of one function.
        batch_size: functions of full length labelled at once (more where they are shorter).
        precision: `bf16` uses autocast, faster where the processor has it.
        columns: the labels in the order of the teacher's outputs; empty: the classifier's own names, for `papers` the
            papers' order (vulnerable first), else the task's order.
        first_output_only: only output 0 was trained, through a sigmoid, as in the papers' vulnerability teachers; the
            other one, which is noise there (SPEC 4.1, item 2), is replaced by 0.
        revision: of a hub id.
        whitespace: `raw` feeds the text as it stands, `collapsed` makes each run of white space one space, as the
            papers do; it must be what the teacher was trained on. Left out: raw for a plain classifier, collapsed for
            `papers`, and what a folder made by `codewren finetune` says of itself.
        lowercase: the text is lower-cased first, as the papers' fine-tuning scripts for CodeBERT do with pairs
            (`do_lower_case`); their clone checkpoints want it.
        data_flow: the model reads variables and where their values come from beside the code, as GraphCodeBERT does;
            `max_sequence_length` then covers both (the papers: 512), a quarter of it at most for variables. A folder
            made by `codewren finetune` knows this itself.
        data_flow_mode: `papers` reproduces the released preprocessing with its defects, for the papers' checkpoints.
    """

    kind: Literal["huggingface", "papers", "logits", "judgements", "ngrams"] = "huggingface"
    path: str = ""
    also: Sequence[str] = ()
    label_margin: float = 0.0
    confidence: float = 0.9
    spread: bool | None = None
    encoder: str | None = None
    num_attention_heads: int | None = None
    max_sequence_length: int = 400
    batch_size: int = 32
    precision: Literal["fp32", "bf16"] = "fp32"
    columns: Sequence[str] = ()
    first_output_only: bool = False
    revision: str | None = None
    whitespace: WhiteSpace | None = None
    lowercase: bool = False
    data_flow: bool = False
    data_flow_mode: Literal["repaired", "papers"] = "repaired"


@dataclass(frozen=True, slots=True)
class FinetuneSection:
    """Making a teacher from an encoder; the defaults are SPEC 1.10's, all parameters trained.

    Attributes:
        encoder: Hugging Face folder or hub id.
        epochs: passes over the labelled split.
        batch_size: items of a step.
        learning_rate: its peak.
        warmup: share of the steps over which the rate rises; it then falls to 0.
        max_grad_norm: gradient clipping; 0 switches it off.
        weight_decay: of AdamW.
        max_sequence_length: tokens of one function.
        pooling: `first` token as the papers, or `mean` over tokens.
        pair_head: how two vectors become one; `concat` as the papers.
        attention_dropout: inside attention, where its random numbers cost more than the arithmetic; the papers use 0.1.
        precision: `bf16` uses autocast, faster where the processor has it.
        selection: validation metric that picks the epoch.
        class_weights: as `distil.class_weights`, in the loss of the teacher.
        seed: of the head's first weights, of batches and dropout.
        whitespace: `collapsed` as the papers, or `raw`; the teacher's folder records it, and `label` feeds the same.
            Layout can betray a label (Devign's doubled newlines do), so raw text is asked for, never the default.
        data_flow: give the encoder, a GraphCodeBERT, data flow beside the code (see `TeacherSection`).
        data_flow_mode: `papers` reproduces the released preprocessing with its defects.
    """

    encoder: str = "microsoft/codebert-base"
    epochs: int = 5
    batch_size: int = 16
    learning_rate: float = 2e-5
    warmup: float = 0.1
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    max_sequence_length: int = 400
    pooling: Literal["first", "mean"] = "first"
    pair_head: Literal["concat", "symmetric"] = "concat"
    attention_dropout: float = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    selection: Literal["accuracy", "f1", "mcc", "auc"] = "accuracy"
    class_weights: ClassWeights = "none"
    seed: int = 123456
    whitespace: WhiteSpace = "collapsed"
    data_flow: bool = False
    data_flow_mode: Literal["repaired", "papers"] = "repaired"

    def __post_init__(self) -> None:
        _check_weights("finetune.class_weights", self.class_weights)


@dataclass(frozen=True, slots=True)
class SearchSection:
    """How the student's configuration is found.

    Attributes:
        strategy: `fixed` takes `[student]`; the others search (see `codewren search --help`).
        mode: `faithful` reproduces the paper's released behaviour, `repaired` mends it.
        space: the papers' (`compressor`, `compressor-old`, `avatar-v1`, `papers`, `papers-box`) or our `extended` one.
        target_mb: the papers' target size, 3, 25 or 50.
        pick: rule that takes one candidate off the front.
        trials: trainings made while searching; by default the strategy's own (Avatar 20, v1 50, morph 24, wren 18).
        trial_epochs: epochs of a full trial; shorter rungs are derived from it.
        max_seconds: of `wren`, wall time for all trainings of the search; it plans fewer, and stops in time.
        population: of the evolutionary strategies, by default their own.
        generations: likewise.
        objectives: what the front trades off, of `effectiveness`, `size_bytes`, `latency_s`, `flops`; by default the
            strategy's own. Leave one out for an ablation. `morph` has `flips` too, the share of edited validation items
            whose prediction changes, and `wren` takes it where it is named.
        flip_edits: where `flips` count, the edits that keep the meaning: of `rename`, `reformat`, `comments`,
            `dead_code`, and for pairs `rename_left`.
        workers: trials at once on this machine.
        scheduler: address of a `dask.distributed` cluster.
        warm_start: journals of earlier searches.
        rivals: bundles shown beside the front, judged on the validation split: published students, say.
        seed: of everything that a strategy draws, and of its trainings.
    """

    strategy: Literal[
        "fixed", "compressor", "random-architecture", "random", "avatar-v1", "avatar", "morph", "wren"
    ] = "wren"
    mode: Literal["faithful", "repaired"] = "repaired"
    space: Literal["compressor", "compressor-old", "avatar-v1", "papers", "papers-box", "extended"] = "extended"
    target_mb: float = 3.0
    pick: str = "knee"
    trials: int | None = None
    trial_epochs: int = 4
    max_seconds: float | None = None
    population: int | None = None
    generations: int | None = None
    objectives: Sequence[str] = ()
    flip_edits: Sequence[str] = ("rename",)
    workers: int = 1
    scheduler: str | None = None
    warm_start: Sequence[str] = ()
    rivals: Sequence[str] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DistilSection:
    """Training the student on the teacher's logits.

    Attributes:
        epochs: passes over the training splits.
        loss: `kl` with temperature as the papers, or `mse` on logits.
        temperature: the papers use 10 for vulnerability, 1 for clones.
        hard_label_weight: share of the cross-entropy with true labels, where the split has them.
        class_weights: what a label's items count in the loss, 1 on average: `balanced` lets all labels count the same
            altogether, a table names them, as `{ vulnerable = 20 }`, and those left out count 1. Where a label is not
            known, the teacher's probabilities stand for it. Of a multi-label task, what a label counts where it is
            there beside where it is not. `features` are not weighted. Probabilities of what counts more rise: fit
            `decision.threshold`.
        features: what is learnt from the vectors that a network as teacher has of functions: `relations`, how similar
            it finds the functions of a batch, or `vectors`, themselves, through a map that is thrown away.
        feature_weight: what that loss counts beside the other one.
        train_on: splits to learn from (a labelled split needs teacher logits as well).
        tokenizer_mode: normalisation of the tokenizer, `compressor` or `avatar` as the papers, `wren` ours.
        lowercase: for `wren`, whether the tokenizer folds case.
        add_special_tokens: `<s>` and `</s>` around a function; False is Avatar's vulnerability scripts.
        word_dropout: chance to replace a training token by `<unk>`.
        rename: chance that a training function is shown with other names for its variables.
        rename_copies: copies with other names made of each function.
        background_pairs: random pairs of `decision.background` to learn as negative, from one half of its functions.
        swap_pairs: for pairs, show (b, a) as often as (a, b).
        average_checkpoints: average of the weights over the last share of steps (0 = none), kept if validation agrees.
        warmup: share of the steps over which the learning rate rises; it then falls to 0.
        weight_decay: of AdamW.
        selection: validation metric that picks the epoch.
        initializer_range: standard deviation of the first weights; above 0.02 two layers find the order of tokens
            sooner.
        seed: of the first weights, of batches, dropout and augmentation.
        max_grad_norm: gradient clipping; 0 switches it off.
        train_all: False leaves biases and LayerNorm gains untrained, as the papers' scripts do (SPEC 4.1, item 1).
    """

    epochs: int = 10
    loss: Literal["kl", "mse"] = "kl"
    temperature: float = 1.0
    hard_label_weight: float = 0.0
    class_weights: ClassWeights = "none"
    features: Literal["none", "relations", "vectors"] = "none"
    feature_weight: float = 1.0
    train_on: Sequence[str] = ("unlabelled",)
    tokenizer_mode: Literal["wren", "compressor", "avatar"] = "wren"
    lowercase: bool = True
    add_special_tokens: bool = True
    word_dropout: float = 0.0
    rename: float = 0.0
    rename_copies: int = 3
    background_pairs: int = 0
    swap_pairs: bool = False
    average_checkpoints: float = 0.0
    warmup: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    selection: Literal["accuracy", "f1", "mcc", "auc"] = "accuracy"
    train_all: bool = True
    initializer_range: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hard_label_weight", "word_dropout", "rename", "average_checkpoints", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"distil.{name}: {getattr(self, name)} is no share; wanted 0 to 1")
        if self.epochs < 1:
            raise RecipeError(f"distil.epochs: {self.epochs} trains nothing; wanted 1 or more")
        _check_weights("distil.class_weights", self.class_weights)
        if not 0 <= self.weight_decay < math.inf:
            raise RecipeError(f"distil.weight_decay: {self.weight_decay} is no decay; wanted 0 or more")
        if not 0 < self.initializer_range <= 1:
            raise RecipeError(f"distil.initializer_range: {self.initializer_range}; wanted above 0, and 1 at most")
        if not 0 < self.feature_weight < math.inf:
            raise RecipeError(f"distil.feature_weight: {self.feature_weight} weighs a loss; wanted above 0")
        if self.features != "none" and self.background_pairs:
            raise RecipeError("distil.background_pairs are not the teacher's: it has no vectors of them for features")
        if not self.temperature > 0:
            raise RecipeError(f"distil.temperature: {self.temperature} divides the logits; wanted above 0")
        if not self.train_on or len(set(self.train_on)) < len(self.train_on):
            raise RecipeError(f"distil.train_on: {list(self.train_on)}; wanted one split or more, each once")


def _check_weights(key: str, weights: ClassWeights) -> None:
    """Raise unless they are a word or numbers above 0."""
    if isinstance(weights, str):
        return
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise RecipeError(f"{key}.{name}: {weight!r} weighs items; wanted a number above 0")
    if not weights:
        raise RecipeError(f"{key} names no label; wanted none, balanced, or a table such as {{ vulnerable = 20 }}")


@dataclass(frozen=True, slots=True)
class DecisionSection:
    """How probabilities become labels; fitted on the validation split when the bundle is written.

    Attributes:
        calibrate: fit the temperature that makes probabilities honest.
        threshold: `half` is 0.5; else what makes this metric best.
        alert_budget: share of the background that a scan may flag, say 0.02; sets the threshold of `codewren scan`.
        background: functions without labels that are hardly ever positive; of a pair task random pairs of them.
    """

    calibrate: bool = False
    threshold: Literal["half", "accuracy", "f1", "mcc"] = "half"
    alert_budget: float | None = None
    background: Source | None = None

    def __post_init__(self) -> None:
        if (self.alert_budget is None) != (self.background is None):
            raise RecipeError("decision: alert_budget and background belong together; give both or neither")
        if self.alert_budget is not None and not 0 < self.alert_budget < 1:
            raise RecipeError(f"decision.alert_budget: {self.alert_budget} is no share; wanted above 0 and below 1")
