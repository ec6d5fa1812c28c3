"""No answer writes, unasked, what some program starts by itself; what is only code is not in its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from escalator import execute
from escalator.errors import TaskError
from escalator.testing import MemoryLedger, ScriptedProvider
from escalator.workspace import guarded, is_guarded, write_changes
from escalator.workspace.paths import starts_on_install
from workspace.trees import everything, tree

_STARTS = """
    .claude/settings.json .claude/hooks/x.sh .mcp.json .cursor/mcp.json .cursor/rules/a.mdc AGENTS.md CLAUDE.md
    .gemini/settings.json .codex/config.toml .github/copilot-instructions.md .continue/config.yaml opencode.json
    mise.toml .mise.toml mise.local.toml .mise/tasks/x .config/mise/config.toml .envrc devbox.json
    lefthook.yml .lefthook.toml lefthook-local.yml .husky/pre-commit .githooks/pre-push .pre-commit-config.yaml
    .pre-commit-hooks.yaml .lintstagedrc.json lint-staged.config.mjs .simple-git-hooks.json .overcommit.yml
    .gitea/workflows/a.yml .forgejo/workflows/a.yml .github/workflows/a.yml .github/actions/x/action.yml
    .gitlab-ci.yml ci/build.gitlab-ci.yml .circleci/config.yml .buildkite/pipeline.yml .woodpecker.yml
    .woodpecker/a.yml Jenkinsfile Jenkinsfile.release azure-pipelines.yml azure-pipelines-nightly.yml .travis.yml
    .drone.yml .cirrus.yml cloudbuild.yaml buildspec.yml .builds/a.yml .tekton/a.yaml .readthedocs.yaml netlify.toml
    .github/dependabot.yml renovate.json
    .cargo/config.toml .cargo/config .gdbinit .lldbinit prog-gdb.py .npmrc .yarnrc.yml .yarn/releases/yarn.cjs
    .pnp.cjs .pnpmfile.cjs bunfig.toml .bazelrc .mvn/extensions.xml .mvn/wrapper/maven-wrapper.properties
    gradle/wrapper/gradle-wrapper.properties .bundle/config .gitmodules
    .vscode/tasks.json .vscode/settings.json project.code-workspace .idea/runConfigurations/a.xml .run/a.run.xml
    .devcontainer/devcontainer.json .devcontainer.json .zed/tasks.json .vimrc .exrc .nvim.lua .dir-locals.el
    .gitpod.yml .replit .idx/dev.nix
    conftest.py tox.ini sitecustomize.py lib/usercustomize.py x.pth .pdbrc .Rprofile .irbrc .bashrc .zshenv
    x.dist-info/METADATA uv.lock package-lock.json
    .ssh/rc .config/autostart/a.desktop .config/systemd/user/a.service
    .git/hooks/pre-commit .hg/hgrc sub/project/.vscode/tasks.json
"""

_CODE = """
    app.py src/config.py setup.py pyproject.toml Makefile package.json Cargo.toml build.rs Dockerfile
    docker-compose.yml README.md docs/agents/index.md src/agents.py claude.py src/hooks/useThing.ts hooks.py
    config/mise_en_place.py workflows/a.yml github/workflows.md src/cursor/index.ts lib/idea/x.py vim/plugin.vim
    gradle/libs.versions.toml settings.json config.toml tasks.json src/run.py mvn/wrapper.py jenkins.py
    .gitignore .editorconfig .dockerignore .eslintrc.json tsconfig.json vite.config.ts .prettierrc index.html
    tests/test_app.py data/lefthook_notes.txt src/git/hooks.py app.json public/manifest.json .env.example
    gitlab-ci.md my-envrc profile.py rules.py yarn.py locks.py src/ci/run.py azure/pipelines.py
