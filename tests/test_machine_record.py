"""Which machines a run was trained on."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from femtogpt.model.files import MACHINE_FILE
from femtogpt.training import machine_record
from femtogpt.training.machine_record import note_machine, read_machines
from tests.tiny import settings, trained

ON_CPU = SimpleNamespace(device=torch.device("cpu"), name="float32")


def test_a_training_notes_its_machine_once(tokens, run):
    trained(settings(max_steps=8), tokens, run)
    (machine,) = read_machines(run)
    assert machine["step"] == 0 and machine["card"] is None and machine["cores"] >= 1
    assert machine["precision"] == "float32" and machine["memory"] > 2**20
    assert machine["versions"]["torch"] == str(torch.__version__)
    before = (run / MACHINE_FILE).read_bytes()
    note_machine(run, 8, ON_CPU, 1)
    assert (run / MACHINE_FILE).read_bytes() == before, "the same machine goes on"


def test_a_run_that_moves_names_each_machine_with_its_first_step(run, monkeypatch):
    note_machine(run, 0, ON_CPU, 1)
    monkeypatch.setattr(machine_record, "processor", lambda: "another")
    note_machine(run, 30, ON_CPU, 1)
    note_machine(run, 20, ON_CPU, 1)  # its last checkpoint was lost, and it began again there
    first, second = read_machines(run)
    assert (first["step"], second["step"]) == (0, 20)
    assert first["processor"] != second["processor"] == "another"


def test_an_older_run_has_no_such_record(run):
    assert read_machines(run) == []
