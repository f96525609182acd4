# SPDX-License-Identifier: GPL-2.0-only
# mutants.sh - after tap.sh: boots mutants of the nested-context series (tests/mutants/README.md) and
# looks for the messages of the selftest that catches them. One test program per selftest, so that
# they run side by side.

catches=0

# boot_pairs TEST LIMIT_S DB OPTIONS KERNEL...: one boot of each kernel. Two kernels go into one run: the
# second is built while the first boots.
boot_pairs() {
	local test=$1 limit=$2 db=$3 options=$4
	shift 4
	echo "{\"scenarios\":[{\"scenario\":\"kselftest\",\"test\":\"$test\",\"limit_s\":$limit}]}" \
		>"$TMP/$test.json"
	while [ $# -gt 0 ]; do
		# shellcheck disable=SC2086 # options are words
		"$NESTLAB" run "$TMP/$test.json" "${@:1:2}" --boots 1 --db "$db" $options \
			>/dev/null 2>>"$TMP/err"
		shift $(($# > 1 ? 2 : 1))
	done
}

# is_caught DB MUTANT TEST WHERE REGEX
is_caught() {
	local text query="SELECT error FROM run WHERE kernel_name = '$2'"
	[ "$4" = console ] || query="SELECT text FROM test JOIN run ON run.id = test.run
		WHERE kernel_name = '$2' AND name = '$3' AND result = 'fail'"
	text=$(sqlite3 "$1" "$query")
	is "$(sqlite3 "$1" "SELECT status FROM run WHERE kernel_name = '$2'")" fail "$2: its run failed"
	like "$text" "$5" "$2: caught by $3: $(grep -oE -m1 -- ".{0,60}$5.{0,40}" <<<"$text")"
}

# catch TEST LIMIT_S [OPTION...]: the series passes TEST and each mutant of the table on stdin fails it.
# LIMIT_S: seconds of the emulated clock that the selftest may take. A line of the table:
#
#	mutant | where: output or console | what it says (extended regular expression)
catch() {
	local test=$1 limit=$2 db=$TMP/$((++catches)).db mutant where what
	local table kernels=(--kernel=nested-context)
	shift 2
	mapfile -t table
	for mutant in "${table[@]%%|*}"; do
		kernels+=("--kernel=$TOP/tests/mutants/$mutant.json")
	done
	boot_pairs "$test" "$limit" "$db" "$*" "${kernels[@]}"
	is "$(sqlite3 "$db" "SELECT status FROM run WHERE kernel_name = 'nested-context'")" pass \
		"nested-context passes${*:+, $*}"
	is "$(sqlite3 "$db" "SELECT name FROM test JOIN run ON run.id = test.run
		WHERE result = 'pass' AND kernel_name = 'nested-context'")" "$test" "$test"
	while IFS='|' read -r mutant where what; do
		is_caught "$db" "$mutant" "$test" "$where" "$what"
	done < <(printf '%s\n' "${table[@]}")
}

tell_errors() {
	[ $TAP_FAILED -eq 0 ] || { echo "# what nestlab said:"; sed 's/^/#   /' "$TMP/err"; }
}
