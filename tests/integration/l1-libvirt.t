#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab-l1-libvirt with the libvirt and the QEMU of this machine: a domain is made, saved, restored and ended, and what
# libvirt found out about QEMU once is taken in the next boot, but not if it is of another libvirt, or damaged.
set -u
. "$(dirname "$0")/../lib/tap.sh"

helper=$TOP/${BUILD:-build}/bin/nestlab-l1-libvirt
[ -x "$helper" ] || skip_all "libvirt-dev is not installed"
[ "$(id -u)" = 0 ] || skip_all "libvirt's driver runs QEMU as root here"
cd "$TMP" || exit 1

# The CPU is QEMU's own: there may be no KVM here.
cat >l1.xml <<-'END'
	<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>l1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='q35'>hvm</type></os>
	<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
	<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
	<memballoon model='none'/></devices>
	<qemu:capabilities><qemu:del capability='cpu-unavailable-features'/></qemu:capabilities></domain>
END
sed 's/pc-q35\|q35/no-such-machine/' l1.xml >refused.xml

# It loads what an image has in the place of libicudata.so.
for stub in "$TOP/${BUILD:-build}"/bin/nestlab-icudata.so.*; do
	[ -e "$stub" ] && install -D "$stub" "lib/lib${stub#*/nestlab-}"
done
export LD_LIBRARY_PATH=$TMP/lib
like "$(LD_TRACE_LOADED_OBJECTS=1 "$helper")" "libicudata.so.* => $TMP/lib/" "libvirt loads no tables of scripts"

# obey ROOT [FILE] <ORDERS: the answers without process ids
obey() { timeout 600 "$helper" "$@" 2>>messages | sed -E 's/^(ok|event [a-z]+) ?[0-9]*$/\1/'; }

printf '%s\n' "capabilities x" "create $TMP/refused.xml" "create $TMP/l1.xml" "create $TMP/l1.xml" resume \
	"hmp info status" "save $TMP/state" "restore $TMP/state" "hmp info status" "capabilities $TMP/first.gz" quit |
	obey "$TMP/r.first" none.gz >first
is "$(sed -E 's/(refused).*/\1/' first)" "ok
error there is no domain
error refused
ok
error there is a domain
ok
ok VM status: running  
ok
ok
ok VM status: running  
ok new" "a domain is made, runs, is saved and restored; libvirt found out what QEMU can do"
like "$(gzip -dc first.gz | head -3)" '^[0-9a-f]{64}\.xml
<qemuCaps>' "which is kept with its name"

# what libvirt does with FILE
again() { printf '%s\n' "create $TMP/l1.xml" "capabilities $TMP/again.gz" quit | obey "$TMP/r.$1" "$1" | tail -1; }
gzip -dc first.gz | sed 's/<qemuctime>[0-9]*/<qemuctime>1/; s/<selfctime>[0-9]*/<selfctime>2/' | gzip >older.gz
is "$(again older.gz)" "ok known" "the next boot takes it, however old its files were"
gzip -dc first.gz | sed 's/<selfvers>[0-9]*/<selfvers>8000000/' | gzip >other.gz
is "$(again other.gz)" "ok new" "another libvirt's is not taken: libvirt finds out anew"
cmp -s <(gzip -dc first.gz) <(gzip -dc again.gz)
ok $? "and gives what it found"

# what libvirt is given of FILE: no domain is made
given() { echo quit | obey "$TMP/g.$1" "$1" >/dev/null && ls "$TMP/g.$1/cache/qemu/capabilities" 2>/dev/null; }
is "$(given older.gz)" "$(gzip -dc first.gz | head -1)" "libvirt is given the file under its name"
head -c 5000 first.gz >torn.gz
gzip -dc first.gz | sed '1s,.*,../../../../../../../tmp/x.xml,' | gzip >away.gz
echo text >plain.gz
is "$(given torn.gz; given away.gz; given plain.gz)" "" \
	"but nothing of one that is torn, is none, or has a name that leads elsewhere"
# What a QEMU is asked as it starts: without our <qemu:capabilities> some 400 questions, of a million instructions each on an emulated L0.
questions() {
	echo "create $1" | LIBVIRT_LOG_FILTERS="1:qemu_monitor 4:*" LIBVIRT_LOG_OUTPUTS="1:file:$TMP/log.$2" obey "$TMP/r.$2" first.gz >/dev/null
	grep -c 'QEMU_MONITOR_SEND_MSG' "log.$2"
}
sed '/qemu:capabilities/s/<qemu:capabilities>.*<\/qemu:capabilities>//' l1.xml >asked.xml
few=$(questions "$TMP/l1.xml" few) many=$(questions "$TMP/asked.xml" many)
ok $((few < 1 || few > 40)) "libvirt asks a new QEMU no more than it needs ($few questions)"
ok $((many < 300)) "and would ask for each property of its CPU ($many)"
is "$(pgrep -fc "$TMP/r")" 0 "no QEMU is left"
plan_done
