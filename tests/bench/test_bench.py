"""codewren bench: what it says of models whose cost is known, and that a stranger can run it."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from codewren.bench.bench_report import read_bench
from codewren.bench.contestants import BundleModel, Flops, Identity, read_bundles
from codewren.bench.judged_items import BenchItems, source_items
from codewren.bench.request import BenchRequest, _sorted
from codewren.bench.spending import Spent, break_evens, read_spent
from codewren.bench.text_table import bench_text
from codewren.bench.timing import BenchOptions, _spread, bench
from codewren.bundle.read import Bundle
from codewren.cli.main import cli
from codewren.core.errors import InputError
from codewren.core.files import write_json
from codewren.core.formulas import plain_flops, student_flops
from codewren.core.recipe import Recipe
from codewren.core.student_config import PairHead
from codewren.core.task import CLONE, VULNERABILITY
from codewren.measure.energy.carbon import Grid
from codewren.measure.energy.meter import MeterSheet
from codewren.measure.energy.stage import StageEnergy
from codewren.measure.fresh_process import Child, peak_memories
from commands import fails, run
from students import CONFIG, write_student

FUNCTIONS = "\n".join(f"int w{i}(int w{i + 1}) {{ return w{i % 50 + 4} + {i}; }}" for i in range(40))
QUICK = ("--seconds", "0.2", "--items", "12", "--threads", "1", "--quiet")


class Known:
    """A model that writes down what it is asked, and takes no new process."""

    def __init__(self, name: str, kind: str = "bundle", loops: int = 1) -> None:
        self.identity = Identity(name=name, kind=kind, label="known", size_bytes=7, papers_flops=10**9)
        self.loops, self.seen, self.made = loops, [], 0

    def single(self, threads):
        self.made += 1
        return self._judge

    def bulk(self, threads):
        self.made += 1
        return lambda places: [self._judge(place) for place in places]

    def _judge(self, place):
        self.seen.append(place)
        sum(range(self.loops))

    def flops(self, places):
        return Flops(2e6, 10.0, "told")


class Meter:
    """A meter whose joules are the items judged since its start, two each."""

    sheet = MeterSheet("modelled: by test", measured=False, includes_idle=False, whole_machine=False, factor=3.0)

    def __init__(self, model: Known) -> None:
        self.model, self.before = model, 0

    def start(self):
        self.before = len(self.model.seen)

    def stop(self):
        return 2.0 * (len(self.model.seen) - self.before)


ITEMS = BenchItems(VULNERABILITY, tuple((f"w{i} " * (i + 1),) for i in range(90)), "test")
OPTIONS = BenchOptions(items=40, seconds=0.2, threads=(1,), cold_starts=0)


def test_warm_up_items_are_never_the_timed_ones():
    model = Known("a")
    report = bench([model], ITEMS, OPTIONS)
    assert (report.warmup, report.timed) == (30, 40)
    seen = Counter(model.seen)
    assert set(seen) <= set(range(70))
    timed = [place for place in seen if place >= 30]
    assert len(timed) == 40
    assert all(seen[place] == 1 + 6 for place in timed)  # once alone, then in every bulk round
    assert model.made == 1 + 6  # nothing remembers an earlier round


def test_any_first_items_are_as_mixed_as_all():
    for count in (1, 2, 7, 40, 200):
        order = _spread(count)
        assert sorted(order) == list(range(count))
    order = _spread(200)
    for first in (8, 20, 50):
        ranks = sorted(order[:first])
        gaps = [b - a for a, b in zip([0, *ranks], [*ranks, 199], strict=True)]
        assert max(gaps) <= 2 * 256 / first


def test_figures_are_against_the_teacher_and_of_both_clocks():
    slow, fast = Known("teacher", "teacher", loops=200_000), Known("fast", loops=100)
    report = bench([fast, slow], ITEMS, OPTIONS)
    assert report.reference == "teacher"
    by_name = {model.identity.name: model for model in report.models}
    assert by_name["teacher"].times_faster == (None,)
    faster, less = by_name["fast"].times_faster[0], by_name["fast"].times_less_processor[0]
    assert faster.low > 10
    assert less.low > 10
    assert len(by_name["fast"].latency[0].items_s) == 40


def test_energy_is_joules_an_item_with_the_meters_name():
    model = Known("a", loops=1000)
    report = bench([model], ITEMS, OPTIONS, meter=Meter(model)).to_dict()
    (one,) = report["models"]
    assert one["energy"]["joules_per_1000"]["value"] == pytest.approx(2000)
    assert one["energy"]["above_noise"]
    assert one["energy"]["plausible_joules_per_1000"] == pytest.approx([2000 / 3, 6000])
    assert report["energy"]["meter"]["label"] == "modelled: by test"
    assert json.loads(json.dumps(report))["models"][0]["latency"][0]["items_s"]


def test_a_report_is_read_as_it_was_written(tmp_path):
    models = [Known("teacher", "teacher", loops=3000), Known("fast")]
    report = bench(models, ITEMS, OPTIONS, meter=Meter(models[0]))
    spent = Spent({"search": 3.5}, ("m",), "runs/x")
    figures = {model.identity.name: model.energy for model in report.models}
    even = break_evens(spent, figures, ["fast"], "teacher")
    energy = replace(report.energy, grid=Grid(56.0, "FRA", "France", 2024, "a table"), spent=spent, break_even=even)
    report = replace(report, energy=energy, warnings=("busy",))
    write_json(tmp_path / "bench.json", report.to_dict())
    again = read_bench(tmp_path / "bench.json")
    assert again.models[1].latency == report.models[1].latency
    assert (again.machine, again.load, again.energy) == (report.machine, report.load, report.energy)
    joules = [model.energy.joules.value for model in report.models]
    assert [model.energy.joules.value for model in again.models] == pytest.approx(joules)
    without_energy = [replace(model, energy=None).to_dict() for model in report.models]
    assert [replace(model, energy=None).to_dict() for model in again.models] == without_energy
    assert read_bench(tmp_path / "absent.json") is None


def test_nothing_to_bench_is_refused():
    with pytest.raises(InputError, match="0 models"):
        bench([], ITEMS, OPTIONS)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("src")
    (folder / "a.c").write_text(FUNCTIONS)
    (folder / "b.c").write_bytes(b"\0 binary")
    (folder / "c.java").write_text("class A { void f() { } }")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_student(tmp_path_factory.mktemp("bundle") / "student.wren")


def test_functions_of_source_files_are_the_items_each_once(sources):
    items = source_items([sources], VULNERABILITY)
    assert len(items) == 40
    assert len(set(items.sources)) == 40
    assert items.sources == source_items([sources], VULNERABILITY).sources
    assert "40 functions in 2 files" in items.origin


def test_pairs_are_distinct_and_of_different_functions(tmp_path):
    methods = "".join(f"int m{i}() {{ return {i}; }} " for i in range(5))
    (tmp_path / "A.java").write_text(f"class A {{ {methods} }}")
    items = source_items([tmp_path], CLONE)
    assert len(items) == len(set(items.sources)) == 20
    assert all(left != right for left, right in items.sources)
    (tmp_path / "A.java").write_text("class A { int one() { return 1; } }")
    with pytest.raises(InputError, match="wanted 2 or more"):
        source_items([tmp_path], CLONE)


def test_flops_are_those_of_the_real_lengths(tmp_path):
    task = CLONE
    config = CONFIG.replace(pair_head=PairHead.CONCAT)
    opened = Bundle.read(write_student(tmp_path / "x.wren", config, task))
    items = BenchItems(task, (("w5 w6", "w7 w8 w9 w10"),), "test")
    model = BundleModel(opened, items)
    assert model.lengths(0) == [4, 6]
    found = model.flops([0])
    assert found.tokens == 5
    assert found.value == (student_flops(config, task, tokens=4) + student_flops(config, task, tokens=6)) / 2


def test_a_stranger_benches_a_bundle_on_own_files(bundle, sources, tmp_path):
    target = tmp_path / "bench.json"
    out = run(
        "bench", "--model", bundle, sources, *QUICK, "--cold-starts", "1", "--watts-per-core", "5", "--grid", "100",
        "--json", target,
    )  # fmt: skip
    report = json.loads(target.read_text())
    assert (report["kind"], report["schema_version"]) == ("codewren bench", 1)
    (model,) = report["models"]
    assert model["size_bytes"] == bundle.stat().st_size
    assert model["latency"][0]["median_s"]["value"] > 0
    assert model["cold_start_s"]["value"] > model["latency"][0]["median_s"]["value"]
    assert model["peak_memory_bytes"]["value"] > 5e6
    joules, grams = model["energy"]["joules_per_1000"]["value"], model["energy"]["co2e_g_per_1000"]["value"]
    assert grams == pytest.approx(joules / 3.6e6 * 100)
    assert "5 W a core (given by the user)" in report["energy"]["meter"]["label"]
    assert "J a 1,000 items" in out
    assert "modelled: 5 W a core" in out
    assert report["machine"]["cpu"] in out


def test_a_bench_of_bundles_loads_neither_torch_nor_numpy(bundle, sources):
    program = (
        "import sys; from codewren.cli.main import cli\n"
        f"cli.main(['bench', {str(bundle)!r}, {str(sources)!r}, '--watts-per-core', '4', '--cold-starts', '0', "
        "'--seconds', '0.1', '--items', '6', '--quiet'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_a_recipes_validation_split_and_two_bundles(clone_task, tmp_path):
    bundles = [write_student(tmp_path / f"{name}.wren", task=CLONE) for name in "ab"]
    target = tmp_path / "bench.json"
    run("bench", clone_task / "recipe.toml", *bundles, *QUICK, "--no-energy", "--cold-starts", "0", "--json", target)
    report = json.loads(target.read_text())
    assert [model["name"] for model in report["models"]] == ["a", "b"]
    assert report["reference"] == "a"
    assert report["data"]["functions_per_item"] == 2
    assert report["models"][1]["latency"][0]["times_faster"]["n"] > 0
    assert report["energy"] is None


def test_the_original_is_labelled_and_the_bundle_breaks_even(bundle, sources, tmp_path, monkeypatch):
    from codewren.train.teachers import original

    for name, small in {"HIDDEN": 24, "LAYERS": 2, "VOCABULARY": 90, "INTERMEDIATE": 48, "HEADS": 2}.items():
        monkeypatch.setattr(original, name, small)
    spent = tmp_path / "run"
    stage = StageEnergy(50.0, 1.0, 1.0, "modelled: by test", 1.0).to_dict()
    write_json(spent / "energy.json", {"stages": [{"stage": "label", **stage}, {"stage": "distil", **stage}]})
    target = tmp_path / "bench.json"
    out = run(
        "bench", bundle, sources, "--original", "--spent", spent, "--watts-per-core", "4", *QUICK,
        "--cold-starts", "0", "--json", target,
    )  # fmt: skip
    report = json.loads(target.read_text())
    names = [model["name"] for model in report["models"]]
    assert names == ["original, padded", "original, unpadded", "student"]
    assert "random weights" in report["models"][0]["label"]
    assert report["reference"] == "original, padded"
    assert report["models"][0]["flops"]["tokens"] == original.PADDED_TOKENS
    assert report["models"][1]["flops"]["value"] < report["models"][0]["flops"]["value"]
    assert "torch" in report["machine"]["versions"]
    assert report["energy"]["spent"]["stages"] == {"distil": 50.0}
    (even,) = report["energy"]["break_even"]
    assert even["teacher"] == "original, padded"
    assert even["predictions"] is None or even["predictions"] > 0
    assert "CodeBERT's architecture, random weights" in out


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Folder of a small Hugging Face classifier with its tokenizer."""
    from tiny import roberta_config, save_tokenizer
    from transformers import RobertaForSequenceClassification

    folder = tmp_path_factory.mktemp("teacher")
    config = roberta_config(save_tokenizer(folder), num_labels=2, max_position_embeddings=514)
    RobertaForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_teachers_folder_is_timed_beside_the_bundle(teacher, bundle, sources, tmp_path):
    target = tmp_path / "bench.json"
    run("bench", bundle, sources, "--teacher", teacher, *QUICK, "--no-energy", "--cold-starts", "0", "--json", target)
    report = json.loads(target.read_text())
    first, second = report["models"]
    assert (first["name"], first["kind"], second["kind"]) == ("teacher", "teacher", "bundle")
    assert first["size_bytes"] == (teacher / "model.safetensors").stat().st_size
    assert second["latency"][0]["times_faster"]["low"] > 1
    encoder = plain_flops(hidden_size=16, num_hidden_layers=2, intermediate_size=24, tokens=first["flops"]["tokens"])
    assert first["flops"]["value"] == pytest.approx(encoder, rel=0.3)  # the mean of squares is not the square of means
    assert report["reference"] == "teacher"


