"""Which code, and which libraries, a result was made with."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numba
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import scipy
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE: Final = "shelterplan"
_ALWAYS: Final = "shelterplan.scale.task"
_HOLDERS: Final = (ast.stmt, ast.excepthandler, ast.match_case)
"""What an import may stand in."""


@cache
def code_version(work: str) -> str:
    """Return a hash of the code that tasks run, and of the libraries on which their bytes depend.

    Parameters
    ----------
    work : str
        Name of the module that says what is done with each tile. Its source counts, and that of
        every module of this package that it imports, and so on; another colour on a map is no
        other result.

    Examples
    --------
    >>> len(code_version("shelterplan.scale.stages"))
    64
    """
    digest = hashlib.sha256()
    for name, path in sorted(sources(work).items()):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    digest.update(json.dumps(versions(), sort_keys=True).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the libraries on which results depend."""
    return {
        "python": ".".join(map(str, sys.version_info[:2])),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "pandas": pd.__version__,
        "pyarrow": pa.__version__,
        "numba": numba.__version__,
        "shapely": shapely.__version__,
        "geos": shapely.geos_version_string,
        "pyproj": pyproj.__version__,
        "proj": pyproj.proj_version_str,
    }


def sources(work: str) -> dict[str, Path]:
    """Return the source files of a module and of what it imports of this package, by module."""
    found: dict[str, Path] = {}
    waiting = [work, _ALWAYS]
    while waiting:
        name = waiting.pop()
        if name in found or name == _PACKAGE:  # the package itself imports what is asked of it
            continue
        path = _file(name)
        if path is None:
            continue
        found[name] = path
        waiting += [*_imported(path), *([name.rpartition(".")[0]] if "." in name else [])]
    return found


def _file(name: str) -> Path | None:
    """Return the source file of a module; None if there is no such module, but a name in one."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _imported(path: Path) -> Iterator[str]:
    """Give what a file imports of this package, other than for its types."""
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith(f"{_PACKAGE}."))
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] == _PACKAGE:
                yield node.module
                yield from (f"{node.module}.{one.name}" for one in node.names)
        else:
            waiting += (one for one in ast.iter_child_nodes(node) if isinstance(one, _HOLDERS))
