"""Where the matrix comes from when nobody passes one."""

from __future__ import annotations

import os
from pathlib import Path

from escalator.errors import ConfigError

ENVIRONMENT = "ESCALATOR_MATRIX"
NAMES = ("config/escalation_matrix.yaml", "escalation_matrix.yaml")


def find_matrix(start: Path | None = None) -> Path | None:
    """The matrix file to use, or None for the packaged default.

    Order: $ESCALATOR_MATRIX; `config/escalation_matrix.yaml` or `escalation_matrix.yaml` in the working directory
    and upward; the user's configuration directory. Raises `ConfigError` if the variable names no file.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"${ENVIRONMENT} names a file that does not exist", file=path, hint="correct or unset it"
            )
        return path
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
    user = user_matrix_path()
    return user if user.is_file() else None


def user_matrix_path() -> Path:
    """The matrix in the user's configuration directory, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("escalator", appauthor=False) / "escalation_matrix.yaml"
