"""The matrix file: what it says, what it refuses, and where it is found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from escalator import ConfigError, load_matrix
from escalator.matrix import find_matrix, json_schema, packaged_path
from escalator.matrix.lookup import ENVIRONMENT
from escalator.matrix.matrix import is_local
from escalator.matrix.plain import read_plainly
from escalator.matrix.schema import MatrixFile, ProviderSection
from escalator.records import Tier

SMALL = """\
version: 1
providers:
  ollama: {kind: ollama}
  cloud: {kind: anthropic, api_key_env: ANTHROPIC_API_KEY}
models:
  small: {provider: ollama, id: "qwen2.5-coder:14b", tier: local_fast, context: 32768}
  haiku: {provider: cloud, id: claude-haiku-5-5, tier: haiku}
task_types:
  quick_edit:
    complexity: [0, 2]
    chain: [small, haiku]
    validators: [syntax]
"""


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_matrix(text)
    return caught.value


def test_the_default_matrix_is_the_one_that_was_asked_for() -> None:
    """The four task types, their bands, chains, validators, attempts and ends are those of the requirements."""
    types = load_matrix(packaged_path()).file.task_types
    shown = {
        name: (list(s.complexity), s.chain, s.checker, s.validators, s.max_attempts, s.at_end, s.review)
        for name, s in types.items()
    }
    every = ["syntax", "compile", "tests", "semantic"]
    assert shown == {
        "quick_edit": ([0, 2], ["local-14b", "gemini-flash"], "none", ["syntax"], 2, "skip", False),
        "standard_development": (
            [3, 5],
            ["qwen3-30b", "local-32b", "haiku"],
            ["qwen3-30b", "gemini-flash"],
            ["syntax", "tests"],
            3,
            "skip",
            False,
        ),
        "complex_architecture": (
            [6, 8],
            ["local-32b", "haiku", "sonnet"],
            ["local-32b", "sonnet"],
            every,
            3,
            "review",
            False,
        ),
        "critical": ([9, 10], ["sonnet", "opus"], ["sonnet", "opus"], every, 2, "review", True),
    }


def test_local_models_are_free_and_cloud_models_are_priced_by_the_table() -> None:
    """A local server at a loopback address states the price zero; a cloud model's price is looked up."""
    models = load_matrix(SMALL).models
    assert models["small"].local
    assert models["small"].price is not None
    assert models["small"].price.input == 0
    assert not models["haiku"].local
    assert models["haiku"].price is None
    assert models["haiku"].tier is Tier.HAIKU


@pytest.mark.parametrize(
    ("kind", "url", "local"),
    [
        ("ollama", None, True),
        ("lmstudio", "http://192.168.1.20:1234", True),
        ("vllm", "http://gpu.lan:8000", True),
        ("openai", "http://localhost:9000/v1", True),
        ("openai", None, False),
        ("openai", "https://api.example.com/v1", False),
        ("ollama", "https://ollama.example.com", False),
        ("anthropic", "http://localhost:1", False),
    ],
)
def test_what_counts_as_local_is_decided_by_kind_and_address(kind: str, url: str | None, local: bool) -> None:
    """A local kind at a public address is not local, so a local-only task never reaches it."""
    assert is_local(ProviderSection(kind=kind, base_url=url)) is local


def test_ollama_models_hosted_by_the_vendor_are_not_local() -> None:
    """A tag that is served through the local port from elsewhere is neither local nor free."""
    models = load_matrix(SMALL.replace("qwen2.5-coder:14b", "gpt-oss:120b-cloud")).models
    assert not models["small"].local
    assert models["small"].price is None


