"""The one door for what others wrote: text and addresses on their way to a terminal, a log, a page or a table.

A server's error, a model's name, a prompt or a test's output may hold what steers a terminal, turns the reading
order round or begins a formula; an address may hold a password. Here both become what may be seen. What has passed
once passes again unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
"""What stands where a password or key stood."""

_STEERING: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
_ONE_LINE: Final = re.compile(rf"[{_STEERING}\U000e0000-\U000e007f]")
_LINES: Final = re.compile(rf"(?![\t\n])[{_STEERING}\U000e0000-\U000e007f]")
_OUTSIDE_JSON: Final = re.compile(rf"(?!\n)[{_STEERING}\U000e0000-\U000e007f]")

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>`]+")
_SECRET_NAME: Final = re.compile(
    r"pass|pwd|secret|token|credential|auth|signature|^sig$|(?:^|[_.-]|api|ssl|access|private)key", re.IGNORECASE
)
_SETTING: Final = re.compile(
    r"(?P<name>\b[\w-]{0,40}(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key"
    r"|(?:access|auth|bearer|refresh)[_-]?token)\s?=\s?)(?P<value>\*{3}|'(?:[^'\\]|\\.){0,400}'|[^\s'\"&;,)]{1,400})",
    re.IGNORECASE,
)
_TOKEN_IN_PATH: Final = re.compile(r"(?<=/)(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[\w-]{24,}(?![\w.-]*\w)")
_LONE_USER: Final = 16
"""Characters from which on a user without a password is taken for a token."""

_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")
_FORMULA_TOO: Final = ("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")


def shown(text: str, *, lines: bool = False) -> str:
    """The text with everything visible that steers a terminal or the reading order, in the letters of Python.

    A field of one line shows its line breaks too; with `lines` they, and tabs, stay what they are.
    """
    if lines:
        return _LINES.sub(_spelt, text.replace("\r\n", "\n"))
    return text if text.isascii() and text.isprintable() else _ONE_LINE.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def said(text: str) -> str:
    """A message as it may be shown: its addresses without passwords, its control characters visible."""
    return shown(unlocked(text), lines=True)


def unlocked(text: str) -> str:
    """The text with the passwords and keys of all addresses and settings in it masked."""
    if "://" in text:
        text = _URL.sub(lambda found: address(found[0]), text)
    return _SETTING.sub(_masked_setting, text) if "=" in text else text


def _masked_setting(found: re.Match[str]) -> str:
    return f"{found['name']}{MASK}"


def address(url: str) -> str:
    """An address of any kind without its passwords, keys and tokens, wherever they stand in it."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return unlocked(url)
    user, at, place = _split(rest)
    if at:
        name, colon, _ = user.partition(":")
        lone_token = not colon and len(name) >= _LONE_USER
        user = f"{name}:{MASK}" if colon else MASK if lone_token else name
    path, sign, query = _first_of(place, "?#")
    path = _TOKEN_IN_PATH.sub(MASK, path)
    return f"{scheme}{slashes}{user}{at}{path}{sign}{_masked_query(query)}"


def _split(rest: str) -> tuple[str, str, str]:
    """User and password, the sign behind them, and the place; whatever signs the password is made of."""
    front, sign, query = _first_of(rest, "?#")
    if "@" in front:
        user, _, place = front.rpartition("@")
        return user, "@", f"{place}{sign}{query}"
    before, at, behind = rest.partition("@")
    if at and ":" in front and "=" not in before:  # the password holds the sign that should end the address
        return before, at, behind
    return "", "", rest


def _first_of(text: str, signs: str) -> tuple[str, str, str]:
    found = re.search(f"[{re.escape(signs)}]", text)
    return (text, "", "") if found is None else (text[: found.start()], found[0], text[found.end() :])


def _masked_query(query: str) -> str:
    from urllib.parse import unquote

    def masked(found: re.Match[str]) -> str:
        secret = _SECRET_NAME.search(unquote(found["name"]))
        return f"{found['name']}={MASK}" if secret else found[0]

    return re.sub(r"(?P<name>[^&;#=]+)=(?P<value>[^&;#]*)", masked, query)


def without(text: str, url: str) -> str:
    """The text without any piece of the passwords in this address, however a library took it apart."""
    for piece in sorted(_pieces(url), key=len, reverse=True):
        text = text.replace(piece, MASK)
    return said(text)


def _pieces(url: str) -> set[str]:
    from urllib.parse import unquote

    _, _, rest = url.partition("://")
    user, _, place = _split(rest)
    values = [user.partition(":")[2]]
    pairs = re.findall(r"([^&;#?=]+)=([^&;#]*)", place)
    values += [value for name, value in pairs if _SECRET_NAME.search(unquote(name))]
    whole = {form for value in values for form in (value, unquote(value))}
    parts = {part for value in whole for part in re.split(r"[@:/?#\[\]]", value)}
    return {piece for piece in whole | parts if len(piece) >= 4}


def in_json(text: str) -> str:
    """JSON that says the same without any character that steers a terminal."""
    return _OUTSIDE_JSON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def cell(text: str) -> str:
    """A text as a spreadsheet may be given it: none that begins like a formula, and numbers as they are."""
    seen = shown(text, lines=True)
    begins = text.lstrip(" ").startswith((*_FORMULA, *_FORMULA_TOO))
    return f"'{seen}" if begins and not _NUMBER.fullmatch(text) else seen


def each_shown(texts: Iterable[str]) -> list[str]:
    """Texts of one line each, as they may be seen."""
    return [shown(text) for text in texts]
