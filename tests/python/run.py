#!/usr/bin/env python3
"""Runs the tests of one file of this folder: run.py NAME. Exit status 77 (skipped) where NumPy
is missing, or what NAME needs beside it."""
import importlib
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
NEEDS = {
    "torch_network": ["numpy", "torch"],
    "notebooks": ["numpy", "torch", "pandas", "matplotlib"],
    "torch_channel": ["numpy", "torch"],
    "torch_arrays": ["numpy", "torch"],
    "frames": ["numpy", "pandas"],
}

name = sys.argv[1]
for module in NEEDS.get(name, ["numpy"]):
    try:
        importlib.import_module(module)
    except ImportError:
        print(f"skipped: {sys.executable} has no {module} (apt-get install python3-{module})")
        sys.exit(77)
unittest.main(module=f"{name}_test", argv=[sys.argv[0]] + sys.argv[2:], verbosity=2)
