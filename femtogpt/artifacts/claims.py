"""Which machine makes an artifact of a shared store, so that the other machines wait for it.

``claims/<kind>-<digest>.json`` in the store says which, and since when. That machine changes it
each minute and removes it in the end. Clocks of machines differ, so no times are compared: a claim
is dead when the machine that waits has not seen it change for some minutes. Claims only save work:
where none can be written, each machine makes what it needs.
"""

from __future__ import annotations

import json
import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from femtogpt.artifacts.disk import json_digest

FOLDER = "claims"
OWNER_FILE = "owner"
BEAT_SECONDS = 60.0  # between changes of a claim
DEAD_SECONDS = 300.0  # without a change: its machine was killed, suspended or cut off
FIRST_LOOK_SECONDS = 1.0  # until a machine that waits looks again; longer each time, at most …
LAST_LOOK_SECONDS = 30.0
WRITING_SECONDS = 0.05  # in which a claim that is being written is there as a whole
SETTLE_SECONDS = 0.5  # until the claims of machines that wrote at once are all there
WITHDRAW_SECONDS = 10.0  # in which a store has to answer; after that the claim dies by itself
log = logging.getLogger(__name__)


def owner_of(folder: Path) -> str:
    """Who makes claims from a data folder, whose locks are in ``folder``.

    The same after a kill, as only one process there makes an artifact; another on another machine
    and in a copy of the data.
    """
    try:
        with suppress(FileExistsError), (folder / OWNER_FILE).open("x", encoding="ascii") as file:
            file.write(uuid4().hex)
        number = (folder / OWNER_FILE).read_text("ascii")
    except (OSError, ValueError):  # its disk may be full, the file damaged
        number = uuid4().hex
    return json_digest([number, platform.node(), str(folder.resolve())])[:16]


class Claims:
    """The claims in the shared store of a folder."""

    def __init__(self, folder: Path):
        self.folder = folder / FOLDER
        # Whether the store refuses to create a file that is there. Some overwrite it silently.
        self.are_exclusive: bool | None = None  # not known yet


