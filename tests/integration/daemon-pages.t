#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What people look at: the pages of nestlabd. First what they are without a browser's help, and what a page of somebody else cannot
# do; then used by clicks in Chromium (tests/lib/pages.py). Boots are faked, nights are made up.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/axe.sh"
build_fake_boot
cd "$TMP" || exit 1
NIGHTS=90 METRICS=58

# sign-offs are real, boots are not
cat >boot-or-report <<SH
#!/bin/sh
[ "\$1" = report ] && exec "$NESTLAB" "\$@"
exec "$FAKE_BOOT_PROGRAM" "\$@"
SH
chmod +x boot-or-report
FAKE_BOOT_PROGRAM=$TMP/boot-or-report

python3 "$TOP/tests/lib/fake_nights.py" results "$STATE" $NIGHTS $METRICS
port=$("$TOP/tests/lib/free_port.py") # the same after a restart
start_daemon --plain "127.0.0.1:$port"
python3 "$TOP/tests/lib/fake_nights.py" queue "$STATE" $NIGHTS $METRICS
url=http://127.0.0.1:$port
page() { curl -sS -o body -w '%{http_code}' "$@"; }
whole() { page "$@"; tr '\n' ' ' <body; }

# ---- without a script ----

worked() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$DAEMON/stat"; } # ms of a processor
before=$(worked)
measured=$(for _ in 1 2 3 4 5; do curl -sS -o body -w '%{http_code} %{size_download} %{time_total}\n' "$url/trends"; done | sort -k3 | head -1)
work=$((($(worked) - before) / 5))
echo "# trends: status, bytes, seconds (the quickest of five), ms of a processor: $measured $work"
is "$(awk '{ print $1, ($2 < 100000) }' <<<"$measured $work") $((work < 100))" "200 1 1" \
	"trends of $METRICS metrics and $NIGHTS nights: less than 100 kB, for less than 100 ms of a processor"
is "$(grep -o '<svg' body | wc -l)" $METRICS "with a sparkline each"
metric=$(grep -o 'href="/metric/[^"]*"' body | head -1 | cut -d'"' -f2)
is "$(page "$url$metric")" 200 "a metric has a page"
is "$(grep -c '<circle' body)" $NIGHTS "with each night in a plot that is there without a script"
like "$(cat body)" "night 81, 2026-10-20T01:00:00Z: main-00005eed0050, 201[0-9.]* instructions</title>" "a point says what it is"
like "$(cat body)" '<a href="/changes/1"><text[^>]*>change 1: reported' "a change is marked"
like "$(whole "$url/comparison?base=main-00005eed004f&new=main-00005eed0050")" '^200.*main-00005eed0050 against main-00005eed004f' \
	"two nights are compared"
is "$(page "$url/comparison?base=a&new=nowhere")" 404 "a kernel that is not there"
is "$(page "$url/comparison?base=a")" 400 "or not said"
is "$(page "$url/metric/1/nonsense") $(page "$url/metric/99/$(basename "$metric")")" "404 404" "a series or a night that is not there"
like "$(whole "$url/changes/99")" '^404<!DOCTYPE html>.*99: no such change' "what goes wrong is told as a page"
like "$(whole "$url/nothing" -H 'Accept: text/html')" '^404<!DOCTYPE html>' "to browsers, wherever they look"
for path in / /trends "$metric" /lists /lists/120 /queue /hosts /signoffs /submit /login; do
	page -D head "$url$path" >/dev/null
	like "$(cat head)" "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'" "$path: a strict policy"
	grep -iE '<script>|<[^>]* (style|on[a-z]+)=|javascript:' body >bad.txt
	is "$(cat bad.txt)" "" "$path: nothing in it that the policy would refuse"
done

# ---- lists ----

