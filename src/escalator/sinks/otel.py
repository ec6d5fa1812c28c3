"""Events as OpenTelemetry spans and metrics, with the GenAI names where there are any.

One span a task, below it one for each attempt, below that one for each model call and verdict. The names are
written out as the conventions have them, since they moved house and no released package carries them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any

from escalator.errors import ConfigError
from escalator.events import (
    Answered,
    AttemptStarted,
    CallFinished,
    Event,
    Judged,
    Moved,
    PaidModelAhead,
    Planned,
    Sink,
    TaskEnded,
    TaskStarted,
    Warned,
)
from escalator.foreign import each_shown, shown
from escalator.kinds import kind_of
from escalator.records import Call, Isolation, Model, Plan, Usage
from escalator.records.facts import asked, attempt_facts, task_facts

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

OPEN_AT_MOST = 10_000
"""Tasks whose spans are kept open; the oldest one beyond is ended, as its task was never."""

USAGE_NAMES = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}


def _ours(*names: str, under: str = "") -> dict[str, str]:
    return {name: f"escalator.{under}{name}" for name in names}


# The facts that leave with a span, by attribute. A description, which has words of the prompt, is none of them.
PLACE_NAMES = _ours("rung", "tier", "local") | {"number": "escalator.attempt", "worker": "escalator.model"}
ANSWER_NAMES = _ours("rejection") | {"prompt_digest": "escalator.prompt.digest", "failure": "error.type"}
CLASS_NAMES = _ours("complexity", "confidence", under="task.") | {"task_type": "escalator.task.type"}
VERDICT_NAMES = _ours("isolation") | _ours("confidence", "required", "reason", under="validator.")
VERDICT_NAMES |= {"validator": "escalator.validator.name", "status": "escalator.validator.verdict"}
TASK_NAMES = _ours("cause", "worker", "attempts", "retries", "fallbacks", "escalations", "simulated")
TASK_NAMES |= {"status": "escalator.outcome", "cost": "escalator.cost.usd", "saved": "escalator.saved.usd"}

_BILLION = 1_000_000_000


def otel_sink(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    clock: Callable[[], int] = time.time_ns,
) -> Sink:
    """A sink that turns events into spans and metrics of the given providers, by default the global ones.

    A task's span becomes a child of the span that is current when the task starts. No prompt and no answer is
    ever attached. `clock` is nanoseconds since the epoch. Raises `ConfigError` where opentelemetry-api is missing.
    """
    try:
        from opentelemetry import metrics, trace
    except ImportError as error:
        raise ConfigError(
            "OpenTelemetry is not installed", key="otel_sink", hint="pip install 'escalator-router[otel]'"
        ) from error
    tracer = trace.get_tracer("escalator", tracer_provider=tracer_provider)
    meter = metrics.get_meter("escalator", meter_provider=meter_provider)
    return _OtelSink(tracer, _Instruments(meter), clock)


@dataclass(slots=True)
class _Task:
    """The open spans of one task and the models its plan may ask."""

    span: Span
    models: dict[str, Model] = field(default_factory=dict)
    attempt: Span | None = None
    task_type: str = ""


class _Instruments:
    """What is counted; names of ours begin with `escalator.`."""

    def __init__(self, meter: Any) -> None:
        self.duration = meter.create_histogram("gen_ai.client.inference.duration", unit="s")
        self.tokens_in = meter.create_counter("gen_ai.client.inference.usage.input_tokens", unit="{token}")
        self.tokens_out = meter.create_counter("gen_ai.client.inference.usage.output_tokens", unit="{token}")
        self.cost = meter.create_counter("escalator.cost", unit="USD")
        self.moves = meter.create_counter("escalator.moves", unit="{move}")
        self.tasks = meter.create_counter("escalator.tasks", unit="{task}")
        self.task_seconds = meter.create_histogram("escalator.task.duration", unit="s")


class _OtelSink:
    """Keeps the open spans by task id."""

    def __init__(self, tracer: Any, instruments: _Instruments, clock: Callable[[], int]) -> None:
        self._tracer, self._instruments, self._clock = tracer, instruments, clock
        self._tasks: OrderedDict[str, _Task] = OrderedDict()
        self._lock = Lock()

    def __call__(self, event: Event) -> None:
        """Open, annotate or end the spans the event is about."""
        if isinstance(event, TaskStarted):
            self._started(event)
            return
        task = self._tasks.get(event.task_id)
        if task is None and isinstance(event, CallFinished):
            self._started(TaskStarted(task_id=event.task_id, prompt=""))
            task = self._tasks[event.task_id]
        if task is not None:
            self._within(task, event)

    def _within(self, task: _Task, event: Event) -> None:  # noqa: C901  # one case an event
        match event:
            case Planned():
                self._planned(task, event.plan)
            case AttemptStarted():
                self._attempt_started(task, event)
            case CallFinished():
                self._called(task, event)
            case Answered():
                self._answered(task, event)
            case Judged():
                self._judged(task, event)
            case Moved():
                self._moved(task, event)
            case PaidModelAhead():
                self._paid(task, event)
            case Warned():
                task.span.add_event("escalator.warning", {"escalator.message": shown(event.message)})
            case TaskEnded():
                self._ended(task, event)
            case TaskStarted():
                pass

    def _started(self, event: TaskStarted) -> None:
        attributes = {"escalator.task.id": shown(event.task_id), "escalator.resumed": event.resumed}
        span = self._tracer.start_span("escalator.execute", start_time=self._clock(), attributes=attributes)
        with self._lock:
            before = self._tasks.pop(event.task_id, None)
            self._tasks[event.task_id] = _Task(span=span)
            lost = self._tasks.popitem(last=False)[1] if len(self._tasks) > OPEN_AT_MOST else None
        for task in (before, lost):
            if task is not None:
                self._close_attempt(task)
                task.span.end(end_time=self._clock())

    def _planned(self, task: _Task, plan: Plan) -> None:
        task.task_type = plan.classification.task_type
        for rung in plan.chain:
            task.models[rung.model.name] = rung.model
            if rung.checker is not None:
                task.models[rung.checker.name] = rung.checker
        task.span.set_attributes(
            {
                **_attributes(plan.classification, CLASS_NAMES),
                "escalator.chain": each_shown(rung.model.name for rung in plan.chain),
                "escalator.validators": each_shown(spec.name for spec in plan.validators),
            }
        )

    def _attempt_started(self, task: _Task, event: AttemptStarted) -> None:
        self._close_attempt(task)
        facts = asked(event.rung, event.number)
        attributes = {"escalator.task.id": shown(event.task_id), **_attributes(facts, PLACE_NAMES)}
        task.attempt = self._child(
            task.span, f"escalator.attempt {shown(facts.worker)}", attributes, start=self._clock()
        )

    def _called(self, task: _Task, event: CallFinished) -> None:
        if event.replayed:
            task.span.add_event("escalator.replayed", {"escalator.model": shown(event.call.model)})
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode

        call, now = event.call, self._clock()
        shared = self._request_attributes(task, call)
        attributes = {**shared, **_reply_attributes(call)}
        name = f"{shared['gen_ai.operation.name']} {shared['gen_ai.request.model']}"
        start = now - round(call.seconds * _BILLION)
        span = self._child(task.attempt or task.span, name, attributes, start=start, kind=SpanKind.CLIENT)
        if call.error is not None:
            span.set_status(Status(StatusCode.ERROR, call.error))
        span.end(end_time=now)
        self._count(call, {**shared, **({"error.type": call.error} if call.error else {})})

    def _request_attributes(self, task: _Task, call: Call) -> dict[str, Any]:
        model = task.models.get(call.model)
        kind = kind_of(model.kind if model is not None else call.provider)
        return {
            "gen_ai.operation.name": kind.otel_operation,
            "gen_ai.provider.name": kind.otel_name,
            "gen_ai.request.model": shown(model.id if model is not None else call.model),
            "escalator.model": shown(call.model),
            "escalator.purpose": call.purpose,
        }

    def _count(self, call: Call, attributes: dict[str, Any]) -> None:
        instruments = self._instruments
        instruments.duration.record(call.seconds, attributes)
        instruments.tokens_in.add(call.usage.input_tokens, attributes)
        instruments.tokens_out.add(call.usage.output_tokens, attributes)
        instruments.cost.add(float(call.cost), attributes)

    def _answered(self, task: _Task, event: Answered) -> None:
        if task.attempt is not None:
            task.attempt.set_attributes(_attributes(attempt_facts(event.attempt), ANSWER_NAMES))

    def _judged(self, task: _Task, event: Judged) -> None:
        verdict, now = event.verdict, self._clock()
        attributes = _attributes(verdict, VERDICT_NAMES)
        name, start = f"escalator.validate {verdict.validator}", now - round(verdict.seconds * _BILLION)
        self._child(task.attempt or task.span, name, attributes, start=start).end(end_time=now)

    def _moved(self, task: _Task, event: Moved) -> None:
        self._close_attempt(task)
        move = event.transition
        said = {"escalator.from": shown(move.from_model), "escalator.to": shown(move.to_model)}
        task.span.add_event(
            f"escalator.{move.kind}",
            {**said, "escalator.cause": move.cause, "escalator.escalation.reason": shown(move.reason)},
            timestamp=self._clock(),
        )
        counted = {
            "escalator.move": move.kind,
            "escalator.cause": move.cause,
            "escalator.task.type": task.task_type,
        }
        self._instruments.moves.add(1, counted)

    def _paid(self, task: _Task, event: PaidModelAhead) -> None:
        wanted = event.substitution
        said: dict[str, Any] = {
            "escalator.to": shown(wanted.to_model),
            "escalator.cost.highest_usd": float(wanted.highest_cost),
        }
        if event.approved is not None:
            said["escalator.approved"] = event.approved
        task.span.add_event("escalator.paid_model_ahead", said)

    def _ended(self, task: _Task, event: TaskEnded) -> None:
        from opentelemetry.trace import Status, StatusCode

        facts = task_facts(event.outcome)
        self._close_attempt(task)
        task.span.set_attributes(_attributes(facts, TASK_NAMES))
        if facts.status == "stopped":
            task.span.set_status(Status(StatusCode.ERROR, shown(facts.reason)))
        task.span.end(end_time=self._clock())
        counted = {"escalator.outcome": facts.status, "escalator.task.type": task.task_type}
        self._instruments.tasks.add(1, counted)
        self._instruments.task_seconds.record(facts.seconds, counted)
        with self._lock:
            self._tasks.pop(event.task_id, None)

    def _close_attempt(self, task: _Task) -> None:
        if task.attempt is not None:
            task.attempt.end(end_time=self._clock())
            task.attempt = None

    def _child(self, parent: Span, name: str, attributes: dict[str, Any], *, start: int, kind: Any = None) -> Span:
        from opentelemetry.trace import SpanKind, set_span_in_context

        span: Span = self._tracer.start_span(
            name,
            context=set_span_in_context(parent),
            start_time=start,
            attributes=attributes,
            kind=kind or SpanKind.INTERNAL,
        )
        return span


def _attributes(record: object, names: Mapping[str, str]) -> dict[str, Any]:
    """What is known of a record, under the names of attributes; money as a float."""
    found = {attribute: getattr(record, name) for name, attribute in names.items()}
    return {name: _value(value) for name, value in found.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, Isolation):
        return value.kind
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return float(value) if isinstance(value, Decimal) else shown(value) if isinstance(value, str) else value


def _reply_attributes(call: Call) -> dict[str, Any]:
    """What is known of a call once it came back; the cost has no name in the conventions."""
    found: dict[str, Any] = {
        USAGE_NAMES[name]: getattr(call.usage, name)
        for name in Usage.__dataclass_fields__
        if name in USAGE_NAMES and getattr(call.usage, name)
    }
    found |= {"escalator.cost.usd": float(call.cost), "escalator.rung": call.rung}
    if call.answered_by:
        found["gen_ai.response.model"] = call.answered_by
    if call.finish:
        found["gen_ai.response.finish_reasons"] = [call.finish]
    if call.error is not None:
        found["error.type"] = call.error
    return found
