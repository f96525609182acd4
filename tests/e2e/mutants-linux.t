#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of nested VMX beside the nested-context series that only a Linux as L1 finds (tests/mutants/README.md): what it needs
# is interrupts, a TSC of its own, L2s with segments of their own, and an EPT that changes.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

# plan NAME L1 L2_VCPUS
plan() {
	echo "{ \"scenarios\": [ { \"scenario\": \"multiplex\", \"l1\": \"$2\", \"l2_vcpus\": $3,
		\"rounds\": 4, \"warmup\": 1 } ] }" >"$TMP/$1.json"
}

# find_by L1, and a table as that of catch(), all of it told on the console: the series passes, each mutant fails
find_by() {
	local db=$TMP/$1.db mutant where what table kernels=("--kernel=$series")
	mapfile -t table < <(wanted_lines)
	[ ${#table[@]} -gt 0 ] || return 0
	for mutant in "${table[@]%%|*}"; do kernels+=("--kernel=$(variant_of "$mutant")"); done
	boot_pair "$db" "$1" "${kernels[@]}"
	is "$(sqlite3 "$db" "SELECT status FROM run WHERE kernel_name = '$series'")" pass "$series passes with $1"
	while IFS='|' read -r mutant where what; do
		is_caught "$db" "$mutant" "$1" "$where" "$what"
	done < <(printf '%s\n' "${table[@]}")
}

plan linux-kvm linux-kvm 4
find_by linux-kvm <<'EOF'
irq-at-entry|console|a timer of L1's did not end the run of an L2 that takes no exit
rare-lost|console|a register that only some exits bring to L1 lost its value
tsc-of-l0|console|L2's TSC went back, or is not between L1's readings before and after
EOF
plan linux-evmcs linux-evmcs 4
find_by linux-evmcs <<'EOF'
invept-current|console|L2 does not see the page that L1 gave it, but the one before
EOF
tell_errors
plan_done
