"""`execute` from end to end with scripted models: what a caller gets, in both colours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from escalator import ConfigError, Escalator, Task, TaskError, execute
from escalator.events import Answered, CallFinished, Judged, Moved, PaidModelAhead, Planned, TaskEnded, TaskStarted
from escalator.records import Completion, Usage
from escalator.testing import MemoryLedger, ScriptedProvider, failure, fenced, no_model_requests
from houses import BASE, BROKEN, RIGHT, TESTS, WRONG, House, adds, matrix

Execute = Callable[..., Any]


@pytest.fixture(params=["sync", "async", "in a running loop"])
def run(request: pytest.FixtureRequest) -> Execute:
    """`house.execute` in each colour; the sync one must also work where a loop is already running."""

    def sync(house: House, *args: Any, **options: Any) -> Any:
        return house.execute(*args, **options)

    def in_async(house: House, *args: Any, **options: Any) -> Any:
        return asyncio.run(house.aexecute(*args, **options))

    def inside(house: House, *args: Any, **options: Any) -> Any:
        async def main() -> Any:
            return house.execute(*args, **options)

        return asyncio.run(main())

    return {"sync": sync, "async": in_async, "in a running loop": inside}[request.param]


def test_the_cheapest_model_that_proves_it_is_the_last_one_asked(run: Execute) -> None:
    """The first rung passes: one call, no cost, files and answer at hand."""
    house = House({"small": [RIGHT]})
    outcome = run(house)
    assert (outcome.status, outcome.model, house.models()) == ("accepted", "small", ["small"])
    assert outcome.files == {"adding.py": "def add(a, b):\n    return a + b\n"}
    assert outcome.cost == 0
    assert not outcome.simulated


def test_a_repair_prompt_quotes_the_findings_and_the_answer(run: Execute) -> None:
    """The retry tells the same model what failed and what it wrote."""
    house = House({"small": [WRONG, RIGHT]})
    outcome = run(house)
    assert outcome.count("retry") == 1
    repair = house.provider.requests[1]
    said = "\n".join(message.text for message in repair.messages)
    assert "assert add(2, 3) == 5, got -1" in said
    assert "return a - b" in said


def test_an_escalation_hands_a_dossier_to_the_next_model(run: Execute) -> None:
    """The next rung is told which check failed before, and climbs to a pass."""
    house = House({"small": [BROKEN, WRONG], "large": [RIGHT]})
    outcome = run(house)
    assert [(a.model, a.number, a.passed) for a in outcome.attempts] == [
        ("small", 1, False),
        ("small", 2, False),
        ("large", 1, True),
    ]
    assert [a.failed_verdict and a.failed_verdict.validator for a in outcome.attempts] == ["syntax", "adds", None]
    assert (outcome.count("escalation"), outcome.count("fallback")) == (1, 0)
    said = "\n".join(message.text for message in house.provider.requests[2].messages)
    assert "assert add(2, 3) == 5, got -1" in said


def test_a_failed_provider_is_a_fallback(run: Execute) -> None:
    """A refused connection leads to the next provider at once, with a single request to the dead one."""
    house = House({"small": [failure("connection")], "large": [RIGHT]})
    outcome = run(house)
    assert (outcome.model, house.models()) == ("large", ["small", "large"])
    assert [(m.kind, m.cause) for m in outcome.transitions] == [("fallback", "connection")]
    assert house.clock.slept.count(0.0) == len(house.clock.slept)


def test_a_wait_within_patience_is_waited_for_and_counted(run: Execute) -> None:
    """A server that names a short wait is asked again after it; both requests are in the books."""
    house = House({"small": [failure("rate_limit", retry_after=2.0), RIGHT]})
    outcome = run(house)
    assert outcome.model == "small"
    assert len(outcome.attempts[0].calls) == 2
    assert outcome.attempts[0].calls[0].error == "rate_limit"
    assert 2.0 in house.clock.slept


def test_a_wait_beyond_patience_is_not_waited_for(run: Execute) -> None:
    """A server that asks for a minute is left for the next rung at once."""
    house = House({"small": [failure("rate_limit", retry_after=60.0)], "large": [RIGHT]})
    assert run(house).model == "large"
    assert max(house.clock.slept) == 0.0


def test_the_last_rung_is_asked_again_because_nobody_else_can_be(run: Execute) -> None:
    """Without another model to ask, a server error is worth a second request."""
    house = House(
        {"small": [failure("server")], "large": [failure("server")], "haiku": [failure("server"), RIGHT]}
    )
    outcome = run(house)
    assert (outcome.model, house.models()) == ("haiku", ["small", "large", "haiku", "haiku"])
    assert any(seconds > 0 for seconds in house.clock.slept)


def test_paid_calls_are_priced_by_the_model_that_answered(run: Execute) -> None:
    """Cost is what the price table says for the tokens used, in USD, exactly."""
    paid = Completion(text=RIGHT, model="claude-haiku-5-5", usage=Usage(input_tokens=1000, output_tokens=300))
    house = House({"small": [failure("connection")], "large": [failure("connection")], "haiku": [paid]})
    outcome = run(house)
    assert outcome.cost == Decimal("0.00025")
    assert outcome.baseline.model == "haiku"
    assert outcome.saved == 0


def test_a_machine_of_ones_own_has_a_running_cost_apart() -> None:
    """An hourly cost of a local model is reported beside the bill and never counted to a budget."""
    models = matrix()["models"]
    models["small"]["hourly"] = 0.36
    house = House({"small": [RIGHT]}, models=models)
    house.provider._seconds = 10.0
    outcome = house.execute(budget=0)
    assert (outcome.cost, outcome.running_cost) == (0, Decimal("0.001"))
    assert "machines of your own" in outcome.summary()


def test_a_budget_is_never_passed_and_can_be_raised(run: Execute) -> None:
    """The worst case must fit before the call is made; the outcome says what to raise, and raising it helps."""
    house = House({"small": [BROKEN, BROKEN], "large": [BROKEN, BROKEN], "haiku": [RIGHT]})
    outcome = run(house, budget="0.0000001", validators=["syntax"])
    assert (outcome.status, outcome.cause) == ("stopped", "budget")
    assert "haiku" not in house.models()
    assert "raise the budget" in outcome.reason
    outcome = house.escalator.resume(outcome.task_id, budget="0.5")
    assert (outcome.status, outcome.model, len(house.provider.requests)) == ("accepted", "haiku", 5)


def test_the_same_task_again_is_held_to_the_limits_it_is_given_now(run: Execute) -> None:
    """A task id with a higher budget goes on where it stopped; what was answered is not asked again."""
    house = House({"small": [WRONG, WRONG], "large": [WRONG, WRONG], "haiku": [RIGHT]})
    assert run(house, task_id="one", budget=0).cause == "budget"
    assert run(house, task_id="one", budget=1).model == "haiku"
    assert len(house.provider.requests) == 5


def test_an_option_that_resume_does_not_have_is_named(run: Execute) -> None:
    """A misspelt option is a sentence with those that exist, as it is for execute."""
    house = House({"small": [RIGHT]})
    task_id = run(house).task_id
    with pytest.raises(TaskError, match=r"bugdet: there is no such option \(known are budget, deadline"):
        house.escalator.resume(task_id, bugdet=1)


def test_a_price_nobody_knows_is_refused(run: Execute) -> None:
    """A paid model without a price is passed by, and the reason names the key to write."""
    models = matrix()["models"]
    models["haiku"]["id"] = "claude-unheard-of-9"
    house = House({"small": [WRONG, WRONG], "large": [WRONG, WRONG]}, models=models)
    outcome = run(house)
    assert outcome.status == "skipped"
    assert [m.cause for m in outcome.transitions if m.kind == "skip"] == ["unknown_price"]
    assert "models.haiku.price" in next(m.reason for m in outcome.transitions if m.kind == "skip")


@pytest.mark.parametrize(
    ("answer", "status", "cause"),
    [(True, "accepted", ""), (False, "stopped", "declined"), (None, "needs_review", "pending")],
)
def test_paid_models_wait_for_approval(run: Execute, answer: Any, status: str, cause: str) -> None:
    """With before_paid: confirm the caller is told from whom, to whom, why and how much at most."""
    asked: list[Any] = []

    def approve(wanted: Any) -> Any:
        asked.append(wanted)
        return answer

    script = {"small": [WRONG, WRONG + " "], "large": [WRONG, WRONG + " "], "haiku": [RIGHT]}
    house = House(script, approve=approve, cost_guard={"before_paid": "confirm"})
    outcome = run(house)
    assert (outcome.status, outcome.cause) == (status, cause)
    assert (asked[0].from_model, asked[0].to_model) == ("large", "haiku")
    assert "adds failed" in asked[0].reason
    assert 0 < asked[0].highest_cost < 1


def test_without_anybody_to_ask_approval_stays_pending(run: Execute) -> None:
    """No callback means no consent: the task waits for a person instead of spending."""
    house = House({"small": [WRONG, WRONG], "large": [WRONG, WRONG]}, cost_guard={"before_paid": "confirm"})
    outcome = run(house, validators=["syntax", adds])
    assert outcome.status == "needs_review"
    assert "approve=" in outcome.reason


def test_deny_keeps_every_paid_model_out(run: Execute) -> None:
    """With before_paid: deny a paid rung is passed by and the chain ends as the matrix says."""
    script = {"small": [WRONG, WRONG], "large": [WRONG, WRONG]}
    outcome = run(House(script, cost_guard={"before_paid": "deny"}))
    assert outcome.status == "skipped"
    assert [m.cause for m in outcome.transitions if m.kind == "skip"] == ["denied"]


def test_local_only_tasks_never_reach_a_remote_model(run: Execute) -> None:
    """A remote rung is barred whatever failed before it."""
    house = House({"small": [WRONG, WRONG], "large": [WRONG, WRONG]})
    outcome = run(house, local_only=True)
    assert set(house.models()) == {"small", "large"}
    assert [m.cause for m in outcome.transitions if m.kind == "skip"] == ["local_only"]


def test_a_local_model_that_runs_elsewhere_is_found_out(run: Execute) -> None:
    """A local server that says the answer was made elsewhere does not satisfy a local-only task."""
    remote = Completion(text=RIGHT, model="small:1b", host="https://ollama.com:443")
    house = House({"small": [remote], "large": [RIGHT]})
    outcome = run(house, local_only=True)
    assert outcome.model == "large"
    assert outcome.attempts[0].failure.kind == "local_only"


def test_a_prompt_too_long_skips_the_small_windows(run: Execute) -> None:
    """Rungs whose window cannot hold the prompt are passed by without a request."""
    house = House({"large": [RIGHT]})
    outcome = run(house, prompt := "Fix add(). " + "context " * 6000)
    assert len(prompt) > 8192 * 3
    assert (outcome.model, house.models()) == ("large", ["large"])
    assert outcome.transitions[0].cause == "context_overflow"


def test_a_prompt_larger_than_every_window_stops_with_advice(run: Execute) -> None:
    """Nobody can read it: the outcome says how large it is and how much each model sees."""
    house = House({})
    outcome = run(house, "x " * 600_000)
    assert (outcome.status, outcome.cause, house.models()) == ("stopped", "context_overflow", [])
    assert "sees 200,000" in outcome.reason


def test_the_deadline_ends_the_task(run: Execute) -> None:
    """Once the time is up no other model is asked."""
    house = House({"small": [WRONG, RIGHT]})
    house.provider._seconds = 5.0
    outcome = run(house, deadline=3.0)
    assert (outcome.status, outcome.cause, house.models()) == ("stopped", "deadline", ["small"])


def test_a_refusal_is_reported_as_one(run: Execute) -> None:
    """A model that declines is not shopped around by default."""
    house = House({"small": [Completion(text="I cannot.", model="small:1b", condition="refusal")]})
    outcome = run(house)
    assert (outcome.status, outcome.cause) == ("stopped", "refusal")


def test_critical_tasks_wait_for_a_person_even_when_everything_passed(run: Execute) -> None:
    """No critical task is accepted by machines alone."""
    outcome = run(House({"small": [RIGHT]}), task_type="critical")
    assert (outcome.status, outcome.cause) == ("needs_review", "review")
    assert outcome.files


def test_events_tell_the_whole_story(run: Execute) -> None:
    """A sink hears of the start, the plan, every call, answer, verdict and move, and the end."""
    house = House({"small": [WRONG, RIGHT]})
    run(house)
    kinds = [type(event) for event in house.events]
    assert (kinds[0], kinds[1], kinds[-1]) == (TaskStarted, Planned, TaskEnded)
    assert kinds.count(CallFinished) == kinds.count(Answered) == 2
    assert kinds.count(Judged) == 4
    assert kinds.count(Moved) == 1


def test_a_sink_that_fails_does_not_stop_the_task(caplog: pytest.LogCaptureFixture) -> None:
    """A broken listener is reported once and left out; the task goes on."""

    def broken(event: Any) -> None:
        raise RuntimeError("no space on the dashboard")

    outcome = House({"small": [RIGHT]}).execute(on_event=broken)
    assert outcome.status == "accepted"
    assert sum("sink" in record.message for record in caplog.records) == 1


def test_paid_models_are_announced_when_the_guard_only_warns() -> None:
    """With before_paid: warn the first use of a paid model is an event with its highest cost."""
    house = House({"small": [failure("connection")], "large": [failure("connection")], "haiku": [RIGHT]})
    house.execute()
    [event] = [event for event in house.events if isinstance(event, PaidModelAhead)]
    assert event.approved is None
    assert event.substitution.highest_cost > 0


def test_the_same_task_id_is_done_once(run: Execute) -> None:
    """Asking twice under one id gives the stored outcome; no model is asked again."""
    house = House({"small": [WRONG, RIGHT]})
    first = run(house, task_id="once")
    second = run(house, task_id="once")
    assert second.status == "accepted"
    assert (second.files, second.attempts) == (first.files, first.attempts)
    assert len(house.models()) == 2


def test_a_task_id_cannot_stand_for_another_task() -> None:
    """The id of one task with another prompt is an error, not somebody else's answer."""
    house = House({"small": [RIGHT]})
    house.execute(task_id="mine")
    with pytest.raises(TaskError, match="another task"):
        house.execute("Something else.", task_id="mine")


