# SPDX-License-Identifier: GPL-2.0-only
# daemon.sh - after tap.sh: a nestlabd of the test's own.
#
#	FAKE_BOOT_PROGRAM (tests/lib/fake_boot.c), made by build_fake_boot
#	start_daemon [OPTION...]: in $STATE, without a worker; waits until it answers; sets DAEMON (its pid) and NESTLAB_URL
#		Leases last a minute, whatever the machine is busy with: a test whose agent is gone for good asks for less.
#	start_agent NAME [OPTION...]: one that fakes its boots; sets AGENT
#	api METHOD PATH [CURL OPTION...]: prints "STATUS BODY"
NESTLABD=${NESTLABD:-$(dirname "$NESTLAB")/nestlabd}
STATE=$TMP/state
FAKE_BOOT_PROGRAM=$TMP/fake_boot
PIDS=()

# what was started ends with the test, and before its folder is removed
end_daemons() { # bash tells of jobs that were killed
	{
		for pid in "${PIDS[@]}"; do kill -KILL "$pid"; done
		wait
	} 2>/dev/null
	rm -rf "$TMP"
}
trap end_daemons EXIT

build_fake_boot() { # a test that has none ends here
	# shellcheck disable=SC2046
	(cd "$TOP" && gcc -std=gnu17 -D_GNU_SOURCE -O1 -I. -pthread -o "$FAKE_BOOT_PROGRAM" tests/lib/fake_boot.c \
		"$(dirname "$(dirname "$NESTLAB")")/libnestlab.a" \
		$(pkg-config --libs json-c sqlite3 gsl libcurl libarchive libcrypto libelf libmicrohttpd libsystemd) -lm) || {
		ok 1 "the fake boot is built"
		plan_done
	}
}

answers() { curl -sf --unix-socket "$STATE/nestlabd.sock" http://nestlabd/healthz; }
answers_or_ended() { answers || ! kill -0 "$DAEMON"; }
# a daemon that starts or ends has a database for itself for a moment
sqlite3() { command sqlite3 -cmd '.timeout 60000' "$@"; }

start_daemon() {
	"$NESTLABD" --state "$STATE" --workers 0 --min-free 1 --heartbeat 200 --lease 60000 --backoff 1 --health-again 200 "$@" \
		2>>"$TMP/daemon.log" &
	DAEMON=$!
	PIDS+=("$DAEMON")
	export NESTLAB_URL=unix:$STATE/nestlabd.sock
	await answers_or_ended
	answers >/dev/null || { echo "# the daemon does not answer"; sed 's/^/# /' "$TMP/daemon.log"; }
}

start_agent() {
	local name=$1
	shift
	"$NESTLAB" agent --spool "$TMP/spool-$name" --host "$name" --program "$FAKE_BOOT_PROGRAM" "$@" \
		2>>"$TMP/agent-$name.log" &
	AGENT=$!
	PIDS+=("$AGENT")
}

api() {
	local method=$1 path=$2
	shift 2
	curl -sS -X "$method" --unix-socket "$STATE/nestlabd.sock" -w '%{http_code} ' -o "$TMP/body" "$@" \
		"http://nestlabd$path"
	cat "$TMP/body"
}

# await_boot JOB: one of its boots has a process. (A boot is "running" as soon as its lease is given, which an agent may not hear.)
await_boot() { await pgrep -f -- "^$FAKE_BOOT_PROGRAM .*--session $1"; }

request() { # request BOOTS [KERNEL...]
	local boots=$1
	shift
	jq -nc '{request: "run", scenarios: ["quick"], kernels: $ARGS.positional, boots: $boots}' \
		--argjson boots "$boots" --args "${@:-baseline}"
}

job_is() { # job_is JOB STATE
	[ "$("$NESTLAB" show --json "$1" | jq -r .state)" = "$2" ]
}
