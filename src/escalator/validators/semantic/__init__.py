"""The semantic validator: a second model reads the answer against a list taken from the task."""
