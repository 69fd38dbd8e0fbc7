"""Pull: a bundle of the hub, at one commit, its hash checked and the file read before it is put in its place."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codewren.bundle.open import open_bundle
from codewren.core.errors import InputError
from codewren.core.files import file_sha256, write_bytes
from codewren.hub.checksums import SUMS, Checksum, read_checksum
from codewren.hub.repository import checked_repository, hub_api, one_line_errors

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull left.

    Attributes:
        bundle: the file.
        commit: full hash of the commit that it is of.
        sha256: of the file.
        is_new: whether it was written; an equal file stays as it is.
    """

    bundle: Path
    commit: str
    sha256: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a pull comes from.

    Attributes:
        repository: `OWNER/NAME`.
        revision: a branch, a tag, or a commit, which pins it.
        endpoint: address of another hub.
    """

    repository: str
    revision: str = "main"
    endpoint: str | None = None


def pull(origin: Origin, out: Path, *, sha256: str | None = None, force: bool = False) -> Pulled:
    """Put a repository's bundle, and its card as `NAME.md`, into a folder.

    Args:
        origin: the repository.
        out: the folder.
        sha256: what the bundle must hash to, whatever the repository says; in any case of letters.
        force: replace another file of that name.

    Raises:
        MissingExtraError: the extra `hub` is not installed.
        InputError: no name or no hash, the hub's refusal, another hash, or another file in the bundle's place.
        BundleError: the file is no bundle.
    """
    api = hub_api(origin.endpoint)
    checked_repository(origin.repository)
    wanted = None if sha256 is None else sha256.strip().lower()
    if wanted is not None and not SHA256.fullmatch(wanted):
        raise InputError(f"--sha256 {sha256}: wanted the 64 hexadecimal digits that a push or a pull prints")
    with one_line_errors(origin.repository, f"find revision {origin.revision}"):
        commit = str(api.model_info(origin.repository, revision=origin.revision).sha)
    with tempfile.TemporaryDirectory(prefix="codewren-") as folder:
        sums = _fetched(api, origin, commit, SUMS, Path(folder)).read_text(encoding="utf-8", errors="replace")
        checksum = read_checksum(sums, origin.repository)
        if wanted is not None and checksum.sha256 != wanted:
            raise InputError(f"{origin.repository}: its bundle has SHA-256 {checksum.sha256}, {wanted} was wanted")
        target = out / checksum.name
        if target.exists() and file_sha256(target) == checksum.sha256:
            return Pulled(target, commit, checksum.sha256, is_new=False)
        if target.exists() and not force:
            raise InputError(f"{target} is another file than that of {origin.repository}; add --force to replace it")
        content = _checked(_fetched(api, origin, commit, checksum.name, Path(folder)), checksum, origin)
        card = _fetched(api, origin, commit, "README.md", Path(folder)).read_bytes()
    write_bytes(target.with_suffix(".md"), card)
    write_bytes(target, content)
    return Pulled(target, commit, checksum.sha256, is_new=True)


def _fetched(api: Any, origin: Origin, commit: str, name: str, folder: Path) -> Path:
    with one_line_errors(origin.repository, f"fetch {name}"):
        return Path(api.hf_hub_download(origin.repository, name, revision=commit, local_dir=folder))


def _checked(file: Path, checksum: Checksum, origin: Origin) -> bytes:
    """The bytes of a bundle that is what the repository says, and can be read.

    Raises:
        InputError: another hash.
        BundleError: it is damaged or foreign.
    """
    actual = file_sha256(file)
    if actual != checksum.sha256:
        raise InputError(
            f"{origin.repository}: {checksum.name} came with SHA-256 {actual}, {checksum.sha256} was wanted; pull again"
        )
    open_bundle(file)
    return file.read_bytes()
