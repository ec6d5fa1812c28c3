"""Our own programs as files for the sandbox, and what they send back under a key."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path

_HERE = Path(__file__).parent
_ROOM = "escalator.validators"
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); name, given = sys.argv[2], sys.argv[3:]; del sys.argv[1:]; "
    "from importlib import import_module; import_module(name).main(*given)"
)
_DIGITS = 32


def programs(modules: Iterable[str]) -> dict[str, str]:
    """Modules of this room, named from it on ("encoding"), as `trusted` files; they import only each other."""
    files: dict[str, str] = {}
    for module in modules:
        *folders, _ = names = ["escalator", "validators", *module.split(".")]
        files |= {"lib/" + "/".join(folders[: depth + 1]) + "/__init__.py": "" for depth in range(len(folders))}
        source = _HERE.joinpath(*module.split(".")).with_suffix(".py")
        files["lib/" + "/".join(names) + ".py"] = source.read_text(encoding="utf-8")
    return files


def started(interpreter: str, module: str, *arguments: str) -> tuple[str, ...]:
    """The command that calls `main` of a module sent along, which can then import what was sent with it."""
    return (interpreter, "-I", "-B", "-c", _START, "{trusted}/lib", f"{_ROOM}.{module}", *arguments)


def signed(report: bytes, key: bytes) -> bytes | None:
    """What one record says: a keyed digest, a space, the body, a newline. None for anything else or more."""
    digest, space, body = report.partition(b" ")
    if not space or not body.endswith(b"\n") or b"\n" in body[:-1]:
        return None
    wanted = blake2b(body[:-1], key=key, digest_size=_DIGITS // 2).hexdigest().encode("ascii")
    return body[:-1] if compare_digest(wanted, digest) else None
