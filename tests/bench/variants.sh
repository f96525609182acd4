#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# variants.sh [VARIANT...]: the series on kernels with another configuration (default: preempt mitigations).
#
# Of each VARIANT, nested-context-VARIANT beside baseline-VARIANT (docs/kernels.md):
#	quick				what is cheaper, and what is not
#	selftests, nested-context	on 1, 2 and 4 CPUs: the tree's selftests and the series' own
#	the mutants			is each still caught by its test (CPUS=2: on two CPUs)?
# STEPS="quick mutants" takes only these. Fails if a boot or a test fails, or a mutant escapes. An hour of two
# cores a variant, of which the kernels take 6 CPU minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
nestlab=${NESTLAB:-${BUILD:-build}/bin/nestlab}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

compare_quick() {
	"$nestlab" run quick --kernel "baseline-$1" --kernel "nested-context-$1" --db "$tmp/$1.db"
}

# run_selftests VARIANT CPUS
run_selftests() {
	echo "{\"driver\":\"emulated\",\"cpus\":$2}" >"$tmp/$2cpu.json"
	"$nestlab" run selftests nested-context --kernel "nested-context-$1" --boots 1 \
		--host "$tmp/$2cpu.json" --db "$tmp/$1.db"
}

for variant in ${*:-preempt mitigations}; do
	for step in ${STEPS:-quick selftests mutants}; do
		echo "== $variant: $step"
		case $step in
		quick) compare_quick "$variant" || failed=1 ;;
		selftests) for cpus in 1 2 4; do run_selftests "$variant" $cpus || failed=1; done ;;
		mutants) VARIANT=$variant prove tests/e2e/mutants-*.t || failed=1 ;;
		*) echo "no step $step" >&2; failed=1 ;;
		esac
	done
done
exit $failed
