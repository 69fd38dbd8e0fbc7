import json
import os
from pathlib import Path

import pytest

from codewren import __version__
from codewren.measure.machine import BUSY_CORES, Load, LoadWatch, machine_card, usage

TICKS = os.sysconf("SC_CLK_TCK")


def fake_root(folder: Path, *, busy: int = 0, stolen: int = 0) -> Path:
    """A `proc` and `sys` of a laptop; busy and stolen in seconds."""
    policy = folder / "sys/devices/system/cpu/cpu0/cpufreq"
    policy.mkdir(parents=True, exist_ok=True)
    (policy / "scaling_governor").write_text("powersave\n")
    (policy / "scaling_max_freq").write_text("4200000\n")
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc/cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Acme 9000\nflags\t\t: fpu avx2\n\nprocessor\t: 1\nmodel name\t: Other\n"
    )
    (folder / "proc/stat").write_text(f"cpu  {busy * TICKS} 0 0 5000 7 0 0 {stolen * TICKS} 0 0\ncpu0 1 2 3\n")
    return folder


def test_the_card_names_processor_policy_and_versions(tmp_path):
    card = machine_card(("codewren", "no-such-package"), root=fake_root(tmp_path))
    assert (card.cpu, card.governor, card.max_mhz, card.virtual) == ("Acme 9000", "powersave", 4200.0, False)
    assert card.versions == {"codewren": __version__}
    assert set(card.affinity) == os.sched_getaffinity(0)
    assert json.loads(json.dumps(card.to_dict()))["cpu"] == "Acme 9000"
    assert "Acme 9000" in str(card)


def test_a_system_that_tells_nothing_still_has_a_card(tmp_path):
    card = machine_card(root=tmp_path)
    assert card.cpu
    assert (card.governor, card.max_mhz, card.virtual) == (None, None, False)
    assert usage(root=tmp_path).busy_s is None
    load = LoadWatch(root=tmp_path).finish()
    assert (load.others_cores, load.stolen_cores) == (None, None)
    assert load.warning() is None


def test_a_hypervisor_is_seen(tmp_path):
    (fake_root(tmp_path) / "proc/cpuinfo").write_text("model name : x\nflags : fpu hypervisor\n")
    assert machine_card(root=tmp_path).virtual


def test_what_others_use_is_everything_but_our_own(tmp_path, monkeypatch):
    root = fake_root(tmp_path, busy=100, stolen=10)
    walls = iter([0.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(walls))
    watch = LoadWatch(root=root)
    watch.halfway()
    fake_root(tmp_path, busy=130, stolen=12)  # 30 s of work and 2 s stolen in 20 s
    load = watch.finish()
    assert load.others_cores == pytest.approx(1.5, abs=0.05)  # our own part of it: this test's milliseconds
    assert load.stolen_cores == pytest.approx(0.1)
    assert load.before is not None
    assert load.during is not None
    assert "1.5 cores" in load.warning()


def test_a_quiet_machine_is_no_warning():
    assert Load(None, None, None, BUSY_CORES / 2, 0.0).warning() is None
    assert "host took 1.0" in Load(None, None, None, 0.0, 1.0).warning()


def test_the_real_counters_only_rise():
    first = usage()
    sum(range(300_000))
    second = usage()
    assert second.own_s >= first.own_s
    assert second.wall_s >= first.wall_s
