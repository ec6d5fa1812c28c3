"""When a request is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from escalator.execution.effects import Sleep
from escalator.execution.repeats import LONGEST_BACKOFF, TRANSIENT, may_repeat, repeated
from escalator.flow import Flow, drive
from escalator.records import Failure, Policies

NOBODY = frozenset[str]()


@dataclass(frozen=True)
class Reply:
    failure: Failure | None = None


def fail(kind: Any = "server", retry_after: float | None = None) -> Failure:
    return Failure(kind=kind, message="no", retry_after=retry_after)


def run(
    replies: list[Failure | None], *, alone: frozenset[str] = TRANSIENT, retries: int = 2, every: bool = False
) -> tuple[Reply, int, list[float]]:
    """Send until the policy has enough; the reply, the number of requests, the waits."""
    sent, waits = [Reply(replies[0])], list[float]()

    def again(number: int) -> Flow[Reply]:
        sent.append(Reply(replies[number]))
        return sent[-1]
        yield

    def perform(step: Any) -> None:
        assert isinstance(step, Sleep)
        waits.append(step.seconds)

    def worth(failure: Failure | None) -> bool:
        policies = Policies(transport_retries=retries, retry_every_rung=every)
        return may_repeat(failure, policies, alone=alone, remaining=None)

    flow = repeated(sent[0], again, failure_of=lambda r: r.failure, worth=worth, retries=retries)
    return drive(flow, perform), len(sent), waits


def test_success_is_never_repeated() -> None:
    """An answer is an answer: one request."""
    assert run([None]) == (Reply(), 1, [])


def test_while_another_model_can_be_asked_nothing_is_repeated_blindly() -> None:
    """A server error on a rung that is not the last goes straight to the next rung."""
    assert run([fail()], alone=NOBODY)[1:] == (1, [])


def test_retries_that_the_matrix_states_happen_on_every_rung() -> None:
    """Whoever writes `transport: {retries: 2}` gets them, also where another model could be asked."""
    assert run([fail(), fail("connection"), None], alone=NOBODY, every=True)[:2] == (Reply(), 3)
    assert run([fail(), fail(), fail()], alone=NOBODY, every=True, retries=1)[1] == 2


def test_a_failure_after_which_nobody_could_answer_is_repeated() -> None:
    """Where all models are one provider's, another model is no way round a connection that failed."""
    assert run([fail("connection"), None], alone=frozenset({"connection"}))[:2] == (Reply(), 2)
    assert run([fail("server")], alone=frozenset({"connection"}))[1] == 1


def test_the_last_rung_backs_off_and_tries_again() -> None:
    """Half a second, then longer, never more than the ceiling; two repeats by default."""
    reply, sent, waits = run([fail(), fail(), fail()])
    assert (reply.failure, sent) == (fail(), 3)
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= waits[1] + 0.25 <= LONGEST_BACKOFF


def test_a_named_wait_is_kept_to_the_letter() -> None:
    """The server's own wait is used, without jitter, and a repaired answer ends it."""
    reply, sent, waits = run([fail("rate_limit", 3.0), None], alone=NOBODY)
    assert (reply, sent, waits) == (Reply(), 2, [3.0])


def test_the_number_of_retries_is_the_matrixs() -> None:
    """With retries: 0 nothing is ever repeated; with 1, one."""
    assert run([fail(), fail()], retries=0)[1] == 1
    assert run([fail(), fail()], retries=1)[1] == 2


@pytest.mark.parametrize(
    "kind", ["auth", "quota", "bad_request", "context_overflow", "out_of_memory", "timeout", "refusal"]
)
def test_what_a_second_request_cannot_cure_is_not_repeated(kind: str) -> None:
    """A wrong key, a spent quota or an overflow is the same a second later."""
    assert not may_repeat(fail(kind), Policies(), alone=TRANSIENT, remaining=None)


@pytest.mark.parametrize(
    ("wait", "remaining", "repeats"), [(9.0, None, True), (11.0, None, False), (5.0, 4.0, False), (3.0, 4.0, True)]
)
def test_patience_and_deadline_bound_the_wait(wait: float, remaining: float | None, repeats: bool) -> None:
    """A wait beyond patience, or beyond what the deadline leaves, is not waited for."""
    assert may_repeat(fail("rate_limit", wait), Policies(), alone=TRANSIENT, remaining=remaining) is repeats


def test_a_loading_model_is_waited_for_even_if_another_could_answer() -> None:
    """A model that is being loaded will answer soon; leaving it would load another one."""
    assert may_repeat(fail("model_loading"), Policies(), alone=NOBODY, remaining=None)
