"""The records of `launch.cjs` and `reporter.mjs`: signed, numbered, and nothing else between them."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

_SIGNATURE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """What came through the pipe: records that bear the key's signature, and the text of the other lines."""

    records: tuple[dict[str, Any], ...]
    rest: str

    def first(self, kind: str) -> dict[str, Any]:
        """The record of a kind; empty if there is none or more than one."""
        found = [record for record in self.records if record.get("kind") == kind]
        return found[0] if len(found) == 1 else {}

    @property
    def tests(self) -> list[dict[str, Any]] | None:
        """The records of tests in their order; None where one is missing or stands twice."""
        found = [record for record in self.records if record.get("kind") == "test"]
        return found if [record.get("number") for record in found] == list(range(len(found))) else None


def read_wire(data: bytes, key: str) -> Wire:
    """Tell what the key has signed from all else."""
    records, rest = [], []
    for line in data.split(b"\n"):
        signature, body = line[:_SIGNATURE], line[_SIGNATURE + 1 :]
        wanted = hmac.new(key.encode(), body, sha256).hexdigest().encode()
        if hmac.compare_digest(signature, wanted):
            records.append(json.loads(body))
        elif line:
            rest.append(line)
    return Wire(records=tuple(records), rest=b"\n".join(rest).decode("utf-8", "replace"))
