#!/usr/bin/env python3
"""`drift_plus_penalty` over 10,000 slots of correlated fading with feedback one slot old: mean uses against the limit, and accuracy
against the hull of fixed plans that respect it, all on the same timeline. Uses and right answers in time are over all images that
came: one that was held back until its deadline took no uses and is wrong. Sending nothing, ever, is one of the fixed plans. Intervals are batch means over links.
"""
import json
import math

from claim import ROOT, NotMeasured, measure
from hull import best_mixture

TABLE = ROOT / "scenarios" / "tables" / "fashion_class_rayleigh.json"


NOTHING = (0.0, 0.0, 0.0)  # accuracy, uses and operations of never sending


def of_arrived(row):
    """(accuracy, uses, operations) over all images that came."""
    made = row["timeline"]
    return made["of_arrived"]["accuracy"], made["of_arrived"]["channel_uses"], row["flops"]["transmitter"] * made["sent"] / made["arrived"]


def link_means(path, sha, links, arrived):
    """Right answers of each link over the images that came to it."""
    right = [0] * links
    with open(path) as file:
        for line in file:
            if f'"point_sha256":"{sha}"' not in line[:90]:
                continue
            record = json.loads(line)
            right[record["link"]] += record["decision"] == record["label"] and not record["late"]
    return [a / arrived for a in right]


def near_the_hull(settings, uses, slack=0.01, most=8):
    """Indices of settings that may share the best mixture at `uses`: within `slack` of the hull at their own uses, the nearest first
    (chance must not keep one out), and of not many more uses than asked for; and the cheapest."""
    gaps = []
    far = 1.25 * max(uses, min(spent for _, spent, _ in settings))
    for i, (worth, spent, operations) in enumerate(settings):
        if spent > far:
            continue
        shares = best_mixture(settings + [NOTHING], spent)
        gaps.append((sum(share * (settings + [NOTHING])[k][0] for k, share in shares.items()) - worth, i))
    near = [i for gap, i in sorted(gaps) if gap <= slack][:most]
    cheapest = min(range(len(settings)), key=lambda i: settings[i][1])
    return sorted(set(near) | {cheapest})


def body(claim):
    limit = claim.options.uses
    table = json.loads(TABLE.read_text())
    plans = [{"kind": "fixed", "keep": p["keep"], "depth": p["depth"], "symbols_per_token": p["symbols_per_token"]} for p in table["plans"]]
    common = {"/timeline/slots": claim.options.slots, "/timeline/links": claim.options.links, "/timeline/arrivals": {"kind": "periodic", "every": claim.options.every}, "/timeline/deadline": claim.options.deadline, "/timeline/slot_uses": 0,
              "/channel/snr_db": claim.options.snr_db, "/channel/doppler": claim.options.doppler, "/output/records": True}  # links alike, so that one limit binds on all of them
    drift = {"kind": "drift_plus_penalty", "file": str(TABLE), "uses": limit, "v": claim.options.v}
    (row,), _ = claim.run("scenarios/doppler_timeline.json", common | {"/sweep": {"/transmitter/policy": [drift]}}, "drift")
    _, used, _ = of_arrived(row)
    half = row["timeline"]["of_arrived"]["channel_uses_halfwidth"]
    claim.check("mean uses over the limit", f"{used / limit:.4f} [{(used - half) / limit:.4f}, {(used + half) / limit:.4f}] ({used:.2f} of {limit:g})", 0.95 <= used / limit <= 1.01, "0.95 to 1.01")
    # Fixed plans: those near the hull on a twentieth of the timeline run all of it, then the best mixture of them is the rival.
    tried, _ = claim.run("scenarios/doppler_timeline.json", common | {"/timeline/slots": max(400, claim.options.slots // 20), "/output/records": False, "/sweep": {"/transmitter/policy": plans}}, "tried")
    settings = [of_arrived(one) for one in tried]
    chosen = near_the_hull(settings, used)
    rows, _ = claim.run("scenarios/doppler_timeline.json", common | {"/sweep": {"/transmitter/policy": [plans[i] for i in chosen]}}, "fixed")
    again = best_mixture([of_arrived(one) for one in rows] + [NOTHING], used)
    links, arrived = claim.options.links, row["timeline"]["arrived"] // claim.options.links
    if arrived * links != row["timeline"]["arrived"]:
        raise NotMeasured("images must come to all links alike")
    ours = link_means(claim.work / "drift" / "records.jsonl", row["point_sha256"], links, arrived)
    rivals = {i: link_means(claim.work / "fixed" / "records.jsonl", rows[i]["point_sha256"], links, arrived) if i < len(rows) else [0.0] * links for i in again}
    difference = [own - sum(share * rivals[i][link] for i, share in again.items()) for link, own in enumerate(ours)]
    count = len(difference)
    mean = math.fsum(difference) / count
    half = (1.96 + 2.4 / (count - 1)) * math.sqrt(math.fsum((d - mean) ** 2 for d in difference) / (count - 1) / count)  # about Student's t
    made = row["timeline"]
    claim.note(f"drift_plus_penalty {made['of_arrived']['accuracy']:.4f} ({100 * made['sent'] / made['arrived']:.1f} % of the images sent, after {made['wait_slots']['mean'] - 1:.2f} slots in the mean); rival {math.fsum(share * math.fsum(rivals[i]) / links for i, share in again.items()):.4f} from "
             + ", ".join(f"{100 * share:.0f} % " + (f"{json.dumps(rows[i]['point']['/transmitter/policy'])} ({of_arrived(rows[i])[1]:.1f} uses)" if i < len(rows) else "nothing sent") for i, share in again.items()))
    claim.check("accuracy less that of the hull of fixed plans at its uses, batch means over links", f"{100 * mean:+.2f} [{100 * (mean - half):+.2f}, {100 * (mean + half):+.2f}] points", mean - half > 0, "interval above 0")


def arguments(parser):
    parser.add_argument("--slots", type=int, default=10000)
    parser.add_argument("--links", type=int, default=16)
    parser.add_argument("--every", type=int, default=2, help="slots from image to image of a link; --slots a multiple of it")
    parser.add_argument("--deadline", type=int, default=8, help="slots an image may take")
    parser.add_argument("--snr-db", type=float, default=5, dest="snr_db", help="mean SNR of every link")
    parser.add_argument("--doppler", type=float, default=0.05, help="f_D tau: how far the channel moves in a slot; reports are a slot old, one in ten is lost")
    parser.add_argument("--v", type=float, default=1e6, help="weight of the worth: larger, and the queue's price follows single fades less, but more is overspent until it stands")
    parser.add_argument("--uses", type=float, default=100, help="limit of the mean uses of an image")


measure("drift plus penalty against its limit and the hull of fixed plans", body, arguments)
