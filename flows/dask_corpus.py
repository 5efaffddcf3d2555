"""The corpus stage on a Dask cluster, by Prefect's own integration."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from prefect import flow
from prefect.context import FlowRunContext

from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import ClusterConfig, Config
from femtogpt.errors import UserError
from femtogpt.parallel import ONE_THREAD, map_provided_by
from femtogpt.storage import storage_path
from flows.killed_runs import note_flow_run
from tasks import stages
from tasks.dask_map import spread_over

ANSWER_SECONDS = 20  # for a scheduler to answer


def corpus(config: Config, raws: Mapping[str, Artifact]) -> Artifact:
    """The corpus, made by the Dask cluster that the configuration names, or by this machine.

    The cluster is started, or contacted, only if there is something to make.
    """
    cluster = config.cluster
    if not cluster.given:
        return stages.corpus(config, raws)
    folder = storage_path(cluster.exchange) if cluster.exchange else config.paths.data.absolute()

    @flow(
        name="corpus",
        flow_run_name=config.name,
        task_runner=_task_runner(cluster),
        on_running=[note_flow_run],
    )
    def on_dask() -> Artifact:
        context = FlowRunContext.get()
        assert context is not None  # we are in a flow
        runner = context.task_runner
        with map_provided_by(lambda: spread_over(_client(runner, cluster), folder)):
            return stages.corpus(config, raws)

    return on_dask()


def _task_runner(cluster: ClusterConfig) -> Any:
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError as error:
        raise UserError("a Dask cluster needs more packages: make cluster") from error
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it logs each step of starting
    if cluster.address:
        return DaskTaskRunner(address=cluster.address, client_kwargs={"timeout": ANSWER_SECONDS})
    local = {
        "n_workers": cluster.workers,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        "env": ONE_THREAD,
        "silence_logs": logging.CRITICAL,  # an error in a worker is raised here
    }
    return DaskTaskRunner(cluster_kwargs=local)


def _client(runner: Any, cluster: ClusterConfig) -> Any:
    """The runner's client. Its first use starts the cluster, or connects to it."""
    try:
        return runner.client
    except OSError as error:
        raise UserError(
            f"no Dask scheduler answers at {cluster.address} within {ANSWER_SECONDS} s:"
            " start one with dask scheduler, or leave cluster.address out"
        ) from error
