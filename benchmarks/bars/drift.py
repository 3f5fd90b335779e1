#!/usr/bin/env python3
"""`drift_plus_penalty` over 10,000 slots of correlated fading with feedback one slot old: mean uses against the limit, and accuracy
against the hull of fixed plans that respect it, all on the same timeline. Intervals are batch means over links.
"""
import json
import math

from bar import ROOT, NotMeasured, measure
from hull import best_mixture, setting

TABLE = ROOT / "scenarios" / "tables" / "fashion_class_rayleigh.json"


def link_means(path, sha, links):
    """Right answers and bursts of each link."""
    right, sent = [0] * links, [0] * links
    with open(path) as file:
        for line in file:
            if f'"point_sha256":"{sha}"' not in line[:90]:
                continue
            record = json.loads(line)
            right[record["link"]] += record["decision"] == record["label"] and not record["late"]
            sent[record["link"]] += 1
    return [a / b for a, b in zip(right, sent)]


def near_the_hull(settings, uses, slack=0.01, most=8):
    """Indices of the settings within `slack` of the best mixture at their own uses, the nearest first: chance must not keep one out."""
    gaps = []
    for i, (worth, spent, operations) in enumerate(settings):
        shares = best_mixture(settings, spent)
        gaps.append((sum(share * settings[k][0] for k, share in shares.items()) - worth, i))
    near = [i for gap, i in sorted(gaps) if gap <= slack][:most]
    cheapest = min(range(len(settings)), key=lambda i: settings[i][1])
    return sorted(set(near) | {cheapest})


def body(bar):
    limit = bar.options.uses
    table = json.loads(TABLE.read_text())
    plans = [{"kind": "fixed", "keep": p["keep"], "depth": p["depth"], "symbols_per_token": p["symbols_per_token"]} for p in table["plans"]]
    common = {"/timeline/slots": bar.options.slots, "/timeline/links": bar.options.links, "/timeline/arrivals": "periodic", "/timeline/deadline": 0, "/timeline/slot_uses": 0,
              "/channel/snr_db": bar.options.snr_db, "/channel/doppler": bar.options.doppler, "/output/records": True}  # links alike, so that one limit binds on all of them
    drift = {"kind": "drift_plus_penalty", "file": str(TABLE), "uses": limit, "v": bar.options.v}
    (row,), _ = bar.run("scenarios/doppler_timeline.json", common | {"/sweep": {"/transmitter/policy": [drift]}}, "drift")
    used = row["channel_uses"]["total"]
    half = row["timeline"]["channel_uses_halfwidth"]
    bar.check("mean uses over the limit", f"{used / limit:.4f} [{(used - half) / limit:.4f}, {(used + half) / limit:.4f}] ({used:.2f} of {limit:g})", 0.95 <= used / limit <= 1.01, "0.95 to 1.01")
    # Fixed plans: those near the hull on a twentieth of the timeline run all of it, then the best mixture of them is the rival.
    tried, _ = bar.run("scenarios/doppler_timeline.json", common | {"/timeline/slots": max(400, bar.options.slots // 20), "/output/records": False, "/sweep": {"/transmitter/policy": plans}}, "tried")
    settings = [setting(one, "accuracy") for one in tried]
    chosen = near_the_hull(settings, used)
    rows, _ = bar.run("scenarios/doppler_timeline.json", common | {"/sweep": {"/transmitter/policy": [plans[i] for i in chosen]}}, "fixed")
    again = best_mixture([setting(one, "accuracy") for one in rows], used)
    if again is None:
        raise NotMeasured(f"no fixed plan takes as little as {used:.1f} uses")
    ours = link_means(bar.work / "drift" / "records.jsonl", row["point_sha256"], bar.options.links)
    rivals = {i: link_means(bar.work / "fixed" / "records.jsonl", rows[i]["point_sha256"], bar.options.links) for i in again}
    difference = [own - sum(share * rivals[i][link] for i, share in again.items()) for link, own in enumerate(ours)]
    count = len(difference)
    mean = math.fsum(difference) / count
    half = (1.96 + 2.4 / (count - 1)) * math.sqrt(math.fsum((d - mean) ** 2 for d in difference) / (count - 1) / count)  # about Student's t
    bar.note(f"drift_plus_penalty {row['accuracy']:.4f}; rival from " + ", ".join(f"{100 * share:.0f} % {json.dumps(rows[i]['point']['/transmitter/policy'])} ({rows[i]['channel_uses']['total']:.1f} uses)" for i, share in again.items()))
    bar.check("accuracy less that of the hull of fixed plans at its uses, batch means over links", f"{100 * mean:+.2f} [{100 * (mean - half):+.2f}, {100 * (mean + half):+.2f}] points", mean - half > 0, "interval above 0")


def arguments(parser):
    parser.add_argument("--slots", type=int, default=10000)
    parser.add_argument("--links", type=int, default=16)
    parser.add_argument("--snr-db", type=float, default=5, dest="snr_db", help="mean SNR of every link")
    parser.add_argument("--doppler", type=float, default=0.05, help="f_D tau: how far the channel moves in a slot; reports are a slot old, one in ten is lost")
    parser.add_argument("--v", type=float, default=1e6, help="weight of the worth: larger, and the queue's price follows single fades less, but more is overspent until it stands")
    parser.add_argument("--uses", type=float, default=100, help="limit of the mean uses")


measure("drift plus penalty against its limit and the hull of fixed plans", body, arguments)
