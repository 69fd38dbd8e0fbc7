"""What `codewren bench --json` writes, small and whole: for tests of what reads it."""

import json

from codewren.bench.bench_report import BenchReport, ModelFigures
from codewren.bench.contestants import Flops, Identity
from codewren.bench.spending import EnergyReport
from codewren.core.task import VULNERABILITY
from codewren.measure.energy.break_even import BreakEven
from codewren.measure.energy.carbon import Grid
from codewren.measure.energy.meter import MeterSheet
from codewren.measure.energy.repeat import EnergyFigure
from codewren.measure.estimate import Measure
from codewren.measure.latency import Latency
from codewren.measure.machine import Load, MachineCard


def bench(sha256):
    """The JSON of `codewren bench`, as its own report writes it."""

    def measure(value):
        return Measure("m", value, value * 0.9, value * 1.1, 3)

    def model(name, kind, seconds, digest=None, flops=None, energy=None):
        times = (seconds, seconds * 1.5)
        return ModelFigures(
            Identity(name, kind, name, sha256=digest, size_bytes=7),
            1,
            Flops(flops, 3.0, "counted"),
            (Latency(name, measure(seconds), measure(seconds), 2 * seconds, 5, 1, 1.0, 2, times),),
            (None,),
            (None,),
            (),
            measure(0.09),
            measure(26e6),
            energy,
        )

    meter = MeterSheet("modelled: 10 W", measured=False, includes_idle=False, whole_machine=False, factor=3.0)
    even = BreakEven(12345.0, None, None, "")
    report = BenchReport(
        created="2026-11-21T10:00:00+00:00",
        task=VULNERABILITY,
        origin="valid",
        timed=2,
        warmup=1,
        settings={},
        machine=MachineCard("A processor", 2, (0, 1), None, None, True, None, "Linux", "CPython", {}),
        load=Load(None, None, None, None, None),
        reference="teacher",
        models=(
            model("teacher", "teacher", 0.0315, flops=1.25e9),
            model("student", "bundle", 4.2e-5, sha256, 2e6, EnergyFigure(measure(0.3151e-3), 9, 100, 1.0, 3.0)),
        ),
        energy=EnergyReport(
            meter, grid=Grid(85.687, None, "given", None, "given"), break_even={("student", "teacher"): even}
        ),
        warnings=("it was busy",),
    )
    return json.loads(json.dumps(report.to_dict()))
