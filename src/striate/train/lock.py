"""The lock on a run's folder: one process writes it, and a second gets an error that names the first.

The lock is the system's own on a file (flock). It ends with the process, in whatever way, so that a run which was
killed is free at once. The text in the file is only for people. Where the system has no flock (Windows, some network
drives) there is no lock.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from striate.description.labels import one_line
from striate.errors import RunError
from striate.files import unwritten

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FILE = ".lock"


class Lock:
    """A lock on the folder of a run, until `release`, the end of a `with`, or the end of the process.

    Raises RunError where another process holds it, and OutputError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.file: BinaryIO | None = None
        while not self._taken():
            pass

    def release(self) -> None:
        """Release the lock."""
        file, self.file = self.file, None
        if file is not None:
            with suppress(OSError):  # removed while it is locked, so that no other process's file is removed
                self.path.unlink()
            file.close()

    def _taken(self) -> bool:
        """Take the lock; False where its former holder removed the file in the meantime."""
        try:
            file = self.path.open("ab+")
        except OSError as problem:
            raise unwritten(self.path, problem) from None
        try:
            if not _locked(file):
                raise _in_use(self.path.parent, file)
            try:
                if fcntl is not None and not os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                    file.close()
                    return False
            except FileNotFoundError:
                file.close()
                return False
            file.truncate(0)
            file.write(json.dumps(_me()).encode())
            file.flush()
        except OSError as problem:
            file.close()
            raise unwritten(self.path, problem) from None
        except RunError:
            file.close()
            raise
        self.file = file
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def _in_use(folder: Path, file: BinaryIO) -> RunError:
    """The error where another process, which the lock file names, holds the lock."""
    try:
        file.seek(0)
        holder = json.loads(file.read(4096))
        who = f"process {int(holder['pid'])} on {str(holder['host'])[:80]}, since {str(holder['since'])[:40]}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        who = "another process"
    return RunError(
        f"{folder} is being written by {one_line(who)}.",
        "A run is written by one process at a time.",
        "Wait for it or stop it (Ctrl-C saves), then go on with --resume; or give another folder to --out.",
    )


def _locked(file: BinaryIO) -> bool:
    """Lock an open file; False where another process has. Also True where the system cannot lock files."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return problem.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
    return True


def _me() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
