"""The Streamlit app: widgets only, one library function for each thing shown."""
