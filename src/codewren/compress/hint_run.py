"""A run of a hint's recipe: its folder, its keys, and the features that are read once."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from codewren.bundle.hint import LINE_MEASURES
from codewren.compress.staged_run import StagedRun, content_key
from codewren.core.files import file_sha256
from codewren.core.hint_recipe import HintRecipe
from codewren.train.hint.examples import Examples, training_examples
from codewren.train.hint.hint_bags import HintBags
from codewren.train.hint.line_trees import ChangedLines
from codewren.train.similarity.feature_bags import Bags
from codewren.train.similarity.tables import Arrays


@dataclass(frozen=True, slots=True)
class HintRun(StagedRun[HintRecipe]):
    """A recipe of a hint and its folder."""

    def data_key(self) -> str:
        """Hash of the sources, and of what is drawn of them."""
        recipe, described = self.recipe, asdict(self.recipe)
        paths = [path for source in recipe.sources.values() for path in (source.path, source.valid) if path is not None]
        files = {path: file_sha256(recipe.resolve(path)) for path in paths}
        drawn = [described["fit"][name] for name in ("share", "seed")]
        return content_key([files, described["sources"], list(LINE_MEASURES), *drawn])

    def fit_key(self) -> str:
        """Hash of all that the weights depend on."""
        described = asdict(self.recipe)
        return content_key([self.data_key(), *(described[name] for name in ("fit", "sizes", "review", "own_heads"))])


def run_features(run: HintRun) -> tuple[Examples, HintBags, ChangedLines]:
    """The examples without their texts, their features, and the lines that patches change; `features.npz` keeps all."""

    def make() -> Arrays:
        examples = training_examples(run.recipe)
        run.tell(f"features of {len(examples.texts):,} functions")
        read = HintBags.of(examples.texts)
        groups = {name: value for name, value in asdict(examples).items() if name != "texts"}
        arrays: Arrays = {"starts": read.bags.starts, "hashes": read.bags.hashes, "counts": read.bags.counts}
        lines = ChangedLines.of(examples).to_arrays()
        return {"groups": np.array(json.dumps(groups)), "measures": read.measures, **lines, **arrays}

    arrays = run.stage("features.npz", run.data_key(), make)
    bags = Bags(arrays["starts"], arrays["hashes"], arrays["counts"])
    examples = Examples(texts=[], **json.loads(str(arrays["groups"])))
    return examples, HintBags(bags, arrays["measures"]), ChangedLines.from_arrays(arrays)
