"""The command line starts light and teaches."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from codewren.cli.main import VERBS, cli

HEAVY = ("torch", "transformers", "tokenizers", "sklearn", "z3", "numpy", "pymoo", "onnxruntime")


@pytest.mark.parametrize("verb", ["scan", "predict", "info"])
def test_the_light_half_loads_nothing_heavy(verb):
    code = (
        "import sys\nfrom codewren.cli.main import cli\n"
        f"try: cli.main([{verb!r}, '--help'], standalone_mode=True)\nexcept SystemExit: pass\n"
        f"import codewren, codewren.runtime.predictor, codewren.runtime.scan\n"
        f"bad = [m for m in {HEAVY!r} if m in sys.modules]\nassert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_says_what_it_does(verb):
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 5


def test_help_lists_every_verb_without_importing_any():
    code = (
        "import sys\nfrom codewren.cli.main import cli\n"
        "try: cli.main(['--help'], standalone_mode=True)\nexcept SystemExit: pass\n"
        "assert not [m for m in sys.modules if m.startswith('codewren.cli.') and m != 'codewren.cli.main']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert all(verb in done.stdout for verb in VERBS)
