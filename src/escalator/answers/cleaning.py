"""Take off what is not the answer: transport debris, terminal escapes, stop tokens, reasoning."""

from __future__ import annotations

import re
from typing import Final

from escalator.answers.fences import Fence, fence_in
from escalator.languages.spaces import INVISIBLE, SPACES, plain_spaces

_ANSI = re.compile(
    r"\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b\n]{0,500}(?:\x07|\x1b\\)"
    r"|\x1b[@-Z\\^_()*+][A-Z0-9]?|\x9b[0-?]{0,40}[@-~]"
)
_LEADING = re.compile(rf"^(?=[ \t]*[{INVISIBLE}{SPACES}])[ \t{INVISIBLE}{SPACES}]+", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff]")

_STOP: Final = (
    r"(?:<\|(?:im_end|im_start|endoftext|end_of_text|eot_id|eom_id|end|return|eos|assistant|user|system"
    r"|endofprompt|file_sep|fim_pad|END_OF_TURN_TOKEN)\|>|<[|｜]end[▁_]of[▁_]sentence[|｜]>|</s>|<end_of_turn>"  # noqa: RUF001
    r"|<eos>|<EOT>|<\|EOT\|>|\[/INST\]|<end_of_utterance>)"
)
_STOP_TAIL = re.compile(rf"{_STOP}\Z")
_STOP_LINE = re.compile(rf"[ \t]*{_STOP}[ \t]*\Z")
_STOP_AFTER_FENCE = re.compile(rf"([ \t>]*(?:`{{3,}}|~{{3,}}))[ \t]*(?:{_STOP}[ \t]*)+\Z")
_NEXT_TURN = re.compile(
    r"(?:<\|im_end\|>|<\|eot_id\|>|<\|end\|>)\s*<\|(?:im_start|start|start_header_id)\|>.{0,40}"
)
_TURN_HEAD = re.compile(
    r"\A\s*(?:<\|(?:im_start|start)\|>\s*)?(?:<\|start_header_id\|>)?assistant(?:<\|end_header_id\|>|\n)"
)
_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|constrain\|>\s*\w+\s*)?(?:<\|message\|>|(?=\n|```))")
_BARE_CHANNELS = re.compile(r"\A\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z\"'`\s])")
_THINKING_CHANNEL = re.compile(r"\A\s*(?:assistant)?analysis(?=[A-Z][\w']* )")
_BARE_FINAL = re.compile(r"assistantfinal|(?:(?<=\nassistant\n)|(?<=\n))final(?=\n|```)")
_FINAL_HEAD = re.compile(r"\A\s*(?:assistantfinal|final(?=\n|```))")

_TAG: Final = r"(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|seed:think|antml:thinking)"
_OPEN = re.compile(rf"[ \t]*(?:<\|?{_TAG}\|?>|\[THINK\]|◁think▷)", re.IGNORECASE)
_CLOSE = re.compile(rf"(?:</\|?{_TAG}\|?>|<\|/{_TAG}\|>|\[/THINK\]|◁/think▷)", re.IGNORECASE)
_TAG_MARKS: Final = ("<", "[T", "[t", "[/", "◁")
"""Every tag begins with one of these."""

_ANY_TAG = re.compile(rf"</?\|?/?{_TAG}\|?>|\[/?THINK\]|◁/?think▷", re.IGNORECASE)


