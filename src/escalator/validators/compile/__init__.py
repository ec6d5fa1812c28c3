"""The compile validator: the project's own compiler or type checker, found and read."""
