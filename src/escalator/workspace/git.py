"""One commit of exactly the files that were written, as their owner would make it by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from escalator.errors import TaskError

_SECONDS: Final = 600
"""The longest a commit may take; the hooks of a repository run the user's own checks."""

OF_ANOTHER = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_INTERNAL_SUPER_PREFIX"),
)
"""Variables by which a process that git started is bound to another repository than the tree's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """The git repository that a tree stands in; paths are relative to the tree."""

    tree: Path
    program: str

    @classmethod
    def at(cls, tree: Path) -> Self:
        """The repository of a tree. Raises `TaskError` without git, a repository or a name to commit under, and in
        the middle of a merge: there is no commit to be made then.
        """
        program = shutil.which("git")
        if program is None:
            raise _refused("git is not installed", hint="install it, or apply without commit")
        found = cls(tree=tree, program=program)
        inside = found._run("rev-parse", "--is-inside-work-tree")
        if inside.stdout.strip() != "true":
            said = _said(inside)
            why = f"{tree} is not in a git tree" if not said or "not a git repository" in said else said
            raise _refused(why, hint="run `git init` there, or apply without commit")
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            if found._run("var", who).returncode:
                raise _refused(
                    "git does not know who commits",
                    hint="set it with `git config user.name` and `git config user.email`, or apply without commit",
                )
        found._must_not_be_merging()
        return found

    def _must_not_be_merging(self) -> None:
        heads = {"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert"}
        places = self._run("rev-parse", *(word for head in heads for word in ("--git-path", head))).stdout
        doing = [heads[Path(place).name] for place in places.splitlines() if (self.tree / place).exists()]
        if doing or self._run("ls-files", "--unmerged").stdout:
            raise _refused(
                f"no files are committed by themselves during {[*doing, 'a merge'][0]}",
                hint="finish it or give it up, or apply without commit; nothing was changed",
            )

    def must_be_ready(self, paths: Sequence[str]) -> None:
        """Raise `TaskError` if a commit of these files, not written yet, would take in somebody's own changes."""
        if not self._head():
            return
        status = self._run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *paths)
        if status.returncode:
            raise _refused(_said(status), hint="nothing was changed")
        changed = [entry[3:] for entry in status.stdout.split("\0") if entry[2:3] == " "]
        if changed:
            raise _refused(
                f"{changed[0]!r} has changes of its own that are not committed",
                hint="commit them first, so that the answer is a commit by itself; nothing was changed",
            )

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit these files as they are now and nothing else that is staged; returns the commit's hash, empty if
        git knew none of them and they are gone.

        The repository's hooks run as in any commit. Raises `TaskError` if there is no commit.
        """
        listed = self._run("ls-files", "-z", "--", *paths).stdout.split("\0")
        new = [path for path in paths if path not in listed and os.path.lexists(self.tree / path)]
        changed = [path for path in paths if path in listed or path in new]
        if not changed:
            return ""
        done = self._run("add", "--intent-to-add", "--", *new) if new else None
        if done is None or done.returncode == 0:
            words = ("commit", "--quiet", "--cleanup=whitespace", "--only", "--file=-", "--", *changed)
            done = self._run(*words, given=message)
        if done.returncode == 0:
            return self._head()
        if new:
            self._run("update-index", "--force-remove", "--", *new)
        raise _refused(
            f"git made no commit: {_said(done)}",
            hint="nothing was changed; mend what it names, or apply without commit",
        )

    def undo(self, commit: str) -> str:
        """The command that takes a commit back."""
        if not commit:
            return ""
        if self._run("rev-parse", "--verify", "--quiet", f"{commit}^").returncode:
            return "git update-ref -d HEAD"
        return f"git revert {commit}"

    def _head(self) -> str:
        return self._run("rev-parse", "--verify", "--quiet", "HEAD").stdout.strip()

    def _run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER}
        try:
            return subprocess.run(
                [self.program, "--literal-pathspecs", "-C", str(self.tree), *words],
                input=given,
                env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"},
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _refused(
                f"git took longer than {_SECONDS} seconds", hint="look at the hooks of the repository"
            ) from None


def message_of(subject: str, trailers: dict[str, str]) -> str:
    """A commit message: one line of at most 72 characters, and `name: value` trailers."""
    line = _line(subject)
    short = line if len(line) <= 72 else f"{line[:71].rstrip()}…"
    return "\n".join([short, "", *(f"{name}: {_line(value)}" for name, value in trailers.items()), ""])


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """What git and the hooks said, the end of it, in a line."""
    text = " ".join(f"{done.stdout}\n{done.stderr}".replace("fatal: ", "").split())
    return text if len(text) <= 500 else f"…{text[-500:]}"


def _refused(why: str, *, hint: str) -> TaskError:
    return TaskError(why, field="commit", hint=hint)
