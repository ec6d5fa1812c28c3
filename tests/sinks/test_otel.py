"""Spans and metrics as a collector would get them."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from escalator.ledger import MemoryLedger
from escalator.sinks import otel_sink
from escalator.testing import failure
from houses import RIGHT, WRONG, House, chain_of

CLIMB = {"small": [WRONG, WRONG], "large": [failure("server")], "haiku": [RIGHT]}


class Collector:
    """A tracer and a meter that keep what they get."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider(metric_readers=[self._reader])

    def sink(self) -> Any:
        return otel_sink(self.tracers, self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, start: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name.startswith(start)]

    def points(self, metric: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        assert data is not None
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == metric]
        return [point for one in found for point in one.data.data_points]


def climbed() -> Collector:
    collector = Collector()
    House(CLIMB).execute(on_event=collector.sink(), task_id="t1")
    return collector


def test_a_task_is_one_trace() -> None:
    """Task, attempts, calls and verdicts hang together: attempts below the task, the rest below attempts."""
    collector = climbed()
    (root,) = collector.named("escalator.execute")
    attempts = collector.named("escalator.attempt")
    assert len({span.context.trace_id for span in collector.spans if span.context}) == 1
    assert [span.parent.span_id for span in attempts if span.parent] == [root.context.span_id] * len(attempts)
    below = {span.context.span_id for span in attempts}
    leaves = [*collector.named("chat"), *collector.named("escalator.validate")]
    assert all(span.parent is not None and span.parent.span_id in below for span in leaves)


def test_a_model_call_speaks_the_genai_names() -> None:
    """A call is a client span named by operation and model, with provider, models, usage and finish reason."""
    span = next(s for s in climbed().spans if s.name == "chat claude-haiku-5-5")
    attributes = dict(span.attributes or {})
    assert span.kind is SpanKind.CLIENT
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == "anthropic"
    assert attributes["gen_ai.request.model"] == "claude-haiku-5-5"
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.usage.input_tokens"] > 0
    assert attributes["escalator.cost.usd"] > 0
    assert "gen_ai.system" not in attributes


def test_a_failed_call_is_an_error_with_its_kind() -> None:
    """A server that fails gives an error span; an answer that fails its tests does not."""
    collector = climbed()
    broken = next(span for span in collector.spans if span.name == "chat large:30b")
    assert broken.status.status_code is StatusCode.ERROR
    assert (broken.attributes or {})["error.type"] == "server"
    assert all(span.status.status_code is StatusCode.UNSET for span in collector.named("escalator.validate"))


def test_moves_are_events_of_the_task() -> None:
    """Retry, escalation and fallback stand in the task's span with their reasons."""
    (root,) = climbed().named("escalator.execute")
    moves = [event for event in root.events if event.name != "escalator.paid_model_ahead"]
    assert [event.name for event in moves] == ["escalator.retry", "escalator.escalation", "escalator.fallback"]
    assert "adds failed" in str((moves[1].attributes or {})["escalator.escalation.reason"])


def test_no_prompt_and_no_answer_is_attached() -> None:
    """Nothing a model was told or said leaves with a span."""
    shown = " ".join(span.to_json() for span in climbed().spans)
    assert "Fix add()" not in shown
    assert "return a" not in shown


def test_the_task_span_tells_how_it_ended() -> None:
    """Outcome, worker, counts, cost and saving are attributes of the task."""
    (root,) = climbed().named("escalator.execute")
    attributes = dict(root.attributes or {})
    assert attributes["escalator.outcome"] == "accepted"
    assert attributes["escalator.worker"] == "haiku"
    assert (
        attributes["escalator.retries"],
        attributes["escalator.escalations"],
        attributes["escalator.fallbacks"],
    ) == (1, 1, 1)
    assert attributes["escalator.cost.usd"] > 0


def test_a_task_continues_the_caller_s_trace() -> None:
    """Inside a span of the application the task's span is its child."""
    collector = Collector()
    with collector.tracers.get_tracer("app").start_as_current_span("request") as request:
        House({"small": [RIGHT]}).execute(on_event=collector.sink())
    (root,) = collector.named("escalator.execute")
    assert root.parent is not None
    assert root.parent.span_id == request.get_span_context().span_id


def test_a_resumed_task_shows_replayed_calls_as_events() -> None:
    """A call read from the ledger took no time now, so it is no span."""
    ledger = MemoryLedger()
    away = [failure("server")] * 9
    House({"small": [WRONG, WRONG], "large": away, "haiku": away}, ledger=ledger).execute(task_id="t1")
    collector = Collector()
    House(
        {}, ledger=ledger, approve=None, cost_guard={"before_paid": "deny"}, task_types=chain_of("small")
    ).execute(task_id="t1", on_event=collector.sink())
    (root,) = collector.named("escalator.execute")
    assert collector.named("chat") == []
    assert {event.name for event in root.events} >= {"escalator.replayed"}


def test_calls_and_moves_are_counted() -> None:
    """Metrics tell seconds and tokens by model, moves by kind, tasks by outcome."""
    collector = climbed()
    durations = collector.points("gen_ai.client.inference.duration")
    assert sum(point.count for point in durations) == len(collector.named("chat"))
    moves = {point.attributes["escalator.move"]: point.value for point in collector.points("escalator.moves")}
    assert moves == {"retry": 1, "escalation": 1, "fallback": 1}
    (tasks,) = collector.points("escalator.tasks")
    assert (tasks.value, tasks.attributes["escalator.outcome"]) == (1, "accepted")
    assert sum(point.value for point in collector.points("gen_ai.client.inference.usage.output_tokens")) > 0