@pytest.mark.parametrize(
    ("change", "line", "key", "says"),
    [
        (("providers:", "provders:"), 2, "provders", "did you mean 'providers'"),
        (("tier: local_fast", "tier: local_fst"), 6, "models.small.tier", "did you mean 'local_fast'"),
        (("chain: [small, haiku]", "chain: [small, haiko]"), 11, "task_types.quick_edit.chain[1]", "'haiku'"),
        (("validators: [syntax]", "validators: [syntax]\n    max_atempts: 2"), 13, "max_atempts", "max_attempts"),
        (("provider: cloud", "provider: clod"), 7, "models.haiku.provider", "did you mean 'cloud'"),
        (("[0, 2]", "[3, 2]"), 10, "complexity", "the lower one first"),
        (("version: 1", "version: 2"), 1, "version", "1"),
        (("api_key_env: ANTHROPIC_API_KEY", "api_key: sk-live"), 4, "providers.cloud.api_key", "api_key_env"),
        (("api_key_env: ANTHROPIC_API_KEY", "api_key_env: sk-live-123"), 4, "api_key_env", "NAME"),
        (("chain: [small, haiku]", "chain: []"), 11, "chain", "at least 1"),
        (("context: 32768", "context: -1"), 6, "context", "greater than 0"),
    ],
)
def test_a_mistake_names_line_key_and_remedy(change: tuple[str, str], line: int, key: str, says: str) -> None:
    """Whatever is wrong, the error says where it stands and what was probably meant."""
    error = refused(SMALL.replace(*change))
    assert error.line == line
    assert key in (error.key or "")
    assert says in str(error)


def _bomb(begins: str, step: str) -> str:
    """Twelve lines of which each stands for nine times the one before."""
    lines = [begins]
    lines += [step.format(n=n, nine=", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 12)]
    return "version: 1\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (_bomb("a0: &a0 [x, x]", "a{n}: &a{n} [{nine}]"), "more than 100,000 values"),
        (_bomb("a0: &a0 {x: 1}", "a{n}: &a{n}\n  <<: [{nine}]"), "more than 100,000 values"),
        ("version: 1\na: &a\n  b: *a\n", "text:2: an alias stands inside what it stands for"),
        ("version: 1\n? &k [*k]\n: 1\n", "an alias stands inside"),
        ("version: 1\na: " + "[" * 3000 + "]" * 3000 + "\n", "nested too deeply"),
        ("version: 1\na: " + "[" * 60 + "]" * 60 + "\n", "more than 50 levels"),
        ("version: 1\na: 2026-13-45\n", "text:2: '2026-13-45' is no value"),
        ("version: 1\na: !!bool maybe\n", "text:2: 'maybe' is no value"),
        ("version: 1\na: !!binary é\n", "text:2: this is not valid YAML"),
    ],
)
def test_yaml_that_stands_for_too_much_is_refused_before_it_is_written_out(text: str, problem: str) -> None:
    """A few hundred bytes of aliases, a document inside itself and values that are none name their line."""
    with pytest.raises(ConfigError, match=re.escape(problem)):
        load_matrix(text)


def test_anchors_that_people_write_are_read() -> None:
    """Sharing a section by an alias or a merge key is ordinary YAML."""
    text = SMALL.replace("quick_edit:", "quick_edit: &all").rstrip()
    matrix = load_matrix(f"{text}\n  critical: *all\n  other:\n    <<: *all\n    max_attempts: 3\n")
    assert matrix.file.task_types["critical"].chain == ["small", "haiku"]
    assert matrix.file.task_types["other"].max_attempts == 3


def test_broken_yaml_and_double_keys_name_their_line() -> None:
    """Text that is not YAML, or says a thing twice, is refused where it goes wrong."""
    assert refused("version: 1\nmodels: [\n").line is not None
    double = refused(SMALL + "version: 1\n")
    assert double.line == 13
    assert "twice" in str(double)


def test_an_empty_file_says_where_to_start() -> None:
    """An empty matrix is an error that names the command which prints a full one."""
    assert "escalator matrix show" in str(refused("\n"))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    """A path that does not exist is named, not silently replaced by the default."""
    with pytest.raises(ConfigError, match="no such matrix file"):
        load_matrix(tmp_path / "nowhere.yaml")