def test_a_teacher_answers_in_a_new_process(teacher):
    from codewren.train.teachers.fresh_process_teacher import teacher_command

    plain = {"task": {"name": "vulnerability"}, "teacher": {"path": str(teacher)}}
    command = teacher_command(Recipe.from_dict(plain))
    found = peak_memories({"teacher": Child(tuple(command), ("int f() { return 1; }", "int g() { }"))})
    assert found["teacher"] > 50e6  # torch alone


def test_what_was_spent_is_read_from_every_process_and_from_a_journal(tmp_path):
    with pytest.raises(InputError, match=r"no energy\.json"):
        read_spent(tmp_path)
    stage = StageEnergy(1.0, 2.0, 3.0, "m", 1.0).to_dict()
    write_json(tmp_path / "energy.json", {"stages": [{"stage": "search", **stage}, {"stage": "search", **stage}]})
    write_json(tmp_path / "energy-1.json", {"stages": [{"stage": "distil", **stage}, {"stage": "label", **stage}]})
    found = read_spent(tmp_path)
    assert dict(found.stages) == {"search": 2.0, "distil": 1.0}
    assert found.joules == 3.0


def test_the_short_name_of_a_bundle_that_ships_is_a_bundle(sources, tmp_path, monkeypatch):
    arguments = (sources, *QUICK, "--cold-starts", "0", "--no-energy", "--json", tmp_path / "bench.json")
    run("bench", "vulnerability-c-micro", *arguments)
    (model,) = json.loads((tmp_path / "bench.json").read_text())["models"]
    assert model["name"].startswith("vulnerability-c-micro")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vulnerability-c").mkdir()
    request = BenchRequest(("vulnerability-c", "clones@general", "x.wren"))
    assert _sorted(request) == (["clones@general", "x.wren"], [], [Path("vulnerability-c")])


