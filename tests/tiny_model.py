"""Writes a tiny, deterministic, untrained model that llama.cpp loads: half a megabyte whose answers are noise.

It lets a test drive a real inference server where no model can be downloaded. Dimension 0 of every layer's
output is a constant that no layer writes to and the output matrix reads, so each token has a fixed likelihood:
printable text is likely, broken UTF-8 is not, strings and brackets close after a few tokens, and `stop` says
how readily the model ends.
"""

from __future__ import annotations

import random
import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

WORDS = [
    " the",
    " a",
    " of",
    " and",
    " to",
    " in",
    " is",
    " it",
    " for",
    " value",
    " test",
    "def",
    "return",
    " return",
    "    return",
    "print",
    " if",
    " else",
    " not",
    "None",
    "True",
    "False",
    "self",
    "class",
    "import",
    "from",
    " list",
    " dict",
    " str",
    " int",
    "a + b",
    "(a, b)",
    "x + y",
    "():",
    "\n    ",
    "\n\n",
]
MARKS = ("<|end|>", "<|from|>", "<|stop|>", "<think>", "</think>", "<tool_call>", "</tool_call>")
CONTROL_MARKS = 3
"""The first marks are control tokens; the others are text that a parser has to see."""

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
ALIGNMENT = 32

TEMPLATE = """\
{%- set first = messages[0] %}
{%- if tools %}{{- '<|from|>system\\nYou may call:' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{% endfor %}
{{- '\\nTo call, write <tool_call>{"name": ..., "arguments": {...}}</tool_call><|stop|>\\n' }}{% endif %}
{%- for message in messages %}
{{- '<|from|>' + message.role + '\\n' }}@THOUGHTS@
{%- if message.content %}{{- message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>{"name": "' + call.function.name + '", "arguments": ' }}
{%- if call.function.arguments is string %}{{- call.function.arguments }}
{%- else %}{{- call.function.arguments | tojson }}{% endif %}
{{- '}</tool_call>' }}
{%- endfor %}
{{- '<|stop|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|from|>assistant\\n' }}@THINKING@{% endif %}
"""

THOUGHTS = """
{%- if message.reasoning_content %}{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{% endif %}"""

THINKING = {
    "none": "",
    "optional": (
        "{%- if enable_thinking is defined and not enable_thinking %}{{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    ),
    "forced": "{{- '<think>\\n' }}",
}


@dataclass(frozen=True)
class Nature:
    """What a model is like.

    `thinking`: whether the chat template knows a block for it. `stop`: how readily an answer ends, -30 for
    never. `tools`: how readily a call begins; 5 together with `stop` 8 makes calls.
    """

    thinking: Literal["none", "optional", "forced"] = "none"
    stop: float = 1.5
    tools: float = -8.0
    layers: int = 2
    width: int = 64
    context: int = 4096
    seed: int = 7


def write_model(path: Path, nature: Nature = Nature()) -> Path:
    """Write the model of this nature and return the path."""
    path.write_bytes(_file(nature))
    return path


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value: object) -> bytes:
    return _string(str(value)) if kind == STRING else struct.pack(FORMATS[kind], value)


