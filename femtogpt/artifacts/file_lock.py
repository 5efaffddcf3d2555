"""A lock among processes, on a file."""

from __future__ import annotations

import errno
import logging
from pathlib import Path
from types import TracebackType

import filelock
from filelock import Timeout

__all__ = ["FileLock", "Timeout"]
# What file systems answer that have no locks: memory cards, network shares, mounted clouds.
NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
log = logging.getLogger(__name__)
_told: set[Path] = set()  # the folders of which the log has said that they have no locks


class FileLock:
    """A lock that the system releases when its process ends, however it ends.

    Where the file system has none, a file beside it says which process has the lock; one whose
    process is gone does not count. Another machine's process cannot be looked at, so there its
    file stays until somebody removes it. A line in the log says so, once for a folder.
    """

    def __init__(self, path: Path, timeout: float = -1):
        """``timeout``: seconds that ``with`` waits; negative: until it is free."""
        self.path, self.timeout = path, timeout
        self._lock: filelock.BaseFileLock = filelock.FileLock(path, fallback_to_soft=False)

    def acquire(self, blocking: bool = True, poll_interval: float = 0.05) -> None:
        """Take the lock. Raises Timeout if another process has it and this is not to wait."""
        self._acquire(-1 if blocking else 0, poll_interval)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> FileLock:
        self._acquire(self.timeout, 0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _acquire(self, timeout: float, poll_interval: float) -> None:
        try:
            self._lock.acquire(timeout, poll_interval=poll_interval)
        except OSError as error:
            if isinstance(error, Timeout) or error.errno not in NO_LOCKS:
                raise
            self._tell(error)
            self._lock = filelock.SoftFileLock(self.path.with_name(f"{self.path.name}.held"))
            self._lock.acquire(timeout, poll_interval=poll_interval)

    def _tell(self, error: OSError) -> None:
        folder = self.path.parent
        if folder not in _told:
            _told.add(folder)
            log.warning(
                "%s: its file system has no locks (%s), so files named *.held stand for them: of"
                " several machines that write there, one that dies leaves them behind to remove",
                *(folder, error.strerror),
            )
