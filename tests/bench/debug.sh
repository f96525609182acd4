#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# debug.sh [PLAN...]: the series under the kernel's own checks (kernels/nested-context-debug.json).
#
# First tests/kernels/planted-debug.json, a kernel with a fault for each of them: its run has to fail, and to
# name each. Then each PLAN (default: the series' selftests, quick, selftests), one boot each, side by side. tests/bench/debug-save.json,
# a Linux L1 that is saved and restored, takes kernels of its own, with what QEMU needs: 500 CPU s more. Fails if a planted
# fault isn't told, a boot or a test fails, or the kernel complains. An hour of two cores.
. "$(dirname "$0")/../lib/bench.sh"

echo '{"scenarios":[{"scenario":"exits","reason":"cpuid","memory":"managed","rounds":10,"warmup":0}]}' >"$dir/planted.json"
if "$nestlab" run "$dir/planted.json" --kernel tests/kernels/planted-debug.json --boots 1 --db "$dir/planted.db"; then
	echo "FAILED: the run with planted faults passed"
	failed=1
fi
said=$(sqlite3 "$dir/planted.db" "SELECT error FROM run ORDER BY id DESC LIMIT 1" | tr ';' '\n')
for fault in "BUG: sleeping function called from invalid context" "BUG: using smp_processor_id\(\) in preemptible" \
	"WARNING: .*__list_add_valid" "WARNING: possible circular locking dependency" \
	"BUG: KASAN: slab-use-after-free in nested_vmx_run"; do
	grep -oE -m1 "$fault.*" <<<"$said" || {
		echo "FAILED: not told: $fault"
		failed=1
	}
done
write_series_plans
[ $# -gt 0 ] || set -- "$dir"/{switch,series,leak}.json quick selftests
"$nestlab" run "$@" --kernel nested-context-debug --boots 1 --db "$dir/debug.db" || failed=1
exit $failed
