"""A change written by a process that dies by SIGKILL just before its n-th touch of the file system."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from escalator.errors import TaskError
from escalator.workspace import write_changes

TOUCHES = ("os.", "open", "fcntl.flock", "shutil.", "subprocess.Popen")


def main(root: str, step: int, job: str, only: str = "") -> None:
    """Write what `job` says; with `step` 0 live, and say how many steps there were. `only` counts one kind."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if not event.startswith(only or TOUCHES) or event == "os.listdir":
            return
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    wanted = json.loads(job)
    write_changes(Path(root).parent, {})  # what is loaded on first use is loaded
    sys.addaudithook(count)
    try:
        write_changes(root, **wanted)
    except TaskError as error:
        sys.stdout.write(f"refused: {error}\n")
    sys.stdout.write(f"{seen}\n")


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
