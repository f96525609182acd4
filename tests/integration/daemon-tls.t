#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlabd over the network: TLS 1.3, tokens, and which scope may use which route.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
command -v openssl >/dev/null || skip_all "openssl is not there to make a certificate"
cd "$TMP" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
start_daemon --listen 127.0.0.1:0 --certificate cert.pem --key key.pem --plain 127.0.0.1:0
mapfile -t ports < <(sed -n 's/.*listening at 127.0.0.1 port \([0-9]*\)/\1/p' daemon.log)
secure=https://localhost:${ports[0]} plain=http://127.0.0.1:${ports[1]}

declare -A token
for scope in viewer submitter operator admin; do
	token[$scope]=$("$NESTLAB" token add --scope $scope u-$scope)
done
token[agent]=$("$NESTLAB" token add --scope agent --host h1 u-agent)
like "${token[admin]}" '^nlt_[0-9a-f]{64}$' "a token has 256 bits"
is "$(sqlite3 "$STATE/daemon.db" .dump | grep -c "${token[admin]#nlt_}")" 0 "the database has none in it"
is "$(sqlite3 "$STATE/daemon.db" "SELECT count(*) FROM token WHERE sha256 = '$(printf %s "${token[viewer]}" | sha256sum | cut -d' ' -f1)'")" \
	1 "but its hash"

status() { # status TOKEN METHOD PATH [CURL OPTION...]
	local t=$1 m=$2 p=$3
	shift 3
	curl -sS -o "$TMP/body" -w '%{http_code}' --cacert cert.pem -X "$m" ${t:+-H "Authorization: Bearer $t"} "$@" "$secure$p"
}

is "$(curl -sS -o /dev/null -w '%{http_code}' --cacert cert.pem --tlsv1.3 "$secure/healthz")" 200 "TLS 1.3"
curl -sS -o /dev/null --cacert cert.pem --tls-max 1.2 "$secure/healthz" 2>/dev/null
[ $? -ne 0 ]; ok $? "and nothing older"
is "$(status "" GET /v1/jobs)" 401 "without a token"
is "$(status nlt_00 GET /v1/jobs)" 401 "with one that is none of ours"
is "$(status "${token[viewer]}" GET '/v1/jobs')" 200 "with a viewer's"
NESTLAB_URL=$secure NESTLAB_CA=cert.pem NESTLAB_TOKEN=${token[viewer]} "$NESTLAB" jobs >/dev/null
ok $? "the command line has it from the environment"

# ---- every route, every scope ----

# who may, in the order of the columns; a route that is not here is found below
table="
GET /v1/jobs                      viewer submitter operator admin
POST /v1/jobs                     submitter operator admin
GET /v1/jobs/{uid}                viewer submitter operator admin
PATCH /v1/jobs/{uid}              submitter operator admin
DELETE /v1/jobs/{uid}             submitter operator admin
POST /v1/jobs/{uid}/retry         submitter operator admin
GET /v1/jobs/{uid}/log            viewer submitter operator admin
POST /v1/leases                   agent admin
PUT /v1/leases/{boot}/{epoch}     agent admin
DELETE /v1/leases/{boot}/{epoch}  agent admin
PUT /v1/boots/{uid}/records       agent admin
POST /v1/boots/{uid}/failure      agent admin
PUT /v1/boots/{uid}/log           agent admin
PUT /v1/boots/{uid}/page          agent admin
GET /v1/hosts                     viewer submitter operator admin
PATCH /v1/hosts/{name}            operator admin
GET /v1/schedules                 viewer submitter operator admin
GET /v1/schedules/{name}          viewer submitter operator admin
POST /v1/schedules/{name}/run     operator admin
GET /v1/series/{id}               viewer submitter operator admin
POST /v1/series/{id}/send         operator admin
GET /v1/changes                   viewer submitter operator admin
GET /v1/changes/{id}              viewer submitter operator admin
PATCH /v1/changes/{id}            submitter operator admin
GET /                             viewer submitter operator admin
GET /trends                       viewer submitter operator admin
GET /metric/{night}/{series}      viewer submitter operator admin
GET /comparison                   viewer submitter operator admin
GET /changes/{id}                 viewer submitter operator admin
POST /changes/{id}                submitter operator admin
GET /lists                        viewer submitter operator admin
GET /lists/{id}                   viewer submitter operator admin
POST /lists/{id}/send             operator admin
GET /queue                        viewer submitter operator admin
GET /submit                       viewer submitter operator admin
POST /submit                      submitter operator admin
GET /jobs/{uid}                   viewer submitter operator admin
POST /jobs/{uid}/cancel           submitter operator admin
POST /jobs/{uid}/retry            submitter operator admin
GET /hosts                        viewer submitter operator admin
GET /signoffs                     viewer submitter operator admin
GET /signoffs/{uid}               viewer submitter operator admin
GET /login                        viewer submitter agent operator admin
POST /login                       viewer submitter agent operator admin
POST /logout                      viewer submitter operator admin
GET /feed.atom                    viewer submitter operator admin
GET /style.css                    viewer submitter agent operator admin
GET /live.js                      viewer submitter agent operator admin
GET /metric.js                    viewer submitter agent operator admin
GET /dygraph.js                   viewer submitter agent operator admin
GET /v1/tokens                    admin
POST /v1/tokens                   admin
DELETE /v1/tokens/{sha256}        admin
GET /v1/events                    viewer submitter operator admin
GET /metrics                      viewer submitter operator admin
GET /healthz                      viewer submitter agent operator admin
GET /readyz                       viewer submitter agent operator admin
GET /openapi.json                 viewer submitter agent operator admin"
wrong=
while read -r method path may; do
	[ -n "$method" ] || continue
	for scope in viewer submitter agent operator admin; do
		for seconds in 1 10 100; do # events have no end; 000: not answered yet
			got=$(status "${token[$scope]}" "$method" "$path" --max-time $seconds 2>/dev/null)
			[ "$got" = 000 ] || break
		done
		allowed=1
		[ "$got" = 403 ] || [ "$got" = 401 ] && allowed=0
		wanted=0
		[[ " $may " = *" $scope "* ]] && wanted=1
		[ $allowed = $wanted ] || wrong+="$scope $method $path: $got"$'\n'
	done
done < <(sed 's/{[a-z0-9]*}/1/g' <<<"$table")
is "$wrong" "" "each scope can use its routes, and no other"
is "$(sed -n 's/^\([A-Z]* [^ ]*\) .*/\1/p' <<<"$table" | sort)" \
	"$(sed -n 's/.*{"\([A-Z]*\)", "\(\/[^"]*\)", .*/\1 \2/p' "$TOP/orchestrator/daemon/api/route.c" | sort)" \
	"the table has all routes"

# ---- what a scope does not say ----

body='{"agent":"a","host":"h2","serves":["emulated"]}'
is "$(status "${token[agent]}" POST /v1/leases -d "$body")" 403 "an agent's token is bound to its host"
is "$(status "${token[agent]}" POST /v1/leases -d "${body/h2/h1}")" 204 "which it may ask for"
request 1 >run.json
job=$("$NESTLAB" submit run.json)
is "$(status "${token[submitter]}" DELETE "/v1/jobs/$job")" 403 "a submitter cannot cancel another's job"
is "$(status "${token[operator]}" DELETE "/v1/jobs/$job")" 200 "an operator can"
is "$(status "${token[submitter]}" POST /v1/jobs -d '{"request":"run","scenarios":["quick"],"kernels":["/etc/x.json"]}')" 403 \
	"paths of the daemon's machine are not named from elsewhere"
is "$(curl -sS -o /dev/null -w '%{http_code}' "$plain/v1/jobs")" 200 "without TLS, on this machine, everybody may look"
is "$(curl -sS -o /dev/null -w '%{http_code}' -X POST "$plain/v1/jobs" -d @run.json)" 403 "but not change anything"
"$NESTLABD" --state "$TMP/other" --plain 0.0.0.0:0 2>err.txt
is $? 128 "without TLS no other machine is listened to"
like "$(cat err.txt)" '127.0.0.1' "and it says so"
hash=$("$NESTLAB" token list --json | jq -r '.tokens[] | select(.scope == "viewer").sha256')
"$NESTLAB" token remove "$hash"
is "$(status "${token[viewer]}" GET /v1/jobs)" 401 "a token that was removed is worthless"
unlike "$(cat daemon.log)" "nlt_" "no token is in the log"

# ---- an agent over TLS ----

build_fake_boot
export NESTLAB_URL=$secure NESTLAB_CA=$TMP/cert.pem NESTLAB_TOKEN=${token[agent]}
start_agent h1
export NESTLAB_TOKEN=${token[submitter]}
job=$("$NESTLAB" submit run.json)
await job_is "$job" done
ok $? "an agent on another machine works over TLS"
plan_done
