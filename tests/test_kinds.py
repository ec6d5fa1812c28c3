"""A kind of provider is one row of data: every room reads the table, and one more server is one more row."""

from __future__ import annotations

import ast
import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from escalator import ConfigError, load_matrix
from escalator.cli.doctor import Finding, examine
from escalator.kinds import ANY_SERVER, KINDS, kind_of
from escalator.lint import lint
from escalator.matrix.matrix import Matrix
from escalator.pricing import PriceBook
from escalator.pricing.table import SNAPSHOT, rows
from escalator.providers import Provider, build
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.simulation import Fleet

SOURCE = Path(__file__).parents[1] / "src" / "escalator"
AT_HOME = (
    *("kinds.py", "sellers.py", "providers/anthropic/", "providers/google/"),
    *("providers/ollama.py", "providers/lmstudio.py"),
)
"""Where a kind may be called by its name: the table, the list of vendors, and the files of one vendor."""
A_SCENE = ("cli/demo.py",)
"""The demo switches one server of its fleet off, and has to say which."""

EVERY = pytest.mark.parametrize("name", KINDS)


def matrix_with(provider: dict[str, Any], model_id: str = "some-model") -> dict[str, Any]:
    """A matrix of one model of one provider, with the price said so that every kind has one."""
    price = {"input": 1, "output": 2}
    model = {"provider": "p", "id": model_id, "tier": "local_fast", "context": 32768, "price": price}
    task_type = {"complexity": [0, 10], "chain": ["m"], "checker": "none", "validators": ["syntax"]}
    return {
        "version": 1,
        "providers": {"p": provider},
        "models": {"m": model},
        "task_types": {"standard_development": task_type},
    }


def loaded(provider: dict[str, Any], model_id: str = "some-model") -> Matrix:
    return load_matrix(matrix_with(provider, model_id))


def told_by_doctor(provider: dict[str, Any], folder: Path) -> Finding:
    """What doctor says of the provider."""
    import yaml

    file = folder / "matrix.yaml"
    file.write_text(yaml.safe_dump(matrix_with(provider)))
    return next(finding for finding in examine(str(file)) if finding.what == "provider p")


@EVERY
def test_every_kind_is_a_kind_of_the_matrix(name: str) -> None:
    """The linter finds no error, the key's description lists it, and its default address says whether it is local."""
    from escalator.matrix.schema import ProviderSection

    assert [finding for finding in lint(loaded({"kind": name})) if finding.severity == "error"] == []
    described = {each.name: each.metadata.get("description") for each in dataclasses.fields(ProviderSection)}
    assert name in str(described["kind"])
    assert loaded({"kind": name}).models["m"].local is ("localhost" in KINDS[name].base_url)
    assert loaded({"kind": name, "base_url": "http://10.0.0.7:1"}).models["m"].local is KINDS[name].can_be_local


@EVERY
def test_every_kind_has_a_class_a_name_in_traces_and_a_remedy(name: str) -> None:
    """What the rooms need of a row is there, and the class is one that can be built with nothing but the row."""
    row = KINDS[name]
    provider = build(name, name="p")
    assert isinstance(provider, Provider)
    assert (row.name, provider.name) == (name, "p")
    assert row.otel_name
    assert row.otel_operation in {"chat", "generate_content"}
    assert row.remedy
    assert row.title


@EVERY
def test_doctor_says_what_to_do_for_every_kind(name: str, tmp_path: Path) -> None:
    """A server that is not there, or a vendor without a key, is told with the remedy of the row."""
    nobody = {} if KINDS[name].sdk else {"base_url": "http://127.0.0.1:9"}
    found = told_by_doctor({"kind": name, **nobody}, tmp_path)
    assert (found.ok, found.remedy) == (False, KINDS[name].remedy)


@EVERY
def test_a_price_list_that_a_row_names_exists(name: str) -> None:
    """A row that names a provider of genai-prices, or a family of our own table, finds prices there."""
    from genai_prices.data import providers

    row = KINDS[name]
    assert not row.price_id or row.price_id in {provider.id for provider in providers}
    assert bool(rows().get(row.price_family)) is bool(row.price_family)


def test_a_kind_without_a_price_list_has_the_prices_of_the_matrix_alone() -> None:
    """Nobody knows what a plug-in charges; a gateway charges what the model's maker does, unless told otherwise."""
    for kind, known in (
        ("anthropic", True),
        ("openai", True),
        ("vllm", False),
        ("mypackage.parrot:Parrot", False),
    ):
        data = matrix_with({"kind": kind, "local": False}, "claude-haiku-5-5")
        del data["models"]["m"]["price"]
        assert (PriceBook().price_of(load_matrix(data).models["m"], at=SNAPSHOT) is not None) is known


@pytest.mark.parametrize("name", ["lmstudio", "ollama", "llamacpp", "vllm", "mlx"])
def test_a_server_of_ones_own_is_local_by_default(name: str) -> None:
    """These listen on the loopback unless told otherwise; OpenAI and the vendors do not."""
    assert loaded({"kind": name}).models["m"].local
    for vendor in ("openai", "anthropic", "google"):
        assert not loaded({"kind": vendor}).models["m"].local


