"""The command line, run inside a test."""

import pytest
from click.testing import CliRunner

from codewren.cli.main import cli, main


def run(*arguments):
    """Run the command line in this process; a failure inside shows its own traceback."""
    return _invoke(arguments).stdout


def remarks(*arguments):
    """Run the same and return what it says on standard error."""
    return _invoke(arguments).stderr


def _invoke(arguments):
    result = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def fails(capsys, *arguments):
    """Run the command line as a user does and return the one line of the error."""
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    return lines[-1]
