"""What one server wants otherwise than others do, read from the words of its refusal and kept for a model.

A refusal that names its cure is worth one more request, sent the way the server asked for; the next requests go
that way at once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.errors import ProviderError
from escalator.providers.chat.body import Terms

if TYPE_CHECKING:
    from escalator.records import Request

REFUSED = frozenset({400, 422})
"""Statuses of a request that was understood and not liked."""
NO_TEMPLATE = REFUSED | {500}
"""The same for one that could not be laid out as a model's prompt, which some servers count as their own fault."""

LEAST_ROOM = 512
"""Tokens that must be left for an answer, so that a shorter one is worth asking for; or all that was asked for."""

_DROPPABLE = ("stream_options", "temperature", "seed")
_UNWANTED = re.compile(
    r"not (?:supported|permitted|allowed|available)|unsupported|only (?:allowed|the default)|does not support"
    r"|extra_forbidden|unrecognized|unknown|unexpected"
)
_NO_STREAM = re.compile(
    r"verified to (?:use )?stream|\bstream(?:ing)?\b.{0,60}(?:not (?:supported|available|allowed|enabled|offered)"
    r"|unsupported|disabled)|(?:not|n't) (?:support|allow|offer)?\w* ?stream(?:ing)?\b"
    r"|\bstream\b\W{0,3}(?:to|must be|=|:)\W{0,3}false|[\"']param[\"']:\s*[\"']stream[\"']"
)
_NEW_LIMIT_NAME = re.compile(
    r"max_tokens.{0,80}(?:not supported|unsupported|deprecated|instead).*max_completion_tokens"
    r"|max_completion_tokens.{0,20}instead of.{0,20}max_tokens"
)
_NO_SYSTEM = re.compile(
    r"\bsystem\W{0,2} (?:role|message|prompt|instruction)s? (?:is |are )?(?:not |un)(?:supported|allowed|enabled)"
    r"|only user(?:,| and) (?:model|assistant)|roles must alternate|n(?:o|')t support (?:the |a )?\W?system\b"
    r"|(?:unsupported|unexpected|invalid|unknown) role\W{1,3}system\b|developer instruction is not enabled"
)
_NUMBER = re.compile(r"\d[\d,]*")
_STATUS = re.compile(r"answered \d{3}:")
"""Our own words before those of the server."""

_BEYOND = re.compile(r"\d\s*>\s*(\d[\d,]*)")
_WINDOW = re.compile(r"(?:context (?:length|size|window)|<=)[^\d(]{0,40}\(?(\d[\d,]*)")


def agreed(error: ProviderError, terms: Terms) -> Terms | None:
    """The terms under which the server will take what it refused under `terms`; None where it does not say."""
    said = f"{error.message} {error.body}".lower()
    found = terms
    if error.status in NO_TEMPLATE and _NO_SYSTEM.search(said):
        found = replace(found, system=False)
    if error.status in REFUSED:
        if _NEW_LIMIT_NAME.search(said):
            found = replace(found, new_limit_name=True)
        unwanted = (
            {name for name in _DROPPABLE if re.search(rf"[\"'`]{name}\b", said)}
            if _UNWANTED.search(said)
            else set()
        )
        found = replace(found, without=found.without | unwanted)
        if not unwanted and _NO_STREAM.search(said):
            found = replace(found, stream=False)
    return None if found == terms else found


def adapted(error: ProviderError, *, needed: int | None = None, limit: int | None = None) -> ProviderError:
    """The refusal as one that another request will not meet; the figures, where its answer has to be shorter."""
    error.kind, error.needed, error.limit = "adapted", needed, limit
    return error


def with_room(error: ProviderError, request: Request) -> ProviderError:
    """An overflow of which only the answer is to blame, as a refusal that a shorter answer will not meet."""
    if error.kind != "context_overflow" or error.status not in REFUSED:
        return error
    found = room(error.message, request.max_tokens)
    return error if found is None else adapted(error, needed=found[0], limit=found[1])


def room(message: str, asked: int) -> tuple[int, int] | None:
    """(prompt, window) in tokens, where the prompt fits into the window and the `asked` answer beside it does not.

    None where the words do not hold all three figures, or where too little is left for an answer.
    """
    text = _STATUS.sub("", message.lower())
    said = [_plain(number) for number in _NUMBER.findall(text)]
    named = _WINDOW.search(text) or _BEYOND.search(text)
    if named is None:
        return None
    window = _plain(named[1])
    fitting = [number for number in said if number != asked and number < window < number + asked]
    summed = [number for number in fitting if number + asked in said]
    tells_asked = said.count(asked) > (asked == window)
    prompt = max(summed or fitting * tells_asked, default=window)
    return (prompt, window) if window - prompt >= min(LEAST_ROOM, max(asked, 1)) else None


def _plain(number: str) -> int:
    return int(number.replace(",", ""))
