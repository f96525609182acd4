#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that compute what they should and only cost more: an invalidation that walks all
# caches of the VM, and a look-up that knows anonymous memory only. See tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

[ -n "$(printf 'walk-all\nanonymous-only\n' | wanted_lines)" ] || skip_all "neither of its mutants is in MUTANTS"
cat >"$TMP/cost.json" <<-END
	{ "scenarios": [
		{ "scenario": "multiplex", "l1": "micro-evmcs", "l2_vcpus": 16, "backing": ["plain", "memfd"],
		  "rounds": 10, "warmup": 2 },
		{ "scenario": "unrelated", "l2_vcpus": 64, "l1_vcpus": 8, "apic_pages": true, "rounds": 10, "warmup": 2 } ] }
END
db=$TMP/nestlab.db
"$NESTLAB" run "$TMP/cost.json" --kernel "$series" --kernel "$(variant_of walk-all)" \
	--kernel "$(variant_of anonymous-only)" --boots 1 --db "$db" >"$TMP/out" 2>&1
is "$(sqlite3 "$db" "SELECT group_concat(status) FROM run")" "pass,pass,pass" "all three compute what they should"

# mutant, metric, backing, from and to: its ratio to the series
while read -r mutant metric backing from to; do
	ratio=$("$NESTLAB" compare "$series" "$mutant" --all --json --db "$db" 2>>"$TMP/out" | jq "[.metrics[] |
		select(.metric == \"$metric\" and (.params.backing // \"plain\") == \"$backing\")][0].ratio")
	ok "$(jq -n "if $ratio >= $from and $ratio <= $to then 0 else 1 end" || echo 1)" \
		"$mutant: $metric, $backing: $ratio of the series', $from to $to"
done <<-END
	walk-all vmm-page plain 2 9
	walk-all vmm-page-no-l2 plain 0.99 1.01
	walk-all switch memfd 0.99 1.01
	anonymous-only switch memfd 1.05 1.2
	anonymous-only switch plain 0.995 1.005
	anonymous-only vmm-page plain 0.995 1.005
END
[ "$TAP_FAILED" -eq 0 ] || tail -20 "$TMP/out" | sed 's/^/# /'
plan_done
