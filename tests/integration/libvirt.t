#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Hosts that are domains of libvirt: a real libvirtd of the test's own, QEMU's own emulator (no VMX: the agent
# says so). libvirtd has its folders at fixed places, so it runs where those are the test's: in a mount
# namespace, in which this script starts itself once more.
set -u
if [ -z "${IN_NAMESPACE:-}" ] && [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	IN_NAMESPACE=1 exec unshare -m --propagation private "$0" "$@"
fi
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

[ -n "${IN_NAMESPACE:-}" ] || skip_all "needs root, for a mount namespace"
command -v libvirtd >/dev/null || skip_all "no libvirtd (apt-get install libvirt-daemon libvirt-daemon-driver-qemu)"
[ -x "$(dirname "$NESTLAB")/nestlab-libvirt" ] || skip_all "no nestlab-libvirt (apt-get install libvirt-dev; make)"

# ---- a libvirtd of our own ----

for dir in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run/libvirt; do
	mkdir -p "$TMP/own$dir" $dir
	mount --bind "$TMP/own$dir" $dir
done
cat >/etc/libvirt/qemu.conf <<-END
	user = "root"
	group = "root"
	security_driver = "none"
	stdio_handler = "file"
	cgroup_controllers = []
END
cat >/etc/libvirt/libvirtd.conf <<-END
	unix_sock_dir = "/run/libvirt"
	auth_unix_rw = "none"
END
mkdir -p /etc/libvirt/storage/autostart "$TMP/pool"
echo "<pool type='dir'><name>lab</name><target><path>$TMP/pool</path></target></pool>" >/etc/libvirt/storage/lab.xml
ln -s ../lab.xml /etc/libvirt/storage/autostart/lab.xml
libvirtd --pid-file "$TMP/libvirtd.pid" >"$TMP/libvirtd.out" 2>&1 &
LIBVIRTD=$!
TRAP=$(trap -p EXIT | sed "s/^trap -- '//; s/' EXIT\$//")
# shellcheck disable=SC2064
trap "kill $LIBVIRTD; wait $LIBVIRTD; $TRAP" EXIT
TOOL=$(dirname "$NESTLAB")/nestlab-libvirt
host() { # host NAME KEY...: a host file
	local name=$1
	shift
	(IFS=,; echo "{\"driver\":\"libvirt\",\"type\":\"qemu\",\"megabytes\":1024$*}") >"$TMP/$name.json"
}
host domain
probe() { "$TOOL" probe qemu:///system qemu >"$TMP/probe" 2>"$TMP/probe.err"; }
await probe # until it listens
like "$(cat "$TMP/probe")" '"hypervisor":"QEMU"' "a libvirtd of our own answers"
domains() { find /run/libvirt/qemu -name 'nestlab-*.xml' | wc -l; }
are_domains() { [ "$(domains)" = "$1" ]; }

# ---- can it run? ----

like "$("$NESTLAB" host check "$TMP/domain.json")" 'domain: can run' "host check: it can run"
host nowhere ',"uri":"qemu+unix:///system?socket=/nowhere"'
like "$("$NESTLAB" host check "$TMP/nowhere.json")" 'missing +libvirt: .*/nowhere' "no libvirt there: said so"
timeout 600 "$NESTLAB" run quick --host "$TMP/nowhere.json" --kernel baseline --db "$TMP/none.db" >"$TMP/out" 2>&1
is "$? $(grep -c 'SKIP: host .*nowhere.json cannot run' "$TMP/out")" "125 1" "a run there is a skip, and no verdict"
host kvm ',"type":"xen"'
like "$("$NESTLAB" host check "$TMP/kvm.json" 2>&1)" '(type: expected "kvm" or "qemu"|repeated|twice)' "a wrong type is named"

# ---- a boot ----

find_pc_kernel || { skip "boots" "no kernel for PCs: $(tail -1 "$TMP/kernel.out")"; plan_done; }
build_boot || { ok 1 "the tests' boot program builds"; plan_done; }
run() { # run HOST: STATUS, and $TMP/out
	timeout 900 "$NESTLAB" run quick --boots 1 --host "$TMP/$1.json" --kernel baseline --db "$TMP/db/nestlab.db" \
		>"$TMP/out" 2>&1
	STATUS=$?
}
mkdir "$TMP/db"
host pooled ',"pool":"lab"' # as on another machine: the image is uploaded
run pooled
is $STATUS 125 "a domain without VMX: the run cannot tell"
like "$(cat "$TMP/out")" 'this CPU has no VMX' "and the agent says why"
dir=$(echo "$TMP"/db/runs/*/baseline-quick-1)
like "$(cat "$dir/records.jsonl")" '"type":"hello".*"nonce"' "the records came by the domain's serial port"
like "$(tr -d '\r' <"$dir/console.log")" 'Power down' "the console, too"
is "$(domains)" 0 "no domain is left"
is "$(ls "$dir"/*.iso 2>/dev/null)" "" "nor the image with the boot's key"
like "$(cat "$dir/domain.xml")" "source file='$TMP/pool/nestlab-" "which was a volume of the pool"
is "$(ls "$TMP/pool")" "" "and is gone from there, too"

host port ',"records":"virtio"'
run port
like "$(cat "$TMP/out")" 'this CPU has no VMX' "another one has a virtio-serial port for its records"
dir=$(grep -l 'type=.virtio' "$TMP"/db/runs/*/*/domain.xml | xargs -r dirname)
like "$(cat "$dir/records.jsonl")" '"type":"hello".*"nonce"' "they came by it"
like "$(tail -1 "$dir/records.jsonl")" '"type":"bye"' "all of them"
like "$(tr -d '\r' <"$dir/console.log")" 'Power down' "the console came by the serial port"
is "$(grep -c $'\x1e' "$dir/console.log")" 0 "and no frame of a record"

# ---- killed ----

host firmware ',"firmware":"uefi","pool":"lab"'
setsid "$NESTLAB" run quick --boots 1 --host "$TMP/firmware.json" --kernel baseline --db "$TMP/db/killed.db" \
	>"$TMP/killed" 2>&1 &
NEST=$!
await are_domains 1
is "$(domains)" 1 "another boot has its domain"
kill -9 $NEST
wait $NEST 2>/dev/null
await are_domains 0
is "$(domains)" 0 "nestlab is killed: libvirt destroys the domain"
volume=$(ls "$TMP/pool")
like "$volume" '^nestlab-[0-9a-f]{16}$' "its volume stays in the pool"
state=${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}/hosts/$(printf 'qemu:///system lab %s' "$volume" | sha256sum | cut -c1-16)
[ -e "$state.state" ]
ok $? "and is in a journal"
like "$("$NESTLAB" host rescue "$TMP/firmware.json")" 'removed the volume '"$volume"' of pool lab' "host rescue"
is "$(ls "$TMP/pool")" "" "removes it"
like "$("$NESTLAB" host rescue "$TMP/firmware.json")" 'nothing is left' "then there is nothing left to do"
is "$(ls "$state".* 2>/dev/null)" "" "no journal and no lock is left"
plan_done
