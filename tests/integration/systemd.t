#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The units that `make install` installs, under a real systemd: socket activation, notify and watchdog, credentials, who asks,
# and a worker that goes on while the daemon is restarted. The worker fakes its boots.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/systemd.sh"
lacks=$(systemd_lacks)
[ -z "$lacks" ] || skip_all "$lacks"
build_fake_boot
socket=/run/nestlab/nestlabd.sock
request 1 >"$TMP/request.json"

# shellcheck disable=SC2317
prepare() { # what an administrator's drop-ins would be
	local units=$ROOT/etc/systemd/system
	mkdir -p "$units/nestlabd.service.d" "$units/nestlab-worker@.service.d" "$ROOT/etc/nestlab"
	install -m 755 "$TMP/fake_boot" "$ROOT/usr/lib/nestlab-fake-boot"
	echo 'lab:secret of the mail server' >"$ROOT/etc/nestlab/smtp"
	chmod 600 "$ROOT/etc/nestlab/smtp"
	cp "$TMP/request.json" "$ROOT/etc/nestlab"
	printf '[Service]\nWatchdogSec=300\nLoadCredential=smtp:/etc/nestlab/smtp\n' >"$units/nestlabd.service.d/test.conf"
	sed -n "s|^ExecStart=.*|[Service]\nEnvironment=FAKE_BOOT='x gate=/run/nestlab-test-go'\nExecStart=\n& --program /usr/lib/nestlab-fake-boot|p" \
		"$ROOT/usr/lib/systemd/system/nestlab-worker@.service" >"$units/nestlab-worker@.service.d/test.conf"
	echo 'ada:x:4242:4242::/:/bin/sh' >>"$ROOT/etc/passwd"
	echo 'ada:x:4242:' >>"$ROOT/etc/group"
}
start_systemd prepare
ok $? "a systemd is started" || {
	plan_done
	exit
}

of() { inside systemctl show -P "$2" "$1"; }
ask() { inside env NESTLAB_URL="unix:$socket" nestlab "$@"; }
as_ada() { inside setpriv --reuid=ada --regid=ada --groups="$(inside getent group nestlab | cut -d: -f3)" env NESTLAB_URL="unix:$socket" nestlab "$@"; }
is_done() { [ "$(ask show --json "$1" | jq -r .state)" = "done" ]; }
fake() { inside pgrep -f nestlab-fake-boot; }

inside systemd-sysusers 2>/dev/null
is $? 0 "its users are made"
inside systemctl start nestlabd.socket
is "$(of nestlabd.service ActiveState)" inactive "no daemon runs before somebody asks"
is "$(inside curl -s --max-time 300 --unix-socket $socket http://nestlabd/healthz)" ok "the first request starts it, and is answered"
is "$(of nestlabd.service ActiveState) $(of nestlabd.service StatusText)" "active taking jobs" "it says that it is ready"
is "$(inside stat -c %U:%G:%a $socket)" root:nestlab:660 "its socket is systemd's"

# ---- who asks ----

inside systemctl start nestlab-worker@emulated.service
works() { ask hosts --json | jq -e '.hosts[] | select(.serves == ["emulated"])'; }
await works
is $? 0 "the worker's user may bring results"
job=$(as_ada submit --json /etc/nestlab/request.json | jq -r .uid)
is "$(ask show --json "$job" | jq -r .owner)" ada "somebody of the group nestlab submits under the own name"
inside touch /run/nestlab-test-go
await is_done "$job"
is $? 0 "its boot is made, and stored"

# ---- a restart ends no boot ----

inside rm /run/nestlab-test-go
job=$(ask submit --json /etc/nestlab/request.json | jq -r .uid)
await fake
pid=$(fake)
inside systemctl restart nestlabd.service
is "$(fake)" "$pid" "a restart of the daemon ends no boot"
inside touch /run/nestlab-test-go
await is_done "$job"
is "$(ask show --json "$job" | jq -c '[.state, .all_boots[0].epoch]')" '["done",1]' "and its result comes"

# ---- the watchdog ----

patience() { # patience SECONDS: of the watchdog
	inside sed -i "s/^WatchdogSec=.*/WatchdogSec=$1/" /etc/systemd/system/nestlabd.service.d/test.conf
	inside systemctl daemon-reload
	inside systemctl restart nestlabd.service
}
patience 3
main=$(of nestlabd.service MainPID)
inside kill -STOP "$main"
restarted() { [ "$(of nestlabd.service MainPID)" != "$main" ] && [ "$(of nestlabd.service ActiveState)" = active ]; }
await restarted
is $? 0 "a daemon that hangs is ended by the watchdog and started again"
told() { inside journalctl -u nestlabd --no-pager -o cat | grep -q 'Watchdog timeout'; }
await told
ok $? "and the journal says so"
patience 300 # nothing below is about it
is "$(inside curl -s --max-time 300 --unix-socket $socket http://nestlabd/healthz)" ok "it answers"

# ---- what the unit has, and has not ----

main=$(of nestlabd.service MainPID)
folder=$(inside sh -c "tr '\\0' '\\n' </proc/$main/environ | sed -n s/^CREDENTIALS_DIRECTORY=//p")
is "$(inside nsenter -t "$main" -m setpriv --reuid=nestlab --regid=nestlab --clear-groups cat "$folder/smtp")" \
	"lab:secret of the mail server" "the daemon's user reads its credential"
inside nsenter -t "$main" -m setpriv --reuid=nestlab-worker --regid=nestlab --clear-groups cat "$folder/smtp" 2>/dev/null
is $? 1 "the worker's does not"
inside nsenter -t "$main" -m setpriv --reuid=nestlab --regid=nestlab --clear-groups touch /etc/x /usr/x 2>/dev/null
is $? 1 "the daemon can write nothing of the system's"
worker=$(of nestlab-worker@emulated.service MainPID)
inside nsenter -t "$worker" -m setpriv --reuid=nestlab-worker --regid=nestlab --clear-groups bwrap --unshare-all \
	--ro-bind / / --dev /dev --proc /proc --tmpfs /run true
is $? 0 "makefiles' sandbox can be made in the worker's"
for unit in nestlabd nestlab-worker@emulated; do
	figure=$(inside systemd-analyze security --no-pager $unit.service | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
	limit=$(sed -n "s/.*\`${unit%@*}[@A-Z]*\.service\`[^(]*(\(exposure \)\?\([0-9.]*\).*/\2/p" "$TOP/docs/daemon.md" | head -1)
	is "$figure" "$limit" "systemd-analyze's exposure of $unit is what docs/daemon.md says"
done
inside systemctl stop nestlab-worker@emulated.service nestlabd.socket nestlabd.service
is "$(of nestlabd.service Result) $(of nestlab-worker@emulated.service Result)" "success success" "both end when they are told to"
plan_done
