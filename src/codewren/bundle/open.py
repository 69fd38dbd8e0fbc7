"""Open a bundle of either form."""

from pathlib import Path

from codewren.bundle.container import Container, Form
from codewren.bundle.read import Bundle
from codewren.bundle.similarity import SimilarityBundle

AnyBundle = Bundle | SimilarityBundle


def open_bundle(path: Path | str) -> AnyBundle:
    """Read and check a bundle; which class it has says what it holds.

    Raises:
        BundleError: the file is missing, damaged, foreign, or of a newer schema.
    """
    container = Container.read(path)
    return SimilarityBundle.of(container) if container.form is Form.SIMILARITY else Bundle.of(container)
