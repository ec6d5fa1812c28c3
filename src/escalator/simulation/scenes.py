"""The demo's tasks and what each simulated model answers to them: one scene for each thing worth seeing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from escalator.records import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A task and the answers of each model to it, in the order in which it gives them.

    `shows` says in a few words what the scene is for. The last answer of a model is repeated.
    """

    shows: str
    task: Task
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _file(path: str, code: str) -> str:
    return f"{path}\n```python\n{code}```\n"


NOTIFY = '''\
def notify(user, text):
    """Send a message; the user must be able to recieve it."""
    return f"{user}: {text}"
'''

SLUGIFY = '''\
import re


def slugify(text):
    """Lower-case words joined by hyphens."""
    return "-".join(re.findall("[a-z]+", text.lower()))
'''

SLUGIFY_TESTS = """\
from textutils import slugify


def test_words_are_joined():
    assert slugify("Hello World") == "hello-world"


def test_digits_are_kept():
    assert slugify("Area 51") == "area-51"


def test_apostrophes_do_not_split():
    assert slugify("It's 5 o'clock") == "its-5-oclock"
"""

SLUGIFY_FIRST = SLUGIFY.replace("[a-z]+", "[a-z0-9]+")
SLUGIFY_RIGHT = SLUGIFY.replace('"[a-z]+", text.lower()', '"[a-z0-9]+", text.lower().replace("\'", "")')

MEDIAN_TESTS = """\
import pytest
from stats import median


def test_odd_count():
    assert median([3, 1, 2]) == 2


def test_even_count():
    assert median([4, 1, 3, 2]) == 2.5


def test_input_is_not_changed():
    values = [3, 1, 2]
    median(values)
    assert values == [3, 1, 2]


def test_empty_input_is_refused():
    with pytest.raises(ValueError, match="empty"):
        median([])
"""

MEDIAN_BROKEN = """\
def median(values):
    values = sorted(values
    return values[len(values) // 2]
"""

MEDIAN_ODD_ONLY = """\
def median(values):
    values.sort()
    return values[len(values) // 2]
"""

MEDIAN_NO_EMPTY = """\
def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
"""

MEDIAN_RIGHT = '''\
def median(values):
    """The middle value; the mean of the two middle ones where their count is even."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("median of an empty sequence")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
'''

REGISTRY = '''\
"""Plugins of the exporter."""

PLUGINS = {}
'''

EXPORTER = '''\
"""Exports rows in a named format."""

import json


def export(rows, kind):
    if kind == "json":
        return json.dumps(rows)
    raise KeyError(kind)
'''

PLUGIN_TESTS = """\
import pytest
from exporter import export
from registry import register


def test_json_is_built_in():
    assert export([1, 2], "json") == "[1, 2]"


def test_a_format_can_be_registered():
    @register("lines")
    def lines(rows):
        return "\\n".join(map(str, rows))

    assert export([1, 2], "lines") == "1\\n2"


def test_a_name_cannot_be_taken_twice():
    register("once")(str)
    with pytest.raises(ValueError, match="once"):
        register("once")(str)


def test_unknown_formats_name_the_known_ones():
    with pytest.raises(LookupError, match="json"):
        export([], "nothing")
"""

REGISTRY_RIGHT = '''\
"""Plugins of the exporter: functions from rows to text, by name."""

PLUGINS = {}


def register(name):
    """Register the decorated function as the format `name`."""

    def add(function):
        if name in PLUGINS:
            raise ValueError(f"the format {name!r} is already registered")
        PLUGINS[name] = function
        return function

    return add
'''

EXPORTER_RIGHT = '''\
"""Exports rows in a named format."""

import json

from registry import PLUGINS, register

register("json")(json.dumps)


def export(rows, kind):
    """The rows as text in the format `kind`."""
    if kind not in PLUGINS:
        raise LookupError(f"no format {kind!r}; known are {sorted(PLUGINS)}")
    return PLUGINS[kind](rows)
'''

