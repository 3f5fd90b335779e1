#!/usr/bin/env python3
"""CIFAR-10, class, AWGN at 10 dB, all uses counted: accuracy within 256 uses, the curve of accuracy against fixed depth, and the
`confidence` exit against the hull of fixed depths at equal accuracy, in operations and in time.

Plan, threshold, the deepest block of the exit, and whether who is sure answers in the header, are chosen on the validation split. The
operations of an image that left at depth d are those of its path, heads included; the interval of the saving is a bootstrap over images.
"""
import json
import math
import random

from claim import ROOT, NotMeasured, correct, measure, plan, wilson

SCENARIO = "scenarios/cifar10.json"
MOST_USES, LEAST_ACCURACY = 256, 0.75
LEAST_SAVING, SHARE_64, SHARE_1 = 0.20, 0.85, 0.75
DEPTHS = [1, 2, 3, 4, 5, 6]
THRESHOLDS = [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
POLICY = "/transmitter/policy"
EXIT = "/transmitter/exit"


def lower_hull(points):
    """Points (accuracy, cost) of the cheapest time-sharing, ascending: convex from below."""
    hull = []
    for point in sorted(points):
        while hull and hull[-1][1] >= point[1]:
            hull.pop()  # more accurate and no dearer
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (point[1] - hull[-2][1]) <= (point[0] - hull[-2][0]) * (hull[-1][1] - hull[-2][1]):
            hull.pop()
        hull.append(point)
    return hull


def cost_at(hull, accuracy):
    """(cost, shares of the two points) of the hull at this accuracy; None beyond its best point."""
    if accuracy <= hull[0][0]:
        return hull[0][1], [(1.0, hull[0])]
    for low, high in zip(hull, hull[1:]):
        if accuracy <= high[0]:
            share = (accuracy - low[0]) / (high[0] - low[0])
            return (1 - share) * low[1] + share * high[1], [(1 - share, low), (share, high)]
    return None


def body(claim):
    common = {}
    if claim.options.data:
        common["/source/path"] = claim.options.data
    validation = common | {"/source/split": "validation", "/source/count": 0}
    test = common | {"/source/split": "test", "/source/count": claim.options.images}

    # Within 256 uses.
    plans = [plan(keep, 6, symbols) for keep in (0.125, 0.25, 0.5, 1.0) for symbols in (2, 4, 8)]
    tried, _ = claim.run(SCENARIO, validation | {"/sweep": {POLICY: plans}}, "validation_plans")
    within = [row for row in tried if row["channel_uses"]["total"] <= MOST_USES]
    if not within:
        raise NotMeasured(f"no plan takes at most {MOST_USES} uses")
    chosen = max(within, key=lambda row: row["accuracy"])["point"][POLICY]
    (row,), _ = claim.run(SCENARIO, test | {"/sweep": {POLICY: [chosen]}}, "test_plan")
    low, high = wilson(row["accuracy"], row["images"])
    claim.check(f"accuracy at 10 dB within {MOST_USES} uses, {row['channel_uses']['total']:.0f} used", f"{row['accuracy']:.4f} [{low:.4f}, {high:.4f}]", row["accuracy"] >= LEAST_ACCURACY, f"at least {LEAST_ACCURACY}")

    # Depth.
    fixed_plans = [chosen | {"depth": depth} for depth in DEPTHS]
    fixed, _ = claim.run(SCENARIO, test | {"/sweep": {POLICY: fixed_plans}, "/output/records": True}, "test_depths")
    for depth, one in zip(DEPTHS, fixed):
        claim.note(f"depth {depth}: accuracy {one['accuracy']:.4f}, transmitter {one['flops']['transmitter'] / 1e6:.1f} MFLOP")
    claim.check("accuracy at full depth less at depth 1", f"{100 * (fixed[-1]['accuracy'] - fixed[0]['accuracy']):.2f} points", fixed[-1]["accuracy"] - fixed[0]["accuracy"] > 0.03, "depth matters: more than 3 points")

    # Threshold and deepest block, on validation: the largest saving at no less than an accuracy three points below full depth.
    exits = [{"kind": "confidence", "threshold": threshold, "answer": answer} for threshold in THRESHOLDS for answer in (False, True)]
    depth_rows, _ = claim.run(SCENARIO, validation | {"/sweep": {POLICY: fixed_plans}}, "validation_depths")
    exit_rows, _ = claim.run(SCENARIO, validation | {"/sweep": {POLICY: fixed_plans[1:], EXIT: exits}}, "validation_exits")
    curve = lower_hull([(one["accuracy"], one["flops"]["transmitter"]) for one in depth_rows])
    best, best_silent = None, 0.0
    for one in exit_rows:
        there = cost_at(curve, one["accuracy"])
        if there is None or one["accuracy"] < depth_rows[-1]["accuracy"] - 0.03:
            continue
        saving = 1 - one["flops"]["transmitter"] / there[0]
        if not one["point"][EXIT]["answer"]:
            best_silent = max(best_silent, saving)
        if best is None or saving > best[0]:
            best = (saving, one["point"][POLICY], one["point"][EXIT])
    if best is None:
        raise NotMeasured("no threshold keeps the accuracy")
    _, exit_plan, exit_rule = best
    (row,), _ = claim.run(SCENARIO, test | {"/sweep": {POLICY: [exit_plan], EXIT: [exit_rule]}, "/output/records": True}, "test_exit")

    # On test, with a bootstrap over images.
    all_records = claim.records("test_depths")
    by_depth = [all_records[one["point_sha256"]] for one in fixed]
    ours = claim.records("test_exit")[row["point_sha256"]]
    right = [[correct(record) for record in records] for records in by_depth]
    own = [correct(record) for record in ours]
    costs = [one["flops"]["transmitter"] for one in fixed]
    head = (row["flops"]["transmitter"] - sum(costs[record["exit_depth"] - 1] for record in ours) / len(ours))  # heads asked, mean per image
    spent = [costs[record["exit_depth"] - 1] for record in ours]

    def saving(indices):
        curve = lower_hull([(sum(hits[i] for i in indices) / len(indices), cost) for hits, cost in zip(right, costs)])
        there = cost_at(curve, sum(own[i] for i in indices) / len(indices))
        return 1 - (sum(spent[i] for i in indices) / len(indices) + head) / (there[0] if there else curve[-1][1])

    everything = range(len(own))
    value = saving(everything)
    draw = random.Random(1)
    again = sorted(saving([draw.randrange(len(own)) for _ in everything]) for _ in range(claim.options.resamples))
    low, high = again[int(0.025 * len(again))], again[int(0.975 * len(again))]
    claim.note(f"{exit_rule}, at most {exit_plan['depth']} blocks, chosen on validation: accuracy {row['accuracy']:.4f}, {row['channel_uses']['total']:.1f} uses, {row['flops']['transmitter'] / 1e6:.1f} MFLOP, mean depth {row['exit_depth']:.2f}, left at {row['exit_histogram']}")
    claim.note(f"on validation it saves {100 * best[0]:.1f} %; the best whose images all send their tokens {100 * best_silent:.1f} %")
    claim.check("operations saved against the hull of fixed depths at equal accuracy", f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]", value >= LEAST_SAVING, f"at least {100 * LEAST_SAVING:g} %")

    # Time: exit and the depths of the hull's mixture in turns, in one process, a second or so each; the ratio of each turn, and their median.
    hull = lower_hull([(one["accuracy"], one["flops"]["transmitter"]) for one in fixed])
    there = cost_at(hull, row["accuracy"]) or (hull[-1][1], [(1.0, hull[-1])])
    parts = [(share, next(i for i, one in enumerate(fixed) if one["flops"]["transmitter"] == point[1])) for share, point in there[1]]
    operations_saved = 1 - row["flops"]["transmitter"] / there[0]
    base = json.loads((ROOT / SCENARIO).read_text())["transmitter"]
    rivals = [base | {"policy": exit_plan, "exit": exit_rule}] + [base | {"policy": fixed_plans[i], "exit": "fixed"} for _, i in parts]
    for shard, least in ((64, SHARE_64), (1, SHARE_1)):
        sweep = {"/seed": list(range(claim.options.rounds)), "/transmitter": rivals}
        settings = test | {"/source/count": min(claim.options.images, 2000), "/sweep": sweep}
        timed, _ = claim.run(SCENARIO, settings, f"time_{shard}", threads=1, fresh=True, shard=shard)
        seconds = [one["seconds"]["transmitter"] for one in timed]
        ratios = []
        for turn in range(claim.options.rounds):
            own_time, *taken = seconds[turn * len(rivals):(turn + 1) * len(rivals)]
            ratios.append((1 - own_time / sum(share * one for (share, _), one in zip(parts, taken))) / operations_saved)
        ratios.sort()
        middle, away = len(ratios) / 2, 0.98 * math.sqrt(len(ratios))  # of the median, by the order of the turns
        low, high = ratios[max(0, round(middle - away) - 1)], ratios[min(len(ratios) - 1, round(middle + away))]
        median = ratios[len(ratios) // 2]
        claim.check(f"time saved over operations saved, batch {shard}, one thread, median of {len(ratios)}", f"{median:.3f} [{low:.3f}, {high:.3f}]", median >= least, f"at least {least}")


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--data", default="", help="folder of the images; else $SEMWAVE_DATA")
    parser.add_argument("--resamples", type=int, default=300, help="of the bootstrap")
    parser.add_argument("--rounds", type=int, default=25, help="of the measurement of time")


measure("CIFAR-10: accuracy, depth, early exits", body, arguments)
