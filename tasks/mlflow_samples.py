"""What a model wrote while it was trained, as a table by step that MLflow's pages show."""

from __future__ import annotations

import json
from typing import Any

from femtogpt.training.metrics import SAMPLE

TABLE = "samples/by_step.json"
COLUMNS = ("step", SAMPLE, "tokens")  # of several runs, MLflow's pages compare the second
SHOWN = "mlflow.loggedArtifacts"  # the tag by which MLflow's pages know a table


class SampleTable:
    """The samples of a run, whose table in MLflow is written anew when there are more.

    MLflow's own ``log_table`` adds to what is there: rows that were sent before a stop, or that
    the store had taken before it went away, would be there twice.
    """

    def __init__(self, client: Any, run_id: str):
        self.client, self.run_id = client, run_id
        self.rows: dict[int, list] = {}  # by step
        self.told = True

    def add(self, line: dict) -> None:
        """Take in a line of the metrics that has a sample."""
        self.rows[line["step"]] = [line[name] for name in COLUMNS]
        self.told = False

    def send(self) -> None:
        """Bring the table to MLflow, if it has changed."""
        if self.told:
            return
        table = {"columns": COLUMNS, "data": [self.rows[step] for step in sorted(self.rows)]}
        self.client.log_text(self.run_id, json.dumps(table, ensure_ascii=False), TABLE)
        tables = json.loads(self.client.get_run(self.run_id).data.tags.get(SHOWN, "[]"))
        if (own := {"path": TABLE, "type": "table"}) not in tables:
            self.client.set_tag(self.run_id, SHOWN, json.dumps([*tables, own]))
        self.told = True
