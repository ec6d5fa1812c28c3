"""Lists the benchmarks and runs those named: `python -m benchmarks [name ...]`, `all` for every one."""

from __future__ import annotations

import sys
import time
from importlib import import_module

NAMES = (
    "imports",
    "cold_start",
    "overhead",
    "micro",
    "concurrency",
    "transports",
    "faults",
    "budgets",
    "gate_quality",
    "impossible",
    "sandbox_overhead",
    "verdicts",
    "scaling",
    "ledger_throughput",
    "ledger_reports",
    "soak",
)

APART = ("peers",)
"""Not among `all`: what needs more than the project installs, see `make bench-peers`."""


def main(argv: list[str]) -> int:
    """Run the benchmarks named; options after a single name are that benchmark's own."""
    if not argv or argv[0] in {"-h", "--help"}:
        print(f"{__doc__}\n")
        for name in (*NAMES, *APART):
            print(f"  {name:18} {_first_line(name)}")
        print("\nOptions after one name are its own: python -m benchmarks overhead --rounds 5")
        return 0
    known = (*NAMES, *APART)
    names = NAMES if argv == ["all"] else [word for word in argv if word in known]
    options = [] if argv == ["all"] else [word for word in argv if word not in known]
    if not names or (options and len(names) > 1):
        print(f"There is no benchmark {options[0]!r}; known are {', '.join(known)}.", file=sys.stderr)
        return 2
    for name in names:
        begun = time.perf_counter()
        print(f"\n# {name}\n", flush=True)
        _run(name, options)
        print(f"\n({name} took {time.perf_counter() - begun:.0f} s)", flush=True)
    return 0


def _first_line(name: str) -> str:
    return (import_module(f"benchmarks.{name}").__doc__ or "").strip().splitlines()[0]


def _run(name: str, options: list[str]) -> None:
    """A benchmark reads its options from the command line, as it does when it is started alone."""
    before = sys.argv
    sys.argv = [f"python -m benchmarks {name}", *options]
    try:
        import_module(f"benchmarks.{name}").main()
    finally:
        sys.argv = before


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
