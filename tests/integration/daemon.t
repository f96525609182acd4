#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlabd with agents that fake their boots: from a request to a verdict, and what becomes of it when parts
# are killed, lost or full.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
cd "$TMP" || exit 1

rows() { sqlite3 "$STATE/nestlab.db" "SELECT count(*) FROM run WHERE session = '$1'"; }

# ---- from a request to a verdict ----

start_daemon
request 3 a b >run.json
job=$("$NESTLAB" submit --key one run.json)
is "$("$NESTLAB" submit --key one run.json)" "$job" "the same key again is the same job"
is "$("$NESTLAB" show --json "$job" | jq -r '.state, .boots')" $'queued\n6' "a run is queued, cut into its boots"
start_agent h1 --slots 2
"$NESTLAB" log -f "$job" >log.txt
is $? 0 "log -f ends with the job, with its exit status"
like "$(cat log.txt)" '^\[6\] fake boot 3 of b$' "the log has each boot's lines with its number"
is "$("$NESTLAB" show --json "$job" | jq -r '.state, .verdict, .stored')" $'done\nunchanged\n6' "the job is judged"
is "$(rows "$job")" 6 "its boots are among the results, under its name"
like "$("$NESTLAB" compare a b --session "$job" --db "$STATE/nestlab.db" 2>&1)" unchanged \
	"and can be compared by anybody"
is "$("$NESTLAB" hosts --json | jq -r '.hosts[0] | .name, .state')" $'h1\nup' "the agent's host is there"
"$NESTLAB" run quick --kernel c --boots 1 --submit >submitted.txt
is $? 0 "run --submit takes the options of run"
job=$(sed -n 's/^job \([^;]*\);.*/\1/p' submitted.txt)
await job_is "$job" done
ok $? "and the daemon carries it out"

# ---- cancel ----

kill -TERM "$AGENT"; wait "$AGENT"
is $? 0 "an agent ends at SIGTERM"
FAKE_BOOT=ms=600000 start_agent h1
request 1 slow >slow.json
job=$("$NESTLAB" submit slow.json)
running() { [ "$("$NESTLAB" show --json "$1" | jq -r '.all_boots[0].state')" = running ]; }
await running "$job"
await pgrep -P "$AGENT"
child=$(pgrep -P "$AGENT")
like "$("$NESTLAB" cancel "$job")" cancelled "a running job is cancelled"
gone() { ! kill -0 "$child" 2>/dev/null; }
await gone
ok $? "and its process ends"

# ---- an agent is killed ----

job=$("$NESTLAB" submit slow.json)
await_boot "$job"
kill -KILL "$AGENT"; wait "$AGENT" 2>/dev/null
start_agent h1
await job_is "$job" done
ok $? "a boot whose agent was killed is made again"
is "$("$NESTLAB" show --json "$job" | jq '.all_boots[0].epoch')" 2 "in another attempt"
is "$(rows "$job")" 1 "and stored once"

# ---- the daemon is killed ----

kill -TERM "$AGENT"; wait "$AGENT"
FAKE_BOOT=gate=$TMP/daemon-is-back start_agent h1
job=$("$NESTLAB" submit slow.json)
await_boot "$job"
kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null
start_daemon
: >"$TMP/daemon-is-back"
await job_is "$job" done
ok $? "a boot outlives a daemon that is killed"
is "$("$NESTLAB" show --json "$job" | jq '.all_boots[0].epoch')" 1 "in the same attempt"
is "$(rows "$job")" 1 "and is stored once"

# ---- trouble of the infrastructure ----

kill -TERM "$AGENT"; wait "$AGENT"
"$NESTLAB" reserve --drain h1 >/dev/null # there is no other host to try it on
FAKE_BOOT=infra=1 start_agent h2
job=$("$NESTLAB" submit slow.json)
await job_is "$job" failed
ok $? "a boot that fails by the infrastructure's fault fails in the end"
is "$("$NESTLAB" show --json "$job" | jq -r '.class, .all_boots[0].tries')" $'infrastructure\n3' "after three tries"
is "$(rows "$job")" 0 "and is no result"
is "$("$NESTLAB" hosts --json | jq -r '.hosts[] | select(.name == "h2").state')" quarantined \
	"its host is quarantined"
kill -TERM "$AGENT"; wait "$AGENT"
start_agent h2
up() { [ "$("$NESTLAB" hosts --json | jq -r '.hosts[] | select(.name == "h2").state')" = up ]; }
await up
ok $? "and is up again when its health job was good"
is "$("$NESTLAB" jobs --json | jq -r '.jobs[0] | .kind, .owner')" $'health\nnestlabd' "which is a job as any other"
kill -TERM "$AGENT"; wait "$AGENT"

