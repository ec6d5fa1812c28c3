"""Lets the gates of other libraries judge answers: JSON lines in, JSON lines out.

Run by an interpreter that has those libraries, and in need of nothing else. Writes one line with the gates found
there, then reads `{"prompt": ..., "answer": ...}` a line and writes `{gate: accepted, ...}` a line.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

CONFIDENCE = 0.9
"""What a fake model declares about its own answer where a gate asks for that."""


def cascadeflow() -> Callable[[str, str], bool]:
    """The quality validator as `CascadeAgent` configures it."""
    from cascadeflow.quality import QualityConfig, QualityValidator

    validator = QualityValidator(config=QualityConfig.for_cascade())
    return lambda prompt, answer: bool(validator.validate(answer, prompt, confidence=CONFIDENCE).passed)


def cascade_llm() -> Callable[[str, str], bool]:
    """The quality verifier with the default policy: no judge, no evaluator of the user's."""
    from cascade.models import QualityPolicy
    from cascade.verifier import QualityVerifier

    policy = QualityPolicy()
    verifier = QualityVerifier(policy)

    def accepts(prompt: str, answer: str) -> bool:
        return verifier.score([{"role": "user", "content": prompt}], answer, "small") >= policy.min_quality_score

    return accepts


class _Answering(BaseHTTPRequestHandler):
    """Answers every chat completion of the model `small` with the text in `answer`, of others with "other"."""

    answer: ClassVar[str] = ""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = self.answer if asked["model"] == "small" else "other"
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"]}
        data = json.dumps({**body, "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def litellm() -> Callable[[str, str], bool]:
    """`Router` with a fallback, against a server that answers 200: does the caller get the first answer?"""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    from litellm import Router

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/v1"

    def deployment(name: str) -> dict[str, Any]:
        return {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_base": base, "api_key": "k"},
        }

    router = Router(model_list=[deployment("small"), deployment("big")], fallbacks=[{"small": ["big"]}])

    def accepts(prompt: str, answer: str) -> bool:
        _Answering.answer = answer
        got = router.completion(model="small", messages=[{"role": "user", "content": prompt}])
        return bool(got.choices[0].message.content == answer)

    return accepts


GATES = {"cascadeflow": cascadeflow, "cascade-llm": cascade_llm, "litellm": litellm}


def found() -> dict[str, Callable[[str, str], bool]]:
    """The gates whose libraries are installed here, under name and version."""
    gates = {}
    for name, make in GATES.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        gates[f"{name} {installed}"] = make()
    return gates


def main() -> None:
    """Judge what comes on standard input."""
    logging.disable(logging.CRITICAL)
    said, sys.stdout = sys.stdout, sys.stderr  # libraries print what they like; the protocol is ours
    gates = found()
    print(json.dumps(list(gates)), file=said, flush=True)
    for line in sys.stdin:
        given = json.loads(line)
        verdicts = {name: accepts(given["prompt"], given["answer"]) for name, accepts in gates.items()}
        print(json.dumps(verdicts), file=said, flush=True)


if __name__ == "__main__":
    main()
