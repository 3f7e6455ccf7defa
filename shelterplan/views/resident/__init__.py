"""The resident map: one HTML file that finds the nearest shelter of any place, with no server."""

from shelterplan.views.resident.pack import Packed, pack

__all__ = ["Packed", "pack"]
