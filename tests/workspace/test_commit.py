"""One commit of exactly the files that were written, on any repository a person may have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from escalator.errors import TaskError
from escalator.workspace import read_files, write_changes
from escalator.workspace.git import message_of
from workspace.trees import everything, tree

KILLED = Path(__file__).with_name("killed.py")

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

FILES = {"a.py": "x = 1\n", "pkg/b.py": "y = 1\n", "other.py": "z = 1\n"}
NEW = {"a.py": "x = 2\n", "pkg/b.py": None, "new dir/ü c.py": "c = 1\n"}
KNOWN = {"a.py": FILES["a.py"], "pkg/b.py": FILES["pkg/b.py"]}
MESSAGE = message_of("Make x two", {"Escalator-Model": "small", "Escalator-Task": "t1"})


class Repo:
    """A git repository in a folder, with somebody who commits."""

    def __init__(self, root: Path, *, commits: bool = True) -> None:
        self.root = tree(root, FILES)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@example.org")
        if commits:
            self.git("add", ".")
            self.git("commit", "--quiet", "-m", "Begin")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def hook(self, name: str, text: str) -> None:
        place = self.root / ".git/hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{text}\n")
        place.chmod(0o755)

    def apply(self, files=NEW, **more: object):
        return write_changes(self.root, files, **{"expected": KNOWN, "message": MESSAGE, **more})

    @property
    def committed(self) -> list[str]:
        """What the newest commit changed."""
        return self.git("-c", "core.quotePath=false", "show", "--format=", "--name-status", "HEAD").splitlines()

    @property
    def state(self) -> tuple[dict[str, bytes], str, str]:
        """Tree, index and newest commit."""
        return everything(self.root), self.git("status", "--porcelain"), self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "project")


def test_the_commit_holds_exactly_the_files_and_can_be_taken_back(repo: Repo) -> None:
    """New, changed and deleted files, the trailers, and an undo that works word for word."""
    before = everything(repo.root)
    written = repo.apply()

    assert repo.committed == ["M\ta.py", "A\tnew dir/ü c.py", "D\tpkg/b.py"]
    assert repo.git("status", "--porcelain") == ""
    assert written.commit == repo.git("rev-parse", "HEAD")
    assert repo.git("log", "-1", "--format=%an|%s|%(trailers:only,separator=;)") == (
        "Ann|Make x two|Escalator-Model: small;Escalator-Task: t1"
    )
    assert written.undo == f"git revert {written.commit}"
    repo.git(*written.undo.split()[1:], "--no-edit")
    assert everything(repo.root) == before


def test_what_else_is_staged_or_changed_stays_as_it_is(repo: Repo) -> None:
    """Somebody's half-finished work in other files is neither committed nor unstaged."""
    (repo.root / "other.py").write_text("z = 2\n")
    repo.git("add", "other.py")
    (repo.root / "other.py").write_text("z = 3\n")
    (repo.root / "untracked.py").write_text("u = 1\n")
    repo.apply()

    assert repo.committed == ["M\ta.py", "A\tnew dir/ü c.py", "D\tpkg/b.py"]
    assert repo.git("status", "--porcelain").splitlines() == ["MM other.py", "?? untracked.py"]
    assert repo.git("show", ":other.py") == "z = 2"


def test_somebodys_own_changes_do_not_go_into_the_commit(repo: Repo) -> None:
    """A file with changes that are not committed, staged or not, is refused: a revert would take those back too."""
    (repo.root / "a.py").write_text("x = 'mine'\n")
    for step in (("status",), ("add", "a.py")):
        repo.git(*step)
        before = repo.state
        with pytest.raises(TaskError, match=r"'a.py' has changes of its own"):
            repo.apply(expected={**KNOWN, "a.py": "x = 'mine'\n"})
        assert repo.state == before
    (repo.root / "a.py").write_text(FILES["a.py"])
    repo.git("add", "a.py")
    (repo.root / "notes.txt").write_text("mine\n")
    with pytest.raises(TaskError, match=r"'notes.txt' has changes of its own"):
        repo.apply({"notes.txt": "theirs\n"}, expected={**KNOWN, "notes.txt": "mine\n"})


