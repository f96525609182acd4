#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab db check: good files, and every way in which a file is none.
set -u
. "$(dirname "$0")/../lib/tap.sh"

check() { "$NESTLAB" db check --db "$1" 2>&1; }

echo 'a aaaaaaaaaaaa01 1 emulated switch=30000' | "$TOP/tests/lib/fake-results.py" "$TMP/faked.db"
out=$(check "$TMP/faked.db")
is $? 1 "a run that nestlab did not store: exit status 1"
like "$out" 'run 1: its rows are not what was stored' "and it is named"
is "$(sqlite3 "$TMP/faked.db" 'PRAGMA user_version')" 2 "the old schema was migrated"

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

cp "$TMP/faked.db" "$TMP/newer.db"
sqlite3 "$TMP/newer.db" 'PRAGMA user_version = 77'
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

plan_done
