#!/usr/bin/env python3
"""The `pareto` policy with perfect CSI, SNR drawn per image, uniform -5..20 dB, against the convex hull of all fixed settings: the best
time-sharing between them at the same mean total uses and the same mean operations of the transmitter. AWGN and Rayleigh by themselves;
accuracy with the class model, PSNR with the image model.

The policy's table was made on the validation split; everything here runs on the test split. The rival is the best mixture *on these very
images*, of every plan the table was chosen from. Differences are paired image by image.
"""
import json
import math
from pathlib import Path

from claim import ROOT, measure, mean_interval, signed
from hull import best_mixture, setting

CASES = [("class", "accuracy"), ("image", "psnr_db")]
CHANNELS = ["awgn", "rayleigh"]
POLICY = "/transmitter/policy"


def values_of(claim, out, metric):
    """point_sha256 -> the metric, image by image."""
    made = {}
    with open(claim.work / out / "records.jsonl") as file:
        for line in file:
            record = json.loads(line)
            worth = (1.0 if record["decision"] == record["label"] else 0.0) if metric == "accuracy" else record["psnr_db"]
            made.setdefault(record["point_sha256"], []).append(worth)
    return made


def averaged(claim, scenario, settings, out, metric, policies=None):
    """One row a setting, (row, setting, worth of each image): means over the repeats, which meet other SNRs, fades and noise. Images are what
    intervals are over."""
    repeats = list(range(claim.options.repeats))
    grid = json.loads((ROOT / scenario).read_text())["sweep"] if policies is None else {POLICY: policies}
    rows, _ = claim.run(scenario, settings | {"/sweep": {"/source/repeat": repeats} | grid}, out)
    values = values_of(claim, out, metric)
    by_setting = {}
    for row in rows:
        by_setting.setdefault(json.dumps({key: value for key, value in row["point"].items() if key != "/source/repeat"}), []).append(row)
    made = []
    for own in by_setting.values():
        worths = [values[row["point_sha256"]] for row in own]
        parts = [setting(row, metric) for row in own]
        made.append((own[0], tuple(sum(part[i] for part in parts) / len(parts) for i in range(3)), [sum(w) / len(w) for w in zip(*worths)]))
    return made


def budgets(table, metric):
    """Budgets of uses between the cheapest choice of plans and the one beyond which more uses buy nothing, by the table; one of them with a
    budget of operations too. The last, where nothing is left to adapt for, is shown and not held to anything."""
    plans, share = table["plans"], table["share"]
    least = sum(weight * min(plan["uses"][b] for plan in plans) for b, weight in enumerate(share))
    best = [max(plans, key=lambda plan: (plan[metric][b], -plan["uses"][b])) for b in range(len(share))]
    most = sum(weight * best[b]["uses"][b] for b, weight in enumerate(share))
    operations = sum(weight * best[b]["operations"] for b, weight in enumerate(share))
    lightest = min(plan["operations"] for plan in plans)
    at = lambda part: math.ceil(least + part * (most - least))
    return [(at(0.2), None), (at(0.4), None), (at(0.4), lightest + 0.6 * (operations - lightest)), (at(0.6), None), (at(1.0), None)]


def body(claim):
    for model, metric in CASES:
        for channel in CHANNELS:
            if claim.options.only and claim.options.only not in (model, channel, f"{model}_{channel}"):
                continue
            scenario = f"scenarios/tables/fashion_{model}_{channel}_validation.json"
            table = str(ROOT / "scenarios" / "tables" / f"fashion_{model}_{channel}.json")
            common = {"/source/split": "test", "/source/count": claim.options.images}
            fixed = averaged(claim, scenario, common, f"{model}_{channel}_fixed", metric)
            settings = [one for _, one, _ in fixed]
            policies = []
            for uses, operations in budgets(json.loads(Path(table).read_text()), metric):
                policy = {"kind": "pareto", "file": table, "metric": "accuracy" if metric == "accuracy" else "psnr", "uses": uses}
                policies.append(policy | ({"operations": operations} if operations else {}))
            for policy, (_, (worth, uses, operations), ours) in zip(policies, averaged(claim, scenario, common, f"{model}_{channel}_pareto", metric, policies)):
                shares = best_mixture(settings, uses, operations)
                if shares is None:
                    claim.check(f"{metric}, {model} over {channel}", f"no fixed setting takes as little as {uses:.1f} uses", True, "above the hull")
                    continue
                rivals = [(share, fixed[i][2]) for i, share in shares.items()]
                mean, half = mean_interval([own - sum(share * rival[at] for share, rival in rivals) for at, own in enumerate(ours)])
                scale, unit, digits = (100, "points", 2) if metric == "accuracy" else (1, "dB", 3)
                claim.note(f"{model} over {channel}, asked for {policy['uses']} uses" + (f", {policy['operations'] / 1e6:.1f} MFLOP" if "operations" in policy else "") +
                         f": {worth:.4f} with {uses:.1f} uses, {operations / 1e6:.1f} MFLOP; rival {worth - mean:.4f} from " +
                         ", ".join(f"{100 * share:.0f} % {short(fixed[i][0])}" for i, share in sorted(shares.items(), key=lambda item: -item[1])))
                said = f"{metric}, {model} over {channel}, {uses:.0f} uses: pareto less the hull"
                if policy is policies[-1]:
                    claim.note(f"{said}: {signed(scale * mean, scale * half, digits)} {unit}, where more uses buy nothing")
                else:
                    claim.check(said, f"{signed(scale * mean, scale * half, digits)} {unit}", mean - half > 0, "interval above 0")


def short(row):
    point = row["point"]
    keep, depth, symbols = (point[f"/transmitter/policy/{key}"] for key in ("keep", "depth", "symbols_per_token"))
    return f"k {int(keep * 49 + 1e-6)} d {depth} S {symbols}"


def arguments(parser):
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--repeats", type=int, default=2, help="of every image, each with its own SNR, fade and noise")
    parser.add_argument("--only", default="", help="class, image, awgn, rayleigh or class_awgn ...")


measure("the pareto policy against the hull of fixed settings", body, arguments)
