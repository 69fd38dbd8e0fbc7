"""The bundles inside the package: within their sizes, usable at once, and as good as their own manifest says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codewren.compress.hint_figures import hint_figures
from codewren.compress.stage_evaluate import bundle_quality, predictions
from codewren.core.dataset import Dataset
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe import Recipe
from codewren.core.recipe_files import recipe_tables
from codewren.data.load import load_split
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import Predictor, load, shipped_bundles

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {"micro": 250_000, "mini": 1_000_000, "standard": 3_000_000}
NAMES = [f"{family}-{size}" for family in ("clone-java", "vulnerability-c") for size in LIMITS]
UNSAFE = "void f(char *s) { char b[8]; strcpy(b, s); }"


ENCODERS = [f"clones-{size}" for size in LIMITS]
HINTS = [f"hints-c-{size}" for size in ("micro", "mini")]


def test_the_eleven_bundles_are_there_and_a_name_without_size_is_mini() -> None:
    assert set(shipped_bundles()) == {*NAMES, *ENCODERS, *HINTS, "clone-java", "clones", "vulnerability-c", "hints-c"}
    assert load("clone-java").path.name == "clone-java-mini.wren"
    assert load("clones").path.name == "clones-mini.wren"
    assert load("hints-c").path.name == "hints-c-mini.wren"


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_keeps_its_size_and_says_what_it_is_worth(name: str) -> None:
    bundle = load(name).bundle
    assert bundle.size_bytes <= LIMITS[name.rpartition("-")[2]]
    for word in ("licen", "seed", "limit", "reading order", "trained on", "lines auc", "vulnerable above fixed"):
        assert word in bundle.card.lower(), word
    worth = bundle.manifest["scores"]["packages"]
    assert worth["review_auc"] > worth["lines_auc"]
    assert bundle.manifest["scores"]["devign"]["accuracy"] >= 0.635
    assert bundle.manifest["scores"]["devign"]["accuracy_long"] >= 0.58
    assert bundle.manifest["scores"]["reveal"]["own_auc"] >= 0.80


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_points_at_the_copy_without_a_check(name: str) -> None:
    hint = load(name)
    assert isinstance(hint, HintPredictor)
    text = (
        "void f(struct s *p, char *data, int len)\n{\n    char buf[64];\n    memcpy(buf, data, len);\n    p->n++;\n}\n"
    )
    (explanation,) = hint.explain([text])
    assert explanation.evidence == "memcpy at line 4: size from len, no check before it"
    assert explanation.tokens_read == explanation.tokens_total > 0
    assert explanation.kind is not None


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_as_good_as_its_manifest_says(name: str, shared: Path) -> None:
    recipe = HintRecipe.from_dict(recipe_tables(ROOT / f"recipes/shipped/{name}.toml", ()), ROOT / "recipes/shipped")
    hint = load(name)
    assert isinstance(hint, HintPredictor)
    said = hint.manifest["scores"]
    at_hand = {key: source for key, source in recipe.sources.items() if recipe.resolve(source.valid or "x").exists()}
    assert {"devign", "reveal"} <= at_hand.keys()  # the fresh packages are where somebody has fetched them
    for source, measured in hint_figures(replace(recipe, sources=at_hand), hint).items():
        assert measured == pytest.approx(said[source], abs=1e-3)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_keeps_its_size_and_carries_its_papers(name: str) -> None:
    bundle = load(name).bundle
    assert bundle.size_bytes <= LIMITS[name.rpartition("-")[2]]
    for word in ("licen", "seed", "limit", "baseline", "trained on"):
        assert word in bundle.card.lower(), word
    assert bundle.decision.alert_threshold


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_knows_copies_and_translations(name: str) -> None:
    java = "int sum(int[] xs) { int s = 0; for (int x : xs) s += x; return s; }"
    renamed = "int total(int[] values) { int t = 0; for (int v : values) t += v; return t; }"
    python = "def sum(xs):\n    s = 0\n    for x in xs:\n        s += x\n    return s\n"
    unlike = "void close() throws IOException { socket.close(); log.info(name); }"
    clones = load(name)
    same, copy, translation, other = (
        row[1] for row in clones.predict_proba([(java, x) for x in (java, renamed, python, unlike)])
    )
    assert same > clones.bundle.decision.alert_threshold
    assert same > copy > 0.5 > other
    assert translation > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_keeps_its_size_and_carries_its_papers(name: str) -> None:
    bundle = load(name).bundle
    assert bundle.size_bytes <= LIMITS[name.rpartition("-")[2]]
    for word in ("licen", "seed", "limit"):
        assert word in bundle.card.lower(), word
    assert bundle.manifest["provenance"]["recipe"]["distil"]["rename"] > 0


@pytest.mark.parametrize("size", LIMITS)
def test_bundles_judge_without_any_set_up(size: str) -> None:
    clones = load(f"clone-java-{size}")
    text = "int sum(int[] xs) { int s = 0; for (int x : xs) s += x; return s; }"
    (same,), (other,) = (
        clones.predict_proba([(text, text.replace("xs", "ys"))]),
        clones.predict_proba([(text, "void close() throws IOException { socket.close(); log.info(name); }")]),
    )
    assert same[1] > other[1]
    ((safe, vulnerable),) = load(f"vulnerability-c-{size}").predict_proba([UNSAFE])
    assert safe + vulnerable == pytest.approx(1)


@pytest.fixture(scope="module")
def validation(shared: Path) -> dict[str, Dataset]:
    """Validation split of each family."""
    return {
        family: load_split(Recipe.load(ROOT / f"recipes/shipped/{family}-mini.toml"), "valid")
        for family in ("clone-java", "vulnerability-c")
    }


@pytest.fixture(scope="module")
def judged(validation: dict[str, Dataset]) -> dict[str, Predictor]:
    return {name: load(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_as_good_as_its_manifest_says(
    name: str, validation: dict[str, Dataset], judged: dict[str, Predictor]
) -> None:
    found = bundle_quality(judged[name], validation[name.rpartition("-")[0]])
    said = judged[name].bundle.manifest["scores"]["measures"]
    for measure in ("accuracy", "mcc", "ece"):
        assert found[measure].value == pytest.approx(said[measure]["value"], abs=1e-3)
    assert found["ece"].value <= 0.03
    least = {"clone-java-micro": 0.962, "clone-java-mini": 0.970, "clone-java-standard": 0.975}
    assert found["accuracy"].value >= least.get(name, 0.6021)
    if name.startswith("vulnerability"):
        assert found["mcc"].value >= 0.20


@pytest.mark.parametrize("name", NAMES)
def test_the_alert_threshold_flags_little_and_the_decision_is_balanced(
    name: str, validation: dict[str, Dataset], judged: dict[str, Predictor]
) -> None:
    dataset, predictor = validation[name.rpartition("-")[0]], judged[name]
    predicted, probabilities = predictions(predictor, dataset)
    alert = predictor.bundle.decision.alert_threshold
    assert alert is not None
    assert alert >= predictor.bundle.decision.threshold
    positive = np.asarray(dataset.known_labels()) == dataset.task.positive_index
    assert abs(predicted.mean() - positive.mean()) < 0.12
    flagged = probabilities[:, dataset.task.positive_index] > alert
    assert positive[flagged].mean() > positive[predicted == 1].mean()


def test_sizes_of_a_family_agree_more_often_than_chance(
    validation: dict[str, Dataset], judged: dict[str, Predictor]
) -> None:
    dataset = validation["clone-java"]
    first, second = (predictions(judged[f"clone-java-{size}"], dataset)[0] for size in ("micro", "standard"))
    assert (first == second).mean() > 0.95
