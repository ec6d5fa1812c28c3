"""The test validator: the project's own tests, run where the answer cannot touch what judges it."""
