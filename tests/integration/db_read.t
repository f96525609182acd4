#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A database that may only be read: what reads it needs no more, and leaves no trace.
set -u
. "$(dirname "$0")/../lib/tap.sh"

# As a user who may write neither the database nor its folder.
if [ "$(id -u)" = 0 ]; then
	user="setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/"
else
	user=env
fi
chmod 755 "$TMP"
mkdir -m 755 "$TMP/bin" "$TMP/ro"
mkdir -m 777 "$TMP/out"
cp "$NESTLAB" "$TMP/bin/nestlab"
cp "$TOP/results/policies/quick.json" "$TMP/policy.json"
chmod 644 "$TMP/policy.json"
DB=$TMP/ro/nestlab.db
fresh() { # a database of schema version 1, as it is without any log
	chmod 755 "$TMP/ro"
	rm -f "$TMP"/ro/*
	"$TOP/tests/lib/fake-results.py" "$DB" <<-END
		base aaaaaaaaaaaa01 1 emulated switch=30000
		good bbbbbbbbbbbb02 1 emulated switch=24000
		base aaaaaaaaaaaa01 2 emulated switch=30003
		good bbbbbbbbbbbb02 2 emulated switch=24002
	END
}
lock() { chmod 444 "$TMP"/ro/* && chmod 555 "$TMP/ro"; }

# What is there, to the nanosecond, and what is in it.
trace() { (cd "$TMP/ro" && stat -c '%n %s %y %U %a' . ./* && sha256sum ./*); }

# reads WHO STATUS REGEX COMMAND...: it says so, and nothing has changed
reads() {
	local who=$1 status=$2 regex=$3 before out got what
	shift 3
	[ -z "$who" ] && who=env
	before=$(trace)
	out=$($who "$TMP/bin/nestlab" "$@" 2>&1)
	got=$?
	what="$case_name: nestlab $1 $2"
	is "$got" "$status" "$what: exit status $status"
	like "$out" "$regex" "$what: it was read"
	is "$(trace)" "$before" "$what: it left no trace"
}

# all WHO BISECT: every command that only reads; BISECT: what bisect --log says
all() {
	reads "$1" 0 'improved: good against base' compare base good --db "$DB"
	reads "$1" 0 'IMPROVED' report base good --db "$DB"
	reads "$1" 125 'BLOCKED' report signoff --policy "$TMP/policy.json" --base base --new good -o "$TMP/out" --db "$DB"
	reads "$1" 1 'run 1: its rows are not what was stored' db check --db "$DB"
	reads "$1" 0 "$3" db head --db "$DB"
	reads "$1" 128 "$2" bisect --log --db "$DB"
}
migrate() { "$NESTLAB" db migrate --db "$DB" >/dev/null; }

none='no bisect was ever started'
fresh && lock
case_name="an old schema, read-only"
all "$user" "$none" 'no chain of seals yet'
is "$(sqlite3 "file:$DB?immutable=1" 'PRAGMA user_version')" 1 "it is as old as it was"
fresh && migrate && lock
case_name="read-only"
all "$user" "$none" '5 seals, head [0-9a-f]{64}'
fresh && migrate
case_name="writable"
all "" "$none" '5 seals, head'

# A read-only mount, where root cannot write either.
cat >"$TMP/mounted.sh" <<'END'
mount --bind "$1/ro" "$1/ro" && mount -o remount,bind,ro "$1/ro" || exit 99
! touch "$1/ro/x" 2>/dev/null || exit 98
"$1/bin/nestlab" compare base good --db "$1/ro/nestlab.db"
END
out=$(unshare -m sh "$TMP/mounted.sh" "$TMP" 2>&1)
status=$?
if [ $status = 99 ] || [ $status = 1 ]; then
	skip "a read-only mount" "no mounts here"
else
	is "$status $(grep -c 'improved: good' <<<"$out")" "0 1" "a read-only mount: compare reads it"
fi

# ---- a log beside it: a writer was killed, or goes on ----

# The log is not folded in when the writer goes.
logged() {
	fresh && migrate
	sqlite3 "$DB" <<-END
		.dbconfig no_ckpt_on_close on
		PRAGMA wal_autocheckpoint = 0;
		INSERT INTO run (kernel_name, kernel_key, agent_sha256, scenario_name, host_name,
			host_identity, session, boot, seed, started, wall_seconds, status, class, error)
			VALUES ('good', 'bbbbbbbbbbbb02', 'agent', 'quick', 'emulated', 'emulated', 's2', 1, 99,
			'2026-11-23T20:00:00Z', 9, 'fail', 'guest', 'kernel panic of the newest');
	END
}
logged >/dev/null
[ -s "$DB-wal" ]
ok $? "(there is a log)"
case_name="a log beside it"
reads "" 125 'kernel panic of the newest' compare base good --db "$DB"
lock
reads "$user" 125 'kernel panic of the newest' compare base good --db "$DB"
chmod 755 "$TMP/ro"
rm "$DB-shm"
chmod 555 "$TMP/ro"
case_name="a log that cannot be used"
reads "$user" 128 'the newest results are in a log beside it .*nestlab db migrate' compare base good --db "$DB"
chmod 755 "$TMP/ro"
chmod 644 "$TMP"/ro/*
migrate
is "$(ls "$TMP/ro")" nestlab.db "db migrate folds the log in"
reads "" 125 'kernel panic of the newest' compare base good --db "$DB"

# A writer who is still there, with what it has just stored in the log.
fresh && migrate
coproc WRITER { sqlite3 "$DB"; }
printf '%s\n' "INSERT INTO run (kernel_name, kernel_key, agent_sha256, scenario_name, host_name,
	host_identity, session, boot, seed, started, wall_seconds, status, class, error) VALUES
	('good', 'bbbbbbbbbbbb02', 'agent', 'quick', 'emulated', 'emulated', 's2', 1, 99,
	'2026-11-23T20:00:00Z', 9, 'fail', 'guest', 'seen live');" ".print stored" >&"${WRITER[1]}"
read -r line <&"${WRITER[0]}"
is "$line" stored "(a writer holds the database open)"
case_name="beside a writer"
reads "" 125 'seen live' compare base good --db "$DB"
chmod 444 "$TMP"/ro/* && chmod 555 "$TMP/ro"
reads "$user" 125 'seen live' compare base good --db "$DB"
chmod 755 "$TMP/ro"
writer=$WRITER_PID
echo .quit >&"${WRITER[1]}"
wait "$writer"

# ---- names and permissions ----

fresh && mkdir "$TMP/ro/50% of #1?" && mv "$DB" "$TMP/ro/50% of #1?/a b.db"
"$NESTLAB" compare base good --db "$TMP/ro/50% of #1?/a b.db" >/dev/null
is $? 0 "a name with blanks and what URIs are made of"
ln -s "50% of #1?/a b.db" "$TMP/ro/link.db"
"$NESTLAB" compare base good --db "$TMP/ro/link.db" >/dev/null
is $? 0 "a link to it"
rm -r "$TMP/ro/50% of #1?" "$TMP/ro/link.db"
fresh && chmod 600 "$DB"
if [ "$(id -u)" = 0 ]; then
	out=$($user "$TMP/bin/nestlab" compare base good --db "$DB" 2>&1)
	is $? 128 "a file that may not be read is refused"
	like "$out" 'Permission denied: this user may not read it' "as what it is"
	chmod 700 "$TMP/ro"
	out=$($user "$TMP/bin/nestlab" compare base good --db "$DB" 2>&1)
	is $? 128 "a folder that may not be searched"
	like "$out" 'Permission denied' "is not taken for a missing file"
fi

plan_done
