"""Text in the encoding a file declares: UTF-8, unless a Python source says otherwise in its first two lines."""

from __future__ import annotations

import codecs
import re
from typing import Final

_COOKIE: Final = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK: Final = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?\Z")
_SOURCES: Final = (".py", ".pyi", ".pyw")
_CHARACTERS: Final = re.compile(
    r"ascii|latin|iso-?8859|cp\d|windows|koi8|mac-|euc|shift|big5|gb|johab|tis|ptcp|kz1048|hp"
)
"""Encodings that write a character as a character. Others (escapes, UTF-7) let text say what it does not show."""


def declared(name: str, text: str) -> str:
    """The encoding a file is in by its name and the text of its beginning, as Python names it; "utf-8" for all but
    Python sources that declare another one of characters.
    """
    if not name.lower().endswith(_SOURCES) or "coding" not in text[:4000]:
        return "utf-8"
    first, second, *_ = [*re.split(r"\r\n|\r|\n", text[:4000], maxsplit=2), ""]
    found = _COOKIE.match(first) or (_COOKIE.match(second) if _BLANK.match(first) else None)
    if found is None or text.startswith("\ufeff"):
        return "utf-8"
    try:
        known = codecs.lookup(found[1]).name
    except (LookupError, ValueError):
        return "utf-8"
    return known if _CHARACTERS.match(known) else "utf-8"


def decoded(name: str, data: bytes) -> str | None:
    """The text of a file, None if it is not in the encoding it declares."""
    try:
        return data.decode(declared(name, data[:4000].decode("latin-1").removeprefix("\xef\xbb\xbf")))
    except UnicodeDecodeError:
        return None


def encoded(name: str, text: str) -> bytes:
    """The bytes of a file with this text, in UTF-8 where the encoding it declares does not have all of it. Raises
    `UnicodeEncodeError` for what is no text in UTF-8 either.
    """
    encoding = declared(name, text)
    if encoding != "utf-8" and unwritable(name, text) is None:
        return text.encode(encoding)
    return text.encode("utf-8")


def unwritable(name: str, text: str) -> str | None:
    """The first character that the encoding which a file declares does not have, None if it has them all."""
    encoding = declared(name, text)
    if encoding == "utf-8" or text.isascii():
        return None
    try:
        return None if text.encode(encoding).decode(encoding) == text else "\N{REPLACEMENT CHARACTER}"
    except UnicodeEncodeError as error:
        return text[error.start]
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"
