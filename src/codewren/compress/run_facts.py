"""What is known of a run: read from its folder or its bundle, and from the data where they are at hand."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codewren.compress.bench_facts import BenchFacts, bench_facts
from codewren.compress.fidelity_facts import fidelity_tables
from codewren.compress.judged import Judged, data_at_hand, judged, split_of, teacher_on_half
from codewren.core.errors import CodewrenError, InputError
from codewren.core.files import read_json
from codewren.core.formulas import papers_flops, student_flops
from codewren.core.front import ParetoFront
from codewren.core.recipe import Recipe
from codewren.core.student_config import StudentConfig
from codewren.core.task import Task
from codewren.measure.quality import Quality
from codewren.report.facts import ModelFacts, Role, RunFacts
from codewren.report.pareto_plot import Group, Point, front_points
from codewren.report.reading import Fields, measures, model_facts, training_log
from codewren.runtime.bundle import Bundle
from codewren.runtime.predictor import find_bundle
from codewren.search.journal import read_journal

DATASETS = {"bcb": "BigCloneBench", "bigclonebench": "BigCloneBench", "devign": "Devign", "reveal": "ReVeal"}
ROLES = {"avatar": Role.AVATAR, "avatar-v1": Role.AVATAR, "compressor": Role.COMPRESSOR}
SEEDS = (("distil", "seed"), ("search", "seed"), ("finetune", "seed"), ("teacher", "path"))


def run_facts(path: str, *, name: str = "", data: Recipe | None = None) -> RunFacts:
    """Facts of a run folder, or of a bundle given by path or by the name of a shipped one.

    Args:
        path: of either.
        name: what to call it, by default the folder's or file's own name.
        data: recipe whose validation split a bundle without a run is judged on, if it is for the same task.

    Raises:
        InputError: neither, or a file of it is malformed.
        BundleError: the bundle is damaged.
    """
    folder = Path(path)
    subject = _folder(folder) if folder.is_dir() else _bundle(path)
    if data is not None and subject.recipe is None and _same_task(data.task, subject.task):
        subject = replace(subject, borrowed=data)
    return _facts(replace(subject, name=name or subject.name))


def _same_task(first: Task, second: Task) -> bool:
    return (first.unit, first.labels, first.positive) == (second.unit, second.labels, second.positive)


@dataclass(frozen=True, slots=True)
class Subject:
    """A run as it lies on disk.

    Attributes:
        given: what the user named.
        folder: of the run, None for a single bundle.
        recipe: resolved, None where there is none that this version reads; then `recipe_note` says why.
        borrowed: recipe of another run, for its data.
    """

    given: str
    name: str
    folder: Path | None
    bundle: Bundle | None
    recipe: Recipe | None
    recipe_note: str = ""
    borrowed: Recipe | None = None

    def file(self, name: str) -> Path:
        """A file of the run, or beside a bundle: `student.bench.json` for `student.wren`."""
        if self.folder is not None:
            return self.folder / name
        return Path(self.given).with_suffix(f".{name.replace('/', '-')}")

    @property
    def task(self) -> Task:
        """What is judged."""
        if self.bundle is not None:
            return self.bundle.task
        if self.recipe is not None:
            return self.recipe.task
        raise InputError(
            f"{self.given}: holds neither student.wren nor a recipe.json that can be read ({self.recipe_note}); "
            "give the folder of a run (codewren compress --out) or a *.wren file"
        )


def _folder(folder: Path) -> Subject:
    name = folder.resolve().name
    path = folder / "student.wren"
    bundle = Bundle.read(path) if path.is_file() else None
    recipe, note = _recipe(folder / "recipe.json")
    return Subject(str(folder), name, folder, bundle, recipe, note)


def kept_recipe(path: str) -> Recipe | None:
    """The recipe in a run's folder, None where there is none that this version reads.

    Raises:
        InputError: the file is not JSON.
    """
    return _recipe(Path(path) / "recipe.json")[0] if Path(path).is_dir() else None


def _bundle(path: str) -> Subject:
    bundle = Bundle.read(find_bundle(path))
    return Subject(path, bundle.path.stem, None, bundle, None, "a bundle alone does not say where its data lie")


def _recipe(path: Path) -> tuple[Recipe | None, str]:
    """The recipe that a run keeps; one of another version is no reason to fail, but is said."""
    if not path.is_file():
        return None, "no recipe.json"
    raw = read_json(path)
    try:
        return Recipe.from_dict({k: v for k, v in raw.items() if k != "folder"}, Path(raw.get("folder", "."))), ""
    except (CodewrenError, AttributeError, TypeError, ValueError) as error:
        return None, f"recipe.json is of another version: {error}"


def _facts(subject: Subject) -> RunFacts:
    config = subject.bundle.config if subject.bundle else _chosen(subject)
    missing: dict[str, str] = {}
    answers = _judged(subject, missing)
    bench = bench_facts(subject.file("bench.json"), subject.bundle.sha256 if subject.bundle else "")
    models = _models(subject, config, answers, bench, missing)
    teacher = next((m.name for m in models if m.role is Role.TEACHER), None)
    student = models[-1].name
    known = [m.name for m in models if answers and m.name in answers.models]
    paired = (
        [(student, other, answers.compared(student, other)) for other in known if other != student] if answers else []
    )
    if teacher and teacher not in known:
        missing["comparison"] = "needs the data and the teacher's logits of the validation split"
    shown = [name for name in (student, teacher) if name in known]
    history, log = _history(subject), subject.file("student/log.jsonl")
    if not history:
        missing["training"] = f"no {log.name} beside it"
    tables = [*bench.tables, *_fidelity(subject, missing)]
    if answers and answers.slices and not any(one.part == "items" for one in tables):
        tables.append(answers.slices)
    points, noise = _points(subject, config)
    if not points:
        missing["search"] = f"run codewren search {_recipe_name(subject)} --set search.strategy=wren"
    if bench.missing:
        missing["bench"] = missing["energy"] = f"run codewren bench, --json {_shown(subject.file('bench.json'))}"
    elif not bench.energy_known:
        missing["energy"] = "the bench was run without energy; run codewren bench --help"
    return RunFacts(
        subject.name,
        subject.task,
        config,
        models,
        dataset=_dataset(subject),
        data_sha256=answers.data_sha256 if answers else _data_sha256(subject),
        comparisons=tuple(paired),
        history=history,
        kept_epoch=_kept_epoch(subject, history),
        metric=subject.recipe.distil.selection if subject.recipe else "accuracy",
        points=points,
        noise=noise,
        reliability={name: answers.reliability(name) for name in shown} if answers else {},
        lengths=answers.lengths if answers else (),
        limit=config.max_sequence_length if config else 0,
        times_s=bench.times_s,
        machine=bench.machine,
        tables=tuple(tables),
        warnings=(*_overlap(subject), *bench.warnings),
        provenance=_provenance(subject),
        commands=_commands(subject),
        missing=missing,
        family=_family(subject),
        seed=subject.recipe.distil.seed if subject.recipe else None,
        labels=answers.labels if answers else None,
        answers={one: found.predictions for one, found in answers.models.items()} if answers else {},
    )


def _chosen(subject: Subject) -> StudentConfig | None:
    found = Fields.read(subject.file("chosen.json"))
    return StudentConfig.from_dict(dict(found.within("config").raw)) if found else None


def _judged(subject: Subject, missing: dict[str, str]) -> Judged | None:
    """Answers on the validation split, or why there are none."""
    recipe, bundle = subject.recipe or subject.borrowed, subject.bundle
    if bundle is None:
        why = "no student.wren; run codewren export"
    elif recipe is None:
        why = subject.recipe_note
    elif not data_at_hand(recipe, "valid"):
        why = "the data of the recipe are not where it says; run this where they are"
    else:
        dataset = split_of(recipe, "valid")
        return judged(bundle, dataset, name=_student_name(subject), others=_outputs(subject))
    missing["calibration"] = missing["items"] = missing["comparison"] = why
    return None


def _outputs(subject: Subject) -> dict[str, tuple[Path, bool]]:
    """Files of other models' outputs on the validation split, and whether they are probabilities."""
    found = {}
    teacher = subject.file("logits-valid.npz")
    if subject.folder is not None and teacher.is_file():
        found["teacher"] = (teacher, False)
    for mode in ("faithful", "repaired"):
        path = subject.file(f"bilstm-{mode}/logits-valid.npz")
        if subject.folder is not None and path.is_file():
            found[f"BiLSTM, {mode}"] = (path, mode == "faithful")
    return found


