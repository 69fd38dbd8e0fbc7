"""Damaged bundles for `run.py`: whatever the damage, a bundle is refused in one line or gives probabilities.

A case is the bundle of one of a hundred small random students, or one that ships, and one kind of damage.
"""

import json
import math
import random
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from archives import WEIGHTS, Members, hashed, packed
from strange import strange_text, strange_value

from codewren import _native
from codewren.bundle.open import open_bundle
from codewren.bundle.read import Bundle
from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import SPECIAL_TOKENS, TokenizerSpec, byte_alphabet
from codewren.core.errors import BundleError, CodewrenError
from codewren.core.student_config import Activation, PairHead, PositionType, Storage, StudentConfig, TokenizerKind
from codewren.core.task import CLONE, VULNERABILITY, Task, Unit
from codewren.predict.predictor import Predictor, shipped_bundles

LONGEST_MESSAGE = 1_000
SHIPPED_SHARE = 0.002
WORDS = ["int", "return", "if", "x", "y", "buf", "len", "##en", "##t", "(", ")", "{", "}", ";", "=", "0", "1"]
SMALL, POSITIVE = bytes(byte & 0xBF for byte in range(256)), bytes(byte & 0x3F for byte in range(256))


class Base:
    """A sound bundle in parts; `manifest` is a copy to damage."""

    def __init__(self, manifest: dict[str, Any], members: Members) -> None:
        self.members = members
        self._text = json.dumps(manifest)
        self.hashed = hashed(manifest, members)
        self.file = packed(self.hashed)

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self._text)
        return manifest


Damage = Callable[[Base, random.Random], bytes]


class Cases:
    """One outcome a case: `refused` or `answered`; anything else that happens is a fault."""

    def __init__(self) -> None:
        self.folder = folder_in_memory()
        self.small = [small_base(index) for index in range(96)]
        self.damages = DAMAGES
        students = [path for path in sorted({*shipped_bundles().values()}) if isinstance(open_bundle(path), Bundle)]
        self.shipped = [base_of(path) for path in students]

    def close(self) -> None:
        shutil.rmtree(self.folder)

    def content(self, rng: random.Random) -> tuple[str, bytes]:
        """The kind of damage and the damaged file."""
        bases = self.shipped if rng.random() < SHIPPED_SHARE else self.small
        kind = rng.choices(list(self.damages), [weight for _, weight in self.damages.values()])[0]
        return kind, self.damages[kind][0](rng.choice(bases), rng)

    def ask(self, path: Path, rng: random.Random) -> None:
        """Read the file and ask for probabilities."""
        asked(Predictor(Bundle.read(path), threads=1, target=rng.choice(_native.targets())), rng)

    def run(self, rng: random.Random) -> str:
        kind, content = self.content(rng)
        path = self.folder / "x.wren"
        path.write_bytes(content)
        try:
            self.ask(path, rng)
        except CodewrenError as error:
            said = str(error)
            if not isinstance(error, BundleError) or "\n" in said or len(said) > LONGEST_MESSAGE:
                raise AssertionError(f"{type(error).__name__}: {said[:300]!r} of {len(said)} characters") from error
            return f"{kind}: refused"
        return f"{kind}: answered"


class SmallCases(Cases):
    """Cases of small bundles of another form; nothing that ships is damaged."""

    def __init__(self, write: Callable[[int, Path], Path], count: int, kind: str, damages: Mapping[str, Any]) -> None:
        """`write` puts the bundle of a number into a folder; `kind` is that of its lexer."""
        self.folder = folder_in_memory()
        self.small = self.shipped = [lexed_base(write(index, self.folder), kind) for index in range(count)]
        self.damages = dict(damages)


def folder_in_memory() -> Path:
    """A new folder, where the system keeps one in memory."""
    return Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def lexed_base(path: Path, kind: str) -> Base:
    """A bundle that reads tokens of the source, as manifest and members."""
    bundle = open_bundle(path)
    members = {
        WEIGHTS: bytes(bundle.weights),
        "tokenizer.json": f'{{"kind":"{kind}","version":1}}'.encode(),
        "MODEL_CARD.md": b"#",
    }
    return Base(dict(bundle.manifest), members)


