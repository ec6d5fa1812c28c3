"""What others wrote, and addresses, as they may be seen."""

from __future__ import annotations

import csv
import io
import json
import pickle

import pytest

from escalator.errors import ConfigError, LedgerError, ProviderError, TaskError
from escalator.foreign import address, cell, in_json, said, shown, without

SECRET = "hunter2secret9"
LOCKED = (
    f"postgresql://me:{SECRET}@db.example:5432/books",
    f"postgresql://db.example/books?user=me&password={SECRET}",
    f"postgresql://me@db.example/books?sslmode=require&sslpassword={SECRET}",
    f"postgresql://me@db.example/books?pass%77ord={SECRET}",
    f"postgresql://me:p@ss:{SECRET}@db.example/books",
    f"postgresql://me:a/b?{SECRET}@db.example/books",
    f"host=db.example user=me password={SECRET} dbname=books",
    f"host=db.example password='{SECRET} and more'",
    f"http://me:{SECRET}@127.0.0.1:1234/v1",
    f"https://models.example/v1?key={SECRET}",
    f"https://models.example/v1?api_key={SECRET}&alt=sse",
    f"https://models.example/v1?sig={SECRET}",
    f"https://models.example/v1#access_token={SECRET}",
    f"https://{SECRET}longer0@models.example/v1",
    f"https://hooks.example/services/T0/{SECRET}AbCdEfGhIj01",
    f"api_key={SECRET}",
)
STEERING = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "colour": "\x1b[31mred\x1b[0m",
    "eight bits": "\x9d52;c;ZXZpbA==\x9c",
    "reading order": "abc\u202egpj.exe\u2066",
    "overwritten": "wrong\rright",
    "erased": "secret\x08\x08\x7f",
    "hidden": "a\u200bb\U000e0041",
    "half a character": "\udcff",
}


@pytest.mark.parametrize("url", LOCKED)
def test_no_form_of_an_address_shows_its_password(url: str) -> None:
    """In front of the host, as a parameter under any of its names, percent-encoded, as a token in the path."""
    for text in (address(url), said(f"The ledger {url} cannot be opened: ({url})."), str(LedgerError(f"{url}!"))):
        assert SECRET not in text
        assert said(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@db.example:5432/books?sslmode=require&application_name=x",
        "http://localhost:11434/v1",
        "https://models.example/v1/models/claude-haiku-5-5?alt=sse",
        "max_tokens=4096 and prompt_tokens = 5",
    ],
)
def test_what_is_no_secret_stays_readable(url: str) -> None:
    """Hosts, users, names of models and counts are what a person needs."""
    assert address(url) == url


def test_a_library_that_takes_an_address_apart_shows_no_piece_of_it() -> None:
    """What a database's driver takes for the host may be half of the password."""
    url = f"postgresql://me:p@ss:{SECRET}@127.0.0.1:9/db"
    assert SECRET not in without(f'could not translate host name "ss:{SECRET}@127.0.0.1" to address', url)


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_what_steers_a_terminal_is_shown_and_not_done(text: str) -> None:
    """Escapes of seven and of eight bits, the reading order, the cursor: spelt out, and the same again."""
    seen = shown(f"before {text} after")
    assert seen.isprintable()
    assert shown(seen) == seen
    assert shown(f"{text}\n\tb", lines=True).endswith("\n\tb")
    assert shown("a\nb") == "a\\nb"


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)
def test_json_says_the_same_in_harmless_letters(text: str) -> None:
    """A program reads what was written; a terminal that prints the line is not steered."""
    line = in_json(json.dumps({"a": text}, ensure_ascii=False))
    assert line.isprintable()
    assert json.loads(line) == {"a": text}


@pytest.mark.parametrize(
    "begins",
    ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", " =1", "\N{FULLWIDTH EQUALS SIGN}1"],
)
def test_no_cell_begins_a_formula(begins: str) -> None:
    """A spreadsheet takes it for a text."""
    assert cell(begins).startswith("'")


@pytest.mark.parametrize("number", ["-0.5", "+3", "12", "-1e-7", "0.000001"])
def test_numbers_stay_numbers(number: str) -> None:
    """A loss of half a dollar is no formula."""
    out = io.StringIO()
    csv.writer(out).writerow([cell(number)])
    assert out.getvalue().strip() == number


def test_every_error_is_fit_to_be_shown() -> None:
    """Whoever raises it, and after it was sent to another process."""
    text = f"{STEERING['clipboard']} at http://me:{SECRET}@host"
    for error in (
        LedgerError(text),
        ConfigError(text, hint=text),
        TaskError(text, field="x", hint=text),
        ProviderError(text, kind="server", body=text),
    ):
        told = f"{error} {getattr(error, 'message', '')} {getattr(error, 'hint', '')} {getattr(error, 'body', '')}"
        assert SECRET not in told
        assert told.isprintable()
    again = pickle.loads(pickle.dumps(ProviderError(text, kind="server")))
    assert str(again).isprintable()
