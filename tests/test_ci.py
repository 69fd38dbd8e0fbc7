"""What docs/ci.md promises, run for real in scratch repositories: the Action's steps, the hooks, GitLab, Jenkins."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from codewren.syntax.file_names import SUFFIXES

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
FUNCTION = """def total_of(values, limit):
    result = 0
    for value in values:
        if value > limit:
            result += value * 2
        else:
            result -= value
    print(result, limit)
    return result
"""
OTHER = "def greet(name):\n    print('hello', name)\n    return name.upper()\n"

pytestmark = pytest.mark.skipif(
    not (shutil.which("git") and shutil.which("bash")), reason="needs git and bash, as every job has"
)


def environment(folder: Path) -> dict[str, str]:
    """A runner's: programs on the path, a home of its own, no settings of the machine's user."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "codewren").write_text(f'#!/bin/sh\nexec {sys.executable} -m codewren "$@"\n')
    (programs / "codewren").chmod(0o755)
    kept = {name: os.environ[name] for name in ("LANG", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_BASE_REF": "",
    }


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, env=quiet)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone with a branch that copies a function of the main branch."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    (origin / "a.py").write_text(FUNCTION)
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "a function")
    git(origin, "checkout", "-q", "--detach")  # so that main can be pushed to
    git(tmp_path, "clone", "-q", "--branch", "main", str(origin), str(clone))
    git(clone, "checkout", "-q", "-b", "change")
    (clone / "b.py").write_text(OTHER)
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "another")
    return clone


def copy_function(repository: Path) -> None:
    (repository / "c.py").write_text(FUNCTION)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "a copy")


