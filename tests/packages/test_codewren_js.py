"""The npm package gives Python's probabilities, and its modules are those of the sources."""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import codewren
from c_builds import ROOT, run, tool
from codewren.predict.predictor import shipped_bundles

PACKAGE = ROOT / "packages/codewren-js"
MODULES = ["codewren-simd", "codewren"]
NODE_MODULES = Path(os.environ.get("CODEWREN_NODE_MODULES", ROOT / "build/npm")) / "node_modules"
TEXTS = [(ROOT / "examples" / name).read_text() for name in ("request.c", "Totals.java")] + ["", "é \0 \U0001f600"]


def judged(bundle: Path, module: str, items: list) -> list[list[float]]:
    command = [tool("node"), ROOT / "scripts/wasm_probabilities.mjs", bundle, PACKAGE / f"wasm/{module}.wasm"]
    ended = subprocess.run(command, input=json.dumps(items), capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)["rows"]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("path", sorted(set(shipped_bundles().values())), ids=lambda path: path.stem)
def test_probabilities_are_those_of_python(path: Path, module: str) -> None:
    predictor = codewren.load(path)
    pair = predictor.task.functions_per_item == 2
    items = [(a, b) for a in TEXTS for b in TEXTS] if pair else TEXTS
    for wasm, native in zip(judged(path, module, items), predictor.predict_proba(items), strict=True):
        assert wasm == pytest.approx(native, abs=1e-5)


def test_the_packages_own_tests_pass() -> None:
    run(tool("node"), "--test", "test/", cwd=PACKAGE, env={"CODEWREN_NODE_MODULES": str(NODE_MODULES.parent)})


def test_the_modules_are_made_of_the_sources() -> None:
    tool("bash")
    stated = (PACKAGE / "wasm/inputs.sha256").read_text().strip()
    assert run(PACKAGE / "inputs.sh").strip() == stated, "native/ changed: run `make wasm`"


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_small(module: str) -> None:
    content = (PACKAGE / f"wasm/{module}.wasm").read_bytes()
    assert len(content) <= 401_000  # 400,000 until several labels came; -Oz where nothing is hot saves 319 bytes
    assert len(gzip.compress(content, 9)) <= 250_000


def test_the_version_is_that_of_the_project() -> None:
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == codewren.__version__


def test_types_hold_for_a_program(tmp_path: Path) -> None:
    compiler = shutil.which("tsc") or next(iter(NODE_MODULES.glob(".bin/tsc")), None)
    if compiler is None:
        pytest.skip("needs tsc, the compiler of TypeScript")
    program = tmp_path / "program.mts"
    program.write_text(
        f'import {{ load, lineWeights, type Pair }} from "{PACKAGE}/src/codewren.js";\n'
        f'import {{ cutBraces }} from "{PACKAGE}/src/braces.js";\n'
        "const model = await load(new Uint8Array(), { wasm: Promise.resolve(new ArrayBuffer(8)) });\n"
        "const pairs: Pair[] = model.pairs(model.encode(['']));\n"
        "const weights: number[] = lineWeights(model, cutBraces('')[0]!.text, { most: 9 });\n"
        "console.log(pairs, weights, model.probabilities([['a', 'b'], 'c']));\n"
    )
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"]
    run(compiler, *options, program)


def test_a_bundle_of_ten_labels_gives_ten_columns(tmp_path: Path) -> None:
    from codewren.core.task import Task, Unit
    from students import write_student

    labels = tuple(f"kind{index}" for index in range(10))
    path = write_student(tmp_path / "x.wren", task=Task("kinds", Unit.FUNCTION, labels, "kind3"))
    for wasm, native in zip(
        judged(path, "codewren", ["w4 w5", "w9"]), codewren.load(path).predict_proba(["w4 w5", "w9"]), strict=True
    ):
        assert wasm == pytest.approx(native, abs=1e-5)
        assert len(wasm) == 10
