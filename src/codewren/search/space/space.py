"""The search space as data: one domain per field of `StudentConfig`, everything else fixed by a base configuration.

Two grids of the second paper are kept apart: `papers` is the stepped grid that its SMT phase reasons about,
`papers-box` the unit-step box that its search really draws from (SPEC 2.2).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Self

from codewren.core.errors import ConfigError, nearest
from codewren.core.student_config import Activation, PairHead, PositionType, Storage, StudentConfig, TokenizerKind
from codewren.core.task import Task, Unit

FIELDS = tuple(field.name for field in fields(StudentConfig))
DEFAULT = StudentConfig()


@dataclass(frozen=True, slots=True)
class Domain:
    """The values one field may take, in the order of the papers' integer codes.

    Raises:
        ConfigError: unknown field, no value, or a value twice.
    """

    field: str
    values: Sequence[Any]

    def __post_init__(self) -> None:
        if self.field not in FIELDS:
            raise ConfigError(f"search space: unknown student field {self.field!r}; {nearest(self.field, FIELDS)}")
        if not self.values:
            raise ConfigError(f"search space: {self.field} has no value left; give it at least one")
        if len(set(self.values)) != len(self.values):
            raise ConfigError(f"search space: {self.field} lists a value twice: {list(self.values)}")


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """A product of domains; fields without a domain keep the value of `base`.

    >>> [len(domain.values) for domain in compressor_space().domains]
    [4, 48, 95, 12, 50]
    """

    name: str
    domains: tuple[Domain, ...]
    base: StudentConfig = DEFAULT

    def __post_init__(self) -> None:
        names = self.field_names
        if len(set(names)) != len(names):
            raise ConfigError(f"search space {self.name!r}: a field has two domains: {', '.join(names)}")

    @property
    def field_names(self) -> tuple[str, ...]:
        """Fields that vary, in chromosome order."""
        return tuple(domain.field for domain in self.domains)

    def values(self, field: str) -> Sequence[Any]:
        """Values of one field: its domain, or the base value alone."""
        for domain in self.domains:
            if domain.field == field:
                return domain.values
        return (getattr(self.base, field),)

    def config(self, values: Sequence[Any]) -> StudentConfig:
        """The configuration with these values, one per domain.

        Raises:
            ConfigError: the combination cannot be built.
        """
        return self.base.replace(**dict(zip(self.field_names, values, strict=True)))

    def row(self, config: StudentConfig) -> tuple[Any, ...]:
        """The values of a configuration, one per domain."""
        return tuple(getattr(config, name) for name in self.field_names)

    def __contains__(self, config: object) -> bool:
        return isinstance(config, StudentConfig) and all(getattr(config, f) in self.values(f) for f in FIELDS)

    def __iter__(self) -> Iterator[StudentConfig]:
        """Every configuration that can be built; for small spaces."""
        position = {name: index for index, name in enumerate(self.field_names)}
        for row in product(*(domain.values for domain in self.domains)):
            hidden = row[position["hidden_size"]] if "hidden_size" in position else self.base.hidden_size
            heads = (
                row[position["num_attention_heads"]]
                if "num_attention_heads" in position
                else self.base.num_attention_heads
            )
            if hidden % heads == 0:
                yield self.config(row)

    def with_domains(self, changes: Mapping[str, Sequence[Any]], name: str | None = None) -> Self:
        """The space with some domains replaced or added."""
        changed = [Domain(d.field, changes.get(d.field, d.values)) for d in self.domains]
        added = [Domain(field, values) for field, values in changes.items() if field not in self.field_names]
        return type(self)(name or self.name, (*changed, *added), self.base)

    def only(self, keep: Iterable[str]) -> Self:
        """The space with all fields but these fixed at the base."""
        varied = set(keep)
        return type(self)(self.name, tuple(d for d in self.domains if d.field in varied), self.base)


def compressor_space(base: StudentConfig = DEFAULT) -> SearchSpace:
    """The five genes of the first paper as released, in alphabetical order of its gene names.

    Source: Compressor `searcher.py`; SPEC 1.2. 10,944,000 points.
    """
    return _space(
        "compressor",
        base,
        num_attention_heads=(1, 2, 4, 8),
        hidden_size=range(16, 769, 16),
        intermediate_size=range(32, 3041, 32),
        num_hidden_layers=range(1, 13),
        vocab_size=range(1000, 50001, 1000),
    )


def compressor_old_space(base: StudentConfig = DEFAULT) -> SearchSpace:
    """The older space that very probably gave the published 25 and 50 MB students.

    Source: SPEC 1.2.
    """
    return _space(
        "compressor-old",
        base,
        num_attention_heads=(2, 4, 8, 16),
        hidden_size=range(16, 497, 16),
        intermediate_size=range(64, 1985, 64),
        num_hidden_layers=range(1, 7),
        vocab_size=range(1000, 25001, 1000),
    )


def avatar_v1_space(base: StudentConfig = DEFAULT) -> SearchSpace:
    """The unit-step space of the second paper's first version.

    Source: Avatar history deb9c39, `sampling.py`; SPEC 2.6.
    """
    return _space(
        "avatar-v1",
        base,
        num_attention_heads=range(1, 13),
        hidden_size=range(16, 769),
        intermediate_size=range(16, 3072),
        num_hidden_layers=range(1, 13),
        vocab_size=range(1000, 51000),
    )


def papers_space(task: Task, base: StudentConfig = DEFAULT) -> SearchSpace:
    """Avatar's 13 dimensions on the stepped grid of its SMT phase, in chromosome order.

    Source: Avatar `reduction.py`; SPEC 2.2. 267,321,600 architectures whose heads divide the hidden size.
    """
    return _avatar(
        "papers",
        task,
        base,
        vocab_size=range(1000, 50001, 1000),
        hidden_size=range(16, 769, 16),
        intermediate_size=range(32, 3073, 32),
        max_sequence_length=range(256, 513, 16),
    )


def papers_box_space(task: Task, base: StudentConfig = DEFAULT, *, released: bool = False) -> SearchSpace:
    """Avatar's 13 dimensions in unit steps, inside the box its SMT phase found.

    `released` adds the dropout of 0.6 that its sampling also reaches (SPEC 4.2 item 11).

    Source: Avatar `MOO.py`; SPEC 2.2.
    """
    space = _avatar(
        "papers-box",
        task,
        base,
        vocab_size=range(1000, 46001),
        hidden_size=range(16, 257),
        intermediate_size=range(32, 3073),
        max_sequence_length=range(256, 513),
    )
    if not released:
        return space
    dropouts = (*_DROPOUTS, 0.6)
    return space.with_domains({"hidden_dropout_prob": dropouts, "attention_probs_dropout_prob": dropouts})


def extended_space(task: Task, base: StudentConfig = DEFAULT) -> SearchSpace:
    """Our own space: down to 0.1 MB, in fine steps; storage, pair head and the width of the word table are fields too.

    Steps are roughly geometric, because both quality and bytes follow ratios. Regularisation is no field: it is set
    with the learning rate, apart from the architecture (SPEC 4.2 item 8).
    """
    own: dict[str, Sequence[Any]] = {
        "tokenizer": tuple(TokenizerKind),
        "vocab_size": (500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 12000, 16000),
        "num_hidden_layers": (1, 2, 3),
        "hidden_size": (32, 48, 64, 96, 128, 160, 192, 256),
        "intermediate_size": (32, 64, 128, 256, 512, 1024),
        "num_attention_heads": (1, 2, 4, 8, 16),
        "max_sequence_length": (256, 400, 512),
        "position_embedding_type": (PositionType.ABSOLUTE, PositionType.RELATIVE_KEY),
        "learning_rate": (3e-4, 5e-4, 1e-3, 2e-3, 4e-3),
        "storage": (Storage.INT8, Storage.FP16),
        "embedding_size": (0, 16, 32, 64),
    }
    if task.unit is Unit.PAIR:
        own["pair_head"] = tuple(PairHead)
    return _space("extended", base, **own)


def named_space(name: str, task: Task, base: StudentConfig = DEFAULT) -> SearchSpace:
    """A space by the name a recipe gives it; `papers-box` is the box as the released search draws from it.

    Raises:
        ConfigError: no such space.
    """
    if name not in SPACES:
        raise ConfigError(f"search space {name!r} is unknown; {nearest(name, SPACES)}")
    match name:
        case "compressor":
            return compressor_space(base)
        case "compressor-old":
            return compressor_old_space(base)
        case "avatar-v1":
            return avatar_v1_space(base)
        case "papers":
            return papers_space(task, base)
        case "papers-box":
            return papers_box_space(task, base, released=True)
        case _:
            return extended_space(task, base)


SPACES = ("compressor", "compressor-old", "avatar-v1", "papers", "papers-box", "extended")
_DROPOUTS = (0.2, 0.3, 0.4, 0.5)


def _avatar(name: str, task: Task, base: StudentConfig, **architecture: Sequence[int]) -> SearchSpace:
    return _space(
        name,
        base,
        tokenizer=tuple(TokenizerKind),
        vocab_size=architecture["vocab_size"],
        num_hidden_layers=range(1, 13),
        hidden_size=architecture["hidden_size"],
        hidden_act=tuple(Activation),
        hidden_dropout_prob=_DROPOUTS,
        intermediate_size=architecture["intermediate_size"],
        num_attention_heads=range(1, 13),
        attention_probs_dropout_prob=_DROPOUTS,
        max_sequence_length=architecture["max_sequence_length"],
        position_embedding_type=tuple(PositionType),
        learning_rate=(1e-3, 1e-4, 5e-5),
        batch_size=(8, 16) if task.unit is Unit.PAIR else (16, 32, 64),
    )


def _space(name: str, base: StudentConfig, **domains: Sequence[Any]) -> SearchSpace:
    return SearchSpace(name, tuple(Domain(field, values) for field, values in domains.items()), base)
