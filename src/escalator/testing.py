"""What a team needs to test code that uses escalator, and what escalator's own suite uses.

Scripted models, a ledger in memory, a clock that only moves when told to, a guard against real requests, and a
check for validators. Nothing here patches anything: fakes are passed in where the real things would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from escalator.errors import ErrorKind, ProviderError
from escalator.execution.effects import block_requests
from escalator.flow import drive
from escalator.forking import ForkLock
from escalator.ledger import MemoryLedger
from escalator.records import Brief, Candidate, ChangeSet, Completion, Failure, Model, Request, Usage, Verdict
from escalator.steps import Ask, Asked, Run

if TYPE_CHECKING:
    from escalator.validators import Validator

__all__ = [
    "MemoryLedger",
    "ScriptedProvider",
    "VirtualClock",
    "check_validator",
    "failure",
    "fenced",
    "no_model_requests",
]

Reply: TypeAlias = "str | Completion | BaseException"
Script: TypeAlias = "Mapping[str, Sequence[Reply]] | Callable[[Request], Reply]"


class ScriptedProvider:
    """A provider that says what it was told to say.

    `script` maps the matrix's model names to the replies they give in turn, or is a function of the request. A
    reply is a text, a `Completion`, or an exception to raise (`failure("rate_limit")`). `requests` are those
    received, in order. Running out of replies raises `AssertionError`: the test expected fewer calls.
    """

    scripted = True

    def __init__(
        self, script: Script, *, name: str = "scripted", seconds: float = 0.0, clock: VirtualClock | None = None
    ) -> None:
        self.name, self.requests = name, list[Request]()
        self._script, self._seconds, self._clock = script, seconds, clock
        self._given: dict[str, int] = {}
        self._lock = ForkLock()

    def complete(self, request: Request) -> Completion:
        """The next reply for the model asked."""
        reply = self._next(request)
        if self._clock is not None:
            self._clock.sleep(self._seconds)
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, Completion) else completion(reply, request)

    async def acomplete(self, request: Request) -> Completion:
        """The same; nothing here waits for anything real."""
        return self.complete(request)

    def _next(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if callable(self._script):
                return self._script(request)
            name = request.model.name
            number = self._given.get(name, 0)
            self._given[name] = number + 1
            replies = self._script.get(name)
        if replies is None:
            raise AssertionError(
                f"the script has no replies for the model {name!r}; it has {sorted(self._script)}"
            )
        if number >= len(replies):
            raise AssertionError(
                f"the model {name!r} was asked {number + 1} times, the script has {len(replies)} replies"
            )
        return replies[number]

    def asked(self, model: str) -> list[Request]:
        """The requests one model received."""
        return [request for request in self.requests if request.model.name == model]

    def close(self) -> None:
        """Nothing is held."""

    async def aclose(self) -> None:
        """Nothing is held."""


def completion(text: str, request: Request) -> Completion:
    """A finished answer to a request, with usage of a token for every four bytes."""
    sent = len(request.system.encode()) + sum(len(message.text.encode()) for message in request.messages)
    usage = Usage(input_tokens=sent // 4 + 1, output_tokens=min(len(text.encode()) // 4 + 1, request.max_tokens))
    return Completion(text=text, model=request.model.id, usage=usage, condition="ok" if text.strip() else "empty")


def failure(
    kind: ErrorKind, message: str = "", *, retry_after: float | None = None, billed: bool | None = None
) -> ProviderError:
    """A failed call as a reply of a script: `failure("rate_limit", retry_after=2)`.

    A "connection" was never made; what else may have been billed follows from the kind unless `billed` says it.
    """
    return ProviderError(
        message or f"scripted {kind}", kind=kind, retry_after=retry_after, sent=kind != "connection", billed=billed
    )


def fenced(code: str, *, path: str = "", language: str = "python") -> str:
    """Code as a model would write it: a fenced block, under its path if one is given."""
    heading = f"{path}\n" if path else ""
    return f"{heading}```{language}\n{code.rstrip()}\n```\n"


class VirtualClock:
    """A clock that moves only when somebody sleeps on it or moves it.

    Pass `clock`, `timer` and `sleep` of one object to `Escalator`. `slept` lists the seconds of every sleep.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now, self._elapsed, self.slept = start, 0.0, list[float]()
        self._lock = ForkLock()

    def clock(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def timer(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds
            self._elapsed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator would; the timer does not notice."""
        self._now += seconds


@contextmanager
def no_model_requests() -> Iterator[None]:
    """Within this block every request to a provider that is not scripted fails with kind "network_blocked".

    It holds for all threads and tasks of the process. Set it once in `conftest.py` and no test can spend.
    """
    with block_requests():
        yield


def check_validator(
    validator: Validator,
    files: Mapping[str, str | None] | None = None,
    *,
    prompt: str = "Do it.",
    base: Mapping[str, str] | None = None,
    answer: str = "",
    provider: ScriptedProvider | None = None,
    checker: Model | None = None,
    **brief: Any,
) -> Verdict:
    """Let a validator judge files ({path: content}) or an `answer`, and hold it to the rules for validators.

    `base` are the files before the change, `brief` further fields of `Brief` such as `tests` or `requirements`.
    Processes run in the real sandbox; questions to `checker` go to `provider`. Raises `AssertionError` if the
    validator raises, returns no `Verdict`, fails without feedback or is undecided without a reason.
    """
    from escalator.sandbox import Sandbox
    from escalator.validators import judge

    sandbox = Sandbox()

    def perform(step: object) -> object:
        if isinstance(step, Run):
            return sandbox.run(step.command)
        assert isinstance(step, Ask), f"a validator may yield Ask and Run, not {type(step).__name__}"  # noqa: S101
        assert provider is not None, "this validator asks a model; pass provider=ScriptedProvider(…)"  # noqa: S101
        try:
            return Asked(completion=provider.complete(step.request))
        except ProviderError as error:
            return Asked(failure=Failure(kind=error.kind, message=error.message))

    told = Brief(task_id="check", prompt=prompt, files=dict(base or {}), **brief)
    candidate = Candidate(brief=told, changes=ChangeSet(files=dict(files or {})), answer=answer, checker=checker)
    verdict = drive(judge(validator, candidate), perform)
    broken = verdict.status == "inconclusive" and verdict.reason == "error"
    assert not broken, f"the validator broke: {verdict.hint or verdict.feedback}"  # noqa: S101
    assert not verdict.failed or verdict.feedback, "a failed verdict must tell the model what to repair"  # noqa: S101
    assert verdict.status != "inconclusive" or verdict.reason, "an inconclusive verdict must say why"  # noqa: S101
    return verdict
