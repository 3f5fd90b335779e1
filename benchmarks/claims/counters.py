"""Counters of build/benchmarks/codes, repetitions of all its cases in random turns."""
import json
import os
import re
import statistics
import subprocess

from claim import ROOT, NotMeasured


def add_arguments(parser):
    parser.add_argument("--codes", default=str(ROOT / "build" / "benchmarks" / "codes"), help="program that is timed")
    parser.add_argument("--repetitions", type=int, default=15, help="turns of each case")


def measured(claim, pattern, counter):
    """Case -> the counter's value in each repetition."""
    return values(claim.options.codes, claim.options.repetitions, pattern, {pattern: counter})


def values(program, repetitions, pattern, counters):
    """The same of any build's program; `counters` names the counter of the cases that a pattern matches."""
    if not os.access(program, os.X_OK):
        raise NotMeasured(f"{program} is not there: build it (cmake --build build --target benchmark_codes), or give --codes")
    command = [program, f"--benchmark_filter={pattern}", f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.2",
               "--benchmark_enable_random_interleaving=true", "--benchmark_format=json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        raise NotMeasured(f"{program} ended with status {ended.returncode}: {ended.stderr.strip()}")
    made = {}
    for case in json.loads(ended.stdout)["benchmarks"]:
        if case["run_type"] == "iteration":
            counter = next(name for cases, name in counters.items() if re.search(cases, case["run_name"]))
            made.setdefault(case["run_name"], {})[case["repetition_index"]] = case[counter]
    return {name: [values[i] for i in sorted(values)] for name, values in made.items()}


def median_interval(values):
    """Median with its 95 % interval by order statistics (the binomial's normal approximation)."""
    ordered, n = sorted(values), len(values)
    away = 0.98 * n**0.5
    return statistics.median(ordered), ordered[max(0, int(n / 2 - away))], ordered[min(n - 1, int(n / 2 + away))]