def test_mistakes_are_one_line(bundle, sources, tmp_path, capsys):
    other = write_student(tmp_path / "clone.wren", task=CLONE)
    for arguments, said in (
        ((sources,), "no bundle to bench"),
        ((bundle,), "wanted one recipe"),
        ((bundle, sources, "--country", "France"), "did you mean 'FRA'"),
        ((bundle, other, sources), "bench one task at a time"),
        ((bundle, tmp_path / "absent"), "no such file or folder"),
        ((bundle, sources, "--teacher", tmp_path / "absent"), "no such folder"),
        ((bundle, sources, "--teacher", "recipe"), "needs a recipe"),
        ((bundle, sources, "--spent", tmp_path), "no energy.json"),
    ):
        assert said in fails(capsys, "bench", *arguments)


def test_two_bundles_of_one_name_are_told_apart(tmp_path):
    paths = [write_student(tmp_path / folder / "student.wren") for folder in ("one", "two")]
    from codewren.bench.contestants import bundle_models

    names = [model.identity.name for model in bundle_models(read_bundles([str(path) for path in paths]), ITEMS)]
    assert len(set(names)) == 2


def test_the_table_has_a_line_for_every_figure(bundle, sources):
    opened = read_bundles([str(bundle)])
    items = source_items([sources], VULNERABILITY)
    text = bench_text(bench([BundleModel(opened[0], items)], items, OPTIONS))
    for line in ("bytes", "MFLOPs", "ms an item, 1 thread", "items/s in bulk", "machine:"):
        assert line in text
    assert "cold start" not in text  # not measured, so not shown


def test_bench_is_a_verb():
    assert "bench" in cli.list_commands(None)
