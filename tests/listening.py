"""What a process and those that it started listen on: this machine alone, or others too."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import psutil


def listening(pid: int) -> set[str]:
    """The addresses on which a process and its descendants take connections."""
    process, found = psutil.Process(pid), set()
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found |= {
                connection.laddr.ip
                for connection in one.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
    return found


def open_to_others(pid: int) -> set[str]:
    """Those that other machines reach. Asserts that there is any at all."""
    addresses = listening(pid)
    assert addresses, f"process {pid} does not listen"
    return {address for address in addresses if not ipaddress.ip_address(address).is_loopback}