def test_a_detached_head_gets_the_commit(repo: Repo) -> None:
    """No branch is needed, and none is moved."""
    repo.git("checkout", "--quiet", "--detach")
    main = repo.git("rev-parse", "main")
    written = repo.apply()

    assert repo.git("rev-parse", "HEAD", "main").split() == [written.commit, main]


def test_a_repository_without_commits_gets_its_first(tmp_path: Path) -> None:
    """There is nothing to revert to, so the undo takes the commit away and leaves the files."""
    repo = Repo(tmp_path / "fresh", commits=False)
    repo.git("add", "other.py")
    written = repo.apply()

    assert repo.committed == ["A\ta.py", "A\tnew dir/ü c.py"]
    assert repo.git("status", "--porcelain") == "A  other.py"
    repo.git(*written.undo.split()[1:])
    assert (repo.root / "a.py").read_text() == "x = 2\n"
    assert repo.apply({"new.py": "1\n", "a.py": None}, expected={"a.py": "x = 2\n"}).commit


def test_a_sub_folder_of_a_repository_is_committed_by_its_own_paths(repo: Repo) -> None:
    """The tree of the task may be one project of many in a repository."""
    written = write_changes(
        repo.root / "pkg", {"b.py": "y = 2\n"}, expected={"b.py": FILES["pkg/b.py"]}, message=MESSAGE
    )
    assert repo.committed == ["M\tpkg/b.py"]
    assert written.commit


def test_names_that_git_could_misread_are_only_names(repo: Repo) -> None:
    """A file may be called like an option or a pattern; other files are left alone."""
    (repo.root / "-a").mkdir()
    files = {"-n": "1\n", "*.py": "2\n", "-a/[x].py": "3\n", "(top)": "4\n"}
    write_changes(repo.root, files, message=MESSAGE)
    assert sorted(line.split("\t")[1] for line in repo.committed) == sorted(files)


def test_hooks_run_and_a_commit_they_refuse_changes_nothing(repo: Repo) -> None:
    """The user's own checks are not bypassed; what they say is in the error, and tree and index are as before."""
    repo.hook("pre-commit", "echo too bad >&2; echo 'x = 3' > a.py; exit 1")
    before = repo.state
    with pytest.raises(TaskError, match="too bad"):
        repo.apply()
    assert repo.state == before
    repo.hook("pre-commit", "test -f 'new dir/ü c.py' && touch .git/has-run")
    repo.apply()
    assert (repo.root / ".git/has-run").exists()


def test_a_commit_that_git_cannot_make_changes_nothing(repo: Repo) -> None:
    """An ignored new file, a merge that is not finished, an index that is locked: refused in git's words."""
    (repo.root / ".git/info").mkdir(exist_ok=True)
    (repo.root / ".git/info/exclude").write_text("new dir/\n")
    before = repo.state
    with pytest.raises(TaskError, match="ignored"):
        repo.apply()
    (repo.root / ".git/info/exclude").write_text("")
    (repo.root / ".git/MERGE_HEAD").write_text(repo.git("rev-parse", "HEAD") + "\n")
    with pytest.raises(TaskError, match="during a merge"):
        repo.apply()
    (repo.root / ".git/MERGE_HEAD").unlink()
    blob = repo.git("rev-parse", "HEAD:other.py")
    stages = "\n".join(f"100644 {blob} {stage}\tother.py" for stage in (1, 2, 3))
    subprocess.run(["git", "update-index", "--index-info"], cwd=repo.root, input=stages, text=True, check=True)
    with pytest.raises(TaskError, match="during a merge"):
        repo.apply()
    repo.git("read-tree", "--reset", "HEAD")
    (repo.root / ".git/index.lock").write_text("")
    with pytest.raises(TaskError, match=r"index\.lock"):
        repo.apply()
    (repo.root / ".git/index.lock").unlink()
    assert repo.state == before


