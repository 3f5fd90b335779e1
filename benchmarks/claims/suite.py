"""Claims that tests of the suite hold: each demand names its tests, runs them with ctest and fails where none ran or one failed.

Figures a test records (GoogleTest's RecordProperty) are shown beside it.
"""
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

from claim import ROOT, NotMeasured

LONGEST_LINE = 200  # of figures that one test records


def build_folder(parser):
    parser.add_argument("--build", default=str(ROOT / "build"), help="build folder of the release preset, tests built")


class Outcome:
    def __init__(self, passed, failed, figures):
        self.passed, self.failed, self.figures = passed, failed, figures


def run_tests(claim, pattern):
    """Runs the tests whose name (Suite.Name) `pattern` finds."""
    build = claim.options.build
    if not os.path.exists(os.path.join(build, "CTestTestfile.cmake")):
        raise NotMeasured(f"{build} is no build folder: cmake --preset release && cmake --build build")
    reports = claim.work / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    ended = subprocess.run(["ctest", "--test-dir", build, "-R", pattern, "--no-tests=ignore"], env=os.environ | {"GTEST_OUTPUT": f"xml:{reports}/"},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (claim.work / "ctest.log").write_text(ended.stdout)
    passed, failed, figures = [], [], []
    for line in ended.stdout.splitlines():
        found = re.match(r"\s*\d+/\d+ Test\s+#\d+: (\S+).*?\.\.\.*(.*?)\s+[\d.]+ sec", line)
        if found:
            (passed if found.group(2).strip() == "Passed" else failed).append(found.group(1))
    for report in sorted(reports.glob("*.xml")):
        for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
            properties = [(entry.get("name"), entry.get("value")) for entry in case.iter("property")]
            if properties:
                said = [f"{name} {value}" for name, value in properties]
                between = ", " if sum(map(len, said)) < LONGEST_LINE else "\n#         "
                figures.append(f"{case.get('classname')}.{case.get('name')}: " + between.join(said))
    if ended.returncode != 0 and not failed:
        raise NotMeasured(f"ctest ended with status {ended.returncode}: {ended.stdout.strip().splitlines()[-1]}")
    return Outcome(passed, failed, figures)


def demand(claim, what, pattern, least=1, wanted="all pass"):
    outcome = run_tests(claim, pattern)
    ran = len(outcome.passed) + len(outcome.failed)
    value = f"{len(outcome.passed)} of {ran} tests pass" + (": failed " + ", ".join(outcome.failed) if outcome.failed else "")
    claim.check(what, value, ran >= least and not outcome.failed, f"{wanted}, at least {least} tests" if least > 1 else wanted)
    for figures in outcome.figures:
        claim.note(figures)
