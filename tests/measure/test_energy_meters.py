"""Meters against counters that we write ourselves, and the models against their closed form."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from codewren.core.errors import InputError
from codewren.measure.energy import rapl
from codewren.measure.energy.attributed import Attributed, share
from codewren.measure.energy.choose_meter import choose_meter
from codewren.measure.energy.codecarbon_model import codecarbon_meter
from codewren.measure.energy.cpu_model import WATTS_A_CORE, CpuModel, cpu_model, processor_seconds
from codewren.measure.energy.meter import MeterAbsentError, MeterSheet
from codewren.measure.energy.nvml import nvml_meter
from codewren.measure.energy.stage import EnergyMeter
from codewren.measure.machine import Usage

RANGE_UJ = 262_143_328_850


class Powercap:
    """A powercap folder as a two-socket server shows it: packages, cores, memory, psys, and the mmio doubles."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for package in (0, 1):
            self.zone(f"intel-rapl:{package}", f"package-{package}", 1_000_000)
            self.zone(f"intel-rapl:{package}:0", "core", 7)
            self.zone(f"intel-rapl:{package}:1", "dram", 500_000)
            nested = root / f"intel-rapl:{package}" / f"intel-rapl:{package}:1"  # sysfs shows it there too
            nested.symlink_to(root / f"intel-rapl:{package}:1")
        self.zone("intel-rapl:2", "psys", 9_000_000)
        self.zone("intel-rapl-mmio:0", "package-0", 1_000_000)
        (root / "intel-rapl").mkdir()

    def zone(self, folder: str, name: str, energy_uj: int) -> None:
        path = self.root / folder
        path.mkdir()
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        self.set(folder, energy_uj)

    def set(self, folder: str, energy_uj: int) -> None:
        (self.root / folder / "energy_uj").write_text(f"{energy_uj}\n")


@pytest.fixture
def powercap(tmp_path):
    return Powercap(tmp_path)


def test_rapl_adds_packages_and_memory_and_nothing_twice(powercap):
    meter = rapl.rapl_meter(powercap.root)
    meter.start()
    powercap.set("intel-rapl:0", 3_000_000)
    powercap.set("intel-rapl:1", 1_500_000)
    powercap.set("intel-rapl:1:1", 600_000)
    powercap.set("intel-rapl:0:0", 999_999_999)
    powercap.set("intel-rapl:2", 999_999_999)
    powercap.set("intel-rapl-mmio:0", 999_999_999)
    assert meter.stop() == pytest.approx(2.0 + 0.5 + 0.1)
    sheet = meter.sheet
    assert sheet.label == "measured by RAPL (package-0, package-1, dram 0:1, dram 1:1)"
    assert (sheet.measured, sheet.includes_idle, sheet.whole_machine, sheet.factor) == (True, True, True, 1.0)


def test_a_counter_that_runs_over_loses_nothing(powercap):
    powercap.set("intel-rapl:0", RANGE_UJ - 400_000)
    meter = rapl.rapl_meter(powercap.root)
    meter.start()
    powercap.set("intel-rapl:0", 600_000)
    assert meter.stop() == pytest.approx(1.0)
    meter.start()
    assert meter.stop() == 0.0


def test_a_counter_that_runs_over_twice_is_read_in_between(powercap, monkeypatch):
    monkeypatch.setattr(rapl, "READ_EVERY_S", 0.001)
    meter = rapl.rapl_meter(powercap.root)
    zone = meter._zones[0]
    meter.start()
    for reading in (RANGE_UJ - 1, 1_000_000, RANGE_UJ - 1, 1_000_000):  # twice round
        # Written beside and moved, as a reader in another thread must never see an empty file.
        beside = powercap.root / "next"
        beside.write_text(f"{reading}\n")
        beside.replace(powercap.root / "intel-rapl:0/energy_uj")
        while zone.last_uj != reading:
            time.sleep(0.001)
    assert meter.stop() == pytest.approx(2 * RANGE_UJ / 1e6)