def _student_name(subject: Subject) -> str:
    return "student" if subject.name in ("teacher", "") else subject.name


def _models(
    subject: Subject,
    config: StudentConfig | None,
    answers: Judged | None,
    bench: BenchFacts,
    missing: dict[str, str],
) -> tuple[ModelFacts, ...]:
    """Teacher, baselines, student; the student last."""
    rows = _evaluated(subject)
    found = []
    teacher = _teacher(subject, answers, rows.get("teacher"), missing)
    if teacher is not None:
        found.append(bench.onto(teacher, kind="teacher"))
    found += _baselines(subject, answers)
    if not any(one.role is Role.BILSTM for one in found):
        missing["baseline"] = f"run codewren baseline {_recipe_name(subject)} --out {_shown(Path(subject.given))}"
    found += bench.others()
    student = _student(subject, config, answers, rows.get("student"), missing)
    return (*found, bench.onto(student, kind="bundle"))


def _evaluated(subject: Subject) -> dict[str, Fields]:
    """Rows of `evaluation.json` by name."""
    found = Fields.read(subject.file("evaluation.json"))
    return {row.text("name"): row for row in found.each("rows")} if found else {}


def _teacher(
    subject: Subject, answers: Judged | None, row: Fields | None, missing: dict[str, str]
) -> ModelFacts | None:
    if row is not None:
        return model_facts(row, role=Role.TEACHER, name="teacher", how=_how(row))
    if answers and "teacher" in answers.models:
        return _from_quality("teacher", Role.TEACHER, answers.models["teacher"].quality)
    half = teacher_on_half(subject.recipe, subject.file("logits-unlabelled.npz")) if subject.recipe else None
    if half is None:
        missing["teacher"] = "its outputs on the validation split are not at hand; run codewren label"
        return None
    missing["teacher"] = "only its logits of the unlabelled half exist, not of the validation split"
    how = f"on the unlabelled half, n = {half.n:,}: how far the teacher's logits agree with the true labels"
    return ModelFacts("teacher's logits", Role.TEACHER, how, {"accuracy": half})


