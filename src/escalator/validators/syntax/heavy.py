"""Reads in a sandboxed child what this process should not try: text too large or nested too deeply.

Compilers and tree-sitter can run out of stack or memory on hostile text, and take the whole process with them.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from escalator import languages
from escalator.languages.faults import Fault
from escalator.languages.grammars import GrammarMissing, ParserGaveUpError, faults
from escalator.records import Command, Limits
from escalator.validators.syntax.readers import DEEPEST

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.languages.table import Language
    from escalator.records import RunResult

LARGEST_HERE = 200_000
"""Characters of source that tree-sitter is given in this process."""

_SMALL = 2_000
_MOST_REPETITIVE = 40
_LIMITS = Limits(wall=15.0)
_TOKEN = re.compile(r"[()\[\]{}<>;]")
_PYTHON = """
import json, sys, warnings
warnings.simplefilter("ignore")
try:
    compile(sys.stdin.buffer.read(), sys.argv[1], "exec", dont_inherit=True)
    said = []
except SyntaxError as e:
    said = [[e.lineno or 1, e.offset or 1, type(e).__name__ + ": " + e.msg, False, False]]
except (RecursionError, MemoryError):
    said = [[1, 1, "Python gives up on it: expressions nest too deeply; write it flatter", False, False]]
except (ValueError, OverflowError) as e:
    said = [[1, 1, str(e), False, False]]
print(json.dumps(said))
"""
_GRAMMAR = """
import json, sys
sys.path.insert(0, sys.argv[1])
from escalator.languages.grammars import faults
from escalator.languages.table import LANGUAGES
found = faults(LANGUAGES[sys.argv[2]], sys.stdin.buffer.read().decode("utf-8", "surrogatepass"), seconds=5.0)
print(json.dumps([[f.line, f.column, f.message, f.structural, f.repeat] for f in found]))
"""
_NEEDED = ("faults.py", "grammars.py", "repeats.py", "table.py")


def python_fault(interpreter: str, path: str, text: str) -> Flow[Fault | None]:
    """What Python does not accept in `text`, found in a sandboxed child."""
    from escalator.steps import run

    argv = (interpreter, "-I", "-S", "-c", _PYTHON, path)
    result = yield from run(Command(argv=argv, stdin=_bytes(text), limits=_LIMITS), validator="syntax")
    found = _said(result)
    if found is None:
        return Fault(line=1, column=1, message="the Python compiler crashed on it; write it smaller and flatter")
    return found[0] if found else None


def grammar_faults(language: Language, text: str) -> Flow[list[Fault] | GrammarMissing]:
    """What the language's grammar does not accept in `text`: found here if that is safe, else in a child."""
    from escalator.steps import run

    if len(text) <= LARGEST_HERE and _harmless(text):
        try:
            return faults(language, text)
        except ParserGaveUpError:
            pass
    if isinstance(missing := faults(language, ""), GrammarMissing):
        return missing
    folder = Path(languages.__file__).parent
    sources = {f"escalator/languages/{name}": (folder / name).read_text(encoding="utf-8") for name in _NEEDED}
    command = Command(
        argv=(sys.executable, "-I", "-B", "-c", _GRAMMAR, "{trusted}", language.name),
        trusted={"escalator/__init__.py": "", "escalator/languages/__init__.py": "", **sources},
        stdin=_bytes(text),
        limits=_LIMITS,
    )
    result = yield from run(command, validator="syntax")
    found = _said(result)
    if found is None:
        return [Fault(line=1, column=1, message="the parser gives up on it; write it smaller and flatter")]
    return found


def _said(result: RunResult) -> list[Fault] | None:
    """What the child found, None if it did not live to say it."""
    try:
        said = json.loads(result.stdout)
    except json.JSONDecodeError:
        return None
    return [
        Fault(line=line, column=column, message=told, structural=hard, repeat=repeat)
        for line, column, told, hard, repeat in said
    ]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _harmless(text: str) -> bool:
    """Whether a grammar can be given the text here.

    Not if something that looks like a bracket nests deeply, in strings too, and not if it is one thing over and
    over: code written by anybody for a purpose compresses to a third or a tenth, never to a fortieth.
    """
    if len(text) <= _SMALL:
        return True
    data = _bytes(text)
    if len(data) > _MOST_REPETITIVE * len(zlib.compress(data, 1)):
        return False
    depth = angles = 0
    for match in _TOKEN.finditer(text):
        char = match[0]
        if char == "<":
            angles += 1
        elif char == ">":
            angles = max(0, angles - 1)
        else:
            angles = angles if char in "()[]" else 0
            depth += (char in "([{") - (char in ")]}")
        if angles > DEEPEST or not -DEEPEST < depth < DEEPEST:
            return False
    return True
