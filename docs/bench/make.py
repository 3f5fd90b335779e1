#!/usr/bin/env python3
"""The leaderboard of this folder: runs every method of methods.json, writes leaderboard.csv, README.md and the pictures.

    docs/bench/make.py [--kodak DIR] [--only TEXT] [--work DIR] [--semwave PROGRAM] [--check]

Points that were run before are not run again, unless scenario, model, data or code have changed. Where the pictures of a data set are not
there, its rows stay as they are in leaderboard.csv, and the command says so. --only makes the rows anew whose method or data holds TEXT.
With --check nothing is written: rows that differ from leaderboard.csv are shown, and the exit status is 1.
"""
import argparse
import csv
import io
import json
import math
import os
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "claims"))
sys.path.insert(0, str(ROOT / "docs" / "studies"))

from adaptation.draw import BOTTOM, FAINT, FONT, GRID, HEIGHT, LEFT, RIGHT, TOP, text, ticks  # noqa: E402
from claim import mean_interval, read_lines, wilson  # noqa: E402
from kodak_pictures import by_size, linked  # noqa: E402

COLUMNS = ["data", "channel", "ratio", "snr_db", "metric", "method", "value", "low", "high", "images", "published", "published_source", "uses",
           "flops_transmitter", "flops_receiver", "parameters", "seed", "command"]
KEY = ["data", "channel", "ratio", "metric", "method"]
COLOURS = ["#1f6fb4", "#b3432b", "#3c8d40", "#d98a1f", "#8a4fbf", "#5b4a3f", "#2aa198", "#c2185b", "#666666"]
DIGITS = {"psnr_db": 2, "accuracy": 4}
IMAGES = {"fashion-mnist": 10000, "kodak": 24}
SIZES = {"fashion-mnist": (28, 28, 1)}


class Missing(Exception):
    """The data of a method is not on this machine."""


def sizes_of(kodak, work):
    """[(height, width, channels), folder] of Kodak's two sizes, as folders that the program reads; `work`/kodak holds all."""
    sizes = by_size(kodak)
    if not sizes:
        raise Missing("name the folder of kodim01.png ... by --kodak or $SEMWAVE_KODAK")
    linked(work / "kodak", [picture for pictures in sizes.values() for picture in pictures])
    return [((height, width, 3), linked(work / f"kodak_{width}x{height}", pictures)) for (width, height), pictures in sizes.items()]


def budget_of(ratio, size):
    """Channel uses per image: a share of its values, or a number of uses."""
    if ratio.endswith(" uses"):
        return int(ratio.split()[0])
    return int(Fraction(ratio) * size[0] * size[1] * size[2])


def parts_of(method, options):
    """[(settings, folder name)]: a run for each size of picture."""
    settings = {"/channel": {"kind": method["channel"], "snr_db": 10}, "/sweep": {"/channel/snr_db": method["snr_db"]}, "/metrics": [method["metric"].removesuffix("_db")],
                "/stop": {}, "/output/records": True, "/seed": 7}
    if "model" in method:
        settings["/model"] = str(ROOT / method["model"])
    transmitter = method["transmitter"]
    if method["data"] == "kodak" and "model" in method:  # its network takes pictures of any size
        sizes_of(options.kodak, options.work)
        return [(settings | {"/source": {"dataset": "folder", "split": "test", "path": str(options.work / "kodak")}, "/transmitter": transmitter}, "all")]
    if method["data"] == "kodak":
        made = []
        for size, folder in sizes_of(options.kodak, options.work):
            own = {"/source": {"dataset": "folder", "split": "test", "path": str(folder)}, "/model": {"image": list(size)},
                   "/transmitter": transmitter | {"budget": budget_of(method["ratio"], size)}}
            made.append((settings | own, f"{size[1]}x{size[0]}"))
        return made
    source = {"dataset": method["data"], "split": "test", "count": IMAGES[method["data"]]}
    if transmitter["kind"] == "separation":
        transmitter = transmitter | {"budget": budget_of(method["ratio"], SIZES[method["data"]])}
        if method["metric"] != "accuracy":  # nobody needs to classify what was rebuilt
            settings["/model"] = {"image": list(SIZES[method["data"]])}
    return [(settings | {"/source": source, "/transmitter": transmitter}, "all")]