def test_tags_served_from_elsewhere_are_not_local() -> None:
    """A tag that the row calls remote leads away from the machine, alone or at the end of a longer one."""
    for tag, local in (("cloud", False), ("120b-cloud", False), ("7b", True), ("cloudy", True)):
        assert loaded({"kind": "ollama"}, f"big:{tag}").models["m"].local is local
    assert loaded({"kind": "vllm"}, "big:cloud").models["m"].local


def test_the_fleet_has_one_server_for_each_wire() -> None:
    """The simulated kinds speak four different wires, so that a walk over the fleet tries them all."""
    with Fleet(lambda _: "") as fleet:
        wires = [KINDS[name].wire for name in fleet.providers()]
    assert sorted(wires) == sorted(set(wires)) == sorted({row.wire for row in KINDS.values()})


def test_a_plug_in_has_a_row_without_assumptions() -> None:
    """Of a stranger's kind only the name is known: not local, no price list, no address, its own name in traces."""
    row = kind_of("mypackage.parrot:Parrot")
    assert (row.provider, row.otel_name) == ("mypackage.parrot:Parrot", "mypackage.parrot:Parrot")
    assert (row.can_be_local, row.sdk) == (False, False)
    assert {row.price_id, row.price_family, row.base_url, row.key_env} == {""}
    assert row.remedy


def test_an_entry_point_is_a_kind_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that publishes a provider gives the matrix a kind; it is called with what its section says."""
    metadata = tmp_path / "parrot-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[escalator.providers]\nparrot = parrots:Parrot\n")
    (tmp_path / "parrots.py").write_text("class Parrot:\n    def __init__(self, **given): self.given = given\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    parrot: Any = build("parrot", name="p", api_key="k", key_env="KEY", options={"says": "x"})
    assert parrot.given == {"name": "p", "base_url": None, "api_key": "k", "says": "x"}
    section = {"kind": "parrot", "base_url": "http://localhost:1"}
    assert [finding for finding in lint(loaded(section)) if finding.severity == "error"] == []
    assert not loaded(section).models["m"].local


def test_chat_completions_refuse_a_kind_that_speaks_something_else() -> None:
    """A provider of chat completions cannot be told to speak a wire it does not have."""
    for kind in ("google", "nope"):
        with pytest.raises(ConfigError, match="chat completions") as caught:
            OpenAICompatible(name="p", base_url="http://test", kind=kind)
        assert ANY_SERVER.name in caught.value.hint


def test_no_other_file_calls_a_kind_by_its_name() -> None:
    """Outside the table and a vendor's own files no text of the source is the name of a kind."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith(AT_HOME) or place in A_SCENE:
            continue
        found += [
            f"{place}:{node.lineno} {node.value}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KINDS
        ]
    assert found == []


ONE_MORE_ROW = """    ProviderKind(
        name="parlour",
        title="Parlour",
        base_url="http://localhost:4711",
        can_be_local=True,
        otel_name="parlour",
        remedy="open the parlour",
    ),
"""

ITS_DAY = """
import sys
from pathlib import Path

import escalator
from escalator import Escalator, load_matrix
from escalator.cli.doctor import examine
from escalator.kinds import KINDS
from escalator.lint import lint
from escalator.simulation import Fleet
from test_kinds import matrix_with
import yaml

assert Path(escalator.__file__).is_relative_to(sys.argv[1]), escalator.__file__
matrix = load_matrix(matrix_with({"kind": "parlour"}))
assert matrix.models["m"].local
assert not [finding for finding in lint(matrix) if finding.severity == "error"]
file = Path(sys.argv[1], "matrix.yaml")
file.write_text(yaml.safe_dump(matrix_with({"kind": "parlour", "base_url": "http://127.0.0.1:9"})))
print(next(finding.remedy for finding in examine(str(file)) if finding.what == "provider p"))
with Fleet(lambda question: "a.py\\n```python\\nx = 2\\n```\\n") as fleet:
    data = matrix_with({"kind": "parlour", "base_url": fleet.url("lmstudio")})
    with Escalator(data, ledger=":memory:") as client:
        outcome = client.execute("Set x to 2.", files={"a.py": "x = 1\\n"}, task_type="standard_development")
print(outcome.status, outcome.files["a.py"].strip())
"""


def test_one_more_row_is_one_more_server(tmp_path: Path) -> None:
    """A copy of the source with one row more plans, lints, asks and diagnoses a server nobody had heard of."""
    copy = tmp_path / "escalator"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = (copy / "kinds.py").read_text()
    assert table.count("    ANY_SERVER,\n") == 1
    (copy / "kinds.py").write_text(table.replace("    ANY_SERVER,\n", f"    ANY_SERVER,\n{ONE_MORE_ROW}"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parent)])}
    shown = subprocess.run(
        [sys.executable, "-c", ITS_DAY, str(tmp_path)], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr[-3000:]
    assert shown.stdout.splitlines() == ["open the parlour", "accepted x = 2"]