def test_a_stopped_task_goes_on_where_it_stopped(run: Execute) -> None:
    """After a budget stop the settled answers are read from the ledger and only the rest is asked."""
    ledger = MemoryLedger()
    first = House(
        {"small": [WRONG, WRONG], "large": [WRONG, WRONG]}, ledger=ledger, cost_guard={"budgets": {"day": 0}}
    )
    stopped = run(first, task_id="later", validators=["syntax", "houses:adding"])
    assert (stopped.status, stopped.cause) == ("stopped", "budget")
    second = House({"haiku": [RIGHT]}, ledger=ledger)
    outcome = second.escalator.resume("later")
    assert (outcome.status, second.models()) == ("accepted", ["haiku"])
    assert [attempt.model for attempt in outcome.attempts][-1] == "haiku"
    assert len(outcome.attempts) == len(stopped.attempts) + 1


def test_a_ledger_that_keeps_no_answers_resumes_by_asking_again() -> None:
    """With store_answers: false the weaker promise holds and is said: recorded replies are asked for again."""
    ledger = MemoryLedger(store_answers=False)
    script = {"small": [WRONG, WRONG], "large": [WRONG, WRONG]}
    chosen = ["syntax", "houses:adding"]
    first = House(script, ledger=ledger, cost_guard={"budgets": {"day": 0}})
    assert first.execute(task_id="t", validators=chosen).cause == "budget"
    second = House({**script, "haiku": [RIGHT]}, ledger=ledger)
    outcome = second.escalator.resume("t")
    assert (outcome.status, second.models()) == ("accepted", ["small", "small", "large", "large", "haiku"])
    assert any("keeps no answers" in warning for warning in outcome.warnings)


