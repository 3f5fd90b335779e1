#!/usr/bin/env python3
"""Claim 5: identical to the last bit, times aside: rows and records with 1, 2 and 4 threads, with shards of 1, 4, 16 and 64 images (batch 1
against batch 64), one image alone against the same in company, and after kill -9 plus a second run;
trained weights and optimiser state with 1 and 2 threads, across an interrupt and across kill -9, each followed by --resume."""
import hashlib
import json
import shutil
import signal
import time

from claim import ROOT, NotMeasured, last_words, measure, plan, read_lines

TIMES = ("seconds", "images_per_second")
SCENARIO = "scenarios/table_uniform_snr.json"
TRAINING = ROOT / "scenarios" / "studies" / "train_gate_learned.json"
TINY = {"/source/count": 1536, "/train/epochs": 3, "/train/validate_images": 64, "/train/schedule/warmup_epochs": 0.5}  # 12 steps an epoch
PATIENCE_S = 300


def without_times(rows):
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def pointless(lines):
    """Records without the sum of their point, which says how many images the source has."""
    return [{key: value for key, value in json.loads(line).items() if key != "point_sha256"} for line in lines]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wait_for(child, ready, what):
    started = time.monotonic()
    while not ready():
        if child.poll() is not None:
            raise NotMeasured(f"the run ended before {what}")
        if time.monotonic() - started > PATIENCE_S:
            child.kill()
            raise NotMeasured(f"{PATIENCE_S} s passed before {what}")
        time.sleep(0.005)


