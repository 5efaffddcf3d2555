"""What a model wrote during its training, as a table by step that MLflow's pages show."""

from __future__ import annotations

import json
from typing import Any

from femtogpt.training.metrics import SAMPLE

TABLE = "samples/by_step.json"
COLUMNS = ("step", SAMPLE, "tokens")  # MLflow's pages compare runs by the second
TABLES_TAG = "mlflow.loggedArtifacts"  # the tag in which MLflow's pages look for tables


class SampleTable:
    """The samples of a run. Its table in MLflow is written anew when there are more.

    MLflow's own ``log_table`` appends: rows sent before a stop, or taken by the store before it
    went away, would be there twice.
    """

    def __init__(self, client: Any, run_id: str):
        self.client, self.run_id = client, run_id
        self.rows: dict[int, list[Any]] = {}  # by step
        self.sent = True

    def add(self, line: dict[str, Any]) -> None:
        """Take a line of the metrics that has a sample."""
        row = [line[name] for name in COLUMNS]
        if self.rows.get(line["step"]) != row:
            self.rows[line["step"]] = row
            self.sent = False

    def send(self) -> None:
        """Write the table to MLflow if it has changed."""
        if self.sent:
            return
        table = {"columns": COLUMNS, "data": [self.rows[step] for step in sorted(self.rows)]}
        self.client.log_text(self.run_id, json.dumps(table, ensure_ascii=False), TABLE)
        tables = json.loads(self.client.get_run(self.run_id).data.tags.get(TABLES_TAG, "[]"))
        if (own := {"path": TABLE, "type": "table"}) not in tables:
            self.client.set_tag(self.run_id, TABLES_TAG, json.dumps([*tables, own]))
        self.sent = True