def test_a_team_file_lays_itself_over_the_default(tmp_path: Path) -> None:
    """`extends: default` keeps everything the team's file does not mention; lists are replaced, null deletes."""
    team = tmp_path / "team.yaml"
    team.write_text(
        "extends: default\nversion: 1\nteam: platform\n"
        "task_types:\n  quick_edit: {chain: [qwen3-30b], max_attempts: 1}\n  critical: null\n"
        "cost_guard: {budgets: {day: 2.5}}\n"
    )
    matrix = load_matrix(team)
    assert matrix.file.team == "platform"
    assert matrix.file.task_types["quick_edit"].chain == ["qwen3-30b"]
    assert matrix.file.task_types["quick_edit"].validators == ["syntax"]
    assert "critical" not in matrix.file.task_types
    assert str(matrix.file.cost_guard.budgets.day) == "2.5"
    assert str(matrix.file.cost_guard.budgets.month) == "150.0"


def test_errors_in_an_overlay_name_the_overlay(tmp_path: Path) -> None:
    """A typo in the team's file is reported in the team's file, not in the base."""
    team = tmp_path / "team.yaml"
    team.write_text("extends: default\nversion: 1\ntask_types:\n  quick_edit:\n    chain: [nobody]\n")
    with pytest.raises(ConfigError) as caught:
        load_matrix(team)
    assert (caught.value.file, caught.value.line) == (str(team), 5)


def test_overlays_can_be_passed_apart(tmp_path: Path) -> None:
    """A base and a team file given side by side are laid over one another in order."""
    base, team = tmp_path / "base.yaml", tmp_path / "team.yaml"
    base.write_text(SMALL)
    team.write_text("models:\n  small: {context: 8192}\n")
    assert load_matrix(base, team).models["small"].context == 8192


def test_a_file_that_extends_itself_is_refused(tmp_path: Path) -> None:
    """A circle of files is an error, not a hang."""
    (tmp_path / "a.yaml").write_text("extends: b.yaml\nversion: 1\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\nversion: 1\n")
    with pytest.raises(ConfigError, match="extends itself"):
        load_matrix(tmp_path / "a.yaml")


def test_the_matrix_is_looked_up_from_the_working_directory_upward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest file on the way up wins, in config/ or beside it; the environment variable wins over all."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "escalation_matrix.yaml").write_text(SMALL)
    assert find_matrix(deep) == tmp_path / "escalation_matrix.yaml"
    near = tmp_path / "project" / "config" / "escalation_matrix.yaml"
    near.parent.mkdir()
    near.write_text(SMALL)
    assert find_matrix(deep) == near
    other = tmp_path / "other.yaml"
    other.write_text(SMALL)
    monkeypatch.setenv(ENVIRONMENT, str(other))
    assert find_matrix(deep) == other
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "gone.yaml"))
    with pytest.raises(ConfigError, match="does not exist"):
        find_matrix(deep)


def test_a_mapping_is_a_matrix_too() -> None:
    """Tests and tools may build a matrix in code."""
    data: dict[str, Any] = {
        "version": 1,
        "providers": {"p": {"kind": "ollama"}},
        "models": {"m": {"provider": "p", "id": "x", "tier": "local_fast"}},
        "task_types": {"quick_edit": {"complexity": [0, 10], "chain": ["m"], "validators": ["syntax"]}},
    }
    assert load_matrix(data).models["m"].id == "x"


EVERYTHING = """\
version: 1
team: platform
providers:
  p: {kind: ollama, base_url: "http://localhost:1", headers: {a: b}, options: {x: [1, {y: null}]}, simulated: true}
  q: {kind: anthropic, api_key_env: KEY, local: false}
models:
  small: {provider: p, id: x, tier: local_fast, context: 9000, price: {input: 0, output: 0.25, cache_read: 1}}
  large: {provider: q, id: y, tier: opus, hourly: 2, effort: high, temperature: 1, timeout: {idle: 3, total: 9.5}}
task_types:
  one:
    complexity: [0, 10]
    chain: [small, {model: large, effort: low, attempts: 2}]
    checker: [large]
    validators: [syntax, {tests: {timeout: 60}}, {compile: null}]
    at_end: review
    review: true
    before_paid: deny
    policies: {refusal: fallback, skipped: advisory}
cost_guard: {before_paid: confirm, budgets: {day: 2.5, task_type: {one: {month: 7}}, team: {week: 1}}, baseline: large}
transport: {retries: 0, patience: 0}
ledger: {path: x.sqlite, durability: normal, store_answers: false}
"""


