"""What a server's report of a failure means: codes first, then words, then the status.

`Fault` is the report in no server's dialect; `failure` makes a `ProviderError` of it. The words of all servers
stand in one table, `_SAYINGS`, and are looked at only where no code decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from escalator.errors import ErrorKind, ProviderError
from escalator.providers.base import kind_of_status, retry_after

CODES: Mapping[str, ErrorKind] = {
    "apitimeouterror": "server_timeout",
    "authenticationerror": "auth",
    "billingerror": "quota",
    "billinghardlimitreached": "quota",
    "billingnotactive": "quota",
    "contextlengthexceeded": "context_overflow",
    "contextwindowexceeded": "context_overflow",
    "exceedcontextsizeerror": "context_overflow",
    "contextwindowexceedederror": "context_overflow",
    "deadlineexceeded": "server_timeout",
    "engineoverloaded": "overloaded",
    "insufficientquota": "quota",
    "invalidapikey": "auth",
    "missingapikey": "auth",
    "modelloading": "model_loading",
    "modelnotfound": "model_not_found",
    "modelnotfounderror": "model_not_found",
    "modelnotloaded": "model_not_loaded",
    "nodbconnection": "auth",
    "notfounderror": "model_not_found",
    "notsupportederror": "capability_missing",
    "outofmemory": "out_of_memory",
    "overloaded": "overloaded",
    "overloadederror": "overloaded",
    "permissiondenied": "auth",
    "permissiondeniederror": "auth",
    "permissionerror": "auth",
    "quotaexceeded": "quota",
    "ratelimiterror": "rate_limit",
    "ratelimitexceeded": "rate_limit",
    "requesttoolarge": "too_large",
    "serveroverloaded": "overloaded",
    "throttlingerror": "rate_limit",
    "timeouterror": "server_timeout",
    "unauthorized": "auth",
    "unsupportedparameter": "bad_request",
    "unsupportedvalue": "bad_request",
}
"""What an error's `code` or `type` means, written without case and punctuation."""

REFUSALS = frozenset({"contentfilter", "contentpolicyviolation", "responsibleaipolicyviolation"})
"""Codes of an error that is no failure: the provider declined what was asked."""

_SAYINGS: tuple[tuple[ErrorKind, tuple[str, ...]], ...] = (
    (
        "out_of_memory",
        (
            r"more (system|gpu|video) memory",
            r"out of (gpu |device |system |video )?memory",
            r"(insufficient|not enough) .{0,20}(memory|vram|ram\b)",
            r"insufficient system resources",
            r"(failed|unable) to allocate",
            r"outof(device|gpu)?memory",
            r"cudamalloc",
            r"\boom\b",
        ),
    ),
    (
        "context_overflow",
        (
            r"context[ _-]?(length|size|window)(?!_fallback)",
            r"contextwindowexceeded",
            r"maximum context",
            r"max_model_len",
            r"n_keep\b.*n_ctx",
            r"when context the overflows",
            r"(prompt|input) (is|was) too long",
            r"too many (input |prompt )?tokens",
            r"(input|prompt)( tokens?| length)?( count)? .{0,40}(exceeds?|greater than|longer than)\b",
            r"max_seq_len",
            r"must be <= \d+\. given",
            r"reduce the length of the (messages|prompt|input)",
        ),
    ),
    (
        "model_not_loaded",
        (
            r"no models? (is |are |was |were )?(currently )?loaded",
            r"\bnot (currently )?loaded\b",
            r"(failed|unable) to load model",
        ),
    ),
    ("server", (r"model has crashed", r"runner (process )?has (unexpectedly )?(terminated|stopped)")),
    (
        "model_loading",
        (r"loading (the )?model", r"\b(is|still|currently) (still |currently )?(loading|being loaded)\b"),
    ),
    (
        "schema_unsupported",
        (
            r"\bgrammar\b",
            r"response_format",
            r"json schema error",
            r"invalid json schema",
            r"json_schema",
            r"schema .{0,40}(not|un) ?supported",
            r"guided (json|decoding)|structured outputs? (is|are) not",
        ),
    ),
    (
        "capability_missing",
        (
            r"(does not|doesn't|do not|cannot) support",
            r"(image|vision|audio|tool)s? .{0,30}not supported",
            r"\bmmproj\b",
            r"not a multimodal model",
            r"at most 0 image",
        ),
    ),
    ("busy", (r"server (is )?busy", r"maximum pending requests", r"queue is full", r"no slots? available")),
    ("overloaded", (r"overloaded", r"(over|at) capacity")),
    (
        "quota",
        (
            r"exceeded your current quota",
            r"(insufficient|not enough) (balance|credits?|funds|quota)",
            r"credit balance",
            r"quota (is |has been )?exceeded",
            r"spend(ing)? limit",
        ),
    ),
    ("rate_limit", (r"rate[ _-]?limit", r"too many requests")),
    (
        "auth",
        (r"(invalid|incorrect|missing|no) api[ _-]?key", r"\bunauthori[sz]ed\b", r"authentication failed"),
    ),
    (
        "model_not_found",
        (
            r"model .{0,120}(not found|does not exist|doesn't exist|is unknown)",
            r"invalid model",
            r"(unknown|no such|cannot find|could not find) model",
            r"try pulling",
            r"pull model manifest",
            r"repository not found",
        ),
    ),
    ("too_large", (r"(payload|entity|request body) too large",)),
    ("server_timeout", (r"\btimed out\b", r"\btime-?out\b")),
)
"""What servers write, in lower case, as alternatives of one pattern; the first kind that matches decides."""