def test_one_unreadable_package_is_no_sum_of_the_others(powercap, monkeypatch):
    closed = powercap.root / "intel-rapl:1/energy_uj"
    read_text = Path.read_text

    def read(path, *args, **kwargs):  # root, who runs these tests in containers, may read any file
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", read)
    with pytest.raises(MeterAbsentError, match=r"only root may read .*intel-rapl:1.*chmod a\+r"):
        rapl.rapl_meter(powercap.root)


def test_a_machine_without_counters_says_so(tmp_path):
    with pytest.raises(MeterAbsentError, match="no package counter"):
        rapl.rapl_meter(tmp_path / "absent")
    Powercap(tmp_path).set("intel-rapl:0", 1)
    (tmp_path / "intel-rapl:0/energy_uj").write_text("nonsense")
    with pytest.raises(MeterAbsentError, match="cannot be read"):
        rapl.rapl_meter(tmp_path)


class FakeNvml:
    """`pynvml` with two GPUs."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, gpus: int = 2, fails_in: str = "") -> None:
        self.gpus, self.fails_in, self.millijoules = gpus, fails_in, [1000, 5000]

    def __getattr__(self, name):
        answers = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetCount": lambda: self.gpus,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda handle: (b"GPU A", "GPU B")[handle],
            "nvmlDeviceGetTotalEnergyConsumption": lambda handle: self.millijoules[handle],
        }
        if name == self.fails_in:
            raise self.NVMLError("Not Supported")
        if name not in answers:
            raise AttributeError(name)
        return answers[name]


def test_nvml_adds_all_gpus():
    library = FakeNvml()
    meter = nvml_meter(library)
    meter.start()
    library.millijoules = [3500, 5250]
    assert meter.stop() == pytest.approx(2.75)
    assert meter.sheet.label == "measured by NVML (GPU A, GPU B)"


@pytest.mark.parametrize(
    ("library", "why"),
    [
        (FakeNvml(gpus=0), "shows no GPU"),
        (FakeNvml(fails_in="nvmlInit"), "Not Supported"),
        (FakeNvml(fails_in="nvmlDeviceGetTotalEnergyConsumption"), "Not Supported"),
    ],
)
def test_no_gpu_or_no_counter_is_said(library, why):
    with pytest.raises(MeterAbsentError, match=why):
        nvml_meter(library)


def burn(seconds: float) -> None:
    start = time.process_time()
    while time.process_time() - start < seconds:
        sum(range(1000))


def test_our_model_is_watts_times_processor_seconds():
    meter, before = CpuModel(7.0), processor_seconds()
    meter.start()
    burn(0.05)
    joules = meter.stop()
    assert 7.0 * 0.05 <= joules <= 7.0 * (processor_seconds() - before)


def test_our_model_counts_children_that_have_ended():
    meter = CpuModel(1.0)
    meter.start()
    child = os.posix_spawn("/bin/sh", ["sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"], {})
    used = os.wait4(child, 0)[2]
    assert meter.stop() >= used.ru_utime + used.ru_stime - 0.011  # the kernel's tick


def test_design_power_is_shared_by_the_cores_of_a_processor_that_is_known_exactly(tmp_path):
    table = tmp_path / "cpu_power.csv"
    table.write_text("Name,TDP\nIntel Xeon Gold 6226R,150\nAMD EPYC 7763,280\n")
    meter = cpu_model("Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", 32, table=table)
    assert meter.watts_a_core == pytest.approx(150 / 32)
    assert "150 W design power" in meter.sheet.label
    assert cpu_model("AMD EPYC 7763 64-Core Processor", 128, table=table).watts_a_core == pytest.approx(280 / 128)
    assert cpu_model("AMD EPYC", 2, table=table).watts_a_core == WATTS_A_CORE  # a part of a name is no name


def test_impossible_watts_are_refused():
    with pytest.raises(InputError, match="0 W for one busy core"):
        choose_meter(watts_a_core=0)


class FakeTracker:
    """What codecarbon's tracker does, one kilowatt hour of memory and two millionths of processor an interval."""

    def __init__(self, **options):
        self.options, self.names = options, []

    def start_task(self, name):
        assert name not in self.names  # codecarbon would rename it and warn
        self.names.append(name)

    def stop_task(self):
        return SimpleNamespace(cpu_energy=2e-6, ram_energy=1.0, energy_consumed=1.000002)


