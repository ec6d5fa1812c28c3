"""Setting what is there to be set is no tampering; a change of the project's own module asks for a second run."""

import pytest

from escalator.validators.encoding import Encoder
from escalator.validators.tests.tamper_scan import scan_text
from escalator.validators.values import parse, value_of

MEANT = [
    "import io, sys\nsys.stdout = io.StringIO()\n",
    "import sys\nsys.argv = ['x']\nsys.excepthook = print\n",
    "import warnings\nwarnings.showwarning = print\n",
    "import threading\nthreading.excepthook = print\n",
    "import logging as log\nlog.raiseExceptions = False\n",
]


@pytest.mark.parametrize("source", MEANT)
def test_what_is_meant_to_be_set_is_not_marked(source):
    """Python documents these names for it."""
    assert scan_text(source, "calc.py") == []


@pytest.mark.parametrize("name", ["math", "json", "settings", "test_calc"])
def test_a_change_of_any_other_module_is_marked(name):
    """A name that the tests have is not the project's."""
    marks = scan_text(f"import {name}\n{name}.x = 1\n", "calc.py", tests=["tests/test_calc.py"], own=["test_calc"])

    assert [mark.slight for mark in marks] == [False]


def test_a_change_of_a_module_of_the_project_is_a_slight_mark():
    """Settings are made so; whether the tests still say something is asked of them."""
    (mark,) = scan_text("import settings\nsettings.debug = True\n", "calc.py", own=["settings", "json"])

    assert mark.slight
    assert "settings" in str(mark)
    assert not scan_text("import json\njson.loads = 1\n", "calc.py", own=["json"])[0].slight


@pytest.mark.parametrize("text", ["\ud83d\ude00", "a\udc80", "\ud800", "😀", ""])
def test_halves_of_characters_stay_halves(text):
    """JSON would make one of two."""
    assert value_of(parse(Encoder()([text]))) == [text]
