"""Precision among the first findings of flawfinder, in its own order and in that of `codewren verify`.

    apt-get source --download-only mtools nano netcat-traditional pmount pcal    (Debian 12; unpack each .orig archive;
    turn files that are no UTF-8 into it with iconv: flawfinder stops at them)
    for p in *; do (cd $p && flawfinder --csv . > ../$p.csv); done
    python benchmarks/verify_precision.py TREES REPORTS [BUNDLE...] [--first 20] [--show PROJECT] [--grades]

TREES holds one folder a project, REPORTS one CSV file each. `verify_judgements.tsv` has the judgements: project, file,
line, and 1 where the finding is worth a reviewer's time, by the rule in docs/verify.md. The first 20 of all orders were
shuffled together, with a draw of what would be dropped, and read without their ranks. `--show` prints those that have
no judgement yet, with the lines around them; `--grades` counts the findings of each grade of evidence.

The five projects above were read last, with the order that ships. Read before, with the order of the day and used
after: catdoc lhasa logrotate mini-httpd mp3gain, then abook cdparanoia fig2dev picocom procmail. The order was made on
atftp dosfstools giflib gifsicle jhead tinyproxy unrtf. Of bsd-mailx cpulimit id3v2 xloadimage, then mutt rcs
smartmontools tcpflow only findings that would be dropped were read, and in all of them some more of these.
"""

import argparse
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from pathlib import Path

import numpy as np

from codewren.predict.predictor import load
from codewren.verify.finding_evidence import FindingEvidence
from codewren.verify.read_report import read_report
from codewren.verify.reported import Reported
from codewren.verify.source_tree import SourceTree
from codewren.verify.verified import Verified, verify

JUDGEMENTS = Path(__file__).with_name("verify_judgements.tsv")
BEFORE, DROPPED = "flawfinder", "would be dropped"
Site = tuple[str, str, int]
Orders = dict[str, list[Site]]


def main() -> None:
    """Read, order, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path)
    parser.add_argument("reports", type=Path)
    parser.add_argument("bundles", nargs="*", default=["vulnerability-c"])
    parser.add_argument("--first", type=int, default=20)
    parser.add_argument("--show", metavar="PROJECT")
    parser.add_argument("--grades", action="store_true")
    arguments = parser.parse_args()
    judged = dict(judgements())
    trees, reports = arguments.trees.resolve(), arguments.reports.resolve()
    projects = sorted(path.stem for path in reports.glob("*.csv"))
    totals: dict[str, list[int]] = {}
    drops = np.zeros(3, dtype=int)
    for project in projects:
        orders = ordered(trees / project, reports / f"{project}.csv", arguments.bundles)
        dropped = orders.pop(DROPPED)
        read = [judged[one] for one in dropped if one in judged]
        drops += [len(dropped), len(read), sum(read)]
        first = {name: sites[: arguments.first] for name, sites in orders.items()}
        unread = sorted({site for sites in first.values() for site in sites if site not in judged})
        if arguments.show == project:
            show(trees, unread)
        counts = {name: [judged.get(site, 0) for site in sites] for name, sites in first.items()}
        print(f"{project:12}" + "  ".join(f"{name} {sum(values)}/{len(values)}" for name, values in counts.items()))
        if unread:
            print(f"  {len(unread)} of them are not judged yet (--show {project})")
        for name, values in counts.items():
            totals.setdefault(name, []).append(sum(values))
    whole = arguments.first * len(projects)
    for name, numbers in totals.items():
        print(f"{name:32}{sum(numbers):4} of {whole}  {difference(numbers, totals[BEFORE], arguments.first)}")
    print(f"{DROPPED}: {drops[0]}, of which {drops[1]} were read and {drops[2]} worth it")
    if arguments.grades:
        print_grades(trees, reports, judged)


def judgements() -> Iterator[tuple[Site, int]]:
    """Every site that was read, and whether it is worth a reviewer's time."""
    with JUDGEMENTS.open(newline="") as rows:
        for project, path, line, worth in csv.reader(rows, delimiter="\t"):
            yield (project, path, int(line)), int(worth)


def ordered(tree: Path, report: Path, bundles: Sequence[str]) -> Orders:
    """The sites of a report in the tool's order, by each bundle, and by severity before each bundle."""
    findings = read_report(report).findings
    with chdir(tree):
        source = SourceTree([os.curdir])
        verified = {bundle: verify(findings, source, load(bundle), order="model") for bundle in bundles}
        shown = verify(findings, source, load(bundles[0]))
    orders = {BEFORE: [site(tree.name, one) for one in findings]}
    orders["evidence"] = [site(tree.name, one.reported) for one in shown]
    orders[DROPPED] = [site(tree.name, one.reported) for one in shown if one.drop]
    for bundle, ranked in verified.items():
        orders[bundle] = [site(tree.name, one.reported) for one in ranked]
        orders[f"severity, {bundle}"] = [site(tree.name, one.reported) for one in sorted(ranked, key=by_severity)]
    return orders


def print_grades(trees: Path, reports: Path, judged: Mapping[Site, int]) -> None:
    """Of each grade of evidence how many findings were read, and how many of them were worth it."""
    counts: dict[str, list[int]] = {}
    for report in sorted(reports.glob("*.csv")):
        with chdir(trees / report.stem):
            known = FindingEvidence(SourceTree([os.curdir]))
            for finding in read_report(report).findings:
                evidence, worth = known.of(finding), judged.get(site(report.stem, finding))
                if worth is not None:
                    counts.setdefault(evidence.grade.value if evidence else "none", []).append(worth)
    for grade, values in sorted(counts.items(), key=lambda one: -sum(one[1]) / len(one[1])):
        print(f"{grade:50}{sum(values):4} of {len(values)}")


def by_severity(verified: Verified) -> float:
    """Worse first; sorting keeps the order of the bundle among equal ones."""
    return -verified.reported.weight


def site(project: str, finding: Reported) -> Site:
    """What a judgement is about."""
    return project, finding.places[0].path.removeprefix("./"), finding.places[0].line


def show(trees: Path, sites: Sequence[Site]) -> None:
    """Print the lines around each site."""
    for project, path, line in sites:
        lines = (trees / project / path).read_text(errors="replace").split("\n")
        print(f"## {path}:{line}")
        for number in range(max(0, line - 7), min(len(lines), line + 2)):
            print(f"{'>' if number == line - 1 else ' '} {lines[number].rstrip()[:130]}")


def difference(numbers: Sequence[int], before: Sequence[int], first: int) -> str:
    """By how much the mean precision of projects differs from before, with a bootstrap over projects."""
    differences = (np.array(numbers) - np.array(before)) / first
    rng = np.random.default_rng(0)
    means = differences[rng.integers(0, len(differences), (10_000, len(differences)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{differences.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
