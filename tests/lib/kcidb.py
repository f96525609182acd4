#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is a submission what KCIDB takes? Prints what is wrong, a line each; nothing: it is.

The facts are those of schema 5.3 as published in github.com/kernelci/kcidb-io, kcidb_io/schema/v05_03.py (read at 07cc1885a1ec;
the patterns of ids are from v3 on): which properties there are and which are needed, patterns, lengths, enumerations, no null
anywhere, no NUL in a text. What the schema says in words is looked at as well: ids are unique and lead somewhere, and a
number counts only where the test has run.

usage: kcidb.py FILE..."""
import json, re, sys

ORIGIN = r"[a-z0-9_]+"
STATUS = ["FAIL", "ERROR", "MISS", "PASS", "DONE", "SKIP"]
RUN = ["FAIL", "ERROR", "PASS", "DONE"]


def text(most=None, pattern=r"^[^\0]*$"):
    return lambda v: isinstance(v, str) and (most is None or len(v) <= most) and re.search(pattern, v) is not None


def one_of(words):
    return lambda v: v in words


def items(check):
    return lambda v: isinstance(v, list) and all(check(i) for i in v)


def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool) and v == v and abs(v) != float("inf")


def is_bool(v):
    return isinstance(v, bool)


def is_object(v):
    return isinstance(v, dict)


def record(needed, **known):
    return lambda v: is_object(v) and set(needed) <= set(v) and all(k in known and known[k](v[k]) for k in v)


ID = text(pattern=f"^{ORIGIN}:.*$")
NAME = text(pattern=f"^{ORIGIN}$")
TIME = text(pattern=r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$")
URI = text(pattern=r"^[a-z][a-z0-9+.-]*:[^\s\0]+$")
PATH = text(pattern=r"^([a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)?$")
FILES = items(record(["name", "url"], name=text(pattern=r"^[^/\0]+$"), url=URI))
EXCERPT = text(16384)

SCHEMA = {
    "checkouts": (["id", "origin"], dict(
        id=ID, origin=NAME, tree_name=text(), git_repository_url=URI, git_commit_hash=text(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$"),
        git_commit_name=text(), git_commit_tags=items(text()), git_commit_message=text(), git_repository_branch=text(),
        git_repository_branch_tip=is_bool, patchset_files=FILES, patchset_hash=text(pattern=r"^([0-9a-f]{64})?$"),
        message_id=text(pattern=r"^[^@\s]+@[^@\s]+$"), comment=text(), start_time=TIME, origin_builds_finish_time=TIME,
        origin_tests_finish_time=TIME, log_url=URI, log_excerpt=EXCERPT, valid=is_bool, misc=is_object)),
    "builds": (["checkout_id", "id", "origin"], dict(
        id=ID, origin=NAME, checkout_id=ID, comment=text(), start_time=TIME, duration=is_number,
        architecture=text(pattern=r"^[a-z0-9_]*$"), command=text(), compiler=text(), input_files=FILES, output_files=FILES,
        config_name=text(), config_url=URI, log_url=URI, log_excerpt=EXCERPT, status=one_of(STATUS), misc=is_object)),
    "tests": (["build_id", "id", "origin"], dict(
        id=ID, origin=NAME, build_id=ID, path=PATH, comment=text(), log_url=URI, log_excerpt=EXCERPT, status=one_of(STATUS),
        environment=record([], compatible=items(text(pattern=r"^[^ \0]+(,[^ \0]+)*$")), comment=text(), misc=is_object),
        number=record(["value"], value=is_number, unit=text(), prefix=one_of(["metric", "binary"])), start_time=TIME,
        duration=is_number, input_files=FILES, output_files=FILES, misc=is_object)),
}
PARENTS = {"builds": ("checkout_id", "checkouts"), "tests": ("build_id", "builds")}


def find_nulls(value, where):
    if value is None:
        yield f"{where} is null"
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from find_nulls(inner, f"{where}.{key}")


def check_object(kind, obj, where):
    needed, known = SCHEMA[kind]
    for key in set(needed) - set(obj):
        yield f"{where} has no {key}"
    for key, value in obj.items():
        if key not in known:
            yield f"{where}.{key} is no property of the schema"
        elif not known[key](value):
            yield f"{where}.{key} is not as the schema has it: {value!r:.200}"
    if "number" in obj and obj.get("status") not in RUN:
        yield f"{where}.number: the test has not run"
    if "id" in obj and "origin" in obj and not str(obj["id"]).startswith(f"{obj['origin']}:"):
        yield f"{where}.id is of another origin"


def check(doc):
    version = doc.get("version", {})
    if version.get("major") != 5 or not 0 <= version.get("minor", 0) <= 3 or set(version) - {"major", "minor"}:
        yield f"version: {version}"
    for key in set(doc) - set(SCHEMA) - {"version", "issues", "incidents"}:
        yield f"{key} is no property of the schema"
    yield from find_nulls(doc, "$")
    ids = {kind: [o.get("id") for o in doc.get(kind, [])] for kind in SCHEMA}
    for kind in SCHEMA:
        for i, obj in enumerate(doc.get(kind, [])):
            where = f"$.{kind}[{i}]"
            yield from check_object(kind, obj, where)
            if ids[kind].count(obj.get("id")) > 1:
                yield f"{where}.id is there twice"
            if kind in PARENTS and obj.get(PARENTS[kind][0]) not in ids[PARENTS[kind][1]]:
                yield f"{where}.{PARENTS[kind][0]} leads nowhere"


for name in sys.argv[1:]:
    for complaint in check(json.load(open(name, encoding="utf-8"))):
        print(f"{name}: {complaint}")
