"""The `codewren` command: verbs are imported only when they are called, so that `scan` starts at once."""

import importlib
import sys
from collections.abc import Sequence

import click

from codewren.core.errors import CodewrenError, nearest

VERBS = {
    "compress": "The whole path: label, search, distil, export, evaluate, report.",
    "finetune": "Make a teacher from a pretrained encoder.",
    "label": "Write the teacher's logits once.",
    "search": "Find the student's configuration.",
    "distil": "Train the chosen student on the teacher's logits.",
    "baseline": "Distil the papers' BiLSTM baseline, to compare with.",
    "export": "Write the trained student as one *.wren file, or as ONNX.",
    "import": "Turn a published checkpoint of the papers into a *.wren file.",
    "evaluate": "Quality of a bundle with intervals; compare it with a teacher or another bundle.",
    "report": "One HTML page and a model card about a run, or several runs side by side.",
    "bench": "What a prediction costs on this machine: time, memory, energy.",
    "info": "What a bundle is: size, task, scores, provenance, hashes.",
    "graph": "The data flow of functions, as a table or a drawing.",
    "predict": "Probabilities for files or standard input.",
    "scan": "Find vulnerable functions or clones in source files.",
}


class LazyGroup(click.Group):
    """A group whose commands live in `codewren.cli.<verb>` and are loaded on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs in the order of a project's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        name = f"{cmd_name}_" if cmd_name == "import" else cmd_name
        command: click.Command = getattr(importlib.import_module(f"codewren.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest verb for an unknown one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"no verb {args[0]!r}; {nearest(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="codewren", prog_name="codewren")
def cli() -> None:
    """Turn a fine-tuned model of code into one small file, and run it anywhere.

    Makers start with `codewren compress RECIPE.toml --out runs/x`; developers with `codewren scan src/ --model x.wren`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every error a user can mend is one line on stderr and exit code 2."""
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except CodewrenError as error:
        click.echo(f"codewren: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("codewren: stopped; what was finished is kept, the same command goes on from there", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
