"""Gemini through the `google-genai` package, version 3.4: one request a call, nothing continued or called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from escalator.kinds import KINDS
from escalator.pricing.tokens import PER_SCHEMA
from escalator.providers.base import ModelInfo
from escalator.providers.bounds import of_gemini
from escalator.providers.google import errors
from escalator.providers.google import request as asking
from escalator.providers.google.answer import GeminiAnswer
from escalator.providers.google.quiet import quiet
from escalator.providers.http.transport import DONE_GRACE, FIGURES_GRACE
from escalator.providers.sdk.provider import PROBE, Exchange, SdkProvider, count, field, text

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from google.genai.client import AsyncClient

    from escalator.errors import ProviderError
    from escalator.pricing import Bound
    from escalator.records import Completion, Request

_KIND = KINDS["google"]


class Google(SdkProvider["genai.Client", "AsyncClient"]):
    """Gemini on the Developer API, or a server that speaks it at `base_url`.

    The key is what is passed here and nothing else. `api_version` "v1beta" has the `-latest` aliases.
    `stream=False` asks for the answer in one piece; then the first-byte limit spans the whole answer.
    """

    _package = "google.genai"

    def __init__(
        self,
        name: str = "google",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        key_hint: str = _KIND.key_env,
        stream: bool = True,
        api_version: str = "v1",
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
        self._version = api_version

    def complete(self, request: Request) -> Completion:
        """Ask once and wait. Raises `ProviderError`."""
        answer, watch = GeminiAnswer(request, streamed=self.stream), Exchange(request.timeouts)
        with quiet, self._exchange(watch, request, answer):
            models, call = self._client().models, _call(request)
            watch.begin()
            if self.stream:
                for chunk in models.generate_content_stream(**call):
                    _take(answer, watch, chunk)
            else:
                answer.take(models.generate_content(**call))
        return self._settled(answer, watch, request)

    async def acomplete(self, request: Request) -> Completion:
        """The same without blocking the event loop; cancelling it closes the connection."""
        answer, watch = GeminiAnswer(request, streamed=self.stream), Exchange(request.timeouts)
        with quiet, self._exchange(watch, request, answer):
            models, call = (await self._async_client()).models, _call(request)
            watch.begin()
            if self.stream:
                async for chunk in await models.generate_content_stream(**call):
                    _take(answer, watch, chunk)
            else:
                answer.take(await models.generate_content(**call))
        return self._settled(answer, watch, request)

    def bound(self, request: Request) -> Bound:
        """The most tokens it can be billed for."""
        return of_gemini(request)

    def count_tokens(self, request: Request) -> int | None:
        """The tokens of the prompt as the provider counts them, by a free call; None where it does not say."""
        with self._exchange(Exchange(request.timeouts), request):
            return _counted(self._client().models.count_tokens(**_counting(request)), request)

    async def acount_tokens(self, request: Request) -> int | None:
        """The same without blocking the event loop."""
        with self._exchange(Exchange(request.timeouts), request):
            models = (await self._async_client()).models
            return _counted(await models.count_tokens(**_counting(request)), request)

    def models(self) -> tuple[ModelInfo, ...]:
        """The models the key may use. Raises `ProviderError`."""
        with self._exchange(Exchange(PROBE)):
            listed = self._client().models.list(config={"page_size": 1000})
            return tuple(_info(entry) for entry in listed.page)

    def _make(self, http: httpx2.Client) -> genai.Client:
        import httpx2

        return self._open(http, httpx2.AsyncClient(transport=httpx2.MockTransport(_unused)))

    def _make_async(self, http: httpx2.AsyncClient) -> AsyncClient:
        import httpx2

        return self._open(httpx2.Client(transport=httpx2.MockTransport(_unused)), http).aio

    def _open(self, http: httpx2.Client, http_of_loop: httpx2.AsyncClient) -> genai.Client:
        """The SDK's client with both HTTP clients given: it would open those it is not given."""
        from google import genai
        from google.genai import types

        return genai.Client(
            vertexai=False,
            api_key=self._key_or_refuse(),
            http_options=types.HttpOptions(
                base_url=self.url,
                api_version=self._version,
                headers=dict(self._headers),
                httpx_client=http,
                httpx_async_client=http_of_loop,
            ),
        )

    def _read(self, error: Exception) -> ProviderError | None:
        return errors.read(error, url=self.url, key_hint=self._key_hint)


def _unused(request: httpx2.Request) -> httpx2.Response:
    raise RuntimeError(f"{request.url} was asked on the client of the other colour.")


def _call(request: Request) -> dict[str, Any]:
    return {
        "model": request.model.id,
        "contents": asking.contents(request),
        "config": asking.config(request),
    }


def _counting(request: Request) -> dict[str, Any]:
    return {"model": request.model.id, "contents": asking.contents(request, with_system=True)}


def _take(answer: GeminiAnswer, watch: Exchange, chunk: object) -> None:
    answer.take(chunk)
    if answer.done:
        watch.hurry(FIGURES_GRACE if answer.usage().estimated else DONE_GRACE)


def _counted(answer: object, request: Request) -> int | None:
    """The count, with a bound for the schema, which the route does not take."""
    tokens = count(field(answer, "total_tokens"))
    if tokens is None or request.schema is None:
        return tokens
    return tokens + len(json.dumps(dict(request.schema)).encode()) + PER_SCHEMA


def _info(entry: object) -> ModelInfo:
    window = count(field(entry, "input_token_limit"))
    return ModelInfo(id=text(field(entry, "name")).removeprefix("models/"), context=window, context_max=window)
