"""The script that Streamlit runs for each page view of `shelterplan app`."""

from shelterplan.app.main import run

run()
