"""Runs notebooks as a reader would, in folders of their own: no home, no repository, no network."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nbformat
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "notebooks"
NAMES = (
    "01_quickstart",
    "02_equity_across_districts",
    "03_evaluate_a_site_proposal",
    "04_your_own_city",
)
KERNEL = "the-running-python"
LONGEST_CELL_S = 300
"""A cell that takes longer hangs; whole notebooks take well under two minutes."""
NO_NETWORK = """
import sys

HERE = {None, "", "localhost", "127.0.0.1", "::1"}


def refuse(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in HERE:
        raise OSError(f"a notebook asked for the network: {args[1]}")
    if event == "socket.getaddrinfo" and args[0] not in HERE:
        raise OSError(f"a notebook asked for an address: {args[0]}")


sys.addaudithook(refuse)
"""


class Run(NamedTuple):
    """A notebook that ran to its end."""

    notebook: nbformat.NotebookNode
    told: dict[str, object]
    """What the cell that the test added printed."""
    lesson: Path
    """Folder of the temporary files that the notebook wrote."""

    def printed(self) -> str:
        """Return everything that the cells printed."""
        return "\n".join(
            output["text"]
            for cell in code_cells(self.notebook)
            for output in cell["outputs"]
            if output["output_type"] == "stream"
        )

    def pictures(self) -> list[str]:
        """Return the pictures, as base64."""
        return [
            output["data"]["image/png"]
            for cell in code_cells(self.notebook)
            for output in cell["outputs"]
            if "image/png" in output.get("data", {})
        ]


def read(name: str) -> nbformat.NotebookNode:
    """Return a notebook as it stands in the repository."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the cells of code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(name: str, home: Path, told: str) -> Run:
    """Execute a copy of a notebook, and then an expression whose value JSON can tell.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    home : Path
        An empty folder, which is the reader's home and place for temporary files.
    told : str
        What is to be told at the end, in terms of the notebook's own names.
    """
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = read(name)
    asked = nbformat.v4.new_code_cell(f"import json\nprint('TOLD', json.dumps({told}))")
    notebook["cells"].append(asked)
    clone = home / "clone"
    (clone / "notebooks").mkdir(parents=True)
    (clone / "data").symlink_to(REPOSITORY / "data")
    shutil.copy(FOLDER / f"{name}.ipynb", clone / "notebooks")
    with _reader(home) as runtime:
        sockets = {"transport": "ipc", "ip": f"{runtime}/kernel"}
        NotebookClient(
            notebook,
            kernel_name=KERNEL,
            timeout=LONGEST_CELL_S,
            resources={"metadata": {"path": str(clone / "notebooks")}},
            config=Config({"KernelManager": sockets if sys.platform == "linux" else {}}),
        ).execute()
    assert [path.name for path in (clone / "notebooks").iterdir()] == [f"{name}.ipynb"]
    answer = notebook["cells"].pop()["outputs"][-1]["text"]
    _refuse_complaints(notebook)
    found = sorted((home / "tmp").glob("shelterplan-lesson-*"))
    return Run(notebook, json.loads(answer.removeprefix("TOLD ")), found[0] if found else home)


@contextmanager
def _reader(home: Path) -> Iterator[str]:
    """Be somebody who has nothing but this Python, for kernels that are started now.

    Yields a folder whose path is short enough for sockets.
    """
    kernel = home / "jupyter" / "kernels" / KERNEL
    for folder in (kernel, home / "tmp", home / "site"):
        folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), "utf-8")
    (home / "site" / "sitecustomize.py").write_text(NO_NETWORK, "utf-8")
    with (
        tempfile.TemporaryDirectory(prefix="nb-") as runtime,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [name for name in os.environ if name.startswith(("JUPYTER", "IPYTHON", "MPL"))]:
            patch.delenv(name)
        for name, value in {
            "HOME": home,
            "TMPDIR": home / "tmp",
            "IPYTHONDIR": home / "ipython",
            "JUPYTER_CONFIG_DIR": home / "jupyter",
            "JUPYTER_DATA_DIR": home / "jupyter",
            "JUPYTER_PATH": home / "jupyter",
            "JUPYTER_PLATFORM_DIRS": 1,
            "JUPYTER_RUNTIME_DIR": runtime,
            "MPLCONFIGDIR": home / "matplotlib",
            "PYTHONDONTWRITEBYTECODE": 1,
            "PYTHONPATH": home / "site",
        }.items():
            patch.setenv(name, str(value))
        yield runtime


def _refuse_complaints(notebook: nbformat.NotebookNode) -> None:
    """Fail if a cell did not run, raised, or warned."""
    for cell in code_cells(notebook):
        assert cell["execution_count"] is not None, cell["source"]
        for output in cell["outputs"]:
            assert output["output_type"] != "error", output
            if output["output_type"] == "stream" and output["name"] == "stderr":
                lines = [line for line in output["text"].splitlines() if "font cache" not in line]
                assert not "".join(lines).strip(), output["text"]
