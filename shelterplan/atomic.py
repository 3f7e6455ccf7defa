"""Files and folders that are whole or not there at all, whenever the program or the machine stops.

What is written lies under another name beside its place until it is flushed to disk, and is then
renamed; the rename is flushed, too. A draft is locked by its writer. Where a writer was killed, its
draft stays behind without a lock: nobody ever reads it, and `sweep` removes it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

LONGEST_STEM = 200
"""Most bytes of a name that its draft's name repeats: file systems take 255 in all."""
PATIENCE_S = 60.0
"""Longest wait for another program that writes to the same folder [s]."""
_DRAFT = re.compile(r"\.(.+)\.[0-9a-f]{8}\.(tmp|old)")


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place in one step.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or the disk is full; an earlier file is
        still there.
    """
    with draft(path, content) as put:
        put()


@contextmanager
def draft(path: Path, content: bytes) -> Iterator[Callable[[], None]]:
    """Write a file to disk under another name; what is given puts it in place in one step.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     target = Path(folder) / "a.txt"
    ...     with draft(target, b"whole") as put:
    ...         before = target.exists()
    ...         put()
    ...     before, target.read_bytes(), len(list(Path(folder).iterdir()))
    (False, b'whole', 1)
    """
    _refuse_device(path)
    temporary, stream = _begin(path)
    try:
        with stream:
            with _about(path):
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if sys.platform == "win32":  # no open file can be renamed there
                stream.close()
            yield lambda: _put(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder of files in place; an earlier one goes when the new one is whole.

    If the program is killed between the two renames of an earlier folder, there is none for as long
    as nobody calls this function or `sweep` again.

    Raises
    ------
    OSError
        If it cannot be written; an earlier folder is still there.
    """
    fresh, old = (_beside(path, ending) for ending in ("tmp", "old"))
    with _about(path):
        fresh.mkdir()
        try:
            with _lock(fresh):
                for name, content in files.items():
                    write_whole(fresh / name, content)
                with alone(path) if path.exists() else nullcontext():
                    _swap(fresh, path, old)
        finally:
            for left in (fresh, old):
                shutil.rmtree(left, ignore_errors=True)


def sweep(folder: Path, name: str = "") -> None:
    """Remove what killed writers left in a folder: drafts of any file, or of the one named.

    A folder that was to be replaced and has been renamed already is put back.
    """
    if sys.platform == "win32":  # without locks nobody knows whose a draft is
        return
    with suppress(OSError):
        for left in sorted(folder.glob(".*")):
            found = _DRAFT.fullmatch(left.name)
            if found and (not name or found[1] == _stem(name)):
                _remove(left, folder / found[1] if found[2] == "old" else None)


@contextmanager
def alone(folder: Path, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold a folder among all who ask for it in this way; wait while somebody else holds it.

    Where the file system has no locks, nobody waits.

    Raises
    ------
    OSError
        If somebody else holds it for longer than one's patience.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            with _lock(folder):
                yield
        except _TakenError:
            if time.monotonic() < end:
                time.sleep(0.02)
                continue
            reason = "another program has been writing there for a long time"
            raise OSError(errno.EBUSY, reason, str(folder)) from None
        return


def flush_folder(folder: Path) -> None:
    """Flush to disk which files a folder has: without that, a power cut may undo a rename.

    Some file systems, and Windows, cannot; there the rename is all there is.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _TakenError(Exception):
    """Somebody else holds the lock."""


def _stem(name: str) -> str:
    return name.encode(errors="ignore")[:LONGEST_STEM].decode(errors="ignore")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{_stem(path.name)}.{secrets.token_hex(4)}.{ending}")


def _refuse_device(path: Path) -> None:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no file", str(path))


def _begin(path: Path) -> tuple[Path, IO[bytes]]:
    """Open a new draft and lock it; if a sweep has taken it meanwhile, another one."""
    with _about(path):
        while True:
            temporary = _beside(path, "tmp")
            try:
                stream = temporary.open("xb")
            except FileExistsError:
                continue
            if _hold(stream.fileno()) and os.fstat(stream.fileno()).st_nlink:
                return temporary, stream
            stream.close()


def _put(temporary: Path, path: Path) -> None:
    with _about(path):
        temporary.replace(path)
    flush_folder(path.parent)


def _swap(fresh: Path, path: Path, old: Path) -> None:
    """Rename a folder to its place, and what is there out of the way."""
    if path.exists():
        path.rename(old)
    try:
        fresh.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    flush_folder(path.parent)


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let an error name the file that was to be written, not its draft."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _hold(handle: int) -> bool:
    """Lock an open file, and say whether that went well; where there are no locks, it does."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file or a folder.

    Raises
    ------
    _TakenError
        If somebody else holds it.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        if not _hold(handle):
            raise _TakenError
        yield
    finally:
        os.close(handle)


def _remove(left: Path, place: Path | None) -> None:
    """Remove a draft that nobody holds; put an earlier folder back where there is none."""
    with suppress(OSError, _TakenError), _lock(left):
        if place is not None and not place.exists():
            left.rename(place)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()
