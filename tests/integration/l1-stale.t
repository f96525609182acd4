#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that goes on with an MSR bitmap which is no longer L1's: churn fails it on integrity. The
# same churn passes on the right kernel.
set -u
. "$(dirname "$0")/../lib/tap.sh"

db=$TMP/nestlab.db
cat >"$TMP/churn.json" <<-END
	{ "scenarios": [ { "scenario": "churn", "operation": ["dontneed", "migrate-page", "memslot",
		"msr-bitmap"], "l1": ["micro-vmx", "micro-evmcs"], "memory": ["managed", "unmanaged"],
		"apic_pages": true, "l2_vcpus": 2, "rounds": 16, "warmup": 0 } ] }
END

run() {
	out=$("$NESTLAB" run "$TMP/churn.json" --kernel "$1" --boots 1 --db "$db" 2>&1)
	status=$?
}
failures() { # OPERATION MEMORY: how many failures are stored
	sqlite3 "$db" "SELECT count(*) FROM test JOIN measurement AS m ON m.id = test.measurement
		WHERE result = 'fail' AND json_extract(params, '\$.operation') = '$1'
		AND json_extract(params, '\$.memory') = '$2'"
}

run baseline
is $status 0 "churn passes on the baseline"
[ $status -eq 0 ] || sed 's/^/# /' <<<"$out"

run "$TOP/tests/kernels/stale-msr-bitmap.json"
is $status 1 "churn fails the kernel that never refreshes: exit 1"
like "$out" 'integrity: ' "class integrity is said"
like "$out" 'RDMSR did not exit although the MSR bitmap says that it must' "and what was wrong"
is "$(sqlite3 "$db" 'SELECT class FROM run ORDER BY id DESC LIMIT 1')" integrity "and stored"
for operation in dontneed migrate-page memslot msr-bitmap; do
	[ "$(failures $operation managed)" -gt 0 ]
	ok $? "found by $operation, managed memory"
done
for operation in migrate-page memslot msr-bitmap; do
	[ "$(failures $operation unmanaged)" -gt 0 ]
	ok $? "found by $operation, unmanaged memory"
done
plan_done
