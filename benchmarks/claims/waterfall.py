"""What claims that run the link laboratory share: semwave link, and where a waterfall meets a frame error rate."""
import math

from claim import ROOT, NotMeasured, last_words


def link(claim, out, settings, name="link_ldpc.json"):
    scenario = ROOT / "scenarios" / name
    folder, log = claim.work / out, claim.work / f"{out}.log"
    ended = claim.execute(claim.command("link", scenario, settings, folder), log)
    if ended.status != 0:
        raise NotMeasured(f"semwave link {scenario} ended with status {ended.status}: {last_words(log)}")
    return claim.rows(out)


def crossing(rows, target=1e-2, share="fer"):
    """Es/N0 at which FER, or another share of the frames, meets the target, with the interval that those of the two points beside it allow; None where it is not met between two points."""
    known = sorted(((row["es_n0_db"], row[share], row[f"{share}_ci95"]) for row in rows if row[share]), key=lambda one: one[0])
    for (left, fer_left, ci_left), (right, fer_right, ci_right) in zip(known, known[1:]):
        if not fer_left >= target >= fer_right:
            continue

        def at(a, b):
            return left + (right - left) * math.log(a / target) / math.log(a / b)

        return at(fer_left, fer_right), at(ci_left[0], ci_right[0]), at(ci_left[1], ci_right[1])
    return None