def with_tables(base: Base, manifest: dict[str, Any], rng: random.Random, layout: Callable[[], Sequence[Any]]) -> bytes:
    """The file of a changed manifest, with random weights for its tables; where they cannot be, with the old ones."""
    try:
        entries = layout()
    except CodewrenError:
        return packed(hashed(manifest, base.members))
    manifest["tensors"] = [entry.to_dict() for entry in entries]
    return packed(hashed(manifest, {**base.members, WEIGHTS: rng.randbytes(entries[-1].end)}))


def asked(predictor: Predictor, rng: random.Random) -> None:
    """Ask for probabilities of random texts and check that they are some."""
    texts = [strange_text(rng, 30) for _ in range(2)]
    if predictor.task.unit is Unit.PAIR:
        rows = predictor.predict_proba([(texts[0], texts[1])])
        predictor.pairs_above(predictor.encode(texts), 0.0)
    else:
        rows = predictor.predict_proba(texts)
    for row in rows:
        if len(row) != len(predictor.task.labels) or not math.isclose(sum(row), 1, rel_tol=1e-6):
            raise AssertionError(f"probabilities {row}")


def base_of(path: Path) -> Base:
    bundle = Bundle.read(path)
    members = {WEIGHTS: bytes(bundle.weights), "tokenizer.json": bundle.tokenizer.to_bytes(), "MODEL_CARD.md": b"# x"}
    return Base(dict(bundle.manifest), members)


def small_base(index: int) -> Base:
    """A student of a few hundred weights; together they have every kind of tokenizer, position, storage and head."""
    rng = random.Random(index)
    kinds = list(product(TokenizerKind, PositionType, Storage, (VULNERABILITY, CLONE)))
    kind, positions, storage, task = kinds[index % len(kinds)]
    spec = small_tokenizer(kind, rng)
    heads = rng.choice([1, 2, 3])
    config = StudentConfig(
        tokenizer=kind,
        vocab_size=len(spec.vocab),
        num_hidden_layers=rng.choice([1, 1, 1, 1, 2, 3]),
        hidden_size=heads * rng.choice([1, 2, 3]),
        hidden_act=rng.choice(list(Activation)),
        intermediate_size=rng.randint(1, 5),
        num_attention_heads=heads,
        max_sequence_length=rng.randint(3, 24),
        position_embedding_type=positions,
        pair_head=rng.choice(list(PairHead)),
        storage=storage,
        embedding_size=rng.choice([0, 0, 1, 3]),
        max_data_flow=rng.choice([0, 0, 0, 4]),
    )
    tensors, weights = random_weights(config, task, rng)
    manifest = {
        "format": "codewren",
        "schema_version": 1,
        "task": task.to_dict(),
        "config": config.to_dict(),
        "tensors": tensors,
        "decision": {"threshold": 0.5, "temperature": 1.0},
        "scores": {},
        "provenance": {},
    }
    return Base(manifest, {WEIGHTS: weights, "tokenizer.json": spec.to_bytes(), "MODEL_CARD.md": b"# Card"})