rows() { page "$url/lists?$1" >/dev/null; grep -o '<tr><td class="id">2' body | wc -l; }
is "$(rows '')" 100 "the newest hundred threads of the lists"
older=$(grep -o '/lists?before=[^"]*' body | sed 's/&amp;/\&/g')
is "$(rows "${older#*\?}")" 22 "and the others behind a link"
is "$(grep -c 'Older ones' body)" 0 "which is the end"
like "$(curl -sS "$url/lists" | tr -d '\n')" '<tr><td class="id">2026-11-30 01:00</td><td class="bad">refused</td><td[^>]*>[^<]*</td><td>huge</td>.*KVM: it hangs.*<a href="/lists/120">.*Change 119' "in the order of time"
is "$(rows what=drafts) $(grep -c '<a href="/lists/120">draft<' body)" "1 1" "a filter: drafts to read"
is "$(rows what=unapplied) $(rows 'what=broken&text=change%20117') $(rows 'text=ANN') $(rows list=none) $(rows what=talk)" "20 1 100 0 100" \
	"by what became of it, by words, by list; what is no filter is none"
is "$(rows what=passed) $(grep -c 'it hangs' body) $(rows what=refused)" "21 1 1" "talk is there, and a mail that was refused"
unlike "$(curl -sS "$url/lists")" '<script>|'$'\033' "what a mail says is text"
like "$(whole "$url/lists/120")" '^200.*<pre>From: nestlab &lt;lab@example.org&gt; To: &quot;Ann&quot;.*Verdict: regressed' "a draft is read as a mail"
like "$(cat body)" 'KVM: nVMX: One</li>' "with its patches"
like "$(cat body)" '<a href="/lists/119">119</a>' "and its other versions"
is "$(page "$url/lists/999") $(page "$url/lists?key=x")" "404 400" "a series that is not there, a place that is none"

# ---- who may send forms ----

submitter=$("$NESTLAB" token add --scope submitter ada)
viewer=$("$NESTLAB" token add --scope viewer bob)
agent=$("$NESTLAB" token add --scope agent --host h9 lab)
log_in() { # log_in TOKEN: prints the cookie
	page -D head "$url/login" --data-urlencode "token=$1" -d to=/queue >/dev/null
	sed -n 's/^Set-Cookie: \([^;]*\);.*/\1/p' head
}
cookie=$(log_in "$submitter")
like "$(cat head)" '^Set-Cookie: __Host-nestlab=nlt_[0-9a-f]{64}; Max-Age=43200; Path=/; Secure; HttpOnly; SameSite=Strict' \
	"the cookie is for this host alone, over what is safe, for no script and no other site"
like "$(cat head)" '^Location: /queue' "a login goes on to where one wanted to go"
page -D head "$url/login" --data-urlencode "token=$submitter" --data-urlencode 'to=//evil.example/' >/dev/null
like "$(cat head)" '^Location: /.?$' "but to no other site"
page -D head "$url/login" --data-urlencode "token=$submitter" --data-urlencode 'to=/\evil.example' >/dev/null
like "$(cat head)" '^Location: /.?$' "however that is written"
is "$(page "$url/login" -d token=nlt_00 -d to=//evil.example/)" 401 "a token that is none"
unlike "$(cat body)" 'evil' "is no way to another site either"
is "$(page "$url/login" -d "token=$agent")" 403 "an agent's token is for no browser"
is "$(sqlite3 "$STATE/daemon.db" .dump | grep -c "${cookie#*=nlt_}")" 0 "the cookie is not in the database"
key_of() { # key_of COOKIE PATH ACTION
	curl -sS -H "Cookie: $1" "$url$2" | grep -o "action=\"$3\"><input type=\"hidden\" name=\"key\" value=\"[0-9a-f]*" | grep -o '[0-9a-f]*$'
}
key=$(key_of "$cookie" /changes/1 /changes/1)
like "$key" '^[0-9a-f]{64}$' "a form has a key"
triage() { page "$url/changes/1" -d triage=wontfix "$@"; }
is "$(triage)" 403 "nobody in particular may not say anything"
is "$(triage -H "Authorization: Bearer $submitter" -d "key=$key")" 400 "a token is no login"
is "$(triage -H "Cookie: $cookie")" 400 "a cookie alone does nothing"
is "$(triage -H "Cookie: $cookie" -d "key=${key/[0-9]/x}")" 400 "nor with a wrong key"
is "$(triage -H "Cookie: $cookie" -d "key=$(key_of "$cookie" /submit /submit)")" 400 "nor with another form's"
is "$(triage -H "Cookie: $cookie" -d "key=$(key_of "$(log_in "$submitter")" /changes/1 /changes/1)")" 400 "nor with another login's"
is "$(triage -H "Cookie: $cookie" -d "key=$key" -H 'Origin: https://evil.example')" 400 "nor from a page of another site"
is "$(triage -H "Cookie: $cookie" -d "key=$key" -H 'Sec-Fetch-Site: cross-site')" 400 "which the browser says in two ways"
is "$(triage -H "Cookie: $cookie" -d "key=$key" -H 'Content-Type: text/plain')" 400 "nor as another type"
is "$(page -X PATCH "$url/v1/changes/1" -H "Cookie: $cookie" -d '{"triage":"wontfix"}')" 403 "and it counts for no other change"
is "$(sqlite3 "$STATE/daemon.db" 'SELECT triage IS NULL FROM change')" 1 "nothing was said by any of these"
is "$(triage -H "Cookie: $cookie" -d "key=$key" -H "Origin: $url" -H 'Sec-Fetch-Site: same-origin')" 303 "a page of ours may"
is "$(triage -H "Cookie: $cookie" -d "key=$key" -d triage=wontfix -d note=x%ff)" 400 "what is no UTF-8 is refused"
bob=$(log_in "$viewer")
is "$(triage -H "Cookie: $bob" -d "key=$key")" 403 "a viewer may not"
unlike "$(curl -sS -H "Cookie: $bob" "$url/changes/1")" 'name="triage"' "and is not asked"
operator=$(log_in "$("$NESTLAB" token add --scope operator olga)")
key=$(key_of "$operator" /lists/120 /lists/120/send)
send() { page "$url/lists/120/send" -d x= "$@"; }
is "$(send) $(send -H "Cookie: $operator") $(send -H "Cookie: $cookie" -d "key=$key")" "403 400 403" "an answer is sent by an operator's form alone"
unlike "$(curl -sS -H "Cookie: $cookie" "$url/lists/120")" 'action="/lists' "which others are not shown"
is "$(send -H "Cookie: $operator" -d "key=$key") $(send -H "Cookie: $operator" -d "key=$key")" "303 409" "and once"
is "$(sqlite3 "$STATE/daemon.db" "SELECT held FROM outbox WHERE series = 120")" 0 "the draft is none any more"
sqlite3 "$STATE/daemon.db" "UPDATE outbox SET held = 1 WHERE series = 120" # for the browser
key=$(key_of "$cookie" /changes/1 /changes/1)
said() { whole "$url/changes/1" -H "Cookie: $cookie" -d "key=$key" "$@"; }
like "$(said -d triage=duplicate)" '^400.*a duplicate needs the number' "a duplicate is one of something"
like "$(said -d triage=duplicate -d duplicate_of=1)" '^400.*another change' "and not of itself"
is "$(page "$url/" -H 'Host: evil.example')" 403 "another name that leads here is refused"
is "$(page "$url/" -H "Host: localhost:$port") $(page "$url/" -H 'Host: localhost.evil.example')" "200 403" "this machine's own is not"
kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null
start_daemon --plain "127.0.0.1:$port"
like "$(curl -sS -H "Cookie: $cookie" "$url/")" '>ada<button>Log out' "who was logged in still is after a kill -9"
"$NESTLAB" token remove "$(printf %s "$viewer" | sha256sum | cut -d' ' -f1)"
unlike "$(curl -sS -H "Cookie: $bob" "$url/")" 'Log out' "a token that is removed ends its logins"
sqlite3 "$STATE/daemon.db" "UPDATE session SET expires = '2020-01-01T00:00:00Z' WHERE sha256 = '$(printf %s "${cookie#*=}" | sha256sum | cut -d' ' -f1)'"
unlike "$(curl -sS -H "Cookie: $cookie" "$url/")" 'Log out' "and the time does"

# ---- a sign-off ----

mkdir -p "${SHOTS:=$TMP/shots}"
: >"$SHOTS/go" # as the boots do
FAKE_BOOT=gate=$SHOTS/go start_agent h1
request 2 a b >run.json
job=$("$NESTLAB" submit run.json)
await job_is "$job" done
cat >policy.json <<<'{ "rules": [ { "scenario": "multiplex", "metric": "switch", "allowed_change": 1, "allowed_change_p99": 3 } ] }'
jq -n --arg p "$TMP/policy.json" '{request: "signoff", base: "a", new: "b", policy: $p}' >signoff.json
job=$("$NESTLAB" submit signoff.json)
await job_is "$job" done
like "$(curl -sS "$url/signoffs" | tr -d '\n')" "<a href=\"/signoffs/$job\">$job</a></td><td class=\"[a-z]*\">(PASS|FAIL|BLOCKED)</td><td class=\"good\">done" \
	"a sign-off is in the list with its verdict"
page -D head "$url/signoffs/$job" >/dev/null
like "$(cat body)" '<h1>Sign-off: b against a</h1>' "and can be read"
like "$(cat head)" "Content-Security-Policy: default-src 'none'; style-src 'sha256-.*; sandbox" "where it can do nothing"
is "$(page "$url/signoffs/nonsense")" 404 "one that is not there"

# ---- events with a log ----

log=$(sed '/"text":".*b against a/q' < <(curl -sSN --max-time 300 "$url/v1/events?job=$job&log=0" 2>/dev/null))
like "$log" $'event: log\ndata: {"offset":[0-9]*,"text":".*b against a' "who follows a job gets its log"
like "$(curl -sS "$url/jobs/$job")" 'signoff.html' "which is on its page without a script"
job=$("$NESTLAB" submit --hold run.json)
like "$(curl -sS "$url/jobs/$job")" '<noscript><meta http-equiv="refresh"' "and is loaded again while the job is not over"

# ---- in a browser ----

command -v chromium >/dev/null || { skip "the pages in a browser" "chromium is not installed (apt-get install chromium)"; plan_done; }
missing=$(fetch_axe)
[ -z "$missing" ] || AXE=-
rm "$SHOTS/go"
python3 "$TOP/tests/lib/pages.py" "$url" "$submitter" "$AXE" "$SHOTS" >seen.json 2>err.txt
is $? 0 "the pages are used by clicks" || sed 's/^/# /' err.txt
saw() { jq -c "$1" seen.json; }
is "$(saw '.login | [.form_before_login, .refused, .who, .cookie, .path]')" '[0,true,"ada\nLog out","","/"]' \
	"login: by token, and no script sees the cookie"
is "$(saw '.submit | [.at_first != "done", .live, .boots]')" '[true,1,"stored,stored,stored,stored"]' \
	"a job is submitted and watched to its end, without loading its page again"
is "$(saw '.submit.log | split("\n") | map(select(. != "")) | [length, (map(.[4:]) | sort)]')" \
	'[4,["fake boot 1 of a","fake boot 1 of b","fake boot 2 of a","fake boot 2 of b"]]' "its log has each line once"
is "$(saw '.submit | [.comparison, .styled]')" '["nestlab: b against a","1280px"]' "its comparison is opened, with its style"
is "$(saw .triage)" '{"triage":"acknowledged","owner":"Ada <ada@example.org>","note":"Bisected, and sent a mail."}' "a change is acknowledged"
is "$(saw .lists)" '{"drafts":1,"mail":true,"back":1}' "a list is filtered, a draft read, and the filter is still there"
is "$(saw '.metric | [.drawn, .mark]')" "[$NIGHTS,\"change 1: reported\"]" "a metric"
if [ -e /usr/share/javascript/dygraphs/dygraph.min.js ]; then
	is "$(saw '.metric | [.zoomed[0] == .zoomed[1], (.hover | startswith("Night ")), (.picked | sort) == (.clicked | sort)]')" '[false,true,true]' \
		"is zoomed, tells its nights, and two are picked in it"
	like "$(saw .metric.comparison)" 'nestlab: main-.* against main-' "and compared"
else
	skip "a metric is zoomed" "libjs-dygraphs is not installed"
fi
is "$(saw .complaints)" '[]' "no page complains, nothing is refused by a policy"
is "$(saw .logout)" '{"path":"/login","who":0}' "a browser logs out"
is "$(saw '.audit.found | map_values({outside, wide})')" '{}' "every page fits at 360 and 1280 pixels"
if [ -n "$missing" ]; then
	skip "axe-core finds nothing" "$missing"
else
	is "$(saw '[.audit.pages, .audit.found]')" '[52,{}]' "axe-core finds nothing, at 360 and 1280, light and dark"
fi
plan_done
