"""A fine-tuned teacher on disk: a Hugging Face encoder folder, `head.safetensors`, and `teacher.json` about both."""

import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, get_args

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from codewren.core.errors import InputError, TeacherError
from codewren.core.files import file_sha256, read_json, write_json
from codewren.core.recipe_sections import WhiteSpace
from codewren.core.student_config import PairHead
from codewren.core.task import Task
from codewren.dataflow.graph import Mode
from codewren.train.teachers.code_graphs import check_graph_encoder
from codewren.train.teachers.headed_encoder import TeacherNetwork
from codewren.train.teachers.pretrained import check_length, first_line, load_encoder, load_tokenizer

SHEET = "teacher.json"
HEAD = "head.safetensors"
ENCODER_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class TeacherSheet:
    """What `teacher.json` says of a fine-tuned teacher.

    Attributes:
        pooling: `first` token or `mean` over tokens.
        pair_head: `concat` as the papers, or `symmetric`.
        max_sequence_length: tokens of one function, special ones included.
        weights: SHA-256 of each weight file beside the sheet.
        scores: validation metrics of the epoch that was kept.
        complete: False while fine-tuning has not run to its end.
        data_flow: `repaired` or `papers`, how data flow was fed beside the code; None: code only.
        whitespace: how white space was fed; sheets that do not say were made with it collapsed.
    """

    task: Task
    pooling: str
    max_sequence_length: int
    weights: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    epoch: int = 0
    pair_head: str = "concat"
    complete: bool = False
    recipe: dict[str, Any] = field(default_factory=dict)
    data_flow: Mode | None = None
    whitespace: WhiteSpace = "collapsed"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "task": self.task.to_dict()}

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read the JSON form; sheets from before there was data flow say nothing of it.

        Raises:
            KeyError, TypeError, ValueError: it is not a sheet.
        """
        if raw.get("data_flow") not in (None, *get_args(Mode)):
            raise ValueError(f"data_flow is {raw['data_flow']!r}, wanted one of {', '.join(get_args(Mode))}")
        if raw.get("whitespace", "raw") not in get_args(WhiteSpace):
            raise ValueError(f"whitespace is {raw['whitespace']!r}, wanted one of {', '.join(get_args(WhiteSpace))}")
        return cls(**{**raw, "task": Task.from_dict(raw["task"])})


def save_teacher(out: Path, network: TeacherNetwork, tokenizer: Any, sheet: TeacherSheet) -> None:
    """Write a Hugging Face encoder folder with the head and the sheet; each file appears whole, the sheet last.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".teacher.") as name:
            folder = Path(name)
            network.encoder.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            head = {key: value for key, value in network.state_dict().items() if not key.startswith("encoder.")}
            save_file({key: value.contiguous() for key, value in head.items()}, folder / HEAD)
            hashes = {weights: file_sha256(folder / weights) for weights in (ENCODER_WEIGHTS, HEAD)}
            for file in sorted(folder.iterdir()):
                file.chmod(0o644)  # safetensors writes for the owner alone
                file.replace(out / file.name)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write the teacher to {out}: {error}; free space, then run again") from error
    write_json(out / SHEET, {**sheet.to_dict(), "weights": hashes})


def read_sheet(folder: Path) -> TeacherSheet:
    """Read `teacher.json` and check the weight files against it.

    Raises:
        TeacherError: the sheet is malformed, or a weight file is missing or not the one the sheet names.
    """
    try:
        sheet = TeacherSheet.from_dict(read_json(folder / SHEET))
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise TeacherError(f"{folder / SHEET}: not a teacher's sheet ({error})") from error
    for name, digest in sheet.weights.items():
        if not (folder / name).is_file() or file_sha256(folder / name) != digest:
            raise TeacherError(f"{folder / name} is missing or not the file that {SHEET} names; finetune again")
    return sheet


def read_teacher(folder: Path, *, attention: str = "sdpa") -> tuple[TeacherNetwork, Any, TeacherSheet]:
    """Load what `save_teacher` wrote, ready to judge: network, tokenizer, sheet.

    Raises:
        TeacherError: a file is missing, damaged, or holds other weights than the network has.
    """
    sheet = read_sheet(folder)
    encoder = load_encoder(str(folder), attention=attention)
    tokenizer = load_tokenizer(str(folder), encoder.config.vocab_size)
    check_length(str(folder), encoder, sheet.max_sequence_length)
    if sheet.data_flow is not None:
        check_graph_encoder(str(folder), encoder)
    network = TeacherNetwork(encoder, sheet.task, pooling=sheet.pooling, pair_head=PairHead(sheet.pair_head))
    try:
        head = load_file(folder / HEAD)
    except (OSError, SafetensorError) as error:
        raise TeacherError(f"{folder / HEAD}: cannot be read ({first_line(error)}); finetune again") from error
    expected = {key for key in network.state_dict() if not key.startswith("encoder.")}
    if set(head) != expected:
        raise TeacherError(f"{folder / HEAD} holds {sorted(head)}, wanted {sorted(expected)}; finetune again")
    try:
        network.load_state_dict(head, strict=False)
    except RuntimeError as error:
        raise TeacherError(f"{folder / HEAD} does not fit the task: {first_line(error)}") from error
    return network.eval(), tokenizer, sheet
