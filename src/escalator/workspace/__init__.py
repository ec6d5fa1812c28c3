"""The only room that reads and writes users' trees, and the rules for paths that an answer may name.

Paths are POSIX and relative to the workspace everywhere in escalator. Reading never follows a symbolic link and
writing is all or nothing: either every file of a change set is in place afterwards, or the tree is as it was, also
where the process was killed in between (`journal`), and one writer at a time (`locking`).
"""

from typing import TYPE_CHECKING

from escalator.workspace.encodings import encoded, unwritable
from escalator.workspace.newlines import in_newlines_of
from escalator.workspace.paths import (
    changes_test_settings,
    composed,
    is_guarded,
    is_protected,
    is_settled,
    is_test,
    path_problem,
)
from escalator.workspace.reading import (
    MAX_FILE,
    MAX_FILES,
    MAX_TOTAL,
    LeftOut,
    missing,
    read_beside,
    read_files,
    read_tests,
)
from escalator.workspace.secret_values import Holdings, secret_values
from escalator.workspace.withheld import CACHES, HEAD, TOKEN, is_secret, kind_of, stays_back

if TYPE_CHECKING:
    from escalator.workspace.patches import patch
    from escalator.workspace.writing import Written, write_changes

__all__ = [
    "CACHES",
    "HEAD",
    "MAX_FILE",
    "MAX_FILES",
    "MAX_TOTAL",
    "TOKEN",
    "Holdings",
    "LeftOut",
    "Written",
    "changes_test_settings",
    "composed",
    "encoded",
    "in_newlines_of",
    "is_guarded",
    "is_protected",
    "is_secret",
    "is_settled",
    "is_test",
    "kind_of",
    "missing",
    "patch",
    "path_problem",
    "read_beside",
    "read_files",
    "read_tests",
    "secret_values",
    "stays_back",
    "unwritable",
    "write_changes",
]

_ON_FIRST_USE = {"Written": "writing", "patch": "patches", "write_changes": "writing"}
"""What only few tasks need, by its module."""


def __getattr__(name: str) -> object:
    """Load what shows and writes a change when it is asked for."""
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)
    return found
