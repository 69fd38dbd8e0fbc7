"""The `codewren` command: verbs are imported only when they are called, so that `scan` starts at once."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from codewren.core.errors import CodewrenError, InputError, nearest

VERBS = {
    "init": "Draft a recipe from a look at data and teacher.",
    "compress": "The whole path: label, search, distil, export, evaluate, report.",
    "teach": "A student of a few dozen labelled functions, in minutes.",
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
    "push": "Put a bundle and its card into a repository of the Hugging Face hub.",
    "pull": "Fetch a bundle and its card from there, its hash checked.",
    "graph": "The data flow of functions, as a table or a drawing.",
    "predict": "Probabilities for files or standard input.",
    "scan": "Find vulnerable functions or clones in source files.",
    "similar": "Find the functions of a tree that are most like a given one.",
    "hook": "Warn a coding agent when a function that it is about to write exists already.",
    "mcp": "Serve similar functions, duplicates and scans to coding agents.",
    "index": "Build or update the index of a tree that similar, mcp and hook search.",
    "config": "The settings of a project: what holds, and where it stands.",
    "lsp": "The same in an editor, while code is written: a language server.",
    "verify": "Order the findings of another tool by what a bundle says of the code around them.",
}

RESUMED = frozenset({"compress", "teach", "label", "search", "distil"})  # the same command goes on where it was stopped
PRINTED = frozenset({"info", "predict"})  # their one result is what they print
_INTERRUPTED = 130


class _ReaderGoneError(Exception):
    """Whoever read standard output has seen enough."""


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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; click would end a closed pipe with 1, which says findings, and call EOFError an interruption."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
            elif ctx.invoked_subcommand in PRINTED:
                raise InputError("cannot write standard output: it is closed")
        except BrokenPipeError as error:
            raise _ReaderGoneError from error
        except EOFError as error:
            raise RuntimeError(f"EOFError: {error}") from error
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(_stopped(ctx.invoked_subcommand, str(error))) from None
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show the traceback of a crash (as does CODEWREN_DEBUG=1).")
@click.version_option(package_name="codewren", prog_name="codewren")
def cli(debug: bool) -> None:
    """Turn a fine-tuned model of code into one small file, and run it anywhere.

    Makers start with `codewren compress RECIPE.toml --out runs/x`; developers with `codewren scan src/ --model x.wren`.
    """
    if debug:
        os.environ["CODEWREN_DEBUG"] = "1"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: 0 is clean, 1 says findings, 130 interrupted, and every error is one line on stderr and code 2."""
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
        code = code if isinstance(code, int) else 0
    except CodewrenError as error:
        _complain(f"codewren: {error}")
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort) as error:
        _complain(f"codewren: {error.__cause__ or error or _stopped(None, '')}")
        code = _INTERRUPTED
    except _ReaderGoneError:
        code = 0
    except Exception as error:  # 1 would say findings
        _complain(_crash(error))
        code = 2
    sys.exit(_flushed(code))


def _stopped(verb: str | None, detail: str) -> str:
    kept = detail or ("what was finished is kept, the same command goes on from there" if verb in RESUMED else "")
    return f"stopped; {kept}" if kept else "stopped"


def _crash(error: Exception) -> str:
    """One line about an error that is no user's, after its traceback where that is asked for."""
    if os.environ.get("CODEWREN_DEBUG"):
        import traceback

        _complain("".join(traceback.format_exception(error)).rstrip())
    said = " ".join(str(error).split())[:500]
    if isinstance(error, OSError):
        return f"codewren: {error.filename or 'input or output'}: {error.strerror or said}"
    return f"codewren: crashed: {type(error).__name__}: {said} (codewren --debug shows where)"


def _complain(text: str) -> None:
    try:
        click.echo(text, err=True)
    except (OSError, ValueError):  # closed or full: the exit code says it
        return


def _flushed(code: int) -> int:
    """The exit code, or 2 when standard output cannot take what was printed; nothing is left for Python to flush."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        if not isinstance(error, BrokenPipeError):
            _complain(f"codewren: cannot write standard output: {getattr(error, 'strerror', None) or error}")
            code = code if code == _INTERRUPTED else 2
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code
