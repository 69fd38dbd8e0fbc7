"""The training corpus: functions by number, and which of them should be alike."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.errors import InputError
from codewren.core.similarity_recipe import SimilarityRecipe, SimilaritySource
from codewren.data.readers import read_rows
from codewren.train.similarity.project_functions import (
    ProjectFunction,
    Use,
    language_of,
    project_functions,
    rows_of,
    same_name,
)
from codewren.train.similarity.semantic_edits import called_methods, differing
from codewren.train.similarity.text_edits import edited, local_names, rename

NAME_DONORS = 5000
"""Functions whose variables lend their names to renamed ones."""

EDITED_PROBLEMS = 0.3
"""Share of the problems' solutions that are edited as well."""

LEAST_DOC_WORDS, MOST_DOC_WORDS = 6, 60
"""Shorter documentation says too little to find a function by."""


@dataclass(slots=True)
class Corpus:
    """Functions by number, in the order they were added; edited ones are last.

    Attributes:
        texts: of all functions; empty where only their features are left.
        languages: of all functions.
        written: how many functions stand as their authors wrote them.
        problems: problem, language, function numbers.
        names: groups of functions of one name.
        edits: a function and its edited copies.
        changes: a function and its renamed copy, then a near copy of it that does something else, renamed too.
        docs: what the documentation of a function says, and the function.
        pairs: two functions each, and how likely they are clones (pairs, 2) and (pairs,).
    """

    texts: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    written: int = 0
    problems: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    names: list[list[int]] = field(default_factory=list)
    edits: list[list[int]] = field(default_factory=list)
    changes: list[list[int]] = field(default_factory=list)
    docs: list[list[int]] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)

    def add(self, text: str, language: str) -> int:
        """Add a function; its number."""
        self.texts.append(text)
        self.languages.append(language)
        return len(self.texts) - 1

    def groups(self) -> dict[str, Any]:
        """All but the texts, as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "texts"}


def training_corpus(recipe: SimilarityRecipe) -> Corpus:
    """Gather what the recipe's sources teach; nothing of projects put aside, nor of pairs to measure on.

    Raises:
        InputError: a source cannot be read.
    """
    rng = random.Random(recipe.contrast.seed)
    corpus = Corpus()
    _add_problems(corpus, recipe)
    for source in recipe.of_kind("pairs").values():
        _add_pairs(corpus, recipe, source)
    functions = project_functions(recipe, rng=rng)[Use.TRAIN]
    for group in same_name(functions, rng=rng):
        corpus.names.append([corpus.add(function.masked, function.language) for function in group])
    originals = [corpus.add(f.text, f.language) for f in _originals(functions, recipe.contrast.originals, rng)]
    solutions = [i for languages in corpus.problems.values() for alike in languages.values() for i in alike]
    originals += [i for i in solutions if rng.random() < EDITED_PROBLEMS]
    corpus.written = len(corpus.texts)
    donors = name_donors(functions or _as_functions(corpus, solutions), rng)
    _add_edits(corpus, originals, donors, rng)
    if recipe.contrast.mix.changes:
        _add_changes(corpus, originals, donors, rng)
    if recipe.contrast.mix.docs:
        documented = [f for f in functions if len(doc_words(f)) >= LEAST_DOC_WORDS]
        _add_docs(corpus, _originals(documented, recipe.contrast.originals, rng))
    return corpus


def name_donors(functions: Sequence[ProjectFunction], rng: random.Random) -> list[str]:
    """Variable names of some functions, sorted."""
    donors = rng.sample(functions, min(NAME_DONORS, len(functions)))
    return sorted({name for function in donors for name in local_names(function.text)})


def _as_functions(corpus: Corpus, numbers: Sequence[int]) -> list[ProjectFunction]:
    return [ProjectFunction(corpus.texts[i], "", "", corpus.languages[i]) for i in numbers]


def _add_problems(corpus: Corpus, recipe: SimilarityRecipe) -> None:
    for source in recipe.of_kind("problems").values():
        for row in rows_of(recipe, source):
            language = language_of(row, source)
            solutions = corpus.problems.setdefault(str(row.value(source.problem)), {})
            solutions.setdefault(language, []).append(corpus.add(row.text(source.text), language))


def _add_pairs(corpus: Corpus, recipe: SimilarityRecipe, source: SimilaritySource) -> None:
    texts = {row.name(source.id): (row.text(source.text), language_of(row, source)) for row in rows_of(recipe, source)}
    numbers: dict[str, int] = {}
    for first, second, probability in _taught_pairs(recipe, source):
        for name in (first, second):
            if name not in texts:
                raise InputError(f"{source.path}: no function {name!r}, which a pair names")
            if name not in numbers:
                numbers[name] = corpus.add(*texts[name])
        corpus.pairs.append((numbers[first], numbers[second]))
        corpus.probabilities.append(probability)


def _taught_pairs(recipe: SimilarityRecipe, source: SimilaritySource) -> Iterator[tuple[str, str, float]]:
    if source.labelled is not None:
        yield from labelled_pairs(recipe, source.labelled)
    if source.unlabelled is not None:
        rows = [(row.name("id1"), row.name("id2")) for row in read_rows(recipe.resolve(source.unlabelled))]
        probabilities = _teachers_probabilities(recipe, source, len(rows))
        yield from ((*names, float(probability)) for names, probability in zip(rows, probabilities, strict=True))


def labelled_pairs(recipe: SimilarityRecipe, path: str) -> Iterator[tuple[str, str, float]]:
    """Names of two functions and their label, of each row of a file."""
    for row in read_rows(recipe.resolve(path)):
        yield row.name("id1"), row.name("id2"), float(row.value("label"))


def _teachers_probabilities(recipe: SimilarityRecipe, source: SimilaritySource, pairs: int) -> NDArray[np.float64]:
    """Probability of a clone by the mean of the teachers' log odds (pairs,)."""
    log_odds = np.zeros(pairs)
    for path in source.logits:
        logits = np.load(recipe.resolve(path), allow_pickle=False).astype(np.float64)
        if logits.shape != (pairs, 2):
            raise InputError(f"{path}: logits of shape {logits.shape}, wanted ({pairs}, 2) for {source.unlabelled}")
        log_odds += (logits[:, 1] - logits[:, 0]) / len(source.logits)
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def _originals(functions: Sequence[ProjectFunction], most: int, rng: random.Random) -> Iterator[ProjectFunction]:
    """At most so many functions of each language."""
    by_language: Mapping[str, list[ProjectFunction]] = defaultdict(list)
    for function in functions:
        by_language[function.language].append(function)
    for _, alike in sorted(by_language.items()):
        yield from rng.sample(alike, min(len(alike), most))


