"""What the providers that speak through an SDK share: clients, one exchange at a time, errors with names."""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from escalator.errors import ProviderError
from escalator.providers.base import Health, ModelInfo, failed
from escalator.providers.http.faults import translate
from escalator.providers.http.watch import Timing, Watch, watching
from escalator.records import Timeouts

if TYPE_CHECKING:
    import asyncio

    import httpx2

    from escalator.errors import ErrorKind
    from escalator.records import Completion, Model, Request

PROBE = Timeouts(connect=5.0, first_byte=10.0, total=15.0)
"""How long a question about the provider itself may take."""

S = TypeVar("S")
A = TypeVar("A")


class Exchange(Watch):
    """The clock of one exchange, which also knows how to give up the connection that serves it from a thread.

    Not every SDK closes a stream that fails while it is read.
    """

    __slots__ = ("give_up",)

    def __init__(self, timeouts: Timeouts) -> None:
        super().__init__(timeouts)
        self.give_up: Callable[[], None] | None = None

    def begin(self) -> None:
        """Start the clock: loading an SDK takes a second or more, which is no time of the server's."""
        super().__init__(self.timeouts)


class Answer(Protocol):
    """An answer as it comes in. `done` once it is complete, whatever may still follow."""

    done: bool

    def completion(self, timing: Timing) -> Completion:
        """What was answered. Raises `ProviderError` where it is no answer or only a part of one."""
        ...

    def charge(self, error: ProviderError) -> ProviderError:
        """The error with what had been used before it happened."""
        ...


class SdkProvider(ABC, Generic[S, A]):
    """One SDK client for threads and one per event loop, each made when first needed.

    `key_hint` names what a person has to set when there is no key. A server of one's own, named by `base_url`,
    may do without.
    """

    _package: str
    _direct: bool | None = None

    def __init__(
        self,
        name: str,
        *,
        default_url: str,
        base_url: str | None,
        api_key: str | None,
        key_hint: str,
        headers: Mapping[str, str] | None,
        stream: bool,
        transport: httpx2.BaseTransport | None,
        async_transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self.name = name
        self.stream = stream
        self.url = (base_url or default_url).rstrip("/")
        self._own_server = self.url != default_url.rstrip("/")
        self._key, self._key_hint = (api_key or "").strip(), key_hint
        self._headers = dict(headers or {})
        self._given, self._given_async = transport, async_transport
        self._lock = threading.Lock()
        self._threads: tuple[httpx2.Client, S] | None = None
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept[A]] = WeakKeyDictionary()

    def reach(self, *, directly: bool) -> None:
        """Pass the environment's proxies by, or not, whatever the address says; before the first request."""
        self._direct = directly

    @abstractmethod
    def _make(self, http: httpx2.Client) -> S:
        """The SDK's client for threads over this HTTP client."""

    @abstractmethod
    def _make_async(self, http: httpx2.AsyncClient) -> A:
        """The SDK's client for an event loop over this HTTP client."""

    @abstractmethod
    def _read(self, error: Exception) -> ProviderError | None:
        """What an error of the SDK means, None where it is not one of the SDK's own."""

    def _load(self) -> None:
        """Import what takes long, off the event loop."""
        from importlib import import_module

        import_module(self._package)
        import_module("escalator.providers.sdk.wire")

    def _client(self) -> S:
        if self._threads is None:
            from escalator.providers.sdk.wire import open_client

            with self._lock:
                if self._threads is None:
                    http = open_client(self.url, self._given, direct=self._direct)
                    self._threads = (http, self._make(http))
        return self._threads[1]

    async def _async_client(self) -> A:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            await asyncio.to_thread(self._load)
        kept = self._loops.get(loop)
        if kept is None:
            from escalator.providers.sdk.wire import open_async_client

            http = open_async_client(self.url, self._given_async, direct=self._direct)
            kept = _Kept(http, self._make_async(http))
            with self._lock:
                for other in [other for other in self._loops if other.is_closed()]:
                    del self._loops[other]
                self._loops[loop] = kept
            await kept.watch_over()
        return kept.client

    def _key_or_refuse(self) -> str:
        """The key to send. Raises `ProviderError` before anything is sent where one is needed and missing."""
        if self._key or self._own_server:
            return self._key or "no-key-needed"
        raise ProviderError(
            f"Provider {self.name!r} has no API key. Set {self._key_hint} in the environment and start again.",
            kind="auth",
        )

    @abstractmethod
    def models(self) -> tuple[ModelInfo, ...]:
        """The models the provider offers for this key. Raises `ProviderError`."""

    def health(self) -> Health:
        """Whether the provider answers and takes the key."""
        started = time.monotonic()
        try:
            offered = len(self.models())
        except ProviderError as error:
            return Health(alive=False, seconds=time.monotonic() - started, detail=error.message)
        return Health(alive=True, seconds=time.monotonic() - started, detail=f"{offered} models are offered.")

    @contextmanager
    def _exchange(
        self, watch: Exchange, request: Request | None = None, answer: Answer | None = None
    ) -> Iterator[None]:
        """Run one exchange under its deadlines; a failure becomes a `ProviderError` that says where.

        A failure after the end of the answer spoils nothing.
        """
        token = watching.set(watch)
        try:
            self._key_or_refuse()
            yield
        except ProviderError as error:
            raise self._named(error, watch, request, answer) from error
        except Exception as error:
            if answer is None or not answer.done:
                known = self._translated(error, watch)
                if known is None:
                    raise
                raise self._named(known, watch, request, answer) from error
        finally:
            watching.reset(token)
            if watch.give_up is not None:
                watch.give_up()

    def _settled(self, answer: Answer, watch: Exchange, request: Request) -> Completion:
        try:
            return answer.completion(watch.timing())
        except ProviderError as error:
            raise self._named(error, watch, request, answer) from error

    def _named(
        self, error: ProviderError, watch: Exchange, request: Request | None, answer: Answer | None
    ) -> ProviderError:
        charged = error if answer is None else answer.charge(error)
        charged.status = watch.status
        return failed(charged, provider=self.name, request=request, secrets=(self._key,))

    def _translated(self, error: Exception, watch: Exchange) -> ProviderError | None:
        """What the error means; None for one that is a fault of ours and has to be seen."""
        from escalator.providers.http.models import TRANSPORT_ERRORS

        told = self._read(error)
        if told is not None:
            return told
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ProviderError):
                return cause
            if isinstance(cause, TRANSPORT_ERRORS):
                return translate(cause, watch, self.url)
            cause = cause.__cause__
        if watch.status is not None and (isinstance(error, (ValueError, RecursionError)) or self._stumbled(error)):
            return ProviderError(
                f"{self.url} sent a body that cannot be read ({type(error).__name__}). Check base_url.",
                kind="bad_response",
                status=watch.status,
                billed=watch.status < 400,
            )
        return None

    def _stumbled(self, error: Exception) -> bool:
        """Whether the SDK's own code failed over a body of a shape that it did not expect."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        return frame is not None and str(frame.tb_frame.f_globals.get("__name__")).startswith(self._package + ".")

    def close(self) -> None:
        """Close the connections of threads; the next call opens new ones."""
        with self._lock:
            kept, self._threads = self._threads, None
        if kept is not None:
            kept[0].close()

    async def aclose(self) -> None:
        """Close the connections of threads and those of the running event loop."""
        import asyncio

        self.close()
        with self._lock:
            kept = self._loops.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept.aclose()


class _Kept(Generic[A]):
    """The clients of one event loop, closed with the loop.

    A suspended async generator is what `asyncio.run` closes before its loop: its `finally` is our last chance.
    """

    def __init__(self, http: httpx2.AsyncClient, client: A) -> None:
        self.client = client
        self._http = http
        self._guard = self._guarding()

    async def _guarding(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self._http.aclose()

    async def watch_over(self) -> None:
        await anext(self._guard)

    async def aclose(self) -> None:
        await self._guard.aclose()


_ADVICE: Mapping[str, str] = {
    "auth": "Check the key in {key} and what it may be used for.",
    "quota": "Raise the limit in the provider's console, or use another provider.",
    "rate_limit": "Wait, or use another provider.",
    "model_not_found": "Correct the model id in the matrix.",
    "context_overflow": "Send less, or use a model with a larger window.",
    "too_large": "Send fewer or smaller files and images.",
    "schema_unsupported": "Simplify the response schema.",
}


def refusal(
    kind: ErrorKind,
    message: str,
    *,
    url: str,
    key_hint: str,
    status: int | None,
    wait: float | None = None,
    body: str = "",
) -> ProviderError:
    """The error that a provider's own message stands for, with the sizes it names and what to do about it."""
    needed, limit = sizes(message) if kind == "context_overflow" else (None, None)
    page = message.lstrip().startswith("<")
    said = "an HTML page" if page else " ".join(message.split()).rstrip(".")[:500]
    where = f"answered {status}" if status and status >= 400 else "reported a failure inside its answer"
    advice = _ADVICE.get(kind, "").format(key=key_hint)
    return ProviderError(
        f"{url} {where}: {said or 'no reason given'}. {advice}".strip(),
        kind=kind,
        status=status,
        retry_after=None if kind == "quota" else wait,
        needed=needed,
        limit=limit,
        body=body,
    )


