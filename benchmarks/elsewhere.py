"""What the papers' benchmark students are worth outside of their benchmark.

    python benchmarks/elsewhere.py vulnerability-c-micro vulnerability-c-mini vulnerability-c-standard [--write]
    python benchmarks/elsewhere.py clone-java-micro clone-java-mini clone-java-standard [--write]

Those that judge functions: on packages that a distribution had to patch, beside the number of lines. Those that judge
pairs: on functions of ordinary Java projects, each beside itself. With --write the figures go into the bundles' model
cards, under "Elsewhere"; weights stay to the byte. A hint was trained on these packages: what it is worth there is
measured by benchmarks/hints.py instead.
"""

import argparse
from pathlib import Path

import numpy as np

from codewren.bundle.write import amend_bundle
from codewren.core.task import Unit
from codewren.data.readers import read_rows
from codewren.measure.review import auc, equal_length_auc, flagged
from codewren.predict.predictor import Predictor, load

SHARED = Path(__file__).resolve().parents[2] / "shared/data"
DATA = SHARED / "debian_cve/functions.jsonl.xz"
JAVA = SHARED / "unlabelled_java"
COPIES = 2000
FLAGGED = 0.02
TITLE = "## Elsewhere\n"
PARAGRAPH = """{title}A benchmark student of the papers' task: it has learned one data set. Of {functions:,}
functions of {packages} Debian packages, {vulnerable} of which were patched for a CVE, it ranks the patched ones with
AUC {auc:.2f}, where the number of lines has {lines:.2f}; among functions of equal length with {equal:.2f}. The
vulnerable version scores above the fixed one in {above:.0%} of the pairs, {ties} of which are exactly equal. Among the
2 % of each package that come first are {recall:.1%} of the patched functions (lines: {lines_recall:.1%}). To choose
what to review, use hints-c.

"""

PAIRS = """{title}A benchmark student of the papers' task: it has learned BigCloneBench's idea of a clone. Of
{copies:,} functions of {projects} other Java projects, each beside itself, it calls {clones:.1%} clones; the median
probability is {median:.3f}. A scan finds copies by their tokens, not by this model. For clones elsewhere, use clones.

"""


def elsewhere_of_pairs(name: str) -> str:
    """The paragraph of a bundle that judges pairs."""
    rows = [row for path in sorted(JAVA.glob("*.jsonl.xz")) for row in read_rows(path)]
    chosen = [rows[index] for index in np.random.default_rng(0).choice(len(rows), COPIES, replace=False)]
    texts = [row.text("func") for row in chosen]
    predictor = load(name)
    clones = np.array([row[1] for row in predictor.predict_proba([(text, text) for text in texts])])
    return PAIRS.format(
        title=TITLE,
        copies=COPIES,
        projects=len({str(row.value("project")) for row in chosen}),
        clones=(clones > predictor.bundle.decision.threshold).mean(),
        median=float(np.median(clones)),
    )


def elsewhere(name: str) -> str:
    """The paragraph of a bundle that judges functions."""
    rows = list(read_rows(DATA))
    predictor = load(name)
    texts = [row.text("func") for row in rows]
    fixed = [row.text("fixed") for row in rows if row.values.get("fixed")]
    labels = np.array([row.value("target") == 1 for row in rows])
    packages = np.array([str(row.value("package")) for row in rows])
    lines = np.array([text.count("\n") + 1.0 for text in texts])
    scores, repaired = (np.array([row[1] for row in predictor.predict_proba(part)]) for part in (texts, fixed))
    steps = scores[[bool(row.values.get("fixed")) for row in rows]] - repaired
    members = [packages == package for package in np.unique(packages)]
    recall = [
        np.concatenate([flagged(values[own], FLAGGED)[labels[own]] for own in members]).mean()
        for values in (scores, lines)
    ]
    return PARAGRAPH.format(
        title=TITLE,
        functions=len(rows),
        packages=len(members),
        vulnerable=int(labels.sum()),
        auc=auc(scores, labels),
        lines=auc(lines, labels),
        equal=equal_length_auc((scores[own], labels[own], lines[own]) for own in members),
        above=(steps > 0).mean(),
        ties=int((steps == 0).sum()),
        recall=recall[0],
        lines_recall=recall[1],
    )


def main() -> None:
    """Measure, print, and write the cards if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.bundles:
        predictor = load(name)
        text = elsewhere_of_pairs(name) if predictor.task.unit is Unit.PAIR else elsewhere(name)
        print(f"{name}\n{text}", flush=True)
        if arguments.write and isinstance(predictor, Predictor):
            before, limits, after = predictor.bundle.card.partition("## Limits\n")
            card = before.partition(TITLE)[0] + text + limits + after
            amend_bundle(predictor.path, card=card, provenance={})


if __name__ == "__main__":
    main()
