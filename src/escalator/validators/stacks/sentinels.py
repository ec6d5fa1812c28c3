"""Tests in JavaScript that must fail, to stand at the end of others: what turns failures into passes turns these
too.
"""

from __future__ import annotations

import re

from escalator.validators.stacks.javascript import imports

_ASSERTED = {
    "equal": "{0}.equal(1, 2)",
    "strict": "{0}.strictEqual('a', 'b')",
    "deep": "{0}.deepEqual([1], [2])",
    "deep strict": "{0}.deepStrictEqual({{ a: 1 }}, {{ a: 2 }})",
    "strict mode": "{0}.strict.equal(1, '1')",
    "ok": "{0}.ok(0)",
    "itself": "{0}(false)",
    "match": "{0}.match('a', /b/)",
    "throws": "{0}.throws(() => 1)",
    "rejects": "await {0}.rejects(Promise.resolve(1))",
    "error": "throw new Error('must fail')",
}
_EXPECTED = {
    "be": "{0}(1).toBe(2)",
    "equal": "{0}([1]).toEqual([2])",
    "strict": "{0}({{ a: 1 }}).toStrictEqual({{ a: 2 }})",
    "truth": "{0}(0).toBeTruthy()",
    "falsehood": "{0}(1).toBeFalsy()",
    "contain": "{0}([1]).toContain(2)",
    "match": "{0}('a').toMatch('b')",
    "throw": "{0}(() => 1).toThrow()",
    "reject": "await {0}(Promise.resolve(1)).rejects.toThrow()",
    "error": "throw new Error('must fail')",
}
"""Tests that must fail, each by another of the ways in which tests say what they expect."""


def must_fail(text: str, word: str, *, runner: str, module: bool) -> dict[str, str]:
    """Lines to be put at the end of a text, the tests among them by their titles; `module`: it imports as modules
    do.

    They get at what defines tests and at what compares by the same ways as the text.
    """
    own = runner == "node"
    only = ".only" if not own and re.search(r"\.only\b", text) else ""
    tests = {
        f"{word} {name}": f"{word}_test{only}('{word} {name}', async () => {{ {body.format(f'{word}_judge')} }});"
        for name, body in (_ASSERTED if own else _EXPECTED).items()
    }
    return {"": _names(text, word, runner, module=module), **tests}


def _names(text: str, word: str, runner: str, *, module: bool) -> str:
    if runner == "jest" and "@jest/globals" not in imports(text):
        return f"const {word}_test = test, {word}_judge = expect;"
    if runner != "node":
        library = "@jest/globals" if runner == "jest" else runner
        return f"import {{ it as {word}_test, expect as {word}_judge }} from '{library}';"
    if module:
        return f"import {{ test as {word}_test }} from 'node:test'; import {word}_judge from 'node:assert';"
    return f"const {word}_test = require('node:test'), {word}_judge = require('node:assert');"
