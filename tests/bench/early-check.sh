#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# early-check.sh [PLAN...]: the series with kvm_intel.nested_early_check=1, i.e. with an attempt to enter L2 before each entry.
#
# Each PLAN (default: quick) on tests/kernels/early-check-baseline.json and early-check.json, which set a field that Bochs wants
# to be set; and the series' selftests on the latter. Fails if a boot or a test fails.
. "$(dirname "$0")/../lib/bench.sh"

for plan in ${*:-quick}; do
	"$nestlab" run "$plan" --kernel tests/kernels/early-check-baseline.json --kernel tests/kernels/early-check.json \
		--append kvm_intel.nested_early_check=1 --db "$dir/early.db" || failed=1
done
"$nestlab" run nested-context --kernel tests/kernels/early-check.json --boots 1 \
	--append kvm_intel.nested_early_check=1 --db "$dir/early.db" || failed=1
exit $failed
