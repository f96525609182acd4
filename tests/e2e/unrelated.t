#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the VMM does beside nesting costs no more because there are 192 L2 vCPUs on 24 L1 vCPUs. With the list that
# the series had at first, dropping a page cost 174 % more; a mutant that walks would be caught here.
set -u
. "$(dirname "$0")/../lib/tap.sh"

cat >"$TMP/beside.json" <<-END
	{ "scenarios": [ { "scenario": "unrelated", "l2_vcpus": 192, "l1_vcpus": 24, "apic_pages": true,
		"rounds": 15, "warmup": 3 } ] }
END
db=$TMP/nestlab.db
"$NESTLAB" run "$TMP/beside.json" --kernel baseline --kernel nested-context --boots 1 --db "$db" \
	>"$TMP/out" 2>&1
ok "$([ $? -le 1 ]; echo $?)" "the run gives an answer"
is "$(sqlite3 "$db" "SELECT group_concat(kernel_name || ' ' || status, ', ')
	FROM (SELECT * FROM run ORDER BY kernel_name)")" \
	"baseline pass, nested-context pass" "both kernels pass"
"$NESTLAB" compare baseline nested-context --all --json --db "$db" >"$TMP/json" 2>>"$TMP/out"
while read -r metric percent; do
	ratio=$(jq "[.metrics[] | select(.metric == \"$metric\")][0].ratio" "$TMP/json")
	ok "$(jq -n "if \"$ratio\" != \"null\" and $ratio <= 1 + $percent / 100 then 0 else 1 end")" \
		"$metric: $ratio of the baseline, at most $percent % more"
# The goal for vmm-page is 2. It is outside of all that KVM has cached, and costs what it did; l1-page is amid that, and is searched for.
done <<-END
	vmm-page 2
	vmm-page-no-l2 0.5
	vmm-range 2
	l1-page 3
END
plan_done
