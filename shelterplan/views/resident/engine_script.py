"""The engine of the offline map: one script of the parts in `engine/`.

It finds the nearest shelter of any place, in the browser alone, from what `pack` packed::

    const engine = await ShelterEngine.open(head, base64);
    engine.find(lon, lat, scenario, excluded)

Streets are searched in whole millimetres (or milliseconds), as `finder` does: the answers are the
same. No modules, nothing is fetched, nothing is kept; ES2018 is enough, and a browser without
DecompressionStream is served by a small inflate. The interface is the end of `engine/engine.js`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

PARTS = (
    *("start", "bytes", "plane", "streets", "polygons"),
    *("scene", "search", "steps", "look", "engine"),
)
"""The files, in the order in which they stand."""
BEGIN = "var ShelterEngine = (function () {\n'use strict';"
END = "return { open, gunzip };\n})();"


@cache
def engine_script() -> str:
    """Return the script, which defines `ShelterEngine` and nothing else.

    Examples
    --------
    >>> engine_script().startswith("var ShelterEngine = (function () {")
    True
    """
    folder = files("shelterplan.views.resident").joinpath("engine")
    body = "\n".join(folder.joinpath(f"{name}.js").read_text("utf-8") for name in PARTS)
    return f"{BEGIN}\n{body}\n{END}"
