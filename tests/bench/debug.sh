#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# debug.sh [PLAN...]: the series under the kernel's own checks (kernels/nested-context-debug.json).
#
# First tests/kernels/planted-debug.json, a kernel with a fault for each of them: its run has to fail, and to
# name each. Then each PLAN (default: quick, selftests, nested-context), one boot. Fails if a planted fault isn't
# told, a boot or a test fails, or the kernel complains.
set -u
cd "$(dirname "$0")/../.." || exit 1
nestlab=${NESTLAB:-${BUILD:-build}/bin/nestlab}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

echo '{"scenarios":[{"scenario":"exits","reason":"cpuid","memory":"managed","rounds":10,"warmup":0}]}' >"$tmp/planted.json"
if "$nestlab" run "$tmp/planted.json" --kernel tests/kernels/planted-debug.json --boots 1 --db "$tmp/planted.db"; then
	echo "FAILED: the run with planted faults passed"
	failed=1
fi
said=$(sqlite3 "$tmp/planted.db" "SELECT error FROM run" | tr ';' '\n')
for fault in "BUG: sleeping function called from invalid context" "BUG: using smp_processor_id\(\) in preemptible" \
	"WARNING: .*__list_add_valid" "WARNING: possible circular locking dependency" \
	"BUG: KASAN: slab-use-after-free in nested_vmx_run"; do
	grep -oE -m1 "$fault.*" <<<"$said" || {
		echo "FAILED: not told: $fault"
		failed=1
	}
done
for plan in ${*:-quick selftests nested-context}; do
	"$nestlab" run "$plan" --kernel nested-context-debug --boots 1 || failed=1
done
exit $failed