def by_pydantic(data: Any) -> MatrixFile:
    return TypeAdapter(MatrixFile).validate_python(data)


@pytest.mark.parametrize("text", [SMALL, EVERYTHING, packaged_path().read_text(encoding="utf-8")])
def test_a_matrix_that_is_plainly_right_reads_as_pydantic_reads_it(text: str) -> None:
    """The quick way gives the same content, down to the kind of every value."""
    data = load_matrix(text).document.data
    quick = read_plainly(data)
    assert quick == by_pydantic(data)
    assert repr(quick) == repr(by_pydantic(data))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if type(value) is list else ()
    ):
        yield from _places(inner, (*path, key))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize(
    "new", [None, True, "", "x", "7", -1, 0, 3, 11, 0.5, float("nan"), [], ["x"], {}, {"x": 1}, {"input": 1}, b"x"]
)
def test_the_quick_way_never_accepts_or_reads_what_pydantic_would_not(new: Any) -> None:
    """Whatever stands in any place of the file: either there is doubt, or pydantic reads the very same."""
    data = load_matrix(EVERYTHING).document.data
    taken = 0
    for path in _places(data):
        changed = _with(data, path, new)
        quick = read_plainly(changed)
        if quick is not None:
            taken += 1
            assert repr(quick) == repr(by_pydantic(changed)), path
    assert taken < 60


def test_a_value_that_needs_converting_is_still_read() -> None:
    """What pydantic takes, the matrix takes: a number written as a text, for instance."""
    file = load_matrix(EVERYTHING.replace("day: 2.5", 'day: "2.50"').replace("attempts: 2", 'attempts: "2"')).file
    assert (file.cost_guard.budgets.day, file.task_types["one"].chain[1].attempts) == (Decimal("2.50"), 2)  # type: ignore[union-attr]


def test_the_json_schema_documents_every_key() -> None:
    """Editors get a schema that is valid JSON, refuses unknown keys and knows every section."""
    schema = json.loads(json.dumps(json_schema()))
    assert {"providers", "models", "task_types", "cost_guard"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_the_fingerprint_changes_with_the_content_only() -> None:
    """Two files that say the same have the same fingerprint, whatever their layout."""
    commented = SMALL.replace("version: 1\n", "# a comment\nversion: 1\n")
    assert load_matrix(SMALL).fingerprint == load_matrix(commented).fingerprint
    assert load_matrix(SMALL).fingerprint != load_matrix(SMALL.replace("32768", "8192")).fingerprint


@pytest.mark.parametrize("given", ["absolute", "relative"])
def test_a_relative_ledger_belongs_to_the_folder_of_the_file_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """The books, and with them the budgets, are the same wherever in a project a command is given."""
    team, project = tmp_path / "team", tmp_path / "project"
    for folder in (team, project / "deep"):
        folder.mkdir(parents=True)
    (team / "base.yaml").write_text(SMALL + "ledger: {path: books/ledger.sqlite}\n")
    (project / "own.yaml").write_text("version: 1\nextends: ../team/base.yaml\n")
    monkeypatch.chdir(project)
    path = project / "own.yaml" if given == "absolute" else Path("own.yaml")
    matrix = load_matrix(path)
    monkeypatch.chdir(project / "deep")
    assert matrix.ledger_file == team.resolve() / "books/ledger.sqlite"
    assert load_matrix(SMALL + "ledger: {path: books.sqlite}\n").ledger_file == Path("books.sqlite")
