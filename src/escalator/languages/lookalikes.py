"""Characters that are drawn like others: what a name looks like, whatever it is made of."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

_SAME: Final = (
    # Cyrillic
    ("\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf", "acdehijl"),
    ("\u043e\u0440\u051b\u0455\u0445\u0443\u051d\u0475", "opqsxywv"),
    ("\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c", "ABCEHIJKM"),
    ("\u041e\u0420\u0405\u0422\u0425\u0423\u051a\u051c\u04c0", "OPSTXYQWI"),
    # Greek
    ("\u03bf\u03f2\u03f3", "ocj"),
    ("\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "ABEZHIKMNOPTYX"),
    # Armenian
    ("\u0578\u0585\u057d\u0570\u0581\u0566\u054f\u0555\u053c\u054d", "nouhgqSOLU"),
    # Latin letters of other alphabets, small capitals
    ("\u0131\u0251\u0261\u1d0f\u1d04\u1d20\u1d21\u1d22\ua731", "iagocvwzs"),
    # Cherokee
    ("\u13aa\u13ac\u13bb\u13b3\u13da\u13df\u13e2\u13a1\u13a2", "AEHWSCPRT"),
    ("\u13b7\u13de\u13f4\u13e6\u13a0\u13ab\u13c3\u13d9\u13c0", "MLBKDJZVG"),
)
_NEAR: Final = (
    ("\u03b1\u03b3\u03b9\u03ba\u03bd\u03c1\u03c3\u03c5\u03c4\u03c7\u03b5", "ayikvpoutxe"),
    ("\u0433\u043a\u043f\u0432\u043c\u043d\u0442\u0437\u044c\u0417", "rknbmht3b3"),
    ("\u2010\u2011\u2012\u2013\u2014\u2212\u2043\u2044\u2215\u02d0\ua789", "-------//::"),
)
_INVISIBLE: Final = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufeff"
_INVISIBLE_RANGES: Final = ((0x180B, 0x180F), (0x200B, 0x2010), (0x2060, 0x2065), (0xFE00, 0xFE10))


def skeleton(text: str, *, near: bool = False) -> str:
    """What the text looks like, in plain letters where it can be: texts of one skeleton are hard to tell apart.

    `near`: also letters that mathematicians use beside Latin ones and mean as what they are, such as a nu beside
    a v. Accents stay, letters of any width and style count as the plain ones.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text).translate(_table(near=near))


def odd_characters(text: str) -> str:
    """The characters that make a text look like another, by number and name; a few of them."""
    odd = [char for char in dict.fromkeys(text) if skeleton(char, near=True) != char]
    return ", ".join(f"U+{ord(char):04X} {unicodedata.name(char, 'unnamed')}" for char in odd[:3])


@cache
def _table(*, near: bool) -> dict[int, str]:
    rows = (*_SAME, *_NEAR) if near else _SAME
    table = {ord(odd): plain for these, those in rows for odd, plain in zip(these, those, strict=True)}
    hidden = [code for first, end in _INVISIBLE_RANGES for code in range(first, end)]
    return {**table, **dict.fromkeys([*hidden, *map(ord, _INVISIBLE)], "")}
