#!/usr/bin/env python3
"""The study of this folder, whole: runs, pictures, README.md. Half an hour on two cores; what is done is kept in --work and not run again.

    docs/studies/adaptation/make.py [--images N] [--work DIR] [--semwave PROGRAM]

Asked is when it pays to plan by what one believes about the channel. The policy is `pareto` (tables of the validation split); its rival is
the convex hull of all fixed settings: the best time-sharing between them at the same mean channel uses and the same mean operations of
the transmitter, found on the very test images both are compared on. Differences are paired image by image, intervals are of 95 %.
"""
import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "claims"))
sys.path.insert(0, str(HERE))

from claim import mean_interval  # noqa: E402
from draw import Chart, heat_map, page  # noqa: E402
from hull import best_mixture, efficient, setting  # noqa: E402

LAW = {"uniform": [-5, 20]}
MODELS = {"class": ("accuracy", "accuracy", "class: accuracy, points", 100), "image": ("psnr_db", "psnr", "image: PSNR, dB", 1)}
CHANNELS = {"awgn": "AWGN", "rayleigh": "Rayleigh"}
PRODUCTS = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.3827, 0.5]  # f_D tau x delay
PILOTS = [1, 2, 4, 8, 16]
BITS = [1, 2, 3, 4, 5]
POLICY = "/transmitter/policy"


class Study:
    def __init__(self, options):
        self.options = options
        self.work = Path(options.work).resolve()

    def run(self, model, channel, settings, out):
        """Rows, and per row the worth of each image; every image at its own SNR, on the test split."""
        scenario = ROOT / "scenarios" / "tables" / f"fashion_{model}_{channel}_validation.json"
        folder = self.work / out
        command = [self.options.semwave, "run", str(scenario), "--quiet", "--out", str(folder)]
        for pointer, value in ({"/source/split": "test", "/source/count": self.options.images, "/output/records": True} | settings).items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        print(f"# {out}", file=sys.stderr, flush=True)
        ended = subprocess.run(command, stdout=subprocess.DEVNULL)
        if ended.returncode != 0:
            sys.exit(f"make.py: semwave run ended with status {ended.returncode} ({out})")
        grid = json.loads((folder / "run.json").read_text())["points"]["grid"]
        rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()][:grid]
        worths, beliefs = {}, {}
        metric = MODELS[model][0]
        with open(folder / "records.jsonl") as file:
            for line in file:
                record = json.loads(line)
                worth = float(record["decision"] == record["label"]) if metric == "accuracy" else record["psnr_db"]
                worths.setdefault(record["point_sha256"], []).append(worth)
                beliefs.setdefault(record["point_sha256"], []).append((record["believed_snr_db"], record["uses"]["total"]))
        return rows, [worths[row["point_sha256"]] for row in rows], [beliefs[row["point_sha256"]] for row in rows]

    def table(self, model, channel):
        return str(ROOT / "scenarios" / "tables" / f"fashion_{model}_{channel}.json")

    def pareto(self, model, channel, uses):
        return {"kind": "pareto", "file": self.table(model, channel), "metric": MODELS[model][1], "uses": uses}


def above_hull(row, worths, rivals, rival_worths, metric):
    """(mean, half width, shares) of what a row is worth above the best mixture of `rivals` at its uses and operations, paired; None where
    no mixture is as cheap."""
    _, uses, operations = setting(row, metric)
    shares = best_mixture([setting(rival, metric) for rival in rivals], uses, operations)
    if shares is None:
        return None
    parts = [(share, rival_worths[i]) for i, share in shares.items()]
    mean, half = mean_interval([own - math.fsum(share * other[at] for share, other in parts) for at, own in enumerate(worths)])
    return mean, half, shares


def plan_of(row):
    return {"kind": "fixed"} | {key: row["point"][f"{POLICY}/{key}"] for key in ("keep", "depth", "symbols_per_token")}


def budgets_of(rows, metric):
    cheap = min(row["channel_uses"]["total"] for row in rows)
    dear = max(rows, key=lambda row: row[metric])["channel_uses"]["total"]
    return [round(cheap + share * (dear - cheap)) for share in (0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.9)]


