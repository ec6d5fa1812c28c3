"""Tests of other languages than Python, run by their own runners and judged by one set of rules."""
