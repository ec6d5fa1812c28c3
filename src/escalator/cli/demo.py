"""`escalator demo`: one task of each type, done by a simulated fleet, judged for real, shown as it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.rule import Rule
from rich.text import Text

from escalator import Escalator, load_matrix
from escalator.cli.console import GOOD, NOTE, console, money, print_json, table
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import Json
from escalator.cli.show import Live, hanging, outcome_json, outcome_lines
from escalator.matrix import packaged_path
from escalator.pricing import PriceBook
from escalator.simulation import Fleet, Question, Reply
from escalator.simulation.checker import opinion
from escalator.simulation.scenes import SCENES, Scene

if TYPE_CHECKING:
    from rich.console import Console

    from escalator.events import Approve, Substitution
    from escalator.records import Outcome

app = command_app()

NEXT = (
    ("escalator doctor", "what is reachable on this machine: servers, keys, sandbox"),
    ("escalator matrix show > escalation_matrix.yaml", "a matrix of your own to edit"),
    ('escalator run "…" --file F --test T', "a real task; add --apply to write the accepted change"),
)


class Actors:
    """Answers as the scenes have it: by task, by model, and by how often that model was asked."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names, self._asked, self._lock = names, Counter[tuple[str, str]](), Lock()

    def __call__(self, question: Question) -> Reply:
        """The next answer of this model in the scene its prompt belongs to."""
        said = opinion(question)
        if said is not None:
            return said
        scene = next((scene for scene in SCENES if scene.task.prompt in question.prompt), None)
        name = self._names.get(question.model, question.model)
        answers = scene.answers.get(name, ()) if scene is not None else ()
        if not answers:
            return "I do not know how to do that."
        with self._lock:
            number = self._asked[scene.task.prompt, name] if scene else 0
            self._asked[scene.task.prompt if scene else "", name] += 1
        return answers[min(number, len(answers) - 1)]


@app.command(cls=PlainCommand, short_help="Watch simulated models do one task of each type.")
def demo(
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Do not wait between answers.")] = False,
    as_json: Json = False,
) -> None:
    """Watch one task of each type being done by simulated models, with real validators, sandbox and ledger."""
    play(seconds=0.0 if fast or as_json else 0.4, as_json=as_json)


def play(*, seconds: float, as_json: bool) -> None:
    """Run every scene and end with a table of what happened."""
    out = console()
    if not as_json:
        out.print(Text("escalator demo", "bold"))
        out.print(
            "The models are simulated: a small fleet on loopback speaks the real wires and answers at each "
            "model's level of skill. Validators, sandbox, ledger and prices are real."
        )
    default = load_matrix(packaged_path())
    names = {model.id: name for name, model in default.models.items()}
    outcomes = []
    with (
        Fleet(Actors(names), seconds=seconds) as fleet,
        Fleet(Actors(names), down=("ollama",)) as dark,
        Escalator(demo_matrix(fleet, dark), ledger=":memory:", approve=_approved(out, quiet=as_json)) as house,
    ):
        for number, scene in enumerate(SCENES, 1):
            if not as_json:
                out.print()
                out.print(Rule(Text(f"{number}. {scene.shows}", "bold"), align="left", characters="─"))
                out.print(Text(scene.task.prompt))
            outcome = house.execute(replace(scene.task), on_event=() if as_json else Live(out))
            outcomes.append(outcome)
            if not as_json:
                for line in outcome_lines(outcome):
                    out.print(hanging(line))
    if as_json:
        print_json([outcome_json(outcome) for outcome in outcomes])
        return
    _table(out, outcomes)


def demo_matrix(fleet: Fleet, dark: Fleet) -> dict[str, object]:
    """The default matrix on simulated servers, with real prices and a workstation that is switched off."""
    matrix = load_matrix(packaged_path())
    data: dict[str, Any] = {**matrix.document.data, "providers": fleet.providers()}
    data["providers"]["workstation"] = dark.providers()["ollama"]
    today = datetime.now(UTC)
    models = {}
    for name, section in matrix.document.data["models"].items():
        model = matrix.models[name]
        price = PriceBook().price_of(model, at=today)
        rates = price.tiers[0] if price is not None else None
        shown = {"input": str(rates.input), "output": str(rates.output)} if rates else {"input": 0, "output": 0}
        models[name] = {**section, "price": shown}
    models["workstation-32b"] = {**models["local-32b"], "provider": "workstation"}
    types = {name: dict(section) for name, section in data["task_types"].items()}
    types["complex_architecture"]["chain"] = ["workstation-32b", "haiku", "sonnet"]
    guard = {**data["cost_guard"], "before_paid": "confirm"}
    return {**data, "models": models, "task_types": types, "cost_guard": guard}


def _approved(out: Console, *, quiet: bool) -> Approve:
    def approve(wanted: Substitution) -> bool:
        if not quiet:
            cap = money(wanted.highest_cost)
            out.print(
                Text(f"    $ May {wanted.to_model} be asked, for up to {cap}?  yes (the demo says so)", NOTE)
            )
        return True

    return approve


def path_taken(outcome: Outcome) -> str:
    """The models in the order in which they were asked, with how often."""
    asked = Counter(attempt.model for attempt in outcome.attempts)
    return " → ".join(f"{name} ×{count}" if count > 1 else name for name, count in asked.items())


def _verdicts(outcome: Outcome) -> str:
    best = outcome.best
    if best is None:
        return "–"
    marks = {"passed": "✓", "failed": "✗", "inconclusive": "?"}
    return " ".join(f"{marks[verdict.status]}{verdict.validator}" for verdict in best.verdicts)


def _table(out: Console, outcomes: list[Outcome]) -> None:
    out.print()
    rows = [
        (
            str(number),
            Text(outcome.status, GOOD if outcome.status == "accepted" else NOTE),
            path_taken(outcome),
            _verdicts(outcome),
            money(outcome.cost),
            money(outcome.saved),
        )
        for number, outcome in enumerate(outcomes, 1)
    ]
    out.print(Rule(Text("what happened (simulated)", "bold"), align="left", characters="─"))
    out.print(table("#", "outcome", "path taken", "verdicts", "cost", "saved", rows=rows))
    accepted = [outcome for outcome in outcomes if outcome.status == "accepted"]
    saved = sum((outcome.saved for outcome in accepted), start=type(outcomes[0].cost)(0))
    baseline = accepted[0].baseline.model if accepted and accepted[0].baseline else "the baseline"
    out.print(
        Text(f"saved: against {baseline} answering every accepted task at once, {money(saved)} in all", "dim")
    )
    out.print()
    out.print(Text("next", "bold"))
    width = max(len(command) for command, _ in NEXT)
    for command, why in NEXT:
        out.print(
            f"  {command:<{width}}  {why}" if width + len(why) < out.width - 4 else f"  {command}\n      {why}"
        )


__all__ = ["Actors", "Scene", "demo_matrix", "path_taken", "play"]