def test_a_resume_does_not_ask_again_for_what_was_approved_and_bought() -> None:
    """A replayed answer of a paid model needs no new approval; the first new call after it does, once."""
    ledger, asked = MemoryLedger(), list[Any]()

    def approve(wanted: Any) -> bool:
        asked.append(wanted)
        return True

    script = {"small": [WRONG, WRONG], "large": [WRONG, WRONG], "haiku": [WRONG]}
    chosen = ["syntax", "houses:adding"]
    paid = {"before_paid": "confirm", "budgets": {"task": "0.0008"}}
    first = House(script, ledger=ledger, approve=approve, cost_guard=paid)
    first.provider._script = {**script, "haiku": [dear(WRONG)]}
    stopped = first.execute(task_id="twice", validators=chosen)
    assert (stopped.status, stopped.cause) == ("stopped", "budget")
    assert [wanted.to_model for wanted in asked] == ["haiku"]
    asked.clear()
    second = House({"haiku": [RIGHT]}, ledger=ledger, approve=approve, cost_guard={"before_paid": "confirm"})
    outcome = second.escalator.resume("twice")
    assert (outcome.status, second.models()) == ("accepted", ["haiku"])
    assert [wanted.reason for wanted in asked] == ["needed as worker"]


def test_a_task_with_validators_of_its_own_says_how_to_go_on() -> None:
    """Functions cannot be stored: `resume` says that `execute` with the same id goes on, and it does."""
    ledger = MemoryLedger()
    script = {"small": [WRONG, WRONG], "large": [WRONG, WRONG]}
    assert (
        House(script, ledger=ledger, cost_guard={"budgets": {"day": 0}}).execute(task_id="own").cause == "budget"
    )
    second = House({"haiku": [RIGHT]}, ledger=ledger)
    with pytest.raises(TaskError, match="call execute again with the same task_id"):
        second.escalator.resume("own")
    assert (second.execute(task_id="own").status, second.models()) == ("accepted", ["haiku"])


