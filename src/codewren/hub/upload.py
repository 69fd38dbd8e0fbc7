"""Push: a bundle, its card and its hash, in one commit of a repository of the hub."""

from dataclasses import dataclass

from codewren.bundle.open import AnyBundle
from codewren.hub.checksums import SUMS, Checksum, checked_name
from codewren.hub.readme import CardMetadata, readme
from codewren.hub.repository import checked_repository, hub_api, one_line_errors


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push made.

    Attributes:
        commit: its full hash, which pins what was pushed.
        url: of the commit's page.
        checksum: of the bundle.
    """

    commit: str
    url: str
    checksum: Checksum


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a push goes.

    Attributes:
        repository: `OWNER/NAME`; made where it does not exist.
        branch: to commit to.
        private: of a repository that is made.
        endpoint: address of another hub.
    """

    repository: str
    branch: str = "main"
    private: bool = False
    endpoint: str | None = None


def push(bundle: AnyBundle, destination: Destination, metadata: CardMetadata, *, name: str | None = None) -> Pushed:
    """Commit a bundle that has been read and checked.

    Args:
        bundle: any form.
        destination: the repository.
        metadata: of the card.
        name: of the file there; by default the bundle's own.

    Raises:
        MissingExtraError: the extra `hub` is not installed.
        InputError: a name that is none, or the hub's refusal.
    """
    api = hub_api(destination.endpoint)
    checksum, card = contents(bundle, destination.repository, metadata, name=name)
    with one_line_errors(destination.repository, "push"):
        from huggingface_hub import CommitOperationAdd

        files = {
            checksum.name: bundle.path.read_bytes(),
            "README.md": card.encode(),
            SUMS: checksum.line().encode(),
        }
        api.create_repo(destination.repository, private=destination.private, exist_ok=True)
        made = api.create_commit(
            destination.repository,
            [CommitOperationAdd(path, content) for path, content in files.items()],
            commit_message=f"{checksum.name}, {bundle.size_bytes:,} bytes, sha256 {checksum.sha256[:12]}",
            revision=destination.branch,
        )
    return Pushed(made.oid, made.commit_url, checksum)


def contents(
    bundle: AnyBundle, repository: str, metadata: CardMetadata, *, name: str | None = None
) -> tuple[Checksum, str]:
    """What stands beside a bundle in a repository: its name with its hash, and its card.

    Raises:
        MissingExtraError: the extra `hub` is not installed.
        InputError: a name that the bundle or the repository cannot have.
    """
    hub_api(None)  # says what to install
    checksum = Checksum(checked_name(name or bundle.path.name), bundle.sha256)
    return checksum, readme(bundle, checksum, checked_repository(repository), metadata)