def _from_quality(name: str, role: Role, found: Quality, *, how: str = "") -> ModelFacts:
    return ModelFacts(
        name,
        role,
        how or f"on the valid split, n = {found.n:,}",
        measures={measure.name: measure for measure in found.measures},
        majority=found.majority,
        undefined=dict(found.undefined),
    )


def _how(row: Fields, split: str = "valid") -> str:
    n = row.within("quality").count("n") if row.has("quality") else 0
    return f"on the {split} split, n = {n:,}"


def _baselines(subject: Subject, answers: Judged | None) -> list[ModelFacts]:
    found = []
    for mode in ("faithful", "repaired"):
        raw = Fields.read(subject.file(f"bilstm-{mode}/bilstm.json")) if subject.folder else None
        name = f"BiLSTM, {mode}"
        if raw is not None and answers and name in answers.models:
            model = _from_quality(name, Role.BILSTM, answers.models[name].quality)
            found.append(replace(model, size_bytes=raw.count("size_bytes")))
    return found


def _student(
    subject: Subject,
    config: StudentConfig | None,
    answers: Judged | None,
    row: Fields | None,
    missing: dict[str, str],
) -> ModelFacts:
    name, role = _student_name(subject), _role(subject)
    scores = Fields(subject.bundle.manifest.get("scores") or {}, "manifest: scores") if subject.bundle else None
    model = ModelFacts(name, role, "not judged")
    if answers is not None:
        model = _from_quality(name, role, answers.models[name].quality)
    elif row is not None:
        model = model_facts(row, role=role, name=name, how=_how(row))
    elif scores is not None and scores.has("measures"):
        split = scores.text("split", "valid")
        model = replace(model, how=f"on the {split} split, as the bundle says", measures=measures(scores))
        model = replace(model, majority=scores.measure("majority") if scores.has("majority") else None)
    else:
        missing["effectiveness"] = f"run codewren evaluate {_shown(Path(subject.given))} RECIPE"
    if row is not None:
        told = model_facts(row, role=role, name=name, how=model.how)
        agreement = {"agreement": told.measures["agreement"]} if "agreement" in told.measures else {}
        model = replace(model, latency_s=told.latency_s, measures={**model.measures, **agreement})
    if model.latency_s is None:
        missing["latency"] = "run codewren bench"
    size = subject.bundle.size_bytes if subject.bundle else None
    return replace(model, size_bytes=size, **_flops(config, subject.task))


