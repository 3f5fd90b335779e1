"""What the claims of speed share: they run one of the interleaved benchmarks and read the ratios that it leaves."""
import json
import os
import signal
import subprocess
import sys

from claim import ROOT, NotMeasured

BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(1, str(BENCHMARKS))
from rounds import interval  # noqa: E402


def add_arguments(parser):
    parser.add_argument("--yardstick", default=os.environ.get("YARDSTICK", str(ROOT / "build" / "benchmarks" / "yardstick")), help="program that is timed")
    parser.add_argument("--rounds", type=int, default=0, help="turns of each candidate (default: the benchmark's)")


def results(claim, script, *options):
    """The benchmark's own words go through; its ratios come back."""
    claim.work.mkdir(parents=True, exist_ok=True)
    path = claim.work / "ratios.json"
    path.unlink(missing_ok=True)
    command = [str(BENCHMARKS / script), "--yardstick", claim.options.yardstick, "--json", str(path), *map(str, options)]
    if claim.options.rounds:
        command += ["--rounds", str(claim.options.rounds)]
    child = subprocess.Popen(command, cwd=ROOT)
    try:
        status = child.wait()
    except BaseException:  # the claim was stopped: its benchmark stops with it
        child.send_signal(signal.SIGINT)
        child.wait()
        raise
    if status != 0:
        raise NotMeasured(f"{script} ended with status {status}")
    if not path.exists():
        raise NotMeasured(f"{script} was skipped")
    return json.loads(path.read_text())


def ratio(claim, what, made, least):
    """The claim is on the tuning it names (PyTorch's `plain`: OPENBLAS_CORETYPE and the OpenMP build); a tuning that goes further is shown beside it."""
    by_tuning = {key[6:]: other for key, other in made.items() if key.startswith("ratio_")}
    held, peer = by_tuning.pop("plain", None), "PyTorch's fastest in the tuning the claim names"
    if held is None:
        held, peer = made["ratio"], made["peer"]
    else:
        claim.note(f"{what}: {interval(made['ratio'])} the speed of {made['peer']}, which was tuned further than the claim asks")
    claim.check(what, f"{interval(held)} the speed of {peer}", held["value"] >= least, f"at least {least}x, median over the rounds")
    for tuning, other in by_tuning.items():
        claim.note(f"against the fastest of PyTorch's {tuning} tuning: {interval(other)}")