def test_codecarbons_constant_for_memory_stays_out():
    library = SimpleNamespace(OfflineEmissionsTracker=FakeTracker, __version__="9.9")
    meter = codecarbon_meter(library)
    meter.start()
    assert meter.stop() == pytest.approx(7.2)
    assert meter.sheet.label.startswith("modelled: codecarbon 9.9")
    assert not meter.sheet.measured
    assert meter._tracker.options["save_to_file"] is False
    assert meter._tracker.options["tracking_mode"] == "process"


def test_a_codecarbon_that_cannot_start_is_passed_over():
    broken = SimpleNamespace(stop_task=lambda: None, start_task=lambda _: None)
    library = SimpleNamespace(OfflineEmissionsTracker=lambda **_: broken, __version__="9.9")
    with pytest.raises(MeterAbsentError, match="does not start here"):
        codecarbon_meter(library)


def test_the_best_meter_is_chosen_and_the_others_are_explained(powercap, tmp_path):
    measured = choose_meter(powercap=powercap.root)
    assert measured.sheet.measured
    assert measured.sheet.passed_over == ()
    modelled = choose_meter(powercap=tmp_path / "absent", codecarbon=False)
    assert modelled.sheet.label.startswith("modelled:")
    assert "RAPL: no package counter" in modelled.sheet.passed_over[0]
    stated = choose_meter(powercap=tmp_path / "absent", watts_a_core=11)
    assert "11 W a core (given by the user)" in stated.sheet.label
    with_gpu = choose_meter(powercap=powercap.root, gpu=True, nvml=FakeNvml())
    assert "RAPL" in with_gpu.sheet.label
    assert "NVML" in with_gpu.sheet.label
    assert with_gpu.sheet.measured
    with_gpu.start()
    assert with_gpu.stop() == 0.0
    without = choose_meter(powercap=powercap.root, gpu=True, nvml=FakeNvml(gpus=0))
    assert without.sheet.passed_over == ("NVML: the driver shows no GPU",)


class Fixed:
    """A meter that always gives the same joules."""

    def __init__(self, joules: float, *, idle: bool = False) -> None:
        self.joules = joules
        self.sheet = MeterSheet("measured by hand", measured=True, includes_idle=idle, whole_machine=True)

    def start(self) -> None:
        pass

    def stop(self) -> float:
        return self.joules


def test_our_share_is_our_part_of_all_processor_seconds():
    assert share(Usage(0, 0, 10.0, 0), Usage(1, 0, 18.0, 0), 2.0) == pytest.approx(0.25)
    assert share(Usage(0, 0, 10.0, 0), Usage(1, 0, 11.0, 0), 2.0) == 1.0  # ticks of the kernel are coarse
    assert share(Usage(0, 0, None, None), Usage(1, 0, None, None), 2.0) == 1.0
    meter = Attributed(Fixed(100.0))
    meter.start()
    burn(0.05)
    assert 0 < meter.stop() <= 100
    assert not meter.sheet.whole_machine
    assert "our share" in meter.sheet.label


def test_a_stage_has_its_energy_even_if_it_fails():
    stage = EnergyMeter(Fixed(7.2e6))
    with pytest.raises(ZeroDivisionError), stage:
        burn(0.02)
        raise ZeroDivisionError
    assert stage.energy is not None
    assert stage.energy.kwh == pytest.approx(2.0)
    assert stage.energy.processor_s >= 0.02
    assert stage.energy.to_dict()["meter"] == "measured by hand"
