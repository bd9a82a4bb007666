#!/usr/bin/env python3
"""Share of the held-out lines (30 characters or more) that occur verbatim in the training set.

usage: overlap.py WORK
"""
import json, sys

work, seen, count = sys.argv[1], set(), {}
for l in open(work + "/train.jsonl"):
    for x in json.loads(l)["text"].split("\n"):
        if len(x.strip()) >= 30: seen.add(hash(x.strip()))
for l in open(work + "/held.jsonl"):
    d = json.loads(l)
    for key in (d["lang"], d["lang"] + " " + d["pkg"]):
        a = count.setdefault(key, [0, 0])
        for x in d["text"].split("\n"):
            if len(x.strip()) >= 30: a[0] += 1; a[1] += hash(x.strip()) in seen
for k, (n, hit) in sorted(count.items()): print("%-40s %6d lines %5.1f %% seen" % (k, n, 100 * hit / max(n, 1)))
