"""One answer judged for real: the validator's flow driven with the real sandbox."""

import pytest

from escalator.flow import drive
from escalator.records import Candidate, ChangeSet, Verdict
from escalator.sandbox import Sandbox
from escalator.validators import judge
from validators.sandboxed import perform

NO_BWRAP = Sandbox(isolation="bwrap").unavailable()

needs_bwrap = [pytest.mark.needs_bwrap, pytest.mark.skipif(NO_BWRAP is not None, reason=str(NO_BWRAP))]


def judged(validator, brief, files, performer=perform) -> Verdict:
    """The verdict on an answer that changes `files`."""
    return drive(judge(validator, Candidate(brief=brief, changes=ChangeSet(files=files))), performer)