_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d{2,}")
_SUM = re.compile(r"(\d[\d,]*)\s*\+\s*(\d[\d,]*)\s*>\s*(\d[\d,]*)")


def sizes(message: str) -> tuple[int | None, int | None]:
    """The tokens needed and the limit, where the message names these two alone, or a sum of two and a limit."""
    summed = _SUM.search(message)
    if summed is not None:
        prompt, answer, limit = (int(group.replace(",", "")) for group in summed.groups())
        return prompt + answer, limit
    numbers = [int(found.replace(",", "")) for found in _NUMBER.findall(message)]
    return (max(numbers), min(numbers)) if len(numbers) == 2 else (None, None)


def allowed(model: Model, names: frozenset[str]) -> dict[str, object]:
    """The model's options of these names. Raises `ProviderError` for one that is not sent to this provider."""
    for name in model.options:
        if name not in names:
            raise ProviderError(
                f"The option {name!r} of model {model.name!r} is not sent to {model.kind}. "
                f"Remove it; possible are {', '.join(sorted(names))}.",
                kind="bad_request",
            )
    return dict(model.options)


def field(value: object, name: str) -> Any:
    """A field of an SDK object, or of the mapping that the SDK left where the shape was not as declared."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def reported(usage: object) -> dict[str, object]:
    """The figures of an SDK's usage object that say anything, by name."""
    dump = getattr(usage, "model_dump", None)
    figures = dump(warnings=False) if callable(dump) else usage
    given = figures.items() if isinstance(figures, Mapping) else ()
    return {name: value for name, value in given if value is not None}


def text(value: object) -> str:
    """The value where it is text, else ""."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """The value where it is a number of tokens, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
