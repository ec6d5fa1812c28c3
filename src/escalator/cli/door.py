"""The console every command prints on: what others wrote cannot steer the terminal behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from escalator.foreign import shown

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType


class Door(Console):
    """A console that takes every text literally, brackets and colons included, and shows what would steer it."""

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of what is printed, each as it may be seen."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else Segment(shown(piece.text, lines=True), piece.style)
