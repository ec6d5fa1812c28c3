"""The peers, each in its plainest documented use: one call, and a second model where the first answers 500.

Their own repeating of a failed call is off where a setting turns it off, since the first request decides. None of
them extracts an answer, judges it, reserves money or writes a ledger; cascadeflow judges words. A library that is
not installed here raises `ImportError`, which is told and left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

Ask: TypeAlias = Callable[[str], Awaitable[Any]]
"""Asks one prompt."""

KEY = "not-a-key"
TOKENS = 1024
BROKEN, GOOD = "500 always", "good"


@dataclass(frozen=True)
class Peer:
    """One library against one server.

    `fallback` asks a model that fails first, by the library's own means.
    """

    ask: Ask
    fallback: Ask


def openai_sdk(url: str) -> Peer:
    """The `openai` SDK; it has no fallback, so it is the `except` everybody writes."""
    openai: Any = import_module("openai")
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)

    async def ask(prompt: str, model: str = GOOD) -> None:
        messages = [{"role": "user", "content": prompt}]
        answer = await client.chat.completions.create(model=model, messages=messages, max_tokens=TOKENS)
        assert answer.choices[0].message.content

    async def fallback(prompt: str) -> None:
        try:
            await ask(prompt, BROKEN)
        except openai.APIStatusError:
            await ask(prompt)

    return Peer(ask, fallback)


def langchain(url: str) -> Peer:
    """`ChatOpenAI`, and `with_fallbacks`."""
    chat: Any = import_module("langchain_openai").ChatOpenAI

    def of(model: str) -> Any:
        return chat(base_url=f"{url}/v1", api_key=KEY, model=model, max_retries=0, max_tokens=TOKENS)

    return Peer(of(GOOD).ainvoke, of(BROKEN).with_fallbacks([of(GOOD)]).ainvoke)


def pydantic_ai(url: str) -> Peer:
    """An `Agent` of text, and `FallbackModel`."""
    agent: Any = import_module("pydantic_ai").Agent
    models: Any = import_module("pydantic_ai.models.openai")
    client = import_module("openai").AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    provider = import_module("pydantic_ai.providers.openai").OpenAIProvider(openai_client=client)
    bad, good = (models.OpenAIChatModel(name, provider=provider) for name in (BROKEN, GOOD))
    either = import_module("pydantic_ai.models.fallback").FallbackModel(bad, good)
    return Peer(agent(good).run, agent(either).run)


def litellm(url: str) -> Peer:
    """The `Router`, with `fallbacks`."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    router: Any = import_module("litellm").Router
    listed = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_base": f"{url}/v1", "api_key": KEY},
        }
        for name in (GOOD, BROKEN)
    ]
    made = router(model_list=listed, num_retries=0, fallbacks=[{BROKEN: [GOOD]}], disable_cooldowns=True)

    async def ask(prompt: str, model: str = GOOD) -> None:
        messages = [{"role": "user", "content": prompt}]
        answer = await made.acompletion(model=model, messages=messages, max_tokens=TOKENS)
        assert answer.choices[0].message.content

    return Peer(ask, lambda prompt: ask(prompt, BROKEN))


def cascadeflow(url: str) -> Peer:
    """A `CascadeAgent` of drafter and verifier; its fallback is the verifier where the drafter fails.

    As it comes it asks a failing drafter three times, and once its breaker has seen five failures it answers every
    task with an empty text, without an error and without asking the verifier. So one request and a closed breaker.
    """
    flow, _ = _without_litellm("cascadeflow", "cascadeflow.integrations.litellm")
    same = {"provider": "vllm", "base_url": f"{url}/v1", "api_key": KEY}

    def of(*models: str) -> Any:
        costs = (0.0001, 0.001)
        listed = [flow.ModelConfig(model, cost=cost, **same) for model, cost in zip(models, costs, strict=True)]
        agent = flow.CascadeAgent(models=listed)
        agent.providers["vllm"].retry_config.max_attempts = 1
        return agent

    plain, chain = of(GOOD, GOOD), of(BROKEN, GOOD)

    async def ask(prompt: str, agent: Any = plain) -> None:
        assert (await agent.run(prompt, max_tokens=TOKENS)).content

    async def fallback(prompt: str) -> None:
        chain.providers["vllm"].circuit_breaker.reset()
        await ask(prompt, chain)

    return Peer(ask, fallback)


def _without_litellm(*names: str) -> list[Any]:
    """Modules as they are where litellm is not installed, which they load if they can and do not need."""
    there = sys.modules.get("litellm")
    sys.modules["litellm"] = None  # type: ignore[assignment]
    try:
        return [import_module(name) for name in names]
    finally:
        del sys.modules["litellm"]
        if there is not None:
            sys.modules["litellm"] = there


PEERS: dict[str, Callable[[str], Peer]] = {
    "openai": openai_sdk,
    "langchain-openai": langchain,
    "cascadeflow": cascadeflow,
    "pydantic-ai": pydantic_ai,
    "litellm": litellm,
}

IMPORTS = {
    "openai": "from openai import AsyncOpenAI",
    "langchain-openai": "from langchain_openai import ChatOpenAI",
    "cascadeflow": "sys.modules['litellm'] = None; from cascadeflow import CascadeAgent",
    "pydantic-ai": "from pydantic_ai import Agent; import pydantic_ai.models.openai",
    "litellm": "from litellm import Router",
}
"""What a program that uses the library begins with."""
