"""The tables, as numbered steps written once for SQLite and PostgreSQL.

`{serial}` is each database's growing integer key, `{key}` a given one, `{clustered}` keeps a small table's rows in
its key where that exists. A ledger's version is the number of steps it has seen; a
released step is never edited, a change is a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from escalator.ledger import tally

if TYPE_CHECKING:
    from escalator.ledger.session import Session

Statement: TypeAlias = "str | Callable[[Session], None]"
"""One part of a step: a statement in the words of both databases, or what SQL alone cannot say."""

APPLICATION_ID = 0x45534C44
"""Marks a SQLite file as ours."""

_COUNTERS = """n BIGINT NOT NULL DEFAULT 0, millis BIGINT NOT NULL DEFAULT 0,
    cost BIGINT NOT NULL DEFAULT 0"""

_FIRST = (
    """CREATE TABLE task (
        task_id TEXT PRIMARY KEY, state TEXT NOT NULL, owner TEXT NOT NULL, forgotten BIGINT NOT NULL DEFAULT 0,
        task_type TEXT NOT NULL, complexity DOUBLE PRECISION NOT NULL, description TEXT NOT NULL,
        team TEXT NOT NULL, tags TEXT NOT NULL, opened DOUBLE PRECISION NOT NULL,
        closed DOUBLE PRECISION, status TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
        worker TEXT NOT NULL DEFAULT '', checker TEXT NOT NULL DEFAULT '',
        attempts BIGINT NOT NULL DEFAULT 0, retries BIGINT NOT NULL DEFAULT 0,
        fallbacks BIGINT NOT NULL DEFAULT 0, escalations BIGINT NOT NULL DEFAULT 0,
        validation TEXT NOT NULL DEFAULT '', seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
        cost BIGINT NOT NULL DEFAULT 0, baseline BIGINT)""",
    """CREATE TABLE paper (
        task_id TEXT PRIMARY KEY, brief TEXT NOT NULL, plan TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX task_by_opened ON task (opened)",
    "CREATE INDEX task_unfinished ON task (state) WHERE state NOT IN ('accepted', 'skipped')",
    "CREATE INDEX task_to_forget ON task (closed) WHERE forgotten = 0 AND state IN ('accepted', 'skipped')",
    """CREATE TABLE call (
        id {serial}, task_id TEXT NOT NULL, step TEXT NOT NULL, digest TEXT NOT NULL, state TEXT NOT NULL,
        purpose TEXT NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, rung BIGINT NOT NULL,
        number BIGINT NOT NULL, effort TEXT NOT NULL, local BIGINT NOT NULL, prompt_digest TEXT NOT NULL,
        details TEXT NOT NULL, scopes TEXT NOT NULL, amount BIGINT NOT NULL, held BIGINT NOT NULL,
        cost BIGINT NOT NULL DEFAULT 0, sent DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION,
        input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
        cache_read_tokens BIGINT NOT NULL DEFAULT 0, cache_write_tokens BIGINT NOT NULL DEFAULT 0,
        cache_write_1h_tokens BIGINT NOT NULL DEFAULT 0, reasoning_tokens BIGINT NOT NULL DEFAULT 0,
        estimated BIGINT NOT NULL DEFAULT 0, answered_by TEXT NOT NULL DEFAULT '',
        finish TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
        seconds DOUBLE PRECISION NOT NULL DEFAULT 0)""",
    "CREATE INDEX call_by_task ON call (task_id, step)",
    "CREATE INDEX call_by_time ON call (sent)",
    "CREATE INDEX call_in_doubt ON call (state) WHERE state = 'doubt'",
    "CREATE TABLE answer (call_id {key}, payload TEXT NOT NULL)",
    """CREATE TABLE entry (
        id {serial}, task_id TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
        state TEXT NOT NULL, payload TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)""",
    "CREATE INDEX entry_by_task ON entry (task_id, step)",
    """CREATE TABLE attempt (
        id {serial}, task_id TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, task_type TEXT NOT NULL,
        team TEXT NOT NULL, model TEXT NOT NULL, result TEXT NOT NULL, rung BIGINT NOT NULL,
        number BIGINT NOT NULL, answered_by TEXT NOT NULL, checker TEXT NOT NULL, effort TEXT NOT NULL,
        cause TEXT NOT NULL, validation TEXT NOT NULL, cost BIGINT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL)""",
    "CREATE INDEX attempt_by_task ON attempt (task_id)",
    "CREATE INDEX attempt_by_time ON attempt (at)",
    """CREATE TABLE budget (
        name TEXT PRIMARY KEY, spent BIGINT NOT NULL DEFAULT 0, held BIGINT NOT NULL DEFAULT 0){clustered}""",
    f"""CREATE TABLE task_tally (
        day TEXT NOT NULL, task_type TEXT NOT NULL, team TEXT NOT NULL, worker TEXT NOT NULL,
        checker TEXT NOT NULL, status TEXT NOT NULL, bucket BIGINT NOT NULL, {_COUNTERS},
        attempts BIGINT NOT NULL DEFAULT 0, retries BIGINT NOT NULL DEFAULT 0,
        fallbacks BIGINT NOT NULL DEFAULT 0, escalations BIGINT NOT NULL DEFAULT 0,
        baseline BIGINT NOT NULL DEFAULT 0, saved BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (day, task_type, team, worker, checker, status, bucket)){{clustered}}""",
    f"""CREATE TABLE try_tally (
        day TEXT NOT NULL, task_type TEXT NOT NULL, model TEXT NOT NULL, checker TEXT NOT NULL,
        result TEXT NOT NULL, cause TEXT NOT NULL, {_COUNTERS},
        input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (day, task_type, model, checker, result, cause)){{clustered}}""",
    f"""CREATE TABLE call_tally (
        day TEXT NOT NULL, task_type TEXT NOT NULL, purpose TEXT NOT NULL, model TEXT NOT NULL,
        provider TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL, bucket BIGINT NOT NULL, {_COUNTERS},
        input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (day, task_type, purpose, model, provider, state, error, bucket)){{clustered}}""",
    """CREATE TABLE review (
        id {serial}, task_id TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL, payload TEXT NOT NULL,
        state TEXT NOT NULL, created DOUBLE PRECISION NOT NULL, decided DOUBLE PRECISION,
        decided_by TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX review_by_task ON review (task_id)",
    """CREATE TABLE prompt (
        id {serial}, task_id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, model TEXT NOT NULL,
        reason TEXT NOT NULL, payload TEXT NOT NULL, created DOUBLE PRECISION NOT NULL,
        owner TEXT NOT NULL DEFAULT '')""",
)

SQLITE = {
    "serial": "INTEGER PRIMARY KEY",
    "key": "INTEGER PRIMARY KEY",
    "clustered": " WITHOUT ROWID",
}
POSTGRES = {
    "serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "key": "BIGINT PRIMARY KEY",
    "clustered": "",
}

_PLANS_ONCE = (
    """UPDATE paper SET plan = (SELECT e.payload FROM entry e WHERE e.task_id = paper.task_id AND e.step = 'plan'
        AND e.kind = 'note' AND e.payload <> '')
        WHERE EXISTS (SELECT 1 FROM entry e WHERE e.task_id = paper.task_id AND e.step = 'plan'
        AND e.kind = 'note' AND e.payload <> '')""",
    "DELETE FROM entry WHERE step = 'plan' AND kind = 'note'",
)
"""A plan made after a model had classified the task stood as a note beside the plan it corrected."""

_SAME = (
    "task_id, state, owner, forgotten, task_type, complexity, description, team, tags, opened, closed, status, "
    "reason, worker, checker, attempts, retries, fallbacks, escalations, validation, seconds, cost, baseline"
)

_LEAN = (
    """CREATE TABLE lean_task (
        id {serial}, task_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, owner TEXT NOT NULL,
        forgotten BIGINT NOT NULL DEFAULT 0, task_type TEXT NOT NULL, complexity DOUBLE PRECISION NOT NULL,
        description TEXT NOT NULL, team TEXT NOT NULL, tags TEXT NOT NULL, opened DOUBLE PRECISION NOT NULL,
        closed DOUBLE PRECISION, status TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
        worker TEXT NOT NULL DEFAULT '', checker TEXT NOT NULL DEFAULT '',
        attempts BIGINT NOT NULL DEFAULT 0, retries BIGINT NOT NULL DEFAULT 0,
        fallbacks BIGINT NOT NULL DEFAULT 0, escalations BIGINT NOT NULL DEFAULT 0,
        validation TEXT NOT NULL DEFAULT '', seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
        cost BIGINT NOT NULL DEFAULT 0, baseline BIGINT, outcome TEXT NOT NULL DEFAULT '')""",
    f"""INSERT INTO lean_task ({_SAME}, outcome)
        SELECT {", ".join("t." + name for name in _SAME.split(", "))}, COALESCE(p.outcome, '')
        FROM task t LEFT JOIN paper p ON p.task_id = t.task_id ORDER BY t.opened, t.task_id""",  # noqa: S608
    "CREATE TABLE lean_paper (id {key}, brief TEXT NOT NULL, plan TEXT NOT NULL)",
    """INSERT INTO lean_paper (id, brief, plan) SELECT t.id, p.brief, p.plan
        FROM lean_task t JOIN paper p ON p.task_id = t.task_id""",
    "DROP TABLE paper",
    "DROP TABLE task",
    "ALTER TABLE lean_task RENAME TO task",
    "ALTER TABLE lean_paper RENAME TO paper",
    "CREATE INDEX task_by_opened ON task (opened)",
    "CREATE INDEX task_to_forget ON task (closed) WHERE forgotten = 0 AND state IN ('accepted', 'skipped')",
    "ALTER TABLE call ADD COLUMN payload TEXT",
    "UPDATE call SET payload = (SELECT a.payload FROM answer a WHERE a.call_id = call.id)",
    "DROP TABLE answer",
    "DELETE FROM budget WHERE name LIKE 'task:%'",
    "ALTER TABLE budget ADD COLUMN allowed BIGINT",
    "ALTER TABLE budget ADD COLUMN expires DOUBLE PRECISION",
    "CREATE TABLE pending (task_id TEXT PRIMARY KEY){clustered}",
    tally.unfold_owned,
)
"""What a task writes stands in few places: its papers are written once, an answer with its call, the task's budget
is the sum of its calls, and the roll-ups of tasks in `pending` wait until many are folded together."""

_CHAINED = (
    "ALTER TABLE task ADD COLUMN chain TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE chained (since BIGINT NOT NULL)",
    "INSERT INTO chained SELECT COALESCE(MAX(id), 0) FROM task",
)
"""Every task has a chain of what was written for it, except those stored before this step: up to `since`."""

_CACHED = (
    "ALTER TABLE call ADD COLUMN cache_saved BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX call_cached ON call (sent) WHERE cache_saved <> 0",
)
"""What a provider's cache saved, so that a report adds it up without looking at every call."""

STEPS: tuple[tuple[Statement, ...], ...] = (_FIRST, _PLANS_ONCE, _LEAN, _CHAINED, _CACHED)
"""Step n brings a ledger from version n to version n + 1."""
