#!/usr/bin/env python3
"""Makes a table for the `table` policy: for each bin of SNR the plan that is best on the validation split.

Best is the largest  PSNR [dB] - lambda x channel uses - mu x executed MFLOP of the transmitter,  with one lambda and one mu for all
bins, so that uses and operations are spent in the bins where they gain most. Both are found by bisection, for the mean uses and
the mean operations asked for (bins as likely as one another).

    benchmarks/make_table.py --uses 176 --mflop 32 --out scenarios/tables/fashion_awgn.json
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read_rows(folder):
    grid = json.loads((folder / "run.json").read_text())["points"]["grid"]
    with open(folder / "results.jsonl") as file:
        return [json.loads(line) for line in file][:grid]


def measure(options, folder):
    command = [options.semwave, "run", options.scenario, "--out", str(folder)]
    if options.model:
        command += ["--set", f"/model={options.model}"]
    if options.images:
        command += ["--set", f"/source/count={options.images}"]
    if options.threads:
        command += ["--threads", str(options.threads)]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL)
    if ended.returncode != 0:
        sys.exit(f"make_table: {' '.join(command)} ended with status {ended.returncode}")
    if json.loads((folder / "scenario.json").read_text())["source"]["split"] == "test":
        sys.exit("make_table: a table is made on the validation split, never on test")
    return read_rows(folder)


def by_bin(rows):
    bins = {}
    for row in rows:
        point = row["point"]
        plan = {key: point[f"/transmitter/policy/{key}"] for key in ("keep", "depth", "symbols_per_token")}
        bins.setdefault(point["/channel/snr_db"], []).append((plan, row))
    return bins


def choose(bins, price, mu):
    """price: lambda, dB a use."""
    def worth(entry):
        row = entry[1]
        return row["psnr_db"] - price * row["channel_uses"]["total"] - mu * megaflop(row)
    return {snr_db: max(entries, key=worth) for snr_db, entries in bins.items()}


def mean(chosen, value):
    return sum(value(row) for _, row in chosen.values()) / len(chosen)


def total_uses(row):
    return row["channel_uses"]["total"]


def megaflop(row):
    return row["flops"]["transmitter"] / 1e6


def lowest_price(spent, budget, high):
    """The lowest price in [0, high] at which `spent(price)`, which falls as the price rises, is within the budget."""
    low = 0.0
    if spent(low) <= budget:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if spent(middle) > budget else (low, middle)
    return high


def prices(bins, uses, mflop):
    """(lambda, mu): dB a use and dB a MFLOP that keep the mean uses and the mean operations within their budgets."""
    def price_of_use(mu):
        return lowest_price(lambda price: mean(choose(bins, price, mu), total_uses), uses, 1.0)
    mu = lowest_price(lambda mu: mean(choose(bins, price_of_use(mu), mu), megaflop), mflop, 0.5)
    return price_of_use(mu), mu


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--semwave", default=os.environ.get("SEMWAVE", str(ROOT / "build" / "semwave")))
    parser.add_argument("--scenario", default=str(ROOT / "scenarios" / "tables" / "fashion_awgn_validation.json"), help="sweeps SNR, keep, S and depth on validation")
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--images", type=int, default=0, help="validation images a point, instead of the scenario's")
    parser.add_argument("--uses", type=float, default=176, help="mean channel uses per image, header in")
    parser.add_argument("--mflop", type=float, default=32, help="mean MFLOP an image executed by the transmitter")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--work", default=str(ROOT / "build" / "tables" / "fashion_awgn"), help="result folder of the sweep, re-used")
    parser.add_argument("--out", default=str(ROOT / "scenarios" / "tables" / "fashion_awgn.json"))
    options = parser.parse_args()

    rows = measure(options, Path(options.work))
    bins = by_bin(rows)
    centres = sorted(bins)
    price, mu = prices(bins, options.uses, options.mflop)
    chosen = choose(bins, price, mu)

    entries = []
    for snr_db, below in zip(centres, [None, *centres]):
        edge = snr_db - (centres[1] - centres[0]) / 2 if below is None else (below + snr_db) / 2
        plan, row = chosen[snr_db]
        print(f"from {edge:6.2f} dB  keep {plan['keep']:<6g} S {plan['symbols_per_token']:<2} depth {plan['depth']}  uses {total_uses(row):6.1f}  "
              f"psnr {row['psnr_db']:6.2f}  accuracy {row['accuracy']:.3f}  transmitter {megaflop(row):5.1f} MFLOP")
        if not entries or {key: entries[-1][key] for key in plan} != plan:
            entries.append({"from_db": edge, **plan})
    print(f"# lambda {price:.5f} dB a use, mu {mu:.5f} dB a MFLOP: mean {mean(chosen, total_uses):.1f} uses, {mean(chosen, megaflop):.1f} MFLOP, "
          f"PSNR {mean(chosen, lambda row: row['psnr_db']):.3f} dB")
    made_by = (f"benchmarks/make_table.py --uses {options.uses:g} --mflop {options.mflop:g}; {rows[0]['images']} validation images a point of "
               f"{os.path.relpath(options.scenario, ROOT)}")
    lines = ",\n".join("    " + json.dumps(entry) for entry in entries)
    Path(options.out).write_text('{\n  "made_by": ' + json.dumps(made_by) + ',\n  "model_sha256": ' + json.dumps(rows[0]["model_sha256"]) + ',\n  "entries": [\n' + lines + "\n  ]\n}\n")


if __name__ == "__main__":
    main()
