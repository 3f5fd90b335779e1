#!/usr/bin/env python3
"""The suite under AddressSanitizer and UndefinedBehaviorSanitizer, and what has threads (the pool and the nodes) under ThreadSanitizer."""
import os
import re
import subprocess

from claim import ROOT, NotMeasured, measure

REPORT = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread)Sanitizer|runtime error:")
THREADED = "^(ThreadPool|Nodes|Security)"


def suite(claim, preset, select):
    build = ROOT / f"build-{preset}"
    for name, command in (("configure", ["cmake", "--preset", preset]), ("build", ["cmake", "--build", "--preset", preset, "-j", str(claim.options.jobs)])):
        log = claim.work / f"{preset}_{name}.log"
        ended = claim.execute(command, log)
        if ended.status != 0:
            raise NotMeasured(f"{' '.join(command)} ended with status {ended.status}, see {log}")
    log = claim.work / f"{preset}_tests.log"
    environment = os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_leaks=1"}
    with open(log, "w") as sink:
        status = subprocess.run(["ctest", "--test-dir", str(build), "--output-on-failure", "--no-tests=error", *select],
                                stdout=sink, stderr=subprocess.STDOUT, env=environment).returncode
    text = log.read_text(errors="replace")
    passed = len(re.findall(r"\d+/\d+ Test\s+#\d+: .* Passed ", text))
    ran = len(re.findall(r"\d+/\d+ Test\s+#\d+: ", text))
    skipped = len(re.findall(r"\d+/\d+ Test\s+#\d+: .*\*\*\*Skipped ", text))  # those that look at the allocator or want a GPU: ctest fails none of them
    claim.check(f"{preset}: tests", f"{passed} of {ran} pass, {skipped} are skipped, ctest status {status}", status == 0 and passed > 0 and passed + skipped == ran and skipped <= ran // 50, "all pass")
    reports = len(REPORT.findall(text))
    claim.check(f"{preset}: reports of the sanitizer", str(reports), reports == 0, "none")


def body(claim):
    claim.work.mkdir(parents=True, exist_ok=True)
    if claim.options.only != "tsan":
        suite(claim, "asan", [] if claim.options.everything else ["-L", "gate"])
    if claim.options.only != "asan":
        suite(claim, "tsan", ["-L", "gate", "-R", THREADED])


def arguments(parser):
    parser.add_argument("--everything", action="store_true", help="the long tests too")
    parser.add_argument("--only", default="", choices=["", "asan", "tsan"])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at a time")


measure("the suite under sanitizers", body, arguments)
