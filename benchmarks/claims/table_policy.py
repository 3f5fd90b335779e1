#!/usr/bin/env python3
"""Claim 7: the table policy, each image at its own SNR, uniform -5..20 dB, against its best constant plan at equal mean uses.

Rivals: every constant plan of the grid the table was chosen from whose mean uses (header in) are at most 1 % above the table's, and,
for every S and depth, the plans between them that come closest to the table's uses, so that no rival is weak only because the
grid is coarse. A second rival spends exactly what the table spends: two constant plans time-shared. Both rivals are chosen
by PSNR on the validation split; the comparison is on the test split.
"""
import json

from claim import ROOT, NotMeasured, correct, measure, paired, plan, plan_text, psnr, signed

SCENARIO = "scenarios/table_uniform_snr.json"
GRID_SCENARIO = ROOT / "scenarios" / "tables" / "fashion_awgn_validation.json"
TOKENS = 49
SYMBOLS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
EXCESS = 1.01  # a rival may take so much more
PREFIX = "/transmitter/policy/"


def keep_of(tokens):
    return min(1.0, round(tokens / TOKENS + 5e-5, 4))


def distinct(values):
    return sorted(set(values))


class Field:
    def __init__(self, claim):
        self.claim = claim
        self.table = {"kind": "table", "file": claim.options.table}
        self.common = {"/model": claim.options.model} if claim.options.model else {}

    def run(self, split, count, policies, out, records):
        settings = self.common | {"/source/split": split, "/source/count": count, "/sweep": {"/transmitter/policy": policies},
                                  "/output/records": records, "/metrics": ["accuracy", "psnr"]}
        return self.claim.run(SCENARIO, settings, out)[0]


def headers(field):
    """About the mean header uses of k tokens, k = 1..49, over the law of the SNR; the header is the same whatever depth and S."""
    plans = [plan(keep_of(tokens), 0, 1) for tokens in range(1, TOKENS + 1)]
    rows = field.run("validation", min(400, field.claim.options.choose), plans, "headers", False)
    for tokens, row in zip(range(1, TOKENS + 1), rows):
        if row["tokens_kept"] != tokens:
            raise NotMeasured(f"{tokens} tokens were asked for, {row['tokens_kept']} kept")
    return [0.0] + [row["channel_uses"]["header"] for row in rows]


def pairs_to_try(header, uses_of_table, grid):
    """(tokens, S) of constant plans: the table's own grid, and for each S the token counts nearest to the table's uses on either side."""
    spent = lambda tokens, symbols: tokens * symbols + header[tokens]
    pairs = [(int(keep * TOKENS + 1e-6), symbols) for keep in grid[PREFIX + "keep"] for symbols in grid[PREFIX + "symbols_per_token"]]
    for symbols in SYMBOLS:
        below = [tokens for tokens in range(1, TOKENS + 1) if spent(tokens, symbols) <= EXCESS * uses_of_table]
        above = [tokens for tokens in range(1, TOKENS + 1) if spent(tokens, symbols) > EXCESS * uses_of_table]
        pairs += [(TOKENS, symbols)] + [(tokens, symbols) for tokens in below[-2:] + above[:1]]  # all tokens: no positions to tell
    return [pair for pair in distinct(pairs) if 0.4 * uses_of_table <= spent(*pair) <= 2 * uses_of_table]


def share_at(uses_wanted, cheap, dear):
    """Share of the dear plan with which the two spend `uses_wanted` on average."""
    return (uses_wanted - cheap) / (dear - cheap) if dear > cheap else 0.0


def best_mixture(rows, uses_wanted):
    """The two constant plans that, time-shared at exactly these mean uses, give the largest PSNR."""
    best = None
    for cheap in rows:
        for dear in rows:
            low, high = cheap["channel_uses"]["total"], dear["channel_uses"]["total"]
            if low <= uses_wanted < high:
                share = share_at(uses_wanted, low, high)
                psnr_db = (1 - share) * cheap["psnr_db"] + share * dear["psnr_db"]
                if best is None or psnr_db > best[0]:
                    best = (psnr_db, cheap, dear)
    if best is None:
        raise NotMeasured("no two constant plans lie on either side of the table's uses")
    return best[1:]


def policy_of(row):
    return row["point"]["/transmitter/policy"]


def describe(claim, name, row):
    spent = row["channel_uses"]
    claim.note(f"{name}: {spent['total']:.2f} uses (payload {spent['payload']:.1f}, header {spent['header']:.1f}), PSNR {row['psnr_db']:.3f} dB, "
             f"accuracy {row['accuracy']:.4f}, transmitter {row['flops']['transmitter'] / 1e6:.1f} MFLOP")


