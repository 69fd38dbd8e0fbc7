"""Figures for the very items that a bundle's decision was fitted on: each judged by what was fitted on the others."""

import numpy as np

from codewren.core.dataset import Dataset
from codewren.core.task import Kind
from codewren.measure.calibration import CrossFitted, Target, cross_fit
from codewren.measure.label_sets import cross_fit_sets
from codewren.predict.predictor import AnyPredictor

OUT_OF_FOLD = (
    "Temperature and threshold of the bundle were fitted on these items, so the figures are out of fold: each item is "
    "judged by a temperature and a threshold fitted on the others."
)


def out_of_fold(predictor: AnyPredictor, dataset: Dataset) -> CrossFitted | None:
    """Judgements of the items that the bundle's decision was fitted on, as if it had not seen each; None for others."""
    made = predictor.manifest.get("provenance")
    fitted = made.get("decision") if isinstance(made, dict) else None
    if not isinstance(fitted, dict) or fitted.get("fitted_on_sha256") != dataset.sha256():
        return None
    metric: Target | None = next((name for name in ("accuracy", "f1", "mcc") if fitted.get("threshold") == name), None)
    calibrate = fitted.get("calibrate") is True
    logits, labels = np.asarray(predictor.logits(dataset.sources())), np.asarray(dataset.known_labels())
    if dataset.task.is_multi_label:
        return cross_fit_sets(logits, labels, metric=metric, calibrate=calibrate)
    return cross_fit(
        logits,
        labels,
        ordinal=dataset.task.kind is Kind.ORDINAL,
        positive=dataset.task.positive_index,
        metric=metric,
        calibrate=calibrate,
    )
