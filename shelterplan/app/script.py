"""The script that Streamlit runs, as its main module, for each page view of `shelterplan app`."""

from shelterplan.app.main import run

if __name__ == "__main__":
    run()
