#!/usr/bin/env python3
"""Adds up the results of ctest; prints each skipped test with its reason. As root a skipped test is a failed run."""
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for path in sys.argv[1:]:
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        output = case.findtext("system-out") or ""
        reasons = re.findall(r"SKIPPED: .*", output)
        if status == "run" and not reasons:
            passed += 1
        elif status == "fail":
            failed += 1
            print("failed:", case.get("name"))
        else:
            skipped += 1
            print("skipped:", case.get("name"), "-", "; ".join(reasons) or "no reason given")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
as_root = os.geteuid() == 0
sys.exit(1 if failed or passed == 0 or (as_root and skipped) else 0)
