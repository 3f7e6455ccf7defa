"""Proposals of one session: at most four, of which one is looked at; made, copied, taken away."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from shelterplan import tables
from shelterplan.app import uploads
from shelterplan.errors import ShelterplanError
from shelterplan.siting.proposal import LONGEST_TITLE, MOST_BYTES, Proposal, read_proposal
from shelterplan.study_area import AROUND

if TYPE_CHECKING:
    from shelterplan.app.words import Words
    from shelterplan.study_area import StudyArea

MOST = 4
"""So many are compared side by side."""
ENDINGS = ("geojson", "json", "csv")
"""Files that may be uploaded."""
MOST_TOLD = 8
"""Problems of a file that are listed."""


def mine() -> list[Proposal]:
    """Return this session's proposals."""
    listed: list[Proposal] = st.session_state.setdefault("proposals", [])
    return listed


def full() -> bool:
    """Return whether there are as many as can be compared."""
    return len(mine()) >= MOST


def at() -> int:
    """Return the number of the proposal that is looked at, counted from 0; 0 if there is none."""
    chosen = st.session_state.get("proposal_at", 0)
    last = len(mine()) - 1
    return max(0, min(int(chosen if chosen is not None else 0), last))


def current() -> Proposal | None:
    """Return the proposal that is looked at."""
    return mine()[at()] if mine() else None


def look_at(number: int) -> None:
    """Look at another proposal."""
    st.session_state["proposal_at"] = number
    choose(None, "list")
    st.session_state["proposals_stale"] = True


def add(proposal: Proposal) -> None:
    """Add a proposal and look at it; nothing happens if there are enough."""
    if full():
        return
    mine().append(proposal)
    look_at(len(mine()) - 1)


def put(proposal: Proposal) -> None:
    """Put a changed proposal in the place of the one that is looked at."""
    if mine():
        mine()[at()] = proposal


def copy(title: str) -> None:
    """Add a copy of the proposal that is looked at."""
    proposal = current()
    if proposal is not None:
        add(replace(proposal, title=title[:LONGEST_TITLE]))


def rename(key: str) -> None:
    """Give the proposal that is looked at the name in a widget."""
    title, proposal = str(st.session_state.get(key, "")).strip(), current()
    if title and proposal is not None:
        put(replace(proposal, title=title[:LONGEST_TITLE]))


def remove() -> None:
    """Take the proposal that is looked at away."""
    if mine():
        del mine()[at()]
        look_at(max(0, at() - 1))


def chosen() -> int | None:
    """Return the number of the chosen site, counted from 0; None if none is chosen."""
    row, proposal = st.session_state.get("proposal_site"), current()
    if row is None or proposal is None or not 0 <= row < len(proposal.sites):
        return None
    return int(row)


def choose(row: int | None, where: str) -> None:
    """Choose a site by its number; the map is moved to it unless it was chosen there."""
    st.session_state["proposal_site"] = row
    st.session_state["proposal_site_on"] = where


def empty(area: StudyArea, title: str) -> Proposal:
    """Return a proposal without any site."""
    columns = ["name", "kind", "capacity", "cost", "area_m2"]
    bare = gpd.GeoDataFrame(
        {name: pd.Series(dtype=object) for name in columns},
        geometry=gpd.GeoSeries([], crs=4326),
        crs=4326,
        index=pd.Index([], name="site_id", dtype=object),
    )
    return Proposal(
        title=title.strip()[:LONGEST_TITLE],
        sites=tables.checked("candidates", bare),
        area_name=area.name,
        area_version=area.version,
    )


def is_near(area: StudyArea, lon: float, lat: float) -> bool:
    """Return whether a place lies in the study area or close to it."""
    west, south, east, north = area.communities.total_bounds
    inside = west - AROUND <= lon <= east + AROUND and south - AROUND <= lat <= north + AROUND
    return bool(inside)


def of_file(name: str, content: bytes, area: StudyArea, words: Words) -> Proposal:
    """Return the proposal of an uploaded file.

    The file is read under a name of our own, made from the letters of its name; its sites must lie
    in the study area.

    Raises
    ------
    ShelterplanError
        If it is too large, cannot be read, or has sites that are far away.
    """
    ending = name.rpartition(".")[2].lower()
    if ending not in ENDINGS:
        raise ShelterplanError(words("proposals.wrong_ending"))
    if len(content) > MOST_BYTES:
        raise ShelterplanError(words("proposals.too_large", mb=MOST_BYTES // 1_000_000))
    stem = "".join(s for s in name.rpartition(".")[0] if s.isalnum() or s in " -_")[:60].strip()
    with tempfile.TemporaryDirectory(prefix="shelterplan-") as folder:
        path = Path(folder) / f"{stem or 'upload'}.{ending}"
        path.write_bytes(content)
        proposal = read_proposal(path)
    if proposal.area_name not in ("", area.name):
        return proposal
    return replace(_near(proposal, area, words), area_name=area.name)


def _near(proposal: Proposal, area: StudyArea, words: Words) -> Proposal:
    """Return a proposal without the sites that lie far away, which are listed as problems."""
    points = proposal.sites.geometry.representative_point()
    near = [is_near(area, at.x, at.y) for at in points]
    if not any(near):
        raise ShelterplanError(words("proposals.all_far"))
    kept = replace(proposal, sites=proposal.sites[near])
    area.with_sites(kept.sites)
    far = tuple(
        words("proposals.far_site", name=str(name))
        for name, close in zip(proposal.sites["name"], near, strict=True)
        if not close
    )
    return replace(kept, problems=(*far, *proposal.problems))


def take_file(key: str, area: StudyArea, words: Words) -> None:
    """Take over what was uploaded, or keep why it cannot be."""
    file = st.session_state.get(key)
    st.session_state["upload_turn"] = st.session_state.get("upload_turn", 0) + 1
    st.session_state["upload_problem"], st.session_state["upload_notes"] = "", ()
    if not isinstance(file, UploadedFile):  # none, or one that is no longer there
        return
    try:
        proposal = of_file(file.name, file.getvalue(), area, words)
    except (ShelterplanError, UnicodeError, RecursionError) as error:
        st.session_state["upload_problem"] = str(error)
        return
    finally:
        uploads.forget(file)
    st.session_state["upload_notes"] = (*proposal.problems, *proposal.remarks)
    add(proposal)
