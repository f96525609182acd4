# SPDX-License-Identifier: GPL-2.0-only
# tap.sh - TAP for the shell tests. Source it, make assertions, end with plan_done.
#
#	TOP, NESTLAB, TMP: the checkout, the program, a folder of the test's own (removed at exit)

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NESTLAB=${NESTLAB:-$TOP/${BUILD:-build}/bin/nestlab}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/nestlab-test.XXXXXX")
TAP_COUNT=0
TAP_FAILED=0
trap 'rm -rf "$TMP"' EXIT
export XDG_CONFIG_HOME=$TMP/config # variants of whoever runs the tests do not count

# ok STATUS NAME: passes when STATUS is 0
ok() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TAP_COUNT - $2"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		echo "not ok $TAP_COUNT - $2"
	fi
}

# is GOT WANT NAME
is() {
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || printf '# got:  %s\n# want: %s\n' "$1" "$2"
}

# like TEXT REGEX NAME (extended regular expression)
like() {
	local found
	grep -qE -- "$2" <<<"$1"
	found=$?
	ok $found "$3"
	[ $found -eq 0 ] || { echo "# no match for: $2"; head -20 <<<"$1" | sed 's/^/#   /'; }
}

unlike() {
	! grep -qE -- "$2" <<<"$1"
	ok $? "$3"
}

await() { # await COMMAND...: until it succeeds, five minutes at most: the limit ends a test that hangs, and is no part of what it says
	local i
	for ((i = 0; i < 6000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

skip() { # skip NAME REASON
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# No file in the place of a device: tests run as root, and a program that replaces what it is to write would.
plan_done() {
	local file
	for file in /dev/stdout /dev/stderr /dev/null /dev/zero; do
		[ ! -f "$file" ] || [ -L "$file" ] || is "$file is a file" "" "the machine's devices are left alone"
	done
	echo "1..$TAP_COUNT"
	[ $TAP_FAILED -eq 0 ]
	exit $?
}
