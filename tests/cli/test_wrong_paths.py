"""Every path that a command reads, given what is not there, a folder, an empty file or another format: one line."""

import json

import pytest

from codewren.cli.main import VERBS, main

BUNDLE, SIMILAR = "vulnerability-c-micro", "clones-mini"
FUNCTION = "int f(char *p) { char b[8]; strcpy(b, p); return b[0]; }"
FINE = {"scan --config": ("empty",), "scan PATH": ("folder", "empty", "other"), "predict FILE": ("empty",)}
"""What is no mistake: settings without a key, trees and files without functions, a text without words."""

CASES = {
    "init DATA": ("init", "@", "--recipe", "{tmp}/new.toml"),
    "init --teacher": ("init", "{data}", "--teacher", "@", "--recipe", "{tmp}/new.toml"),
    "compress RECIPE": ("compress", "@", "--out", "{tmp}/run", "--quiet"),
    "teach LABELS": ("teach", "@", "--out", "{tmp}/run", "--quiet"),
    "teach SOURCE": ("teach", "{data}/train.jsonl", "@", "--code", "func", "--language", "c", "--out", "{tmp}/run"),
    "finetune RECIPE": ("finetune", "@", "--out", "{tmp}/run", "--quiet"),
    "label RECIPE": ("label", "@", "--out", "{tmp}/run", "--quiet"),
    "search RECIPE": ("search", "@", "--out", "{tmp}/run", "--quiet"),
    "distil RECIPE": ("distil", "@", "--out", "{tmp}/run", "--quiet"),
    "baseline RECIPE": ("baseline", "@", "--out", "{tmp}/run", "--quiet"),
    "export RECIPE": ("export", "@", "--out", "{tmp}/run", "--quiet"),
    "evaluate BUNDLE": ("evaluate", "@", "{recipe}"),
    "evaluate RECIPE": ("evaluate", BUNDLE, "@"),
    "evaluate --versus": ("evaluate", BUNDLE, "{recipe}", "--versus", "@"),
    "evaluate --logits": ("evaluate", BUNDLE, "{recipe}", "--logits", "@"),
    "evaluate --transfer": ("evaluate", SIMILAR, "@", "--transfer"),
    "report RUN": ("report", "@", "--out", "{tmp}/r.html"),
    "info BUNDLE": ("info", "@"),
    "graph FILE": ("graph", "@"),
    "predict BUNDLE": ("predict", "@", "{source}"),
    "predict FILE": ("predict", BUNDLE, "@"),
    "scan PATH": ("scan", "@", "--model", BUNDLE),
    "scan --model": ("scan", "{source}", "--model", "@"),
    "scan --baseline": ("scan", "{source}", "--model", BUNDLE, "--baseline", "@"),
    "scan --config": ("scan", "{source}", "--model", BUNDLE, "--config", "@"),
    "verify REPORT": ("verify", "@", "{source}", "--model", BUNDLE),
    "push BUNDLE": ("push", "@", "me/x", "--license", "mit"),
}
KINDS = ("missing", "folder", "empty", "other")


@pytest.fixture
def places(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for split, first in (("train", 0), ("valid", 40)):
        rows = [{"idx": i, "func": FUNCTION.replace("f(", f"f{i}("), "label": i % 2} for i in range(first, first + 40)]
        (data / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "f.c").write_text(FUNCTION)
    recipe = '[task]\nname = "vulnerability"\n[data]\nroot = "data"\nvalid = { path = "valid.jsonl" }\n'
    (tmp_path / "recipe.toml").write_text(recipe)
    return {"tmp": tmp_path, "data": data, "source": tmp_path / "f.c", "recipe": tmp_path / "recipe.toml"}


def wrong(folder, kind, case):
    """A path of this kind, with the ending that the command looks at."""
    ending = {"teach LABELS": ".csv", "init DATA": "/train.jsonl", "evaluate --logits": ".npy"}.get(case, ".x")
    ending = ".toml" if "RECIPE" in case or "--config" in case else ".wren" if "BUNDLE" in case else ending
    path = folder / f"wrong{ending}"
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"\x93\x00[no such format\xff\n")
    return path


MISTAKES = [(case, kind) for case in CASES for kind in KINDS if kind not in FINE.get(case, ())]


@pytest.mark.parametrize(("case", "kind"), MISTAKES)
def test_a_path_that_cannot_be_read_is_one_line_that_names_it(places, capsys, case, kind):
    path = wrong(places["tmp"] / "w", kind, case)
    arguments = [text.format(**places) if text != "@" else str(path) for text in CASES[case]]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2, said
    assert not any(line.startswith("Traceback") for line in said)
    assert path.name in said[-1], said
    told = [line for line in said if line and not line.startswith(("Usage:", "Try "))]
    assert len(told) == 1, told


def test_every_command_that_reads_a_path_is_asked():
    """A new verb with a path of its own joins the table above, or this list with its reason."""
    elsewhere = {
        "import": "tests/train/test_published_student.py", "similar": "tests/cli/test_similar.py",
        "hook": "tests/agent", "mcp": "tests/agent", "index": "tests/index", "lsp": "tests/editor",
        "config": "tests/cli/test_config.py", "pull": "reads no path", "bench": "tests/bench",
    }  # fmt: skip
    verbs = {name.split()[0] for name in CASES}
    assert verbs | elsewhere.keys() == set(VERBS)
    assert not verbs & elsewhere.keys()


def test_missing_logits_say_what_was_wanted_and_how_to_make_it(places, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", BUNDLE, str(places["recipe"]), "--logits", str(places["tmp"] / "missing.npy")])
    said = capsys.readouterr().err
    assert "--logits" in said and "missing.npy: no such file; wanted the logits (40, 2) of split 'valid'" in said
    assert "codewren label writes" in said and "numpy.save" in said
