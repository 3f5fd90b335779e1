#!/usr/bin/env python3
"""kill -9 of either node at random moments: every image answered once, rows as if nothing had happened."""
import collections
import random
import time

from claim import measure
from nodes import SCENARIO, Node, free_port, fresh, journal, listening, rows_of


def body(claim):
    images, kills = claim.options.images, claim.options.kills
    settings = {"/source/count": images}
    claim.run(SCENARIO.relative_to(SCENARIO.parent.parent), settings, "run", fresh=True)
    port = free_port()
    there, here = fresh(claim.work / "there"), fresh(claim.work / "here")
    draws = random.Random(claim.options.seed)
    # Slowed down so that the kills fall into the run and not behind it.
    rate = images / max(20.0, 2.0 * kills)

    def receiver():
        return Node(claim, "receive", ["--listen", f"127.0.0.1:{port}", "--out", there], claim.work / "receiver.log", settings=settings)

    def transmitter():
        return Node(claim, "transmit", ["--connect", f"127.0.0.1:{port}", "--out", here, "--rate", rate, "--patience", 120], claim.work / "transmitter.log", settings=settings)

    nodes = {"receiver": receiver(), "transmitter": None}
    killed = collections.Counter()
    try:
        listening(nodes["receiver"], port)
        nodes["transmitter"] = transmitter()
        for _ in range(kills):
            time.sleep(draws.uniform(0.5, 1.5))
            if not nodes["transmitter"].alive():
                break
            which = draws.choice(["receiver", "transmitter"])
            nodes[which].kill()
            killed[which] += 1
            time.sleep(draws.uniform(0, 0.3))
            nodes[which] = receiver() if which == "receiver" else transmitter()
        status = nodes["transmitter"].wait(1200)
    finally:
        for node in nodes.values():
            if node is not None and node.alive():
                node.end()
    claim.check("kills", f"{sum(killed.values())} ({dict(killed)})", sum(killed.values()) == kills and status == 0, f"{kills}, and the transmitter ends with 0")
    for end, path in (("transmitter", here / "transmitter.journal"), ("receiver", there / "receiver.journal")):
        answers = collections.Counter((point, image) for _, point, image in journal(path))
        once = sum(count == 1 for count in answers.values())
        claim.check(f"images recorded by the {end}", f"{len(answers)}, {once} of them once", len(answers) == images and once == images, f"{images}, each once")
    wanted, records = rows_of(claim.work / "run"), (claim.work / "run" / "records.jsonl").read_text()
    for end, folder in (("transmitter", here), ("receiver", there)):
        same = rows_of(folder) == wanted and (folder / "records.jsonl").read_text() == records
        claim.check(f"row and records of the {end}", "equal" if same else "other", same, "those of an undisturbed run, times aside")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the moments and of who is killed")


measure("kill -9 of either node", body, arguments)
