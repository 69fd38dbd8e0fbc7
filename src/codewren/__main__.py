"""The `codewren` command, also as `python -m codewren`, which `torchrun` needs."""

import sys


def main() -> None:
    """Load the command line and run it; Ctrl-C while it loads is an interruption as any other."""
    try:
        from codewren.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("codewren: stopped\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
