#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Servers that are reached by ssh: a QEMU machine with a Linux and an sshd of its own is jumped out of, measured
# (it has no VMX: the agent says so), and is back afterwards. Also after a panic of our kernel, after a hang, and
# after a nestlab that is killed.
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
# What measures: the kernel for PCs with drivers of watchdogs, half a minute from that one's tree.
watched=$TOP/tests/fixtures/kexec/watched.json
"$NESTLAB" kernel build --host "$pc" "$watched" >"$TMP/kernel.out" 2>&1 ||
	skip_all "no kernel: $(tail -1 "$TMP/kernel.out")"

host() { # host NAME KEY...: a host file
	local name=$1
	shift
	cat >"$TMP/$name.json" <<-END
		{"driver":"kexec","ssh":"server","ssh_options":["-F","$TMP/ssh_config"],"kernel_config":["pc"],
		 "console":{"command":$LINE,"answers":$ANSWERS}$*}
	END
}
LINE='["socat","-u","UNIX-CONNECT:'$TMP'/line","-"]'
ANSWERS=false
# nestlab has limits of its own for a boot and for the way back. Where the machine is busy with other things each boot in QEMU
# takes minutes, and the way back again: this limit is for a nestlab that hangs.
run() { # run HOST OPTION...: STATUS, and $TMP/out
	local name=$1
	shift
	timeout 3600 "$NESTLAB" run quick --boots 1 --host "$TMP/$name.json" --kernel "$watched" --db "$TMP/db/$name.db" "$@" \
		>"$TMP/out" 2>&1
	STATUS=$?
}
newest() { find "$TMP"/db/runs -mindepth 2 -maxdepth 2 -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2; }
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
dir=$(echo "$TMP"/db/runs/*/watched-quick-1)
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

# ---- a kernel that hangs ----

# Nobody answers the agent, which waits for ten minutes; of the watchdogs it has the chipset's.
ANSWERS=true
host stuck ',"watchdog_s":10,"cmdline":"initcall_blacklist=init_ipmi_si"'
before=$(boot_id)
run stuck
console=$(tr -d '\r' <"$(newest)/console.log")
is "$(grep -o '/dev/watchdog.* resets this machine after .* s$' <<<"$console")" \
	'/dev/watchdog resets this machine after 10 s' "an agent that hangs has armed the one watchdog, an iTCO"
after=$(boot_id)
ok "$([ -n "$after" ] && [ "$after" != "$before" ]; echo $?)" "the server is back: reset by its chipset"
ANSWERS=false
# A kernel that stays dead, before there is an agent.
host dead ',"watchdog_s":10,"cmdline":"panic=0 ipmi_watchdog.panic_wdt_timeout=10"'
before=$after
run dead --append rdinit=/nowhere
like "$(cat "$TMP/out")" 'Kernel panic - not syncing' "a kernel that dies before there is an agent, and stays dead"
after=$(boot_id)
ok "$([ -n "$after" ] && [ "$after" != "$before" ]; echo $?)" "the server is back: reset by its BMC"

# ---- a nestlab that is killed ----

start_run() { # start_run HOST: NEST is its process
	setsid "$NESTLAB" run quick --boots 1 --host "$TMP/$1.json" --kernel "$watched" --db "$TMP/db/$1.db" \
		>"$TMP/$1.out" 2>&1 &
	NEST=$!
}
wait_for() { # wait_for COMMAND...: until it is true, or the run has ended
	while kill -0 "$NEST" 2>/dev/null; do
		"$@" && return
		sleep 0.2
	done
	return 1
}
is_loaded() { [ "$(on_server cat /sys/kernel/kexec_loaded)" = 1 ]; }
kill_run() {
	kill -9 "$NEST"
	wait "$NEST" 2>/dev/null
}
# It is loaded, and not jumped to before somebody says go.
LINE='["sh","-c","[ -e '$TMP'/go ] || exit 1; exec socat -u UNIX-CONNECT:'$TMP'/line -"]'
uploads() { on_server 'cd /var/tmp/nestlab && ls -i' | sort; }
# Nobody answers the agent: it is there until the watchdog resets it.
ANSWERS=true
host held ',"watchdog_s":20'
start_run held
wait_for is_loaded
ok $? "our kernel is loaded"
first=$(uploads)
kill_run
like "$("$NESTLAB" host rescue "$TMP/held.json")" 'server runs its own system, and none of our kernels is loaded' \
	"nestlab is killed: host rescue"
is "$(on_server cat /sys/kernel/kexec_loaded)" 0 "takes it out"
like "$("$NESTLAB" host rescue "$TMP/held.json")" 'nothing is left' "then there is nothing left to do"
start_run held
wait_for is_loaded
is "$(uploads)" "$first" "the next run uploads neither kernel nor initramfs again: the files are the same"
like "$(wc -l <<<"$first")" '^2$' "and there are two of them: no ticket stays"
before=$(boot_id)
touch "$TMP/go"
wait_for grep -q '"type":"hello"' "$(newest)/records.jsonl"
ok $? "our kernel runs"
kill_run
out=$("$NESTLAB" host rescue "$TMP/held.json" 2>&1)
like "$out" 'does not answer yet; waiting' "killed while our kernel runs: host rescue waits"
like "$out" 'server runs its own system' "until the server is back"
after=$(boot_id)
ok "$([ -n "$after" ] && [ "$after" != "$before" ]; echo $?)" "in another boot of its own"
ANSWERS=false
host held
run held
like "$(cat "$TMP/out")" 'this CPU has no VMX' "and the next run is a good one"
plan_done
