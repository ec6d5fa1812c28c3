"""What each wire states as the most a request can be billed for, against a server that bills as much as it may."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.providers.anthropic.provider import Anthropic
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.providers.google.provider import Google
from escalator.providers.ollama import Ollama
from escalator.providers.pictures import gemini_tokens, size_of, tokens_for
from escalator.records import Image, Message, Model, Request, Tier

KINDS = ("openai", "vllm", "mlx")
CHATS = {kind: OpenAICompatible(name="p", base_url="http://test", kind=kind) for kind in KINDS}
OLLAMA = Ollama(name="p", base_url="http://test")
OTHERS = (Anthropic("p", api_key="k"), Google("p", api_key="k"))


def asked(model_id: str = "m", **more: Any) -> Request:
    options = more.pop("options", {})
    model = Model(
        name="m", provider="p", kind="openai", id=model_id, tier=Tier.HAIKU, local=False, options=options
    )
    more.setdefault("messages", (Message(role="user", text="x"),))
    return Request(model=model, **more)


TEXTS = st.text(max_size=200)
SCHEMAS = st.none() | st.fixed_dictionaries({"type": st.just("object"), "title": TEXTS})
REQUESTS = st.builds(
    asked,
    messages=st.lists(st.builds(Message, role=st.just("user"), text=TEXTS), min_size=1, max_size=4).map(tuple),
    system=TEXTS,
    schema=SCHEMAS,
    max_tokens=st.integers(1, 100_000),
    effort=st.none() | st.sampled_from(["none", "low", "max"]),
    options=st.fixed_dictionaries({}, optional={"n": st.integers(1, 5), "max_tokens": st.integers(1, 10**6)}),
)


def worst(request: Request, body: dict[str, Any]) -> tuple[int, int]:
    """(input, output) of a server that makes a token of every byte and writes all answers to their limits."""
    texts = [message["content"] for message in body["messages"]]
    schema = body.get("response_format") or body.get("format")
    prompt = sum(len(text.encode()) for text in texts) + (len(json.dumps(schema)) if schema else 0)
    limits = {**body, **body.get("options", {})}
    limit = max(limits.get(name, 0) for name in ("max_tokens", "max_completion_tokens", "num_predict"))
    return prompt, limit * limits.get("n", 1)


@pytest.mark.parametrize("kind", CHATS)
@given(request_=REQUESTS)
@settings(max_examples=100, deadline=None)
def test_no_server_of_chat_completions_can_bill_more(kind: str, request_: Request) -> None:
    """One token for every byte of the body that is really sent, and every answer as long as it may be."""
    prompt, written = worst(request_, json.loads(CHATS[kind]._call(request_).body or b""))

    bound = CHATS[kind].bound(request_)

    assert (prompt <= bound.input_tokens, written <= bound.output_tokens) == (True, True)


@given(request_=REQUESTS)
@settings(max_examples=100, deadline=None)
def test_no_server_of_ollamas_wire_can_bill_more(request_: Request) -> None:
    """Its limit stands inside `options`, where a model's own options win."""
    prompt, written = worst(request_, json.loads(OLLAMA._call(request_).body or b""))

    bound = OLLAMA.bound(request_)

    assert (prompt <= bound.input_tokens, written <= bound.output_tokens) == (True, True)


@pytest.mark.parametrize("provider", OTHERS, ids=lambda provider: type(provider).__name__)
def test_a_wire_of_an_sdk_bounds_text_schema_and_thinking(provider: Any) -> None:
    """Thinking is within the limit of the answer, a schema part of the prompt."""
    schema = {"type": "object", "title": "t" * 300}
    request = asked("claude-haiku-4-5", system="s" * 500, schema=schema, effort="high", max_tokens=20_000)

    bound = provider.bound(request)

    assert bound.input_tokens >= 500 + len(json.dumps(schema))
    assert (bound.output_tokens, bound.cache_write) == (20_000, False)


def png(width: int, height: int) -> Image:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height)
    return Image(media_type="image/png", data=head + b"\x08\x06\x00\x00\x00")


def pictured(model_id: str, *images: Image) -> Request:
    return asked(model_id, messages=(Message(role="user", text="", images=images),))


@pytest.mark.parametrize(
    ("model_id", "most"),
    [
        ("anthropic/claude-opus-4-5", 6_000),
        ("gpt-5.4", 25_000),
        ("gpt-4o-mini", 50_000),
        ("somebodys-model", 50_000),
        ("google/gemini-2.5-pro", 16 * 258),
    ],
)
def test_a_picture_counts_by_the_rule_of_who_made_the_model(model_id: str, most: int) -> None:
    """Behind a gateway the id tells whose rule it is; nobody's counts as the most of all."""
    plain = CHATS["openai"].bound(pictured(model_id)).input_tokens

    found = CHATS["openai"].bound(pictured(model_id, png(3_072, 3_072), png(3_072, 3_072))).input_tokens

    assert found - plain == 2 * most


def test_every_wire_counts_pictures() -> None:
    """No picture is free on any of them."""
    for provider in (*CHATS.values(), OLLAMA, *OTHERS):
        plain, seen = (provider.bound(pictured("claude-opus-5-5", *given)) for given in ((), (png(64, 64),)))
        assert seen.input_tokens - plain.input_tokens >= 2_000


@pytest.mark.parametrize(
    ("size", "tiles"), [((300, 300), 1), ((3_072, 3_072), 16), ((3_000, 100), 12), ((20_000, 20_000), 27 * 27)]
)
def test_gemini_counts_a_picture_by_its_tiles(size: tuple[int, int], tiles: int) -> None:
    """A huge picture is billed for more tiles than one; the highest resolution is the least that is held."""
    assert gemini_tokens(png(*size)) >= max(tiles * 258, 2_240)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png(640, 480).data, (640, 480)),
        (b"GIF89a" + struct.pack("<HH", 640, 480), (640, 480)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08" + struct.pack(">HH", 480, 640), (640, 480)),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x7f\x02\0\xdf\x01\0", (640, 480)),
        (b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 4 + b"\x2f" + struct.pack("<I", 639 | 479 << 14), (640, 480)),
        (b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 640, 480), (640, 480)),
        (b"\xff\xd8\x00", None),
        (b"no picture", None),
        (b"", None),
    ],
)
def test_the_size_of_a_picture_stands_in_its_head(data: bytes, size: tuple[int, int] | None) -> None:
    """Five formats are read; what is none of them has no size and counts as the most."""
    assert size_of(data) == size


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_count(data: bytes) -> None:
    """A damaged picture is counted like an unknown one, or by what its head says."""
    for head in (b"", b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n"):
        assert gemini_tokens(Image(media_type="image/png", data=head + data)) > 0
        assert tokens_for("m")(Image(media_type="image/png", data=data)) == 50_000
