"""The model card of a repository: a bundle's own card with the metadata that the hub reads, and how to use it."""

from collections.abc import Sequence
from dataclasses import dataclass

from codewren.bundle.container import Form
from codewren.bundle.hint import HintBundle
from codewren.bundle.open import AnyBundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.core.markup import visible
from codewren.hub.checksums import Checksum

PIPELINES = {
    Form.STUDENT: "text-classification",
    Form.HINT: "text-classification",
    Form.SIMILARITY: "sentence-similarity",
}
"""Tasks of the hub: what a bundle's page is filed under."""


@dataclass(frozen=True, slots=True)
class CardMetadata:
    """What the hub wants to know and a bundle does not say.

    Attributes:
        license: identifier as the hub lists them: `apache-2.0`, `mit`, `cc-by-nc-4.0`, `other`.
        datasets: names of data sets on the hub, `OWNER/NAME`.
        tags: further ones.
    """

    license: str
    datasets: Sequence[str] = ()
    tags: Sequence[str] = ()


def readme(bundle: AnyBundle, checksum: Checksum, repository: str, metadata: CardMetadata) -> str:
    """`README.md` of a repository: YAML between dashes, then the card, then two commands."""
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        license=metadata.license,
        library_name="codewren",
        pipeline_tag=PIPELINES[form_of(bundle)],
        language="code",
        tags=_tags(bundle, metadata),
        datasets=list(metadata.datasets) or None,
    )
    use = [
        "## Use",
        "",
        "    pip install codewren",
        f"    codewren pull {repository} --sha256 {checksum.sha256}",
        f"    codewren scan src/ --model {checksum.name}",
        "",
        f"`{checksum.name}` has {bundle.size_bytes:,} bytes; SHA-256 `{checksum.sha256}`.",
    ]
    return f"---\n{data.to_yaml()}\n---\n\n{bundle.card.rstrip()}\n\n" + "\n".join(use) + "\n"


def form_of(bundle: AnyBundle) -> Form:
    """What a bundle holds."""
    if isinstance(bundle, SimilarityBundle):
        return Form.SIMILARITY
    return Form.HINT if isinstance(bundle, HintBundle) else Form.STUDENT


def _tags(bundle: AnyBundle, metadata: CardMetadata) -> list[str]:
    """Ours, the task, its language, and what the user adds, each once."""
    task = bundle.task
    names = ("codewren", "code", visible(task.name), *([task.language] if task.language else []), *metadata.tags)
    return list(dict.fromkeys(names))
