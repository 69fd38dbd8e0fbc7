"""The native similarity encoder is equal to the reference bit by bit, and exact about pairs."""

import mmap
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import codewren
from codewren import _native
from codewren.bundle.open import open_bundle
from codewren.bundle.similarity import SimilarityBundle
from codewren.core.errors import BundleError, InputError
from codewren.predict.checked_items import TooManyPairsError
from codewren.predict.predictor import predictor_of
from codewren.predict.similarity import Neighbour, SimilarityPredictor
from codewren.train.similarity.source_lexer import is_python
from encoders import CALIBRATION, random_arrays, reference, write_encoder
from predict.similarity_reference import Encoder

FUNCTIONS = {
    "python": (
        "def read_header(self, path, limit=10):\n"
        '    """Doc: string."""\n    # a comment\n    out = []\n    for line in open(path, "rb"):\n'
        "        if not line.strip() or len(out) >= limit:\n            break\n"
        '        out.append(line.split(b":", 1))\n    return None if out is None else out\n'
    ),
    "java": (
        "public static int gcdOf(final int a, int b) { // comment\n  while (b != 0) {\n    int t = a % b; /* x */\n"
        '    a = b;\n    b = t;\n  }\n  String HTTPHeader2 = "Content-Type: \\"x\\"" + \'c\' + 1e9 + 0xFF;\n'
        "  this.count++;\n  return Math.abs(a);\n}\n"
    ),
    "javascript": (
        "const solution = async (xs, {k = 3}) => {\n"
        '  const m = xs.map(x => x?.a ?? `t ${x.b}`).filter(s => /["/]+/gi.test(s) && s !== undefined);\n'
        "  return m.length / 2 / k;\n};\n"
    ),
    "typescript": (
        "export async function load<T>(url: string, tries?: number): Promise<T> {\n"
        "  for (let i = 0; i < (tries ?? 3); i++) {\n    const answer = await fetch(url);\n"
        "    if (answer.ok) return answer.json() as T;\n  }\n  throw new Error(`no ${url}`);\n}\n"
    ),
    "c": (
        "static void *find(struct list *l, const char *key)\n{\n\tfor (; l != NULL; l = l->next)\n"
        "\t\tif (!strcmp(l->key, key) && l->n > .5)\n\t\t\treturn l->value;\n\treturn NULL; // '\n}\n"
    ),
    "cpp": (
        "template <typename T> std::vector<T> Ring<T>::drain(std::size_t most) {\n  std::vector<T> out;\n"
        "  while (!empty() && out.size() < most) { out.push_back(std::move(data_[head_ >> 1])); head_ += 2; }\n"
        "  return out;\n}\n"
    ),
    "go": (
        "func (s *Server) Größe(ctx context.Context, n int) (out []string, err error) {\n"
        "\tfor i := range s.items {\n"
        '\t\tif v, ok := s.cache[i]; ok { out = append(out, v+`raw "x" y`) }\n\t}\n\treturn out, nil\n}\n'
    ),
    "csharp": (
        'public override string ToString() => Name is null ? $"{Id}" : string.Join(", ", Parts.Where(p => p != 1));\n'
    ),
    "rust": (
        "pub fn tally(words: &[String]) -> HashMap<&str, u32> {\n    let mut out = HashMap::new();\n"
        "    for w in words { *out.entry(w.as_str()).or_insert(0) += 1; }\n    out\n}\n"
    ),
}
ODD = [
    "", " ", "\0", "\\", "'", '"', "`", '"""', "'''", "/", "//", "/*", "/*/", "x", "é", "\U0001f600", "a\r\nb", ".5",
    "..5", "rb'x'", "rbu'x'", "r'", "x = /[/]\\//g;", "x = a / b / c", "return /a/", "@a\ndef f(x): pass",
    "@a.b(c)\n\nasync def f(x): pass", "async  def f (x): pass", "def f(x):\n  ''' doc '''\n  return ''",
    "def f():\n  x = {1: '''a'''}", "HTTPHeader2xIO", "_a$b__C", "`\\`\\`\\`", '"""\\"""\\"""',
    'def f(x): return "\\\n"', "#x", "def f(x): # y\n  return x", "a ?. b ?? c ??= d >>>= e", "\x1c@a\n\x1ddef\x1f",
    "f(" * 3000, "x" * 100_000, "a+" * 40_000, f"(/{'a' * 1022}/)", f"(/{'a' * 1021}/g)", f"(/{'a' * 1022}/g)",
    f"(/{'a' * 1021}\\/)",
]  # fmt: skip
ALPHABET = st.sampled_from(
    [*"aA_$09.\n\t \\\"'`/*#()[]{}:=<>?&|+-;,@é", "def ", "return", '"""', "'''", "//", "/*", "*/"]
)
RELAXED = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> SimilarityBundle:
    path = write_encoder(tmp_path_factory.mktemp("bundle") / "x.wren", list(FUNCTIONS.values()))
    opened = open_bundle(path)
    assert isinstance(opened, SimilarityBundle)
    return opened


