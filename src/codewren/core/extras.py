"""What the heavy half needs, asked before it is imported."""

from importlib.util import find_spec

from codewren.core.errors import MissingExtraError

TRAIN = ("torch", "transformers", "tokenizers", "numpy", "sklearn")
"""Packages of the extra `train` that every training uses."""


def check_train_extra() -> None:
    """Say what to install where the heavy half is called on the light install.

    Raises:
        MissingExtraError: torch or another library of the `train` extra is missing.
    """
    for package in TRAIN:
        if find_spec(package) is None:
            raise MissingExtraError(package, "train")
