#!/usr/bin/env python3
"""Bar 11: the suite under AddressSanitizer and UndefinedBehaviorSanitizer."""
import os
import re
import subprocess

from bar import ROOT, NotMeasured, measure

REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:")


def body(bar):
    build = ROOT / "build-asan"
    bar.work.mkdir(parents=True, exist_ok=True)
    for name, command in (("configure", ["cmake", "--preset", "asan"]), ("build", ["cmake", "--build", str(build), "-j", str(bar.options.jobs)])):
        ended = bar.execute(command, bar.work / f"{name}.log")
        if ended.status != 0:
            raise NotMeasured(f"{' '.join(command)} ended with status {ended.status}, see {bar.work / name}.log")
    select = [] if bar.options.everything else ["-L", "gate"]
    log = bar.work / "tests.log"
    environment = os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_leaks=1"}
    with open(log, "w") as sink:
        status = subprocess.run(["ctest", "--test-dir", str(build), "--output-on-failure", "--no-tests=error", *select],
                                stdout=sink, stderr=subprocess.STDOUT, env=environment).returncode
    text = log.read_text(errors="replace")
    passed = len(re.findall(r"\d+/\d+ Test\s+#\d+: .* Passed ", text))
    ran = len(re.findall(r"\d+/\d+ Test\s+#\d+: ", text))
    bar.check("tests", f"{passed} of {ran} pass, ctest status {status}", status == 0 and ran > 0 and passed == ran, "all pass")
    reports = len(REPORT.findall(text))
    bar.check("reports of a sanitizer", str(reports), reports == 0, "none")


def arguments(parser):
    parser.add_argument("--everything", action="store_true", help="the long tests too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at a time")


measure("the suite under ASan and UBSan", body, arguments)
