"""What a hint reaches on the files that its sources are measured on, through the runtime."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.core.hint_recipe import HintRecipe
from codewren.measure.transfer import area_under_curve
from codewren.predict.hint import HintPredictor
from codewren.predict.predictor import load
from codewren.train.hint.examples import valid_examples

LONG_TEXT = 1616
"""Characters beyond which students that read 400 tokens read a part only."""


def hint_figures(recipe: HintRecipe, predictor: HintPredictor) -> dict[str, Any]:
    """Area under the curve by source, and accuracy of those with a calibration of their own."""
    figures = {}
    for name, source in recipe.of_kind("labelled").items():
        if source.valid is None:
            continue
        examples = valid_examples(recipe, name)
        labels, long = np.array(examples.labels) == 1, np.array([len(text) > LONG_TEXT for text in examples.texts])
        own = {"functions": len(labels), "review_auc": _auc(predictor.review_first(examples.texts), labels)}
        own["suspicion_auc"] = _auc(predictor.suspicion(examples.texts), labels)
        own["lines_auc"] = _auc([text.count("\n") + 1.0 for text in examples.texts], labels)
        if name in recipe.own_heads:
            calibrated = load(f"{predictor.path}@{name}")
            scores = np.array([row[1] for row in calibrated.predict_proba(examples.texts)])
            is_right = (scores > 0.5) == labels
            own |= {"own_auc": _auc(scores, labels), "accuracy": float(is_right.mean())}
            lengths = (("accuracy_long", long), ("accuracy_short", ~long))
            own |= {measure: float(is_right[members].mean()) for measure, members in lengths if members.any()}
        figures[name] = own
    return figures


def _auc(scores: Any, labels: NDArray[np.bool_]) -> float:
    values = np.asarray(scores, np.float64)
    return round(float(area_under_curve(values[labels], values[~labels])), 4)
