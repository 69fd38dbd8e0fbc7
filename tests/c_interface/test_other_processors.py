"""The core on 64-bit ARM (NEON) and on s390x (big endian), under emulation: the probabilities of this machine.

Bundles of every kind of tokenizer, position, storage and head, and those that ship.
"""

import sys
from pathlib import Path

import pytest

import codewren
from c_builds import ROOT, installed_library, run, tool
from codewren.bundle.open import open_bundle
from codewren.bundle.read import Bundle
from codewren.predict.predictor import shipped_bundles

sys.path.insert(0, str(ROOT / "scripts/damage"))
from bundles import small_base

FILES = [ROOT / "examples/request.c", ROOT / "examples/Totals.java"]
PROCESSORS = ("aarch64", "s390x")


@pytest.fixture(scope="module", params=PROCESSORS)
def judge(request, tmp_path_factory) -> list[str | Path]:
    """The command that runs the C example of another processor here."""
    processor = request.param
    emulator, compiler = tool(f"qemu-{processor}"), tool(f"{processor}-linux-gnu-gcc")
    options = {"SYSTEM_NAME": "Linux", "SYSTEM_PROCESSOR": processor, "CXX_COMPILER": f"{processor}-linux-gnu-g++"}
    installed = installed_library(f"c-{processor}", *(f"-DCMAKE_{name}={value}" for name, value in options.items()))
    program = tmp_path_factory.mktemp(processor) / "judge"
    libraries = [installed / "lib/libcodewren.a", "-lstdc++", "-lm", "-lpthread"]
    include = ["-static", "-DCODEWREN_STATIC", "-I", installed / "include"]
    run(compiler, *include, ROOT / "examples/c/judge.c", "-o", program, *libraries)
    return [emulator, program]


def printed(judge: list[str | Path], bundle: Path) -> list[list[float]]:
    """A row of probabilities an item."""
    lines = run(*judge, bundle, *FILES).splitlines()
    return [[float(word) for word in line.split()[2::2]] for line in lines]


def expected(bundle: Path) -> list[list[float]]:
    predictor = codewren.load(bundle)
    texts = [path.read_text() for path in FILES]
    return predictor.predict_proba([tuple(texts)] if predictor.task.functions_per_item == 2 else texts)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(set(shipped_bundles().values())), ids=lambda path: path.stem)
def test_shipped_bundles_are_judged_as_here(judge: list[str | Path], path: Path) -> None:
    tolerance = 1e-6 if isinstance(open_bundle(path), Bundle) else 1e-9  # vectors of encoders are equal bit by bit
    for here, there in zip(expected(path), printed(judge, path), strict=True):
        assert there == pytest.approx(here, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_students_of_every_kind_are_judged_as_here(judge: list[str | Path], tmp_path: Path, part: int) -> None:
    path, judged = tmp_path / "x.wren", 0
    for index in range(part, 72, 4):
        path.write_bytes(small_base(index).file)
        if open_bundle(path).config.max_data_flow:
            continue
        for here, there in zip(expected(path), printed(judge, path), strict=True):
            assert there == pytest.approx(here, abs=1e-5), index
        judged += 1
    assert judged > 10


@pytest.mark.slow
def test_a_damaged_bundle_is_refused_in_a_line(judge: list[str | Path], tmp_path: Path) -> None:
    path = tmp_path / "x.wren"
    path.write_bytes(small_base(0).file[:-30])
    with pytest.raises(AssertionError, match=r"exit 2\n\n[^\n]+\n$"):
        run(*judge, path, *FILES)
