"""Where a server is: the parts of its base URL as HTTP wants them, and the proxy that stands before it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from socket import SOCK_STREAM, getaddrinfo
from urllib.parse import quote, unquote, urlsplit

from escalator.errors import ConfigError
from escalator.kinds import at_home, numeric

_PORTS = {"http": 80, "https": 443}
_KEPT = "/%?&=:@!$'()*+,;~[]"
"""What is left as it is in the path of a request."""


class Address:
    """A base URL taken apart once. A user's name in it is not sent. Raises `ConfigError` where it names no server.

    `port` is None where it is the scheme's own; `netloc` is what the Host header says.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError(
                f"The base URL {base_url!r} is no web address.", hint="Write it like http://localhost:1234."
            )
        self.scheme, self.host = parts.scheme, _ascii(parts.hostname)
        self.port = None if parts.port == _PORTS[parts.scheme] else parts.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.netloc = host if self.port is None else f"{host}:{self.port}"
        self._path = parts.path.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme == "https"

    def target(self, path: str) -> str:
        """The path below the base URL, as a request line has it."""
        return quote(self._path + path, safe=_KEPT) or "/"

    def url(self, path: str) -> str:
        """The whole URL of a path below the base URL."""
        return f"{self.scheme}://{self.netloc}{self.target(path)}"


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")


class Proxy:
    """A proxy of the environment: `url` without its user, `auth` the user's name and password."""

    def __init__(self, proxy_url: str, *, server: str) -> None:
        parts = urlsplit(proxy_url)
        if parts.scheme not in _PORTS:
            raise ConfigError(
                f"The proxy for {server} is of kind {parts.scheme!r}, which is not supported.",
                hint="Use an HTTP proxy, or name the server in NO_PROXY.",
            )
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
        self.url = f"{parts.scheme}://{host}:{parts.port or 80}"
        self.auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def proxy_of(url: str, *, direct: bool | None = None) -> Proxy | None:
    """The proxy the environment names for this URL; none for a `direct` one. Raises `ConfigError`.

    `direct` None: an address of one's own network is. A proxy there would read what was to stay at home.
    """
    if at_home(url) if direct is None else direct:
        return None
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    return None if not found or proxy_bypass(parts.hostname or "") else Proxy(found, server=url)


def strayed(url: str) -> str:
    """The address outside one's own networks that the host of this URL resolves to; empty if there is none.

    A name of one's own network may have a worldwide IPv6 address beside a private one. A name that nobody knows is
    nowhere, and so is what would be sent there.
    """
    host = urlsplit(url).hostname or ""
    try:
        found = getaddrinfo(host, None, type=SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    addresses = [numeric(str(entry[4][0]).partition("%")[0]) for entry in found]
    private = any(isinstance(address, IPv4Address) and not address.is_global for address in addresses)
    away = [
        str(address)
        for address in addresses
        if address is not None and address.is_global and not (private and isinstance(address, IPv6Address))
    ]
    return next(iter(away), "")