# ---- the API ----

like "$(api GET /v1/nothing)" '^404 .*"status":404' "a problem is a document"
like "$(api PUT /v1/jobs)" '^405 ' "a method that a path has not"
like "$(api POST /v1/jobs -d '{"request":"run","scenarios":["quick"],"kernels":["a"],"bots":2}')" \
	'^400 .*did you mean' "a wrong request is explained as on the command line"
like "$(api POST /v1/jobs -d '{"request":')" '^400 ' "broken JSON"
head -c 2000000 /dev/zero >big
like "$(api POST /v1/jobs -H 'Content-Type: application/json' --data-binary @big)" '^413 ' "a body that is too large"
like "$(api POST /v1/jobs -H 'Transfer-Encoding: chunked' --data-binary @big)" '^413 ' "in chunks, too"
etag=$(curl -sS -D - -o /dev/null --unix-socket "$STATE/nestlabd.sock" "http://x/v1/jobs/$job" | sed -n 's/^ETag: \(.*\)\r/\1/p')
like "$(api GET "/v1/jobs/$job" -H "If-None-Match: $etag")" '^304 ' "an unchanged job is not sent again"
n=$(api GET '/v1/jobs?limit=2' | cut -c5- | jq '.next')
like "$(api GET "/v1/jobs?limit=2&cursor=$n" | cut -c5- | jq -c '[.jobs[].id]')" "^\[$((n - 1)),$((n - 2))\]" \
	"a list goes on where its page ended"
is "$(grep -m1 '^id: ' < <(curl -sSN --max-time 300 --unix-socket "$STATE/nestlabd.sock" -H 'Last-Event-ID: 1' http://x/v1/events \
	2>/dev/null))" 'id: 2' "events go on after the last that was seen"
like "$(api GET /metrics)" 'nestlabd_jobs\{state="done"\} [0-9]+' "metrics"
routes=$(cd "$TOP" && sed -n 's/.*{"\([A-Z]*\)", "\(\/[^"]*\)", .*/\1 \2/p' orchestrator/daemon/api/route.c | sort)
described=$(api GET /openapi.json | sed '1s/^....//' | jq -r '.paths | to_entries[] | .key as $p | .value | keys[] |
	ascii_upcase + " " + $p' | sort)
is "$described" "$routes" "openapi.json has all routes, and no other"

# ---- a full disk ----

kill -TERM "$DAEMON"; wait "$DAEMON"
is $? 0 "the daemon ends at SIGTERM"
start_daemon --min-free 1000000000
like "$(api POST /v1/jobs -d @slow.json)" '^507 ' "with little disk nothing new is taken"
like "$(api GET /readyz)" '^507 ' "and the daemon says so"

like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
like "$("$NESTLAB" db check --db "$STATE/nestlab.db")" good "nor do the results"
"$NESTLAB" daemon backup --state "$STATE" "$TMP/copy" >/dev/null && "$NESTLAB" daemon restore --state "$TMP/new" "$TMP/copy" >/dev/null
ok $? "a backup can be put back"
is "$(sqlite3 "$TMP/new/daemon.db" 'SELECT count(*) FROM job')" "$(sqlite3 "$STATE/daemon.db" 'SELECT count(*) FROM job')" \
	"with all jobs"
rm "$TMP/new/daemon.db"
: >"$TMP/new/daemon.db-wal"
OUT=$("$NESTLAB" daemon restore --state "$TMP/new" "$TMP/copy" 2>&1)
like "$? $OUT" '^128 .*daemon.db-wal: is there already; move it away first' \
	"beside a journal of another database nothing is put back: it would be written into it"
rm "$TMP/new/daemon.db-wal"
mkdir "$TMP/empty"
for command in "backup --state $TMP/empty $TMP/copy2" "restore --state $TMP/new $TMP/empty"; do
	OUT=$("$NESTLAB" daemon $command 2>&1)
	like "$? $OUT" "^128 .*$TMP/empty/?: neither daemon.db nor nestlab.db is there" "${command%% *} of nothing is an error"
done
echo 'no database at all, and longer than a header of one has to be, which is 100 bytes; what is it, then?' >"$TMP/empty/daemon.db"
OUT=$("$NESTLAB" daemon backup --state "$TMP/empty" "$TMP/copy2" 2>&1)
like "$? $OUT" "^128 .*$TMP/empty/daemon.db: cannot be read: file is not a database" "what cannot be read is named, not the copy"
is "$(ls -A "$TMP/copy2")" "" "of which nothing stays"
plan_done
