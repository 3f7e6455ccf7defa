"""Readers that run alone: a fresh interpreter, limits, no network, one driver.

GDAL opens what it likes, so it never sees a path or a name that a user chose, and never runs in
our own process on a file of theirs: `run_reader` starts `child_entry.py`, which caps itself and
calls `main` of one reader beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shelterplan.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ENTRY = Path(__file__).with_name("child_entry.py")
REFUSED = 3
"""What a reader returns when the last line of its error stream says what is wrong."""


def run_reader(
    reader: str,
    arguments: Sequence[str],
    *,
    name: str,
    kind: str,
    environment: dict[str, str],
    timeout_s: float,
) -> None:
    """Run `main` of a reader in a process with limits; turn its failure into one sentence.

    Parameters
    ----------
    reader : str
        A module beside this one that imports nothing of the package, such as "vector_child".
    arguments : sequence of str
        Its arguments; the second one is the path that it reads, in a folder of ours.
    name, kind : str
        The file and what it is, as people know them.
    environment : dict of str
        The whole environment of the process: see `environment_of`.
    timeout_s : float
        Longest wait [s].

    Raises
    ------
    SourceError
        The file cannot be read within the limits.
    """
    try:
        done = subprocess.run(  # noqa: S603  (our interpreter, our script, names of ours)
            [sys.executable, "-I", "-W", "ignore", str(ENTRY), reader, *arguments],
            stdin=subprocess.DEVNULL,
            env=environment,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{name} took longer than {timeout_s} s to read: given up") from error
    if done.returncode:
        raise refusal(done.returncode, done.stderr, arguments, name=name, kind=kind)


def refusal(
    code: int, told: bytes, arguments: Sequence[str], *, name: str, kind: str
) -> SourceError:
    """Return the error of a reader that ended with a code other than 0.

    Examples
    --------
    >>> print(refusal(3, b"/f: no band", ["a", "/f/in.tif"], name="a.tif", kind="GeoTIFF"))
    a.tif cannot be read as GeoTIFF: : no band
    """
    lines = told.decode("utf-8", "replace").strip().splitlines()
    folder = str(Path(arguments[1]).parent)
    why = (
        lines[-1].replace(folder, "")[:300]
        if code == REFUSED and lines
        else f"the reader stopped ({code}): damaged, or too large for its limits"
    )
    return SourceError(f"{name} cannot be read as {kind}: {why}")


def environment_of(skipped: Iterable[str]) -> dict[str, str]:
    """Return the whole environment of a child in which these drivers are off, and the network.

    Examples
    --------
    >>> environment_of(["VRT", "HTTP"])["GDAL_SKIP"]
    'HTTP,VRT'
    """
    off = ",".join(sorted(skipped))
    kept = {
        key: os.environ[key]
        for key in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR")
        if key in os.environ
    }
    return kept | {
        "GDAL_SKIP": off,
        "OGR_SKIP": off,
        "GDAL_DRIVER_PATH": "disable",
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "PROJ_NETWORK": "OFF",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