def _add_edits(corpus: Corpus, originals: Sequence[int], names: Sequence[str], rng: random.Random) -> None:
    """An edited copy of each original, and of every fourth a copy that is only renamed."""
    for index, original in enumerate(originals):
        text, language = corpus.texts[original], corpus.languages[original]
        donor = corpus.texts[rng.choice(originals)]
        group = [original, corpus.add(edited(text, rng, names, donor), language)]
        if index % 4 == 0:
            group.append(corpus.add(rename(text, rng, names), language))
        corpus.edits.append(group)


def _add_changes(corpus: Corpus, originals: Sequence[int], names: Sequence[str], rng: random.Random) -> None:
    """Of every second original two groups, side by side: it and a copy, a near copy that differs and a copy of that."""
    methods = sorted({name for original in originals for name in called_methods(corpus.texts[original])})
    for original in originals[::2]:
        text, language = corpus.texts[original], corpus.languages[original]
        other = differing(text, rng, methods)
        if other != text:
            corpus.changes.append([original, corpus.add(rename(text, rng, names), language)])
            corpus.changes.append([corpus.add(each, language) for each in (other, rename(other, rng, names))])


def doc_words(function: ProjectFunction) -> list[str]:
    """The first words of what its documentation says."""
    return re.findall(r"[A-Za-z_]\w+", function.doc)[:MOST_DOC_WORDS]


def _add_docs(corpus: Corpus, functions: Iterable[ProjectFunction]) -> None:
    """Documentation as one string literal: its words are features of the names, and it has no structure."""
    for function in functions:
        literal = '"' + " ".join(doc_words(function)) + '"'
        corpus.docs.append([corpus.add(literal, function.language), corpus.add(function.masked, function.language)])
