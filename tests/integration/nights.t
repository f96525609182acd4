#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Nights over a small history: one slow commit among harmless ones is found, confirmed, bisected and mailed once; its
# revert closes it. Boots and bisects are faked (tests/lib/fake_boot.c), everything else is real.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
cd "$TMP" || exit 1

# ---- schedules that cannot be ----

git init -q -b main repo
git -C repo config user.name test; git -C repo config user.email test@localhost
commit() { # commit COST MESSAGE
	echo "$1" >repo/cost; date +%N >repo/other
	git -C repo add . && git -C repo commit -q -m "$2"
}
commit 1500 start
mkdir schedules
hour=$(date -u -d '12 hours' +%H) # no night begins by itself while this runs
schedule() { jq -n "{at: \"*-*-* $hour:00\", kernels: [{git: \"$TMP/repo\", ref: \"main\"}], plans: [\"quick\"], boots: 4,
	on_change: {mail: [\"kvm@example.org\"]}} | $1" >schedules/main.json; }
check() { out=$("$NESTLAB" schedule check main 2>&1); status=$?; }
schedule '.'; check
is $status 0 "a schedule is right"
schedule '.at = "someday"'; check
like "$out" 'main.json: \$.at: "someday" is no calendar.*systemd.time' "a wrong time: file, key and remedy"
schedule '.kernels[0].ref = "nowhere"'; check
like "$out" 'main.json: \$.kernels\[0\]: .*nowhere' "a ref that is not there"
schedule '.bots = 4'; check
like "$out" 'main.json: .*"bots".*boots' "a key that is not known"
schedule '.boots = 0'; check
like "$out" 'main.json: \$.boots' "no boots"
schedule '.missed = "never"'; check
like "$out" 'main.json: \$.missed: expected once or skip' "missed"
schedule '.kernels = []'; check
like "$out" 'main.json: \$.kernels: expected' "no kernels"
schedule '.kernels += [.kernels[0] + {variant: "debug"}]'; check
like "$out" 'main.json: \$.kernels\[1\]: its nights would be called main, as those of kernels\[0\]: .*"name"' "two kernels of one ref"
schedule '.kernels += [.kernels[0] + {name: "a/b"}]'; check
like "$out" 'main.json: \$.kernels\[1\]: expected a "name" of letters.*a/b' "a name that is none"
schedule '.against = "my" | .kernels += ["my"]'; check
like "$out" 'main.json: \$.against: my is one of the kernels' "a kernel against itself"
schedule '.deadline = "6 parsecs"'; check
like "$out" 'main.json: \$.deadline: expected a time' "a deadline"

# ---- nights ----

mkdir mails
python3 "$TOP/tests/lib/smtp.py" port mails & PIDS+=("$!")
mkdir hooks; echo hush >secret
python3 "$TOP/tests/lib/hook.py" hook.port hooks hush & PIDS+=("$!")
await test -e port -a -e hook.port
smtp=smtp://127.0.0.1:$(cat port)
mkdir -p kcidb "$STATE/schedules"; schedule ".on_change += {kcidb: \"$TMP/kcidb\", webhook: \"http://127.0.0.1:$(cat hook.port)/hook\"}"; mv schedules/main.json "$STATE/schedules"
start_daemon --health none --smtp "$smtp" --webhook-secret secret
start_agent h1 --slots 2
listed() { "$NESTLAB" schedule list | grep -q "^main .*$hour:00:00Z"; }
await listed
ok $? "the daemon finds the schedule, and when it is next"
nights=0
looked() { [ "$(sqlite3 "$STATE/daemon.db" 'SELECT count(*) FROM night WHERE looked = 1')" -ge "$nights" ]; }
night() { nights=$((nights + 1)); "$NESTLAB" schedule run main >/dev/null; await looked; }
state() { sqlite3 "$STATE/daemon.db" "SELECT coalesce(group_concat(state), 'none') FROM change"; }
state_is() { [ "$(state)" = "$1" ]; }

night; night; commit 1500 harmless; night
is "$(state)" none "nights without a change, one of them with the same kernel, are silent"
commit 1500 "harmless, too"; commit 1520 "slow: walk twice"; commit 1520 "harmless again"
slow=$(git -C repo rev-parse HEAD^)
night
await state_is reported
ok $? "a slow commit: an alarm, confirmed, bisected, reported"
is "$("$NESTLAB" changes --json 1 | jq -r '.culprit, .metrics[0].verdict')" "$slow"$'\nregressed' "with its culprit"
is "$(sqlite3 "$STATE/daemon.db" "SELECT group_concat(kind || ' ' || state, ', ') FROM (SELECT * FROM job ORDER BY id LIMIT 4, 9)")" \
	"confirm done, bisect done, explain done" "by one confirmation and one bisect, and explained"
is "$(sqlite3 "$STATE/daemon.db" "SELECT json_extract(request, '$.rounds') FROM job WHERE kind = 'bisect'")" 3 \
	"which measures with the rounds of the schedule's plan"
is "$("$NESTLAB" show --json "$("$NESTLAB" changes --json 1 | jq -r .confirm_job)" | jq .stored)" 8 "of 4 + 4 boots"
is "$("$NESTLAB" compare --json --db "$STATE/nestlab.db" --session "$("$NESTLAB" changes --json 1 | jq -r .confirm_job)" \
	"$("$NESTLAB" changes --json 1 | jq -r .good)" "$("$NESTLAB" changes --json 1 | jq -r .bad)" | jq .metrics[0].noise_from_boots)" 19 \
	"whose noise is learned from nights, too: two of one kernel are one group of eight boots" # 7 + 4 x (4 - 1)
mailed() { [ "$(ls mails | wc -l)" -ge "$1" ]; }
await mailed 1
like "$(tr -d '\r' <mails/0.eml)" "Subject: \[nestlab\] main: switch regressed by 1\.3. % since ${slow:0:12}" "a mail says what, by how much and since when"
like "$(cat mails/0.eml)" 'slow: walk twice \(test\)' "and names the commit"
like "$(cat mails/0.eml)" '^ +\+20 \[\+15, \+25\]  walk \(mm/walk.c\)' "and what moved most"
unlike "$(cat mails/0.eml)" 'still.c' "not what stood still"
like "$(api GET /changes/1)" 'walk \(mm/walk.c\)' "the change's page has that, too"
submitted() { [ "$(ls kcidb/*.json | wc -l)" = 1 ]; }
await submitted
is "$(jq '.version.major, (.builds | length), (.tests | length > 1)' kcidb/*.json | tr '\n' ' ')" "5 2 true " "KCIDB gets the comparison, once"
is "$(python3 "$TOP/tests/lib/kcidb.py" kcidb/*.json)" "" "as KCIDB's schema wants it"
night
is "$(state)" reported "the next night is no new alarm"

# ---- what people say ----

"$NESTLAB" changes 1 --triage acknowledged --owner me --note "looking" >/dev/null
is "$("$NESTLAB" changes --json 1 | jq -r '.triage, .owner, .note')" $'acknowledged\nme\nlooking' "people can say what they do about it"
"$NESTLAB" changes 1 --triage nonsense >/dev/null 2>&1
is $? 128 "but not anything"

# ---- the revert, while the mail server is away ----

kill "${PIDS[0]}"; wait "${PIDS[0]}" 2>/dev/null
commit 1500 "Revert: walk twice"
night
await state_is fixed
ok $? "a revert closes it"
tried() { [ "$(sqlite3 "$STATE/daemon.db" 'SELECT max(tries) FROM outbox WHERE sent IS NULL')" -ge 1 ]; }
await tried
kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null
rm port; python3 "$TOP/tests/lib/smtp.py" port mails & PIDS+=("$!")
await test -e port
start_daemon --health none --smtp "smtp://127.0.0.1:$(cat port)" --webhook-secret secret
await mailed 2
like "$(cat mails/1.eml)" 'In-Reply-To: <nestlab.change-1@localhost>' "a mail survives kill -9, and is a reply to the first"
night
is "$(ls mails | wc -l) $(state)" "2 fixed" "there is one mail for the change and one for its end"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"

hooked() { [ -e hooks/webhook-change.fixed-1.0 ]; }
await hooked
is "$(jq -r '"\(.event) \(.change.state) \(.change.culprit)"' hooks/webhook-change.*.0 | sort)" \
	"change.fixed fixed $slow"$'\n'"change.reported reported $slow" "a webhook, signed, told of both, each once"

# ---- what cannot be explained is mailed all the same ----

kill -TERM "$AGENT"; wait "$AGENT"
FAKE_BOOT=" unexplained=1" start_agent h1 --slots 2
commit 1530 "slow: walk again"
night
await state_is fixed,reported
ok $? "a change that nobody can explain is reported"
await mailed 3
unlike "$(cat mails/2.eml)" 'instructions a switch|walk.c' "without an explanation"
is "$(sqlite3 "$STATE/daemon.db" "SELECT state, (SELECT count(*) FROM attempt a JOIN boot b ON b.id = a.boot WHERE b.job = j.id) FROM job j WHERE kind = 'explain' ORDER BY id DESC LIMIT 1")" \
	"failed|1" "which was tried once"

# ---- pages ----

for page in / /trends /changes/1 /queue "/jobs/$("$NESTLAB" changes --json 1 | jq -r .confirm_job)"; do
	like "$(api GET "$page")" '^200 <!DOCTYPE html>.*' "page $page"
done
like "$(api GET /trends)" 'multiplex switch</a>.*<svg' "trends have sparklines"
like "$(api GET /changes/1)" 'slow: walk twice' "a change tells its commit"
like "$(api GET /feed.atom)" '^200 ' "a feed"
python3 -c 'import xml.etree.ElementTree as e; e.parse("body")'
ok $? "which is XML"
like "$(curl -sD - -o /dev/null --unix-socket "$STATE/nestlabd.sock" http://x/)" "Content-Security-Policy: default-src 'none'" "nothing but their own style is allowed"
like "$(api GET /changes/99)" '^404 ' "a change that is not there"

# ---- missed ----

kill -TERM "$DAEMON"; wait "$DAEMON"
sqlite3 "$STATE/daemon.db" 'UPDATE schedule SET next = unixepoch() - 86400'
start_daemon --health none
nights=$((nights + 1)); await looked
ok $? "a night that was missed is made up for, once"
kill -TERM "$DAEMON"; wait "$DAEMON"
mkdir -p schedules; schedule '.missed = "skip"'; mv schedules/main.json "$STATE/schedules"
start_daemon --health none
renewed() { [ "$(sqlite3 "$STATE/daemon.db" 'SELECT next > unixepoch() FROM schedule')" = 1 ]; }
await renewed
kill -TERM "$DAEMON"; wait "$DAEMON"
sqlite3 "$STATE/daemon.db" 'UPDATE schedule SET next = unixepoch() - 86400'
start_daemon --health none
await renewed
is "$(sqlite3 "$STATE/daemon.db" 'SELECT count(*) FROM night')" "$nights" "or skipped, if the schedule says so"

# ---- two kernels of one ref ----

jq '.kernels += [.kernels[0] + {name: "again"}]' "$STATE/schedules/main.json" >twice.json && mv twice.json "$STATE/schedules"
listed() { "$NESTLAB" schedule list | grep -q "^twice .*$hour:00:00Z"; }
await listed
"$NESTLAB" schedule run twice >/dev/null
nights=$((nights + 2)); await looked
is "$(sqlite3 "$STATE/daemon.db" "SELECT group_concat(branch || ' ' || kernel) FROM (SELECT * FROM night WHERE schedule = 'twice' ORDER BY id)")" \
	"main main-$(git -C repo rev-parse HEAD | cut -c1-12),again again-$(git -C repo rev-parse HEAD | cut -c1-12)" \
	"two kernels of one ref are two series"
plan_done