def _flops(config: StudentConfig | None, task: Task) -> dict[str, Any]:
    if config is None:
        return {}
    return {
        "flops": float(student_flops(config, task)),
        "papers_flops": float(
            papers_flops(
                vocab_size=config.vocab_size,
                hidden_size=config.hidden_size,
                num_hidden_layers=config.num_hidden_layers,
                intermediate_size=config.intermediate_size,
                num_attention_heads=config.num_attention_heads,
            )
        ),
    }


def _role(subject: Subject) -> Role:
    made = subject.bundle.manifest.get("provenance") if subject.bundle else None
    source = made.get("source") if isinstance(made, dict) else None
    if isinstance(source, str) and "Compressor" in source:
        return Role.COMPRESSOR
    if isinstance(source, str) and "Avatar" in source:
        return Role.AVATAR
    return ROLES.get(subject.recipe.search.strategy, Role.OURS) if subject.recipe else Role.OURS


def _history(subject: Subject) -> tuple[Any, ...]:
    return training_log(subject.folder / "student/log.jsonl") if subject.folder else ()


def _kept_epoch(subject: Subject, history: tuple[Any, ...]) -> int | None:
    made = subject.bundle.manifest.get("provenance") if subject.bundle else None
    epoch = made.get("epoch") if isinstance(made, dict) else None
    return epoch if isinstance(epoch, int) and any(one.epoch == epoch for one in history) else None


def _points(subject: Subject, config: StudentConfig | None) -> tuple[tuple[Point, ...], float | None]:
    """Trials and front of the run's search, and how far seeds differ."""
    raw = Fields.read(subject.file("front.json")) if subject.folder else None
    if raw is None or subject.folder is None:
        return (), None
    try:
        front = ParetoFront.from_dict(dict(raw.raw))
    except (KeyError, TypeError, ValueError, CodewrenError) as error:
        raise InputError(f"{raw.where}: not a front ({error!r:.80}); run codewren search again") from None
    chosen = _chosen(subject) or config
    noise = raw.number("noise") if raw.has("noise") else None
    return (*_trials(subject.folder), *front_points(front, chosen=chosen)), noise


def _trials(folder: Path) -> list[Point]:
    path = folder / "journal.jsonl"
    trials = read_journal(path)[1] if path.is_file() else ()
    return [
        Point(f"trial {one.number}", one.scores.size_bytes, one.scores.effectiveness, Group.TRIAL)
        for one in trials
        if one.scores is not None and one.scores.effectiveness is not None
    ]


def _fidelity(subject: Subject, missing: dict[str, str]) -> list[Any]:
    path = subject.file("fidelity.json")
    tables = fidelity_tables(path)
    if not tables:
        bundle = _shown(subject.bundle.path) if subject.bundle else "BUNDLE"
        missing["fidelity"] = f"run codewren evaluate {bundle} {_recipe_name(subject)} --edits --json {_shown(path)}"
    return tables


