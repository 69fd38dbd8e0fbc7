"""The main path, as the method sections of both papers read: label, search, distil, export, evaluate, report."""

import time

from codewren.compress.decision import check_decision
from codewren.compress.imbalance import report_imbalance
from codewren.compress.layout_check import report_layout
from codewren.compress.run import Run
from codewren.compress.stage_distil import distil_student
from codewren.compress.stage_energy import stage_energy
from codewren.compress.stage_evaluate import evaluate_run
from codewren.compress.stage_export import export_student
from codewren.compress.stage_label import label_splits
from codewren.compress.stage_overlap import report_overlap
from codewren.compress.stage_search import search_configuration
from codewren.compress.teacher_worth import report_teacher_worth
from codewren.compress.words_baseline import report_words


def compress(run: Run) -> str:
    """Turn the recipe's teacher into `student.wren`; return the table of what came out.

    Every stage leaves its file in the run's folder, and takes up what an earlier, broken call left there.

    Raises:
        CodewrenError: any stage's own error; what was finished stays.
    """
    started = time.monotonic()
    check_decision(run.recipe.decision, run.recipe.task)  # this and a missing label are told before anything is trained
    run.dataset("valid").known_labels()
    report_overlap(run)
    report_layout(run)
    report_imbalance(run)
    report_words(run)
    with stage_energy(run.out, "label"):
        label_splits(run)
    report_teacher_worth(run)
    with stage_energy(run.out, "search"):
        config = search_configuration(run)
    with stage_energy(run.out, "distil"):
        trained = distil_student(run, config)
    bundle = export_student(run, trained)
    return evaluate_run(run, bundle, seconds=time.monotonic() - started)
