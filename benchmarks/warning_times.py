"""Time from a function about to be written to a warning: `codewren mcp` and `codewren hook` beside jscpd.

    python benchmarks/warning_times.py TREE --jscpd node_modules/.bin/jscpd [--functions 20] [--index-dir DIR]

Both servers are driven by the client of the official SDK over standard input and output. Functions of TREE (50 to 200
tokens, no tests) are asked about as they are, and with local names changed. Times are processor time of the server
(user and system, read from /proc, in ticks of 10 ms, so calls are counted together); seconds of the clock stand beside
them. codewren's index is built before: building it is told too, because jscpd reads the tree at each start instead.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters
from planted_rewrites import SUFFIXES, TOKENS, _text

from codewren.index.tree_index import Index
from codewren.index.view import is_test
from codewren.train.similarity.text_edits import local_names, rename

TICKS_S = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Draw functions, ask both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--jscpd", required=True, help="its command")
    parser.add_argument("--functions", type=int, default=20)
    parser.add_argument("--index-dir", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with Index.open(arguments.tree, folder=arguments.index_dir) as index:
        started = time.process_time()
        update = index.update()
        print(f"{len(index):,} functions; {update.judged} files encoded in {time.process_time() - started:.1f} s")
        copies, renamed = _drawn(index, arguments.functions, arguments.seed)
    where = [] if arguments.index_dir is None else ["--index-dir", str(arguments.index_dir)]
    ours = StdioServerParameters(
        command=sys.executable, args=["-m", "codewren", "mcp", str(arguments.tree), "-q", "-j", "1", *where]
    )
    theirs = StdioServerParameters(command=arguments.jscpd, args=["--mcp", "--max-size", "5mb", str(arguments.tree)])
    print(f"{'':16}{'start':>10}{'a call':>10}{'clock: start':>14}{'a call':>10}{'copies':>9}{'renamed':>9}")
    for name, server, ask in (("codewren mcp", ours, _ask_codewren), ("jscpd --mcp", theirs, _ask_jscpd)):
        figures = anyio.run(_served, server, ask, [*copies, *renamed])
        warned = [sum(figures[4][: len(copies)]), sum(figures[4][len(copies) :])]
        print(
            f"{name:16}"
            + "".join(f"{1e3 * figure:>{w}.0f}ms" for figure, w in zip(figures, (8, 8, 12, 8), strict=False)),
            end="",
        )
        print(f"{warned[0]:>6}/{len(copies)}{warned[1]:>6}/{len(renamed)}")
    _hook(arguments.tree, copies, where)


def _drawn(index: Index, count: int, seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    rng = random.Random(seed)
    functions = []
    for path, entry in sorted(index._newest().catalog.entries.items()):
        record = index._newest().record(entry) if entry.segment >= 0 and not is_test(path) else ()
        sized = [n for n in range(len(record)) if record.size(n) in TOKENS and entry.language in SUFFIXES]
        functions += [(path, entry.language, record, number) for number in sized]
    rng.shuffle(functions)
    texts = [(function[1], _text(index, *function)) for function in functions[: 8 * count]]
    names = [name for _, text in texts for name in local_names(text)]
    copies = texts[:count]
    return copies, [(language, rename(text, rng, names)) for language, text in copies]


async def _served(server: StdioServerParameters, ask, functions: Sequence[tuple[str, str]]) -> tuple:
    children, wall = _children(), time.perf_counter()
    async with Client(server) as client:
        await client.list_tools()
        start_wall = time.perf_counter() - wall
        (child,) = _children() - children
        start, wall = _cpu_s(child), time.perf_counter()
        answers = [await ask(client, language, text) for language, text in functions]
        call_wall = (time.perf_counter() - wall) / len(functions)
        call = (_cpu_s(child) - start) / len(functions)
    return start, call, start_wall, call_wall, answers


async def _ask_codewren(client: Client, language: str, text: str) -> bool:
    arguments = {"path": f"about_to_be_written.{SUFFIXES[language]}", "text": text}
    result = await client.call_tool("check_duplicates", arguments)
    return bool(not result.is_error and result.structured_content["duplicates"])


async def _ask_jscpd(client: Client, language: str, text: str) -> bool:
    result = await client.call_tool("check_duplication", {"code": text, "format": language})
    return bool(not result.is_error and json.loads(result.content[0].text).get("count"))


def _hook(tree: Path, functions: Sequence[tuple[str, str]], where: Sequence[str]) -> None:
    cpu, wall, warned = [], [], 0
    for language, text in functions:
        call = json.dumps({"path": f"about_to_be_written.{SUFFIXES[language]}", "content": text})
        command = [sys.executable, "-m", "codewren", "hook", "--root", str(tree), *where]
        before, started = os.times(), time.perf_counter()
        printed = subprocess.run(command, input=call, capture_output=True, text=True, check=True).stdout
        after = os.times()
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
        wall.append(time.perf_counter() - started)
        warned += bool(printed)
    row = f"{'':>10}{1e3 * sum(cpu) / len(cpu):>8.0f}ms{'':>14}{1e3 * sum(wall) / len(wall):>8.0f}ms"
    print(f"{'codewren hook':16}{row}{warned:>6}/{len(functions)}   (a call is a process)")


def _children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def _cpu_s(pid: str) -> float:
    """Processor time of a process and of its children: jscpd's command starts the program proper."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / TICKS_S
    return own + sum(_cpu_s(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


if __name__ == "__main__":
    main()
