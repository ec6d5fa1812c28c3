"""A process that writes one change after another as soon as its fellow does, and says which succeeded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from escalator.errors import TaskError
from escalator.workspace import write_changes

for line in sys.stdin:
    job = json.loads(line)
    try:
        write_changes(Path(job.pop("root")), **job)
        said = "done"
    except TaskError as error:
        said = str(error)
    sys.stdout.write(said + "\n")
    sys.stdout.flush()
