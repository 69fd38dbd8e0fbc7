"""Kills label, search, distil, export, index and a scan with a cache at random moments, and lets them go on.

    python scripts/damage/kills.py build/damage/kills.json --kills 120

A moment is a point in time, or one of the verb's own writes. What the resumed verbs leave must be what an uninterrupted
run leaves: every file byte for byte, but for times and energies, which are left out; of an index every function with
its vector, since its segments follow the kills. Killed, the command goes on.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from state import State
from tiny_task import SEARCH, STUDENT, settings, write_task

MOST_KILLS = 6  # of one verb, then it may end
LOST_TIME = ("seconds", "energy_j", "latency_s", "joules", "started", "cost")
WRITES = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "shutil.copyfile", "sqlite3.connect"}
MEASURED = ("latency-", "pace-", "energy", "front", "chosen")  # made of times; which student is chosen depends on them
VERBS = ("label", "search", "distil", "export", "scan", "index")
TURNS = ["label", "index", "export", "label", "scan", "distil", "index"] * 2 + ["search"]
ENCODER = "clones-micro"


def command(verb: str, recipe: Path, out: Path) -> list[str]:
    if verb == "scan":
        cache = ["--cache-dir", str(out / "cache"), "--output", str(out / "found.json"), "--format", "json"]
        return ["scan", "-q", "-j", "1", "-m", "clone-java-micro", *cache, str(recipe.parent / "sources")]
    if verb == "index":
        return ["index", "-q", "-j", "1", "-m", ENCODER, "--index-dir", str(out), str(recipe.parent / "sources")]
    chosen = [*STUDENT, *(SEARCH if verb == "search" else [])]
    return [verb, str(recipe), "--out", str(out), "--quiet", *settings(*chosen)]


def forked(arguments: list[str], log: Path, watch: Callable[[], None]) -> int:
    """A verb in a process of its own that has the libraries already."""
    pid = os.fork()
    if pid:
        return pid
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        watch()
        from codewren.cli.main import main as codewren

        codewren(arguments)
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    finally:
        os._exit(70)


def at_write(number: int) -> None:
    """Kill this process right before its write of this number."""
    left = number

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in WRITES and (event != "open" or is_write(arguments)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def is_write(arguments: tuple[Any, ...]) -> bool:
    _, _, flags = arguments
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def often_saved() -> None:
    """Labelling keeps what it has every minute, an index what it has of thousands of functions; here far oftener."""
    from codewren.index import update
    from codewren.train.teachers import network

    network.SAVE_EVERY_S = -1.0
    update.BATCH_ROWS = 60


def run_through(verb: str, recipe: Path, out: Path) -> float:
    """Run a verb to its end; seconds.

    Raises:
        RuntimeError: it failed.
    """
    since = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    log = out.with_suffix(".log")
    _, status = os.waitpid(forked(command(verb, recipe, out), log, often_saved), 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in ((0, 1) if verb == "scan" else (0,)):
        raise RuntimeError(f"{verb} ended with {code}: {log.read_text()[-1_000:]}")
    return time.monotonic() - since


def killed(verb: str, recipe: Path, out: Path, rng: random.Random, lasts_s: float) -> bool:
    """Start a verb and kill it; whether it was still running."""
    log = out.with_suffix(".log")
    out.mkdir(parents=True, exist_ok=True)
    number = int(2 ** rng.uniform(0, 7))
    if rng.random() < 0.5:
        pid = forked(command(verb, recipe, out), log, lambda: (often_saved(), at_write(number))[1])
    else:
        pid = forked(command(verb, recipe, out), log, often_saved)
        time.sleep(rng.uniform(0, lasts_s))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def round_of(verb: str, recipe: Path, before: Path, rng: random.Random, lasts_s: float) -> tuple[int, Path]:
    """Start from what the verbs before left, kill and go on, and end; kills, and what is there then."""
    out = Path(tempfile.mkdtemp(dir=before.parent)) / "out"
    if before.is_dir():
        shutil.copytree(before, out)
    kept = before.parent / verb / "tokenizers"  # those of WordPiece and Unigram differ from one training to the next
    if kept.is_dir():
        shutil.copytree(kept, out / "tokenizers", dirs_exist_ok=True)
    kills = sum(killed(verb, recipe, out, rng, lasts_s) for _ in range(rng.randint(1, MOST_KILLS)))
    run_through(verb, recipe, out)
    return kills, out


def contents(folder: Path) -> dict[str, Any]:
    """Every file below, without times; the cache of a scan may lose entries, a killed write leaves a hidden file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    index = {"index": indexed(folder)} if (folder / "index").is_dir() else {}
    return index | {
        str(path.relative_to(folder)): timeless(path)
        for path in files
        if not {"cache", "index"} & {*path.relative_to(folder).parts} and not path.name.startswith((".", *MEASURED))
    }


