#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A mailing list in a real public-inbox is watched: ten threads, and what becomes of each; mails that are not well meant;
# kill -9 at random moments. git, the import and the archive are real; boots are faked (tests/lib/fake_boot.c).
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/list.sh"
command -v public-inbox-mda >/dev/null || skip_all "public-inbox is missing (apt-get install public-inbox)"
build_fake_boot
cd "$TMP" || exit 1

# ---- the list ----

make_repo
make_inbox kvm 2
nested=arch/x86/kvm/vmx/nested.c
TITLE="KVM: nVMX: Walk once" series good --cover-letter --base=main -- "
	echo 1480 >cost; commit_all 'KVM: nVMX: Count less'
	sed -i s/two/TWO/ $nested; commit_all 'KVM: nVMX: Shout'"
series one --base=main -- "echo 1530 >cost; commit_all 'KVM: nVMX: Be careful'"
series two -v2 --base=main -- "echo 1490 >cost; sed -i s/six/SIX/ $nested; commit_all 'KVM: nVMX: Be careful'"
series away -- "sed -i 's/seven/SEVEN/' $nested; commit_all 'KVM: nVMX: Elsewhere'"
sed -i 's/^ six/ sixty/; s/^ eight/ eighty/' away/*.patch
series broken --base=main -- "sed -i 's/one/int broken/' $nested; commit_all 'KVM: nVMX: Do not build'"
FROM=next series other -- "sed -i 's/only/ONLY/' arch/x86/kvm/vmx/next.c; commit_all 'KVM: nVMX: For next'"
series words -- "echo more >>Documentation/kvm.rst; commit_all 'Documentation: kvm: More'"
series half -- "sed -i s/one/ONE/ $nested; commit_all 'KVM: nVMX: Half'; sed -i s/eight/EIGHT/ $nested; commit_all 'KVM: nVMX: The other half'"
rm half/0002*
mail bug "" "KVM: nVMX: it hangs" "Here."
mail bug-reply "<bug@example.org>" "Re: KVM: nVMX: it hangs" "Not here."
mail pull "" "[GIT PULL] KVM changes" "The following changes since commit $(git -C repo rev-parse main):"
for t in good one away broken other words half; do post_thread kvm $t; done
post kvm bug bug-reply pull

mkdir -p "$STATE/schedules"
schedule() { # schedule NAME INBOX [FILTER]
	jq -n "{at: \"*-*-* 01:00\", kernels: [{git: \"$TMP/repo\", ref: \"main\"}, {git: \"$TMP/repo\", ref: \"next\"}],
		plans: [\"quick\"], boots: 4, watch: {inbox: \"$2\", since: \"2026-01-01\", paths: [\"cost\", \"arch/x86/kvm/vmx/\"],
		cc: [\"kvm@example.org\"]}} | ${3:-.}" >"$1.json.new"
	mv "$1.json.new" "$STATE/schedules/$1.json"
}
schedule kvm "$TMP/kvm"

# ---- ten threads ----

start_daemon --health none --mail-from lab@example.org
start_agent h1 --slots 2
sql() { sqlite3 "$STATE/daemon.db" "$1"; }
look() { "$NESTLAB" schedule run "${1:-kvm}" >/dev/null; }
listed() { "$NESTLAB" schedule list | grep -q "^${1:-kvm} "; }
await listed
look
settled() { [ "$(sql "SELECT (SELECT count(*) FROM list_mail) >= $1 AND (SELECT count(*) FROM list_thread WHERE mails > looked) = 0
	AND (SELECT count(*) FROM list_series WHERE state IN ('new', 'queued')) = 0")" = 1 ]; }
await settled 12
ok $? "every series came to an end"
state() { sql "SELECT state FROM list_series WHERE subject LIKE '%$1%' AND version = ${2:-1}"; }
is "$(state 'Walk once')" measured "a good series is measured"
is "$(state 'Be careful')" measured "one that makes it slower, too"
is "$(state Elsewhere)" unapplied "one applies nowhere"
is "$(state 'Do not build')" broken "one does not build"
is "$(state 'For next')" measured "one has no base-commit, and applies to the second branch"
is "$(state 'Documentation')" passed "one is of other files"
is "$(sql "SELECT group_concat(state || ' ' || subject, ', ') FROM (SELECT * FROM list_thread WHERE state <> 'series' ORDER BY id)")" \
	"incomplete [PATCH 1/2] KVM: nVMX: Half, talk KVM: nVMX: it hangs, talk [GIT PULL] KVM changes" "half a series, talk, a pull request"
is "$(sql "SELECT count(*), sum(held), sum(sent IS NOT NULL) FROM outbox")" "5|5|0" "five answers are drafts, none is sent"

# ---- drafts read as mails ----

series_of() { sql "SELECT id FROM list_series WHERE subject LIKE '%$1%' AND version = ${2:-1} ORDER BY id DESC LIMIT 1"; }
draft() { "$NESTLAB" schedule answer "$(series_of "$@")" >draft; }
header() { python3 -c 'import email, email.policy, sys
m = email.message_from_binary_file(open("draft", "rb"), policy=email.policy.default); print(m[sys.argv[1]])' "$1"; }
draft 'Walk once'
is "$(header From)" "nestlab <lab@example.org>" "a draft is from the lab"
is "$(header To)" "$AUTHOR" "to the author"
is "$(header Cc)" "kvm@example.org" "and the list"
is "$(header Subject)" "Re: [PATCH 0/2] KVM: nVMX: Walk once" "it is a reply"
is "$(header In-Reply-To) $(header References)" "$(id_of good/0000*) $(id_of good/0000*)" "to the cover letter"
like "$(cat draft)" '^> \[PATCH 0/2\] KVM: nVMX: Walk once$' "which it quotes"
like "$(cat draft)" '^ +1,[0-9]+ +1,[0-9]+ +-1\.3 %  .*improved +switch' "it has the number"
like "$(cat draft)" '^Tested-by: nestlab <lab@example.org>$' "a trailer that b4 takes"
like "$(cat draft)" "--message-id '$(id_of good/0000*)'" "and how to repeat it"
is "$(awk 'length > 100' draft | grep -vc 'echo .{"base')" 0 "no line is long"
draft 'Be careful'
like "$(cat draft)" '^Verdict: regressed$' "a regression is told"
unlike "$(cat draft)" 'Tested-by' "without the trailer"
draft Elsewhere
like "$(tr '\n' ' ' <draft | tr -s ' ')" "on main .*1 of 1, .*arch/x86/kvm/vmx/nested.c: the hunk for line 4 .*on next " "which patch does not apply where"
draft 'Do not build'
like "$(cat draft)" "vmx.c:7:1: error: expected ';' before 'int'" "what the compiler said"
like "$(cat draft)" '^  nestlab kernel build series$' "and how to see that"
like "$("$NESTLAB" schedule show kvm)" "Do not build +broken: .*vmx.c:7:1: error: expected ';'" "in short for those who look"
like "$("$NESTLAB" schedule show kvm)" 'Walk once +measured: improved, draft' "schedule show has the series"
like "$("$NESTLAB" schedule show kvm)" 'it hangs +talk' "and the talk"

# ---- versions ----

mails=12
look_for() { mails=$((mails + $1)); look; await settled $mails; }
sed -i "s/^In-Reply-To:.*//" two/*.patch
post_thread kvm two
look_for 1
is "$(state 'Be careful' 2)" measured "v2 is measured"
draft 'Be careful' 2
like "$(cat draft)" '^ *base +series +change +95 % interval +v1$' "beside what v1 was"
like "$(cat draft)" '^ .* -0\.[67]+ %.* \+2\.0 % +improved' "number by number"
like "$(cat draft)" 'patch 1 is changed: KVM: nVMX: Be careful' "and what changed since"
is "$(sql "SELECT held, error FROM outbox WHERE series = $(series_of 'Be careful')")" "1|v2 has come" "v1's draft is out of date"
"$NESTLAB" schedule answer --send "$(series_of 'Be careful')" >/dev/null 2>&1
is $? 128 "and is not sent any more"

