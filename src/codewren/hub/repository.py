"""A repository of the hub, and errors of its library as one line each that never holds a token."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from codewren.core.errors import InputError, MissingExtraError

LONGEST_REASON = 300


def hub_api(endpoint: str | None) -> Any:
    """The library's client; it takes the token of `HF_TOKEN`, or of `hf auth login`.

    Args:
        endpoint: address of another hub; None is the library's own.

    Raises:
        MissingExtraError: `huggingface_hub` is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise MissingExtraError("huggingface_hub, which speaks to the hub,", "hub") from None
    from codewren import __version__

    return HfApi(endpoint=endpoint, library_name="codewren", library_version=__version__)


def checked_repository(repository: str) -> str:
    """A name that a repository of the hub can have; without an owner the hub makes one that no push can find.

    Raises:
        InputError: it is none.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise InputError(f"repository {repository!r}: {error}") from None
    if "/" not in repository:
        raise InputError(f"repository {repository!r} names no owner; wanted OWNER/NAME")
    return repository


@contextmanager
def one_line_errors(repository: str, attempt: str) -> Iterator[None]:
    """Turn what the library raises into one line.

    Raises:
        InputError: what was attempted, and why it failed.
    """
    try:
        yield
    except Exception as error:  # its own, httpx's and the system's errors have no base in common
        raise InputError(f"{repository}: cannot {attempt}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    from huggingface_hub import get_token

    kind = type(error).__name__
    told = {
        "RepositoryNotFoundError": "no such repository, or it is private and no token is known; run hf auth login",
        "RevisionNotFoundError": "it has no such branch, tag or commit",
        "GatedRepoError": "its owner must grant access first",
        "LocalTokenNotFoundError": "no token is known; set HF_TOKEN, or run hf auth login",
        "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set; unset it",
        "ConnectError": "the hub cannot be reached; check the network and --endpoint",
        "RemoteEntryNotFoundError": "it has no such file, so that no bundle was pushed there",
    }
    said = told.get(kind) or " ".join(str(error).split())[:LONGEST_REASON] or kind
    token = get_token()
    return said.replace(token, "[token]") if token else said
