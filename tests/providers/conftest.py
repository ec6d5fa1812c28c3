"""Fixtures of the provider tests."""

from llama import llama_servers, model_folder

__all__ = ["llama_servers", "model_folder"]
