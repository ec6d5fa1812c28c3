"""How many tokens the pictures of a request can be billed for, by the rule of whoever sells the model."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from escalator.pricing.tokens import PER_IMAGE
from escalator.records import Image, Request
from escalator.sellers import sold_as

CLAUDE = 6_000
"""Claude scales a picture down to 2,576 pixels at most and counts a token for 750 of them: up to 5,000."""
_OPENAI = 25_000
"""10,000 patches at the highest multiplier, 2.46; only gpt-4o-mini, at 48,169, counts more."""
_TILE, _SMALL_TILE, _PER_TILE = 768, 256, 258
_ULTRA_HIGH = 2_240
"""What Gemini 3 counts at its highest resolution."""


def tokens_of_images(request: Request, each: Callable[[Image], int]) -> int:
    """The pictures of all messages, counted one by one."""
    return sum(each(image) for message in request.messages for image in message.images)


def claude_tokens(_: Image) -> int:
    """The most Claude counts, whatever the size."""
    return CLAUDE


def gemini_tokens(image: Image) -> int:
    """Gemini cuts a picture into tiles of 256 to 768 pixels, by its shorter side, and counts 258 for each."""
    size = size_of(image.data)
    if size is None:
        return PER_IMAGE
    side = min(max(int(min(size) / 1.5), _SMALL_TILE), _TILE)
    tiles = ceil(size[0] / side) * ceil(size[1] / side)
    return max(tiles * _PER_TILE, _ULTRA_HIGH)


def tokens_for(model_id: str) -> Callable[[Image], int]:
    """The rule for a model behind chat completions; where nobody knows who made it, the most of all."""
    sold = sold_as(model_id)
    lists = {listing.price_id for listing in sold.listings} if sold is not None else set()
    if "anthropic" in lists:
        return claude_tokens
    if "google" in lists:
        return gemini_tokens
    if "openai" in lists and "4o-mini" not in model_id:
        return _openai_tokens
    return _any_tokens


def _openai_tokens(_: Image) -> int:
    return _OPENAI


def _any_tokens(_: Image) -> int:
    return PER_IMAGE


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, WebP or JPEG; None where they cannot be read."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:4] == b"GIF8" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return _jpeg(data) if data[:2] == b"\xff\xd8" else None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8 " and len(data) >= 30:
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = data[place + 5 : place + 7], data[place + 7 : place + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        place += 1 if marker == 0xFF else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
