"""A published student of the first paper as a bundle."""

from pathlib import Path

from codewren.bundle.write import write_bundle
from codewren.compress.run import version
from codewren.core.files import file_sha256
from codewren.core.student_config import Storage
from codewren.core.task import built_in_task
from codewren.train.published_student import import_published


def import_student(
    checkpoint: Path, tokenizer: Path, *, task_name: str, heads: int, max_length: int, storage: str, output: Path
) -> int:
    """Read a checkpoint strictly and write it as a bundle; returns the bytes of the file.

    Raises:
        TeacherError: the checkpoint does not hold exactly such a student.
        InputError: a file is missing, or the tokenizer cannot be expressed.
    """
    task = built_in_task(task_name)
    student = import_published(
        checkpoint,
        tokenizer,
        task=task,
        num_attention_heads=heads,
        max_sequence_length=max_length,
        storage=Storage(storage),
    )
    return write_bundle(
        output,
        task=task,
        config=student.config,
        tensors=student.tensors,
        tokenizer=student.tokenizer,
        provenance={
            "codewren": version(),
            "source": "a published student of Compressor (Shi et al., ASE 2022)",
            "checkpoint_sha256": file_sha256(checkpoint),
            "tokenizer_sha256": file_sha256(tokenizer),
            "unused_tensors": list(student.unused),
        },
        card=f"# {task.name}\n\nThe published 3 MB student of Compressor (ASE 2022), stored as {storage}.\n",
    )
