#!/usr/bin/env python3
"""Two checkouts of semwave, each built, against each other: rows, records and trained weights of every shipped scenario.

For changes that must change no figure: git worktree add ../before COMMIT, build it there, then
same_bits.py --before ../before. Each program reads the scenarios and models of its own checkout.
"""
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "claims"))
from claim import ROOT, NotMeasured, measure, read_lines

# What a row says of the run and not of its result.
OF_THE_RUN = {"seconds", "images_per_second", "point_sha256", "semwave_version", "sim_thr_mbps", "node"}
DIFFERENT_ALLOWED = 1e-6  # relative, where --close names a scenario


def plain(value):
    """Without what differs from run to run, and without the folders of files."""
    if isinstance(value, str) and re.search(r"/.*\.(json|safetensors|csv|alist)$", value):
        return value.rsplit("/", 1)[1]
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in OF_THE_RUN and not re.search(r"_mbps$|_per_second$", key)}
    return value


def close(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= DIFFERENT_ALLOWED * max(1.0, abs(one), abs(other))
    return one == other


class Checkout:
    def __init__(self, claim, root, program, name):
        self.claim, self.root, self.program, self.name = claim, Path(root).resolve(), str(program), name
        if not Path(self.program).exists():
            raise NotMeasured(f"{self.program} is not there: build {self.root} first")

    def run(self, scenario, verb, settings):
        """(rows, records, SHA-256 of the weights) of one scenario."""
        out = self.claim.work / self.name / scenario.replace("/", "_")
        self.claim.options.semwave = self.program
        command = self.claim.command(verb, self.root / scenario, settings, out, threads=2)
        log = out.with_suffix(".log")
        ended = self.claim.execute(command, log)
        if ended.status != 0:
            return {"status": ended.status}, [], ""
        rows = [plain(row) for row in read_lines(out / "results.jsonl")] if (out / "results.jsonl").exists() else []
        records = [plain(line) for line in read_lines(out / "records.jsonl")] if (out / "records.jsonl").exists() else []
        weights = out / "model.safetensors"
        return rows, records, hashlib.sha256(weights.read_bytes()).hexdigest() if weights.exists() else ""


def body(claim):
    now = Checkout(claim, ROOT, claim.options.semwave, "now")
    before = Checkout(claim, claim.options.before, Path(claim.options.before) / "build" / "semwave", "before")
    if claim.work.exists():
        shutil.rmtree(claim.work)
    equal = compared = 0
    for path in sorted((ROOT / "scenarios").rglob("*.json")):
        scenario = str(path.relative_to(ROOT))
        value = json.loads(path.read_text())
        if "version" not in value or not (before.root / scenario).exists() or re.search(claim.options.skip, scenario):
            continue
        if "train" in value:
            verb, settings = "train", {"/train/epochs": 1, "/source/count": 20 * claim.options.images}
        elif "link" in value:
            verb, settings = "link", {"/stop/max_frames": 64}
        else:
            verb, settings = "run", {"/source/count": claim.options.images, "/output/records": True}
            if "timeline" in value:
                settings = {"/timeline/slots": 20, "/output/records": True}
        results = [checkout.run(scenario, verb, settings) for checkout in (before, now)]
        if results[0] == results[1] and isinstance(results[0][0], dict):
            claim.note(f"{scenario}: not compared, neither ran (data that is not here?): see {claim.work}")
            continue
        compared += 1
        loose = claim.options.close and re.search(claim.options.close, scenario)
        same = close(*map(list, results)) if loose else results[0] == results[1]
        equal += same
        rows, records, weights = results[1]
        what = f"{len(rows)} rows, {len(records)} records" + (", weights" if weights else "")
        if same:
            claim.note(f"{scenario}: {what} equal")
        else:
            claim.check(scenario, "another result", False, "that of the other checkout" + (" to 1e-6" if loose else ""))
    claim.check("scenarios with equal results", f"{equal} of {compared}", compared > 0 and equal == compared, "all")


def arguments(parser):
    parser.add_argument("--before", required=True, help="the other checkout, with build/semwave")
    parser.add_argument("--images", type=int, default=10, help="images per point")
    parser.add_argument("--close", default="", help="scenarios (regular expression) that need to agree to 1e-6 only")
    parser.add_argument("--skip", default="^$", help="scenarios (regular expression) to leave out")


measure("every scenario against another checkout", body, arguments)
