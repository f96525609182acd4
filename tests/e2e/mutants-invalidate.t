#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each mutant of the nested-context series is caught by the selftest that tests/mutants/README.md names,
# with its message; the series itself passes the same selftests. Mutants that have the same catcher are
# booted in pairs, one on each core.
set -u
. "$(dirname "$0")/../lib/tap.sh"

# mutant | its catcher | where: output or console | what it says (extended regular expression)
table() {
	grep -vE '^(#|$)' <<'EOF'
ask-unused|nested_context_invalidate_test|output|no end within
never-invalidate|nested_context_invalidate_test|output|not ok 1 MSR bitmap, MADV_DONTNEED
skip-dirty|nested_context_invalidate_test|output|not ok 12 dirty log, virtual-APIC page, nested exit
skip-dirty-evmcs|nested_context_invalidate_test|output|not ok 15 dirty log, eVMCS
stale-gpa|nested_context_invalidate_test|output|0x12 != 0x1f \(vmreadz\(VM_EXIT_REASON\) != EXIT_REASON_MSR_READ\)
stale-msr-bitmap|nested_context_invalidate_test|output|not ok 1 MSR bitmap, MADV_DONTNEED
ignore-limit|nested_context_switch_test|output|reuse 27, expected 24; recycle 0, expected 0
foreign-vmclear|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
free-while-loaded|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
keep-old-pointers|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
recycle-keeps-vcpu|nested_context_abuse_test|console|WARNING.* nested_vmcs02_write_page
EOF
}
# One needs two CPUs: one that takes a page away, one that L2 goes on to use it on.
two_cpus='never-evict|nested_context_invalidate_test|output|not ok [0-9]+ L2 running, no TLB flush'
mapfile -t catchers < <(table | cut -d'|' -f2 | uniq)

# How many seconds of the emulated clock each catcher may take: what it takes, and half again.
declare -A limits=([nested_context_invalidate_test]=15 [nested_context_abuse_test]=60
	[nested_context_switch_test]=120)

# scenario NAME TEST...: writes a scenario file
scenario() {
	local name=$1 test entries=()
	shift
	for test; do
		entries+=("{\"scenario\":\"kselftest\",\"test\":\"$test\",\"limit_s\":${limits[$test]}}")
	done
	(IFS=,; echo "{\"scenarios\":[${entries[*]}]}") >"$TMP/$name.json"
}

# run DB SCENARIO --kernel=KERNEL...
run() {
	"$NESTLAB" run "$TMP/$2.json" "${@:3}" --boots 1 --db "$TMP/$1.db" >/dev/null 2>>"$TMP/err"
}

# boot TEST: all mutants that TEST catches, one boot each
boot() {
	local kernels=() mutant i
	for mutant in $(table | awk -F'|' -v t="$1" '$2 == t { print $1 }'); do
		kernels+=("--kernel=$TOP/tests/mutants/$mutant.json")
	done
	scenario "$1" "$1"
	for ((i = 0; i < ${#kernels[@]}; i += 2)); do
		run mutants "$1" "${kernels[@]:i:2}"
	done
}

# caught MUTANT TEST WHERE REGEX
caught() {
	local text query="SELECT error FROM run WHERE kernel_name = '$1'"
	[ "$3" = console ] || query="SELECT text FROM test JOIN run ON run.id = test.run
		WHERE kernel_name = '$1' AND name = '$2' AND result = 'fail'"
	text=$(sqlite3 "$TMP/mutants.db" "$query")
	is "$(sqlite3 "$TMP/mutants.db" "SELECT status FROM run WHERE kernel_name = '$1'")" fail \
		"$1: its run failed"
	like "$text" "$4" "$1: caught by $2: $(grep -oE -m1 -- ".{0,60}$4.{0,40}" <<<"$text")"
}

build() { # build MUTANT
	"$NESTLAB" kernel build "$TOP/tests/mutants/$1.json" >/dev/null 2>>"$TMP/err"
	ok $? "$1 builds"
}

# A mutant first: it has the series built with its tree kept, which all of them are built from. Then the
# series itself, while the other mutants are being built.
mapfile -t mutants < <({ table; echo "$two_cpus"; } | cut -d'|' -f1)
build "${mutants[0]}"
scenario all "${catchers[@]}"
run series all --kernel=nested-context &
for mutant in "${mutants[@]:1}"; do
	build "$mutant"
done
for test in "${catchers[@]}"; do
	boot "$test"
done
limits[nested_context_invalidate_test]=60
scenario two nested_context_invalidate_test
run mutants two "--kernel=$TOP/tests/mutants/never-evict.json" --kernel=nested-context --host=emulated-2cpu
wait
is "$(sqlite3 "$TMP/series.db" "SELECT status FROM run")" pass "nested-context passes"
is "$(sqlite3 "$TMP/series.db" "SELECT name FROM test WHERE result = 'pass'")" \
	"$(printf '%s\n' "${catchers[@]}")" "each catcher"
is "$(sqlite3 "$TMP/mutants.db" "SELECT status FROM run WHERE kernel_name = 'nested-context'")" pass \
	"with two CPUs too"
while IFS='|' read -r mutant test where what; do
	caught "$mutant" "$test" "$where" "$what"
done < <(table; echo "$two_cpus")
[ $TAP_FAILED -eq 0 ] || { echo "# what nestlab said:"; sed 's/^/#   /' "$TMP/err"; }
plan_done
