#!/usr/bin/env python3
"""Draws a result folder as SVG: PSNR and accuracy against channel uses, a colour for each SNR, policies that adapt marked.

    benchmarks/plot_tradeoff.py RESULTS_DIR OUT.svg

A dot is a fixed plan. The line runs through the plans that no cheaper one beats; a diamond is a policy that adapts, at that SNR.
"""
import argparse
import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

COLOURS = ["#b3432b", "#c98a00", "#3a7d44", "#1f6fb4", "#5b4a9e", "#444444"]  # readable on white, apart in lightness too
FONT = "font-family='Helvetica, Arial, sans-serif'"
WIDTH, HEIGHT = 960, 430
TOP, BOTTOM = 58, 372
INK, GRID, FAINT = "#222222", "#e4e4e4", "#666666"


class Axis:
    def __init__(self, low, high, start, end, ticks, log=False):
        self.law = math.log10 if log else float
        self.low, self.high, self.start, self.end, self.ticks = self.law(low), self.law(high), start, end, ticks

    def at(self, value):
        return self.start + (self.law(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def nice_axis(values, start, end, count=6):
    low, high = min(values), max(values)
    rough = max(high - low, 1e-9) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(first * step, max(last, first + 1) * step, start, end, [tick * step for tick in range(first, max(last, first + 1) + 1)])


def uses_axis(values, start, end):
    low, high = min(values) * 0.85, max(values) * 1.15
    ticks = [mantissa * 10 ** power for power in range(0, 6) for mantissa in (1, 2, 5)]
    return Axis(low, high, start, end, [tick for tick in ticks if low <= tick <= high], log=True)


def front(points):
    """Points that no cheaper one beats, by uses."""
    best, kept = -math.inf, []
    for uses, value in sorted(points):
        if value > best:
            best = value
            kept.append((uses, value))
    return kept


class Series:
    def __init__(self, snr_db, colour):
        self.snr_db, self.colour, self.fixed, self.adaptive = snr_db, colour, [], []


def read_series(folder):
    grid = json.loads((folder / "run.json").read_text())["points"]["grid"]
    base = json.loads((folder / "scenario.json").read_text())
    with open(folder / "results.jsonl") as file:
        rows = [json.loads(line) for line in file][:grid]
    series = {}
    for row in rows:
        if "images" not in row or "policy" not in base["transmitter"] and "/transmitter/policy" not in row["point"]:
            sys.exit(f"{folder}: holds no plans of a semantic transmitter: this picture is of runs that sweep /transmitter/policy")
        snr_db = row["point"].get("/channel/snr_db", base["channel"].get("snr_db"))
        label = "ideal" if snr_db is None else f"{snr_db['uniform'][0]:g}..{snr_db['uniform'][1]:g}" if isinstance(snr_db, dict) else f"{snr_db:g}"
        if label not in series:
            series[label] = Series(label, COLOURS[len(series) % len(COLOURS)])
        policy = row["point"].get("/transmitter/policy", base["transmitter"]["policy"])
        (series[label].adaptive if policy["kind"] != "fixed" else series[label].fixed).append(row)
    return list(series.values()), base


def text(x, y, content, size=12, anchor="middle", colour=INK, more=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{colour}' {FONT} {more}>{escape(content)}</text>"


def panel(series, title, value_of, left, right, show):
    points = [(row["channel_uses"]["total"], value_of(row)) for one in series for row in one.fixed + one.adaptive if value_of(row) is not None]
    if not points:
        return []
    x = uses_axis([uses for uses, _ in points], left, right)
    y = nice_axis([value for _, value in points], BOTTOM, TOP)
    out = []
    for tick in x.ticks:
        out.append(f"<path d='M{x.at(tick):.1f} {TOP}V{BOTTOM}' stroke='{GRID}'/>")
        out.append(text(x.at(tick), BOTTOM + 18, f"{tick:g}"))
    for tick in y.ticks:
        out.append(f"<path d='M{left} {y.at(tick):.1f}H{right}' stroke='{GRID}'/>")
        out.append(text(left - 8, y.at(tick) + 4, show(tick), anchor="end"))
    out.append(f"<path d='M{left} {TOP}V{BOTTOM}H{right}' fill='none' stroke='{INK}'/>")
    out.append(text((left + right) / 2, BOTTOM + 38, "channel uses per image, header included", colour=FAINT))
    out.append(text(left, TOP - 14, title, 14, "start", more="font-weight='bold'"))
    for one in series:
        dots = [(row["channel_uses"]["total"], value_of(row)) for row in one.fixed if value_of(row) is not None]
        line = " ".join(f"{x.at(uses):.1f},{y.at(value):.1f}" for uses, value in front(dots))
        out.append(f"<polyline points='{line}' fill='none' stroke='{one.colour}' stroke-width='2' stroke-linejoin='round'/>")
        for uses, value in dots:
            out.append(f"<circle cx='{x.at(uses):.1f}' cy='{y.at(value):.1f}' r='3.2' fill='{one.colour}'/>")
    for one in series:  # above all lines
        for row in one.adaptive:
            if value_of(row) is not None:
                a, b = x.at(row["channel_uses"]["total"]), y.at(value_of(row))
                out.append(f"<path d='M{a:.1f} {b - 8:.1f}l8 8l-8 8l-8-8z' fill='{one.colour}' stroke='#ffffff' stroke-width='1.6'/>")
    return out


def legend(series, x, y):
    out = [text(x, y, "SNR, dB", 12, "start", FAINT)]
    for i, one in enumerate(series):
        row = y + 20 * (i + 1)
        out.append(f"<path d='M{x} {row - 4}h22' stroke='{one.colour}' stroke-width='2'/><circle cx='{x + 11}' cy='{row - 4}' r='3.2' fill='{one.colour}'/>")
        out.append(text(x + 30, row, one.snr_db.replace("-", "−"), anchor="start"))
    row = y + 20 * (len(series) + 1) + 14
    out.append(f"<circle cx='{x + 11}' cy='{row - 4}' r='3.2' fill='{FAINT}'/>" + text(x + 30, row, "fixed plan", anchor="start"))
    if any(one.adaptive for one in series):
        row += 22
        out.append(f"<path d='M{x + 11} {row - 12}l8 8l-8 8l-8-8z' fill='{FAINT}'/>" + text(x + 30, row, "adaptive", anchor="start"))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, help="result folder of semwave run")
    parser.add_argument("out", type=Path, help="SVG file to write")
    parser.add_argument("--title", default="", help="instead of the scenario's name")
    options = parser.parse_args()
    try:
        series, base = read_series(options.results)
    except FileNotFoundError as missing:
        sys.exit(f"plot_tradeoff: {missing.filename} is not there: semwave run SCENARIO --out {options.results}")
    images = sorted({row["images"] for one in series for row in one.fixed + one.adaptive})
    psnr = panel(series, "rebuilt image: mean PSNR, dB", lambda row: row.get("psnr_db"), 56, 408, lambda tick: f"{tick:g}")
    share = panel(series, "class: accuracy, %", lambda row: 100 * row["accuracy"] if "accuracy" in row else None, 462, 814, lambda tick: f"{tick:g}")
    source = f"{base['source']['dataset']}, {base['source']['split']} split, {images[0]}" + ("" if len(images) == 1 else f" to {images[-1]}") + f" images a point, {base['channel']['kind']}"
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>",
             f"<title>{escape(options.title or base['name'])}</title>", f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
             text(56, 22, source, 12, "start", FAINT), *psnr, *share, *legend(series, 840, TOP + 10), "</svg>"]
    options.out.write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
