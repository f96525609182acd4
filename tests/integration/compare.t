#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab compare and its exit status, on databases that were never booted for.
set -u
. "$(dirname "$0")/../lib/tap.sh"

DB=$TMP/test.db
"$TOP/tests/lib/fake-results.py" "$DB" <<END
base aaaaaaaaaaaa01 1 emulated switch=30000 vmptrld=800
good bbbbbbbbbbbb02 1 emulated switch=24000 vmptrld=800
base aaaaaaaaaaaa01 2 emulated switch=30003 vmptrld=801
good bbbbbbbbbbbb02 2 emulated switch=24002 vmptrld=800
bad  cccccccccccc03 1 emulated switch=30900 vmptrld=800
bad  cccccccccccc03 2 emulated switch=30903 vmptrld=800
odd  dddddddddddd04 1 emulated switch=30120 vmptrld=800
odd  dddddddddddd04 2 emulated switch=30160 vmptrld=800
twin aaaaaaaaaaaa01 1 emulated switch=30000 vmptrld=800
twin aaaaaaaaaaaa01 2 emulated switch=30003 vmptrld=801
real eeeeeeeeeeee05 1 tsc switch=900
END
compare() { "$NESTLAB" compare --db "$DB" "$@" 2>&1; }

out=$(compare base good)
is $? 0 "improved: exit status 0"
like "$out" 'switch +30,002 +24,001 +0\.800 +-20\.0 % .*improved' "the table shows the change"
like "$out" '^improved: good against base: 1 improved, 0 regressed' "one line says it all"
unlike "$out" $'\033' "no colour in a pipe"
[ "$(awk '{ gsub(/±/, "+"); if (length($0) > w) w = length($0) } END { print w + 0 }' <<<"$out")" -le 100 ]
ok $? "it fits into 100 columns"

out=$(compare base bad)
is $? 1 "regressed: exit status 1"
like "$out" 'regressed' "and it says so"

out=$(compare base odd)
is $? 125 "cannot tell: exit status 125"
like "$out" 'inconclusive, ~[0-9]+ more boots?' "with how many more boots would settle it"
like "$out" 'with new seeds: nestlab run \.\.\. --boots [0-9]+ --seed 3$' "and the first seed not used yet"

compare base twin >/dev/null
is $? 0 "the same kernel under two names: nothing changed"
out=$(compare base base)
is $? 0 "a kernel against itself"
like "$out" 'base/even against base/odd' "is split into halves"

out=$(compare base real)
is $? 128 "other clocks are refused"
like "$out" 'never compared' "with the reason"
out=$(compare base nobody)
is $? 128 "an unknown kernel is fatal"
like "$out" 'good \(bbbbbbbbbbbb\)' "and the known ones are listed"
compare base >/dev/null
is $? 129 "one kernel: usage"

is "$("$NESTLAB" report base good --db "$DB" --format json | jq -r .repeat | grep -c -- '--boots 1 --seed [12] ')" 2 \
	"a report names the seed of every boot"

"$NESTLAB" compare --db "$DB" base good >/dev/full 2>"$TMP/full"
is $? 128 "what could not be written is no answer"
like "$(cat "$TMP/full")" 'could not be written: No space left' "and says so"
compare base good --metric nosuch >/dev/null
is $? 125 "nothing to compare: cannot tell"

compare base bbbbbbbb >/dev/null
is $? 0 "a key's first digits will do"

out=$(compare --json base good)
is $? 0 "--json"
python3 - "$out" <<'END'
import json, sys
c = json.loads(sys.argv[1])
assert c["base"] == "base" and c["new"] == "good" and c["clock"] == "emulated"
assert c["verdict"] == "improved"
assert [m["metric"] for m in c["metrics"]] == ["switch", "vmptrld"]
m = c["metrics"][0]
assert m["scenario"] == "multiplex" and m["params"]["l2_vcpus"] == 8
assert m["unit"] == "instructions" and m["better"] == "lower" and m["verdict"] == "improved"
assert m["base"]["boots"] == 2 and abs(m["base"]["median"] - 30001.5) < 1
assert m["interval"][0] < m["ratio"] < m["interval"][1] < 1
END
ok $? "has the promised shape"

out=$(compare --metric vmptrld base bad)
is $? 0 "--metric leaves the others out"
unlike "$out" 'switch' "of the table, too"
is "$(compare base good)" "$(compare base good)" "the same boots give the same text"

plan_done
