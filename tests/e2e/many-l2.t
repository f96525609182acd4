#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 64 L2 vCPUs on 4 L1 vCPUs, both back ends, both memories: runs to the end with its integrity
# checked, on the baseline and on the patched kernel (where that is 16 L2 per L1 vCPU).
set -u
. "$(dirname "$0")/../lib/tap.sh"

cat >"$TMP/many.json" <<-END
	{ "scenarios": [
		{ "scenario": "multiplex", "l1": ["micro-vmx", "micro-evmcs"],
		  "memory": ["managed", "unmanaged"], "l2_vcpus": 64, "l1_vcpus": 4,
		  "rounds": 5, "warmup": 1 },
		{ "scenario": "migrate", "l1": ["micro-vmx", "micro-evmcs"],
		  "memory": ["managed", "unmanaged"], "l2_vcpus": 64, "l1_vcpus": 4,
		  "rounds": 3, "warmup": 1 } ] }
END
db=$TMP/nestlab.db
"$NESTLAB" run "$TMP/many.json" --kernel baseline --kernel nested-context --boots 1 --db "$db" \
	>"$TMP/out" 2>&1
ok "$([ $? -le 1 ]; echo $?)" "the run gives an answer"
is "$(sqlite3 "$db" "SELECT group_concat(kernel_name || ' ' || status, ', ')
	FROM (SELECT * FROM run ORDER BY kernel_name)")" \
	"baseline pass, nested-context pass" "both kernels pass"
for kernel in baseline nested-context; do
	is "$(sqlite3 "$db" "SELECT count(DISTINCT measurement) FROM metric JOIN run ON run.id = run
		WHERE kernel_name = '$kernel' AND metric IN ('switch', 'migration')")" 8 \
		"$kernel: all eight measurements gave numbers"
done
plan_done