class Claim:
    """A machine's claim of an artifact, which a stage makes."""

    def __init__(self, claims: Claims, artifact: str, stage: str, owner: str):
        self.claims, self.file = claims, claims.folder / f"{artifact}.json"
        self.stage, self.owner = stage, owner
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._renewals = 0
        self._is_held = self._may_stand = False  # the second also if a signal came while writing
        self._ended, self._writing = threading.Event(), threading.Lock()

    @contextmanager
    def held(self, is_there: Callable[[], bool]) -> Iterator[None]:
        """Wait for a machine that makes the artifact; within this, the others wait for this one.

        The wait ends when that machine has stopped, or ``is_there()``: the store has the artifact.
        """
        try:
            self._obtain(is_there)
            if self._is_held:
                threading.Thread(target=self._beat, daemon=True).start()
            yield
        finally:
            self._withdraw()

    def _obtain(self, is_there: Callable[[], bool]) -> None:
        """Make the claim, unless the artifact comes first or the store takes no claims."""
        seen: bytes | None = None  # another's claim
        changed, pause = 0.0, FIRST_LOOK_SECONDS
        while True:
            is_dead = seen is not None and time.monotonic() - changed > DEAD_SECONDS
            self._may_stand = True
            try:
                other = self._attempt(seen if is_dead else None)
            except Exception:  # each kind of storage has its own
                self._may_stand = False
                if is_dead or seen is None:
                    return
                other = seen
            if other is None:
                self._is_held = True
                if seen is not None and not is_there():
                    silent = f"has said nothing for {DEAD_SECONDS / 60:.0f} minutes"
                    has = silent if is_dead else "has stopped making it"
                    log.info("%s: machine %s %s: made here", self.stage, _read(seen)[0], has)
                return
            self._may_stand = False
            if seen is None:
                log.info(
                    "%s: machine %s has been making it since %s: waiting for it; a run with"
                    " paths.remote=null does not wait and makes it here too",
                    *(self.stage, *_read(other)),
                )
            if other != seen:
                seen, changed = other, time.monotonic()
            if is_there():
                return
            time.sleep(pause)
            pause = min(1.5 * pause, LAST_LOOK_SECONDS)

    def _attempt(self, dead: bytes | None) -> bytes | None:
        """Make the claim; gives that of another machine if that stands, unless it is ``dead``."""
        if self.claims.are_exclusive and self._is_created():
            return None
        other = self._content()
        if other is not None and other != dead and not self._is_ours(other):
            return other
        if other is None:
            if not self._is_created():  # another machine was faster
                return self._attempt(dead)
            if self._was_exclusive():
                return None
        else:
            self._write("wb")
            if self._is_ours(other):  # left by a process that was killed
                return None
        time.sleep(SETTLE_SECONDS)  # of several that overwrite each other's, the last one stands
        now = self._content()
        return None if now is None or self._is_ours(now) else now

    def _is_created(self) -> bool:
        """Write the claim; False if there is one and the store can tell that."""
        if self.claims.are_exclusive is False:
            self._write("wb")
            return True
        try:
            self._write("xb")
        except FileExistsError:
            return False
        except Exception as error:
            if self.claims.are_exclusive or isinstance(error, PermissionError):
                raise
            self._write("wb")  # the store may know no other way
            self.claims.are_exclusive = False
        return True

    def _was_exclusive(self) -> bool:
        """Whether nobody can have overwritten the claim that was just made."""
        if self.claims.are_exclusive is None:
            self.claims.are_exclusive = not self._is_created()
        return self.claims.are_exclusive

    def _write(self, mode: str) -> None:
        who = {"machine": platform.node(), "owner": self.owner}
        claim = {"stage": self.stage, **who, "since": self._since, "renewals": self._renewals}
        text = json.dumps(claim, ensure_ascii=False, indent=1).encode()
        try:
            file = self.file.open(mode)
        except FileNotFoundError:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            file = self.file.open(mode)
        with file:
            file.write(text)

    def _content(self) -> bytes | None:
        """The claim that is there, None if there is none.

        In a folder it can be seen half-written, so what says nothing is read once more.
        """
        with suppress(FileNotFoundError):
            content = self.file.read_bytes()
            if _parsed(content):
                return content
            time.sleep(WRITING_SECONDS)
            return self.file.read_bytes()
        return None

    def _is_ours(self, content: bytes | None) -> bool:
        return _parsed(content).get("owner") == self.owner

    def _beat(self) -> None:
        """Renew the claim until it ends, or another machine has taken it for dead."""
        while not self._ended.wait(BEAT_SECONDS):
            with self._writing, suppress(Exception):
                if self._ended.is_set():
                    return
                if not self._is_ours(self._content()):
                    self._is_held = False
                    return
                self._renewals += 1
                self._write("wb")

    def _withdraw(self) -> None:
        self._ended.set()
        if self._is_held or self._may_stand:
            removal = threading.Thread(target=self._remove, daemon=True)
            removal.start()
            try:
                removal.join(WITHDRAW_SECONDS)
            except BaseException:  # a signal comes now
                removal.join(WITHDRAW_SECONDS)
                raise

    def _remove(self) -> None:
        with self._writing, suppress(Exception):
            if self._is_held or self._is_ours(self._content()):
                self.file.unlink()


def _parsed(content: bytes | None) -> dict[str, Any]:
    """What a claim says; nothing if it is not whole."""
    with suppress(ValueError):
        claim = json.loads(content or b"")
        return claim if isinstance(claim, dict) else {}
    return {}


def _read(content: bytes) -> tuple[str, str]:
    """Which machine has a claim, and since when by its clock, for a person."""
    claim = _parsed(content)
    since = "a while ago"
    with suppress(KeyError, TypeError, ValueError):
        since = f"{datetime.fromisoformat(claim['since']).astimezone():%Y-%m-%d %H:%M}"
    return str(claim.get("machine") or "unknown"), since
