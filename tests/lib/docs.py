#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs.py NESTLAB NESTLABD AGENT: what README.md and docs/*.md name and there is not: a link's file or heading, a path of
the tree, a command, an option of the command on the same line, or of any; a shipped scenario, or how much is in it; a
field of a request. Prints a line for each."""
import glob
import json
import os
import re
import subprocess
import sys

PATH = re.compile(r"(?:kernels|images|scenarios|agents|orchestrator|results|common|tests|docs)/[\w./-]+")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")
# Of other programs, and places that a reader fills in.
FOREIGN = {"constraint", "gres", "partition", "job-name", "add", "help", "version", "global"}
EXAMPLES = {"kernels/my-branch.json", "results/nestlab.db"}


def told(*words):
    return subprocess.run([*words], capture_output=True, text=True, check=False).stdout


def heading(text):
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", text).strip().lower()).replace(" ", "-")


def headings(page):
    with open(page, encoding="utf-8") as f:
        return {heading(m) for m in re.findall(r"^#+ (.*)$", f.read(), re.M)}


def read_helps(nestlab):
    """The help of each command and action: {("kernel", "import"): TEXT}."""
    helps = {}
    for command in re.findall(r"^  ([a-z]+) ", told(nestlab, "--help"), re.M):
        text = helps[command,] = told(nestlab, command, "--help")
        if " ACTION " in text:
            for action in re.findall(r"^  ([a-z][a-z-]+)  ", text, re.M):
                helps[command, action] = told(nestlab, command, action, "--help")
    return helps


def find_help(helps, words):
    return helps.get(tuple(words[:2])) or helps.get(tuple(words[:1]))


def links(page, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        path = os.path.join(os.path.dirname(page), name) if name else page
        if re.match(r"https?:|mailto:", link):
            continue
        if not os.path.exists(path):
            yield f"the link {link} leads nowhere"
        elif anchor and path.endswith(".md") and anchor not in headings(path):
            yield f"the link {link}: no such heading"


def paths(text):
    for path in re.findall(r"`([^`\s]+)`", text):
        if PATH.fullmatch(path) and not re.search(r"[A-Z]{3}", path) and path not in EXAMPLES and not os.path.exists(path):
            yield f"{path} is not there"


def commands(line, helps, daemon, known):
    for name, rest in re.findall(r"(?:^|[\s`/])(nestlabd?) ((?:[^`#|]|\\\|)*)", line):
        words = re.match(r"[a-z -]*", rest).group().split(" -")[0].split()
        text = daemon if name == "nestlabd" else find_help(helps, words)
        for option in OPTION.findall(rest) if text else []:
            if "--" + option not in text and option not in FOREIGN:
                yield f"{name} {' '.join(words[:2])} has no --{option}"
    for command in re.findall(r"`(?:build/bin/)?nestlab ([a-z]+)[` ]", line):
        if (command,) not in helps:
            yield f"nestlab {command}: no such command"
    for option in re.findall(r"`--([a-z][a-z0-9-]+)", line):
        if "--" + option not in known and option not in FOREIGN:
            yield f"nobody has --{option}"


def scenarios(nestlab):
    """What docs/scenarios.md says of the shipped files, and how many measurements they have."""
    with open("docs/scenarios.md", encoding="utf-8") as f:
        shipped = f.read().split("## The shipped files")[1]
    told_of = {}
    for names, text in re.findall(r"^- ((?:`[\w-]+`(?:, )?)+): ?((?:.+\n(?!- ))*.*)", shipped, re.M):
        for name in re.findall(r"[\w-]+", names) + re.findall(r"\. `([\w-]+)`:", text):
            told_of[name] = re.findall(r"(\d+) measurements", text)
    for name, count in re.findall(r"^(\S+) +(\d+) measurements?", told(nestlab, "scenario", "list"), re.M):
        if name not in told_of:
            yield f"docs/scenarios.md: nothing is said of {name}"
        elif told_of[name] and count not in told_of[name]:
            yield f"docs/scenarios.md: {name} has {count} measurements, not {told_of[name][0]}"


def fields(value):
    if isinstance(value, dict):
        yield from value.get("properties", {})
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from fields(inside)


def requests(nestlab):
    """The fields of each kind of request that docs/requests.md leaves out."""
    with open("docs/requests.md", encoding="utf-8") as f:
        text = f.read()
    for kind, command in re.findall(r"^\| `(\w+)` \| `nestlab ([a-z ]+)`", text, re.M):
        row = re.search(rf"^\| `{kind}`.*\n(?:\| \|.*\n)*", text, re.M).group()
        for field in sorted(set(fields(json.loads(told(nestlab, *command.split(), "--describe"))))):
            if not re.search(rf"\b{field}\b", row) and field != "request":
                yield f"docs/requests.md: {kind}: nothing is said of {field}"


def main():
    nestlab, nestlabd, agent = sys.argv[1:]
    helps, daemon = read_helps(nestlab), told(nestlabd, "--help")
    known = "".join(helps.values()) + daemon + told(agent, "--help")
    for page in ["README.md", *sorted(glob.glob("docs/*.md"))]:
        with open(page, encoding="utf-8") as f:
            text = f.read()
        for wrong in [*links(page, text), *paths(text)]:
            print(f"{page}: {wrong}")
        for number, line in enumerate(text.split("\n"), 1):
            for wrong in commands(line, helps, daemon, known):
                print(f"{page}:{number}: {wrong}")
    for wrong in [*scenarios(nestlab), *requests(nestlab)]:
        print(wrong)
    for words, text in helps.items():
        if not text:
            print(f"nestlab {' '.join(words)} --help says nothing")


main()
