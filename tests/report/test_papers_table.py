"""The papers' table as Markdown holds the same figures as the page, and keeps published ones apart."""

from codewren.report.comparison import merged, paired_tests
from codewren.report.papers_table import papers_markdown
from codewren.report.table import PAGE_WIDTH
from report_facts import run


def cells(line):
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_line_a_model_with_its_interval_costs_and_origin():
    facts = run()
    text = papers_markdown(facts.models, "Devign")
    judged, *parts = text.split("\n\n")
    tables = [part.splitlines() for part in parts if part.startswith("| model")]
    ours = {name: cell for table in tables for name, cell in zip(cells(table[0]), cells(table[-1]), strict=True)}
    accuracy = facts.student.measures["accuracy"]
    assert ours["model"] == "devign (codewren)"
    assert "devign: judged on the valid split, n = 400" in judged
    assert ours["accuracy"] == str(accuracy)
    assert ours["size, MB"] == "0.742"
    assert ours["latency, ms"] == "0.0258 [0.0200, 0.0300]"
    assert ours["energy, J per 1,000"] == "0.310 [0.290, 0.330]"
    assert ours["CO₂e, mg per 1,000"] == "0.200 [0.100, 0.300]"
    named = {cells(line)[0] for table in tables for line in table[2:]}
    assert named == {"teacher", "the original (other)", "devign (codewren)"}


def test_no_line_is_wider_than_a_page():
    text = papers_markdown(run().models, "Devign")
    assert max(map(len, text.splitlines())) <= PAGE_WIDTH


def test_published_figures_stand_in_another_table_with_their_sources():
    _, *rest = papers_markdown(run().models, "Devign").split("\n\n")
    published = next(part for part in rest if part.startswith("| published"))
    assert "| Compressor 3 MB       | 59.44" in published
    assert any("MORPH, table IV" in part for part in rest if part.startswith("| published"))
    assert "published" not in papers_markdown(run().models, "ReVeal")


def test_merged_rows_and_tests_serve_both_forms():
    runs = [run("a", seed=1), run("b", seed=2)]
    assert [model.name for model in merged(runs)] == ["teacher", "a", "b", "the original"]
    (line,) = paired_tests(runs)
    assert line.startswith("a against b: ")
