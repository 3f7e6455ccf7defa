"""The app for `streamlit run streamlit_app.py`."""

from shelterplan.app.main import run

run()
