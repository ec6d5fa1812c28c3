"""What a failure of transport stands for: which error, in which words, and whether it may have cost money."""

from __future__ import annotations

from escalator.errors import ErrorKind, ProviderError
from escalator.providers.http.watch import Watch


class UndecodableError(Exception):
    """A body that is not what its content encoding says."""


_UNREACHED = frozenset({"ConnectError", "ClientConnectorError", "ProxyError", "UnsupportedProtocol"})
_BEFORE = _UNREACHED | {"ConnectTimeout", "PoolTimeout"}
"""Failures that come before a request is written, where the connection itself does not say."""


def translate(error: Exception, watch: Watch, url: str) -> ProviderError:
    """The `ProviderError` that a failure of transport stands for."""
    names = {base.__name__ for base in type(error).__mro__}
    kind, message = _told(names, error, watch)
    sent = not names & _BEFORE if watch.sent is None else watch.sent
    return ProviderError(f"{url} {message}", kind=kind, status=watch.status, sent=sent)


def _too_late(watch: Watch) -> str:
    limits = watch.timeouts
    if watch.first_byte is None:
        waited = min(limits.first_byte, limits.total)
        return f"sent nothing within {waited:g} s. Allow more with timeouts.first_byte."
    if watch.stalled:
        return f"sent nothing more for {limits.idle:g} s. Allow more with timeouts.idle."
    return f"did not finish within {limits.total:g} s. Allow more with timeouts.total."


def _told(names: set[str], error: Exception, watch: Watch) -> tuple[ErrorKind, str]:
    limits = watch.timeouts
    late = bool(names & {"TimeoutException", "TimeoutError"})
    if "ConnectTimeout" in names or (late and watch.sent is False):
        waited = min(limits.connect, limits.first_byte, limits.total)
        return "connection", f"did not accept a connection within {waited:g} s. Is the server reachable?"
    if names & _UNREACHED:
        return "connection", f"cannot be reached ({error}). Start the server, or correct base_url."
    if late:
        return "timeout", _too_late(watch)
    if names & {"DecodingError", "UndecodableError"}:
        return "bad_response", f"sent a body that cannot be decoded ({error})."
    if watch.status is not None:
        return "stream_cut", f"closed the connection in the middle of its answer ({error})."
    if watch.received:
        return "bad_response", f"does not answer in HTTP ({error}). Check base_url."
    return "connection", f"closed the connection without an answer ({error}). Its log may say why."
