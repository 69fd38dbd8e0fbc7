"""`codewren push`."""

import click


@click.command()
@click.argument("bundle")
@click.argument("repository", metavar="OWNER/NAME")
@click.option(
    "--license", "license_id", required=True, metavar="ID", help="As the hub spells it: apache-2.0, mit, other …"
)
@click.option(
    "--dataset", "datasets", multiple=True, metavar="OWNER/NAME", help="A data set of the hub; may be repeated."
)
@click.option("--tag", "tags", multiple=True, help="A further tag of the card; may be repeated.")
@click.option("--name", help="The file's name there; by default the bundle's own.")
@click.option("--branch", default="main", show_default=True, help="Branch to commit to.")
@click.option("--private", is_flag=True, help="If the repository does not exist yet, make it private.")
@click.option("--endpoint", metavar="URL", help="Another hub than huggingface.co.")
@click.option("--dry-run", is_flag=True, help="Print the card and send nothing.")
def push(
    bundle: str, *, repository: str, license_id: str, datasets: tuple[str, ...], tags: tuple[str, ...],
    name: str | None, branch: str, private: bool, endpoint: str | None, dry_run: bool,
) -> None:  # fmt: skip
    """Put a bundle, its card and its hash into a repository of the Hugging Face hub, in one commit.

    BUNDLE is a *.wren file, or the name of one that ships. The card becomes README.md, with the metadata that the hub
    reads. The token is that of HF_TOKEN or of `hf auth login`; it is never printed.

    Example: codewren push runs/x/student.wren me/clones --license mit
    """
    from codewren.hub.readme import CardMetadata
    from codewren.hub.upload import Destination, contents
    from codewren.hub.upload import push as push_bundle
    from codewren.predict.predictor import find_and_open

    opened, metadata = find_and_open(bundle), CardMetadata(license_id, datasets, tags)
    if dry_run:
        click.echo(contents(opened, repository, metadata, name=name)[1], nl=False)
        return
    pushed = push_bundle(opened, Destination(repository, branch, private, endpoint), metadata, name=name)
    click.echo(f"{pushed.url}\nrevision {pushed.commit}\nsha256 {pushed.checksum.sha256}  {pushed.checksum.name}")