_WORDS = tuple((kind, re.compile("|".join(words))) for kind, words in _SAYINGS)

_DECIDED = frozenset({401, 402, 407})
_OF_429: frozenset[ErrorKind] = frozenset({"overloaded", "busy"})

_LIMIT = re.compile(
    r"(?:context (?:length|size|window)|n_ctx|maximum(?: number of tokens(?: allowed)?)?)"
    r"[^\d(]{0,40}?\(?(\d[\d,]{1,})"
)
_NEEDED = re.compile(
    r"(?:requested|request (?:has|\()|n_keep:|keep the first|contains(?: at least)?|passed|length \(|count \()"
    r"\s*(\d[\d,]{1,})"
)
_NUMBER = re.compile(r"(?<![\w.:/-])(\d[\d,]{2,})(?![\w./-]*[a-z])(?!:\w)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A server's report of a failure. `codes` are its code and type, squeezed; `number` a status inside it."""

    message: str
    codes: tuple[str, ...] = ()
    number: int | None = None
    needed: int | None = None
    limit: int | None = None
    param: str = ""

    @property
    def refused(self) -> bool:
        """Whether this reports no failure but that the provider declined."""
        return any(code in REFUSALS for code in self.codes)


def fault_in(payload: object) -> Fault | None:
    """The report inside a parsed body, or None where it reports none.

    Known shapes: `{"error": {...}}`, `{"error": "text"}` (the text may itself be JSON), vLLM's old flat
    `{"object": "error", ...}`, FastAPI's `{"detail": ...}`.
    """
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if isinstance(error, str) and error.strip():
        return _from_text(error)
    if isinstance(error, dict) and error:
        return _from_mapping(error)
    if isinstance(error, list) and error and isinstance(error[0], dict):
        return _from_mapping(error[0])
    if payload.get("object") == "error":
        return _from_mapping(payload)
    if "detail" in payload and "choices" not in payload:
        detail = payload["detail"]
        return Fault(message=detail if isinstance(detail, str) else json.dumps(detail))
    return None


def _from_text(text: str) -> Fault:
    if text.lstrip().startswith("{"):
        try:
            inner = fault_in(json.loads(text))
        except (ValueError, RecursionError):
            inner = None
        if inner is not None:
            return inner
    return Fault(message=text)


def _from_mapping(error: Mapping[str, object]) -> Fault:
    message = error.get("message") or error.get("error") or error.get("detail") or ""
    text = message if isinstance(message, str) else json.dumps(message)
    if text.lstrip().startswith("{"):
        inner = _from_text(text)
        if inner.message != text:
            return inner
    code, kind = error.get("code"), error.get("type")
    return Fault(
        message=text or (json.dumps(error)[:300] if error else ""),
        codes=tuple(
            _squeeze(word) for word in (code, kind, error.get("status")) if isinstance(word, str) and word
        ),
        number=_status(code),
        needed=_integer(error.get("n_prompt_tokens")),
        limit=_integer(error.get("n_ctx")),
        param=str(error.get("param") or ""),
    )


def _squeeze(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.lower())


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _status(value: object) -> int | None:
    number = int(value) if isinstance(value, str) and value.isdigit() else _integer(value)
    return number if number is not None and 400 <= number <= 599 else None


def fault_of_body(body: bytes) -> Fault | None:
    """The report in a body that is no stream: JSON, JSON in server-sent events, or a line of plain text."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith(("data:", "event:", ":")):
        text = "".join(line[5:] for line in text.splitlines() if line.startswith("data:")).strip()
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        is_line = bool(text) and len(text) <= 500 and not text.startswith(("<", "{", "["))
        return Fault(message=text) if is_line else None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    found = fault_in(payload)
    if found is None and isinstance(payload, dict) and isinstance(payload.get("message"), str):
        return _from_mapping(payload)
    return found


def failure(
    fault: Fault | None, *, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> ProviderError:
    """The `ProviderError` for a report of failure, or for a status where there is none to read.

    `status` below 400 means that the report came inside a successful answer.
    """
    kind = classify(fault, status=status)
    needed, limit = _tokens(fault) if fault is not None and kind == "context_overflow" else (None, None)
    said = " ".join(fault.message.split())[:400] if fault is not None else ""
    return ProviderError(
        _sentence(kind, status, said),
        kind=kind,
        status=status,
        retry_after=retry_after(headers or {}),
        needed=needed,
        limit=limit,
        body=body[:4000].decode("utf-8", "replace") or said,
    )


def classify(fault: Fault | None, *, status: int) -> ErrorKind:
    """How a call failed: by code, then by words, then by status."""
    if fault is None:
        return kind_of_status(status)
    if status < 400:
        status = fault.number or 500
    if status in _DECIDED:
        return kind_of_status(status)
    if status in {403, 429}:
        found = _by_code(fault) or _by_words(fault)
        return found if found == "quota" or (status == 429 and found in _OF_429) else kind_of_status(status)
    if fault.param.startswith("response_format"):
        return "schema_unsupported"
    found = _by_code(fault)
    if found in {None, "model_not_found", "server_timeout", "capability_missing"}:
        found = _by_words(fault) or found
    return found or kind_of_status(status)


def _by_code(fault: Fault) -> ErrorKind | None:
    return next((CODES[code] for code in fault.codes if code in CODES), None)


def _by_words(fault: Fault) -> ErrorKind | None:
    text = fault.message.lower()
    return next((kind for kind, words in _WORDS if words.search(text)), None)


def _tokens(fault: Fault) -> tuple[int | None, int | None]:
    """(needed, limit) in tokens, from the fields of the report or else from its words."""
    text = fault.message.lower()
    numbers = [_plain(number) for number in _NUMBER.findall(text)]
    pair = sorted(numbers[:2]) if len(numbers) >= 2 else [None, None]
    limit, needed = _LIMIT.search(text), _NEEDED.search(text)
    found_limit = fault.limit or (_plain(limit[1]) if limit else pair[0])
    found_needed = fault.needed or (_plain(needed[1]) if needed else pair[1])
    if found_limit is not None and found_needed == found_limit:
        found_needed = None
    return found_needed, found_limit


def _plain(number: str) -> int:
    return int(number.replace(",", ""))


_NEXT_STEPS: Mapping[ErrorKind, str] = {
    "auth": "Check the API key.",
    "quota": "The allowance is used up: raise it with the provider.",
    "rate_limit": "Wait, or send fewer requests at once.",
    "context_overflow": "Use a model with a larger window, or load this one with a larger context.",
    "model_not_found": "Check the model's id and base_url, or download the model.",
    "model_not_loaded": "Load the model on the server.",
    "model_loading": "Wait until the model is loaded.",
    "out_of_memory": "Use a smaller model or a smaller context.",
    "capability_missing": "Use a model that can do this.",
    "schema_unsupported": "Ask without the schema, or use another server.",
    "bad_request": "Check the model's options.",
    "too_large": "Send less.",
}


def _sentence(kind: ErrorKind, status: int, said: str) -> str:
    where = "The server reported a failure inside its answer" if status < 400 else f"The server answered {status}"
    text = f"{where}: {said}" if said else where
    text = text if text.endswith((".", "!", "?")) else text + "."
    return f"{text} {_NEXT_STEPS.get(kind, 'Its log may say more.')}"
