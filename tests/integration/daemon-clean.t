#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab daemon clean: what is old and nobody needs goes, beside a running daemon; nothing else does.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
ok $? "the fake boot is built"
cd "$TMP" || exit 1
export NESTLAB_CACHE=$TMP/cache

clean() { "$NESTLAB" daemon clean --state "$STATE" "$@" 2>&1; }
sql() { sqlite3 "$STATE/daemon.db" ".timeout 10000" "$@"; }
there() { for f in "$@"; do [ -e "$f" ] && echo "${f##*/}"; done | sort | tr '\n' ' '; }

start_daemon
export FAKE_BOOT=old=1
start_agent h1
for name in good bad night1 night2 night3 signed parent; do
	request 1 $name >$name.json
	declare "$name=$("$NESTLAB" submit $name.json)"
	await job_is "${!name}" done
done
kill -TERM "$AGENT"; wait "$AGENT"
request 1 wanted >open.json
open=$("$NESTLAB" submit open.json)
# all ended 100 days ago; what became of them, and what for, as the daemon would have it
# shellcheck disable=SC2154
sql "UPDATE job SET ended = datetime('now', '-100 days') WHERE ended IS NOT NULL;
	UPDATE boot SET class = 'guest' WHERE uid = '$bad.1';
	UPDATE job SET schedule = 'kvm-next' WHERE uid IN ('$night1', '$night2', '$night3');
	UPDATE job SET kind = 'signoff' WHERE uid = '$signed';
	UPDATE job SET parent = '$parent' WHERE uid = '$open'"
for uid in $good $bad $night1 $night2 $night3 $signed $parent $open; do
	mkdir -p "$STATE/spool/$uid.1.1/runs" "$STATE/logs/$uid"
	echo console >"$STATE/spool/$uid.1.1/runs/console"
done
mkdir -p "$STATE/spool/$good.2.1" && touch "$STATE/spool/$good.2.1/lease.json"

before=$(find "$STATE" | sort)
told=$(clean --dry-run)
like "$told" "spool/$good\.1\.1: passed, 100 days old" "a dry run tells what would go, and why"
is "$(find "$STATE" | sort)" "$before" "and removes nothing"
clean >gone.txt
is $? 0 "cleaning beside the daemon"
is "$(there "$STATE"/logs/* | tr ' ' '\n' | sort | xargs)" \
	"$(printf '%s\n' "$night2" "$night3" "$signed" "$parent" "$open" "$bad" | grep -v "^$bad$" | sort | xargs)" \
	"the last two nights, a sign-off, an open job and what that came from keep their logs"
[ -e "$STATE/spool/$bad.1.1" ]
ok $? "the console of a boot that failed stays longer"
[ -e "$STATE/spool/$good.2.1/lease.json" ]
ok $? "and so does what an agent has still to deliver"
[ ! -e "$STATE/spool/$good.1.1" ] && [ ! -e "$STATE/spool/$night1.1.1" ]
ok $? "the others are gone"
clean --failed-days 99 >/dev/null
[ ! -e "$STATE/spool/$bad.1.1" ]
ok $? "--failed-days"

# ---- kernels and images ----

for key in good night1 night3 signed wanted fresh; do
	mkdir -p "cache/kernels/$key"
	head -c 100000 /dev/zero >"cache/kernels/$key/bzImage"
	[ $key = fresh ] || touch -d '30 days ago' "cache/kernels/$key/bzImage"
done
start_agent h1 # so that results know the kernel that the open job names; its request stays open
await job_is "$open" done
kill -TERM "$AGENT"; wait "$AGENT"
again=$("$NESTLAB" submit open.json)
sql "UPDATE job SET parent = NULL WHERE uid = '$open'"
# the end of an open bisect, by a change that lies between two nights that are long over; and its queued job's own kernel file
sql "INSERT INTO night (id, schedule, branch, kernel, path, job, time) VALUES (1, 's', 'b', 'good', '/n/good.json', '$good', ''),
	(2, 's', 'b', 'fresh', '/n/fresh.json', '$bad', '');
	INSERT INTO change (schedule, branch, environment, good, bad, state, opened, changed) VALUES ('s', 'b', '', 1, 2, 'bisecting', '', '')"
request 1 /n/night1.json >path.json
waiting=$("$NESTLAB" submit path.json)
key=$(printf '%064d' 1)
for tree in "$key" git-1 unfinished git-fresh; do
	mkdir -p "cache/trees/$tree"
	head -c 100000 /dev/zero >"cache/trees/$tree/vmlinux"
	echo CONFIG_X=y >"cache/trees/$tree/.config"
	[ $tree = git-fresh ] || touch -d '30 days ago' "cache/trees/$tree/.config"
done
sql "UPDATE job SET schedule = 's' WHERE uid = '$waiting'"
mkdir -p cache/images
head -c 100000 /dev/zero >cache/images/old.iso
touch -d '30 days ago' cache/images/old.iso
clean >/dev/null
is "$(there cache/kernels/* | wc -w)" 6 "below its limit the cache keeps all kernels"
clean --cache-gb 0 >gone.txt
is "$(there cache/kernels/*)" "fresh good night1 night3 signed wanted " "above it those go that nobody needs or has used of late"
is "$(there cache/trees/*)" "git-1 git-fresh unfinished " "an old tree goes, but for what a queued night is built from"
sql "UPDATE change SET state = 'reported'; UPDATE job SET schedule = NULL WHERE uid = '$waiting'"
"$NESTLAB" cancel "$waiting" >/dev/null
clean --cache-gb 0 >gone.txt
is "$(there cache/kernels/*) $(there cache/trees/*)" "fresh night3 signed wanted  git-fresh " "when all that is over, those go, too"
is "$(there cache/images/*)" "" "and old images"
is "$("$NESTLAB" show --json "$again" | jq -r .state)" queued "a queued job is not waited for"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
plan_done
