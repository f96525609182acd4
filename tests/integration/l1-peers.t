#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab-l1-libvirt --pair with the libvirtd and the QEMU of this machine: a domain goes to and fro between two libvirts, by
# QEMU's own socket and through a tunnel; and it runs on where it is when the other side fails.
set -u
. "$(dirname "$0")/../lib/tap.sh"

helper=$TOP/${BUILD:-build}/bin/nestlab-l1-libvirt
[ -x "$helper" ] || skip_all "libvirt-dev is not installed"
[ -x /usr/sbin/libvirtd ] || skip_all "no libvirtd (apt-get install libvirt-daemon)"
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip_all "needs root, for mount namespaces"
cd "$TMP" || exit 1

# The CPU is QEMU's own: there may be no KVM here.
cat >l1.xml <<-'END'
	<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
	<name>l1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='q35'>hvm</type></os>
	<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
	<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
	<memballoon model='none'/></devices>
	<qemu:commandline><qemu:arg value='-msg'/><qemu:arg value='timestamp=on'/></qemu:commandline></domain>
END
# obey ORDER...: the answers, whose numbers are N
obey() {
	printf '%s\n' "create $TMP/l1.xml" resume "$@" quit | timeout 600 "$helper" --pair "$TMP/r" "$TMP/found.gz" >out 2>>messages
	sed -E 's/[0-9]+/N/g' out
}

is "$(obey "migrate " "migrate tunnelled" "hmp info status" "migrate sideways" "capabilities $TMP/found.gz")" "ok 
ok N
ok 
ok moved N N N N
ok moved N N N N
ok VM status: running  
error no such words of migrate
ok new" "a domain goes to the other libvirt and back through a tunnel, and runs"
read -r _ _ pid us bytes passes < <(grep moved out)
is "$(grep moved out | cut -d' ' -f3 | sort -u | wc -l)" 2 "in another QEMU each time"
[ "$us" -gt 100 ] && [ "$us" -lt 30000000 ] && [ "$bytes" -gt 100000 ] && [ "$bytes" -lt 30000000 ] && [ "$passes" -ge 1 ]
ok $? "with how long it stood still, bytes and passes ($us us, $bytes, $passes)"
is "$(pgrep -fc "$TMP")" 0 "no libvirt and no QEMU is left" || pgrep -fa "$TMP" | sed 's/^/# /'

obey "migrate refuse" "migrate kill-qemu" "migrate " "hmp info status" "capabilities $TMP/again.gz" >said
like "$(sed -n 4p said)" "^ok stayed refused .*doesn't support requested features" \
	"the other side cannot make its CPU: it stays, and that is told"
like "$(sed -n 5p said)" '^ok stayed way .*migration' "the QEMU there is killed: it stays"
is "$(sed -n '6,$p' said)" "ok moved N N N N
ok VM status: running  
ok known" "and goes when nothing is in its way; what libvirt found out about QEMU is taken again, by both"

obey "migrate kill-libvirt" "hmp info status" "migrate " >said
like "$(sed -n 4p said)" '^ok stayed libvirt .' "the libvirt there is killed: it stays"
is "$(sed -n 5p said)" "ok VM status: running  " "and runs on"
like "$(sed -n 6p said)" '^ok stayed libvirt .*refused' "and it does not go there later"
is "$(pgrep -fc "$TMP")" 0 "no libvirt and no QEMU is left, that of the killed libvirt neither" || pgrep -fa "$TMP" | sed 's/^/# /'

# the domain's QEMU is killed where it went
coproc HELPER { timeout 600 "$helper" --pair "$TMP/r" "$TMP/found.gz" 2>>messages; }
ask() { [ -z "$1" ] || echo "$1" >&"${HELPER[1]}"; read -t 60 -r answer <&"${HELPER[0]}"; }
ask "" && ask "create $TMP/l1.xml" && ask resume && ask "migrate "
kill -9 "$(cut -d' ' -f3 <<<"$answer")"
ask ""
is "$answer" "event stopped failed" "a QEMU that ends after the move is told of"
ask quit
is "$(pgrep -fc "$TMP")" 0 "and nothing is left"

printf 'migrate \n' | timeout 600 "$helper" --pair "$TMP/none" >out 2>>messages
is "$(cat out)" "ok 
error there is no domain" "without a domain nothing goes"
long=$TMP/$(printf 'x%.0s' {1..120})
printf '' | timeout 600 "$helper" --pair "$long" >out 2>>messages
like "$? $(cat out)" '^1 error .*too long' "a folder too long for a socket is told"
plan_done
