"""Executes or resumes one task as told on the command line, and prints what came of it as one line of JSON.

Options: matrix, ledger, call (execute, aexecute, resume), task_id, task (keywords), threads (how many tasks at
once, 0 for one in the main thread).
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

from escalator import Escalator


def work(house: Escalator, options: dict[str, Any], task_id: str) -> Any:
    task = dict(options.get("task", {}))
    if options["call"] == "resume":
        return house.resume(task_id)
    if options["call"] == "aexecute":
        return asyncio.run(house.aexecute(task_id=task_id, **task))
    return house.execute(task_id=task_id, **task)


def main(options: dict[str, Any]) -> None:
    house = Escalator(options["matrix"], ledger=options["ledger"])
    number = options.get("threads", 0)
    threads = [
        threading.Thread(target=work, args=(house, options, f"{options['task_id']}-{i}"), daemon=True)
        for i in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if threads:
        return
    outcome = work(house, options, options["task_id"])
    told = {
        "status": outcome.status,
        "reason": outcome.reason,
        "cause": outcome.cause,
        "cost": str(outcome.cost),
        "calls": len(outcome.calls),
        "attempts": len(outcome.attempts),
        "models": [attempt.model for attempt in outcome.attempts],
        "warnings": list(outcome.warnings),
        "summary": outcome.summary(),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    house.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