@pytest.fixture(scope="module")
def predictor(bundle: SimilarityBundle) -> SimilarityPredictor:
    return SimilarityPredictor(bundle, threads=2)


@pytest.fixture(scope="module")
def slow(bundle: SimilarityBundle) -> Encoder:
    return reference(bundle)


def rows(predictor: SimilarityPredictor, texts: list[str], languages: list[str | None] | None = None) -> np.ndarray:
    return np.frombuffer(predictor.encode(texts, languages=languages), np.int8).reshape(len(texts), -1)


@pytest.mark.parametrize("target", _native.similarity_targets())
@pytest.mark.parametrize("language", [None, "python", "java"])
def test_vectors_are_those_of_the_reference(
    bundle: SimilarityBundle, slow: Encoder, target: str, language: str
) -> None:
    texts = [*FUNCTIONS.values(), *ODD]
    found = rows(SimilarityPredictor(bundle, target=target), texts, [language] * len(texts))
    python = None if language is None else language == "python"
    for text, row in zip(texts, found, strict=True):
        assert row.tolist() == slow.vector(text, python=python).tolist(), text[:60]


@RELAXED
@given(text=st.lists(ALPHABET, max_size=40).map("".join), python=st.booleans())
def test_any_text_has_the_vector_of_the_reference(
    predictor: SimilarityPredictor, slow: Encoder, text: str, python: bool
) -> None:
    (row,) = rows(predictor, [text], ["python" if python else "c"])
    assert row.tolist() == slow.vector(text, python=python).tolist()


@RELAXED
@given(text=st.lists(st.sampled_from([*"@a.;{\n \t(x", "async ", "def ", "\x1c"]), max_size=12).map("".join))
def test_python_is_told_as_the_reference_does(predictor: SimilarityPredictor, text: str) -> None:
    marked = text + "\n# a 'comment"
    guess, yes, no = rows(predictor, [marked] * 3, [None, "python", "c"])
    assert (yes != no).any()
    assert guess.tolist() == (yes if is_python(marked) else no).tolist()


