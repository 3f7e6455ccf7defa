"""The app for `streamlit run streamlit_app.py`."""

from shelterplan.app.main import run

# A process that this one starts reads this file anew, and must not open the app in doing so.
if __name__ == "__main__":
    run()
