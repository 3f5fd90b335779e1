"""semwave from Python: scenarios, channels, links, models and the separation baseline.

Names, units and keys are those of scenarios and of result rows (docs/scenario.md,
docs/results.md). A mistake raises semwave.Error, whose `place` says where it is. docs/python.md
is the guide.
"""
from ._semwave import Error, __version__
from .channel import Channel, Equalised, Fading, Heard, States
from .ledger import Header, Ledger, header
from .link import Codec, Decoded, Link
from .model import Answer, HeardBurst, Model, Route, Sent
from .pictures import Pictures, baseline, dataset, evaluate
from .scenarios import budget, compare, list, load, run, train, validate

__all__ = [
    "Answer",
    "Channel",
    "Codec",
    "Decoded",
    "Equalised",
    "Error",
    "Fading",
    "Header",
    "Heard",
    "HeardBurst",
    "Ledger",
    "Link",
    "Model",
    "Pictures",
    "Route",
    "Sent",
    "States",
    "__version__",
    "baseline",
    "budget",
    "compare",
    "dataset",
    "evaluate",
    "header",
    "list",
    "load",
    "run",
    "train",
    "validate",
]
