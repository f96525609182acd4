#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Servers that are reached by ssh: a QEMU machine with a Linux and an sshd of its own is jumped out of, measured
# (it has no VMX: the agent says so), and is back afterwards. Also after a panic of our kernel.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"
. "$TOP/tests/lib/server.sh"

lacks=$(server_lacks) && skip_all "no $lacks (apt-get install busybox-static dropbear-bin kexec-tools openssh-client socat)"
find_pc_kernel || skip_all "no kernel for PCs: $(tail -1 "$TMP/kernel.out")"
# The server's own kernel takes another 11 CPU minutes: too long for `make check` on a machine without caches.
pc=$TOP/tests/fixtures/hosts/pc.json
variant=$TOP/tests/fixtures/kexec/server.json
server=$("$NESTLAB" kernel show --host "$pc" "$variant" --json)
[ "$(jq -r .built <<<"$server")" = true ] ||
	skip_all "the server's kernel is not built: $NESTLAB kernel build --host $pc $variant"
server_kernel=$(jq -r .build.bzimage <<<"$server")

host() { # host NAME KEY...: a host file
	local name=$1
	shift
	cat >"$TMP/$name.json" <<-END
		{"driver":"kexec","ssh":"server","ssh_options":["-F","$TMP/ssh_config"],"kernel_config":["pc"],
		 "console":{"command":["socat","-u","UNIX-CONNECT:$TMP/line","-"],"answers":false}$*}
	END
}
run() { # run HOST OPTION...: STATUS, and $TMP/out
	local name=$1
	shift
	timeout 300 "$NESTLAB" run quick --boots 1 --host "$TMP/$name.json" --kernel baseline --db "$TMP/db/$name.db" "$@" \
		>"$TMP/out" 2>&1
	STATUS=$?
}
boot_id() { on_server cat /proc/sys/kernel/random/boot_id; }

make_server
start_server "$server_kernel"
trap 'kill $SERVER; rm -rf "$TMP"' EXIT
mkdir "$TMP/db"

# ---- can it run? ----

host server
wait_for_server
ok $? "a server with a system of its own"
like "$("$NESTLAB" host check "$TMP/server.json")" 'server: can run' "host check: it can run"
mv "$TMP/known_hosts" "$TMP/known"
: >"$TMP/known_hosts"
like "$("$NESTLAB" host check "$TMP/server.json")" 'missing +server: .*(verification failed|host key)' \
	"a host key that is not known is refused"
mv "$TMP/known" "$TMP/known_hosts"
sed 's/"ssh":"server"/"ssh":"nowhere.invalid"/' "$TMP/server.json" >"$TMP/nowhere.json"
run nowhere
is $STATUS 125 "a server that does not answer: a skip"
like "$(cat "$TMP/out")" 'SKIP: host .*nowhere.json cannot run' "and said so"
host odd ',"directory":"/tmp/$(reboot)"'
like "$("$NESTLAB" host check "$TMP/odd.json" 2>&1)" 'directory: expected a path' "a folder that a shell would read"
host full ',"directory":"/proc/nestlab"'
like "$("$NESTLAB" host check "$TMP/full.json")" 'missing +/proc/nestlab: cannot be written' "what is missing is named"

# ---- there and back ----

before=$(boot_id)
run server
is $STATUS 125 "a server without VMX: the run cannot tell"
like "$(cat "$TMP/out")" 'this CPU has no VMX' "and the agent says why"
dir=$(echo "$TMP"/db/runs/*/baseline-quick-1)
like "$(cat "$dir/records.jsonl")" '"type":"hello".*"nonce"' "the records came by the serial line"
like "$(tr -d '\r' <"$dir/console.log")" 'own system: up' "which saw its own system come back"
after=$(boot_id)
ok "$([ -n "$after" ] && [ "$after" != "$before" ]; echo $?)" "the server is back, in another boot of its own"
like "$(on_server cat /sys/kernel/kexec_loaded)" 0 "with nothing loaded"
is "$(find "$dir" -name 'ticket*' -o -name initrd | wc -l)" 0 "nor is the boot's key on our disk"

# ---- a kernel that dies ----

host dies ',"cmdline":"panic_print=0"'
run dies --append rdinit=/nowhere
like "$(cat "$TMP/out")" 'Kernel panic - not syncing' "a panic of our kernel is told"
wait_for_server
ok $? "and the server is back by itself"
plan_done
