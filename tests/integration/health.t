#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The numbers of a host's health jobs have to be those that it had before. Boots are faked (tests/lib/fake_boot.c).
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
cd "$TMP" || exit 1

health() { # health SQL: of the newest health job
	sqlite3 "$STATE/daemon.db" "SELECT $1 FROM job WHERE kind = 'health' AND ended IS NOT NULL ORDER BY id DESC LIMIT 1"
}
count() { sqlite3 "$STATE/daemon.db" "SELECT count(*) FROM job WHERE kind = 'health' AND ended IS NOT NULL AND $1"; }
over() { [ "$(count 1)" -ge "$1" ]; }
host_is() { [ "$(sqlite3 "$STATE/daemon.db" 'SELECT state FROM host')" = "$1" ]; }
agent() { # agent COST: another one
	[ -z "${AGENT:-}" ] || { kill -TERM "$AGENT"; wait "$AGENT"; }
	FAKE_BOOT=cost=$1 start_agent h1
}

start_daemon --health baseline --health-every 50
agent 1500
await over 7
is "$(sqlite3 "$STATE/daemon.db" "SELECT group_concat(coalesce(verdict, '-'), ' ') FROM (SELECT * FROM job WHERE kind = 'health'
	ORDER BY id LIMIT 6)")" "- - - - - unchanged" "it takes five health jobs to know a host"
is "$(sqlite3 "$STATE/daemon.db" 'SELECT state FROM host')" up "which is up"

agent 1515
await host_is quarantined
ok $? "a host that has become slower is quarantined, though its boots pass"
like "$(sqlite3 "$STATE/daemon.db" 'SELECT reason FROM host')" \
	'health job .* was not good: multiplex switch .*: 151[56] instructions, and 150[01] in [0-9]+ health jobs before \(\+1\.00 %\)' \
	"which says what is off"
is "$(sqlite3 "$STATE/daemon.db" "SELECT count(*) FROM event WHERE type = 'boot.stored' AND job IN (SELECT uid FROM job WHERE
	verdict = 'regressed') AND id < (SELECT id FROM event WHERE type = 'host.quarantined')")" 2 \
	"and not after one boot: noise is as far off at times"
n=$(count "verdict = 'regressed'")
slower() { [ "$(count "verdict = 'regressed'")" -gt $((n + 1)) ]; }
await slower
is "$(sqlite3 "$STATE/daemon.db" 'SELECT state FROM host')" quarantined "it stays there while it is slow: what is off becomes no habit"

agent 1500
await host_is up
ok $? "and is up again when its numbers are back"

agent 1515
await host_is quarantined
"$NESTLAB" quarantine --off h1 >/dev/null
learned() { [ "$(health verdict)" = unchanged ]; }
await learned
is "$? $(sqlite3 "$STATE/daemon.db" 'SELECT state FROM host')" "0 up" \
	"somebody who says that it is up is believed: its numbers are learned anew"
plan_done
