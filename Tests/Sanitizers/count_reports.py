#!/usr/bin/env python3
"""Counts what a sanitizer reported: count_reports.py NAME SOURCES FILE… prints the reports that have a frame of ours.

NAME is address, undefined or thread; SOURCES is the folder of Heed's sources. The last line is the count of those
reports and of all; the exit status is 1 where the first is not 0. The same place is printed once.
"""

import pathlib
import re
import sys

# Where a report begins.
BEGINNINGS = {
    "address": re.compile(r"ERROR: (Address|Leak)Sanitizer|AddressSanitizer:DEADLYSIGNAL"),
    "undefined": re.compile(r": runtime error: "),
    "thread": re.compile(r"WARNING: ThreadSanitizer|ERROR: ThreadSanitizer|FATAL: ThreadSanitizer"),
}


def reports(text, name):
    """The reports of a sanitizer in a file, each as its lines."""
    report, owner = [], None
    for line in text.splitlines():
        begun = next((other for other, beginning in BEGINNINGS.items() if beginning.search(line)), None)
        if begun:
            if owner == name:
                yield report
            report, owner = [], begun
        report.append(line)
    if owner == name:
        yield report


def main():
    name, sources = sys.argv[1], str(pathlib.Path(sys.argv[2]).resolve()) + "/"
    seen, total, ours = set(), 0, 0
    for path in sys.argv[3:]:
        text = pathlib.Path(path).read_text(errors="replace")
        for report in reports(text, name):
            total += 1
            frames = [line for line in report if sources in line]
            if not frames:
                continue
            ours += 1
            place = frames[0].split(sources)[1].split()[0]
            if place not in seen:
                seen.add(place)
                print(f"\n{path}: {place}")
                print("\n".join(report[:40]))
    print(f"{name}: {ours} reports with a frame of Heed, {total - ours} without")
    sys.exit(1 if ours else 0)


main()