def _dataset(subject: Subject) -> str:
    """The papers' data set that a recipe's paths name, empty for any other."""
    data = _raw_recipe(subject).get("data")
    data = data if isinstance(data, dict) else {}
    valid = data.get("valid")
    words = f"{data.get('root', '')}/{valid.get('path', '') if isinstance(valid, dict) else ''}".lower()
    return next((name for word, name in DATASETS.items() if word in words.split("/")), "")


def _raw_recipe(subject: Subject) -> Mapping[str, Any]:
    known = subject.recipe or subject.borrowed
    if known is not None:
        return known.to_dict()
    made = subject.bundle.manifest.get("provenance") if subject.bundle else None
    recipe = made.get("recipe") if isinstance(made, dict) else None
    return recipe if isinstance(recipe, dict) else {}


def _data_sha256(subject: Subject) -> str:
    made = subject.bundle.manifest.get("provenance") if subject.bundle else None
    hashes = made.get("data_sha256") if isinstance(made, dict) else None
    found = hashes.get("valid") if isinstance(hashes, dict) else None
    return found if isinstance(found, str) else ""


def _overlap(subject: Subject) -> tuple[str, ...]:
    """Warnings of the overlap check about the split that is reported on."""
    found = Fields.read(subject.file("overlap.json"))
    lines = found.raw.get("warnings") if found else None
    return tuple(str(line) for line in lines if str(line).startswith("valid")) if isinstance(lines, list) else ()


def _provenance(subject: Subject) -> tuple[tuple[str, str], ...]:
    from codewren import __version__

    facts = []
    bundle = subject.bundle
    if bundle is not None:
        facts += [("bundle", f"{bundle.path.name}, {bundle.size_bytes:,} bytes"), ("SHA-256", bundle.sha256)]
        decision = bundle.decision
        facts.append(("decision", f"threshold {decision.threshold:g}, temperature {decision.temperature:g}"))
        made = bundle.manifest.get("provenance")
        facts += _flat(made, "") if isinstance(made, dict) else []
    if subject.recipe is not None:
        facts.append(("seeds", ", ".join(f"{a}.{b} {_seed(subject.recipe, a, b)}" for a, b in SEEDS[:3])))
        resolved = json.dumps(subject.recipe.to_dict(), sort_keys=True)
        facts.append(("recipe, SHA-256", hashlib.sha256(resolved.encode()).hexdigest()))
    commit = code_commit()
    return (*facts, ("report written by", f"codewren {__version__}{f', commit {commit}' if commit else ''}"))


def _seed(recipe: Recipe, section: str, key: str) -> Any:
    return getattr(getattr(recipe, section), key)


def _flat(made: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    """Provenance as lines, hashes one a line; the recipe and the history have places of their own."""
    lines = []
    for key, value in made.items():
        if key in ("recipe", "history"):
            continue
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, dict):
            lines += _flat(value, f"{name}: ")
        elif value not in ("", None, []):
            lines.append((name, str(value)))
    return lines


def code_commit() -> str:
    """Commit of the checkout this program runs from, empty where it is installed."""
    git = Path(__file__).resolve().parents[3] / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head[:12]
        return (git / head.removeprefix("ref: ")).read_text(encoding="ascii").strip()[:12]
    except (OSError, UnicodeDecodeError):
        return ""


def _commands(subject: Subject) -> tuple[str, ...]:
    given = _shown(Path(subject.given))
    if subject.folder is None:
        return (f"codewren report {given}",)
    return (
        f"codewren compress {_recipe_name(subject)} --out {given}",
        f"codewren bench {given}/student.wren --json {given}/bench.json",
        f"codewren evaluate {given}/student.wren {_recipe_name(subject)} --edits --json {given}/fidelity.json",
        f"codewren report {given} --out report.html --card MODEL_CARD.md",
    )


def _recipe_name(subject: Subject) -> str:
    return "RECIPE.toml"


def _shown(path: Path) -> str:
    return shlex.quote(str(path))


def _family(subject: Subject) -> str:
    """Hash of the recipe without its seeds and without the place of a teacher trained for it."""
    if subject.recipe is None:
        return ""
    plain = subject.recipe.to_dict()
    plain.pop("folder")
    for section, key in SEEDS:
        plain[section].pop(key)
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
