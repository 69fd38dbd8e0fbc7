"""Trials survive crashes and kills; the journal repeats nothing and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from evaluations import Crashing, Killing, Smooth, nothing, quality
from problems import shipped

from codewren.core.errors import CodewrenError, InputError
from codewren.core.student_config import StudentConfig
from codewren.search.trials.cluster import DaskCluster
from codewren.search.trials.journal import Journal, read_journal, read_journals
from codewren.search.trials.local_processes import ATTEMPTS, LocalProcesses
from codewren.search.trials.runner import TrialRunner
from codewren.search.trials.trial import Request, Status, Trial

SIZES = (32, 48, 64, 96)
REQUESTS = [Request(StudentConfig(hidden_size=size), seed=0, fidelity=2) for size in SIZES]


def without_times(trials):
    return [{**trial.to_dict(), "seconds": None} for trial in trials]


def test_a_trial_is_recorded_with_everything_known(tmp_path):
    run = TrialRunner(Smooth(), Journal(tmp_path / "journal.jsonl"))
    (trial,) = run(REQUESTS[:1])
    config = REQUESTS[0].config
    assert trial.status is Status.DONE
    assert trial.effectiveness == quality(config, 2)
    assert (trial.seed, trial.fidelity, trial.number, trial.energy_j) == (0, 2, 0, 12.5)
    assert trial.seconds >= 0
    assert trial.scores.size_bytes == shipped(config)
    assert read_journal(tmp_path / "journal.jsonl") == ("", (trial,))
    assert Trial.from_dict(json.loads(json.dumps(trial.to_dict()))) == trial


def test_a_request_is_run_once_whatever_happens():
    calls = []

    def counting(config, *, fidelity, seed):
        calls.append((config, fidelity, seed))
        return Smooth()(config, fidelity=fidelity, seed=seed)

    run = TrialRunner(counting, Journal())
    first = run([*REQUESTS, REQUESTS[0]])
    assert run(REQUESTS[::-1]) == first[:4][::-1]
    assert first[0] == first[4]
    assert len(calls) == 4
    run([replace(REQUESTS[0], fidelity=4)])
    assert len(calls) == 5


def test_a_crashing_trial_is_recorded_and_the_rest_goes_on():
    requests = [Request(StudentConfig(num_hidden_layers=layers), 0, 1) for layers in (1, 2)]
    crashed, done = TrialRunner(Crashing(), Journal())(requests)
    assert (crashed.status, crashed.error) == (Status.FAILED, "ValueError: loss is not a number")
    assert crashed.scores is None
    assert done.status is Status.DONE


def test_no_number_is_a_failure():
    (trial,) = TrialRunner(nothing, Journal())(REQUESTS[:1])
    assert trial.status is Status.FAILED
    assert "effectiveness nan" in trial.error


def test_a_journal_of_another_search_is_refused_but_can_warm_start(tmp_path):
    path = tmp_path / "journal.jsonl"
    trials = TrialRunner(Smooth(), Journal(path, context="clone data 1"))(REQUESTS)
    assert list(Journal(path, context="clone data 1").trials) == trials
    with pytest.raises(InputError, match="another search"):
        Journal(path, context="clone data 2")
    assert list(read_journals([path])) == trials


@pytest.mark.parametrize("damage", ["not json", '{"number": 1}', '{"journal": 9}'])
def test_a_damaged_journal_names_its_line(tmp_path, damage):
    path = tmp_path / "journal.jsonl"
    TrialRunner(Smooth(), Journal(path))(REQUESTS[:1])
    lines = path.read_text().splitlines()
    place = 0 if "journal" in damage else 1
    lines[place] = damage
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"line 2: not a trial|not a journal of schema 1"):
        Journal(path)


def test_processes_give_what_one_process_gives(tmp_path):
    alone = TrialRunner(Smooth(), Journal())(REQUESTS)
    together = Journal(tmp_path / "journal.jsonl")
    TrialRunner(Smooth(), together, LocalProcesses(2))(REQUESTS)
    assert without_times(together.trials) == without_times(alone)


def test_a_killed_process_is_retried_and_a_killing_trial_is_isolated(tmp_path):
    evaluate = Killing(tmp_path, always=48, once=64)
    trials = TrialRunner(evaluate, Journal(), LocalProcesses(2))(REQUESTS)
    statuses = dict(zip(SIZES, (trial.status for trial in trials), strict=True))
    assert statuses == {32: Status.DONE, 48: Status.FAILED, 64: Status.DONE, 96: Status.DONE}
    assert "died 3 times" in trials[1].error
    assert [evaluate.tries(size) for size in SIZES] == [1, ATTEMPTS, 2, 1]


SEARCH = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from codewren.core.files import write_json
from codewren.core.task import CLONE
from codewren.search.trials.journal import Journal
from codewren.search.trials.local_processes import LocalProcesses
from codewren.search.trials.runner import TrialRunner
from codewren.search.strategy import Problem
from codewren.search.wren import Wren
from evaluations import Smooth
from problems import HALF_A_MEGABYTE, shipped, small_space
if __name__ == "__main__":
    path = Path({path!r})
    workers = LocalProcesses(2) if {processes} else None
    run = TrialRunner(Smooth({seconds}), Journal(path, context="c"), workers)
    problem = Problem(CLONE, small_space(), HALF_A_MEGABYTE, shipped, run_trials=run)
    result = Wren(trials=12).search(problem, seed=0)
    write_json(path.with_suffix(".front.json"), result.front.to_dict())
"""


