"""The rival of an adaptive policy: the best time-sharing of fixed settings at no more mean channel uses and no more mean operations
of the transmitter, a point of the convex hull of all of them. A setting is (worth, uses, operations).

The hull is found on the very images it is then compared on, which favours the rival: what is above it is above it all the same.
"""
import math
from itertools import combinations


def efficient(settings):
    """Indices of the settings that no other one beats in worth, uses and operations at once."""
    kept = []
    for i, (worth, uses, operations) in enumerate(settings):
        beaten = any(w >= worth and u <= uses and o <= operations and ((w, u, o) != (worth, uses, operations) or j < i)
                     for j, (w, u, o) in enumerate(settings) if j != i)
        if not beaten:
            kept.append(i)
    return kept


def best_mixture(settings, uses, operations=math.inf):
    """{index: share} of the mixture of largest worth within both budgets; None where no mixture keeps them. At most three settings share
    the time, since there are two budgets and the shares sum to 1."""
    indices = efficient(settings)
    best_worth, best = -math.inf, None
    slack = 1e-9

    def offer(shares):
        nonlocal best_worth, best
        if min(shares.values()) < -slack:
            return
        worth, spent, computed = (sum(share * settings[i][part] for i, share in shares.items()) for part in range(3))
        if spent <= uses * (1 + slack) and computed <= operations * (1 + slack) and worth > best_worth:
            best_worth, best = worth, shares

    for i in indices:
        offer({i: 1.0})
    for i, j in combinations(indices, 2):
        for part, budget in ((1, uses), (2, operations)):
            a, b = settings[i][part], settings[j][part]
            if math.isfinite(budget) and a != b and min(a, b) <= budget <= max(a, b):
                share = (budget - b) / (a - b)
                offer({i: share, j: 1 - share})
    if math.isfinite(operations):
        for i, j, k in combinations(indices, 3):
            # Both budgets spent: shares p, q of i, j and 1 - p - q of k.
            (_, u1, o1), (_, u2, o2), (_, u3, o3) = settings[i], settings[j], settings[k]
            a, b, c, d = u1 - u3, u2 - u3, o1 - o3, o2 - o3
            determinant = a * d - b * c
            if abs(determinant) <= 1e-9 * (abs(a * d) + abs(b * c)):
                continue
            e, f = uses - u3, operations - o3
            p, q = (e * d - b * f) / determinant, (a * f - e * c) / determinant
            if p >= -slack and q >= -slack and p + q <= 1 + slack:
                offer({i: p, j: q, k: 1 - p - q})
    return best


def setting(row, metric):
    """(worth, uses, operations) of a result row; metric `accuracy` or `psnr_db`."""
    return row[metric], row["channel_uses"]["total"], row["flops"]["transmitter"]


def mixed(records_of, shares, value):
    """Image by image the mean of value(record) over the shares of a mixture; records_of[index] are one setting's records by image."""
    lists = [(share, records_of[i]) for i, share in shares.items()]
    count = len(lists[0][1])
    return [math.fsum(share * value(records[at]) for share, records in lists) for at in range(count)]
