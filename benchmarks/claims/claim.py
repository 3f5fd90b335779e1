"""What every claim does: run semwave, read its rows and records, state a value with its interval, say PASS or FAIL.

A claim is a script beside this file. It prints a line for each thing it holds semwave to, and its exit status is 0 where all of
them hold, 1 where one does not, 2 where it could not be measured. Results stay below build/claims/, so a claim that was stopped
goes on where it was (a point is run anew whenever scenario, model, data, or a table or part of the code that it uses change).
"""
import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class NotMeasured(Exception):
    """The claim says nothing: a program, a model or data is missing, or a run failed."""


class Ended:
    """A finished child: exit status, wall seconds, largest resident memory in MiB."""

    def __init__(self, status, seconds, memory_mib):
        self.status, self.seconds, self.memory_mib = status, seconds, memory_mib


class Claim:
    def __init__(self, title, arguments=None):
        """`arguments(parser)` may add options of the claim itself."""
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--semwave", default=os.environ.get("SEMWAVE", str(ROOT / "build" / "semwave")), help="program to measure")
        parser.add_argument("--work", default=str(ROOT / "build" / "claims"), help="folder for results, re-used by a second run")
        parser.add_argument("--threads", type=int, default=0, help="threads of each run (default: one a core)")
        if arguments:
            arguments(parser)
        self.options = parser.parse_args()
        self.name = Path(sys.argv[0]).stem
        self.work = Path(self.options.work).resolve() / self.name
        self.passed = True
        self.checks = 0
        print(f"# {self.name}: {title}", flush=True)

    # Running.

    def command(self, verb, scenario, settings=None, out=None, threads=None, seed=None):
        """Settings: JSON pointer -> value."""
        if not os.access(self.options.semwave, os.X_OK):
            raise NotMeasured(f"{self.options.semwave} is not there: build it (cmake --preset release && cmake --build build), or give --semwave")
        command = [self.options.semwave, verb, str(scenario), "--quiet"]
        for pointer, value in (settings or {}).items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        if out is not None:
            command += ["--out", str(out)]
        threads = threads or self.options.threads
        if threads:
            command += ["--threads", str(threads)]
        if seed is not None:
            command += ["--seed", str(seed)]
        return command

    def start(self, command, log):
        """Starts a child whose output goes to the file `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as sink:
            return subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, cwd=ROOT)

    def wait(self, child, started):
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:  # the claim was stopped: its run stops with it, and keeps the points that are done
            child.terminate()
            os.wait4(child.pid, 0)
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
        return Ended(child.returncode, time.monotonic() - started, usage.ru_maxrss / 1024)

    def execute(self, command, log):
        started = time.monotonic()
        return self.wait(self.start(command, log), started)

    def run(self, scenario, settings=None, out="run", threads=None, seed=None, fresh=False, shard=0):
        """semwave run; returns (rows of the scenario's grid, how the child ended). NotMeasured where a point failed."""
        folder = self.work / out
        if fresh and folder.exists():
            shutil.rmtree(folder)
        log = self.work / f"{out}.log"
        ended = self.execute(self.command("run", ROOT / scenario, settings, folder, threads, seed) + (["--shard", str(shard)] if shard else []), log)
        if ended.status != 0:
            raise NotMeasured(f"semwave run {scenario} ended with status {ended.status}: {last_words(log)}")
        return self.rows(out), ended

    def rows(self, out):
        """Rows of the last run into this folder; points of earlier sweeps stand behind them."""
        with open(self.work / out / "run.json") as file:
            grid = json.load(file)["points"]["grid"]
        return read_lines(self.work / out / "results.jsonl")[:grid]

    def records(self, out):
        """point_sha256 -> records in the order of the images."""
        made = {}
        for line in read_lines(self.work / out / "records.jsonl"):
            made.setdefault(line["point_sha256"], []).append(line)
        for records in made.values():
            records.sort(key=lambda record: record["image"])
        return made

    # Saying.

    def check(self, what, value, holds, wanted):
        self.checks += 1
        self.passed = self.passed and bool(holds)
        print(f"{'PASS' if holds else 'FAIL'}  {what}: {value}  (claim: {wanted})", flush=True)

    def note(self, text):
        print(f"#     {text}", flush=True)

    def finish(self):
        if self.checks == 0:
            raise NotMeasured("nothing was checked")
        print(f"{'PASS' if self.passed else 'FAIL'}  {self.name}", flush=True)
        sys.exit(0 if self.passed else 1)


def measure(title, body, arguments=None):
    """Runs `body(claim)` and ends the program with the claim's exit status."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    claim = Claim(title, arguments)
    try:
        body(claim)
        claim.finish()
    except NotMeasured as reason:
        print(f"NOT MEASURED  {claim.name}: {reason}", flush=True)
        sys.exit(2)


def read_lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def last_words(log):
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


# Statistics. All intervals are of 95 %.

def mean_interval(values):
    """(mean, half width) by the normal law."""
    count = len(values)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / max(1, count - 1)
    return mean, 1.96 * math.sqrt(variance / count)


def wilson(share, count):
    z = 1.96
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return centre - half, centre + half


def paired(first, second, value):
    """Mean and half width of value(first) - value(second) over the images both have seen; NotMeasured where they differ."""
    if [record["image"] for record in first] != [record["image"] for record in second]:
        raise NotMeasured("the two settings were not run on the same images")
    return mean_interval([value(a) - value(b) for a, b in zip(first, second)])


def psnr(record):
    return record["psnr_db"]


def correct(record):
    return 1.0 if record["decision"] == record["label"] else 0.0


def uses(record):
    return record["uses"]["total"]


def signed(mean, half, digits=3):
    return f"{mean:+.{digits}f} [{mean - half:+.{digits}f}, {mean + half:+.{digits}f}]"


def plan(keep, depth, symbols_per_token):
    return {"kind": "fixed", "keep": keep, "depth": depth, "symbols_per_token": symbols_per_token}


def plan_text(policy):
    return f"keep {policy['keep']:g} depth {policy['depth']} S {policy['symbols_per_token']}"
