"""Rows of results: lists of dicts, or a pandas DataFrame where pandas is there."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

try:
    import pandas  # type: ignore[import]
except ImportError:
    pandas = None

Row = Dict[str, Any]


def flat(row: Row, before: str = "") -> Row:
    """One level of keys: nested ones joined by '.', elements of lists numbered, swept keys by
    their pointer."""
    made: Row = {}
    for key, value in row.items():
        name = before + str(key)
        if key == "point" and isinstance(value, dict):
            made.update(flat(value))
        elif isinstance(value, dict):
            made.update(flat(value, name + "."))
        elif isinstance(value, list):
            made.update(flat({str(place): one for place, one in enumerate(value)}, name + "."))
        else:
            made[name] = value
    return made


def as_asked(rows: List[Row], frame: Optional[bool]):
    """`frame`: True a DataFrame, False a list of dicts, None a DataFrame where pandas is there."""
    if frame is None:
        frame = pandas is not None
    if not frame:
        return rows
    if pandas is None:
        raise ImportError("frame=True needs pandas (apt-get install python3-pandas)")
    return pandas.DataFrame([flat(row) for row in rows])