def name_of(method):
    return "_".join("".join(c if c.isalnum() else "-" for c in str(method[key])) for key in KEY)


def parameters_of(folder):
    """Of the checkpoint that a run has loaded; 0 where it needs none."""
    model = json.loads((folder / "scenario.json").read_text()).get("model")
    if not isinstance(model, str):
        return 0
    with open(folder / model, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def run(method, options):
    """SNR -> [(row, records)] over the sizes of pictures; parameters of the network."""
    made, parameters = {}, 0
    for settings, part in parts_of(method, options):
        folder = options.work / name_of(method) / part
        command = [options.semwave, "run", str(ROOT / method["scenario"]), "--quiet", "--out", str(folder)]
        for pointer, value in settings.items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        ended = subprocess.run(command, stdout=subprocess.DEVNULL)
        if ended.returncode != 0:
            sys.exit(f"make.py: {shlex.join(command)} ended with status {ended.returncode}")
        parameters = max(parameters, parameters_of(folder))
        grid = json.loads((folder / "run.json").read_text())["points"]["grid"]
        records = {}
        for record in read_lines(folder / "records.jsonl"):
            records.setdefault(record["point_sha256"], []).append(record)
        for row in read_lines(folder / "results.jsonl")[:grid]:
            made.setdefault(row["point"]["/channel/snr_db"], []).append((row, records[row["point_sha256"]]))
    return made, parameters


def measured(method, options, published):
    rows = []
    digits = DIGITS[method["metric"]]
    made, parameters = run(method, options)
    for snr, parts in sorted(made.items()):
        records = [record for _, part in parts for record in part]
        if method["metric"] == "accuracy":
            value = sum(record["decision"] == record["label"] for record in records) / len(records)
            low, high = wilson(value, len(records))
        else:
            value, half = mean_interval([record[method["metric"]] for record in records])
            low, high = value - half, value + half
        mean = lambda take: sum(take(row) * len(part) for row, part in parts) / len(records)
        known = published.get((*(method[key] if key != "method" else method.get("published_as", method["method"]) for key in KEY), f"{snr:g}"))
        rows.append({key: method[key] for key in KEY} | {
            "snr_db": f"{snr:g}", "value": f"{value:.{digits}f}", "low": f"{low:.{digits}f}", "high": f"{high:.{digits}f}", "images": len(records),
            "published": known["value"] if known else "", "published_source": f"{known['source']} ({known['counts']} uses)" if known else "",
            "uses": f"{mean(lambda row: row['channel_uses']['total']):.1f}", "flops_transmitter": f"{mean(lambda row: row['flops']['transmitter']):.0f}",
            "flops_receiver": f"{mean(lambda row: row['flops']['receiver']):.0f}", "parameters": parameters, "seed": 7,
            "command": f"docs/bench/make.py --only {shlex.quote(method['method'])}" + (" --kodak DIR" if method["data"] == "kodak" else "")})
    return rows


# What is written.

def csv_text(rows):
    sink = io.StringIO()
    writer = csv.DictWriter(sink, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def groups_of(rows):
    made = {}
    for row in rows:
        made.setdefault((row["data"], row["channel"], row["ratio"], row["metric"]), []).append(row)
    return made


def title_of(group):
    data, channel, ratio, metric = group
    name = {"kodak": "Kodak", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}[data]
    over = {"awgn": "AWGN", "rayleigh": "Rayleigh fading"}[channel]
    what = {"psnr_db": "PSNR in dB", "accuracy": "accuracy"}[metric]
    return f"{name}, {over}, {'answering with the class' if ratio == 'class' else ratio if ratio.endswith('uses') else 'ratio ' + ratio}: {what}"


def table_of(rows, published, bounds):
    """A line for each method, a column for each SNR; published lines behind the measured ones. The best system of a column is bold."""
    snrs = sorted({float(row["snr_db"]) for row in rows} | {float(row["snr_db"]) for row in published})
    lines = ["| method | " + " | ".join(f"{snr:g} dB" for snr in snrs) + " | uses per image | operations, transmitter + receiver | parameters |", "|---" * (len(snrs) + 4) + "|"]
    methods = {}
    for row in rows:
        methods.setdefault(row["method"], {})[float(row["snr_db"])] = row
    best = {snr: max((float(by_snr[snr]["value"]) for method, by_snr in methods.items() if snr in by_snr and method not in bounds), default=None) for snr in snrs}
    for method, by_snr in methods.items():
        some = next(iter(by_snr.values()))
        cells = []
        for snr in snrs:
            row = by_snr.get(snr)
            value = row and (f"**{row['value']}**" if method not in bounds and float(row["value"]) == best[snr] else row["value"])
            cells.append(f"{value} [{row['low']}, {row['high']}]" if row else "")
        flops = f"{float(some['flops_transmitter']) / 1e6:.1f} M + {float(some['flops_receiver']) / 1e6:.1f} M" if int(some["parameters"]) else "no network"
        low, high = min(float(row["uses"]) for row in by_snr.values()), max(float(row["uses"]) for row in by_snr.values())
        uses = f"{high:.0f}" if high - low < 1 else f"{low:.0f} to {high:.0f}"
        lines.append(f"| {method} | " + " | ".join(cells) + f" | {uses} | {flops} | {int(some['parameters']):,} |")
    others = {}
    for row in published:
        others.setdefault(row["method"], {})[float(row["snr_db"])] = row["value"]
    for method, by_snr in others.items():
        lines.append(f"| *{method}, published, payload alone* | " + " | ".join(f"*{by_snr[snr]}*" if snr in by_snr else "" for snr in snrs) + " | | | |")
    return lines


def picture_of(group, rows, published):
    """Curves over the SNR with the names beside them; what others published is dashed."""
    series = {}
    for row in rows:
        series.setdefault((row["method"], False), []).append((float(row["snr_db"]), float(row["value"])))
    for row in published:
        series.setdefault((row["method"], True), []).append((float(row["snr_db"]), float(row["value"])))
    points = [point for curve in series.values() for point in curve]
    x_ticks, y_ticks = ticks(min(x for x, _ in points), max(x for x, _ in points)), ticks(min(y for _, y in points), max(y for _, y in points))
    px = lambda x: LEFT + (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (RIGHT - LEFT)
    py = lambda y: BOTTOM - (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]) * (BOTTOM - TOP)
    out = [text(LEFT, 20, title_of(group), size=13)]
    for x in x_ticks:
        out.append(f"<line x1='{px(x):.1f}' x2='{px(x):.1f}' y1='{TOP}' y2='{BOTTOM}' stroke='{GRID}'/>" + text(px(x), BOTTOM + 15, f"{x:g}", "middle", colour=FAINT))
    for y in y_ticks:
        out.append(f"<line x1='{LEFT}' x2='{RIGHT}' y1='{py(y):.1f}' y2='{py(y):.1f}' stroke='{GRID}'/>" + text(LEFT - 6, py(y) + 4, f"{y:g}", "end", colour=FAINT))
    for number, ((method, foreign), curve) in enumerate(series.items()):
        colour, dash = COLOURS[number % len(COLOURS)], " stroke-dasharray='5,3'" if foreign else ""
        out.append(f"<polyline fill='none' stroke='{colour}' stroke-width='1.8'{dash} points='" + " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in sorted(curve)) + "'/>")
        out += [f"<circle cx='{px(x):.1f}' cy='{py(y):.1f}' r='2.6' fill='{'white' if foreign else colour}' stroke='{colour}'/>" for x, y in curve]
        y = TOP + 8 + 20 * number
        out.append(f"<line x1='{RIGHT + 18}' x2='{RIGHT + 42}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='2'{dash}/>" + text(RIGHT + 48, y + 4, method + (", published" if foreign else ""), size=10))
    out.append(text((LEFT + RIGHT) / 2, BOTTOM + 34, "SNR, dB", "middle", colour=FAINT))
    out.append(text(14, (TOP + BOTTOM) / 2, {"psnr_db": "PSNR, dB", "accuracy": "accuracy"}[group[3]], "middle", colour=FAINT, turn=f"transform='rotate(-90 14 {(TOP + BOTTOM) / 2})'"))
    width = RIGHT + 290
    return (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {HEIGHT}' width='{width}' height='{HEIGHT}' {FONT}>"
            "<rect width='100%' height='100%' fill='white'/>" + "".join(out) + "</svg>\n")


def file_of(group):
    return "_".join("".join(c if c.isalnum() else "-" for c in part) for part in group) + ".svg"


def page_of(rows, published, bounds):
    lines = (HERE / "head.md").read_text().rstrip().split("\n") + [""]
    for group, members in groups_of(rows).items():
        foreign = [row for row in published if (row["data"], row["channel"], row["ratio"], row["metric"]) == group]
        lines += [f"## {title_of(group)}", "", f"![{title_of(group)}]({file_of(group)})", ""] + table_of(members, foreign, bounds) + [""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="The leaderboard: every method of docs/bench/methods.json")
    parser.add_argument("--semwave", default=str(ROOT / "build" / "semwave"))
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", help="folder of results; what is done is not run again")
    parser.add_argument("--kodak", default=os.environ.get("SEMWAVE_KODAK", ""), help="folder of Kodak's kodim01.png ... kodim24.png")
    parser.add_argument("--only", default="", metavar="TEXT", help="methods whose name or data holds TEXT")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a row differs from leaderboard.csv")
    options = parser.parse_args()
    options.work = options.work.resolve()

    published = list(csv.DictReader(open(HERE / "published.csv")))
    known = {(*(row[key] for key in KEY), row["snr_db"]): row for row in published}
    methods = json.loads((HERE / "methods.json").read_text())
    bounds = {method["method"] for method in methods if method.get("bound")}
    file = HERE / "leaderboard.csv"
    before = list(csv.DictReader(open(file))) if file.exists() else []
    rows, differ = [], 0
    for number, method in enumerate(methods, 1):
        kept = [row for row in before if all(row[key] == method[key] for key in KEY)]
        title = f"{method['method']}, {method['data']}, {method['channel']}, {method['ratio']}"
        if options.only.lower() not in f"{method['method']} {method['data']}".lower():
            rows += kept
            continue
        print(f"# {number}/{len(methods)} {title}", file=sys.stderr, flush=True)
        try:
            made = measured(method, options, known)
        except Missing as reason:
            print(f"# not run, its {len(kept)} rows stay: {reason}", file=sys.stderr)
            rows += kept
            continue
        made = [{key: str(value) for key, value in row.items()} for row in made]
        for row in made:
            old = next((one for one in kept if one["snr_db"] == row["snr_db"]), None)
            if options.check and old != row:
                differ += 1
                print(f"{title}, {row['snr_db']} dB: {old['value'] if old else 'no row'} stands there, {row['value']} is measured")
        rows += made
    if options.check:
        print(f"{differ} rows differ")
        sys.exit(1 if differ else 0)
    file.write_text(csv_text(rows))
    (HERE / "README.md").write_text(page_of(rows, published, bounds))
    for group, members in groups_of(rows).items():
        foreign = [row for row in published if (row["data"], row["channel"], row["ratio"], row["metric"]) == group]
        (HERE / file_of(group)).write_text(picture_of(group, members, foreign))
    print(f"{len(rows)} rows in {file.name}, README.md, {len(groups_of(rows))} pictures")


main()
