"""Telling a model's thinking from its answer where the server left both in one text."""

from __future__ import annotations

import json
import re

from escalator.records import ToolCall

_OPENED = re.compile(r"\s*<(think|thinking|thought|reasoning)>(.*?)(?:</\1>|\Z)", re.DOTALL)
_CLOSING = re.compile(r"(?<![\"'`\\])</(?:think|thinking)>(?![\"'`\\])")
_TOOL_CALL = re.compile(r"\s*<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)


def split_thinking(text: str) -> tuple[str, str]:
    """(thinking, answer). Blocks count only where the text begins with them, so that an answer about such tags
    stays whole; a closing tag without an opening one counts where the template opened the block itself.
    """
    thoughts: list[str] = []
    rest = text
    while block := _OPENED.match(rest):
        thoughts.append(block[2].strip())
        rest = rest[block.end() :]
    if thoughts:
        return "\n".join(thought for thought in thoughts if thought), rest.strip()
    return _unopened(text)


def _unopened(text: str) -> tuple[str, str]:
    closing = _CLOSING.search(text)
    if closing is None or text.lstrip().startswith(("{", "[")):
        return "", text
    before = text[: closing.start()]
    if "<think" in before or before.count("```") % 2:
        return "", text
    return before.strip(), text[closing.end() :].strip()


def written_tool_calls(text: str) -> tuple[ToolCall, ...]:
    """The tool calls that a server without the matching parser left in the text, where it is nothing else."""
    calls: list[ToolCall] = []
    rest = text
    while found := _TOOL_CALL.match(rest):
        call = _tool_call(found[1])
        if call is None:
            return ()
        calls.append(call)
        rest = rest[found.end() :]
    return tuple(calls) if not rest.strip() else ()


def _tool_call(text: str) -> ToolCall | None:
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        return None
    arguments = call.get("arguments", {})
    return ToolCall(
        name=call["name"], arguments=arguments if isinstance(arguments, str) else json.dumps(arguments)
    )