def overview(study):
    """Fixed settings, their hull and pareto: four charts. Returns {(model, channel): (fixed rows, worths, pareto rows, gains)}."""
    found, charts = {}, []
    for model, (metric, _, title, scale) in MODELS.items():
        for channel, name in CHANNELS.items():
            fixed, fixed_worths, _ = study.run(model, channel, {}, f"{model}_{channel}_fixed")
            policies = [study.pareto(model, channel, uses) for uses in budgets_of(fixed, metric)]
            rows, worths, beliefs = study.run(model, channel, {"/sweep": {POLICY: policies}}, f"{model}_{channel}_pareto")
            gains = [above_hull(row, own, fixed, fixed_worths, metric) for row, own in zip(rows, worths)]
            found[model, channel] = fixed, fixed_worths, rows, worths, beliefs, gains
            chart = Chart(f"{name}, {title.split(',')[0]}", "mean channel uses, header included", title.split(": ")[1])
            dots = [(row["channel_uses"]["total"], scale * row[metric]) for row in fixed]
            hull = upper_hull(dots)
            low = min(y for x, y in hull) if metric != "accuracy" else max(y for _, y in dots) - 12
            chart.dots([dot for dot in dots if dot[1] >= low], "fixed settings")
            chart.line(hull, "their hull (time-sharing)")
            chart.diamonds([(row["channel_uses"]["total"], scale * row[metric]) for row in rows], "pareto")
            chart.limit(low=low)
            charts.append(chart)
    page(HERE / "hull.svg", charts, 2)
    return found


def upper_hull(points):
    hull = []
    for point in sorted(points):
        if hull and point[1] <= hull[-1][1]:
            continue
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (point[0] - hull[-2][0]) <= (point[1] - hull[-2][1]) * (hull[-1][0] - hull[-2][0]):
            hull.pop()
        hull.append(point)
    return hull