def lines_in(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def evaluation(claim):
    plans = [plan(keep, depth, symbols) for keep, depth, symbols in ((1.0, 2, 4), (0.5, 4, 8), (0.25, 1, 16), (0.0625, 4, 2))]
    settings = {"/source/count": 700, "/sweep": {"/channel/kind": ["awgn", "rayleigh"], "/transmitter/policy": plans}, "/output/records": True}
    if claim.options.model:
        settings["/model"] = claim.options.model

    def outcome(name, threads, shard=0, changes=None):
        rows, _ = claim.run(SCENARIO, settings | (changes or {}), name, threads=threads, shard=shard)
        return without_times(rows), (claim.work / name / "records.jsonl").read_bytes()

    for name in ("threads_1", "threads_2", "threads_4", "shard_1", "shard_4", "shard_16", "shard_64", "alone", "killed"):
        shutil.rmtree(claim.work / name, ignore_errors=True)
    one = outcome("threads_1", 1)
    for threads in (2, 4):
        other = outcome(f"threads_{threads}", threads)
        claim.check(f"rows and records with {threads} threads and with 1", f"{len(one[0])} rows, {one[1].count(10)} records", one == other, "identical")

    for shard in (1, 4, 16, 64):
        other = outcome(f"shard_{shard}", 2, shard)
        claim.check(f"rows and records with shards of {shard} and of the device's choice", f"{len(one[0])} rows, {one[1].count(10)} records", one == other, "identical")
    # The first image of every point, run by itself, against its record among 700.
    alone = outcome("alone", 1, changes={"/source/count": 1})[1].splitlines()
    company = [line for line in one[1].splitlines() if json.loads(line)["image"] == 0]
    claim.check("records of one image alone and in company", f"{len(alone)} points", len(alone) == len(one[0]) and pointless(alone) == pointless(company), "identical")

    killed = claim.work / "killed"
    child = claim.start(claim.command("run", ROOT / SCENARIO, settings, killed, 2), claim.work / "killed.log")
    wait_for(child, lambda: lines_in(killed / "results.jsonl") >= 2, "two points were done")
    child.kill()
    child.wait()
    if {row["model_sha256"] for row in one[0]} != {row["model_sha256"] for row in read_lines(killed / "results.jsonl")}:
        raise NotMeasured("the checkpoint has changed meanwhile")
    done = len([line for line in (killed / "results.jsonl").read_bytes().split(b"\n") if line])
    if done >= len(one[0]):
        raise NotMeasured("every point was done before the kill came; take more images")
    again = outcome("killed", 2)
    run = json.loads((killed / "run.json").read_text())["points"]
    claim.check(f"rows and records after kill -9 with {done} of {len(one[0])} points done, and a second run",
              f"{run['reused']} points re-used, {run['done']} run", again == one and run["reused"] >= 1 and run["done"] >= 1, "identical, points re-used")


def over_time(claim):
    """A timeline with records, and images that leave where an exit head is sure."""
    timeline = {"/timeline/slots": 80, "/timeline/links": 9, "/output/records": True}
    confident = {"/sweep": {"/transmitter/exit": [{"kind": "confidence", "threshold": 0.6}, {"kind": "entropy", "threshold": 0.4, "answer": True}]},
                 "/transmitter/policy": plan(0.125, 4, 4), "/source/count": 500, "/output/records": True}
    for what, scenario, settings, files in (("a timeline: rows, records and slots", "scenarios/doppler_timeline.json", timeline, ("records.jsonl", "slots.jsonl")),
                                            ("early exits: rows and records", "scenarios/class_awgn.json", confident, ("records.jsonl",))):
        def outcome(name, threads, shard):
            shutil.rmtree(claim.work / name, ignore_errors=True)
            rows, _ = claim.run(scenario, settings, name, threads=threads, shard=shard)
            return without_times(rows), [(claim.work / name / file).read_bytes() for file in files]

        one = outcome("time_1", 1, 0)
        for threads, shard in ((2, 0), (4, 1), (2, 64)):
            claim.check(f"{what}, {threads} threads" + (f" and shards of {shard}" if shard else ""), f"{len(one[0])} rows, {one[1][0].count(10)} records", outcome(f"time_{threads}_{shard}", threads, shard) == one, "identical")


def training(claim):
    def command(name, threads, resume=False):
        return claim.command("train", TRAINING, TINY, claim.work / name, threads) + (["--resume"] if resume else [])

    def train(name, threads, resume=False):
        log = claim.work / f"{name}.log"
        ended = claim.execute(command(name, threads, resume), log)
        if ended.status != 0:
            raise NotMeasured(f"semwave train ended with status {ended.status}: {last_words(log)}")
        return [digest(claim.work / name / file) for file in ("model.safetensors", "training.safetensors")]

    for name in ("train_1", "train_2", "train_interrupted", "train_killed"):
        shutil.rmtree(claim.work / name, ignore_errors=True)
    whole = train("train_1", 1)
    steps = read_lines(claim.work / "train_1" / "training.jsonl")[-1]["step"]
    claim.check(f"weights and moments after {steps} steps with 2 threads and with 1", whole[0][:16], train("train_2", 2) == whole, "identical")

    # Lines of the log: one a step here, since an epoch has fewer than twenty.
    for name, number, at_line in (("train_interrupted", signal.SIGINT, 7), ("train_killed", signal.SIGKILL, 19)):
        child = claim.start(command(name, 2), claim.work / f"{name}.log")
        wait_for(child, lambda: lines_in(claim.work / name / "training.jsonl") >= at_line, f"{at_line} steps were made")
        child.send_signal(number)
        status = child.wait()
        at = read_whole_lines(claim.work / name / "training.jsonl")[-1]["step"]
        if at >= steps:
            raise NotMeasured("the training was done before the signal came")
        what = {"train_interrupted": f"interrupted at step {at} (status {status})", "train_killed": f"killed -9 at step {at}"}[name]
        claim.check(f"weights and moments, {what}, then --resume", whole[0][:16], train(name, 2, resume=True) == whole, "identical to the uninterrupted training")


def read_whole_lines(path):
    return [json.loads(line) for line in path.read_text().split("\n")[:-1] if line]


def body(claim):
    evaluation(claim)
    over_time(claim)
    training(claim)


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")


measure("identical bits over threads, shards, company, kills and resumption", body, arguments)