def choose_rivals(field, uses_of_table):
    """(best constant plan within EXCESS of these uses, the two of the best mixture), all by PSNR on validation."""
    claim = field.claim
    grid = json.loads(GRID_SCENARIO.read_text())["sweep"]
    depths = grid[PREFIX + "depth"]

    def rows_of(pairs, depths, out):
        return field.run("validation", claim.options.choose, [plan(keep_of(tokens), depth, symbols) for tokens, symbols in pairs for depth in depths], out, False)

    def within(rows):
        return sorted((row for row in rows if row["channel_uses"]["total"] <= EXCESS * uses_of_table), key=lambda row: -row["psnr_db"])

    rows = rows_of(pairs_to_try(headers(field), uses_of_table, grid), [max(depths)], "rivals")
    finalists = [(round(row["tokens_kept"]), policy_of(row)["symbols_per_token"]) for row in within(rows)[:4]]
    if not finalists:
        raise NotMeasured("no constant plan is as cheap as the table")
    best = within(rows + rows_of(finalists, depths[:-1], "rivals_depths"))
    claim.note(f"{len(rows)} constant plans of depth {max(depths)} on validation, {len(within(rows))} within {EXCESS:g} x the table's uses, the best of them at every depth; by PSNR:")
    for row in best[:3]:
        describe(claim, "  " + plan_text(policy_of(row)), row)
    return best[0], *best_mixture(rows, uses_of_table)


def body(claim):
    field = Field(claim)
    (on_validation,) = field.run("validation", claim.options.choose, [field.table], "table_validation", False)
    describe(claim, "table on validation", on_validation)
    chosen = choose_rivals(field, on_validation["channel_uses"]["total"])
    policies = [field.table]
    for row in chosen:
        if policy_of(row) not in policies:
            policies.append(policy_of(row))
    rows = field.run("test", claim.options.images, policies, "test", True)
    all_records = claim.records("test")
    run = [(row, all_records[row["point_sha256"]]) for row in rows]  # in the order of `policies`, the table first
    ours, table = run[0]
    (constant, rival), (cheap, cheap_records), (dear, dear_records) = (run[policies.index(policy_of(row))] for row in chosen)

    used = [distinct(record["plan"][key] for record in table) for key in ("keep", "depth", "symbols_per_token")]
    for what, values, least in (("keeps", used[0], 3), ("depths", used[1], 2), ("symbols a token", used[2], 2)):
        claim.check(f"different {what} used on {len(table)} test images", " ".join(f"{value:g}" for value in values), len(values) >= least, f"at least {least}")
    for name, row in (("table", ours), ("constant, " + plan_text(policy_of(constant)), constant)):
        describe(claim, name, row)
    ratio = ours["channel_uses"]["total"] / constant["channel_uses"]["total"]
    claim.note(f"mean uses, table over the best constant plan within them: {ratio:.4f}; constant plans come in steps, so what holds at *equal* uses is said by time-sharing below")
    mean, half = paired(table, rival, psnr)
    claim.check("PSNR, table less constant plan, paired over images", f"{signed(mean, half)} dB", mean - half > 0, "interval above 0")
    mean, half = paired(table, rival, correct)
    claim.note(f"accuracy, table less constant plan, paired: {signed(mean, half, 4)}")

    share = share_at(ours["channel_uses"]["total"], cheap["channel_uses"]["total"], dear["channel_uses"]["total"])
    claim.note(f"time-shared: {100 * (1 - share):.0f} % {plan_text(policy_of(cheap))} ({cheap['channel_uses']['total']:.1f} uses), "
             f"{100 * share:.0f} % {plan_text(policy_of(dear))} ({dear['channel_uses']['total']:.1f} uses)")
    mixed = [{"image": a["image"], "psnr_db": (1 - share) * a["psnr_db"] + share * b["psnr_db"]} for a, b in zip(cheap_records, dear_records)]
    mean, half = paired(table, mixed, psnr)
    claim.check("PSNR, table less the best two constant plans time-shared at its very uses, paired", f"{signed(mean, half)} dB", mean - half > 0, "interval above 0")


def arguments(parser):
    parser.add_argument("--model", default="", help="checkpoint instead of the scenario's")
    parser.add_argument("--table", default=str(ROOT / "scenarios" / "tables" / "fashion_awgn.json"), help="table instead of the scenario's")
    parser.add_argument("--images", type=int, default=10000, help="test images")
    parser.add_argument("--choose", type=int, default=1500, help="validation images on which the rival is chosen")


measure("table policy against its best constant plan at equal mean uses, SNR uniform -5..20 dB", body, arguments)
