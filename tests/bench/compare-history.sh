#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# compare-history.sh [NESTLAB]: CPU seconds (user + system) of `nestlab compare` on made-up databases.
#
# First table: so many boots of either kernel with 8 metrics each, and nothing else; second column: with the
# same four seeds again and again, as night after night. Second table: 10 boots of either, and so many boots
# of other kernels on the same host before them. The databases are the same each time.
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
NESTLAB=${1:-$TOP/build/bin/nestlab}
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT

# boots HISTORY SIDE SEEDS: lines for fake-results.py, HISTORY boots of four other kernels, then SIDE of a and b
# with SEEDS different seeds.
boots() {
	awk -v history="$1" -v side="$2" -v seeds="$3" '
	function boot(kernel, key, seed, level,    m) {
		printf "%s %s%012d %d emulated", kernel, key, 1, seed
		for (m = 1; m <= 8; m++)
			printf " m%d=%d", m, 1000 * m * level * (1 + (rand() + rand() + rand() - 1.5) / 100)
		print ""
	}
	BEGIN {
		srand(20)
		for (i = 0; i < history; i++)
			boot("k" i % 4, "0" i % 4, i + 1, 20)
		for (i = 0; i < side; i++) {
			boot("a", "aa", i % seeds + 1, 20)
			boot("b", "bb", i % seeds + 1, 20.05)
		}
	}'
}

# cpu HISTORY SIDE SEEDS: makes the database and compares.
cpu() {
	local user system times
	rm -f "$TMP"/bench.db*
	boots "$1" "$2" "$3" | "$TOP/tests/lib/fake-results.py" "$TMP/bench.db"
	times=$( { TIMEFORMAT='%U %S'; time "$NESTLAB" compare a b --db "$TMP/bench.db" --json >"$TMP/out"; } 2>&1)
	read -r user system <<<"$(tail -n 1 <<<"$times")"
	awk -v u="$user" -v s="$system" 'BEGIN { printf "%.2f", u + s }'
}

echo "| boots of each kernel | CPU seconds | four seeds |"
echo "| --- | --- | --- |"
for n in 250 500 1000 2000; do
	echo "| $n | $(cpu 0 "$n" "$n") | $(cpu 0 "$n" 4) |"
done
echo
echo "| boots of other kernels | CPU seconds |"
echo "| --- | --- |"
for n in 500 2000 8000 32000; do
	echo "| $n | $(cpu "$n" 10 10) |"
done
