"""A claim in a shared folder that is read while its machine writes it."""

from __future__ import annotations

import json
import logging
import time

from femtogpt.artifacts import claims
from tests.test_claims import TIMES, Machine, await_line, claim_file


def test_it_is_told_by_the_name_of_its_machine(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    for name, seconds in {**TIMES, "WRITING_SECONDS": 1.0}.items():
        monkeypatch.setattr(claims, name, seconds)
    shared = tmp_path / "shared"
    machine = Machine(tmp_path / "one", shared)
    file = claim_file(shared, machine.store)
    file.parent.mkdir(parents=True)
    file.touch()
    machine.start()
    time.sleep(0.2)
    file.write_text(json.dumps({"machine": "atlas", "owner": "x", "renewals": 1}))
    assert "machine atlas has been making it" in await_line(caplog, "waiting")
    machine.ended()
    assert machine.makes.is_set()
