"""Listeners to what happens: structlog, JSON Lines, OpenTelemetry, notices of reviews.

Pass any of them as `on_event=` to `Escalator` or `execute`. A sink that fails is reported once and left out; it
cannot stop a task.
"""

from __future__ import annotations

from escalator.sinks.facts import Facts, facts_of
from escalator.sinks.lines import JsonLinesSink
from escalator.sinks.notify import Notice, Webhook, review_notices
from escalator.sinks.otel import otel_sink
from escalator.sinks.structured import structlog_sink

__all__ = [
    "Facts",
    "JsonLinesSink",
    "Notice",
    "Webhook",
    "facts_of",
    "otel_sink",
    "review_notices",
    "structlog_sink",
]