def dear(text: str) -> Completion:
    """An answer of the paid model that used most of a small budget."""
    return Completion(text=text, model="claude-haiku-5-5", usage=Usage(input_tokens=500, output_tokens=1000))


def test_resuming_an_unknown_task_says_so() -> None:
    """A task the ledger never saw cannot be resumed."""
    with pytest.raises(TaskError, match="knows no task"):
        House({}).escalator.resume("never")


@pytest.mark.parametrize(
    ("options", "field", "says"),
    [
        ({"prompt": "  "}, "prompt", "empty"),
        ({"workspace": "/nowhere/at/all"}, "workspace", "does not exist"),
        ({"files": ["x.py"]}, "files", "no workspace"),
        ({"files": {"../x.py": ""}}, "files", "relative"),
        ({"complexity": 11}, "complexity", "between 0 and 10"),
        ({"deadline": 0}, "deadline", "no time"),
        ({"budget": "much"}, "budget", "amount"),
        ({"validators": []}, "validators", "empty"),
        ({"filez": []}, "filez", "no such option"),
        ({"images": ["a.tiff"]}, "images", "picture"),
    ],
)
def test_a_malformed_task_names_the_argument_and_what_to_pass(
    options: dict[str, Any], field: str, says: str
) -> None:
    """Bad input is refused before any model is asked, by the name of the argument."""
    house = House({})
    given = {"prompt": "Fix it.", "validators": None, **options}
    with pytest.raises(TaskError) as caught:
        house.execute(given.pop("prompt"), **given)
    assert caught.value.field == field
    assert says in str(caught.value)


