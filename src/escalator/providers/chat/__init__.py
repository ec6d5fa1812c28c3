"""Servers that speak OpenAI's chat completions: what they are sent and how their answers are read."""
