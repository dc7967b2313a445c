#!/usr/bin/env python3
"""summary.py FOLDER: adds up the results of ctest there (*.xml, and *.again.xml of the tests that failed the first time); prints each
skipped test with its reason, and each that passed only at the second time. As root a skipped test is a failed run."""
import glob
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

planted = set()  # what tests/torture/campaign did, each once


def cases(pattern):
    out = {}
    for path in sorted(glob.glob(os.path.join(sys.argv[1], pattern))):
        kind = os.path.basename(path).split(".")[0]
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            output = case.findtext("system-out") or ""
            out[kind, case.get("name")] = (case.get("status"), re.findall(r"SKIPPED: .*", output))
            planted.update(re.findall(r"^planted: .*", output, re.M))
    return out


first = cases("*.first.xml")
again = cases("*.again.xml")
passed = failed = skipped = 0
for key, (status, reasons) in first.items():
    name = "/".join(key)
    if status == "fail" and again.get(key, ("fail", []))[0] == "run":
        print("unsteady:", name, "failed once and passed when run again")
        passed += 1
    elif status == "fail":
        failed += 1
        print("failed:", name)
    elif status == "run" and not reasons:
        passed += 1
    else:
        skipped += 1
        print("skipped:", name, "-", "; ".join(reasons) or "no reason given")
print(*sorted(planted), sep="\n", end="\n" if planted else "")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or passed == 0 or (os.geteuid() == 0 and skipped) else 0)
