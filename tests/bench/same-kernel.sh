#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# same-kernel.sh [COMPARISONS [BOOTS]]: real boots of one kernel against itself, each comparison with
# four fresh boots (or BOOTS, an even number; halves against halves, every boot with a seed of its
# own). None may call anything changed.
# KEEP=FILE keeps the database there, for a closer look; FILE.2, FILE.3, ... with ALONE.
# SCENARIO=l1-quick: of another plan than quick. ALONE=1: each comparison has a database of its own, without a history.
set -u
cd "$(dirname "$0")/../.." || exit 1
NESTLAB=${NESTLAB:-${BUILD:-build}/bin/nestlab}
N=${1:-30} BOOTS=${2:-4}
TMP=$(mktemp -d)
DB=${KEEP:-$TMP/same.db}
FIRST=$DB
trap 'rm -rf "$TMP"' EXIT

changed=0 undecided=0
for ((i = 0; i < N; i++)); do
	[ -n "${ALONE:-}" ] && ((i > 0)) && DB=$FIRST.$((i + 1))
	session=$("$NESTLAB" run "${SCENARIO:-quick}" --kernel baseline --boots "$BOOTS" --seed $((1000 + BOOTS * i)) \
		--db "$DB" 2>&1 | sed -n 's/.*(session \(.*\)).*/\1/p')
	[ -n "$session" ] || { echo "boots failed"; exit 1; }
	json=$("$NESTLAB" compare baseline baseline --session "$session" --db "$DB" --json)
	counts=$(python3 -c '
import json, sys
ms = json.load(sys.stdin)["metrics"]
def n(*verdicts): return sum(m["verdict"] in verdicts for m in ms)
def p99(*verdicts): return sum(m["p99"]["verdict"] in verdicts for m in ms)
print(len(ms), n("improved", "regressed"), p99("improved", "regressed"),
      n("inconclusive"), p99("inconclusive"))' <<<"$json")
	[ -n "$counts" ] || { echo "comparison $((i + 1)) gave no numbers"; exit 1; }
	read -r metrics median tail open open_tail <<<"$counts"
	[ "$metrics" -gt 0 ] || { echo "comparison $((i + 1)) compared no metric"; exit 1; }
	echo "comparison $((i + 1)): $metrics metrics; called changed: $median medians, $tail p99s;" \
		"inconclusive: $open medians, $open_tail p99s"
	changed=$((changed + (median + tail > 0)))
	undecided=$((undecided + (open > 0)))
done
echo "$N comparisons of one kernel with itself: $changed called anything changed," \
	"$undecided left a median open"
[ "$N" -gt 0 ] && [ $changed -eq 0 ]