TOKENS = '''\
"""Session tokens."""

import hashlib


def token_for(secret, user):
    return hashlib.md5((secret + user).encode()).hexdigest()


def verify(secret, user, token):
    return token_for(secret, user) == token
'''

TOKEN_TESTS = """\
import ast
import pathlib

import tokens


def test_a_token_verifies():
    assert tokens.verify("s", "ann", tokens.token_for("s", "ann"))


def test_joining_secret_and_user_is_unambiguous():
    assert tokens.token_for("ab", "c") != tokens.token_for("a", "bc")


def test_tokens_are_compared_in_constant_time():
    names = {node.attr for node in ast.walk(ast.parse(pathlib.Path(tokens.__file__).read_text()))
             if isinstance(node, ast.Attribute)}
    assert "compare_digest" in names


def test_tokens_made_before_the_fix_are_still_accepted_until_they_expire():
    import hashlib

    assert tokens.verify("s", "ann", hashlib.md5(b"sann").hexdigest(), accept_legacy=True)
    assert not tokens.verify("s", "ann", hashlib.md5(b"sann").hexdigest())
"""

TOKENS_HMAC = '''\
"""Session tokens."""

import hashlib
import hmac


def token_for(secret, user):
    return hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()


def verify(secret, user, token):
    return token_for(secret, user) == token
'''

TOKENS_DIGEST = TOKENS_HMAC.replace(
    "return token_for(secret, user) == token", "return hmac.compare_digest(token_for(secret, user), token)"
)

SCENES = (
    Scene(
        shows="passes at the first rung",
        task=Task(
            prompt="Fix the typo in the docstring of notify(): 'recieve' should be 'receive'.",
            files={"notify.py": NOTIFY},
        ),
        answers={"local-14b": (_file("notify.py", NOTIFY.replace("recieve", "receive")),)},
    ),
    Scene(
        shows="a retry repairs",
        task=Task(
            prompt="Bug: slugify() in textutils.py drops digits and splits words at apostrophes. Fix both.",
            files={"textutils.py": SLUGIFY},
            tests={"test_textutils.py": SLUGIFY_TESTS},
        ),
        answers={"qwen3-30b": (_file("textutils.py", SLUGIFY_FIRST), _file("textutils.py", SLUGIFY_RIGHT))},
    ),
    Scene(
        shows="syntax error, failing tests, escalation",
        task=Task(
            prompt="Write a function median(values) in stats.py: mean of the two middle values for an even count, "
            "ValueError for an empty list. It must not change its argument.",
            files={"stats.py": ""},
            tests={"test_stats.py": MEDIAN_TESTS},
        ),
        answers={
            "qwen3-30b": tuple(
                _file("stats.py", code) for code in (MEDIAN_BROKEN, MEDIAN_ODD_ONLY, MEDIAN_NO_EMPTY)
            ),
            "local-32b": (_file("stats.py", MEDIAN_RIGHT),),
        },
    ),
    Scene(
        shows="provider down, paid rung approved",
        task=Task(
            prompt="Design a plugin API for the exporter: others must be able to register formats by name from "
            "their own packages. Split registry and exporter, and port the built-in JSON format to it.",
            files={"registry.py": REGISTRY, "exporter.py": EXPORTER},
            tests={"test_plugins.py": PLUGIN_TESTS},
        ),
        answers={"haiku": (_file("registry.py", REGISTRY_RIGHT) + "\n" + _file("exporter.py", EXPORTER_RIGHT),)},
    ),
    Scene(
        shows="chain exhausted into review",
        task=Task(
            prompt="Security: session tokens are md5(secret + user) and compared with ==, so they can be forged. "
            "Fix it for production. Tokens already handed out must keep working behind accept_legacy=True.",
            files={"tokens.py": TOKENS},
            tests={"test_tokens.py": TOKEN_TESTS},
        ),
        answers={
            "sonnet": (_file("tokens.py", TOKENS_HMAC), _file("tokens.py", TOKENS_DIGEST)),
            "opus": (_file("tokens.py", TOKENS_DIGEST),),
        },
    ),
)
