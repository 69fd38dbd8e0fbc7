"""The page is one sound document that shows what it was given, says what is missing, and runs nothing."""

import struct
import zlib
from dataclasses import replace

import pytest

from codewren.report.comparison import comparison_page
from codewren.report.facts import Role
from codewren.report.page import run_page
from html_pages import browser, check, data_of, in_browser, text_of
from report_facts import bare, figure, run

HOSTILE = "</style></title><script>alert(1)</script><img src=//x.test/a onerror=alert(1)>\"'&\x00\u202e]]>-->"
NEEDS_BROWSER = pytest.mark.skipif(browser() is None, reason="needs Chromium, which is not installed")


@pytest.mark.parametrize("facts", [run(), bare()], ids=["all known", "nothing known"])
def test_a_page_is_well_formed_and_self_contained(facts):
    check(run_page(facts))


def test_pages_of_several_runs_keep_their_ids_apart():
    check(comparison_page([run("a"), run("b", seed=1), bare("c")]))


def test_every_figure_of_every_model_stands_in_the_page_exactly():
    facts = run()
    shown = data_of(check(run_page(facts)))
    for model in facts.models:
        for name in {"accuracy", "f1"} & set(model.measures):
            assert model.measures[name].value in shown
        given = [model.size_bytes, model.flops, model.papers_flops, model.latency_s and model.latency_s.value]
        given += [model.energy.energy_j.value, model.energy.co2e_g.value] if model.energy else []
        assert {one for one in given if one is not None} <= set(shown)


def test_published_figures_have_a_body_of_their_own_that_says_so():
    tree = check(run_page(run()))
    (published,) = [body for body in tree.iter("tbody") if body.get("class") == "published"]
    assert "".join(published[0].itertext()).startswith("published, Devign test set")
    names = ["".join(row[0].itertext()) for row in published]
    assert any(name.startswith("Compressor 3 MB") for name in names)
    measured = next(body for body in tree.iter("tbody") if body.get("class") is None)
    assert not any("Compressor" in "".join(row[0].itertext()) for row in measured)
    assert not [b for b in check(run_page(run(dataset="ReVeal"))).iter("tbody") if b.get("class") == "published"]


def test_energy_stands_with_its_meter_and_without_one_the_command_is_named():
    assert "Energy modelled: 10 W a core." in text_of(check(run_page(run())))
    assert "Energy and CO₂: not measured: run codewren energy" in text_of(check(run_page(bare())))


def test_what_is_missing_is_said_with_the_command_that_measures_it():
    text = text_of(check(run_page(bare())))
    for gap, command in bare().missing.items():
        assert command in text, gap


def test_sections_show_the_history_machine_slices_flips_and_provenance():
    text = text_of(check(run_page(run())))
    for words in (
        "Epoch 3 was kept (ringed)",
        "a processor",
        "Slices by length",
        "1 to 9 0.7",
        "rename 3 of 9",
        "ab" * 32,
        'name = "vulnerability"',
        "codewren report runs/devign",
        "valid: 4 functions are in labelled as well",
        "Seeds differ by 0.35 points",
    ):
        assert words in text, words


def test_hostile_names_are_text_everywhere():
    facts = run(HOSTILE, dataset=HOSTILE, metric=HOSTILE, family=HOSTILE)
    facts = replace(
        facts,
        tables=tuple(
            replace(one, title=HOSTILE, header=(HOSTILE, HOSTILE), rows=((HOSTILE, HOSTILE),), note=HOSTILE)
            for one in facts.tables
        ),
        machine=((HOSTILE, HOSTILE),),
        warnings=(HOSTILE,),
        provenance=((HOSTILE, HOSTILE),),
        commands=(HOSTILE,),
        recipe=HOSTILE,
        missing={"search": HOSTILE, "energy": HOSTILE},
        models=tuple(
            replace(
                model,
                name=HOSTILE,
                how=HOSTILE,
                undefined={HOSTILE: HOSTILE},
                measures={**model.measures, HOSTILE: figure(HOSTILE, 0.5)},
            )
            for model in facts.models
        ),
        task=replace(facts.task, name=HOSTILE, language=HOSTILE, labels=(HOSTILE, "b"), positive="b"),
    )
    for page in (run_page(facts), comparison_page([facts, facts])):
        tree = check(page)
        assert "<script" not in page
        assert "alert(1)" in text_of(tree)


