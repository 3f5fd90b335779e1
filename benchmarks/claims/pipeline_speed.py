#!/usr/bin/env python3
"""The quickstart's run and one epoch of training: operations a second against the peak of multiply-adds, measured in turns with it.

Executed operations only; a training step counts its forward operations three times. The quickstart counts everything between image and answer
(tokeniser, headers and their decoding, channel, metrics, start-up), not kernels alone.
"""
import json
import shutil
import statistics

import turns
from claim import ROOT, NotMeasured, last_words, measure
import rounds
from rounds import interval

TRAINING = "scenarios/train_fashion.json"
LEAST = 0.5


def body(claim):
    threads = claim.options.threads or 2
    server = rounds.semwave_server(claim.options.yardstick)

    def peak():
        made = server.ask(f"peak {threads} 20")
        return made["operations"] / min(made["seconds"])

    def share(what, turn):
        shares = []
        for number in range(claim.options.rounds or 5):
            before = peak()
            rate = turn(number)
            shares.append(rate / max(before, peak()))
            claim.note(f"{what}: {rate * 1e-9:.0f} GFLOP/s, {100 * shares[-1]:.1f} % of the peak")
        made = {"value": statistics.median(shares), "low": min(shares), "high": max(shares)}
        claim.check(f"{what}, share of the peak of {threads} threads", interval(made, " %", 100, 1), made["value"] >= LEAST, "at least 50 %, median over the rounds")

    def quickstart(_):
        rows, ended = claim.run("scenarios/quickstart.json", {}, "quickstart", threads=threads, fresh=True)
        executed = sum(row["images"] * (row["flops"]["transmitter"] + row["flops"]["receiver"]) for row in rows)
        return executed / ended.seconds

    def training(_):
        folder = claim.work / "train"
        shutil.rmtree(folder, ignore_errors=True)
        log = claim.work / "train.log"
        ended = claim.execute(claim.command("train", ROOT / TRAINING, {"/source/count": 12800, "/train/epochs": 1, "/train/validate_images": 10,
                                                                   "/train/schedule/warmup_epochs": 0.5}, folder, threads), log)
        if ended.status != 0:
            raise NotMeasured(f"semwave train ended with status {ended.status}: {last_words(log)}")
        lines = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
        return statistics.median(3 * line["operations"] * line["images_per_second"] for line in lines)

    try:
        share("an epoch of training", training)
        share("the quickstart's run", quickstart)
    finally:
        server.close()


measure("quickstart and training against the machine's peak", body, turns.add_arguments)