def test_without_git_a_repository_or_a_name_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one clear error that says what to do, before anything is touched."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tree(tmp_path / "plain", FILES)
    with pytest.raises(TaskError, match="not in a git tree") as raised:
        write_changes(root, NEW, expected=KNOWN, message=MESSAGE)
    assert "git init" in str(raised.value)
    repo = Repo(tmp_path / "nameless")
    for name in ("user.name", "user.email"):
        repo.git("config", "--unset", name)
    repo.git("config", "user.useConfigOnly", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER")) or name == "EMAIL":
            monkeypatch.delenv(name)
    with pytest.raises(TaskError, match=r"git config user.name"):
        repo.apply()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TaskError, match="git is not installed"):
        write_changes(root, NEW, expected=KNOWN, message=MESSAGE)
    assert everything(root) == everything(repo.root) == {name: text.encode() for name, text in FILES.items()}


def test_a_process_that_a_hook_started_commits_to_the_tree_it_names(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that bind to another repository and its index, as git sets them for hooks, are not followed."""
    other = Repo(tmp_path / "other")
    before = other.state
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git/index"))
    written = repo.apply()
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")

    assert repo.git("rev-parse", "HEAD") == written.commit
    assert other.state == before


def test_two_who_commit_at_once_make_two_commits(repo: Repo) -> None:
    """They wait for each other instead of finding git's index locked."""

    def go(name: str) -> None:
        write_changes(repo.root, {name: "1\n"}, message=message_of(f"Make {name}", {}))

    names = [f"new/{number}.py" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, names))
    assert sorted(repo.git("log", "--format=%s", "-8").splitlines()) == [f"Make {name}" for name in names]
    assert repo.git("status", "--porcelain") == ""


def test_a_kill_around_the_commit_leaves_the_old_or_the_new_tree(tmp_path: Path) -> None:
    """Killed before any of its calls of git, the writer leaves the new files, committed or not, or the old ones."""
    old = {name: text.encode() for name, text in FILES.items()}
    new = {"a.py": b"x = 2\n", "pkg/": b"", "other.py": old["other.py"], "new dir/ü c.py": b"c = 1\n"}
    job = json.dumps({"files": NEW, "expected": KNOWN, "message": MESSAGE})
    found = []
    for step in range(1, 100):
        repo = Repo(tmp_path / str(step))
        done = subprocess.run(
            [sys.executable, str(KILLED), str(repo.root), str(step), job, "subprocess.Popen"], check=False
        )
        read_files(repo.root, ["other.py"])
        found.append(everything(repo.root))
        if done.returncode == 0:
            break
    assert found == [old] * found.count(old) + [new] * found.count(new)
    assert found.count(old) >= 4
    assert found.count(new) >= 3


def test_applying_twice_makes_one_commit(repo: Repo) -> None:
    """What is written and committed already is left alone; what is written only is somebody's to commit."""
    assert repo.apply().commit
    assert repo.apply().commit == ""
    assert repo.git("rev-list", "--count", "HEAD") == "2"
    repo.git("reset", "--quiet", "--soft", "HEAD~1")
    with pytest.raises(TaskError, match="has changes of its own"):
        repo.apply()


def test_a_message_is_one_short_line_and_trailers_of_one_line_each() -> None:
    """Nothing that a prompt or an id holds can add lines to it."""
    text = message_of("Fix\x1b[31m  the\tparser " + "very " * 30, {"Escalator-Task": "a\nSigned-off-by: b"})
    subject, blank, *rest = text.splitlines()
    assert subject.startswith("Fix [31m the parser very")
    assert (len(subject) <= 72, subject[-1], blank) == (True, "…", "")
    assert rest == ["Escalator-Task: a Signed-off-by: b"]
