"""An answer of Gemini, from the chunks of a stream or from one response."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.errors import ProviderError
from escalator.providers.base import Ending, condition, output_ceiling
from escalator.providers.sdk.provider import field, reported, text
from escalator.providers.usage import read_usage
from escalator.records import Completion, ToolCall

if TYPE_CHECKING:
    from escalator.providers.http.watch import Timing
    from escalator.records import Request, Usage

_REFUSALS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "MODEL_ARMOR",
    }
)
_FAILURES = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
        "OTHER",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
_NONE = frozenset({"", "FINISH_REASON_UNSPECIFIED"})


class GeminiAnswer:
    """Takes the chunks of one answer, or a whole response as its only chunk."""

    def __init__(self, request: Request, *, streamed: bool) -> None:
        self.done = False
        self._request, self._streamed = request, streamed
        self._begun = self._candidate = False
        self._id = self._model = self._finish = self._blocked = self._detail = ""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage: dict[str, object] = {}

    def take(self, chunk: object) -> None:
        """The next chunk. Usage in it replaces what was told before."""
        candidates = field(chunk, "candidates")
        feedback, usage = field(chunk, "prompt_feedback"), field(chunk, "usage_metadata")
        if candidates is None and feedback is None and usage is None:
            return
        self._begun = True
        self._id = text(field(chunk, "response_id")) or self._id
        self._model = text(field(chunk, "model_version")) or self._model
        self._blocked = _word(field(feedback, "block_reason")) or self._blocked
        self._usage |= reported(usage)
        for candidate in candidates[:1] if isinstance(candidates, list) else ():
            self._hear(candidate)

    def completion(self, timing: Timing) -> Completion:
        """What was answered. Raises `ProviderError` for a stream that was cut and for what is no answer."""
        if not self._begun:
            raise ProviderError(
                "The answer is not one of the Gemini API. Check base_url and what stands between.",
                kind="bad_response",
                billed=True,
            )
        if self._streamed and self._candidate and not self._finish and not self._blocked:
            raise ProviderError("The answer broke off before its end.", kind="stream_cut", billed=True)
        finish, ending = self._ending()
        words = "" if ending == "refusal" else "".join(self._texts)
        calls = tuple(self._calls)
        return Completion(
            text=words,
            model=self._model or self._request.model.id,
            finish=finish,
            condition=condition(ending, text=words, tool_calls=calls),
            detail=self._blocked or self._detail,
            usage=self.usage(),
            reasoning="".join(self._thoughts),
            tool_calls=calls,
            response_id=self._id,
            seconds=timing.seconds,
            first_byte_seconds=timing.first_byte,
        )

    def charge(self, error: ProviderError) -> ProviderError:
        """The error with the tokens used before it: those reported, else bounds on what was sent and written."""
        if self._begun:
            usage = self.usage()
            error.billed = True
            error.input_tokens = usage.input_tokens
            error.output_tokens = max(usage.output_tokens, 0 if self.done else self._written())
        return error

    def usage(self) -> Usage:
        """The tokens in our counting: all input with the cached, all output with the thinking."""
        found = read_usage(self._usage, self._request, self._parts())
        silent = not self._texts and not self._calls and "prompt_token_count" in self._usage
        return replace(found, estimated=False) if silent and not found.output_tokens else found

    def _hear(self, candidate: object) -> None:
        self._candidate = True
        parts = field(field(candidate, "content"), "parts")
        for part in parts if isinstance(parts, Iterable) else ():
            said, call = field(part, "text"), field(part, "function_call")
            if isinstance(said, str) and said:
                (self._thoughts if field(part, "thought") else self._texts).append(said)
            if call is not None:
                given = json.dumps(field(call, "args") or {}, ensure_ascii=False, default=str)
                self._calls.append(ToolCall(name=text(field(call, "name")), arguments=given))
        self._detail = text(field(candidate, "finish_message")) or self._detail
        reason = _word(field(candidate, "finish_reason"))
        if reason not in _NONE:
            self._finish, self.done = reason, True

    def _ending(self) -> tuple[str, Ending]:
        if self._blocked:
            return "prompt_blocked", "refusal"
        if not self._finish:
            return "", "stop" if not self._candidate else "unknown"
        if self._finish == "STOP":
            return ("tool_calls" if self._calls else "stop"), "stop"
        return _ending_of(self._finish)

    def _parts(self) -> list[str]:
        return [*self._texts, *self._thoughts, *(call.arguments for call in self._calls)]

    def _written(self) -> int:
        return output_ceiling(self._parts())


_KNOWN: Mapping[str, tuple[str, Ending]] = {
    "MAX_TOKENS": ("length", "length"),
    "CONTINUATION": ("continuation", "incomplete"),
}


def _ending_of(reason: str) -> tuple[str, Ending]:
    if reason in _KNOWN:
        return _KNOWN[reason]
    if reason in _REFUSALS or reason.startswith("IMAGE_"):
        return reason.lower(), "refusal"
    if reason in _FAILURES:
        return reason.lower(), "bad_output"
    return reason, "unknown"


def _word(value: object) -> str:
    """The wire's word for an enum member of the SDK, which makes one up for a word it does not know."""
    return text(getattr(value, "value", value))
