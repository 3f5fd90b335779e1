#!/usr/bin/env python3
"""Bar 7: the table policy, each image at its own SNR, uniform -5..20 dB, against its best constant plan at equal mean uses.

Rivals: every constant plan of the grid the table was chosen from whose mean uses (header in) are at most 1 % above the table's, and,
for every S and depth, the plans between them with the most tokens within that same limit, so that no rival is weak only
because the grid is coarse. The best rival is chosen on the validation split; the comparison is on the test split.
"""
import json

from bar import ROOT, NotMeasured, correct, measure, paired, plan, plan_text, psnr, signed, uses

SCENARIO = "scenarios/table_uniform_snr.json"
GRID_SCENARIO = ROOT / "scenarios" / "tables" / "fashion_awgn_validation.json"
TOKENS = 49
SYMBOLS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
EXCESS = 1.01  # a rival may take so much more


def keep_of(tokens):
    return round(tokens / TOKENS + 5e-5, 4)


def distinct(values):
    return sorted(set(values))


class Field:
    def __init__(self, bar):
        self.bar = bar
        self.table = {"kind": "table", "file": bar.options.table}
        self.common = {"/model": bar.options.model} if bar.options.model else {}

    def run(self, split, count, policies, out, records):
        settings = self.common | {"/source/split": split, "/source/count": count, "/sweep": {"/transmitter/policy": policies},
                                  "/output/records": records, "/metrics": ["accuracy", "psnr"]}
        return self.bar.run(SCENARIO, settings, out)[0]


def headers(field):
    """Mean header uses of k tokens, k = 1..49, over the law of the SNR; the header is the same whatever depth and S."""
    plans = [plan(keep_of(tokens), 0, 1) for tokens in range(1, TOKENS + 1)]
    rows = field.run("validation", field.bar.options.choose, plans, "headers", False)
    for tokens, row in zip(range(1, TOKENS + 1), rows):
        if row["tokens_kept"] != tokens:
            raise NotMeasured(f"{tokens} tokens were asked for, {row['tokens_kept']} kept")
    return [0.0] + [row["channel_uses"]["header"] for row in rows]


def rivals(header, most):
    grid = json.loads(GRID_SCENARIO.read_text())["sweep"]
    prefix = "/transmitter/policy/"
    depths = grid[prefix + "depth"]
    spent = lambda tokens, symbols: tokens * symbols + header[tokens]
    pairs = [(int(keep * TOKENS + 1e-6), symbols) for keep in grid[prefix + "keep"] for symbols in grid[prefix + "symbols_per_token"]]
    pairs = [pair for pair in pairs if spent(*pair) <= most]
    for symbols in SYMBOLS:
        fitting = [tokens for tokens in range(1, TOKENS + 1) if spent(tokens, symbols) <= most]
        pairs += [(tokens, symbols) for tokens in fitting[-2:]]
    return [plan(keep_of(tokens), depth, symbols) for tokens, symbols in distinct(pairs) for depth in depths]


def body(bar):
    field = Field(bar)
    with open(bar.options.table) as file:
        entries = json.load(file)["entries"]
    keeps, depths, symbols = (distinct(entry[key] for entry in entries) for key in ("keep", "depth", "symbols_per_token"))

    (table,) = field.run("validation", bar.options.choose, [field.table], "table_validation", False)
    most = EXCESS * table["channel_uses"]["total"]
    bar.note(f"table on validation: {table['channel_uses']['total']:.1f} uses, PSNR {table['psnr_db']:.3f} dB, accuracy {table['accuracy']:.4f}")
    rows = field.run("validation", bar.options.choose, rivals(headers(field), most), "rivals", False)
    rows = sorted((row for row in rows if row["channel_uses"]["total"] <= most), key=lambda row: -row["psnr_db"])
    for row in rows[:5]:
        bar.note(f"rival on validation: {plan_text(row['point']['/transmitter/policy'])}: {row['channel_uses']['total']:.1f} uses, "
                 f"PSNR {row['psnr_db']:.3f} dB, accuracy {row['accuracy']:.4f}")
    bar.note(f"{len(rows)} rivals; the best by PSNR goes on")
    best = rows[0]["point"]["/transmitter/policy"]

    ours, theirs = field.run("test", bar.options.images, [field.table, best], "test", True)
    records = bar.records("test")
    a, b = records[ours["point_sha256"]], records[theirs["point_sha256"]]
    used = [distinct(record["plan"][key] for record in a) for key in ("keep", "depth", "symbols_per_token")]
    for what, values, least in (("keeps", used[0], 3), ("depths", used[1], 2), ("symbols a token", used[2], 2)):
        bar.check(f"different {what} used on {len(a)} test images", " ".join(f"{value:g}" for value in values), len(values) >= least, f"at least {least}")
    if [len(values) for values in used] != [len(keeps), len(depths), len(symbols)]:
        bar.note(f"the table holds keeps {keeps}, depths {depths}, S {symbols}")
    for name, row in (("table", ours), (plan_text(best), theirs)):
        spent = row["channel_uses"]
        bar.note(f"{name}: {spent['total']:.2f} uses (payload {spent['payload']:.1f}, header {spent['header']:.1f}), PSNR {row['psnr_db']:.3f} dB, "
                 f"accuracy {row['accuracy']:.4f}, transmitter {row['flops']['transmitter'] / 1e6:.1f} MFLOP")
    mean, half = paired(a, b, uses)
    share = ours["channel_uses"]["total"] / theirs["channel_uses"]["total"]
    bar.check("mean uses, table over rival", f"{share:.4f} ({signed(mean, half, 2)} an image)", share <= EXCESS, f"at most {EXCESS}")
    mean, half = paired(a, b, psnr)
    bar.check("PSNR, table less rival, paired over images", f"{signed(mean, half)} dB", mean - half > 0, "interval above 0")
    mean, half = paired(a, b, correct)
    bar.note(f"accuracy, table less rival, paired: {signed(mean, half, 4)}")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--table", default=str(ROOT / "scenarios" / "tables" / "fashion_awgn.json"), help="table instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--choose", type=int, default=1000, help="validation images on which the rival is chosen")


measure("table policy against its best constant plan at equal mean uses, SNR uniform -5..20 dB", body, arguments)
