"""`codewren pull`."""

from pathlib import Path

import click


@click.command()
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--revision", default="main", show_default=True, help="Branch, tag or commit; a commit pins it.")
@click.option("--sha256", metavar="HASH", help="Refuse any other file, whatever the repository says.")
@click.option(
    "--out",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to put it in.",
)
@click.option("--force", is_flag=True, help="Replace another file of the same name.")
@click.option("--endpoint", metavar="URL", help="Another hub than huggingface.co.")
def pull(repository: str, *, revision: str, sha256: str | None, out: Path, force: bool, endpoint: str | None) -> None:
    """Fetch a bundle and its card from a repository of the Hugging Face hub.

    Its hash is compared with the repository's SHA256SUMS and the file is read before it takes its place. What is
    printed says how to have the same file again.

    Example: codewren pull me/clones --out models
    """
    from codewren.hub.download import COMMIT, Origin
    from codewren.hub.download import pull as pull_bundle

    pulled = pull_bundle(Origin(repository, revision, endpoint), out, sha256=sha256, force=force)
    click.echo(f"{pulled.bundle}{'' if pulled.is_new else ' (was there already)'}\nsha256 {pulled.sha256}")
    if not COMMIT.fullmatch(revision):
        click.echo(f"again: codewren pull {repository} --revision {pulled.commit}")
