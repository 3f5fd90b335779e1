"""Scenarios: checked, predicted, run, trained, loaded, compared. Each function does what the
command of its name does."""
from __future__ import annotations

import builtins
import json
import os
from typing import Any, Dict, List, Optional, Union

from . import _semwave, progress as _progress
from .errors import mistake
from .rows import Row, as_asked

Scenario = Union[str, "os.PathLike[str]", Dict[str, Any]]


def _scenario(scenario: Scenario) -> Union[str, Dict[str, Any]]:
    return scenario if isinstance(scenario, dict) else os.fspath(scenario)


def run(
    scenario: Scenario,
    *,
    out: Union[None, str, "os.PathLike[str]"] = None,
    device: str = "auto",
    threads: int = 0,
    shard: int = 0,
    progress: _progress.Progress = None,
    frame: Optional[bool] = None,
    **overrides: Any,
):
    """Every point of a scenario, a row each (docs/results.md).

    scenario: the path of a file, or a dict of the same keys. A scenario with `link` runs bits,
        any other images.
    overrides: JSON pointers with their values, `run(s, **{"/channel/snr_db": 5})`.
    out: a result folder; points that it holds already are not run again.
    device: auto, cpu or cuda. threads: 0 is one a core. shard: images a thread takes at once, 0
        is the device's.
    progress: True a live line, False nothing, None as the terminal is; or a function, called
        with a dict an event: {"event": "progress", "point", "points", "done", "total"},
        {"event": "row", "row", ...}, {"event": "warning", "text"}.
    frame: True a pandas DataFrame, False a list of dicts, None a DataFrame where pandas is there.

    Raises Error where the scenario is wrong, or where a point failed; `rows` of that error
    holds those that did not. Ctrl-C ends the run after the images in hand; what was done is in
    `out`. An exception of `progress` does so too.
    """
    listener = _progress.wanted(progress)
    try:
        rows, failed = _semwave.run(
            _scenario(scenario), overrides, os.fspath(out or ""), device, threads, shard, listener
        )
    finally:
        _progress.end(listener)
    if failed:
        place, _, message = failed[0].partition(": ")
        error = mistake(
            place, f"{message} ({len(failed)} of {len(failed) + len(rows)} points failed)"
        )
        error.rows = rows
        raise error
    return as_asked(rows, frame)


def train(
    scenario: Scenario,
    *,
    out: Union[str, "os.PathLike[str]"],
    resume: bool = False,
    device: str = "auto",
    threads: int = 0,
    shard: int = 0,
    progress: _progress.Progress = None,
    frame: Optional[bool] = None,
    **overrides: Any,
):
    """Trains the network of a scenario with `train`; a row an epoch.

    out: the folder that model.safetensors, training.safetensors and training.jsonl go to.
    resume: goes on with the training that `out` holds. The other arguments are those of run();
        events are {"event": "progress" or "epoch", "epoch", "epochs", "step", "steps", "loss",
        "seconds_left", ...}.

    Raises Error where the scenario is wrong or the folder cannot be used. Ctrl-C saves the
    state: resume=True goes on with it.
    """
    listener = _progress.wanted(progress)
    epochs: List[Row] = []

    def hear(event: _progress.Event) -> None:
        if event["event"] == "epoch":
            epochs.append(
                {
                    key: value
                    for key, value in event.items()
                    if key not in ("event", "seconds_left", "steps")
                }
            )
        if listener:
            listener(event)

    try:
        _semwave.train(
            _scenario(scenario), overrides, os.fspath(out), resume, device, threads, shard, hear
        )
    finally:
        _progress.end(listener)
    return as_asked(epochs, frame)


def validate(scenario: Scenario, **overrides: Any) -> Dict[str, Any]:
    """All that is wrong with a scenario: {"mistakes": [text], "warnings": [text], "points":
    number, "trains": bool}.

    A valid scenario has no mistakes. Images are not looked at. Raises Error only for arguments
    that are none.
    """
    return _semwave.validate(_scenario(scenario), overrides)


def list(what: str = "") -> Dict[str, Any]:
    """What a scenario may name: {"channels": {"awgn": summary, ...}, ...}; of one kind alone,
    {"awgn": summary, ...}.

    Raises Error with the nearest name where nothing is called `what`.
    """
    names: Dict[str, Any] = dict(_semwave.list_names(what))
    return names[what] if what else names


def budget(
    scenario: Scenario,
    *,
    device: str = "auto",
    threads: int = 0,
    shard: int = 0,
    time: bool = True,
    frame: Optional[bool] = None,
    **overrides: Any,
):
    """Predicted channel uses, operations and seconds of every point, before it runs; a row each.

    time: False leaves the seconds at 0, and nothing is run to measure them. Raises Error as
        run() does.
    """
    return as_asked(
        _semwave.budget(_scenario(scenario), overrides, device, threads, shard, time), frame
    )


def load(
    folder: Union[str, "os.PathLike[str]"], what: str = "rows", *, frame: Optional[bool] = None
):
    """What a result folder holds: `rows` of its points, `records` of its images, or `slots` of
    its timeline.

    Rows of earlier sweeps into the same folder stand behind those of the last one. A folder may
    be read while a run writes to it: a torn last line is left out. Raises Error where a file is
    missing or is none of a result folder.
    """
    folder = os.fspath(folder)
    if what == "rows":
        return as_asked(_semwave.load_rows(folder), frame)
    if what not in ("records", "slots"):
        raise mistake("what", f"is rows, records or slots, not '{what}'")
    return as_asked(_lines(os.path.join(folder, what + ".jsonl")), frame)


def _lines(path: str) -> List[Row]:
    made: List[Row] = []
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.endswith("\n"):
                    made.append(json.loads(line))
    except (OSError, ValueError) as problem:
        where = path if isinstance(problem, OSError) else f"{path}: line {number}"
        raise mistake(where, str(problem)) from None
    return made


def compare(
    a: Union[str, "os.PathLike[str]"],
    b: Union[str, "os.PathLike[str]"],
    *,
    row_a: Optional[int] = None,
    row_b: Optional[int] = None,
    point: Optional[Dict[str, Any]] = None,
    curve: str = "",
    frame: Optional[bool] = False,
):
    """Two result folders image by image: paired differences with their intervals, McNemar's
    test (docs/compare.md).

    Both were run with `/output/records` true. Points of equal swept values are compared, or
    `row_a` with `row_b`, or those that have the values of `point` ({"/channel/snr_db": 5}). A
    row each; with more than one the last row holds all of them together. curve: "psnr_db",
    "ssim" or "accuracy": each folder's points as one curve over channel uses instead, with the
    BD-rate. Raises Error where nothing can be compared.
    """
    a, b = os.fspath(a), os.fspath(b)
    if curve:
        return as_asked(_semwave.compare_curves(a, b, curve, point or {}), frame)
    rows, together = _semwave.compare(a, b, row_a, row_b, point or {})
    return as_asked(rows + ([together] if builtins.len(rows) > 1 else []), frame)
