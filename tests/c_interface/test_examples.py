"""The examples in C, Rust and Go print what Python says; under AddressSanitizer nothing leaks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import codewren
from c_builds import ROOT, installed_library, run, tool
from codewren.predict.predictor import find_bundle

FILES = {"vulnerability-c-micro": ["request.c"], "clones-micro": ["Totals.java", "request.c"]}
Build = Callable[[Path, Path], Path]


@pytest.fixture(scope="module")
def installed() -> Path:
    return installed_library("c")


def flags(installed: Path, *wanted: str) -> list[str]:
    tool("pkg-config")
    return run("pkg-config", *wanted, "codewren", env=searching(installed)).split()


def searching(installed: Path) -> dict[str, str]:
    return {"PKG_CONFIG_PATH": str(installed / "lib/pkgconfig"), "LD_LIBRARY_PATH": str(installed / "lib")}


def build_c(installed: Path, folder: Path) -> Path:
    options = flags(installed, "--cflags", "--libs")
    run(tool("cc"), "-Wall", "-Wextra", "-Werror", ROOT / "examples/c/judge.c", "-o", folder / "judge", *options)
    return folder / "judge"


def build_static_c(installed: Path, folder: Path) -> Path:
    libraries = [installed / "lib/libcodewren.a", "-lstdc++", "-lm", "-lpthread"]
    include = ["-DCODEWREN_STATIC", "-I", installed / "include"]
    run(tool("cc"), *include, ROOT / "examples/c/judge.c", "-o", folder / "judge", *libraries)
    return folder / "judge"


def build_rust(installed: Path, folder: Path) -> Path:
    run(tool("rustc"), "-O", ROOT / "examples/rust/judge.rs", "-L", installed / "lib", "-o", folder / "judge")
    return folder / "judge"


def build_go(installed: Path, folder: Path) -> Path:
    shutil.copytree(ROOT / "examples/go", folder / "go")
    env = {**searching(installed), "GOCACHE": str(ROOT / "build/go"), "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    run(tool("go"), "build", "-o", folder / "judge", ".", cwd=folder / "go", env=env)
    return folder / "judge"


def printed(judge: Path, name: str, env: dict[str, str]) -> list[float]:
    """The probabilities that an example prints for a bundle's files."""
    paths = [ROOT / "examples" / file for file in FILES[name]]
    words = run(judge, find_bundle(name), *paths, env=env).split()
    assert words[0] == str(paths[0])
    return [float(word) for word in words[2::2]]


def from_python(name: str) -> list[float]:
    texts = [(ROOT / "examples" / file).read_text() for file in FILES[name]]
    return codewren.load(name).predict_proba([tuple(texts) if len(texts) > 1 else texts[0]])[0]


@pytest.mark.parametrize("build", [build_c, build_static_c, build_rust, build_go], ids=lambda build: build.__name__)
def test_an_example_prints_the_probabilities_of_python(build: Build, installed: Path, tmp_path: Path) -> None:
    judge = build(installed, tmp_path)
    for name in FILES:
        assert printed(judge, name, searching(installed)) == pytest.approx(from_python(name), abs=1e-8)


def test_an_example_says_in_one_line_what_is_wrong_with_a_bundle(installed: Path, tmp_path: Path) -> None:
    judge, file = build_c(installed, tmp_path), ROOT / "examples/request.c"
    with pytest.raises(AssertionError, match=r"exit 2\n\nnot a zip file\n$"):
        run(judge, file, file, env=searching(installed))


@pytest.mark.slow
def test_nothing_leaks_under_address_sanitizer(tmp_path: Path) -> None:
    installed = installed_library("c-asan", "-DCODEWREN_ASAN=ON")
    tool("pkg-config")
    options = ["-fsanitize=address,undefined", "-g", "-I", installed / "include", "-L", installed / "lib"]
    run(tool("cc"), ROOT / "examples/c/judge.c", "-o", tmp_path / "judge", *options, "-lcodewren")
    env = {**searching(installed), "ASAN_OPTIONS": "detect_leaks=1"}
    for name in FILES:
        assert printed(tmp_path / "judge", name, env) == pytest.approx(from_python(name), abs=1e-5)
    damaged = tmp_path / "damaged.wren"
    damaged.write_bytes(find_bundle("clones-micro").read_bytes()[:-1])
    with pytest.raises(AssertionError, match=r"exit 2\n\nno zip directory at the end of the file: cut short\?\n$"):
        run(tmp_path / "judge", damaged, damaged, env=env)
