"""What the tests of this folder share."""
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("SEMWAVE", str(ROOT / "build" / "semwave"))
# What differs from run to run.
CLOCK = ("seconds", "images_per_second", "latency_ms", "energy_mj")
QUICK = {"/source/count": 200, "/sweep": {"/channel/snr_db": [0, 10]}}
QUICKSTART = str(ROOT / "scenarios" / "quickstart.json")


def program(*arguments):
    """Standard output of a command of the program, which must succeed."""
    ended = subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise AssertionError(f"semwave {arguments} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def settings(overrides):
    return [
        word
        for pointer, value in overrides.items()
        for word in ("--set", f"{pointer}={json.dumps(value)}")
    ]


def rows_of_program(command, scenario, overrides, *more):
    return [
        json.loads(line)
        for line in program(
            command, scenario, "--json", "--quiet", *settings(overrides), *more
        ).splitlines()
    ]


def without_clock(row):
    return {key: value for key, value in row.items() if key not in CLOCK}
