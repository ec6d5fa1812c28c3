"""What callers may pass: said by types to their editor and type checker, and by errors at run time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import escalator
from escalator import Candidate, ConfigError, Escalator, Task, TaskError
from escalator.execution.briefing import make_brief
from escalator.records import TaskOptions
from escalator.testing import MemoryLedger
from escalator.validators import cost_of, failed, passed, version_of
from escalator.validators.python_callable import as_validator, python
from houses import BASE, RIGHT, WRONG, House

RIGHT_USES = """
from decimal import Decimal
from pathlib import Path
from escalator import Candidate, Escalator, Task, Verdict, execute, resume, validate

def adds(candidate: Candidate) -> bool:
    return "a + b" in str(candidate.files)

execute("x", files=["a.py"], tests={"test_a.py": ""}, budget=Decimal(1), validators=["syntax", adds, lambda c: True])
execute("x", workspace=".", files=[Path("a.py"), "b.py"], tests=Path("tests"))
execute("x", budget="0.5", validators=adds, images=[Path("a.png")], response_schema=Task, tags=["a"])
resume("id", budget=2, deadline=3.5, matrix="m.yaml")
validate("x = 1", "Set x.", validators=[{"syntax": None}], files={"a.py": ""})
with Escalator() as escalator:
    escalator.plan("x", workspace=".", local_only=True)
"""
WRONG_USES = (
    'execute("x", budgte=1)',
    'execute("x", files=3)',
    'execute("x", deadline="soon")',
    'execute("x", validators=[3])',
    'execute("x", approve=True)',
    'resume("id", files=["a.py"])',
    'classify("x", on_event=print)',
    'Escalator().execute("x", test=["a"])',
    'Escalator().resume("id", budget=[])',
    'Task(prompt="x", tests=7)',
)


def test_a_type_checker_rejects_what_a_caller_misspells_or_mistypes(tmp_path: Path) -> None:
    """`mypy --strict` of a user's program accepts every right form and finds every wrong call, and only those."""
    (tmp_path / "right.py").write_text(RIGHT_USES)
    head = "from escalator import Escalator, Task, classify, execute, resume\n"
    (tmp_path / "wrong.py").write_text(head + "\n".join(WRONG_USES) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "right.py", "wrong.py"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = {line.partition(": error")[0] for line in shown.stdout.splitlines() if ": error" in line}
    assert found == {f"wrong.py:{number + 2}" for number in range(len(WRONG_USES))}, shown.stdout


def test_a_function_is_not_hidden_by_the_room_of_its_name() -> None:
    """`escalator.classify` is the function before and after the first task is classified."""
    code = (
        "import escalator; first = escalator.classify('fix a typo'); from escalator import classify; "
        "assert classify('fix a typo') == escalator.classify('fix a typo') == first"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_options_are_the_fields_of_a_task() -> None:
    """A field of `Task` is an option of `execute` of the same type, and nothing else is."""
    of_task = {field.name: field.type for field in fields(Task) if field.name != "prompt"}
    of_options = {name: kind.__forward_arg__ for name, kind in TaskOptions.__annotations__.items()}
    assert of_options == of_task


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"budgte": 1}, "did you mean 'budget'"),
        ({"on_events": print}, "did you mean 'on_event'"),
        ({"ledger": "x"}, r"ledger: there is no such option \(pass it when the Escalator is made"),
        ({"files": {3: ""}}, "files: 3 is int"),
        ({"files": 3}, r"files: 3 is int \(pass paths"),
        ({"files": [3]}, "files: 3 is int"),
        ({"tests": b"x"}, "tests: b'x' is bytes"),
        ({"tags": 5}, "tags: 5 is int"),
        ({"images": [7]}, "images: 7 is int"),
        ({"requirements": [None]}, "requirements: None is NoneType"),
        ({"task_id": 5}, "task_id: 5 is int"),
        ({"local_only": "yes"}, "local_only: 'yes' is str"),
        ({"validators": 3}, "validators: 3 is int"),
        ({"validators": ["syntax", None]}, "validators: None is NoneType"),
        ({"approve": "yes"}, "approve: 'yes' is str"),
        ({"on_event": 5}, "on_event: 5 is int"),
        ({"on_event": [print, 5]}, "on_event: 5 is int"),
    ],
)
def test_a_wrong_option_is_named_before_any_model_is_asked(wrong: dict[str, Any], says: str) -> None:
    """A misspelt option and a value of another kind are a TaskError that says what was meant, or what to pass."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match=says):
        house.execute(**wrong)
    assert not house.provider.requests


@pytest.mark.parametrize("call", [escalator.execute, escalator.resume, escalator.classify, escalator.validate])
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("ledgr", "ledger"), ("provider", "providers"), ("matrx", "matrix"), ("budgets", "budget")],
)
def test_what_a_function_is_wired_with_is_suggested_too(call: Any, wrong: str, meant: str) -> None:
    """A misspelt matrix, ledger or providers is answered with what was meant, wherever a function takes it."""
    with pytest.raises(TaskError, match=f"{wrong}: there is no such option") as caught:
        call("x", **{wrong: "y"})
    takes = set(signature(call).parameters) | {"budget"}
    assert (f"did you mean {meant!r}" in str(caught.value)) == (meant in takes)


@pytest.mark.parametrize("what", ["classify", "plan", "validate", "strength"])
@pytest.mark.parametrize("listener", ["approve", "on_event"])
def test_where_nothing_is_done_nobody_can_be_asked_or_told(what: str, listener: str) -> None:
    """A listener that would never be called is refused, with where it belongs."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match=rf"{listener}: .*pass it to Escalator\({listener}=…\), execute or resume"):
        getattr(house.escalator, what)(BASE if what == "strength" else "x", **{listener: print})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"approve": "yes"}, r"'yes' is str.*a function of one Substitution"),
        ({"on_event": 5}, r"5 is int.*a function of one event, or several"),
        ({"on_event": [print, 5]}, r"5 is int"),
    ],
)
def test_an_escalator_is_not_made_with_a_listener_that_cannot_be_called(wrong: dict[str, Any], says: str) -> None:
    """The mistake is found where it is made, not in the first task that comes to it."""
    with pytest.raises(ConfigError, match=says):
        Escalator(**wrong)