def clean(text: str) -> str:
    """Newlines become line feeds; gone are byte-order mark, terminal escapes, stop tokens and invisible
    characters at line starts; odd spaces there become spaces; surrogates are joined or replaced.
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text or "\x9b" in text:
        text = _ANSI.sub("", text)
    if not text.isascii():
        text = _LEADING.sub(_plain_indent, text)
    return _without_stop_tokens(text)


def without_reasoning(text: str, *, thought_apart: bool = False) -> str | None:
    """The text without what a model thought aloud, None if its thinking never ends. `thought_apart`: its thoughts
    came elsewhere, so that a tag which opens thinking and never ends it is only a leftover.

    Tags count only outside code, at the edge of a line. A closing tag without an
    opening one ends reasoning that began before the text. Inside a fence a tag is program data, unless the
    fence itself was left open in the reasoning.
    """
    final = list(_CHANNEL.finditer(text))
    if final:
        text = text[final[-1].end() :]
    elif text.lstrip().startswith("<|channel|>"):
        return None
    else:
        last = _final_channel(text)
        if last is None:
            return None
        text = last
    if not any(mark in text for mark in _TAG_MARKS):
        return text
    for _ in range(64):
        if not _ANY_TAG.search(text):
            break
        shorter = _one_thought_less(text.split("\n"))
        if shorter is None and thought_apart:
            return _OPEN.sub("", text.lstrip("\n"), count=1).strip("\n")
        if shorter is None or shorter == text:
            return shorter
        text = shorter
    return text


def _final_channel(text: str) -> str | None:
    """What a model says in the end whose channels lost their special tokens: "analysis...assistantfinal..."; None
    if it never comes to that.
    """
    if not _BARE_CHANNELS.match(text):
        return _FINAL_HEAD.sub("", text, count=1)
    ends = list(_BARE_FINAL.finditer(text))
    if not ends:
        return None if _THINKING_CHANNEL.match(text) else text
    return text[_last_outside_code(text, [end.end() for end in ends]) :]


def _last_outside_code(text: str, places: list[int]) -> int:
    """The last place that does not stand inside a block which began after an earlier one."""
    chosen = places[0]
    for place in places[1:]:
        if text.count("```", chosen, place) % 2 == 0:
            chosen = place
    return chosen


def _one_thought_less(lines: list[str]) -> str | None:
    opened: int | None = None
    inside: Fence | None = None
    doubts = 8
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    for number, line in enumerate(lines):
        if opened is None and inside is None and _opens(line, first=first == number):
            opened = number
        if inside is None and _closes(line, thinking=opened is not None):
            return _cut(lines, opened or 0, number)
        if inside is not None and doubts and _CLOSE.fullmatch(line.strip()):
            doubts -= 1
            if _left_open(lines, inside, number, thinking=opened is not None):
                return _cut(lines, opened or 0, number)
        inside = _next_state(inside, fence_in(line, number))
    return None if opened is not None else "\n".join(lines)


def _opens(line: str, *, first: bool) -> bool:
    """After the first line of an answer only a tag alone on its line counts: prose may be about tags."""
    found = _OPEN.match(line)
    return found is not None and (first or not line[found.end() :].strip() or bool(_CLOSE.search(line)))


def _closes(line: str, *, thinking: bool) -> bool:
    tags = list(_CLOSE.finditer(line))
    edge = line.strip()
    return bool(tags) and (thinking or edge.startswith(tags[0][0]) or edge.endswith(tags[-1][0]))


def _next_state(inside: Fence | None, fence: Fence | None) -> Fence | None:
    if fence is None:
        return inside
    if inside is None:
        return fence
    return None if fence.may_close(inside) else inside


def _left_open(lines: list[str], opener: Fence, closing: int, *, thinking: bool) -> bool:
    """Whether the fence around a closing tag began in the reasoning and was never closed there."""
    if any(_OPEN.match(line) for line in lines[opener.line + 1 : closing]):
        return False
    if thinking:
        return True
    after = (fence_in(lines[number], number) for number in range(closing + 1, len(lines)))
    fence = next((fence for fence in after if fence is not None), None)
    return fence is not None and bool(fence.info)


def _cut(lines: list[str], first: int, last: int) -> str:
    """The lines without first..last, but with what follows the closing tag on its line."""
    end = max(found.end() for found in _CLOSE.finditer(lines[last]))
    kept = [*lines[:first], lines[last][end:], *lines[last + 1 :]]
    return "\n".join(kept).strip("\n")


def _plain_indent(found: re.Match[str]) -> str:
    return plain_spaces(found[0])


def _without_stop_tokens(text: str) -> str:
    text = text.removeprefix("\ufeff")
    if "<" not in text and "[/INST]" not in text:
        return text
    turn = _NEXT_TURN.search(text)
    if turn and not turn[0].rstrip().endswith("assistant") and "final" not in turn[0]:
        text = text[: turn.start()]
    text = _TURN_HEAD.sub("", _without_stop_tail(text), count=1)
    if "<|" not in text and "</s>" not in text and "<e" not in text and "<｜" not in text:  # noqa: RUF001
        return text
    return "\n".join(_clean_line(line) for line in text.split("\n") if not _stop_line(line))


def _without_stop_tail(text: str) -> str:
    end = len(text.rstrip())
    while found := _STOP_TAIL.search(text[max(0, end - 40) : end]):
        end -= len(found[0])
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]


def _stop_line(line: str) -> bool:
    return "<|" in line and bool(_STOP_LINE.match(line))


def _clean_line(line: str) -> str:
    found = _STOP_AFTER_FENCE.match(line)
    return found[1] if found else line