def test_a_test_outside_the_workspace_is_refused(tmp_path: Path) -> None:
    """Trusted tests come from the workspace; a path that leads out of it is an error."""
    (tmp_path / "project").mkdir()
    (tmp_path / "test_out.py").write_text("def test(): pass\n")
    with pytest.raises(TaskError) as caught:
        House({}).execute("Fix it.", workspace=tmp_path / "project", tests=["../test_out.py"], files=())
    assert caught.value.field == "tests"


def test_an_unknown_task_type_or_validator_is_refused_with_a_suggestion() -> None:
    """A typo in an argument is an error with the nearest name, before anything is spent."""
    with pytest.raises(ConfigError, match="'critical'"):
        House({}).execute("Fix it.", task_type="critcal")
    with pytest.raises(ConfigError, match="syntax"):
        House({}).execute("Fix it.", validators=["sintax"])


def test_the_workspace_is_never_written_until_apply(tmp_path: Path) -> None:
    """The walk leaves the user's tree as it was; `apply` writes the accepted change."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    before = (tmp_path / "adding.py").read_text()
    outcome = House({"small": [WRONG, RIGHT]}).execute(workspace=tmp_path, files=["adding.py"])
    assert (tmp_path / "adding.py").read_text() == before
    outcome.apply()
    assert "a + b" in (tmp_path / "adding.py").read_text()


def test_an_answer_may_not_overwrite_what_it_was_not_given(tmp_path: Path) -> None:
    """A file of the project outside `files` is refused before it is judged, so that what is accepted can be applied."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    (tmp_path / "config.py").write_text("x = 1\n")
    beyond = RIGHT + "\n" + fenced("x = 2", path="config.py")
    house = House({"small": [beyond, RIGHT]})
    outcome = house.execute(workspace=tmp_path, files=["adding.py"])
    assert outcome.attempts[0].rejection.kind == "protected"
    assert "config.py" in "\n".join(message.text for message in house.provider.requests[1].messages)
    outcome.apply()
    assert (tmp_path / "config.py").read_text() == "x = 1\n"


