#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# series.sh [FOLDER [SCENARIO]]: what each patch of a series does.
#
# Builds each prefix of the series in FOLDER (default: the nested-context one), from none of its patches
# to all of them, and boots it once with SCENARIO (default: quick). Prints a table of the costs with
# unmanaged memory, medians. Fails if a prefix does not build, does not boot or computes something wrong.
. "$(dirname "$0")/../lib/bench.sh"
series=$(realpath "${1:-kernels/patches/nested-context}") scenario=${2:-quick}

run() { "$nestlab" run "$scenario" --kernel "$1" --boots 1 --db "$dir/series.db" >"$dir/log" 2>&1; }

# row PATCHES KERNEL SIDE: the costs of baseline (base) or of KERNEL (new), both of which have run
row() {
	"$nestlab" compare baseline "$2" --db "$dir/series.db" --json 2>"$dir/log" | python3 -c '
import json, sys
columns = [("multiplex", {"l1": "micro-vmx", "apic_pages": False}),
           ("multiplex", {"l1": "micro-vmx", "apic_pages": True}),
           ("multiplex", {"l1": "micro-evmcs"}),
           ("migrate", {"l1": "micro-vmx"}),
           ("exits", {"l1": "micro-vmx", "reason": "vmcall"})]
metrics = [m for m in json.load(sys.stdin)["metrics"]
           if m["headline"] and m["params"]["memory"] == "unmanaged"]
def cell(scenario, want):
    for m in metrics:
        if m["scenario"] == scenario and want.items() <= m["params"].items():
            return "%.0f" % m[sys.argv[2]]["median"]
    return "-"
print("|", " | ".join([sys.argv[1]] + [cell(*c) for c in columns]), "|")' "$1" "$3"
}

echo "| patches | multiplex, vmx | multiplex, vmx, APIC pages | multiplex, evmcs | migrate, vmx | exits, vmcall |"
echo "| --- | --- | --- | --- | --- | --- |"
run baseline || { cat "$dir/log"; exit 1; }
first=1
for ((n = 1; n <= $(grep -c '^[^#]' "$series/series"); n++)); do
	printf '{ "base": "%s/kernels/baseline.json", "patches": "%s", "patch_count": %d }\n' \
		"$PWD" "$series" "$n" >"$dir/prefix-$n.json"
	if run "$dir/prefix-$n.json"; then
		[ -z "$first" ] || row none "prefix-$n" base
		first=
		row "$n" "prefix-$n" new
	else
		echo "| $n | failed |"
		tail -5 "$dir/log" >&2
		failed=1
	fi
done
exit $failed
