"""The C library answers as Python does, and refuses in a code and a line what Python refuses."""

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import codewren
from c_builds import ROOT, installed_library
from codewren.bundle.open import open_bundle
from codewren.predict.predictor import find_bundle, predictor_of, shipped_bundles

C_TEXT = (ROOT / "examples/request.c").read_text()
JAVA_TEXT = (ROOT / "examples/Totals.java").read_text()
PYTHON_TEXT = "def total(xs):\n    s = 0  # ä\n    for x in xs:\n        s += x\n    return s\n"
TEXTS = [C_TEXT, JAVA_TEXT, PYTHON_TEXT, "", " \0 é\U0001f600 "]


@pytest.fixture(scope="module")
def c_library() -> ModuleType:
    spec = importlib.util.spec_from_file_location("c_library", ROOT / "scripts/c_library.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def library(c_library):
    return c_library.CLibrary(installed_library("c") / "lib/libcodewren.so")


def loaded(library, name: str):
    return library.load(find_bundle(name).read_bytes())


@pytest.mark.parametrize("path", sorted(set(shipped_bundles().values())), ids=lambda path: path.stem)
def test_every_shipped_bundle_gives_the_probabilities_of_python(library, path: Path) -> None:
    model, predictor = library.load(path.read_bytes()), codewren.load(path)
    assert model.labels == list(predictor.task.labels)
    if predictor.task.unit == "pair":
        items = [(a, b) for a in TEXTS for b in TEXTS]
        assert model.predict([text for item in items for text in item]) == predictor.predict_proba(items)
    else:
        assert model.predict(TEXTS) == predictor.predict_proba(TEXTS)


@pytest.mark.parametrize("name", ["vulnerability-c-micro", "clone-java-micro", "clones-micro"])
def test_vectors_are_those_of_python(library, name: str) -> None:
    model = loaded(library, name)
    model.set_threads(3)
    assert model.encode(TEXTS) == bytes(codewren.load(name).encode(TEXTS))


def test_languages_decide_how_a_similarity_encoder_reads(library) -> None:
    model, predictor = loaded(library, "clones-micro"), codewren.load("clones-micro")
    spoken = ["python", "c", "python", "c", "java"]
    assert model.encode(TEXTS, spoken) == bytes(predictor.encode(TEXTS, languages=spoken))


@pytest.mark.parametrize("name", ["clone-java-micro", "clones-micro"])
def test_pairs_are_those_of_python(library, name: str) -> None:
    model, predictor = loaded(library, name), codewren.load(name)
    vectors = bytes(predictor.encode([*TEXTS, *TEXTS]))
    expected = predictor.pairs_above(vectors, 0.2)
    assert expected
    assert [pair[:2] for pair in model.pairs(vectors, 0.2)] == [pair[:2] for pair in expected]
    assert [pair[2] for pair in model.pairs(vectors, 0.2)] == pytest.approx([pair[2] for pair in expected])


def test_more_pairs_than_there_is_room_for_are_refused(library, c_library) -> None:
    model = loaded(library, "clones-micro")
    with pytest.raises(c_library.StatusError) as refused:
        model.pairs(model.encode([C_TEXT] * 5), 0.5, room=9)
    assert refused.value.status == c_library.TOO_MANY
    assert len(model.pairs(model.encode([C_TEXT] * 5), 0.5, room=10)) == 10


def test_neighbours_are_those_of_python(library) -> None:
    model, predictor = loaded(library, "clones-micro"), codewren.load("clones-micro")
    vectors = bytes(predictor.encode(TEXTS))
    nearest = predictor.neighbours(vectors[: model.vector_bytes * 2], vectors, 3)
    expected = [(query, found.index, found.probability) for query, row in enumerate(nearest) for found in row]
    assert model.neighbours(vectors[: model.vector_bytes * 2], vectors, 3) == expected
    assert len(model.neighbours(vectors, vectors, 99)) == len(TEXTS) ** 2


def test_vectors_can_be_judged_later(library) -> None:
    model = loaded(library, "clone-java-micro")
    vectors = model.encode(TEXTS)
    assert model.predict_vectors(vectors, [0, 1, 2, 2]) == model.predict([TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[2]])


def test_calibrations_are_those_of_python(library) -> None:
    model, predictor = loaded(library, "clones-micro"), codewren.load("clones-micro")
    for name, calibration in predictor.bundle.calibrations.items():
        model.use_calibration(name)
        assert library.calls.codewren_threshold(model.handle) == calibration.threshold
        expected = codewren.load(f"clones-micro@{name}").predict_proba([(C_TEXT, JAVA_TEXT)])
        assert model.predict([C_TEXT, JAVA_TEXT]) == expected


@pytest.mark.parametrize("bundle", ["hints-c-micro", "hints-c-mini"])
def test_what_a_hint_looks_for_is_that_of_python(library, bundle: str) -> None:
    model, calibrations = loaded(library, bundle), codewren.load(bundle).bundle.calibrations
    lines = C_TEXT.splitlines(keepends=True)
    texts = [*TEXTS, *("".join(lines[:count]) for count in range(len(lines)))]
    assert len(calibrations) > 1
    for name, calibration in calibrations.items():
        model.use_calibration(name)
        assert library.calls.codewren_threshold(model.handle) == calibration.threshold
        assert model.predict(texts) == codewren.load(f"{bundle}@{name}").predict_proba(texts)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_hint_of_any_line_gives_the_probabilities_of_python(library, tmp_path: Path, threads: int) -> None:
    from hints import CALIBRATIONS, write_hint

    path = write_hint(tmp_path / "x.wren", TEXTS)
    model = library.load(path.read_bytes())
    model.set_threads(threads)
    for name in CALIBRATIONS:
        model.use_calibration(name)
        predictor = predictor_of(open_bundle(path).calibrated(name))
        assert model.predict(TEXTS) == predictor.predict_proba(TEXTS)
        assert library.calls.codewren_alert_threshold(model.handle) == (0.9 if name == "general" else 0.5)


def test_a_hint_has_vectors_of_no_bytes(library) -> None:
    assert loaded(library, "hints-c-micro").vector_bytes == 0


@pytest.mark.parametrize(
    ("bundle", "attempt", "problem"),
    [
        ("clones-micro", lambda model: model.predict([b"\xff", b""]), "UTF-8"),
        ("clones-micro", lambda model: model.predict([b"\xed\xa0\x80", b""]), "UTF-8"),
        ("clones-micro", lambda model: model.predict([b"\xf4\x90\x80\x80", b""]), "UTF-8"),
        ("clones-micro", lambda model: model.use_calibration("none"), "no such calibration"),
        ("clones-micro", lambda model: model.set_threads(0), "0 threads"),
        ("clones-micro", lambda model: model.pairs(b"", 1.5), "no probability"),
        ("clones-micro", lambda model: model.pairs(b"", float("nan")), "no probability"),
        ("clones-micro", lambda model: model.predict_vectors(model.encode([""]), [0, 1]), "names no vector"),
        ("clone-java-micro", lambda model: model.neighbours(b"", b"", 1), "similarity encoder"),
        ("clone-java-micro", lambda model: model.predict_vectors(b"\xff" * model.vector_bytes, [0, 0]), "not finite"),
        ("vulnerability-c-micro", lambda model: model.pairs(b"", 0.5), "pair bundle"),
        ("hints-c-micro", lambda model: model.encode([C_TEXT]), "no vectors"),
        ("hints-c-micro", lambda model: model.predict_vectors(b"", [0]), "no vectors"),
        ("hints-c-micro", lambda model: model.pairs(b"", 0.5), "no vectors"),
        ("hints-c-micro", lambda model: model.neighbours(b"", b"", 1), "no vectors"),
        ("hints-c-micro", lambda model: model.use_calibration("none"), "no such calibration"),
        ("hints-c-micro", lambda model: model.predict([b"\xff"]), "UTF-8"),
    ],
)
def test_bad_input_is_refused_in_a_line(library, c_library, bundle: str, attempt, problem: str) -> None:
    with pytest.raises(c_library.StatusError, match=problem) as refused:
        attempt(loaded(library, bundle))
    assert refused.value.status == c_library.BAD_INPUT


@pytest.mark.parametrize("content", [b"", b"PK", b"\0" * 1000, b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_bundle_is_refused(library, c_library, content: bytes) -> None:
    with pytest.raises(c_library.StatusError) as refused:
        library.load(content)
    assert refused.value.status == c_library.BAD_BUNDLE


def test_a_flipped_bit_is_seen(library, c_library) -> None:
    content = bytearray(find_bundle("clones-micro").read_bytes())
    content[100_000] ^= 1
    with pytest.raises(c_library.StatusError, match="weights"):
        library.load(bytes(content))


def test_a_student_of_data_flow_is_unsupported(library, c_library, tmp_path: Path) -> None:
    from students import CONFIG, write_student

    path = tmp_path / "flow.wren"
    write_student(path, CONFIG.replace(max_data_flow=8))
    with pytest.raises(c_library.StatusError, match="data flow") as refused:
        library.load(path.read_bytes())
    assert refused.value.status == c_library.UNSUPPORTED


def test_the_manifest_is_given_as_it_stands(library) -> None:
    path = find_bundle("clones-micro")
    with zipfile.ZipFile(path) as archive:
        assert library.calls.codewren_manifest(library.load(path.read_bytes()).handle) == archive.read("manifest.json")