def _entry(key: str, kind: int, value: object) -> bytes:
    if isinstance(value, list):
        items = b"".join(_value(kind, item) for item in value)
        return _string(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + items
    return _string(key) + struct.pack("<I", kind) + _value(kind, value)


def _visible_bytes() -> list[str]:
    """A visible character for each byte, as byte-level vocabularies write them."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(0x100 + others.index(byte)) for byte in range(256)]


def _vocabulary() -> tuple[list[str], list[str], list[bytes]]:
    """(tokens, merges, bytes of each token that is no mark)."""
    shown = _visible_bytes()
    raw = [bytes([byte]) for byte in range(256)]
    merges: list[str] = []
    for word in WORDS:
        data = word.encode()
        for end in range(2, len(data) + 1):
            if data[:end] not in raw:
                raw.append(data[:end])
                text = "".join(shown[byte] for byte in data[:end])
                merges.append(f"{text[:-1]} {text[-1]}")
    tokens = ["".join(shown[byte] for byte in data) for data in raw]
    return [*tokens, *MARKS], merges, raw


def _likelihood(data: bytes) -> float:
    if any(byte >= 0x7F or (byte < 0x20 and byte != 0x0A) for byte in data):
        return -12.0
    if not data.strip():
        return -1.5
    if data in {b'"', b"}", b"]", b")"}:
        return 2.5
    return 0.0 if len(data) == 1 else 0.8 if data.decode() in WORDS else -1.5


def _likelihoods(raw: list[bytes], nature: Nature) -> list[float]:
    marks = dict.fromkeys(MARKS, -8.0) | {"<|stop|>": nature.stop, "<tool_call>": nature.tools}
    if nature.thinking != "none":
        marks["</think>"] = nature.stop
    return [_likelihood(data) for data in raw] + list(marks.values())


def _metadata(nature: Nature, tokens: list[str], merges: list[str]) -> list[bytes]:
    words = len(tokens) - len(MARKS)
    kinds = [1] * words + [3] * CONTROL_MARKS + [4] * (len(MARKS) - CONTROL_MARKS)
    thoughts = "" if nature.thinking == "none" else THOUGHTS
    template = TEMPLATE.replace("@THINKING@", THINKING[nature.thinking]).replace("@THOUGHTS@", thoughts)
    return [
        _entry("general.architecture", STRING, "llama"),
        _entry("general.name", STRING, "tiny-noise"),
        _entry("general.alignment", U32, ALIGNMENT),
        _entry("llama.vocab_size", U32, len(tokens)),
        _entry("llama.context_length", U32, nature.context),
        _entry("llama.embedding_length", U32, nature.width),
        _entry("llama.block_count", U32, nature.layers),
        _entry("llama.feed_forward_length", U32, nature.width * 2),
        _entry("llama.rope.dimension_count", U32, nature.width // 4),
        _entry("llama.attention.head_count", U32, 4),
        _entry("llama.attention.head_count_kv", U32, 2),
        _entry("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        _entry("tokenizer.ggml.model", STRING, "gpt2"),
        _entry("tokenizer.ggml.pre", STRING, "gpt-2"),
        _entry("tokenizer.ggml.tokens", STRING, tokens),
        _entry("tokenizer.ggml.token_type", I32, kinds),
        _entry("tokenizer.ggml.merges", STRING, merges),
        _entry("tokenizer.ggml.bos_token_id", U32, words),
        _entry("tokenizer.ggml.eos_token_id", U32, words + 2),
        _entry("tokenizer.ggml.padding_token_id", U32, words),
        _entry("tokenizer.ggml.add_bos_token", BOOL, False),
        _entry("tokenizer.chat_template", STRING, template),
    ]


def _tensors(nature: Nature, likelihoods: list[float]) -> list[tuple[str, int, int, array[float]]]:
    """(name, rows, columns, values) of each tensor, row by row; 0 rows for a vector."""
    draw = random.Random(nature.seed).random
    width = nature.width

    def noise(
        rows: int, columns: int, scale: float, lane: list[float] | None = None, *, dead: bool = False
    ) -> array[float]:
        values = array("f", [(draw() * 2 - 1) * scale for _ in range(rows * columns)])
        for row, value in enumerate(lane or ()):
            values[row * columns] = value
        if dead:
            values[:columns] = array("f", [0.0] * columns)
        return values

    size, ones, scale = len(likelihoods), array("f", [1.0] * width), 0.875 / width**0.5
    tensors = [("token_embd", size, width, noise(size, width, 1.75, [1.0] * size))]
    for layer in range(nature.layers):
        tensors += [(f"blk.{layer}.{name}_norm", 0, width, ones) for name in ("attn", "ffn")]
        for name, rows, columns in (
            ("attn_q", width, width),
            ("attn_k", width // 2, width),
            ("attn_v", width // 2, width),
            ("attn_output", width, width),
            ("ffn_gate", width * 2, width),
            ("ffn_up", width * 2, width),
            ("ffn_down", width, width * 2),
        ):
            dead = name in {"attn_output", "ffn_down"}
            tensors.append((f"blk.{layer}.{name}", rows, columns, noise(rows, columns, scale, dead=dead)))
    tensors.append(("output_norm", 0, width, ones))
    tensors.append(("output", size, width, noise(size, width, 0.25, likelihoods)))
    return tensors


def _file(nature: Nature) -> bytes:
    tokens, merges, raw = _vocabulary()
    metadata = _metadata(nature, tokens, merges)
    tensors = _tensors(nature, _likelihoods(raw, nature))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata)
    body = bytearray()
    for name, rows, columns, values in tensors:
        shape = [columns, rows] if rows else [columns]
        head += _string(f"{name}.weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))
        body += struct.pack(f"<{len(values)}f", *values)
        body += bytes(-len(body) % ALIGNMENT)
    return head + bytes(-len(head) % ALIGNMENT) + bytes(body)
