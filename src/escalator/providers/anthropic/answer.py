"""An answer of Claude's Messages API, from the events of a stream or from one message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING

from escalator.errors import ProviderError
from escalator.providers.base import Ending, condition, output_ceiling
from escalator.providers.sdk.provider import field, reported, text
from escalator.providers.usage import read_usage
from escalator.records import Completion, ToolCall

if TYPE_CHECKING:
    from escalator.providers.http.watch import Timing
    from escalator.records import Request, Usage

_ENDINGS: Mapping[str, tuple[str, Ending]] = {
    "end_turn": ("stop", "stop"),
    "stop_sequence": ("stop", "stop"),
    "tool_use": ("tool_calls", "stop"),
    "max_tokens": ("length", "length"),
    "model_context_window_exceeded": ("context_window", "length"),
    "refusal": ("refusal", "refusal"),
    "pause_turn": ("pause", "incomplete"),
}
"""Claude's stop reasons in our words; one that is not here did not exist when this was written."""


@dataclass(kw_only=True, slots=True)
class _Block:
    kind: str
    name: str = ""
    parts: list[str] = default(default_factory=list)


class ClaudeAnswer:
    """Takes the events of one answer, or a whole message, and says what it was."""

    def __init__(self, request: Request) -> None:
        self.done = False
        self._request = request
        self._begun = False
        self._id = self._model = ""
        self._stop: str | None = None
        self._detail = ""
        self._blocks: dict[int, _Block] = {}
        self._usage: dict[str, object] = {}

    def take(self, event: object) -> None:
        """The next event of a stream; kinds that did not exist when this was written are passed over."""
        kind = field(event, "type")
        if kind == "message_start":
            self._begin(field(event, "message"))
        elif kind == "content_block_start":
            self._blocks[self._index(event)] = _block(field(event, "content_block"))
        elif kind == "content_block_delta":
            self._grow(self._index(event), field(event, "delta"))
        elif kind == "message_delta":
            self._end(field(event, "delta"))
            self._use(field(event, "usage"))
        elif kind == "message_stop":
            self.done = True

    def whole(self, message: object) -> None:
        """A message that came in one piece, or whatever the SDK made of something else."""
        content = field(message, "content")
        if not isinstance(content, list):
            return
        self._begin(message)
        self._blocks = dict(enumerate(_block(part) for part in content))
        self._end(message)
        self.done = True

    def completion(self, timing: Timing) -> Completion:
        """What was answered. Raises `ProviderError` for a stream that was cut and for what is no answer."""
        if not self._begun:
            raise ProviderError(
                "The answer is not one of the Messages API. Check base_url and what stands between.",
                kind="bad_response",
                billed=True,
            )
        if self._stop is None:
            raise ProviderError("The answer broke off before its end.", kind="stream_cut", billed=True)
        finish, ending = _ENDINGS.get(self._stop, (self._stop, "unknown"))
        calls = tuple(ToolCall(name=block.name, arguments="".join(block.parts)) for block in self._of("tool_use"))
        words = "" if ending == "refusal" else self._text("text")
        return Completion(
            text=words,
            model=self._model or self._request.model.id,
            finish=finish,
            condition=condition(ending, text=words, tool_calls=calls),
            detail=self._detail,
            usage=self.usage(),
            reasoning=self._text("thinking"),
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
        return read_usage(self._usage, self._request, self._parts())

    def _begin(self, message: object) -> None:
        self._begun = message is not None
        self._id, self._model = text(field(message, "id")), text(field(message, "model"))
        self._use(field(message, "usage"))

    def _end(self, holder: object) -> None:
        reason = field(holder, "stop_reason")
        if isinstance(reason, str):
            self._stop = reason
        details = field(holder, "stop_details")
        self._detail = text(field(details, "category")) or text(field(details, "explanation")) or self._detail

    def _use(self, usage: object) -> None:
        self._usage |= reported(usage)

    def _grow(self, index: int, delta: object) -> None:
        for name, kind in (("text", "text"), ("thinking", "thinking"), ("partial_json", "tool_use")):
            part = field(delta, name)
            if isinstance(part, str):
                self._blocks.setdefault(index, _Block(kind=kind)).parts.append(part)

    def _index(self, event: object) -> int:
        index = field(event, "index")
        return index if isinstance(index, int) else len(self._blocks)

    def _of(self, kind: str) -> list[_Block]:
        return [block for _, block in sorted(self._blocks.items()) if block.kind == kind]

    def _text(self, kind: str) -> str:
        return "".join(part for block in self._of(kind) for part in block.parts)

    def _parts(self) -> list[str]:
        return [part for block in self._blocks.values() for part in block.parts]

    def _written(self) -> int:
        return output_ceiling(self._parts())


def _block(content: object) -> _Block:
    kind = text(field(content, "type"))
    block = _Block(kind=kind, name=text(field(content, "name")))
    if kind == "tool_use":
        given = field(content, "input")
        block.parts = [json.dumps(given, ensure_ascii=False)] if given else []
    else:
        block.parts = [part for part in (text(field(content, kind)),) if part]
    return block