def over_snr(found):
    """Where the gain comes from: by the SNR of the image, pareto of the third budget against its rival."""
    charts = []
    for model, (metric, _, title, scale) in MODELS.items():
        for channel, name in CHANNELS.items():
            fixed, fixed_worths, rows, worths, beliefs, gains = found[model, channel]
            at = 2
            if gains[at] is None:
                continue
            parts = [(share, fixed_worths[i]) for i, share in gains[at][2].items()]
            order = sorted(range(len(worths[at])), key=lambda i: beliefs[at][i][0])
            bins = [order[len(order) * b // 12:len(order) * (b + 1) // 12] for b in range(12)]
            points, spent = [], []
            for members in bins:
                snr_db = sum(beliefs[at][i][0] for i in members) / len(members)
                mean, half = mean_interval([worths[at][i] - math.fsum(share * other[i] for share, other in parts) for i in members])
                points.append((snr_db, scale * mean, scale * half))
                spent.append((snr_db, sum(beliefs[at][i][1] for i in members) / len(members)))
            gain = Chart(f"{name}, {title.split(',')[0]}: gain by SNR", "SNR of the image, gain included, dB", title.split(": ")[1])
            gain.intervals(points, f"pareto less its rival, {rows[at]['channel_uses']['total']:.0f} uses")
            gain.level(0)
            charts.append(gain)
            uses = Chart(f"{name}, {title.split(',')[0]}: what is spent", "SNR of the image, gain included, dB", "channel uses")
            uses.line(spent, "pareto")
            charts.append(uses)
    page(HERE / "over_snr.svg", charts, 2)


def under(study, found, model, condition, name):
    """Gain of pareto over Rayleigh when the link is known as `condition` says (keys of the channel): the rival are the efficient fixed
    settings with the same knowledge, which serves their headers, and with none."""
    metric = MODELS[model][0]
    fixed, _, rows, _, _, _ = found[model, "rayleigh"]
    at = 2
    spent = rows[at]["channel_uses"]["total"]
    plans = [plan_of(fixed[i]) for i in efficient([setting(row, metric) for row in fixed]) if 0.4 * spent <= fixed[i]["channel_uses"]["total"] <= 2.5 * spent]
    policy = study.pareto(model, "rayleigh", round(rows[at]["channel_uses"]["total"]))
    channel = {"kind": "rayleigh", "snr_db": LAW} | condition
    sent, worths, _ = study.run(model, "rayleigh", {"/channel": channel, "/sweep": {POLICY: [policy] + plans}}, f"{model}_{name}")
    blind, blind_worths, _ = study.run(model, "rayleigh", {"/channel": {"kind": "rayleigh", "snr_db": LAW, "csi": {"transmitter": "none"}}, "/sweep": {POLICY: plans}}, f"{model}_blind")
    gain = above_hull(sent[0], worths[0], sent[1:] + blind, worths[1:] + blind_worths, metric)
    return sent[0], gain


def delay_doppler(study, found):
    lines, charts = [], []
    for model, (metric, _, title, scale) in MODELS.items():
        points = []
        for product in PRODUCTS:
            row, gain = under(study, found, model, {"doppler": product, "csi": {"transmitter": {"kind": "delayed", "delay": 1}}}, f"delay_{product:g}")
            lines.append((model, f"f_D tau x delay {product:g}", row, gain))
            if gain:
                points.append((product, scale * gain[0], scale * gain[1]))
        chart = Chart(f"{title.split(',')[0]}: an old belief", "f_D tau x delay in slots", title.split(": ")[1] + " above the hull")
        chart.intervals(points, "pareto, delayed CSI")
        chart.level(0)
        charts.append(chart)
        charts.append(heat_map(f"{title.split(',')[0]}: where adapting hurts", "f_D tau", "delay, slots", points, title.split(": ")[1]))
    page(HERE / "delay_doppler.svg", charts, 2)
    return lines


def estimation(study, found):
    lines, charts = [], []
    for model, (metric, _, title, scale) in MODELS.items():
        for kind, key, numbers in (("estimated", "pilots", PILOTS), ("quantised", "bits", BITS)):
            points = []
            for number in numbers:
                row, gain = under(study, found, model, {"csi": {"transmitter": {"kind": kind, key: number}}}, f"{kind}_{number}")
                lines.append((model, f"{kind}, {number} {key}", row, gain))
                if gain:
                    points.append((math.log2(number) if kind == "estimated" else number, scale * gain[0], scale * gain[1]))
            chart = Chart(f"{title.split(',')[0]}: CSI {kind}", "log2 of the pilots, which are channel uses" if kind == "estimated" else "bits of the SNR", title.split(": ")[1] + " above the hull")
            chart.intervals(points, f"pareto, {kind} CSI")
            chart.level(0)
            charts.append(chart)
    page(HERE / "estimation.svg", charts, 2)
    return lines


def text_of(gain, scale, digits):
    if gain is None:
        return "no fixed setting is as cheap"
    return f"{scale * gain[0]:+.{digits}f} [{scale * (gain[0] - gain[1]):+.{digits}f}, {scale * (gain[0] + gain[1]):+.{digits}f}]"


def write_page(study, found, lines):
    out = ["# Adapting to the channel: when it pays", "",
           f"Made by `docs/studies/adaptation/make.py --images {study.options.images}` ({study.options.images} test images of Fashion-MNIST, each at its own SNR, uniform -5..20 dB; gains are points of accuracy or dB above the rival).",
           "The policy is `pareto` with tables of the validation split. The rival is the **convex hull of all fixed settings**: the best time-sharing between them at the same mean channel uses, headers and pilots",
           "included, and the same mean operations of the transmitter, found on the very images it is compared on. Differences are paired image by image, intervals are of 95 %.", "",
           "## Known channel", "", "![fixed settings, their hull, pareto](hull.svg)", "",
           "| model, channel | uses | MFLOP | worth | above the hull |", "|---|---|---|---|---|"]
    for (model, channel), (_, _, rows, _, _, gains) in found.items():
        metric, _, _, scale = MODELS[model]
        for row, gain in zip(rows, gains):
            digits, unit = (2, "points") if metric == "accuracy" else (3, "dB")
            worth = f"{100 * row[metric]:.2f} %" if metric == "accuracy" else f"{row[metric]:.2f} dB"
            line = f"| {model}, {CHANNELS[channel]} | {row['channel_uses']['total']:.1f} | {row['flops']['transmitter'] / 1e6:.1f} | {worth} | {text_of(gain, scale, digits)} {unit if gain else ''} |"
            if line != out[-1]:  # budgets beyond what can be spent are all the same
                out.append(line)
    out += ["", "Where the gain comes from, and where the uses go:", "", "![gain and uses by SNR](over_snr.svg)", "",
            "## Known late, known badly", "",
            "Rayleigh fading, one gain an image. Under Clarke's Doppler what matters of delay and Doppler is their product, so one sweep fills the map. The rival is the hull of the settings that are",
            "efficient over the known channel, between 0.4 and 2.5 times the policy's uses, each with the same knowledge (its headers follow it) and with none. Blue: adapting gains; red: it hurts; pale: the interval holds 0.", "", "![delay and Doppler](delay_doppler.svg)", "",
            "![pilots and bits](estimation.svg)", "", "| model, knowledge | uses | worth | headers lost | above the hull |", "|---|---|---|---|---|"]
    for model, name, row, gain in lines:
        metric, _, _, scale = MODELS[model]
        digits, unit = (2, "points") if metric == "accuracy" else (3, "dB")
        worth = f"{100 * row[metric]:.2f} %" if metric == "accuracy" else f"{row[metric]:.2f} dB"
        out.append(f"| {model}, {name} | {row['channel_uses']['total']:.1f} | {worth} | {row['header_losses']} | {text_of(gain, scale, digits)} {unit if gain else ''} |")
    (HERE / "README.md").write_text("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description="runs the study of adaptation and draws it")
    parser.add_argument("--images", type=int, default=5000, help="test images a setting, at least 200")
    parser.add_argument("--work", default=str(ROOT / "build" / "studies" / "adaptation"))
    parser.add_argument("--semwave", default=str(ROOT / "build" / "semwave"))
    options = parser.parse_args()
    if options.images < 200:  # budgets come from the means of settings, and of fewer images those lie below what the tables can keep
        parser.error("--images: at least 200")
    study = Study(options)
    found = overview(study)
    over_snr(found)
    lines = delay_doppler(study, found) + estimation(study, found)
    write_page(study, found, lines)


main()