def run_action(repository: Path, base: str = "main", **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run every step of the composite action as the runner does: bash -eo pipefail, inputs as variables."""
    values = {name: spec["default"] for name, spec in ACTION["inputs"].items()} | {"install": "none"} | inputs
    assert values.keys() == ACTION["inputs"].keys()
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"], "an expression in a script is a door for whoever names the branch"
        assert step["shell"] == "bash"
        variables = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: values[match[1]], text)
            for name, text in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=repository,
            env={**environment(repository.parent), "GITHUB_BASE_REF": base, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            break
    return done


def test_a_pull_request_that_copies_a_function_fails_with_summary_comment_annotation_and_sarif(repository: Path):
    copy_function(repository)
    done = run_action(repository, model="clones")
    assert done.returncode == 1, done.stderr
    comment = (repository / "codewren.md").read_text()
    assert "### codewren: 1 class of clones in what changed since `origin/main...HEAD`" in comment
    assert "| exact |" in comment
    assert (repository.parent / "summary.md").read_text() == comment
    assert (repository.parent / "output").read_text() == "code=1\n"
    (annotation,) = (line for line in done.stdout.splitlines() if line.startswith("::"))
    assert annotation.startswith("::warning file=a.py,line=1,")
    (result,) = json.loads((repository / "codewren.sarif").read_text())["runs"][0]["results"]
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "c.py"


def test_a_pull_request_without_copies_passes_though_the_main_branch_has_some(repository: Path):
    copy_function(repository)
    git(repository, "push", "-q", "origin", "change:main")
    git(repository, "fetch", "-q", "origin")
    done = run_action(repository, model="clones")
    assert done.returncode == 0, done.stderr
    assert "no class of clones" in (repository / "codewren.md").read_text()
    assert run_action(repository, base="", model="clones").returncode == 1  # a push scans all code
    assert run_action(repository, model="clones", diff="none").returncode == 1


def test_findings_may_be_told_without_failing_and_parts_left_out(repository: Path):
    copy_function(repository)
    done = run_action(repository, model="clones", fail="false", annotations="false", sarif="")
    assert done.returncode == 0, done.stderr
    assert "::" not in done.stdout
    assert not (repository / "codewren.sarif").exists()
    assert (repository.parent / "output").read_text() == "code=1\n"


def test_further_options_and_paths_are_words_of_their_own(repository: Path):
    copy_function(repository)
    (repository / "sub folder").mkdir()
    assert run_action(repository, model="clones", arguments="--exclude\nc.py\n").returncode == 0
    assert run_action(repository, model="clones", paths="sub folder\nb.py\n").returncode == 0


def test_a_scan_that_cannot_run_or_is_incomplete_fails_whatever_is_asked_for(repository: Path):
    assert run_action(repository, model="no-such-model", fail="false").returncode == 2
    (repository / "bad.py").write_bytes(b"\0")
    assert run_action(repository, model="clones", paths="bad.py", diff="none", fail="false").returncode == 2
    assert "Incomplete scan" in (repository.parent / "summary.md").read_text()


def test_no_input_is_run_by_the_shell(repository: Path):
    attack = "\"; touch pwned; $(touch pwned) `touch pwned` '; touch pwned #"
    names = ("paths", "model", "diff", "arguments", "comment", "sarif")
    assert run_action(repository, **dict.fromkeys(names, attack)).returncode
    assert not list(repository.rglob("pwned"))
    assert not list(repository.parent.glob("pwned"))


def test_the_guide_lists_every_input_with_what_the_action_has():
    listed = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]+)`)?", GUIDE, re.MULTILINE))
    assert listed.keys() == ACTION["inputs"].keys()
    for name, default in listed.items():
        if default:
            assert ACTION["inputs"][name]["default"] == default


HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]


def test_the_hook_gets_every_file_that_a_scan_would_look_at_and_no_other():
    assert all(re.search(HOOK["files"], f"src/a{suffix}") for suffix in SUFFIXES)
    assert not any(re.search(HOOK["files"], name) for name in ("a.cd", "c", "a.py.txt", "a.cxy", "ac"))
    assert len(HOOK["files"].split("|")) == len(SUFFIXES)


SNIPPETS = re.findall(r"^      - id: codewren-scan\n(?:        .*\n)+", GUIDE, re.MULTILINE)


def install_hook(repository: Path, snippet: str) -> None:
    """The hook of the guide, with codewren as it is here in place of an installation from the network."""
    (settings,) = yaml.safe_load(snippet)
    hook = {**HOOK, **settings, "language": "system", "entry": f"{sys.executable} -m codewren scan"}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(repository, "add", ".pre-commit-config.yaml")
    git(repository, "commit", "-q", "-m", "hooks")


def pre_commit(repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--color", "never"],
        cwd=repository,
        env={**environment(repository.parent), "PRE_COMMIT_HOME": str(repository.parent / "hooks")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_hook_for_clones_stops_a_commit_that_copies_a_function_and_no_other(repository: Path):
    pytest.importorskip("pre_commit")
    install_hook(repository, SNIPPETS[1])
    (repository / "d.py").write_text(OTHER.replace("greet", "say"))
    git(repository, "add", ".")
    done = pre_commit(repository)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout
    (repository / "c.py").write_text(FUNCTION)
    git(repository, "add", ".")
    done = pre_commit(repository)
    assert done.returncode == 1
    assert "2 functions, exact" in done.stdout


def test_the_hook_for_functions_gets_the_changed_files_and_follows_the_projects_settings(repository: Path):
    pytest.importorskip("pre_commit")
    install_hook(repository, SNIPPETS[0])
    (repository / "codewren.toml").write_text("threshold = 0\nlanguages = ['c']\n")
    (repository / "x.c").write_text("int f(int n) {\n    return n + 1;\n}\n")
    baseline = ["scan", "x.c", "--write-baseline", "codewren.baseline.json"]
    subprocess.run([sys.executable, "-m", "codewren", *baseline], cwd=repository, check=True, capture_output=True)
    git(repository, "add", ".")
    assert pre_commit(repository).returncode == 0
    (repository / "y.c").write_text("int g(char *n) {\n    return n[3];\n}\n")
    git(repository, "add", ".")
    done = pre_commit(repository)
    assert done.returncode == 1
    assert "settings of codewren.toml" in done.stdout
    assert "y.c:1" in done.stdout
    assert "x.c:1" not in done.stdout


def test_gitlab_and_jenkins_get_reports_they_read(repository: Path):
    copy_function(repository)
    commands = re.findall(r"(codewren scan .* --format (?:gitlab|sarif) --output \S+?)'?$", GUIDE, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["bash", "-ec", command], cwd=repository, env=environment(repository.parent), check=True)
    (issue,) = json.loads((repository / "gl-codequality.json").read_text())
    assert issue["location"] == {"path": "a.py", "lines": {"begin": 1, "end": 9}}
    assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
    assert {"description", "check_name", "fingerprint"} < issue.keys()
    assert json.loads((repository / "codewren.sarif").read_text())["runs"][0]["results"]


def test_the_yaml_of_the_guide_is_yaml():
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 5
    assert all(yaml.safe_load(block) for block in blocks)
