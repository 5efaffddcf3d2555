"""Training as a process: killed, asked to stop, beside another, watched."""

from __future__ import annotations

import shutil
import signal
import time

import pytest

from femtogpt.errors import Pruned, Stopped, UserError
from femtogpt.training.checkpoint import load_newest
from femtogpt.training.loop import train
from femtogpt.training.metrics import METRICS_FILE, read_metrics
from tasks.training_process import LOG_FILE, MetricsFeed, supervise
from tests.tiny import Process, course, diverging, outcome, settings

LONG = {"max_steps": 200, "checkpoint_every": 40, "evaluate_every": 50}


def test_a_killed_process_loses_nothing_that_the_same_command_does_not_bring_back(
    tokens, run, unbroken
):
    config = settings(**LONG)
    with Process(config, tokens, run) as process:
        process.reach(130)
        process.child.kill()
        assert process.end()[0] == -signal.SIGKILL
    assert load_newest(run).step >= 120
    train(config, tokens, run)
    assert outcome(run) == unbroken(config)


@pytest.mark.parametrize(
    "how",
    [
        "SIGTERM",
        pytest.param("SIGINT", marks=pytest.mark.slow),
        pytest.param("standard input closes", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_is_asked_to_stop_writes_a_checkpoint_of_its_last_step(
    tokens, run, unbroken, how
):
    config = settings(**LONG)
    with Process(config, tokens, run, "--supervised") as process:
        process.reach(45)
        if how.startswith("SIG"):
            process.child.send_signal(signal.Signals[how])
        else:
            process.child.stdin.close()
        status, lines = process.end()
    assert status == 75
    step = course(run)[-1]["step"]
    assert 45 <= step < 200
    assert load_newest(run).step == step
    assert lines[-1] == f"training stopped at step {step} of 200"
    train(config, tokens, run)
    assert outcome(run) == unbroken(config)


@pytest.mark.slow
def test_a_signal_after_the_standard_input_has_closed_still_lets_it_write(tokens, run):
    # As when the machine shuts down: the supervising process is gone, then comes the SIGTERM.
    slow = settings({"width": 64}, max_steps=300, checkpoint_every=100, batch_size=512)
    with Process(slow, tokens, run, "--supervised") as process:
        process.reach(3)
        process.child.stdin.close()
        time.sleep(0.02)
        process.child.terminate()
        status, _ = process.end()
    assert status == 75
    assert load_newest(run).step == course(run)[-1]["step"]


@pytest.mark.slow
def test_two_processes_in_one_folder_do_not_mix_their_trainings(tokens, run, unbroken):
    # As when the supervising process is killed and the same command given at once: the first
    # training still evaluates, then writes its checkpoint; the second waits or is refused.
    config = settings(**{**LONG, "checkpoint_every": 1000})
    with Process(config, tokens, run, "--supervised") as first:
        first.reach(60)
        first.child.send_signal(signal.SIGSTOP)
        first.child.stdin.close()
        with Process(config, tokens, run) as second:
            until = time.monotonic() + 5
            while second.child.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
                if course(run) and course(run)[-1]["step"] in range(70, 150):
                    second.child.send_signal(signal.SIGSTOP)  # nothing held it back
                    break
            first.child.send_signal(signal.SIGCONT)
            assert first.end()[0] == 75
    train(config, tokens, run)
    assert outcome(run) == unbroken(config)


class Recording:
    """Keeps what a forwarder is given."""

    def __init__(self):
        self.pending, self.sent = [], []

    def add(self, lines):
        self.pending += lines

    def send(self):
        self.sent += self.pending
        self.pending = []


def test_a_supervised_training_ends_like_any_other_and_says_its_own_lines_alone(
    tokens, run, unbroken
):
    config, forwarder = settings(precision="bfloat16"), Recording()
    (run / "settings.json").write_text(config.model_dump_json())
    supervise(run, tokens.folder, 20, forwarder)
    assert forwarder.sent == read_metrics(run / METRICS_FILE)
    assert outcome(run) == unbroken(config)
    (line,) = (run / LOG_FILE).read_text("utf-8").splitlines()
    assert "M parameters on cpu in bfloat16; 20 steps" in line


@pytest.mark.slow
def test_metrics_that_are_damaged_are_followed_once_the_training_has_made_them_anew(tokens, run):
    config, forwarder = settings(), Recording()
    (run / "settings.json").write_text(config.model_dump_json())
    with pytest.raises(Stopped):
        train(config, tokens, run, lambda: (run / METRICS_FILE).read_bytes().count(b"\n") > 10)
    damaged = bytearray((run / METRICS_FILE).read_bytes())
    damaged[1] ^= 128  # no JSON any more, and no UTF-8
    (run / METRICS_FILE).write_bytes(damaged)
    assert not MetricsFeed(run / METRICS_FILE, 20, forwarder).read()
    supervise(run, tokens.folder, 20, forwarder)
    assert forwarder.sent == read_metrics(run / METRICS_FILE)


@pytest.mark.slow
def test_the_advice_of_a_failed_training_reaches_the_one_who_supervises_it(tokens, run):
    (run / "settings.json").write_text(diverging().model_dump_json())
    forwarder = Recording()
    with pytest.raises(UserError, match=r"lower train\.learning_rate"):
        supervise(run, tokens.folder, 200, forwarder)
    assert forwarder.sent == read_metrics(run / METRICS_FILE) != []


@pytest.mark.slow
def test_a_data_folder_that_is_removed_meanwhile_is_told_in_a_line(tokens, run):
    class Removing(Recording):
        def send(self):
            shutil.rmtree(run, ignore_errors=True)

    (run / "settings.json").write_text(settings().model_dump_json())
    shutil.rmtree(tokens.folder)
    with pytest.raises(UserError, match=r"^.* holds no token shards: .*$"):
        supervise(run, tokens.folder, 20, Removing())


def test_a_watch_gets_each_estimate_and_can_end_the_training(tokens, run):
    config, forwarder = settings(max_steps=1000, evaluate_every=100), Recording()
    (run / "settings.json").write_text(config.model_dump_json())
    looks = []

    def watch(share, line):
        looks.append((share, line["step"]))
        if share >= 0.2:
            raise Pruned("hopeless")

    with pytest.raises(Pruned):
        supervise(run, tokens.folder, 1000, forwarder, watch)
    assert looks == [(0.0, 0), (0.1, 100), (0.2, 200)]
    assert course(run)[-1]["step"] < 1000
    assert all(line in forwarder.sent for line in read_metrics(run / METRICS_FILE))
