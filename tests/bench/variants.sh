#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# variants.sh [VARIANT...]: the series on kernels with another configuration (default: preempt mitigations).
#
# Of each VARIANT, nested-context-VARIANT beside baseline-VARIANT (docs/kernels.md):
#	mutants				is each caught there, too, by what catches it in tests/e2e (CPUS=2: on two CPUs)?
#	quick				what is cheaper, and what is not
#	selftests			on CPUs of "1 2 4" (SELFTEST_CPUS): the tree's selftests and the series' own
# STEPS="quick mutants" takes only these. Fails if a boot or a test fails, or a mutant escapes. An hour of two
# cores a variant, of which the kernels take 8 CPU minutes: 5 the baseline, 41 s the series, 10 to 15 s a mutant.
. "$(dirname "$0")/../lib/bench.sh"

compare_quick() {
	"$nestlab" run quick --kernel "baseline-$1" --kernel "nested-context-$1" --db "$dir/$1.db"
}

# run_selftests VARIANT CPUS
run_selftests() {
	echo "{\"driver\":\"emulated\",\"cpus\":$2}" >"$dir/$2cpu.json"
	"$nestlab" run "$dir"/{switch,series,leak}.json selftests --kernel "nested-context-$1" --boots 1 \
		--host "$dir/$2cpu.json" --db "$dir/$1.db"
}

# catch_mutants VARIANT: one is built first, since a tree is kept if something is built upon it: so the series is built once
catch_mutants() {
	jq ".base += \"-$1\" | .patches = \"$PWD/tests/mutants/never-unmap\"" tests/mutants/never-unmap.json \
		>"$dir/never-unmap.json"
	"$nestlab" kernel build "$dir/never-unmap.json" &&
		VARIANT=$1 prove -v -j2 $(ls tests/e2e/mutants-*.t | grep -v apply)
}

write_series_plans
for variant in ${*:-preempt mitigations}; do
	for step in ${STEPS:-mutants quick selftests}; do
		echo "== $variant: $step"
		case $step in
		quick) compare_quick "$variant" || failed=1 ;;
		selftests)
			for cpus in ${SELFTEST_CPUS:-1 2 4}; do run_selftests "$variant" "$cpus" || failed=1; done
			;;
		mutants) catch_mutants "$variant" || failed=1 ;;
		*) echo "no step $step" >&2; failed=1 ;;
		esac
	done
done
exit $failed
