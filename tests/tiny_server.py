"""A child process that serves a model over llama.cpp's own HTTP server until its parent closes the pipe.

Run as `python tiny_server.py OPTIONS_JSON`, it prints one line of JSON, {"url": ...}, once the model is loaded.
A child and not a thread, because a fault in C++ must not take the tests with it.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def serve(options: dict[str, Any]) -> None:
    """Options: model (path), context, slots, name, api_keys, grammar (GBNF that every answer follows), port."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options["model"]
    params.n_ctx = options.get("context", 4096)
    params.n_parallel = options.get("slots", 2)
    params.verbosity = 0
    params.port = options.get("port", 0)
    params.endpoint_slots = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if options.get("name"):
        params.model_alias = {options["name"]}
    if options.get("api_keys"):
        params.api_keys = options["api_keys"]
    if options.get("grammar"):
        kind = xllamacpp.common_grammar_type.COMMON_GRAMMAR_TYPE_USER
        params.sampling.grammar = xllamacpp.CommonGrammar(kind, options["grammar"])
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