def test_runs_that_differ_by_the_seed_only_are_summed_up():
    runs = [run("a", seed=1), run("b", seed=2), run("c", seed=3, family="other")]
    tree = check(comparison_page(runs))
    (seeds,) = [table for table in tree.iter("table") if table.find("caption").text.startswith("Seeds")]
    assert seeds.find("caption").text == "Seeds 1, 2: a, b"
    line = next(row for row in seeds.find("tbody") if row[0].text == "accuracy")
    values = [facts.student.measures["accuracy"].value for facts in runs[:2]]
    shown = [float(cell[0].get("value")) for cell in line[1:]]
    mean, spread = sum(values) / 2, abs(values[0] - values[1]) / 2**0.5
    assert shown == pytest.approx([2, mean, spread, min(values), max(values)])


def test_runs_on_the_same_items_are_tested_pairwise_with_a_stricter_bound():
    text = text_of(check(comparison_page([run("a", seed=1), run("b", seed=2), run("c", seed=3)])))
    assert text.count("against b:") == 1
    assert text.count("against c:") == 2
    assert "With 3 tests on the same items, p must be below 0.017" in text


def test_runs_on_other_items_are_not_tested_against_each_other():
    text = text_of(check(comparison_page([run("a", seed=1), run("b", seed=2, data_sha256="e" * 64)])))
    assert "a against b" not in text


def test_the_same_teacher_stands_once_and_different_ones_under_their_runs():
    one, two = run("a", seed=1), run("b", seed=2)
    other = replace(two, models=tuple(
        replace(m, size_bytes=1) if m.role is Role.TEACHER else m for m in two.models
    ))  # fmt: skip

    def names(*runs):
        table = next(check(comparison_page(runs)).iter("table"))
        return [
            row[0].find("span").text
            for body in table.findall("tbody")
            for row in body
            if row[0].find("span") is not None
        ]

    assert names(one, two).count("teacher") == 1
    assert "teacher of b" in names(one, other)


@NEEDS_BROWSER
def test_a_browser_shows_every_figure_and_complains_of_nothing(tmp_path):
    page = run_page(run())
    document, complaints = in_browser(page, tmp_path, "--dump-dom")
    assert complaints == []
    assert document.count("<svg") == page.count("<svg") > 4
    assert document.count("<data value=") == page.count("<data value=")
    assert document.count("<circle") == page.count("<circle")


@NEEDS_BROWSER
def test_a_browser_paints_the_page_dark_for_readers_who_prefer_it(tmp_path):
    picture = tmp_path / "page.png"
    dark = ("--blink-settings=preferredColorScheme=0", "--window-size=400,300")
    in_browser(run_page(run()), tmp_path, f"--screenshot={picture}", *dark)
    assert sum(corner(picture.read_bytes())) < 200


def corner(png):
    """Red, green and blue of the first pixel of an 8-bit picture."""
    assert png[24] == 8, "8 bits a channel"
    data, place = b"", 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    return tuple(zlib.decompress(data)[1:4])


def test_models_judged_on_other_items_are_not_drawn_beside_each_other():
    facts = run()
    teacher = replace(facts.models[0], name="far teacher", how="on the unlabelled half, n = 9")
    tree = check(run_page(replace(facts, models=(teacher, *facts.models))))
    forest = next(one for one in tree.iter("figure") if one.get("id") == "forest-accuracy")
    assert "far teacher" not in "".join(forest.itertext())
    assert "far teacher" in text_of(tree)
