"""Spaces that are not U+0020, and characters that show nothing."""

from __future__ import annotations

import re
from typing import Final

INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff"
SPACES: Final = "\u00a0\u2000-\u200a\u202f\u205f\u3000"

ODD: Final = re.compile(f"[{SPACES}{INVISIBLE}]")
"""Spaces that are not U+0020, and characters that show nothing."""


def plain_spaces(text: str) -> str:
    """The text with odd spaces made plain and invisible characters gone."""
    return ODD.sub(lambda found: "" if found[0] in INVISIBLE else " ", text)