"""


STARTS, CODE = _STARTS.split(), _CODE.split()


@pytest.mark.parametrize("path", STARTS)
def test_what_starts_by_itself_is_refused_unless_the_task_names_it(path: str, tmp_path: Path) -> None:
    """Editors, agents, shells, hooks, CI and tools: nothing of theirs is made, changed or removed unasked."""
    assert is_guarded(path)
    assert is_guarded(path.upper())
    with pytest.raises(TaskError, match=r"start what it names|inside \.git"):
        write_changes(tmp_path, {"app.py": "x = 1\n", path: "x\n"})
    assert everything(tmp_path) == {}
    if not path.startswith(".git/"):
        write_changes(tmp_path, {path: "x\n"}, expected={path: ""})
        assert everything(tmp_path) == {path: b"x\n"}


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".vscode/tasks.json", "CLAUDE.md", "pyproject.toml"])
def test_a_file_that_the_task_names_beside_others_is_an_answers_to_change(path: str, tmp_path: Path) -> None:
    """Naming it is asking for it, however many files there are; a pattern that happens to meet it names nothing."""
    old = {"app.py": "x = 1\n", path: "[tool.pytest.ini_options]\naddopts = '-q'\n"}
    new = {"app.py": "x = 2\n", path: "[tool.pytest.ini_options]\naddopts = '-x'\n"}
    root = tree(tmp_path / "project", old)
    answer = "".join(f"{name}:\n```\n{text}```\n" for name, text in new.items())
    folder = f"{path.rpartition('/')[0]}/" if "/" in path else ""
    for files, written in ((["app.py", path], new), (old, new), (["app.py", f"{folder}*"], {"app.py": "x = 2\n"})):
        outcome = execute(
            "Set x to two.",
            workspace=root,
            files=files,
            validators=[lambda _candidate: True],
            task_type="quick_edit",
            providers=ScriptedProvider(lambda _request: answer),
            ledger=MemoryLedger(),
        )
        assert outcome.files == written
    outcome.apply()


@pytest.mark.parametrize("path", CODE)
def test_code_and_what_people_ask_for_is_written(path: str, tmp_path: Path) -> None:
    """Names that only look alike, sources and build scripts are an answer's to write."""
    assert not is_guarded(path)
    write_changes(tmp_path, {path: "{}\n"})
    assert everything(tmp_path) == {path: b"{}\n"}


PLAIN = '{"name": "a", "scripts": {"test": "node --test", "build": "tsc"}}'
SCRIPTS = [f'{{"scripts": {{"{name}": "node x.js"}}}}' for name in guarded.PACKAGE_SCRIPTS]
HOOKS = [f'{{"{name}": {{"pre-commit": "node x.js"}}}}' for name in guarded.PACKAGE_HOOKS]


@pytest.mark.parametrize("text", [*SCRIPTS, *HOOKS])
def test_a_new_package_with_scripts_of_its_install_is_refused(text: str, tmp_path: Path) -> None:
    """`npm install` runs them unasked, so a package.json that nobody asked for may not bring them."""
    assert starts_on_install("web/package.json", PLAIN, text)
    assert not starts_on_install("package.json", text, text)
    assert not starts_on_install("package.json", text, PLAIN)
    assert not starts_on_install("notes.json", "", text)
    with pytest.raises(TaskError, match="protected"):
        write_changes(tmp_path, {"web/package.json": text})
    write_changes(tmp_path, {"web/package.json": PLAIN})
    write_changes(tmp_path, {"web/package.json": text}, expected={"web/package.json": PLAIN})


@pytest.mark.parametrize("text", ["", "[", "[]", '"x"', '{"scripts": []}', "[" * 100_000])
def test_a_package_that_cannot_be_read_starts_nothing(text: str) -> None:
    """Neither does it raise."""
    assert not starts_on_install("package.json", text, text)
    assert not starts_on_install("package.json", "", text)


def test_the_list_is_in_lower_case_and_names_nothing_twice() -> None:
    """Paths are compared without case; a rule that could never match would be a hole."""
    every = [*guarded.NAMES, *guarded.SUFFIXES, *guarded.PATTERNS, *guarded.FOLDERS]
    assert every == [name.casefold() for name in every]
    for rules in (guarded.SUFFIXES, guarded.PATTERNS, guarded.FOLDERS):
        assert len(rules) == len(set(rules))
