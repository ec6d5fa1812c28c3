"""What the errors of Claude's API and of its SDK mean. Codes first, then statuses, message fragments last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from escalator.errors import ErrorKind, ProviderError
from escalator.providers.base import kind_of_status, retry_after
from escalator.providers.failures import Fault, classify
from escalator.providers.sdk.provider import count, field, refusal, text

if TYPE_CHECKING:
    import anthropic

STATUSES: Mapping[int, ErrorKind] = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "model_not_found",
    408: "server_timeout",
    409: "server",
    412: "bad_request",
    413: "too_large",
    422: "bad_request",
    429: "rate_limit",
    431: "too_large",
    499: "cancelled",
    501: "server",
    503: "unavailable",
    504: "server_timeout",
    529: "overloaded",
}
"""Every status the SDK has a class for."""

_TYPES: Mapping[str, ErrorKind] = {
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "quota",
    "overloaded_error": "overloaded",
    "timeout_error": "server_timeout",
    "rate_limit_error": "rate_limit",
    "not_found_error": "model_not_found",
    "invalid_request_error": "bad_request",
    "request_too_large": "too_large",
    "api_error": "server",
    "exceed_context_size_error": "context_overflow",
}
"""What `error.type` says; it decides inside a stream, where the status is 200 whatever happened."""

_CODES: Mapping[str, ErrorKind] = {
    "enforced_spend_limit_reached": "quota",
    "contract_spend_limit_reached": "quota",
    "linked_organization_spend_limit_reached": "quota",
    "linked_organization_billing_unavailable": "quota",
    "storage_quota_exceeded": "quota",
    "ramp_limit_exceeded": "rate_limit",
    "organization_on_hold": "auth",
    "organization_not_enrolled_in_beta": "auth",
    "organization_type_not_supported": "auth",
    "cmek_key_disabled": "auth",
    "cmek_key_network_blocked": "auth",
    "workspace_policy_violation": "auth",
    "request_body_timeout": "server_timeout",
    "request_body_too_large_after_decoding": "too_large",
}
"""Codes that mean something else than their status."""

_SPENT = re.compile(r"(?:usage|spend|spending|billing) limit|credit balance|insufficient credit", re.IGNORECASE)
"""What only the message tells of a limit that the customer set: such a call fails with a plain 400."""

_OVERFLOW = re.compile(r"prompt is too long|context limit", re.IGNORECASE)
"""How Claude's own API puts an overflow, for which it has no code; other servers' words are known elsewhere."""


def read(error: Exception, *, url: str, key_hint: str) -> ProviderError | None:
    """What an error of the SDK means. None for failures of transport, and for what is no error of the SDK."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        return _status(error, url, key_hint)
    if isinstance(error, anthropic.APIConnectionError):
        return None if error.__cause__ is not None else _say("connection", f"{url} cannot be reached.")
    if isinstance(error, anthropic.APIResponseValidationError):
        return _say("bad_response", f"{url} sent an answer of another shape than the SDK knows.")
    if isinstance(error, anthropic.CredentialsError):
        return _say("auth", f"The SDK found no usable credential. Set {key_hint}.")
    if isinstance(error, anthropic.AnthropicError):
        return _say("bad_response", f"The anthropic package failed: {error}")
    return None


def _say(kind: ErrorKind, message: str) -> ProviderError:
    return ProviderError(message, kind=kind)


def _status(error: anthropic.APIStatusError, url: str, key_hint: str) -> ProviderError:
    detail = field(error.body, "error")
    message = text(field(detail, "message")) or text(error.body) or error.message
    kind = kind_of(
        error.status_code, kind=text(field(detail, "type")), code=error.error_code or "", message=message
    )
    told = refusal(
        kind,
        message,
        url=url,
        key_hint=key_hint,
        status=error.status_code,
        wait=retry_after(error.response.headers),
        body=error.body if isinstance(error.body, str) else json.dumps(error.body, default=str),
    )
    if kind == "context_overflow":
        told.needed = count(field(detail, "n_prompt_tokens")) or told.needed
        told.limit = count(field(detail, "n_ctx")) or told.limit
    return told


def kind_of(status: int, *, kind: str, code: str, message: str) -> ErrorKind:
    """How a call failed: by its code, else its status (inside a stream its type), else its message."""
    if code in _CODES:
        return _CODES[code]
    by_type = _TYPES.get(kind)
    if status < 400:
        found = by_type or "server"
    elif by_type in {"context_overflow", "quota"}:
        found = by_type
    else:
        found = STATUSES.get(status) or kind_of_status(status)
    if found in {"bad_request", "rate_limit"} and _SPENT.search(message):
        return "quota"
    if found in {"bad_request", "too_large", "server", "unavailable"}:
        told = "context_overflow" if _OVERFLOW.search(message) else classify(Fault(message=message), status=400)
        return found if told == "bad_request" else told
    return found


def in_answer(body: object, *, url: str, key_hint: str) -> ProviderError | None:
    """The failure that a 200 answer carries in its body instead of a message, None where it carries none."""
    detail = field(body, "error")
    if detail is None:
        return None
    message = text(field(detail, "message")) or text(detail)
    kind = kind_of(200, kind=text(field(detail, "type")), code="", message=message)
    return refusal(kind, message, url=url, key_hint=key_hint, status=200)