def indexed(folder: Path) -> list[Any]:
    """Every function that an index holds, with its vector, from its one catalogue."""
    from codewren.index.view import View
    from codewren.predict.predictor import load

    (catalog,) = folder.glob("index/*/catalog")
    view = View.open(catalog.parent, load(ENCODER).vector_bytes, {})
    rows = []
    for path, entry in view.catalog.entries.items():
        if entry.segment >= 0:
            file = view.segment(entry.segment).packed(entry.number)
            rows.append((path, entry.digest, file.vectors, file.record))
    return sorted(rows)


def timeless(path: Path) -> Any:
    if path.suffix == ".pt":
        import torch

        return without_times(torch.load(path, weights_only=False))
    content = path.read_bytes()
    if path.suffix not in {".json", ".jsonl"}:
        return content
    lines = content.splitlines() if path.suffix == ".jsonl" else [content]
    return [without_times(json.loads(line)) for line in lines]


def without_times(value: Any) -> Any:
    """The value without what a clock gave, in types that can be compared."""
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items() if name not in LOST_TIME}
    if isinstance(value, list | tuple):
        return [without_times(item) for item in value]
    if isinstance(value, str) and value.startswith('{"'):
        return without_times(json.loads(value))
    return value.numpy().tobytes() if hasattr(value, "numpy") else value


def differences(wanted: Path, found: Path) -> list[str]:
    before, after = contents(wanted), contents(found)
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return [f"{name}: {difference(before.get(name), after.get(name))}" for name in changed]


def difference(wanted: Any, found: Any) -> str:
    """The first place where two values differ."""
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return next(difference(left, right) for left, right in zip(wanted, found, strict=True) if left != right)
    if isinstance(wanted, dict) and isinstance(found, dict):
        name = next(name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name))
        return f"{name}: {difference(wanted.get(name), found.get(name))}"
    return f"{wanted!r:.100} became {found!r:.100}"


def prepare(folder: Path) -> tuple[Path, dict[str, float]]:
    """The task, and for each verb the folder `folder/VERB` that an uninterrupted run leaves; seconds each took."""
    recipe = write_task(folder)
    sources = folder / "sources"
    sources.mkdir()
    for number, line in enumerate((folder / "functions.jsonl").read_text().splitlines()):
        text = json.loads(line)["func"] + "\n"
        for copy in range(3):  # more files than the cache takes at once, and more bytes than it is not worth
            (sources / f"C{number}_{copy}.java").write_text(f"class C {{\n{text}}}\n// {copy}{'-' * 300}\n")
    teacher = ["finetune", str(recipe), "--out", str(folder), "--quiet"]
    os.waitpid(forked(teacher, folder / "teacher.log", lambda: None), 0)
    seconds, last = {}, Path()
    for verb in VERBS:
        out = folder / verb
        if verb not in {"label", "scan", "index"}:
            shutil.copytree(last, out)
        seconds[verb], last = run_through(verb, recipe, out), out
    return recipe, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--verb", choices=VERBS, action="append", help="only this one; may be repeated")
    arguments = parser.parse_args()
    import torch

    import codewren.compress.path
    import codewren.train.teachers.finetune  # noqa: F401  once, not in every child

    torch.set_num_threads(1)
    verbs = arguments.verb or TURNS
    state = State(arguments.state, {"verbs": verbs})
    with tempfile.TemporaryDirectory() as folder:
        recipe, seconds = prepare(Path(folder))
        while state.done < arguments.kills:
            number = state.values["counts"].get("rounds", 0)
            rng, verb = random.Random(number), verbs[number % len(verbs)]
            before = Path(folder) / {"search": "label", "distil": "search", "export": "distil"}.get(verb, "nothing")
            kills, found = round_of(verb, recipe, before, rng, seconds[verb])
            changed = differences(Path(folder) / verb, found)
            if changed:
                state.faults.append({"round": number, "verb": verb, "differ": changed})
            shutil.rmtree(found.parent)
            state.add({"rounds": 1, f"kills of {verb}": kills, f"rounds of {verb}": 1})
            state.save(state.done + kills, f"{state.done + kills} kills, {verb}: {', '.join(changed) or 'equal'}")
    return 1 if state.faults else 0


if __name__ == "__main__":
    sys.exit(main())
