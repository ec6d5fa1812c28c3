"""How a tool that uses escalator is tested: scripted models, a ledger in memory, no network."""

from escalator import Escalator
from escalator.testing import MemoryLedger, ScriptedProvider, failure, fenced, no_model_requests


def rename(house: Escalator, old: str, new: str, code: str) -> str:
    """The tool under test: renames a variable by whichever model manages to."""
    outcome = house.execute(f"Rename {old} to {new}.", files={"code.py": code}, task_type="quick_edit")
    outcome.unwrap()
    return outcome.files["code.py"] or ""


with no_model_requests():
    answer = fenced("total = 1\n", path="code.py")
    models = ScriptedProvider({"local-14b": [failure("connection")], "gemini-flash": [answer]})
    house = Escalator(providers=models, ledger=MemoryLedger())
    print(rename(house, "x", "total", "x = 1\n"), end="")
    print([request.model.name for request in models.requests])