def search_script(tmp_path, path, *, seconds, processes=False):
    script = tmp_path / "search.py"
    here = str(Path(__file__).parent)
    script.write_text(SEARCH.format(here=here, path=str(path), seconds=seconds, processes=processes))
    return [sys.executable, str(script)]


@pytest.mark.parametrize("processes", [False, True])
def test_a_search_killed_and_resumed_equals_one_that_ran_through(tmp_path, processes):
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    subprocess.run(search_script(tmp_path, whole, seconds=0.0), check=True)
    killed = subprocess.Popen(search_script(tmp_path, broken, seconds=0.3, processes=processes))
    while not broken.exists() or len(broken.read_text().splitlines()) < 4:
        assert killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    before = read_journal(broken)[1]
    assert 3 <= len(before) < 11
    assert not broken.with_suffix(".front.json").exists()
    subprocess.run(search_script(tmp_path, broken, seconds=0.0), check=True)
    after = read_journal(broken)[1]
    assert set(before) <= set(after)
    assert without_times(after) == without_times(read_journal(whole)[1])
    assert broken.with_suffix(".front.json").read_bytes() == whole.with_suffix(".front.json").read_bytes()


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 2, "distributed.worker.daemon": True}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as local,
    ):
        local.adapt(minimum=2, maximum=2)  # a worker that dies while it starts is not started again
        yield local.scheduler_address


def test_a_cluster_retries_a_killed_worker_and_isolates_a_killing_trial(tmp_path, cluster):
    evaluate = Killing(tmp_path, always=48, once=64)
    trials = TrialRunner(evaluate, Journal(tmp_path / "journal.jsonl"), DaskCluster(cluster, no_worker_s=60))(REQUESTS)
    statuses = dict(zip(SIZES, (trial.status for trial in trials), strict=True))
    assert statuses == {32: Status.DONE, 48: Status.FAILED, 64: Status.DONE, 96: Status.DONE}
    assert "KilledWorker" in trials[1].error
    assert evaluate.tries(64) >= 2  # more when its result was lost with another killed worker
    assert [trial.effectiveness for trial in trials if trial.scores] == [
        quality(request.config, 2) for request in REQUESTS if request.config.hidden_size != 48
    ]


def test_a_cluster_gives_what_one_process_gives(cluster):
    alone, together = Journal(), Journal()
    TrialRunner(Smooth(), alone)(REQUESTS)
    TrialRunner(Smooth(), together, DaskCluster(cluster, no_worker_s=60))(REQUESTS)
    assert without_times(together.trials) == without_times(alone.trials)


def test_an_address_where_nobody_answers():
    with pytest.raises(InputError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9"):
        TrialRunner(Smooth(), Journal(), DaskCluster("tcp://127.0.0.1:9", timeout_s=1))(REQUESTS)


class LosesResults:
    """A client whose calls end, and then lose their result with the worker that holds it."""

    def __init__(self, client):
        self.client = client
        self.nthreads = client.nthreads

    def submit(self, *given, **options):
        from distributed import wait

        future = self.client.submit(*given, **options)
        wait([future])
        holder = next(iter(self.client.who_has([future]).values()))[0]
        self.client.run(os._exit, 1, workers=[holder], on_error="ignore")
        return future


def test_a_result_that_was_lost_with_its_worker_is_waited_for(cluster):
    from distributed import Client

    from codewren.search.trials.cluster import _finished, _Watch

    with Client(cluster) as client:
        watch = _Watch(LosesResults(client), cluster, no_worker_s=60.0)
        assert list(_finished(watch, abs, {3: (-7,)})) == [(3, 7)]


def test_a_cluster_without_workers_is_told_and_given_up(capsys):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as local:
        cluster = DaskCluster(local.scheduler_address, no_worker_s=2)
        with pytest.raises(CodewrenError, match=r"no worker for 2 s; start some with: dask worker"):
            list(cluster.calls(abs, [(1,)]))
    assert capsys.readouterr().err.count("waiting for one") == 1


def test_a_trial_that_failed_on_a_full_disk_is_run_again_when_there_is_space(tmp_path):
    path, request = tmp_path / "journal.jsonl", REQUESTS[0]
    said = "InputError: cannot write checkpoint.pt: No space left on device; free space"
    full = Trial(0, request.config, request.seed, request.fidelity, Status.FAILED, None, 1.0, error=said)
    Journal(path).add(full)
    assert Journal(path).find(request) is None
    own = replace(full, error="TrainingError: loss is nan")
    Journal(path).add(own)
    assert Journal(path).find(request) == own
