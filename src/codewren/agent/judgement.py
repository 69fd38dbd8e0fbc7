"""How a model judges one function, for an agent: in few words."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codewren.agent.confined import current_text
from codewren.core.errors import InputError
from codewren.core.task import Unit
from codewren.index.query import function_at
from codewren.index.tree_index import Index
from codewren.predict.similarity import SimilarityPredictor
from codewren.scan.alarms import alarm_rules
from codewren.scan.infer import predict_text
from codewren.scan.result import ScanOptions
from codewren.syntax.file_names import language_of
from codewren.syntax.grammars import LANGUAGES

if TYPE_CHECKING:
    from codewren.predict.predictor import AnyPredictor

_MOST_SIMILAR, _MOST_LINES = 3, 5


def judgement(index: Index, file: Path, line: int, predictor: "AnyPredictor") -> dict[str, Any]:
    """The model's probability for the function at a line, the lines that carry it, and what is like it elsewhere.

    Raises:
        InputError: no function is there, or the model judges pairs.
    """
    if predictor.task.unit is Unit.PAIR or isinstance(predictor, SimilarityPredictor):
        raise InputError("explain is about models that judge single functions; ask find_similar about pairs")
    language = language_of(file.name, LANGUAGES)
    if language is None:
        raise InputError(f"{file.name}: of no language that is known by its name")
    text = current_text(file)
    source = text.encode()
    record = predict_text(source, language, predictor)
    number = function_at(record, line)
    trained = predictor.task.language
    (rule,) = alarm_rules(predictor, ScanOptions())
    (similar,) = index.query(text, path=file, line=line, k=_MOST_SIMILAR)
    start, end = record.span(number)
    (reasons,) = predictor.explain([source[start:end].decode("utf-8", "replace")], languages=[language])
    first = record.lines(number)[0]
    return {
        "path": os.path.relpath(file, index.root),
        "name": record.names[number],
        "lines": list(record.lines(number)),
        "label": rule.label,
        "probability": round(rule.probability(record, number), 3),
        "alarm": rule.is_alarm(record, number),
        "lines_that_count": [
            {
                "line": first + reason.line - 1,
                "log_odds": round(reason.score, 2),
                "likelihood": None if reason.likelihood is None else round(reason.likelihood, 4),
            }
            for reason in reasons.strongest(_MOST_LINES)
        ],
        "trained_for": trained or "any language",
        "caution": "" if trained in {None, language} else f"the model never saw {language}: a guess",
        "similar": [f"{match.path}:{match.start_line} {match.name}" for match in similar.matches],
    }
