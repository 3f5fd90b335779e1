#!/usr/bin/env python3
"""16-QAM max-log demapping on one thread: bytes read and written a second, beside those of a memory copy measured in turns with it."""
import counters
from claim import measure


def body(claim):
    made = counters.measured(claim, "^(demapping/4|memory_copy)$", "bytes")
    copies = made["memory_copy"]
    shares = [one / copy for one, copy in zip(made["demapping/4"], copies)]
    value, low, high = counters.median_interval(shares)
    claim.note(f"memory copy: {counters.median_interval(copies)[0] / 1e9:.1f} GB/s read and written")
    claim.check("16-QAM, max-log, share of a memory copy", f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]", value >= 0.5, "at least 50 %, median over the turns")


measure("16-QAM max-log demapping against a memory copy", body, counters.add_arguments)
