"""Peers that take turns: child processes that time themselves on request, rounds in which each has its turn, medians with spread.

All of them stay up through the whole run and sleep while another has its turn, so that every round sees the same machine.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAUSE_SECONDS = 0.05  # between two turns: threads of the one before stop spinning
QUIET_LOAD = 0.7      # mean number of running processes over the last minute, before a measurement begins


class Failed(Exception):
    """A child that died, or answered with an error."""


class Server:
    """A child that answers each line with a line of JSON."""

    def __init__(self, command, environment=None):
        self.command = [str(word) for word in command]
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment)

    def send(self, line):
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{' '.join(self.command)} has ended") from None

    def receive(self):
        line = self.child.stdout.readline()
        if not line:
            raise Failed(f"{' '.join(self.command)} ended with status {self.child.wait()}")
        made = json.loads(line)
        if "error" in made:
            raise Failed(f"{' '.join(self.command)}: {made['error']}")
        return made

    def ask(self, line):
        self.send(line)
        return self.receive()

    def close(self):
        self.child.stdin.close()
        try:
            self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


class Candidate:
    """Something that can be timed: `turn(repetitions)` gives the seconds of each repetition; `of_round` makes one figure of them."""

    def __init__(self, name, turn, of_round=statistics.median):
        self.name, self.turn, self.of_round = name, turn, of_round
        self.rounds = []

    @property
    def median(self):
        return statistics.median(self.rounds)

    def take(self, repetitions):
        time.sleep(PAUSE_SECONDS)
        self.rounds.append(self.of_round(self.turn(repetitions)))


def interleave(candidates, rounds, repetitions):
    """Each candidate once a round; who begins moves on by one each round."""
    for number in range(rounds):
        first = number % len(candidates)
        for candidate in candidates[first:] + candidates[:first]:
            candidate.take(repetitions)


def fastest(candidates, count, repetitions):
    """The `count` fastest by one short turn; the turn itself does not count."""
    seconds = {}
    for candidate in candidates:
        time.sleep(PAUSE_SECONDS)
        seconds[candidate.name] = statistics.median(candidate.turn(repetitions))
    ordered = sorted(candidates, key=lambda candidate: seconds[candidate.name])
    for candidate in ordered:
        print(f"#     {candidate.name:<58} {milliseconds(seconds[candidate.name])}", flush=True)
    return ordered[:count]


def quotient(over, under, scale=1.0):
    """Ratio of the medians over the rounds, and the smallest and largest ratio of one round."""
    each = [scale * a / b for a, b in zip(over.rounds, under.rounds)]
    return {"value": scale * over.median / under.median, "low": min(each), "high": max(each)}


def interval(made, unit="x", factor=1.0, digits=2):
    value, low, high = (f"{factor * made[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value}{unit} [{low}, {high}]"


def share_of_peak(peak, candidate, operations):
    """Prints and returns it; `operations` are those of one repetition."""
    made = quotient(peak, candidate, operations)
    print(f"share of the peak of multiply-adds: {interval(made, ' %', 100, 1)}  (peak {1e-9 / peak.median:.0f} GFLOP/s)", flush=True)
    return made


def milliseconds(seconds):
    return f"{1e3 * seconds:9.3f} ms"


def table(title, candidates):
    print(f"\n{title}{' ' * max(1, 64 - len(title))}median  [fastest, slowest round]")
    for candidate in sorted(candidates, key=lambda candidate: candidate.median):
        print(f"{candidate.name:<62} {milliseconds(candidate.median)}  [{1e3 * min(candidate.rounds):.3f}, {1e3 * max(candidate.rounds):.3f}]", flush=True)


def heading(title, versions):
    """Date, machine and versions, one a line, each behind a #."""
    model = "unknown processor"
    cores = 0
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
            cores += line.startswith("processor")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    print(f"# {title}")
    print(f"# {datetime.datetime.now().astimezone().isoformat(timespec='seconds')}; {model}, {cores} cores; Linux {platform.release()}")
    load = os.getloadavg()[0]
    print(f"# load before: {load:.2f}" + ("  WARNING: something else is running; these figures are not to be kept" if load > QUIET_LOAD else ""))
    for name, version in {"semwave": commit or "unknown commit", "Python": platform.python_version(), **versions}.items():
        print(f"# {name}: {version}")
    sys.stdout.flush()


def semwave_server(program):
    if not Path(program).is_file():
        raise Failed(f"{program} is not there: build it (cmake --preset release && cmake --build build --target benchmark_{Path(program).name})")
    return Server([program, "--serve"])


def semwave_candidate(server, what, batch, threads, shard, notes=None):
    """`notes`, if given, takes what the server says besides the seconds."""
    def turn(repetitions):
        made = server.ask(f"{what} {batch} {threads} {repetitions} {shard}")
        if notes is not None:
            notes.update(made)
        return made["seconds"]
    return Candidate(f"semwave {what}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}", turn)


def peak_candidate(server, threads):
    """Its seconds are those of one floating-point operation, over all threads; the best repetition of a round is the peak."""
    def turn(repetitions):
        made = server.ask(f"peak {threads} {repetitions}")
        return [seconds / made["operations"] for seconds in made["seconds"]]
    return Candidate(f"peak of multiply-adds, {threads} thread{'s' if threads > 1 else ''}", turn, min)


def write_json(path, made):
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(made, indent=1) + "\n")


def yardstick_program(name, title, description, measure, repetitions_1, add_arguments=None):
    """The main of a benchmark of semwave alone: `measure(server, options, results)` fills the results. Returns the exit status."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", default=os.environ.get("YARDSTICK", str(ROOT / "build" / "benchmarks" / "yardstick")), help="semwave's program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repetitions-1", type=int, default=repetitions_1, help="in each round, batch 1")
    parser.add_argument("--repetitions-64", type=int, default=20, help="in each round, batch 64")
    parser.add_argument("--shard", type=int, default=0, help="images a thread takes at once (default: what the backend likes)")
    parser.add_argument("--json", default="", help="writes the shares there")
    if add_arguments:
        add_arguments(parser)
    options = parser.parse_args()
    results, semwave = {}, None
    try:
        semwave = semwave_server(options.yardstick)
        heading(title, {})
        measure(semwave, options, results)
    except (Failed, OSError) as reason:
        print(f"{name}: {reason}", file=sys.stderr)
        return 1
    finally:
        if semwave:
            semwave.close()
    write_json(options.json, results)
    return 0
