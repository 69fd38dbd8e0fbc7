"""Pickles of a predictor name its bundle's file and the file's hash: small, and a process that unpickles maps the file.

A deep copy shares the checked bundle, which nothing can change.
"""

from pathlib import Path
from typing import Any

from codewren.bundle.open import AnyBundle, open_bundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.core.errors import BundleError

Pickled = tuple[str, str, str, int]
"""Path and hash of a bundle's file, its calibration if it has any, and threads."""


def pickled(bundle: AnyBundle, threads: int) -> Pickled:
    """What a pickle keeps.

    Raises:
        BundleError: the bundle's file is gone.
    """
    calibration = bundle.calibration_name if isinstance(bundle, SimilarityBundle) else ""
    return str(bundle.path.absolute()), bundle.sha256, calibration, threads


def reopened(kind: type[Any], path: str, sha256: str, calibration: str, threads: int) -> Any:
    """The predictor that was pickled, on the best instruction set of this machine.

    Raises:
        BundleError: its bundle is no longer there, or is another one.
    """
    bundle = open_bundle(Path(path))
    if bundle.sha256 != sha256:
        raise BundleError(f"{path} is not the bundle that was pickled (its hash is another one); load it anew")
    return kind(bundle.calibrated(calibration) if isinstance(bundle, SimilarityBundle) else bundle, threads=threads)
