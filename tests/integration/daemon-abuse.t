#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlabd among careless people and on a bad day: what is in its way at the start, a disk that fills up while results
# come, a clock that is set, agents that may not, results that are too large.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
ok $? "the fake boot is built"
cd "$TMP" || exit 1
request 1 slow >one.json
running() { [ "$("$NESTLAB" show --json "$1" | jq -r '.all_boots[0].state')" = running ]; }
rows() { sqlite3 "$STATE/nestlab.db" "SELECT count(*) FROM run WHERE session = '$1'"; }

# ---- in its way at the start ----

start_daemon
like "$("$NESTLABD" --state "$STATE" --workers 0 2>&1)" 'another nestlabd works there' "a second daemon in a state folder is refused"
like "$("$NESTLABD" --state "$TMP/other" --socket "$STATE/nestlabd.sock" --workers 0 2>&1)" 'listens there: .*--socket' \
	"nor does one elsewhere take its socket away"
await answers
ok $? "the first one still answers"
kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null
[ -S "$STATE/nestlabd.sock" ]
ok $? "a daemon that is killed leaves its socket behind"
start_daemon
ok $? "which is in nobody's way"
kill -TERM "$DAEMON"; wait "$DAEMON"
echo precious >"$TMP/precious"
like "$("$NESTLABD" --state "$TMP/other" --socket "$TMP/precious" --workers 0 2>&1)" 'no socket' "--socket names a file: refused"
is "$(cat "$TMP/precious")" precious "and the file is left alone"
mkdir "$TMP/newer"
cp "$STATE/daemon.db" "$TMP/newer/"
sqlite3 "$TMP/newer/daemon.db" 'PRAGMA user_version = 1000'
like "$("$NESTLABD" --state "$TMP/newer" --workers 0 2>&1)" 'written by a newer nestlabd .*update nestlab' \
	"a queue of a newer nestlabd is refused, with what to do"
mkdir "$TMP/damaged"
head -c 8192 /dev/urandom >"$TMP/damaged/daemon.db"
like "$("$NESTLABD" --state "$TMP/damaged" --workers 0 2>&1)" 'daemon\.db' "so is one that is no database"

# ---- an agent that may not ----

start_daemon --plain 127.0.0.1:0 --lease 20000 # packing 9 MB may take a while
port=$(sed -n 's/.*port \([0-9]*\)$/\1/p' "$TMP/daemon.log" | tail -1)
echo nestlab_wrong >"$TMP/wrong"
NESTLAB_TOKEN_FILE=$TMP/wrong NESTLAB_URL=http://127.0.0.1:$port start_agent stranger
await grep -q 'token' "$TMP/agent-stranger.log"
ok $? "an agent with a wrong token says so" || sed 's/^/# /' "$TMP/agent-stranger.log"
kill -0 "$AGENT"
ok $? "and goes on asking: the token may yet be added"
is "$("$NESTLAB" hosts --json | jq '.hosts | length')" 0 "it is no host"
kill -TERM "$AGENT"; wait "$AGENT"

# ---- bodies ----

cut_body() { # half of what was announced, then the end
	python3 - "$STATE/nestlabd.sock" <<-'EOF'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{\"request\":")
		s.shutdown(socket.SHUT_WR)
		s.recv(100)
	EOF
}
cut_body
is "$("$NESTLAB" jobs --json | jq '.jobs | length')" 0 "of a body that is cut nothing is taken"
FAKE_BOOT=huge=9 start_agent h1
job=$("$NESTLAB" submit one.json)
await job_is "$job" failed
ok $? "a result that is too large fails its job"
like "$("$NESTLAB" show "$job")" 'larger than the daemon takes' "which says why"
is "$("$NESTLAB" hosts --json | jq -r '.hosts[0] | .state, .infra_in_row')" $'up\n0' "and is not held against the host"
kill -TERM "$AGENT"; wait "$AGENT"

# ---- a database of results that is damaged ----

