#!/usr/bin/env python3
"""Results that went stale. Planted are a changed table, a changed version of a part of the code, a
changed file of plans and a changed model; run again are exactly the points that use them, and the others
are found in the folder."""
import shutil

from claim import ROOT, measure, plan
from suite import build_folder, demand

MODEL = ROOT / "models" / "fashion.safetensors"
PLANS = ROOT / "scenarios" / "tables" / "fashion_image_awgn.json"
SCENARIO = "scenarios/quickstart.json"
SMALL = {"/source/count": 200}
FIXED = plan(0.25, 4, 4)


def ran_again(claim, settings, out, known):
    """The points that a run did not find in its folder, and the sums of all that are in it now."""
    rows, _ = claim.run(SCENARIO, SMALL | settings, out)
    ran = [row["point"] for row in rows if row["point_sha256"] not in known]
    return ran, known | {row["point_sha256"] for row in rows}


def expect(claim, what, settings, out, change, affected):
    """A first run, one without a change, one after it; `affected` says what is to run again."""
    shutil.rmtree(claim.work / out, ignore_errors=True)
    first, known = ran_again(claim, settings, out, set())
    idle, known = ran_again(claim, settings, out, known)
    change()
    ran, known = ran_again(claim, settings, out, known)
    wanted = [point for point in first if affected(point)]
    for point in ran:
        claim.note(f"ran again: {point}")
    claim.check(f"{what}: points run again", f"{len(ran)} of {len(first)}, {len(idle)} without a change",
              not idle and ran == wanted and 0 < len(ran) < len(first), f"exactly the {len(wanted)} that use it")


def changed_model(claim):
    models = [claim.work / "a.safetensors", claim.work / "b.safetensors"]
    for model in models:
        shutil.copy(MODEL, model)

    def flip(weight):
        """The last mantissa bit of the last weight (1), or of one before it, of the second model."""
        data = bytearray(models[1].read_bytes())
        data[-4 * weight] ^= 1
        models[1].write_bytes(data)

    flip(2)  # a point is known by what is in a model: two alike would share theirs
    sweep = {"/model": [str(model) for model in models], "/channel/snr_db": [0, 10]}
    expect(claim, "one bit of one weight of one of two models", {"/sweep": sweep, "/transmitter/policy": FIXED},
           "model", lambda: flip(1), lambda point: point["/model"].endswith("b.safetensors"))


def changed_plans(claim):
    plans = claim.work / "plans.json"
    shutil.copy(PLANS, plans)
    adaptive = {"kind": "pareto", "file": str(plans), "metric": "psnr", "uses": 240}
    sweep = {"/transmitter/policy": [FIXED, adaptive], "/channel/snr_db": [0, 10]}
    expect(claim, "a file of plans", {"/sweep": sweep}, "plans",
           lambda: plans.write_text(plans.read_text() + "\n"),
           lambda point: point["/transmitter/policy"]["kind"] == "pareto")


def body(claim):
    claim.work.mkdir(parents=True, exist_ok=True)
    demand(claim, "a changed table, a changed part of the code: points run again", r"^StaleResults\.", 3,
           "exactly those that use it")
    demand(claim, "the sum of a table is over every value in it", r"^Numerics\.TheSumOf", 2)
    demand(claim, "a point is known by all it uses, and by nothing else",
           r"^Numerics\.(APointUses|EveryFile|EveryPart|AnyOtherVersion)", 4)
    demand(claim, "a code that makes other bits has another version", r"^CodeVersions\.")
    changed_model(claim)
    changed_plans(claim)


measure("changes run exactly the points again that they touch", body, build_folder)
