"""`streamlit run streamlit_app.py`, without our server around it, shows the same map."""

from __future__ import annotations

from .conftest import SHOTS, Visit, started


def test_streamlit_run_shows_the_map_too(browser, tmp_path):
    SHOTS.mkdir(exist_ok=True)
    arguments = [
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.port={port}",
        "--server.headless=true",
    ]
    with started(arguments, tmp_path, "/_stcore/health", SHELTERPLAN_AREA="") as address:
        here = Visit(browser, address).open(area="monaco")
        here.tap(0.45, 0.62)
        here.frame.locator("path.route").first.wait_for(state="attached")
        here.settled()
        here.close()