start_agent h1
job=$("$NESTLAB" submit one.json)
await job_is "$job" done
kill -TERM "$DAEMON"; wait "$DAEMON"
rm -rf "$TMP/backup"; "$NESTLAB" daemon backup --state "$STATE" "$TMP/backup" >/dev/null
page=$(sqlite3 "$STATE/nestlab.db" "SELECT rootpage FROM sqlite_master WHERE name = 'run'")
head -c 4096 /dev/urandom | dd of="$STATE/nestlab.db" bs=4096 seek=$((page - 1)) conv=notrunc status=none
start_daemon
job=$("$NESTLAB" submit one.json)
await grep -q 'results wait in the inbox: .*nestlab.db: .*put a backup back' "$TMP/daemon.log"
ok $? "a database of results that is damaged: the daemon says so, and what to do" || tail -3 "$TMP/daemon.log" | sed 's/^/# /'
is "$(sqlite3 "$STATE/daemon.db" "SELECT state FROM inbox ORDER BY id DESC LIMIT 1")" new "the result waits"
is "$("$NESTLAB" hosts --json | jq -r '.hosts[] | select(.name == "h1") | .state, .infra_in_row')" $'up\n0' "and nobody's host is charged"
kill -TERM "$DAEMON"; wait "$DAEMON"
cp "$TMP/backup/nestlab.db" "$STATE/nestlab.db"; rm -f "$STATE"/nestlab.db-*
start_daemon
await job_is "$job" done
ok $? "with a backup back it is stored"
kill -TERM "$AGENT"; wait "$AGENT"

# ---- the clock ----

kill -TERM "$DAEMON"; wait "$DAEMON"
faked=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
if [ -e "$faked" ]; then
	echo '+0' >"$TMP/clock"
	LD_PRELOAD=$faked FAKETIME_TIMESTAMP_FILE=$TMP/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 start_daemon
	FAKE_BOOT=ms=1500 start_agent h1
	job=$("$NESTLAB" submit one.json)
	await running "$job"
	echo '-400d' >"$TMP/clock"
	year=$(date -u -d '400 days ago' +%Y)
	second=$("$NESTLAB" submit one.json)
	await job_is "$job" done
	ok $? "the clock is set back by a year while a boot runs"
	echo '+400d' >"$TMP/clock"
	await job_is "$second" done
	ok $? "and forth, by two"
	is "$("$NESTLAB" show --json "$job" | jq '.all_boots[0].epoch') $("$NESTLAB" show --json "$second" | jq '.all_boots[0].epoch')" \
		"1 1" "no lease has ended for it"
	like "$second" "^($year|$(date -u -d '400 days ago' +%Y))" "(the daemon did see that clock)"
	kill -TERM "$AGENT" "$DAEMON"; wait "$AGENT" "$DAEMON"
else
	skip "the clock is set while boots run" "libfaketime is not installed"
fi

# ---- a disk that fills up while a result comes ----

STATE=$TMP/small
mkdir "$STATE"
if mount -t tmpfs -o size=24m tmpfs "$STATE" 2>/dev/null; then
	trap 'umount -l "$STATE"; end_daemons' EXIT
	start_daemon
	FAKE_BOOT="gate=$TMP/full huge=6" start_agent h1
	job=$("$NESTLAB" submit one.json)
	await_boot "$job"
	# room for what is asked before a body is read, and for half a result
	head -c $((($(stat -f -c '%a * %S' "$STATE")) - 4000000)) /dev/zero >"$STATE/others"
	: >"$TMP/full"
	refused() { [ "$(curl -s --unix-socket "$STATE/nestlabd.sock" http://x/metrics | sed -n 's/.*code="5xx"} //p')" -ge 1 ]; }
	await refused
	ok $? "a result that the disk has no room for is refused for now"
	is "$("$NESTLAB" show --json "$job" | jq -r '.all_boots[0].state')" running "nothing of it is taken"
	rm "$STATE/others"
	await job_is "$job" done
	ok $? "when there is room again, it is brought again"
	is "$(rows "$job") $("$NESTLAB" show --json "$job" | jq '.all_boots[0].epoch')" "1 1" "and stored once, of the same attempt"
	like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
	kill -TERM "$AGENT" "$DAEMON"; wait "$AGENT" "$DAEMON"
else
	skip "the disk fills up while a result comes" "a tmpfs cannot be mounted here"
fi
plan_done