def small_tokenizer(kind: TokenizerKind, rng: random.Random) -> TokenizerSpec:
    flags = {name: rng.random() < 0.5 for name in ("lowercase", "nfkd", "strip_accents", "add_special_tokens")}
    if kind is TokenizerKind.BPE:
        base = (*SPECIAL_TOKENS, *byte_alphabet())
        merges = [rng.randrange(4, 260 + k // 2) for k in range(2 * rng.randrange(20))]
        if len(merges) % 2:
            merges.pop()
        vocab = list(base)
        for left, right in zip(merges[::2], merges[1::2], strict=True):
            vocab.append(vocab[left] + vocab[right])
        if len(set(vocab)) == len(vocab):
            return TokenizerSpec(kind, tuple(vocab), tuple(merges), add_prefix_space=rng.random() < 0.5, **flags)
        return TokenizerSpec(kind, base, **flags)
    words = [*WORDS, *(strange_text(rng, 4) for _ in range(rng.randrange(12)))]
    encodable = [word.encode("utf-8", "replace").decode() for word in words if word]
    vocab = list(dict.fromkeys([*SPECIAL_TOKENS, *encodable]))
    scores = [round(rng.uniform(-12, 0), 3) for _ in vocab] if kind is TokenizerKind.UNIGRAM else []
    return TokenizerSpec(kind, tuple(vocab), scores=tuple(scores), **flags)


def random_weights(config: StudentConfig, task: Task, rng: random.Random) -> tuple[list[dict[str, Any]], bytes]:
    """The tensor table and the numbers; any storage for any matrix, small values."""
    table: list[dict[str, Any]] = []
    weights = bytearray()
    for name, shape in tensor_shapes(config, task).items():
        dtype = str(config.storage if len(shape) == 2 else rng.choice([Storage.FP16, Storage.FP32]))
        count = math.prod(shape)
        row = {"name": name, "dtype": dtype, "shape": list(shape), "offset": appended(weights, b"")}
        if dtype == "int8":
            row["nbytes"] = count
            weights += rng.randbytes(count)
            row["scale_offset"] = appended(weights, small_numbers(shape[0], 2, rng, POSITIVE))
        else:
            data = small_numbers(count, 4 if dtype == "fp32" else 2, rng, SMALL)
            row["nbytes"] = len(data)
            weights += data
        table.append(row)
    return table, bytes(weights)


def small_numbers(count: int, width: int, rng: random.Random, mask: bytes) -> bytes:
    """Random IEEE numbers of `width` bytes below 2."""
    numbers = bytearray(rng.randbytes(count * width))
    numbers[width - 1 :: width] = numbers[width - 1 :: width].translate(mask)
    return bytes(numbers)


def appended(weights: bytearray, data: bytes) -> int:
    """Put data on the next boundary; its offset."""
    weights += bytes(-len(weights) % 16)
    offset = len(weights)
    weights += data
    return offset


def with_noise(content: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut, doubled, moved, or overwritten."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 30])):
        at = rng.randrange(len(damaged) + 1)
        length = rng.choice([1, 1, 2, 4, 16, 64])
        match rng.randrange(6):
            case 0 | 1 if at < len(damaged):
                damaged[at] ^= 1 << rng.randrange(8)
            case 2:
                damaged[at : at + length] = rng.randbytes(min(length, max(0, len(damaged) - at)))
            case 3:
                del damaged[at : at + length]
            case 4:
                damaged[at:at] = damaged[at : at + length]
            case _:
                damaged[at : at + length] = bytes([rng.choice([0, 0x7F, 0xFF])]) * length
    return bytes(damaged)


def noise_in_file(base: Base, rng: random.Random) -> bytes:
    content = base.file
    return content[: rng.randrange(len(content))] if rng.random() < 0.2 else with_noise(content, rng)


def lies_in_headers(base: Base, rng: random.Random) -> bytes:
    members = base.hashed
    names = rng.sample(list(members), len(members))
    return packed({name: members[name] for name in names}, rng)


def noise_in_member(base: Base, rng: random.Random) -> bytes:
    """One member damaged, hashes and checksums made to fit."""
    members = base.hashed
    name = rng.choice([WEIGHTS, "tokenizer.json", "manifest.json", "MODEL_CARD.md"])
    damaged = {**members, name: with_noise(members[name], rng)}
    return packed(damaged if name == "manifest.json" else hashed(base.manifest, damaged))


def strange_manifest(base: Base, rng: random.Random) -> bytes:
    manifest = base.manifest
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        put_strange(manifest, rng)
    return packed(hashed(manifest, base.members))


def strange_tensors(base: Base, rng: random.Random) -> bytes:
    """The tensor table with rows swapped, moved within the file, of another type, or with other sizes."""
    manifest = base.manifest
    rows = manifest["tensors"]
    size = len(base.members[WEIGHTS])
    for _ in range(rng.choice([1, 1, 2, 3])):
        first, second = rng.choice(rows), rng.choice(rows)
        match rng.randrange(6):
            case 0:
                first["offset"], second["offset"] = second["offset"], first["offset"]
            case 1:
                first["name"], second["name"] = second["name"], first["name"]
            case 2:
                first[rng.choice(["offset", "scale_offset"])] = 16 * rng.randrange(-1, size // 16 + 2)
            case 3 if isinstance(first["shape"], list) and all(isinstance(side, int) for side in first["shape"]):
                retyped(first, rng)
            case 4 if isinstance(first["shape"], list):
                first["shape"] = [max(0, side + rng.choice([-1, 1])) for side in first["shape"]]
            case _:
                first[rng.choice(list(first))] = strange_value(rng)
    return packed(hashed(manifest, base.members))


def retyped(row: dict[str, Any], rng: random.Random) -> None:
    """Another number format, with the size that goes with it."""
    row["dtype"] = rng.choice(["int8", "fp16", "fp32"])
    row["nbytes"] = math.prod(row["shape"]) * {"int8": 1, "fp16": 2, "fp32": 4}[row["dtype"]]
    row.setdefault("scale_offset", row["offset"])


def other_config(base: Base, rng: random.Random) -> bytes:
    """A configuration with another size or kind, and weights that fit it as far as there are enough."""
    manifest = base.manifest
    name = rng.choice(
        ["num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "embedding_size"]
    )
    if rng.random() < 0.5:
        name = rng.choice(["max_sequence_length", "max_data_flow", "hidden_act", "position_embedding_type"])
    kinds = {"hidden_act": list(Activation), "position_embedding_type": list(PositionType)}
    manifest["config"][name] = str(rng.choice(kinds[name])) if name in kinds else rng.choice([1, 2, 3, 7, 16, 33])
    if name in {"hidden_size", "num_attention_heads"}:
        manifest["config"]["num_attention_heads"] = 1
    try:
        config, task = StudentConfig.from_dict(manifest["config"]), Task.from_dict(manifest["task"])
        manifest["tensors"], weights = random_weights(config, task, rng)
    except CodewrenError:
        weights = base.members[WEIGHTS]
    return packed(hashed(manifest, {**base.members, WEIGHTS: weights}))


def strange_tokenizer(base: Base, rng: random.Random) -> bytes:
    """Other tokens, merges, scores, flags or kinds, with a vocabulary of the right size."""
    manifest, members = base.manifest, base.members
    raw = json.loads(members["tokenizer.json"])
    for _ in range(rng.choice([1, 1, 2, 3])):
        match rng.randrange(6):
            case 0:
                raw["vocab"][rng.randrange(len(raw["vocab"]))] = strange_text(rng, 12)
            case 1 if raw["merges"]:
                raw["merges"][rng.randrange(len(raw["merges"]))] = rng.choice([0, 4, 259, 260, 279, rng.randrange(300)])
            case 2 if raw["scores"]:
                extremes = [0, -1e308, 1e308, 5e-324, -1e-300, 3.5e38, -(2**70)]
                raw["scores"][rng.randrange(len(raw["scores"]))] = rng.choice(extremes)
            case 3:
                raw["kind"] = manifest["config"]["tokenizer"] = str(rng.choice(list(TokenizerKind)))
                raw["scores"] = [-1.0] * len(raw["vocab"]) if raw["kind"] == "unigram" else []
            case 4:
                flag = rng.choice(["lowercase", "nfkd", "strip_accents", "add_prefix_space", "add_special_tokens"])
                (raw if flag in raw else raw["normalizer"])[flag] = rng.choice([True, False, None])
            case _:
                ordinary = raw["vocab"][len(SPECIAL_TOKENS) :]
                raw["vocab"][len(SPECIAL_TOKENS) :] = rng.sample(ordinary, len(ordinary))
    if rng.random() < 0.2:
        put_strange(raw, rng)
    text = json.dumps(raw, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return packed(hashed(manifest, {**members, "tokenizer.json": text}))


def strange_weights(base: Base, rng: random.Random) -> bytes:
    """Numbers of any size, NaN and infinity too, in the weights and in the decision."""
    manifest = base.manifest
    manifest["decision"]["temperature"] = rng.choice([1.0, 1e-300, 1e300, 5e-324, 1e-30])
    weights = bytearray(base.members[WEIGHTS])
    row = rng.choice(manifest["tensors"])
    start = row["offset"]
    pattern = rng.choice([b"\xff\x7b", b"\xff\xff\x7f\x7f", b"\x01\0", b"\xff\x7f", b"\0\x7c", b"\x80", b"\xff\xfb"])
    count = rng.choice([1, row["nbytes"] // len(pattern)])
    weights[start : start + count * len(pattern)] = pattern * count
    return packed(hashed(manifest, {**base.members, WEIGHTS: bytes(weights)}))


def put_strange(value: Any, rng: random.Random) -> None:
    """A strange value somewhere below."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = rng.choice(keys)
        if not isinstance(value[key], dict | list) or rng.random() < 0.15:
            value[key] = strange_value(rng)
            return
        value = value[key]


DAMAGES: dict[str, tuple[Damage, int]] = {
    "bytes of the file": (noise_in_file, 25),
    "headers": (lies_in_headers, 10),
    "bytes of a member": (noise_in_member, 20),
    "manifest": (strange_manifest, 10),
    "tensor table": (strange_tensors, 10),
    "other configuration": (other_config, 5),
    "tokenizer": (strange_tokenizer, 10),
    "weights": (strange_weights, 10),
}
