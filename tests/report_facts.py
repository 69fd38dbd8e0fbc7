"""Runs made up for tests of the page: everything known, or next to nothing."""

import numpy as np

from codewren.core.student_config import StudentConfig
from codewren.core.task import VULNERABILITY
from codewren.measure.estimate import Measure
from codewren.measure.intervals import mcnemar
from codewren.report.draw.pareto_plot import Group, Point
from codewren.report.draw.reliability import reliability
from codewren.report.draw.training_plot import Epoch
from codewren.report.facts import UNJUDGED, Energy, ModelFacts, Role, RunFacts, Table

N = 400
HOW = "on the valid split, n = 400"


def answers(seed, share):
    """Labels, and predictions that are right as often as asked."""
    labels = (np.arange(N) % 5 < 2).astype(np.int64)
    right = np.random.default_rng(seed).random(N) < share
    return labels, np.where(right, labels, 1 - labels)


def figure(name, value, spread=0.02):
    return Measure(name, value, value - spread, value + spread, N)


def model(name, role, accuracy, **more):
    measures = {m.name: m for m in (figure("accuracy", accuracy), figure("f1", accuracy - 0.1), figure("ece", 0.07))}
    return ModelFacts(name, role, HOW, measures, majority=figure("majority", 0.6), **more)


def run(name="devign", *, seed=0, share=0.7, family="f", **changes):
    """A run of which everything is known."""
    labels, predicted = answers(seed, share)
    _, taught = answers(99, 0.72)
    probabilities = np.stack([0.8 - 0.6 * predicted, 0.2 + 0.6 * predicted], axis=1)
    accuracy = float((predicted == labels).mean())
    energy = Energy(figure("joules_per_1000", 0.31), figure("co2e_g_per_1000", 0.0002, 0.0001), "modelled: 10 W a core")
    student = model(
        name, Role.OURS, accuracy, size_bytes=742_339, flops=1.93e6, papers_flops=9e8,
        latency_s=Measure("median_s", 2.58e-5, 2e-5, 3e-5, 200), energy=energy,
    )  # fmt: skip
    slow = Measure("median_s", 0.0189, 0.015, 0.02, 200)
    teacher = model("teacher", Role.TEACHER, float((taught == labels).mean()), size_bytes=90_867_400, latency_s=slow)
    original = ModelFacts("the original", Role.OTHER, UNJUDGED, size_bytes=500_000_000)
    known = {
        "dataset": "Devign",
        "data_sha256": "d" * 64,
        "comparisons": ((name, "teacher", mcnemar(labels, predicted, taught)),),
        "history": tuple(Epoch(k, 0.2 / k, 0.6 + 0.01 * k) for k in (1, 2, 3)),
        "kept_epoch": 3,
        "points": (
            Point("trial 0", 50_000, 0.6, Group.TRIAL),
            Point("trial-1", 80_000, 0.65, Group.FRONT, latency_s=1e-5),
            Point("trial-2", 742_339, 0.7, Group.CHOSEN, latency_s=2.58e-5),
        ),
        "noise": 0.0035,
        "reliability": {name: reliability(labels, probabilities)},
        "lengths": (10, 20, 400, 900),
        "limit": 400,
        "times_s": {name: (2e-5, 3e-5), "teacher": (0.01, 0.02)},
        "machine": (("timed on", "a processor"),),
        "tables": (
            Table("latency", "Speed and memory", ("model", "median"), ((name, "25.8 µs"),)),
            Table("items", "Slices by length", ("tokens", "accuracy"), (("1 to 9", "0.7"),), "A note."),
            Table("fidelity", "Flips under edits", ("edit", name), (("rename", "3 of 9"),)),
        ),
        "warnings": ("valid: 4 functions are in labelled as well",),
        "provenance": (("SHA-256", "ab" * 32), ("seeds", "distil.seed 0")),
        "commands": ("codewren report runs/devign",),
        "recipe": '[task]\nname = "vulnerability"\n',
        "family": family,
        "seed": seed,
        "labels": labels,
        "answers": {name: predicted, "teacher": taught},
    }
    return RunFacts(name, VULNERABILITY, StudentConfig(), (teacher, original, student), **{**known, **changes})


def bare(name="bare"):
    """A run of which nothing is known but the task."""
    gaps = {key: f"run codewren {key}" for key in ("effectiveness", "latency", "bench", "energy", "search", "fidelity")}
    gaps |= dict.fromkeys(("training", "calibration", "items", "teacher", "baseline", "comparison"), "no data")
    return RunFacts(name, VULNERABILITY, None, (ModelFacts(name, Role.OURS, UNJUDGED),), missing=gaps)
