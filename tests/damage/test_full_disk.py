"""A disk that fills up, at whatever write, costs one line and nothing that was finished; with room, all goes on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codewren.bundle.read import Bundle
from commands import run
from students import write_student

VERBS = ("label", "search", "distil", "export")
SEARCH = ("search.strategy=random", "search.seed=1", "search.trials=2", "search.trial_epochs=1")
SETTINGS = [part for word in ("distil.epochs=2", *SEARCH) for part in ("--set", word)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MB: of 8 MB, a run alone fills it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("needs root on Linux, to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, room: int) -> Path:
    """Leave so many bytes free."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with ballast.open("wb") as stream:
        stream.write(bytes(max(0, free - room)))
    return ballast


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "codewren", *map(str, arguments)]
    return subprocess.run(words, check=False, capture_output=True, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_every_verb_goes_on_after_a_full_disk_with_what_was_finished(small_disk: Path, clone_task: Path) -> None:
    recipe, whole, out = clone_task / "recipe.toml", small_disk.parent / "whole", small_disk / "out"
    failures = 0
    for verb in VERBS:
        run(verb, recipe, "--out", whole, "--quiet", *SETTINGS)
        for room in (0, 4096, 40_000, 160_000, 400_000):
            before = contents(out) if out.exists() else {}
            ballast = fill(small_disk, room)
            ended = command(verb, recipe, "--out", out, "--quiet", *SETTINGS)
            ballast.unlink()
            after = contents(out) if out.exists() else {}
            if ended.returncode:
                failures += 1
                last = ended.stderr.strip().splitlines()[-1]
                assert ended.returncode == 2, ended.stderr
                assert "No space left" in last, ended.stderr
                assert "crashed" not in ended.stderr
            assert not {name for name in before if name not in after}
            assert not {name for name in after if Path(name).name.startswith(".")}
        assert command(verb, recipe, "--out", out, "--quiet", *SETTINGS).returncode == 0
    assert failures >= len(VERBS)
    assert (out / "student.wren").read_bytes() == (whole / "student.wren").read_bytes()


def test_a_scan_goes_on_without_its_cache_and_says_so(small_disk: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for number in range(600):
        (sources / f"{number}.c").write_text(f"int f{number}(int a) {{ return a; }}\n// {'-' * 400}\n")
    bundle = write_student(tmp_path / "x.wren")
    arguments = ["scan", "-m", bundle, "-j", "1", "--format", "json", sources]
    wanted = command(*arguments, "--no-cache")
    for room in (0, 4096, 20_000, 80_000):
        fill(small_disk, room)
        ended = command(*arguments, "--cache-dir", small_disk / "cache")
        found, told = (json.loads(said.stdout) for said in (ended, wanted))
        remarks = found.pop("remarks")
        told.pop("remarks")
        assert (ended.returncode, found) == (wanted.returncode, told)
        if room < 20_000:
            assert ["is not used" in remark for remark in remarks] == [True]
        shutil.rmtree(small_disk / "cache", ignore_errors=True)


@pytest.mark.parametrize("option", ["--output", "--write-baseline"])
def test_a_result_that_cannot_be_written_is_an_error_and_the_old_one_stays(
    small_disk: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "a.c").write_text("int f(int a) { return a; }\n" * 300)
    bundle = write_student(tmp_path / "x.wren")
    target = small_disk / "found.json"
    arguments = ["scan", "-m", bundle, "--no-cache", "--threshold", "0", "--format", "json", tmp_path / "a.c"]
    assert command(*arguments, option, target).returncode in (0, 1)
    old = target.read_bytes()
    fill(small_disk, 0)
    ended = command(*arguments, option, target)
    assert ended.returncode == 2
    assert "No space left" in ended.stderr.splitlines()[-1]
    assert target.read_bytes() == old


def test_a_bundle_that_cannot_be_written_leaves_the_old_one(small_disk: Path) -> None:
    from codewren.core.errors import InputError

    path = write_student(small_disk / "x.wren")
    old = path.read_bytes()
    fill(small_disk, 0)
    with pytest.raises(InputError, match="No space left"):
        write_student(path, seed=1)
    assert path.read_bytes() == old
    assert Bundle.read(path).card == ""
    assert {file.name for file in small_disk.iterdir()} == {"x.wren", "ballast"}


def test_a_checkpoint_that_finds_no_room_says_so_and_the_old_one_stays(small_disk: Path) -> None:
    import torch

    from codewren.core.errors import InputError
    from codewren.train.loop import save_checkpoint

    path = small_disk / "checkpoint.pt"
    save_checkpoint(path, {"weights": torch.zeros(10)})
    old = path.read_bytes()
    for room in (0, 4096, 8192, 40_000, 100_000):
        fill(small_disk, room)
        with pytest.raises(InputError, match=r"cannot write .*checkpoint\.pt: No space left"):
            save_checkpoint(path, {"weights": torch.zeros(100_000), "more": [torch.zeros(9) for _ in range(300)]})
        assert path.read_bytes() == old
