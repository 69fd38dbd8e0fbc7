"""The run of a similarity encoder, and its first stages: features, trained rows."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from codewren.bundle.similarity import GENERAL, Calibration
from codewren.compress.staged_run import StagedRun, content_key
from codewren.core.files import file_sha256
from codewren.core.similarity_recipe import SimilarityRecipe
from codewren.predict.predictor import load
from codewren.predict.similarity import SimilarityPredictor
from codewren.train.processes import one_thread
from codewren.train.similarity.contrast import Lessons, train_encoder
from codewren.train.similarity.corpus import Corpus, training_corpus
from codewren.train.similarity.encoder import SimilarityEncoder
from codewren.train.similarity.feature_bags import Bags, Features, features_of
from codewren.train.similarity.tables import Arrays, Writing, start_from, tables, write_tables

NEUTRAL = {GENERAL: Calibration(1.0, 0.0)}
"""Of the draft that calibrations are fitted with: its probabilities are never shown."""


@dataclass(frozen=True, slots=True)
class SimilarityRun(StagedRun[SimilarityRecipe]):
    """A recipe of an encoder and its folder."""

    def data_key(self) -> str:
        """Hash of the sources, what they are used for, and what is drawn of them."""
        recipe = self.recipe
        names = [
            name
            for source in recipe.sources.values()
            for name in (source.path, source.labelled, source.unlabelled, source.valid, *source.logits)
            if name is not None
        ]
        files = {name: file_sha256(recipe.resolve(name)) for name in names}
        sources = {name: asdict(source) for name, source in recipe.sources.items()}
        made = [name for name in ("changes", "docs") if getattr(recipe.contrast.mix, name) > 0]
        return content_key([files, sources, recipe.contrast.originals, recipe.contrast.seed, *made])

    def training_key(self) -> str:
        """Hash of all that the trained rows depend on."""
        initial = self.recipe.contrast.initial
        start = None if initial is None else file_sha256(self.recipe.resolve(initial))
        return content_key([self.data_key(), asdict(self.recipe.contrast), asdict(self.recipe.sizes), start])


def encoder_features(run: SimilarityRun) -> tuple[Features, Corpus]:
    """What the recipe's sources teach: features of all functions, and which are alike."""

    def make() -> Arrays:
        corpus = training_corpus(run.recipe)
        run.tell(f"features of {len(corpus.texts):,} functions")
        features = features_of(corpus.texts, [language == "python" for language in corpus.languages])
        arrays: Arrays = {"groups": np.array(json.dumps(corpus.groups())), "sizes": features.sizes}
        for name, bags in (("names", features.names), ("structure", features.structure)):
            arrays |= {f"{name}_starts": bags.starts, f"{name}_hashes": bags.hashes, f"{name}_counts": bags.counts}
        return arrays

    arrays = run.stage("features.npz", run.data_key(), make)
    names, structure = (
        Bags(*(arrays[f"{name}_{array}"] for array in ("starts", "hashes", "counts")))
        for name in ("names", "structure")
    )
    return Features(names, structure, arrays["sizes"]), Corpus(**json.loads(str(arrays["groups"])))


def trained_rows(run: SimilarityRun, name: str = "rows.npz") -> Arrays:
    """Entries and trained rows of the recipe's encoder, in a file of this name."""

    def make() -> Arrays:
        features, corpus = encoder_features(run)
        settings = run.recipe.contrast
        with one_thread():
            encoder = SimilarityEncoder(run.recipe.sizes, features, written=corpus.written, seed=settings.seed)
            if settings.initial is not None:
                with np.load(run.recipe.resolve(settings.initial), allow_pickle=False) as start:
                    start_from(encoder, start)
            losses = train_encoder(encoder, Lessons.of(corpus, features.sizes, settings), settings, progress=run.tell)
        run.tell(f"trained; losses {losses}")
        return tables(encoder)

    return run.stage(name, run.training_key(), make)


def drafted(run: SimilarityRun, arrays: Arrays) -> SimilarityPredictor:
    """The trained encoder as users run it, but without calibration."""
    draft = run.path("draft.wren")
    write_tables(draft, arrays, run.recipe.sizes, Writing(NEUTRAL, {}, {}))
    predictor = load(draft)
    draft.unlink()  # it stays mapped
    assert isinstance(predictor, SimilarityPredictor)  # what write_tables writes
    return predictor