def test_paths_may_be_paths(tmp_path: Path) -> None:
    """`files` and `tests` take `pathlib.Path`: relative, or absolute and under the workspace; one alone too."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = 1\n")
    (tmp_path / "test_a.py").write_text("def test(): pass\n")
    for files in ([Path("src/a.py")], [tmp_path.resolve() / "src" / "a.py"], Path("src/a.py"), Path("src/*.py")):
        brief = make_brief(Task(prompt="p", workspace=tmp_path, files=files, tests=[Path("test_a.py")]))
        assert (set(brief.files), set(brief.tests)) == ({"src/a.py"}, {"test_a.py"})
    assert make_brief(Task(prompt="p", files={Path("a.py"): "x"})).files == {"a.py": "x"}  # type: ignore[dict-item]
    with pytest.raises(TaskError, match="not a path inside the workspace"):
        make_brief(Task(prompt="p", workspace=tmp_path, files=[Path("/etc/passwd")]))


@pytest.mark.parametrize("field", ["files", "tests", "tags", "requirements", "images"])
def test_none_is_an_option_left_out(field: str) -> None:
    """A program that passes on what it may not have passes None, and the task is done as without it."""
    house = House({"small": [RIGHT]})
    assert house.execute(**{field: None}).status == "accepted"


def test_a_prompt_is_a_text() -> None:
    """A task whose prompt is no text is named as such, not broken by what is done with it."""
    with pytest.raises(TaskError, match="prompt: 5 is int"):
        make_brief(Task(prompt=5))  # type: ignore[arg-type]


def _adds(candidate: Candidate) -> bool:
    return "a + b" in str(candidate.files)


def _at_least(length: int, candidate: Candidate) -> str:
    return "" if len(str(candidate.files)) >= length else "write more"


class _Judge:
    def __call__(self, candidate: Candidate) -> Any:
        return passed("whatever") if _adds(candidate) else failed("whatever", feedback="add")


def test_a_plain_function_judges_as_it_is() -> None:
    """Functions, lambdas, partials and objects that can be called need no wrapping; two lambdas get two names."""
    house = House({"small": [WRONG, RIGHT]})
    judges = [_adds, lambda _: True, lambda c: bool(c.files), partial(_at_least, 3), _Judge()]
    outcome = house.execute(validators=judges)
    assert outcome.status == "accepted"
    names = [verdict.validator for verdict in outcome.attempts[-1].verdicts]
    assert names == ["_adds", "lambda", "lambda_2", "_at_least", "_Judge"]
    assert "'_adds' does not hold" in outcome.attempts[0].verdicts[0].feedback


def _flow(candidate: Candidate) -> Any:
    yield from ()
    return _adds(candidate)


def _second(candidate: Candidate) -> bool:
    return _adds(candidate)


_second.version = "2"  # type: ignore[attr-defined]


class _Named:
    name = "named"

    def __call__(self, candidate: Candidate) -> bool:
        return _adds(candidate)


@pytest.mark.parametrize(
    ("judge", "name"),
    [(_flow, "_flow"), (_second, "_second"), (_Named(), "named"), (_Named().__call__, "__call__")],
)
def test_true_and_false_count_in_every_form(judge: Any, name: str) -> None:
    """A flow, a method and a function that states its version or its name may say True or False like any other."""
    house = House({"small": [WRONG, RIGHT]})
    outcome = house.execute(validators=[judge])
    assert [attempt.verdicts[0].status for attempt in outcome.attempts] == ["failed", "passed"]
    assert {attempt.verdicts[0].validator for attempt in outcome.attempts} == {name}


async def _later(candidate: Candidate) -> bool:
    return True


async def _piecemeal(candidate: Candidate) -> Any:
    yield True


class _Later:
    async def __call__(self, candidate: Candidate) -> bool:
        return True

    async def judge(self, candidate: Candidate) -> bool:
        return True


@pytest.mark.parametrize("judge", [_later, _piecemeal, partial(_later), _Later(), _Later().judge])
def test_a_function_that_must_be_awaited_is_refused(judge: Any) -> None:
    """A coroutine would be true whatever it found, so it is refused before a model is asked."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match="is a coroutine function"):
        house.execute(validators=[judge])
    assert not house.provider.requests


