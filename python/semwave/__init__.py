"""semwave from Python: scenarios, channels, links, models and the separation baseline.

Names, units and keys are those of scenarios and of result rows (docs/scenario.md, docs/results.md).
A mistake raises semwave.Error, whose `place` says where it is. docs/python.md is the guide.
"""
from ._semwave import Error, __version__
from .scenarios import budget, compare, list, load, run, train, validate

__all__ = ["Error", "__version__", "budget", "compare", "list", "load", "run", "train", "validate"]