# v2 of one patch alone, in reply to the one that it replaces
mkdir part
sed -e 's/^Subject: \[PATCH 2\/2\]/Subject: [PATCH v2 2\/2]/' -e 's/TWO/Two/' -e "s/^Message-Id: .*/Message-ID: <part@example.org>/I" \
	-e "s/^In-Reply-To:.*/In-Reply-To: $(id_of good/0002*)/" good/0002* >part/part.patch
post kvm part/part.patch
look_for 1
is "$(state 'Walk once' 2)" measured "a version sent in part is completed with the one before"
draft 'Walk once' 2
like "$(cat draft)" 'patch 2 is changed: KVM: nVMX: Shout' "what it changed is told"
like "$(cat draft)" '1 patch is the same' "and what it did not"

kill -TERM "$AGENT"; wait "$AGENT"
series early --base=main -- "echo 1600 >cost; commit_all 'KVM: nVMX: Too early'"
series later -v2 --base=main -- "echo 1400 >cost; commit_all 'KVM: nVMX: Too early'"
post_thread kvm early
look
queued() { [ "$(state "$1" "$2")" = queued ]; }
await queued 'Too early' 1
post_thread kvm later
look
await queued 'Too early' 2
is "$(sql "SELECT s.state, j.state FROM list_series s JOIN job j ON j.uid = s.job WHERE s.id = $(series_of 'Too early')")" "superseded|cancelled" \
	"v2 takes the place of v1 in the queue"
