"""What a run shows of a project's secrets reaches no other model, and nothing else is hidden from it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.records import Brief, Verdict
from escalator.redaction import Veil, veil_of
from escalator.testing import fenced
from escalator.workspace import Holdings, secret_values
from escalator.workspace.secret_values import MOST_READ, MOST_VALUES
from houses import House, chain_of

PASSWORD = "tr0ub4dor-and-3"
TOKEN = "ghp_" + "a1B2" * 9


def laid(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def values_of(root: Path, files: Mapping[str, str], **environ: str) -> set[str]:
    return set(secret_values(laid(root, files), environ).values)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", f"DEBUG=1\nexport DB_PASSWORD={PASSWORD}\n"),
        (".npmrc", f"//registry.example/:_authToken={PASSWORD}\n"),
        (".netrc", f"machine example login me password {PASSWORD}\n"),
        (".pgpass", f"db:5432:app:me:{PASSWORD}\n"),
        (".aws/credentials", f"[default]\naws_secret_access_key = {PASSWORD}\n"),
        ("secrets.yaml", f"database:\n  password: {PASSWORD}\n"),
        ("terraform.tfstate", json.dumps({"outputs": {"db": {"value": PASSWORD}}})),
        ("config.py", f'PASSWORD = "{PASSWORD}"\n'),
        ("app/settings.json", json.dumps({"apiToken": PASSWORD})),
        ("config/database.yml", f"production:\n  password: {PASSWORD}\n"),
        ("app/secrets.py", f"API_KEY: str = '{PASSWORD}'\n".replace(": str", "")),
        ("config.toml", f'url = "postgres://me:{PASSWORD}@db/app"\n'),
    ],
)
def test_values_are_found_where_projects_keep_them(name: str, text: str, tmp_path: Path) -> None:
    """In files that stay back and in settings that do not."""
    assert PASSWORD in values_of(tmp_path, {name: text})


def test_the_lines_of_a_private_key_are_values(tmp_path: Path) -> None:
    """A key is known by any of its lines."""
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    text = f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----\n"
    assert line in values_of(tmp_path, {"server.pem": text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.py", 'PASSWORD = os.environ["APP_PASSWORD"]\nTOKEN = "identifier"\n'),
        (
            "settings.py",
            'PASSWORD_HASHERS = "django.contrib.auth.hashers.Argon2"\nSECRET = "${FROM_ELSEWHERE_1}"\n',
        ),
        ("config.json", json.dumps({"token": "{{ token_of_1 }}", "key": "value-12345"})),
        ("parser.py", 'token = "abc123-not-a-settings-file"\n'),
        (".env", "DJANGO_SETTINGS_MODULE=app.settings.local\nHOST=127.0.0.1\nROOT=/srv/app\nLEVEL=debugging\n"),
        (".vscode/settings.json", json.dumps({"password": PASSWORD})),
        ("config.yaml", "url: https://example.com/a1b2c3d4\npassword: short1\n"),
    ],
)
def test_ordinary_settings_are_no_secrets(name: str, text: str, tmp_path: Path) -> None:
    """Names, paths, addresses, plain words and what is filled in elsewhere may be told."""
    assert values_of(tmp_path, {name: text}) == set()


def test_variables_with_the_names_of_keys_are_secrets(tmp_path: Path) -> None:
    """By the end of their name; paths and short values are none."""
    found = values_of(
        tmp_path,
        {},
        OPENAI_API_KEY="k" * 20,
        DB_PASSWORD=PASSWORD,
        SSH_KEY="/etc/ssh/key1",
        A_TOKEN="short",
        PATH="/bin1",
    )
    assert found == {"k" * 20, PASSWORD}
    assert secret_values(None, {"X_TOKEN": TOKEN}).values == (TOKEN,)


def test_the_search_is_bounded(tmp_path: Path) -> None:
    """A project of many secrets is searched only so far, and every file only at its beginning."""
    laid(tmp_path, {f"{number}/.env": f"A_KEY=value-{number:05d}\n" for number in range(MOST_READ + 50)})
    assert len(secret_values(tmp_path, {}).values) == MOST_READ
    laid(
        tmp_path,
        {f"{number}/.env": "".join(f"K{n}_KEY=v{number}-{n:05d}\n" for n in range(99)) for number in range(9)},
    )
    assert len(secret_values(tmp_path, {}).values) == MOST_VALUES
    big = laid(tmp_path / "big", {".env": "#" * 100_000 + f"\nA_KEY={PASSWORD}\n"})
    assert PASSWORD not in secret_values(big, {}).values


@pytest.mark.clock
@pytest.mark.parametrize(
    "word", ["a", "a.b-", "a:", '"a', 'token="\\\\', "x_", "a://:", "sk-", "eyJ", 'a="b', "AIza", "secret:"]
)
def test_text_made_to_be_searched_for_long_is_not(word: str, tmp_path: Path) -> None:
    """The search goes through any text once, however often something seems to begin in it."""
    laid(tmp_path, {".env": word * (60_000 // len(word))})
    began = time.process_time()
    secret_values(tmp_path, {})
    assert time.process_time() - began < 5


def test_what_stays_back_is_named(tmp_path: Path) -> None:
    """Files by their path, the folder of a tool as one."""
    laid(tmp_path, {"a/server.key": "x", ".idea/b/c.xml": "x", "app.py": "x", ".aws/config": "x"})
    assert set(secret_values(tmp_path, {}).withheld) == {"a/server.key", ".idea"}


def test_what_cannot_be_read_is_passed_by(tmp_path: Path) -> None:
    """A workspace that is gone, a link that leads nowhere, and bytes that are no text stop nothing."""
    (tmp_path / "config.py").symlink_to("nowhere")
    (tmp_path / ".env").write_bytes(b"A_KEY=\xff\xfe-12345678\n")
    secret_values(tmp_path, {})
    assert secret_values(tmp_path / "gone", {}) == Holdings()


@pytest.mark.parametrize(
    "shown",
    [
        PASSWORD,
        f"E  assert '{PASSWORD}' == ''",
        base64.b64encode(PASSWORD.encode()).decode(),
        PASSWORD.encode().hex(),
        f"postgres://me:{PASSWORD}@db",
    ],
)
def test_a_value_is_masked_however_it_is_usually_shown(shown: str) -> None:
    """As it is, in an address, in base64, in hex."""
    veil = Veil(Holdings(values=(PASSWORD,)))
    assert "[redacted]" in veil(f"before {shown} after")
    assert shown not in veil(f"before {shown} after")


@settings(max_examples=80)
@given(st.text(min_size=8, max_size=30), st.text(max_size=30))
def test_no_value_comes_through(value: str, around: str) -> None:
    """Whatever characters it has, plain or as JSON or as Python shows it."""
    veil = Veil(Holdings(values=(value,)))
    for shown in (value, json.dumps(value)[1:-1], repr(value)[1:-1]):
        if shown not in "[redacted]" and shown not in around:
            assert shown not in veil(f"{around} {shown} {around}").replace("[redacted]", "")


def test_forms_of_tokens_are_masked_without_being_known() -> None:
    """What another tool printed of its own."""
    assert TOKEN not in Veil(Holdings())(f"using {TOKEN}")


def test_what_the_caller_wrote_is_not_hidden(tmp_path: Path) -> None:
    """A test that compares with a made-up password must stay readable for whom it is to help."""
    laid(tmp_path, {"config.py": f'PASSWORD = "{PASSWORD}"\n'})
    brief = Brief(
        task_id="t", prompt="p", workspace=tmp_path, tests={"test_a.py": f'assert f() == "{PASSWORD}"; "{TOKEN}"'}
    )
    text = f"assert None == '{PASSWORD}' {TOKEN}"
    assert veil_of(brief, {})(text) == text
    assert (
        veil_of(Brief(task_id="t", prompt="p", workspace=tmp_path), {})(text)
        == "assert None == '[redacted]' [redacted]"
    )


def test_ordinary_findings_are_told_as_they_are(tmp_path: Path) -> None:
    """Nothing in a report without secrets is changed, evidence and hint included."""
    report = (
        "E   assert task-assignment-scheduler-2 == disk-usage-monitoring\nE   ValueError: 0x7f3a token_12345678\n"
    )
    verdict = Verdict(
        validator="tests", status="failed", feedback=report, hint="h", evidence={"a": ["b", 1, None]}
    )
    assert Veil(Holdings(values=(PASSWORD,), withheld=("a/server.pem", "credentials"))).verdict(verdict) == verdict


def test_a_finding_of_a_missing_file_says_why_it_is_missing() -> None:
    """A test that needs a key gets a hint that names it and how to give it, in place of a riddle."""
    feedback = "FileNotFoundError: [Errno 2] No such file or directory: '/workspace/tests/server.pem'"
    verdict = Verdict(validator="tests", status="failed", feedback=feedback)
    told = Veil(Holdings(withheld=("tests/server.pem",))).verdict(verdict)
    assert told.feedback.startswith(feedback)
    assert "tests/server.pem stays out of the sandbox" in told.feedback
    assert "tests/server.pem" in told.hint
    assert "sandbox.share" in told.hint


SPY = fenced(
    "import config, os, pathlib\n\n\ndef add(a, b):\n"
    "    raise ValueError(config.PASSWORD, config.PASSWORD.encode().hex(), sorted(os.listdir()))\n",
    path="adding.py",
)
RIGHT = fenced("def add(a, b):\n    return a + b\n", path="adding.py")
TREE = {
    "adding.py": "def add(a, b):\n    return None\n",
    "config.py": f'PASSWORD = "{PASSWORD}"\n',
    ".env": "DB_KEY=other-secret-1\n",
    "server.pem": "x\n",
    "test_adding.py": "from adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
}


def spied(root: Path, script: Mapping[str, Any], **changes: Any) -> tuple[Any, House]:
    """The outcome of a task whose first answer prints what it finds, and the house it went through."""
    house = House(
        script, sandbox={"isolation": "auto", "allow_unsandboxed": True, **changes.pop("sandbox", {})}, **changes
    )
    outcome = house.execute(
        workspace=laid(root, TREE), files=["adding.py"], tests=["test_adding.py"], validators=["syntax", "tests"]
    )
    return outcome, house


@pytest.mark.parametrize("chain", [("small",), ("small", "large")], ids=["the same model", "the next one"])
def test_a_secret_that_a_run_shows_reaches_no_other_model(chain: tuple[str, ...], tmp_path: Path) -> None:
    """Neither the repair nor the next rung is told what an answer found in the project."""
    script = {"small": [SPY, RIGHT] if len(chain) == 1 else [SPY], "large": [RIGHT]}
    attempts = 2 if len(chain) == 1 else 1
    outcome, house = spied(tmp_path, script, task_types=chain_of(*chain, max_attempts=attempts))
    told = "\n".join(message.text for message in house.provider.requests[1].messages)
    assert "[redacted]" in told
    assert PASSWORD not in told
    assert PASSWORD.encode().hex() not in told
    assert "server.pem" not in told
    assert (outcome.status, len(outcome.attempts)) == ("accepted", 2)
    assert PASSWORD not in repr(outcome.attempts[0].verdicts)


def test_a_shared_file_is_seen_by_the_run(tmp_path: Path) -> None:
    """`sandbox.share` of the matrix brings a file into the sandbox that would stay out of it."""
    _, house = spied(
        tmp_path,
        {"small": [SPY, RIGHT]},
        task_types=chain_of("small", max_attempts=2),
        sandbox={"share": ["*.pem"]},
    )
    told = "\n".join(message.text for message in house.provider.requests[1].messages)
    assert "server.pem" in told
    assert "'.env'" not in told
