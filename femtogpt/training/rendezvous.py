"""Where the processes of a training on one machine meet: a store that only this machine reaches.

torch's own rendezvous listens on every network interface, also where its address is 127.0.0.1, and
unpickles what it is sent (2.13).
"""

from __future__ import annotations

import os
import socket
import sys

from torch.distributed import PrefixStore, TCPStore
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
    rendezvous_handler_registry,
)

LOOPBACK = "127.0.0.1"
BACKEND = "loopback"
INTERFACE = "lo0" if sys.platform == "darwin" else "lo"


class LoopbackRendezvous(RendezvousHandler):
    """The one agent of a training, whose store its workers share."""

    def __init__(self, run_id: str):
        with socket.socket() as listening:
            listening.bind((LOOPBACK, 0))
            listening.listen()
            port = listening.getsockname()[1]
            self._store = TCPStore(
                LOOPBACK,
                port,
                is_master=True,
                wait_for_workers=False,
                master_listen_fd=listening.detach(),
            )
        self._run_id, self._port, self._closed = run_id, port, False

    def get_backend(self) -> str:
        return BACKEND

    @property
    def use_agent_store(self) -> bool:
        return True

    def next_rendezvous(self) -> RendezvousInfo:
        meeting_place = RendezvousStoreInfo(LOOPBACK, self._port)
        return RendezvousInfo(PrefixStore(self._run_id, self._store), 0, 1, meeting_place)

    def is_closed(self) -> bool:
        return self._closed

    def set_closed(self) -> None:
        self._closed = True

    def num_nodes_waiting(self) -> int:
        return 0

    def get_run_id(self) -> str:
        return self._run_id

    def shutdown(self) -> bool:
        return True


def _created(parameters: RendezvousParameters) -> RendezvousHandler:
    return LoopbackRendezvous(parameters.run_id)


def stay_on_this_machine() -> str:
    """Have the workers, too, listen on loopback alone; gives the backend's name for torch."""
    for library in ("GLOO", "NCCL"):
        os.environ.setdefault(f"{library}_SOCKET_IFNAME", INTERFACE)
    rendezvous_handler_registry.register(BACKEND, _created)
    return BACKEND
