"""What is shown while a run or a training works."""
from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, Optional, Union

Event = Dict[str, Any]
Progress = Union[None, bool, Callable[[Event], None]]


class Line:
    """A live line on standard error, or in a notebook below the cell."""

    def __init__(self) -> None:
        self.begun = self.shown = time.monotonic()
        self.width = 0

    def __call__(self, event: Event) -> None:
        if event["event"] == "warning":
            self.clear()
            print(event["text"], file=sys.stderr)
        elif event["event"] == "progress":
            self.show(event)

    def show(self, event: Event) -> None:
        now = time.monotonic()
        if now - self.shown < 0.2:
            return
        self.shown = now
        if "point" in event:
            text = (
                f"point {event['point'] + 1}/{event['points']}  {event['done']}/{event['total']}"
            )
        else:
            text = f"epoch {event['epoch']}/{event['epochs']}  loss {event['loss']:.4f}"
            text += f"  step {event['step']}/{event['steps']}"
        text += f"  {now - self.begun:.0f} s"
        self.width = max(self.width, len(text))
        print("\r" + text.ljust(self.width), end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.width:
            print("\r" + " " * self.width + "\r", end="", file=sys.stderr, flush=True)
            self.width = 0


def wanted(progress: Progress) -> Optional[Callable[[Event], None]]:
    """None: a line where standard error is a terminal or a notebook; True: always; False: never."""
    if callable(progress):
        return progress
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    return Line() if progress else None


def end(listener: Optional[Callable[[Event], None]]) -> None:
    if isinstance(listener, Line):
        listener.clear()
