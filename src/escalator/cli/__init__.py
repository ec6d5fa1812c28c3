"""The command line: a client of the public API."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; errors are one readable line and an exit status, never a traceback."""
    from escalator.cli.app import app
    from escalator.errors import EscalatorError

    try:
        app(standalone_mode=True)
    except EscalatorError as error:
        from escalator.cli.console import complain

        complain(str(error))
        sys.exit(2)
    except SystemExit as left:
        if left.code == INTERRUPTED:
            from escalator.cli.console import complain

            if sys.stderr.isatty():
                sys.stderr.write("\n")
            complain("interrupted; what was already paid for is in the ledger")
        raise
    except OSError as error:
        from escalator.cli.console import complain

        complain(f"{error.filename or 'standard output'} cannot be written or read: {error.strerror}")
        sys.exit(2)