start_agent h1 --slots 2
look_for 2
is "$(state 'Too early' 2)" measured "and is measured"

# ---- mails that are not well meant, put into git as they are ----

epoch=$TMP/kvm/git/0.git
inject() { # inject FILE
	local blob tree
	blob=$(git -C "$epoch" hash-object -w "$TMP/$1")
	tree=$(printf '100644 blob %s\tm\n' "$blob" | git -C "$epoch" mktree)
	git -C "$epoch" update-ref refs/heads/master "$(GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x GIT_AUTHOR_NAME=x \
		GIT_AUTHOR_EMAIL=x@x git -C "$epoch" commit-tree -p refs/heads/master -m x "$tree")"
}
head_of() { printf 'From: E <e@example.org>\nTo: kvm@example.org\nSubject: [PATCH] KVM: %s\nMessage-ID: <%s@example.org>\n%b' "$1" "$1" "${2-}"; }
{ head_of huge '\n'; head -c 3000000 /dev/zero | tr '\0' 'a'; } >evil.huge
{ head_of nul '\n'; printf 'a\0b\n'; } >evil.nul
{ head_of heads; for _ in $(seq 3000); do echo "X-Long: 012345678901234567890123456789"; done; echo; } >evil.heads
{ head_of refs; printf 'References: '; head -c 60000 /dev/zero | tr '\0' '<'; printf '\n\nwords\n'; } >evil.refs
printf 'From: E <e@example.org>\nSubject: [PATCH] KVM: nameless\n\nx\n' >evil.nameless
printf 'From: E <e@example.org>\nSubject: [PATCH] KVM: named\nMessage-ID: <../../../../etc/passwd@x y>\n\nx\n' >evil.named
{ head_of outside '\n'; printf -- '---\ndiff --git a/../../../tmp/owned b/../../../tmp/owned\n--- a/../../../tmp/owned\n+++ b/../../../tmp/owned\n@@ -0,0 +1 @@\n+x\n'; } >evil.outside
{ head_of binary '\n'; head -c 5000 /dev/urandom | tr -d '\0'; } >evil.binary
: >evil.empty
{ head_of injected; printf 'Subject: x\nFrom: "A\\"\r\nBcc: v@example.org" <a@example.org>,<b@example.org>\n\n'; sed -n '/^---$/,$p' early/*.patch; } >evil.injected
for f in evil.*; do inject "$f"; done
series after --base=main -- "echo 1450 >cost; commit_all 'KVM: nVMX: After all that'"
post_thread kvm after
look; await settled 26
is "$(state 'After all')" measured "a series after them is measured"
"$NESTLAB" schedule show --json kvm >shown
refused() { jq -r --arg s "$1" '[.refused[] | select(.subject | contains($s)) | .why] | first' shown; }
like "$(refused huge)" '3000[0-9]* bytes; at most' "a huge mail is refused by name"
like "$(refused nul)" 'NUL' "a NUL byte"
like "$(refused heads)" 'headers' "headers without end"
like "$(refused nameless)" 'no Message-ID' "no id"
like "$(refused named)" 'Message-ID is none' "an id that is none"
like "$(refused outside)" 'outside of the kernel.s tree: .*\.\./tmp/owned' "a path that leads outside"
[ ! -e /tmp/owned ]
ok $? "where nothing was written"
is "$(sql "SELECT count(*) FROM outbox WHERE payload GLOB '*Bcc:*'")" 0 "no header gets into an answer"
is "$(sql "SELECT count(*) FROM schedule WHERE error IS NOT NULL")" 0 "the watching goes on"

# ---- by HTTP, sent, with a webhook and KCIDB; format 1; kill -9 at random moments ----

mkdir mails hooks kcidb
echo "top secret" >secret
python3 "$TOP/tests/lib/smtp.py" smtp.port mails & PIDS+=("$!")
python3 "$TOP/tests/lib/hook.py" hook.port hooks "top secret" & PIDS+=("$!")
await test -e smtp.port -a -e hook.port
http=$("$TOP/tests/lib/free_port.py")
public-inbox-httpd -l "127.0.0.1:$http" -W0 >httpd.log 2>&1 & PIDS+=("$!")
await curl -sf "http://127.0.0.1:$http/kvm/new.atom"
ok $? "public-inbox serves the list"
make_inbox old 1
kill -TERM "$DAEMON"; wait "$DAEMON"
rm "$STATE/schedules/kvm.json"
hook="http://127.0.0.1:$(cat hook.port)"
schedule web "http://127.0.0.1:$http/kvm/" ".watch.answer = \"send\" | .watch.since = \"$(date -u -d '1 day ago' +%F)\" |
	.on_change = {webhook: \"$hook/hook\", kcidb: \"$hook/kcidb\"}"
schedule old "$TMP/old" ".watch.answer = \"send\" | .on_change = {kcidb: \"$TMP/kcidb\"}"
restart() { start_daemon --health none --mail-from lab@example.org --smtp "smtp://127.0.0.1:$(cat smtp.port)" \
	--webhook-secret "$TMP/secret" --kcidb-token "$TMP/secret"; }
restart
await listed web; await listed old
look web
for i in 1 2 3 4 5 6 7 8; do
	series "k$i" --base=main -- "echo $((1400 + 10 * i)) >cost; commit_all 'KVM: nVMX: Kill $i'"
	post_thread old "k$i"
	look old
	sleep "0.$((RANDOM % 9))"
	kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null
	restart
done
look old; look web
all_sent() { [ "$(sql "SELECT (SELECT count(*) FROM list_series WHERE schedule = 'old' AND state = 'measured') = 8 AND
	(SELECT count(*) FROM list_series WHERE schedule = 'web' AND state = 'measured') >= 5 AND
	(SELECT count(*) FROM list_series WHERE state IN ('new', 'queued')) = 0 AND
	(SELECT count(*) FROM outbox WHERE sent IS NULL AND held = 0) = 0")" = 1 ]; }
await all_sent
ok $? "killed nine times, every series is measured and every answer sent"
sql "SELECT schedule, state, count(*) FROM list_series GROUP BY 1, 2" | sed 's/^/# /'
is "$(sql "SELECT count(*) - count(DISTINCT message_id) FROM list_series WHERE schedule = 'old'")" 0 "each series is there once"
is "$(sql "SELECT count(*) FROM (SELECT series FROM outbox WHERE kind = 'mail' GROUP BY series HAVING count(*) > 1)")" 0 "with one answer each"
is "$(grep -hi '^Message-ID' mails/*.eml | sort -u | wc -l)" "$(sql "SELECT count(*) FROM outbox WHERE kind = 'mail' AND sent IS NOT NULL")" \
	"each answer was sent, copies have one id"
echo "# $(ls mails | wc -l) mails, $(ls hooks | grep -c '^webhook') webhooks"
is "$(ls hooks | grep -c '^webhook.*\.0$')" "$(sql "SELECT count(*) FROM outbox WHERE kind = 'webhook'")" "every webhook was taken, signed"
is "$(ls hooks | grep -c '^bad')" 0 "none with a wrong signature or token"
ok "$(test -e hooks/early.0; echo $?)" "the one that was refused was repeated"
is "$(jq -r '.event, .series.schedule' "hooks/$(ls hooks | grep '^webhook' | head -1)" | tr '\n' ' ')" "series.answered web " "it tells what happened"
is "$(ls kcidb/*.json | wc -l)" 8 "KCIDB's folder has a submission for each"
is "$(jq -s '[.[] | .version.major == 5 and (.tests | length) >= 2 and (.builds | length) == 2] | all' kcidb/*.json)" true "which has builds and tests"
is "$(python3 "$TOP/tests/lib/kcidb.py" kcidb/*.json)" "" "as KCIDB's schema wants them"
ls hooks | grep -q '^kcidb'
ok $? "KCIDB by POST got some, with the token"
! grep -rq "top secret" "$STATE" daemon.log
ok $? "the secret is in no file of the daemon's"
# ---- a server that dribbles ----

kill -TERM "$DAEMON"; wait "$DAEMON"
python3 -c '
import http.server, time
class Dribble(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        open("dribbles", "a").write(self.path + "\n")
        try:
            while True:
                self.wfile.write(b"<")
                time.sleep(0.1)
        except OSError:
            open("left", "a").write(self.path + "\n")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dribble)
open("slow.port.new", "w").write(str(server.server_port))
__import__("os").rename("slow.port.new", "slow.port")
server.serve_forever()' 2>/dev/null & PIDS+=("$!")
await test -e slow.port
schedule a-slow "http://127.0.0.1:$(cat slow.port)/kvm/"
jq 'del(.watch)' "$STATE/schedules/old.json" >"$STATE/schedules/night.json"
restart
await listed a-slow; await listed night
look a-slow
await test -e dribbles
ok $? "an archive that dribbles is asked"
look night
night_done() { [ "$(sql "SELECT count(*) FROM night WHERE schedule = 'night' AND looked = 1")" -ge 1 ]; }
await night_done && [ ! -e left ]
ok $? "and while it dribbles, a night begins and ends"
kill -TERM "$DAEMON"
has_ended() { ! kill -0 "$DAEMON" 2>/dev/null; }
await has_ended
ok $? "a daemon that is to end does not wait for it"
wait "$DAEMON"
start_daemon --health none --patience 1
look a-slow
given_up() { [ "$(sql "SELECT error LIKE '%too slow%' FROM schedule WHERE name = 'a-slow'")" = 1 ]; }
await given_up
ok $? "it is given up after a while" || sql "SELECT name, error FROM schedule" | sed 's/^/# /'
series late --base=main -- "echo 1420 >cost; commit_all 'KVM: nVMX: After the slow one'"
post_thread old late
look old
late_measured() { [ "$(state 'After the slow one')" = measured ]; }
await late_measured
ok $? "and keeps no other list from being looked at"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
plan_done
