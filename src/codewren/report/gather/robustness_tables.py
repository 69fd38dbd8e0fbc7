"""Relations to the teacher and attacks, as `codewren evaluate --json` wrote them, for the report."""

from codewren.measure.fields import Fields
from codewren.measure.intervals import PairedTest
from codewren.measure.relations import Relations
from codewren.report.facts import Table
from codewren.report.relation_table import relation_rows

FIGURES = {"before": "accuracy before", "after": "accuracy after", "success": "attack success"}


def robustness_tables(fields: Fields, *, student: str) -> list[Table]:
    """Tables of what was asked for: relations to the teacher, an attack.

    Raises:
        InputError: a figure is malformed.
    """
    return [*_relations(fields), *_attack(fields, student)]


def _relations(fields: Fields) -> list[Table]:
    if not fields.has("relations"):
        return []
    raw = fields.within("relations")
    relations = {name: Relations.from_dict(raw.within(name)) for name in raw.raw}
    rows = tuple((title, *cells) for title, cells in relation_rows(relations))
    note = "MetaCompress's relations (arXiv 2511.05476), our tolerances; the student should behave as its teacher does."
    return [Table("fidelity", "What the student keeps of its teacher", ("relation", *relations), rows, note)]


def _attack(fields: Fields, student: str) -> list[Table]:
    if not fields.has("attack"):
        return []
    own = fields.within("attack")
    rivals = own.within("rivals") if own.has("rivals") else Fields({}, "rivals")
    judges = {student: own, **{name: rivals.within(name) for name in rivals.raw}}
    rows = [(title, *(str(judge.measure(key)) for judge in judges.values())) for key, title in FIGURES.items()]
    if rivals.raw:
        tests = [PairedTest.from_dict(rivals.within(name).within("test")) for name in rivals.raw]
        rows.append((f"p, {student} or this one falls more", "", *(f"{test.p_value:.2g}" for test in tests)))
    spent = own.within("budget")
    note = (
        f"Variables renamed until a right judgement turns wrong: at most {spent.count('queries')} judgements and "
        f"{spent.count('identifiers')} names an item. Lower success is better."
    )
    return [Table("fidelity", "Attack by other names", ("figure", *judges), tuple(rows), note)]
