"""Claude through the `anthropic` package, version 2: one request a call, nothing retried, nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from escalator.kinds import KINDS
from escalator.providers.anthropic import errors
from escalator.providers.anthropic import request as asking
from escalator.providers.anthropic.answer import ClaudeAnswer
from escalator.providers.base import ModelInfo
from escalator.providers.bounds import of_claude
from escalator.providers.http.transport import DONE_GRACE
from escalator.providers.sdk.provider import PROBE, Exchange, SdkProvider, count, field, text

if TYPE_CHECKING:
    import anthropic
    import httpx2

    from escalator.errors import ProviderError
    from escalator.pricing import Bound
    from escalator.records import Completion, Request

_KIND = KINDS["anthropic"]


class Anthropic(SdkProvider["anthropic.Anthropic", "anthropic.AsyncAnthropic"]):
    """Claude, or any server that speaks the Messages API at `base_url`.

    The key is what is passed here and nothing else: no environment variable, profile or header is read by the
    SDK. `stream=False` asks for the answer in one piece; then the first-byte limit spans the whole answer.
    """

    _package = "anthropic"

    def __init__(
        self,
        name: str = "anthropic",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        key_hint: str = _KIND.key_env,
        stream: bool = True,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(
            name,
            default_url=_KIND.base_url,
            base_url=base_url,
            api_key=api_key,
            key_hint=key_hint,
            headers=headers,
            stream=stream,
            transport=transport,
            async_transport=async_transport,
        )

    def complete(self, request: Request) -> Completion:
        """Ask once and wait. Raises `ProviderError`."""
        answer, watch = ClaudeAnswer(request), Exchange(request.timeouts)
        with self._exchange(watch, request, answer):
            client, call = self._client(), self._call(request)
            watch.begin()
            sent = client.post(**call)
            if self.stream:
                with sent:
                    for event in sent:
                        self._take(answer, watch, event)
            else:
                self._whole(answer, sent)
        return self._settled(answer, watch, request)

    async def acomplete(self, request: Request) -> Completion:
        """The same without blocking the event loop; cancelling it closes the connection."""
        answer, watch = ClaudeAnswer(request), Exchange(request.timeouts)
        with self._exchange(watch, request, answer):
            client, call = await self._async_client(), self._call(request, of_loop=True)
            watch.begin()
            sent = await client.post(**call)
            if self.stream:
                async with sent:
                    async for event in sent:
                        self._take(answer, watch, event)
            else:
                self._whole(answer, sent)
        return self._settled(answer, watch, request)

    def bound(self, request: Request) -> Bound:
        """The most tokens it can be billed for."""
        return of_claude(request)

    def count_tokens(self, request: Request) -> int | None:
        """The tokens of the prompt as the provider counts them, by a free call; None where it does not say."""
        with self._exchange(Exchange(request.timeouts), request):
            return _counted(self._client().post("/v1/messages/count_tokens", **_counting(request)))

    async def acount_tokens(self, request: Request) -> int | None:
        """The same without blocking the event loop."""
        with self._exchange(Exchange(request.timeouts), request):
            client = await self._async_client()
            return _counted(await client.post("/v1/messages/count_tokens", **_counting(request)))

    def models(self) -> tuple[ModelInfo, ...]:
        """The models the key may use. Raises `ProviderError`."""
        with self._exchange(Exchange(PROBE)):
            listed = self._client().get("/v1/models", cast_to=object, options={"params": {"limit": 1000}})
            return tuple(_info(entry) for entry in field(listed, "data") or ())

    def _make(self, http: httpx2.Client) -> anthropic.Anthropic:
        import anthropic

        client = anthropic.Anthropic(http_client=http, **self._options())
        _forget_environment(client, self._headers)
        return client

    def _make_async(self, http: httpx2.AsyncClient) -> anthropic.AsyncAnthropic:
        import anthropic

        client = anthropic.AsyncAnthropic(http_client=http, **self._options())
        _forget_environment(client, self._headers)
        return client

    def _options(self) -> dict[str, Any]:
        return {
            "api_key": self._key_or_refuse(),
            "base_url": self.url,
            "max_retries": 0,
            "open_telemetry": False,
            "default_headers": self._headers,
        }

    def _call(self, request: Request, *, of_loop: bool = False) -> dict[str, Any]:
        """The arguments of `client.post`: the route `messages.create` takes, without its warnings and guesses."""
        import anthropic
        from anthropic.types import Message, RawMessageStreamEvent

        call: dict[str, Any] = {
            "path": "/v1/messages",
            "body": asking.body(request),
            "cast_to": Message,
            "options": {"timeout": request.timeouts.total},
        }
        if self.stream:
            kind: Any = anthropic.AsyncStream if of_loop else anthropic.Stream
            call["body"]["stream"] = True
            call.update(stream=True, stream_cls=kind[RawMessageStreamEvent])
        return call

    def _take(self, answer: ClaudeAnswer, watch: Exchange, event: object) -> None:
        answer.take(event)
        if answer.done:
            watch.hurry(DONE_GRACE)

    def _whole(self, answer: ClaudeAnswer, message: object) -> None:
        fault = errors.in_answer(message, url=self.url, key_hint=self._key_hint)
        if fault is not None:
            raise fault
        answer.whole(message)

    def _read(self, error: Exception) -> ProviderError | None:
        return errors.read(error, url=self.url, key_hint=self._key_hint)


def _forget_environment(client: Any, headers: Mapping[str, str]) -> None:
    """Send our headers alone: the SDK adds those of ANTHROPIC_CUSTOM_HEADERS and has no switch for it."""
    client._custom_headers = dict(headers)  # noqa: SLF001 - there is no public way


def _counting(request: Request) -> dict[str, Any]:
    return {"body": asking.counted(request), "cast_to": object}


def _counted(answer: object) -> int | None:
    return count(field(answer, "input_tokens"))


def _info(entry: object) -> ModelInfo:
    window = count(field(entry, "max_input_tokens"))
    return ModelInfo(id=text(field(entry, "id")), context=window, context_max=window)