def test_what_a_callable_says_of_itself_is_kept() -> None:
    """Its version and its cost are read through what makes a validator of it, in a matrix as in a call."""
    assert version_of(as_validator(_second)) == version_of(python(call=_second)) == "2"
    assert cost_of(as_validator(_Versioned("3"))) == "instant"
    assert version_of(as_validator(_adds)) == version_of(python(call="no.such:thing")) == "1"


class _Versioned:
    name, cost = "versioned", "instant"

    def __init__(self, version: str) -> None:
        self.version, self.asked = version, 0

    def __call__(self, candidate: Candidate) -> Any:
        self.asked += 1
        return failed("versioned", feedback="no")


@pytest.mark.parametrize(("version", "asked"), [("1", 0), ("2", 1)])
def test_a_resume_takes_no_verdict_of_another_version(version: str, asked: int) -> None:
    """A validator that changed its version judges the recorded answer anew; unchanged, it is not asked again."""
    ledger = MemoryLedger()
    first = House({"small": [WRONG, KeyboardInterrupt()]}, ledger=ledger)
    with pytest.raises(KeyboardInterrupt):
        first.execute(task_id="t", validators=[_Versioned("1")])
    ledger.crash()
    judge = _Versioned(version)
    second = House({"small": [KeyboardInterrupt()]}, ledger=ledger)
    with pytest.raises(KeyboardInterrupt):
        second.execute(task_id="t", validators=[judge], files=BASE)
    assert judge.asked == asked


def test_a_task_may_be_given_another_prompt() -> None:
    """Every field of a `Task` can be overridden in the call, the prompt too."""
    house = House({"small": [RIGHT]})
    options: dict[str, Any] = {"prompt": "Fix add(), please.", "files": BASE, "validators": ["syntax"]}
    outcome = house.escalator.execute(Task(prompt="Fix it."), task_type="quick_edit", **options)
    assert outcome.brief.prompt == "Fix add(), please."
