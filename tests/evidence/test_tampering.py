"""What somebody alters in the ledger's file is told, and what is told of a fresh bundle is that it holds."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalator.errors import LedgerError
from escalator.evidence import Verification, bundle, verify
from escalator.ledger import open_ledger
from escalator.records import Isolation, Verdict
from houses import BROKEN, RIGHT, WRONG, House, chain_of

PAID = chain_of("haiku", "small", max_attempts=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with an accepted task whose first answer was wrong."""
    where = tmp_path / "ledger.sqlite"
    archive = open_ledger(where)
    house = House({"haiku": [BROKEN, RIGHT]}, ledger=archive, task_types=PAID)
    house.execute(task_id="t1", validators=["syntax"])
    archive.close()
    return where


def verified(path: Path, **options: Any) -> Verification:
    archive = open_ledger(path)
    try:
        return verify(House({}, ledger=archive, task_types=PAID).escalator, archive, "t1", **options)
    finally:
        archive.close()


def alter(path: Path, column: str, before: str, after: str) -> None:
    table = {"brief": "paper", "plan": "paper"}.get(column, "task")
    with sqlite3.connect(path) as connection:
        ((text,),) = connection.execute(f"SELECT {column} FROM {table}")
        assert before in text, text
        connection.execute(f"UPDATE {table} SET {column} = ?", (text.replace(before, after),))
    connection.close()


@pytest.mark.parametrize(
    ("column", "before", "after", "row"),
    [
        ("outcome", '"cost":"', '"cost":"1', "outcome"),
        ("outcome", "a + b", "a - b", "outcome"),
        ("outcome", '"model":"haiku"', '"model":"small"', "outcome"),
        ("outcome", '"status":"failed"', '"status":"passed"', "outcome"),
        ("outcome", '{"', 'no JSON {"', "outcome"),
        ("brief", "Fix add()", "Break add()", "prompt and files"),
        ("plan", '"syntax"', '"python"', "plan"),
        ("plan", "{", "[", "plan"),
        ("state", "accepted", "stopped", "state of the task"),
        ("tags", "[]", "no JSON", "task"),
        ("reason", "", "as it was wished ", "outcome"),
    ],
)
def test_what_was_altered_in_the_ledger_is_told_without_a_bundle(
    path: Path, column: str, before: str, after: str, row: str
) -> None:
    """Cost, answer, model, verdict, prompt, plan: the row is named, and nothing of it is executed."""
    assert verified(path).holds
    alter(path, column, before, after)
    found = verified(path)
    assert not found.holds
    assert (found.verdicts, found.parts) == ((), None)
    assert f"the ledger: {row}" in {difference.what for difference in found.differences}


def test_a_bundle_tells_what_the_chain_cannot(path: Path) -> None:
    """Whoever writes an altered task anew, with its chain, is not seen by the chain; the bundle knows the first."""
    archive = open_ledger(path)
    house = House({"haiku": [RIGHT, RIGHT.replace("a + b", "b + a"), "?", "?"]}, ledger=archive, task_types=PAID)
    anchor = bundle(house.execute(task_id="t2", validators=["syntax"]))
    archive.close()
    path.unlink()
    archive = open_ledger(path)
    house = House({"haiku": [RIGHT.replace("a + b", "b + a")]}, ledger=archive, task_types=PAID)
    house.execute(task_id="t2", validators=["syntax"])
    assert verify(house.escalator, archive, "t2").holds
    assert not verify(house.escalator, archive, "t2", against=anchor).holds
    archive.close()


def test_a_task_from_before_chains_is_not_called_altered(path: Path) -> None:
    """Of a ledger that was brought forward it is said that no chain was kept."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE task SET chain = ''")
        connection.execute("UPDATE chained SET since = 1")
    connection.close()
    found = verified(path)
    assert (found.holds, found.parts) == (True, None)
    assert [difference.before for difference in found.differences] == ["no chain was kept"]


def test_texts_that_somebody_took_away_are_not_taken_for_erased(path: Path) -> None:
    """Only what the ledger erased itself may be missing."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM paper")
        connection.execute("UPDATE task SET forgotten = 1, outcome = ''")
    connection.close()
    found = verified(path)
    assert not found.holds
    assert "the ledger: erasure of the texts" in {difference.what for difference in found.differences}


def test_an_erased_task_that_was_not_accepted_is_still_none_to_verify(tmp_path: Path) -> None:
    """Without an accepted answer there is nothing to verify, whatever was erased."""
    archive = open_ledger(tmp_path / "ledger.sqlite")
    house = House({"haiku": [WRONG] * 2, "small": [WRONG] * 2}, ledger=archive, task_types=PAID)
    house.execute(task_id="t1")
    archive.forget(archive.now() + 1).result()
    with pytest.raises(LedgerError):
        verify(house.escalator, archive, "t1")
    archive.close()


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**40, 10**60),
    st.just(5000).map(lambda digits: 10**digits),
    st.floats(),
    st.text(st.characters(codec=None), max_size=8),
    st.binary(max_size=4),
    st.just(Path("/a/b")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none()), inner, max_size=3),
    ),
    max_leaves=8,
)
EVIDENCE = st.dictionaries(st.text(st.characters(codec=None), max_size=8), VALUES, max_size=4)
TEXTS = st.text(st.characters(codec=None), max_size=12)
ISOLATIONS = st.none() | st.builds(
    Isolation,
    kind=st.sampled_from(["bwrap", "landlock", "none"]),
    gaps=st.lists(TEXTS, max_size=2).map(tuple),
)

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books") / "ledger.sqlite"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(evidence=EVIDENCE, isolation=ISOLATIONS, feedback=TEXTS, comment=TEXTS)
def test_a_fresh_bundle_holds(
    books: Path, evidence: Mapping[str, Any], isolation: Isolation | None, feedback: str, comment: str
) -> None:
    """Whatever a validator gives as evidence, whatever the texts: through JSON and the ledger it stays the same."""
    archive = open_ledger(books, durability="normal")

    def judge(candidate: Any) -> Verdict:
        status = "passed" if "a + b" in candidate.files["adding.py"] else "failed"
        return Verdict(
            validator="odd", status=status, evidence=evidence, isolation=isolation, feedback=feedback, hint=comment
        )

    judge.name, judge.cost = "odd", "instant"  # type: ignore[attr-defined]
    house = House({"haiku": [f"{comment}\n{WRONG}", f"{RIGHT}\n{comment}"]}, ledger=archive, task_types=PAID)
    name = f"t{next(_NUMBERS)}"
    prompt = f"Fix add(). {feedback}".encode("utf-8", "replace").decode()  # half characters are refused there
    outcome = house.execute(prompt, task_id=name, validators=["syntax", judge])
    assert outcome.status == "accepted"
    anchor = json.loads(json.dumps(bundle(outcome)))
    found = verify(house.escalator, archive, name, against=anchor)
    assert [each for each in found.differences if "odd" not in each.validator] == []
    assert found.parts
    archive.close()
