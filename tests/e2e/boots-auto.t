#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# --boots auto for real, on a plan of one short measurement: stops when all is decided, says why, and
# at --max-boots cannot tell.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
scenario() { # scenario FILE SMALLEST_EFFECT
	cat >"$1" <<-END
	{ "metrics": { "switch": { "smallest_effect": $2 } },
	  "scenarios": [ { "scenario": "multiplex", "l1": "micro-vmx", "memory": "unmanaged",
		"l2_vcpus": 2, "rounds": 20, "warmup": 4 } ] }
	END
}
auto() { # auto SCENARIO NEW OPTION...: sets out, status, and boots of each kernel
	out=$("$NESTLAB" run "$TMP/$1" --kernel baseline --kernel "$2" --boots auto --db "$db" \
		"${@:3}" 2>"$TMP/err")
	status=$?
	boots=$(sqlite3 "$db" "SELECT count(*) FROM run WHERE kernel_name = 'baseline' AND status = 'pass'
		AND session = (SELECT session FROM run ORDER BY id DESC LIMIT 1)")
	[ $status -ne 128 ] || sed 's/^/# /' "$TMP/err"
}

scenario "$TMP/tiny.json" 0.5
auto tiny.json "$TOP/tests/kernels/twin.json"
is $status 0 "a kernel and its twin: nothing changed"
like "$out" '^unchanged: twin against baseline' "which the summary says"
# Boots of one seed are not always the same: mostly one of each is enough.
ok "$([ "$boots" -ge 1 ] && [ "$boots" -le 3 ]; echo $?)" "decided with $boots of at most three boots of each"
like "$(cat "$TMP/err")" "$boots boots? of each kernel: 0 of [0-9]+ medians undecided, so no more boots: boots of one kernel differ by [0-9.]+ % or less \\(standard deviation; " \
	"and why is said"

like "$out" '^next: \S*nestlab compare .*' "what to look at next"
like "$out" 'at level 0\.05, where each look above had 0\.0063' "and that it is one look more"

auto tiny.json nested-context
is $status 0 "nested-context: no regression"
like "$out" '^improved: nested-context against baseline' "an improvement"
ok "$([ "$boots" -ge 1 ] && [ "$boots" -le 2 ]; echo $?)" "decided with $boots of at most two boots of each"
like "$(cat "$TMP/err")" "$boots boots? of each kernel: 0 of [0-9]+ medians undecided" "and why is said"

# A change just short of the smallest effect that matters, by less than the noise, is not decided.
edge=$("$NESTLAB" compare baseline nested-context --db "$db" --json |
	jq '[.metrics[] | select(.metric == "switch")][0].ratio | 100 * (1 / (0.9995 * .) - 1)')
scenario "$TMP/edge.json" "$edge"
auto edge.json nested-context --max-boots 2
is $status 125 "a change at the edge of what matters ($edge %): cannot tell"
like "$out" '^inconclusive: nested-context against baseline' "inconclusive"
is "$boots" 2 "all boots that --max-boots allows were made"
like "$(cat "$TMP/err")" '2 boots of each kernel: [1-9][0-9]* of [0-9]+ medians undecided, and --max-boots allows no more' \
	"and that they were not enough is said"

plan_done
