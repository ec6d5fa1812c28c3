"""Events as structlog log events, in whatever way the application has set structlog up."""

from __future__ import annotations

from escalator.events import Event, Sink
from escalator.foreign import shown
from escalator.sinks.facts import Facts, facts_of

QUIET = frozenset({"attempt_started", "call", "answered", "verdict"})
LOUD = frozenset({"warning", "paid_model_ahead"})


def structlog_sink(logger: object = None, *, content: bool = False) -> Sink:
    """A sink that logs every event under its name with its facts as key-value pairs.

    `logger`: a structlog logger; default `structlog.get_logger("escalator")`. Attempts, moves and the ends of
    tasks are logged as info, single calls and verdicts as debug, and what a person should know as warning.
    `content` adds prompts, answers and findings.
    """
    import structlog

    log = logger if logger is not None else structlog.get_logger("escalator")

    def sink(event: Event) -> None:
        for facts in facts_of(event, content=content):
            name = facts.pop("event")
            getattr(log, _level(name, facts))(name, **{key: _seen(value) for key, value in facts.items()})

    return sink


def _seen(value: object) -> object:
    """A value as a terminal may be given it."""
    if isinstance(value, list):
        return [_seen(item) for item in value]
    return shown(value, lines=True) if isinstance(value, str) else value


def _level(name: str, facts: Facts) -> str:
    if name in LOUD or (name == "task_ended" and facts["status"] != "accepted"):
        return "warning"
    return "debug" if name in QUIET else "info"
