"""What the errors of the Gemini API and of google-genai mean. Details first, then statuses, words last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from escalator.errors import ErrorKind, ProviderError
from escalator.providers.base import kind_of_status, retry_after, retry_delay
from escalator.providers.failures import Fault, classify
from escalator.providers.sdk.provider import field, refusal, text

_REASONS: Mapping[str, ErrorKind] = {
    "API_KEY_INVALID": "auth",
    "API_KEY_EXPIRED": "auth",
    "API_KEY_SERVICE_BLOCKED": "auth",
    "ACCESS_TOKEN_EXPIRED": "auth",
    "CONSUMER_SUSPENDED": "auth",
    "SERVICE_DISABLED": "auth",
    "BILLING_DISABLED": "quota",
}
"""`reason` of a google.rpc.ErrorInfo."""

_STATUSES: Mapping[str, ErrorKind] = {
    "UNAUTHENTICATED": "auth",
    "PERMISSION_DENIED": "auth",
    "FAILED_PRECONDITION": "auth",
    "NOT_FOUND": "model_not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "server_timeout",
    "INTERNAL": "server",
    "UNKNOWN": "server",
    "ABORTED": "server",
    "CANCELLED": "cancelled",
    "INVALID_ARGUMENT": "bad_request",
    "OUT_OF_RANGE": "bad_request",
}
"""Canonical status of the API; FAILED_PRECONDITION is a region or an account that is not enabled."""

_KEY = re.compile(r"api key (?:not valid|expired|not found)|(?:invalid|missing) api key", re.IGNORECASE)
_SPENT = re.compile(
    r"per day|daily|monthly|spend(?:ing)? (?:cap|limit)|prepay|credits? (?:are|is) depleted", re.IGNORECASE
)
_MODALITY = re.compile(
    r"(?:modality|function calling|thinking|image input).{0,40}not (?:enabled|supported)", re.IGNORECASE
)
_SCHEMA = re.compile(r"response_?(?:json_?)?schema|json mode is not", re.IGNORECASE)


def read(error: Exception, *, url: str, key_hint: str) -> ProviderError | None:
    """What an error of the SDK means. None for failures of transport, and for what is no error of the SDK."""
    from google.genai import errors

    if isinstance(error, errors.APIError):
        return _api(error, url, key_hint)
    if isinstance(error, errors.UnknownApiResponseError):
        return ProviderError(f"{url} sent a chunk that is not JSON.", kind="bad_response")
    if isinstance(error, errors.ContinuationInterruptedError):
        return ProviderError(f"{url} broke a continued answer off.", kind="stream_cut")
    ours = (
        errors.UnknownFunctionCallArgumentError,
        errors.UnsupportedFunctionError,
        errors.FunctionInvocationError,
    )
    if isinstance(error, ours):
        return ProviderError(f"The google-genai package failed to call a tool: {error}", kind="bad_request")
    return None


def _api(error: Any, url: str, key_hint: str) -> ProviderError:
    details = tuple(_details(error.details))
    message = text(error.message) or json.dumps(error.details, default=str)[:500]
    code = error.code if isinstance(error.code, int) else 0
    kind = kind_of(code, status=text(error.status), message=message, details=details)
    headers = getattr(error.response, "headers", None) or {}
    waits = [wait for wait in (retry_after(dict(headers)), *_delays(details)) if wait is not None]
    return refusal(
        kind,
        message,
        url=url,
        key_hint=key_hint,
        status=code or None,
        wait=max(waits, default=None),
        body=json.dumps(error.details, default=str),
    )


def kind_of(code: int, *, status: str, message: str, details: tuple[Mapping[str, object], ...]) -> ErrorKind:
    """How a call failed: by the reasons in its details, its status and code, and last by its message."""
    for detail in details:
        reason = _REASONS.get(text(field(detail, "reason")))
        if reason is not None:
            return reason
    found = _STATUSES.get(status) or kind_of_status(code)
    if found == "rate_limit":
        return "quota" if _exhausted(details) or _SPENT.search(message) else "rate_limit"
    if _KEY.search(message):
        return "auth"
    if found not in {"bad_request", "server", "too_large"}:
        return found
    if _SCHEMA.search(message):
        return "schema_unsupported"
    if _MODALITY.search(message):
        return "capability_missing"
    told = classify(Fault(message=message), status=400)
    return told if told in {"context_overflow", "capability_missing", "schema_unsupported"} else found


def _details(body: object) -> Iterator[Mapping[str, object]]:
    error = field(body, "error") or body
    listed = field(error, "details")
    yield from (entry for entry in listed if isinstance(entry, Mapping)) if isinstance(listed, list) else ()


def _delays(details: tuple[Mapping[str, object], ...]) -> Iterator[float | None]:
    return (retry_delay(text(field(detail, "retryDelay"))) for detail in details if "retryDelay" in detail)


def _exhausted(details: tuple[Mapping[str, object], ...]) -> bool:
    """Whether a quota is gone until tomorrow, or is none at all: the wait that comes with it is misleading."""
    for detail in details:
        violations = field(detail, "violations")
        for violation in violations if isinstance(violations, list) else ():
            if "PerDay" in text(field(violation, "quotaId")) or str(field(violation, "quotaValue")) == "0":
                return True
    return False
