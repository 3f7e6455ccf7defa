"""What stands beside a hosted map so that a phone can install it: a manifest, a service worker."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from importlib.resources import files
from typing import Final
from urllib.parse import quote

import numpy as np

SIZES: Final = (192, 512)
"""Widths of the icons [px]."""
GREEN: Final = (0, 112, 60)
ICON: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><rect width='24' height='24' "
    "fill='#00703c'/><path d='M4 12 12 5l8 7v8H4z' fill='#fff'/></svg>"
)
"""A white house on green."""


def icon_address() -> str:
    """Return the icon as an address that asks nobody for anything."""
    return "data:image/svg+xml," + quote(ICON)


def worker_name(page_name: str) -> str:
    """Return the name of the service worker of a page.

    Examples
    --------
    >>> worker_name("monaco.html"), manifest_name("monaco.html")
    ('monaco.sw.js', 'monaco.webmanifest')
    """
    return f"{_stem(page_name)}.sw.js"


def manifest_name(page_name: str) -> str:
    """Return the name of the manifest of a page."""
    return f"{_stem(page_name)}.webmanifest"


def scope_of(page_name: str) -> str:
    """Return which addresses the service worker answers: the page, nothing beside it."""
    return "./" if page_name in {"index.html", "index.htm"} else quote(page_name)


def beside(page: bytes, page_name: str, *, title: str, language: str) -> dict[str, bytes]:
    """Return the files that stand beside a page, by name.

    Parameters
    ----------
    page : bytes
        The page as it is written.
    page_name : str
        Its file name.
    title, language : str
        What an installed page is called, and in which language that is (BCP 47).
    """
    address = quote(page_name)
    manifest = {
        "name": title,
        "short_name": title[:24],
        "lang": language,
        "id": address,
        "start_url": address,
        "scope": scope_of(page_name),
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#00703c",
        "icons": [
            {"src": _png_address(size), "sizes": f"{size}x{size}", "type": "image/png"}
            for size in SIZES
        ],
    }
    script = files(__package__).joinpath("worker.js").read_text("utf-8")
    version = hashlib.sha256(page).hexdigest()[:16]
    settings = {"page": address, "manifest": quote(manifest_name(page_name)), "version": version}
    worker = f"const SETTINGS = {json.dumps(settings)};\n{script}"
    return {
        manifest_name(page_name): json.dumps(manifest, ensure_ascii=False, indent=1).encode(),
        worker_name(page_name): worker.encode(),
    }


def _stem(page_name: str) -> str:
    return page_name.rsplit(".", 1)[0] or page_name


def _png_address(size: int) -> str:
    return "data:image/png;base64," + base64.b64encode(icon_png(size)).decode()


def icon_png(size: int) -> bytes:
    r"""Return the icon as PNG, `size` by `size` pixels.

    Examples
    --------
    >>> icon_png(8)[:4]
    b'\x89PNG'
    """
    y, x = (np.indices((size, size)) + 0.5) * (24 / size)
    roof = (y >= 5) & (y < 12) & (np.abs(x - 12) <= (y - 5) * 8 / 7)
    walls = (y >= 12) & (y < 20) & (np.abs(x - 12) <= 8)
    pixels = np.where((roof | walls)[..., None], 255, np.array(GREEN)).astype(np.uint8)
    rows = np.hstack([np.zeros((size, 1), np.uint8), pixels.reshape(size, -1)])
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