def test_what_was_not_accepted_cannot_be_applied(tmp_path: Path) -> None:
    """Applying an outcome that is not accepted raises and writes nothing."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    outcome = House({"small": [RIGHT]}).execute(workspace=tmp_path, files=["adding.py"], task_type="critical")
    with pytest.raises(Exception, match="wait for a person"):
        outcome.apply()
    assert (tmp_path / "adding.py").read_text() == BASE["adding.py"]


@pytest.mark.needs_bwrap
def test_real_tests_in_a_real_sandbox_decide(run: Execute) -> None:
    """With pytest as the judge a wrong answer fails, its findings reach the model, and the right one is accepted."""
    house = House({"small": [WRONG, RIGHT]})
    outcome = run(house, tests=TESTS, validators=["syntax", "tests"])
    assert outcome.status == "accepted"
    assert [v.status for v in outcome.attempts[0].verdicts] == ["passed", "failed"]
    said = "\n".join(message.text for message in house.provider.requests[1].messages)
    assert "test_add" in said
    assert outcome.attempts[1].verdicts[1].isolation is not None


def test_many_threads_may_share_one_house() -> None:
    """Fifty threads execute on one object at once; every outcome is its own."""
    house = House(lambda request: RIGHT)
    outcomes: list[Any] = []
    threads = [threading.Thread(target=lambda: outcomes.append(house.execute())) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({outcome.task_id for outcome in outcomes}) == 50
    assert {outcome.status for outcome in outcomes} == {"accepted"}


def test_a_task_record_and_keywords_mean_the_same() -> None:
    """A `Task` can be built ahead and given whole; keywords beside it win."""
    house = House({"small": [RIGHT]})
    task = Task(prompt="Fix add().", files=BASE, task_type="quick_edit", validators=["syntax"])
    outcome = house.escalator.execute(task, task_type="standard_development")
    assert outcome.classification.task_type == "standard_development"


def test_a_missing_key_is_a_fallback_with_advice() -> None:
    """A cloud model without its key is passed over, and the reason names the variable to export."""
    local = ScriptedProvider({"small": [WRONG, WRONG], "large": [WRONG, WRONG]})
    house = Escalator(matrix(), ledger=":memory:", providers={"here": local, "there": local})
    outcome = house.execute("Fix it.", files=BASE, validators=[adds], task_type="quick_edit")
    assert "ANTHROPIC_API_KEY" in outcome.reason
    assert outcome.attempts[-1].failure.kind == "auth"


def test_no_model_requests_blocks_every_real_provider() -> None:
    """In a guarded block a real provider is never reached; scripted ones still answer."""
    with no_model_requests():
        outcome = execute(
            "Fix it.", matrix=matrix(), ledger=":memory:", files=BASE, validators=[adds], task_type="quick_edit"
        )
        assert {attempt.failure.kind for attempt in outcome.attempts if attempt.failure} <= {
            "network_blocked",
            "auth",
        }
        assert House({"small": [RIGHT]}).execute().status == "accepted"


def test_nobody_home_says_what_was_looked_for() -> None:
    """With the default matrix and no server and no key, the outcome names each obstacle and the next command."""
    outcome = execute(
        "Rename x to y in a.py.", ledger=":memory:", files={"a.py": "x = 1\n"}, task_type="quick_edit"
    )
    assert outcome.status == "stopped"
    assert "GEMINI_API_KEY" in outcome.reason
    assert "escalator doctor" in outcome.reason
    assert "escalator demo" in outcome.reason


def test_a_summary_reads_like_a_report() -> None:
    """`summary()` tells status, path, verdicts and cost in a few lines."""
    text = House({"small": [BROKEN, WRONG], "large": [RIGHT]}).execute().summary()
    assert text.splitlines()[0].startswith("accepted: large passed")
    assert "small #1: syntax failed" in text
    assert "cost" in text


def test_an_answer_in_the_wrong_shape_is_not_a_verdict(run: Execute) -> None:
    """Prose without code is a failure of format: repaired by its own feedback, counted as a fallback at most."""
    house = House({"small": ["I would add the two numbers.", RIGHT]})
    outcome = run(house)
    assert outcome.attempts[0].rejection.kind == "no_code"
    assert outcome.attempts[1].passed


@pytest.mark.parametrize(("answer", "kind"), [(BASE["adding.py"], "no_code"), ("", "elided")])
def test_an_answer_that_does_no_work_is_no_answer(answer: str, kind: str) -> None:
    """Giving the file back as it was, or empty, is refused before a validator could let it pass."""
    house = House({"small": [f"adding.py\n```python\n{answer}```\n", RIGHT]})
    outcome = house.execute(validators=["syntax"])
    assert outcome.attempts[0].rejection.kind == kind
    assert outcome.attempts[1].passed


def test_an_empty_answer_is_asked_for_once_more(run: Execute) -> None:
    """HTTP 200 with nothing in it is no success."""
    house = House({"small": ["", RIGHT]})
    assert run(house).attempts[0].failure.kind == "empty"


def test_files_that_are_not_named_may_still_be_created(run: Execute) -> None:
    """An answer to a task without files may bring a new one."""
    house = House({"small": [fenced("def f():\n    return 1", path="new.py")]})
    outcome = run(house, "Write f() in new.py.", files={}, validators=["syntax"])
    assert list(outcome.files) == ["new.py"]


def test_a_chain_without_a_local_model_says_so_to_a_local_task(run: Execute) -> None:
    """Servers are not the obstacle where the chain itself leads elsewhere; each model is named once."""
    house = House(
        {}, task_types={"critical": {"complexity": [0, 10], "chain": ["haiku"], "validators": ["syntax"]}}
    )
    outcome = run(house, task_type="critical", local_only=True, validators=["syntax"])
    assert outcome.status == "stopped"
    assert "Put a local model into the chain of critical" in outcome.reason
    assert outcome.reason.count("haiku") == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"deadline": "5"}, "deadline: '5' is str, not a number"),
        ({"complexity": True}, "complexity: True is bool, not a number"),
        ({"deadline": float("nan")}, "leaves no time"),
        ({"task_id": " "}, "task_id: the id is empty"),
        ({"files": {"a.py": "\ud800"}}, "half a character"),
        ({"prompt": "Set x \ud800"}, "half a character"),
    ],
)
def test_a_wrong_value_is_named_before_anything_is_done(wrong: dict[str, Any], says: str) -> None:
    """A value no task can have is a TaskError that names the argument, never an error from deep inside."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match=says):
        house.execute(**wrong)
    assert not house.provider.requests


def test_one_text_stands_for_a_list_of_one() -> None:
    """A tag, a requirement or a validator that is passed alone is one item, not its letters."""
    house = House({"small": [RIGHT]})
    outcome = house.execute(tags="nightly", requirements="Keep it short.", validators="syntax")
    assert outcome.brief.tags == ("nightly",)
    assert outcome.brief.requirements == ("Keep it short.",)
    assert [spec.name for spec in outcome.plan.validators] == ["syntax"]


def test_only_true_approves_a_paid_model(run: Execute) -> None:
    """A text such as "no" is true in Python; money is not spent on that."""
    guard = {"before_paid": "confirm"}
    house = House(
        {"small": [WRONG, WRONG], "large": [WRONG, WRONG]}, approve=lambda _wanted: "no", cost_guard=guard
    )
    with pytest.raises(TaskError, match="approve returned 'no'"):
        run(house)
    assert "haiku" not in house.models()
