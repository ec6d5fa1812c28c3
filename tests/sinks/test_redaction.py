"""What must not be stored is not stored, and nobody mistakes a masked text for the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator import Escalator
from escalator.errors import LedgerError
from escalator.ledger import MemoryLedger, open_ledger
from escalator.redaction import RedactingLedger, mask, redacted, secrets
from escalator.simulation import Fleet
from escalator.sinks import JsonLinesSink
from escalator.testing import fenced
from houses import BASE, BROKEN, RIGHT, House

CONFIRM = {"before_paid": "confirm"}
KEY = "sk-ant-" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "AIza" + "x" * 35,
        "ghp_" + "a" * 36,
        "AKIA" + "ABCDEFGH12345678",
        "Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_well_known_keys_are_masked(text: str) -> None:
    """The forms that leak most often do not survive."""
    assert "[redacted]" in secrets(f"before {text} after")
    assert text not in secrets(f"before {text} after")


def test_code_is_left_alone() -> None:
    """A program without keys in it is stored as it is."""
    text = (Path(__file__).parents[2] / "src" / "escalator" / "walk.py").read_text()
    assert secrets(text) == text


@settings(max_examples=60)
@given(st.text(min_size=8, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_exact_values_never_survive(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, a value that is to be masked is masked."""
    hook = mask([secret])
    if secret not in "[redacted]":
        assert "[redacted]" in hook(before + secret + after)


def test_every_text_of_a_value_is_seen() -> None:
    """Lists and mappings are walked; keys and numbers stay."""
    assert redacted({"a": ["x", 1, {"b": "x"}]}, str.upper) == {"a": ["X", 1, {"b": "X"}]}


def test_the_ledger_file_holds_no_secret(tmp_path: Path) -> None:
    """A key in the prompt, a file and an answer stands nowhere in the ledger's files."""
    ledger = RedactingLedger(open_ledger(tmp_path / "ledger.sqlite"), secrets)
    answer = fenced(f"KEY = '{KEY}'\n\n\ndef add(a, b):\n    return a + b", path="adding.py")
    outcome = House({"small": [answer]}, ledger=ledger).execute(
        f"Fix add(), use {KEY}.", files={**BASE, "k.py": f"K = '{KEY}'\n"}
    )
    ledger.close()
    assert outcome.status == "accepted"
    assert KEY in outcome.files["adding.py"]
    assert all(KEY.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_masked_file_is_never_handed_out() -> None:
    """Asked again for the finished task, the ledger gives no file with a mask in it, and says so."""
    answer = fenced(f"KEY = '{KEY}'\n\n\ndef add(a, b):\n    return a + b", path="adding.py")
    ledger = RedactingLedger(MemoryLedger(), secrets)
    House({"small": [answer]}, ledger=ledger).execute(task_id="t1")
    again = House({}, ledger=ledger).execute(task_id="t1")
    assert again.status == "accepted"
    assert again.files == {}
    assert "redacted" in again.warnings[0]


@pytest.mark.parametrize("where", ["prompt", "answer"])
def test_a_task_that_lost_something_is_not_resumed(where: str) -> None:
    """With its prompt or a paid answer masked, going on would build on another text; the task must start anew."""
    ledger = RedactingLedger(MemoryLedger(), secrets)
    spoilt = BROKEN.replace("return", f"# {KEY}\n    return") if where == "answer" else BROKEN
    prompt = f"Fix add() with {KEY}." if where == "prompt" else "Fix add()."
    house = House({"small": [spoilt] * 2, "large": [BROKEN] * 2}, ledger=ledger, cost_guard=CONFIRM)
    assert house.execute(prompt, task_id="t1", validators=["syntax"]).cause == "pending"
    with pytest.raises(LedgerError, match="cannot be resumed; run it again"):
        house.escalator.resume("t1")


def test_a_task_without_secrets_is_stored_and_resumed_as_ever() -> None:
    """The hook changes nothing it does not have to."""
    ledger = RedactingLedger(MemoryLedger(), secrets)
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT]}
    house = House(script, ledger=ledger, cost_guard=CONFIRM)
    assert house.execute(task_id="t1", validators=["syntax"]).cause == "pending"
    assert house.escalator.resume("t1", approve=lambda _: True).status == "accepted"
    assert house.models() == ["small", "small", "large", "large", "haiku"]


def test_a_provider_s_key_reaches_neither_ledger_nor_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to the server and nowhere else: no row, no line of the log and no span's fact holds it."""
    monkeypatch.setenv("FLEET_KEY", "very-secret-key-42")
    with Fleet(lambda _: RIGHT) as fleet:
        provider = {**fleet.providers()["lmstudio"], "api_key_env": "FLEET_KEY"}
        models = {"large": {"provider": "lmstudio", "id": "large", "tier": "local_quality"}}
        types = {"quick_edit": {"complexity": [0, 10], "chain": ["large"], "validators": ["syntax"]}}
        matrix = {"version": 1, "providers": {"lmstudio": provider}, "models": models, "task_types": types}
        sink = JsonLinesSink(tmp_path / "log.jsonl", content=True)
        with sink, Escalator(matrix, ledger=tmp_path / "ledger.sqlite", on_event=sink) as house:
            assert house.execute("Fix add().", files=BASE).status == "accepted"
    assert len(list(tmp_path.iterdir())) >= 2
    assert all(b"very-secret-key-42" not in file.read_bytes() for file in tmp_path.iterdir())
