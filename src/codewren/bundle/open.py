"""Open a bundle of any form."""

from pathlib import Path

from codewren.bundle.container import Container, Form
from codewren.bundle.hint import HintBundle
from codewren.bundle.read import Bundle
from codewren.bundle.similarity import SimilarityBundle

AnyBundle = Bundle | SimilarityBundle | HintBundle


def open_bundle(path: Path | str) -> AnyBundle:
    """Read and check a bundle; which class it has says what it holds.

    Raises:
        BundleError: the file is missing, damaged, foreign, or of a newer schema.
    """
    container = Container.read(path)
    match container.form:
        case Form.SIMILARITY:
            return SimilarityBundle.of(container)
        case Form.HINT:
            return HintBundle.of(container)
    return Bundle.of(container)