def test_real_functions_have_the_vectors_of_the_reference(
    shared: Path, predictor: SimilarityPredictor, slow: Encoder
) -> None:
    import json
    import lzma

    with lzma.open(shared / "data/semantic/functions.jsonl.xz", "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["func"] for line in stream]
    texts = random.Random(0).sample(texts, 150)
    assert rows(predictor, texts).tolist() == [slow.vector(text).tolist() for text in texts]


def reformatted(text: str, language: str) -> str:
    """Other white space and further comments; what a Python line begins with and strings stay."""
    if language == "python":
        lines = [f"{line}  # noted: 'x" if line.strip() and '"""' not in line else line for line in text.split("\n")]
        return "\n\n".join(lines).replace("(", "(  ").replace("    ", "\t")
    quoted = re.split(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|//[^\n]*\n|/\*.*?\*/|/\["/\]\+/)""", text)
    quoted[::2] = [re.sub(r"\s+", " \n\t ", piece).replace("(", '( /* " */') for piece in quoted[::2]]
    return "// it's said\n" + "".join(quoted) + "/* open"


@pytest.mark.parametrize("language", FUNCTIONS)
@pytest.mark.parametrize("stated", [True, False])
def test_a_function_reformatted_and_commented_has_the_same_vector(
    predictor: SimilarityPredictor, language: str, stated: bool
) -> None:
    text = FUNCTIONS[language]
    other = reformatted(text, language)
    assert other != text
    first, second = rows(predictor, [text, other], [language if stated else None] * 2)
    assert first.tolist() == second.tolist()
    assert predictor.predict_proba([(text, other)]) == predictor.predict_proba([(text, text)])


def test_a_function_is_its_own_clone_and_nearest_to_itself(predictor: SimilarityPredictor) -> None:
    texts = list(FUNCTIONS.values())
    assert {label.name for label in predictor.predict([(text, text) for text in texts])} == {"clone"}
    vectors = predictor.encode(texts)
    assert [row[0].index for row in predictor.neighbours(vectors, vectors, 1)] == list(range(len(texts)))
    own = [row[1] for row in predictor.predict_proba([(text, text) for text in texts])]
    assert min(own) > CALIBRATION.probability(65_000)


def test_probabilities_follow_the_dot_product(predictor: SimilarityPredictor, slow: Encoder) -> None:
    first, second = FUNCTIONS["java"], FUNCTIONS["c"]
    product = int(slow.vector(first).astype(int) @ slow.vector(second).astype(int))
    odds = 12.0 * product / 65536 - 6.0
    assert predictor.predict_proba([(first, second)])[0][1] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-15)
    assert predictor.logits([(first, second)])[0] == [0, pytest.approx(odds, abs=1e-12)]


def clustered(predictor: SimilarityPredictor, count: int, seed: int) -> np.ndarray:
    """Vectors of which some are alike, of lengths as an encoder makes them, and some are zero."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, count // 4), predictor.vector_bytes))
    values = centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, predictor.vector_bytes))
    values *= 256 / np.linalg.norm(values, axis=1, keepdims=True) * (rng.random((count, 1)) > 0.05)
    return np.rint(values).clip(-127, 127).astype(np.int8)


@pytest.mark.parametrize("target", _native.similarity_targets())
@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 239, 240, 241, 500])
def test_pairs_are_those_of_the_whole_product(bundle: SimilarityBundle, target: str, count: int) -> None:
    predictor = SimilarityPredictor(bundle, threads=3, target=target)
    vectors = clustered(predictor, count, seed=count)
    products = vectors.astype(int) @ vectors.astype(int).T
    for threshold in (0.0, 0.02, 0.5, 0.9, 1.0):
        probabilities = [
            (i, j, CALIBRATION.probability(int(products[i, j]))) for i in range(count) for j in range(i + 1, count)
        ]
        expected = [pair for pair in probabilities if pair[2] > threshold]
        assert predictor.pairs_above(vectors.tobytes(), threshold) == expected


@pytest.mark.parametrize("target", _native.similarity_targets())
@pytest.mark.parametrize("k", [1, 7, 1000])
def test_neighbours_are_those_of_the_whole_product(bundle: SimilarityBundle, target: str, k: int) -> None:
    predictor = SimilarityPredictor(bundle, threads=2, target=target)
    vectors, queries = clustered(predictor, 300, seed=1), clustered(predictor, 250, seed=2)
    products = queries.astype(int) @ vectors.astype(int).T
    order = np.argsort(-products, axis=1, kind="stable")[:, :k]
    expected = [
        [Neighbour(int(j), products[i, j] / 65536, CALIBRATION.probability(int(products[i, j]))) for j in row]
        for i, row in enumerate(order)
    ]
    assert predictor.neighbours(queries.tobytes(), vectors.tobytes(), k) == expected


@pytest.mark.parametrize("target", _native.similarity_targets())
def test_neighbours_are_wanted_ones_above_the_threshold(bundle: SimilarityBundle, target: str) -> None:
    predictor = SimilarityPredictor(bundle, threads=2, target=target)
    vectors = clustered(predictor, 300, seed=1)
    queries = vectors[:20]
    wanted = bytes(number % 3 > 0 for number in range(300))
    every = predictor.neighbours(queries.tobytes(), vectors.tobytes(), 300)
    above = predictor.neighbours(queries.tobytes(), vectors.tobytes(), 6, wanted=wanted, threshold=0.3)
    expected = [[near for near in row if near.probability > 0.3 and near.index % 3 > 0][:6] for row in every]
    assert above == expected and any(above) and any(len(row) < 6 for row in above)


def test_neighbours_are_found_in_a_mapped_file(predictor: SimilarityPredictor, tmp_path: Path) -> None:
    vectors = clustered(predictor, 50, seed=3)
    (tmp_path / "vectors").write_bytes(b"head" + vectors.tobytes())
    with (tmp_path / "vectors").open("rb") as stream:
        mapped = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))[4:]
        assert predictor.neighbours(vectors[7:8].tobytes(), mapped, 1)[0][0].index == 7


def test_largest_numbers_do_not_overflow(tmp_path: Path) -> None:
    arrays = random_arrays(widths=(512, 512))
    predictor = predictor_of(open_bundle(write_encoder(tmp_path / "x.wren", arrays=arrays, sketch_widths=(0, 0))))
    vectors = np.array([[127] * 1024, [-127] * 1024, [127] * 1024], np.int8)
    assert (
        predictor._encoder.pairs_above(vectors.tobytes(), 2**24 - 600_000, 10, 1)
        == np.array(  # type: ignore[union-attr]
            [0, 2, 127 * 127 * 1024], np.int32
        ).tobytes()
    )


def test_a_limit_of_pairs_is_kept(predictor: SimilarityPredictor) -> None:
    vectors = predictor.encode([FUNCTIONS["java"]] * 30)
    assert len(predictor.pairs_above(vectors, 0.5, limit=435)) == 435
    with pytest.raises(TooManyPairsError, match=r"more than 434 pairs lie above 0\.5"):
        predictor.pairs_above(vectors, 0.5, limit=434)


def test_the_least_product_is_the_smallest_above_the_threshold() -> None:
    for threshold in (0.0, 1e-9, 0.3, 0.5, 0.999999):
        least = CALIBRATION.least_product(threshold)
        assert CALIBRATION.probability(least) > threshold
        assert threshold == 0.0 or CALIBRATION.probability(least - 1) <= threshold
    assert CALIBRATION.least_product(1.0) > 65536


def test_wrong_input_is_refused_in_one_line(predictor: SimilarityPredictor) -> None:
    with pytest.raises(InputError, match="pairs of strings"):
        predictor.predict(["int f();"])
    with pytest.raises(InputError, match="encode\\(\\) of the same predictor"):
        predictor.pairs_above(b"123")
    with pytest.raises(InputError, match="k is 0"):
        predictor.neighbours(b"", b"", 0)
    with pytest.raises(InputError, match="one byte a vector"):
        predictor.neighbours(b"", bytes(2 * predictor.vector_bytes), 1, wanted=b"1")
    with pytest.raises(InputError, match="surrogate"):
        predictor.encode(["\ud800"])
    with pytest.raises(InputError, match="1 languages for 2 items"):
        predictor.encode(["a", "b"], languages=["c"])
    assert predictor.encode([]).nbytes == 0
    assert predictor.pairs_above(b"") == predictor.neighbours(b"", b"", 3) == []


def test_calibrations_differ_and_unknown_ones_are_refused(bundle: SimilarityBundle) -> None:
    pair = [(FUNCTIONS["java"], FUNCTIONS["c"])]
    other = SimilarityPredictor(bundle.calibrated("bigclonebench"))
    assert other.predict_proba(pair) != SimilarityPredictor(bundle).predict_proba(pair)
    assert other.bundle.decision.threshold == 0.4
    with pytest.raises(BundleError, match="no calibration 'x'; it has general, bigclonebench"):
        bundle.calibrated("x")


def test_load_gives_what_the_file_holds(bundle: SimilarityBundle) -> None:
    loaded = codewren.load(bundle.path)
    assert isinstance(loaded, SimilarityPredictor)
    assert loaded.encode(["int f();"]).shape == (1, loaded.vector_bytes)


def test_escaped_quotes_take_a_time_that_grows_with_the_text_only(predictor: SimilarityPredictor) -> None:
    """Each of these quotes could begin a literal that nothing closes: tried one by one they take minutes."""
    for text in (
        "`" + "\\`" * 300_000,
        '"""' + '\\"""' * 200_000,
        '"' + '\\"' * 300_000,
        "/*/" * 300_000,
        "[/]" * 300_000,
        "(/[" * 300_000,
    ):
        predictor.encode([text, text], languages=["python", "c"])
