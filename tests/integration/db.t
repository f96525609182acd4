#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab db: good files, every way in which a file is none, the chain of seals, merging.
set -u
. "$(dirname "$0")/../lib/tap.sh"

check() { "$NESTLAB" db check --db "$1" 2>&1; }

echo 'a aaaaaaaaaaaa01 1 emulated switch=30000' | "$TOP/tests/lib/fake-results.py" "$TMP/faked.db"
out=$(check "$TMP/faked.db")
is $? 1 "a run that nestlab did not store: exit status 1"
like "$out" 'run 1: its rows are not what was stored' "and it is named"
is "$(sqlite3 "$TMP/faked.db" 'PRAGMA user_version')" 1 "the old schema was read, not migrated"
out=$("$NESTLAB" db migrate --db "$TMP/faked.db")
is $? 0 "db migrate"
is "$(sqlite3 "$TMP/faked.db" 'PRAGMA user_version')" 4 "brings it to the newest"
like "$out" 'faked\.db: 2 seals, head [0-9a-f]{64}$' "and says how long the chain is"
like "$(check "$TMP/faked.db")" 'run 1: its rows are not what was stored' "which blesses nothing"

sqlite3 "$TMP/faked.db" "UPDATE metric SET median = 1" 2>"$TMP/err"
is $? 19 "a result cannot be changed"
like "$(cat "$TMP/err")" 'results are immutable' "and the reason is said"

echo "none of yours" >"$TMP/text.db"
out=$(check "$TMP/text.db")
is $? 128 "a text is refused"
like "$out" 'text\.db: .*not a (nestlab )?database' "by name"

sqlite3 "$TMP/theirs.db" 'CREATE TABLE t (x)'
out=$(check "$TMP/theirs.db")
is $? 128 "another program's database is refused"
like "$out" 'not a nestlab database' "as what it is"

sqlite3 "$TMP/newer.db" 'PRAGMA application_id = 0x4e53544c; PRAGMA user_version = 77; CREATE TABLE t (x)'
out=$(check "$TMP/newer.db")
is $? 128 "a newer schema is refused"
like "$out" 'newer nestlab \(schema 77' "with both versions"

out=$(ulimit -n 5 && check "$TMP/faked.db")
is $? 128 "without descriptors it cannot be opened"
like "$out" 'Too many open files' "and the cause is named"
unlike "$out" 'permissions' "which is not a permission"

out=$(check "$TMP/missing.db")
is $? 128 "a missing file is refused"
[ ! -e "$TMP/missing.db" ]
ok $? "and not created"
"$NESTLAB" db 2>/dev/null
is $? 129 "nothing to do: usage"

: >"$TMP/empty.db"
for command in "db check" "db head" "compare a b" "report a b" "bisect --log" "bisect --resume"; do
	out=$("$NESTLAB" $command --db "$TMP/empty.db" 2>&1)
	is "$? $(grep -c 'empty\.db: an empty file, not a nestlab database' <<<"$out") $(stat -c %s "$TMP/empty.db")" \
		"128 1 0" "an empty file is no database: $command"
done
out=$(check "$TMP")
is $? 128 "a folder is refused"
like "$out" 'not a file' "as what it is"

# ---- a boot that nestlab stored, and one that is removed ----

# stored DB: a database of version 1 with one sealed run, brought to the newest schema
stored() {
	sqlite3 "$1" <"$TOP/tests/fixtures/results/version-1.sql"
	"$NESTLAB" db migrate --db "$1"
}
stored "$TMP/good.db" >/dev/null
out=$(check "$TMP/good.db")
is $? 0 "a good file: exit status 0"
like "$out" '^\(1 rows are older than the chain, which began at 20.*: what was done to them before, it cannot show\)' \
	"what is older than the chain is said to be"
head=$("$NESTLAB" db head --db "$TMP/good.db")
like "$head" 'good\.db: 2 seals, head [0-9a-f]{64}' "db head prints count and head"
noted=$(sed -n 's/.*: \([0-9]*\) seals, head \([0-9a-f]*\)$/\1:\2/p' <<<"$head")
"$NESTLAB" db check --db "$TMP/good.db" --head "$noted" >/dev/null
is $? 0 "db check --head: it is still there"
out=$("$NESTLAB" db check --db "$TMP/good.db" --head "9:${noted#*:}" 2>&1)
is $? 1 "a head further on is not"
like "$out" 'it has 2 seals, not 9: results were removed from its end' "which is said"
"$NESTLAB" db check --db "$TMP/good.db" --head 2:abc 2>/dev/null
is $? 129 "a head that is none: usage"

# case 16: triggers off, run 1 and its rows gone, triggers back
sqlite3 "$TMP/good.db" "SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger'" >"$TMP/triggers.sql"
cp "$TMP/good.db" "$TMP/removed.db"
{
	echo "PRAGMA foreign_keys = OFF;"
	sqlite3 "$TMP/good.db" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger'"
	for t in metric counter test; do echo "DELETE FROM $t WHERE run = 1;"; done
	echo "DELETE FROM run WHERE id = 1; DELETE FROM measurement;"
	cat "$TMP/triggers.sql"
} | sqlite3 "$TMP/removed.db"
out=$(check "$TMP/removed.db")
is $? 1 "a boot that was removed: exit status 1"
like "$out" '^run 1 was removed: seal 2 is of it$' "and it is named"

# ---- merging ----

echo 'b bbbbbbbbbbbb02 1 emulated switch=30000' | "$TOP/tests/lib/fake-results.py" "$TMP/into.db"
out=$("$NESTLAB" db merge "$TMP/good.db" "$TMP/into.db" 2>&1)
is $? 0 "db merge"
like "$out" 'into\.db: 1 boots added from .*good\.db, 0 were there already' "says what was added"
like "$out" 'into\.db: 4 seals, head' "and where the chain ends"
is "$(sqlite3 "$TMP/into.db" 'SELECT count(*) FROM run')" 2 "both boots are there"
before=$("$NESTLAB" db head --db "$TMP/into.db")
out=$("$NESTLAB" db merge "$TMP/good.db" "$TMP/into.db" 2>&1)
like "$out" ' 0 boots added from .*, 1 were there already' "the same again adds nothing"
is "$("$NESTLAB" db head --db "$TMP/into.db")" "$before" "and no seal"
out=$("$NESTLAB" db merge "$TMP/removed.db" "$TMP/into.db" 2>&1)
is $? 128 "one that does not pass its check is refused"
like "$out" 'nothing was merged.*run 1 was removed' "with the fault"
"$NESTLAB" db merge "$TMP/good.db" 2>/dev/null
is $? 129 "one operand: usage"
"$NESTLAB" db merge "$TMP/good.db" "$TMP/nowhere.db" 2>/dev/null
is "$? $(ls "$TMP"/nowhere.db 2>/dev/null)" "128 " "a database that is not there is not made"

plan_done
