#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The image: the same bytes for the same inputs, and it boots by BIOS and by UEFI. Under QEMU's own
# emulator there is no VMX, and the agent must say so.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

AGENT=$(dirname "$NESTLAB")/nestlab-agent
PLAN=$'nestlab-plan 1\nrun seed=1 mode=cooperative\nend count=0\n'
build_boot || { ok 1 "the tests' boot program builds"; plan_done; }

# What is not a kernel but passes for one until it is booted.
head -c 4096 /dev/zero >"$TMP/kernel"
printf HdrS | dd of="$TMP/kernel" bs=1 seek=514 conv=notrunc status=none

image() { # image CACHE [KERNEL [PLAN [CMDLINE [AGENT]]]]
	NESTLAB_CACHE=$TMP/$1 "$BOOT" image "${2:-$TMP/kernel}" "${5:-$TINY}" "${3:-done}" "${4:-}" 2>&1
}
hash_of() { sha256sum <"$1"; }

# ---- bytes ----

one=$(image one)
ok $? "an image is made"
cp "$TINY" "$TMP/other-name"
touch -d 2001-01-01 "$TMP/other-name" "$TMP/kernel"
two=$(TZ=Asia/Tokyo umask 077 && image two "$TMP/kernel" "done" "" "$TMP/other-name")
is "$(hash_of "$two")" "$(hash_of "$one")" "again, elsewhere, at another time: the same bytes"
is "$(basename "$two")" "$(basename "$one")" "and the same name"

inode=$(stat -c %i "$one")
image one >/dev/null
is "$(stat -c %i "$one")" "$inode" "what is in the cache is not made again"
mkdir "$TMP/one/images/work.killed" # of another image
for change in "image one $TMP/kernel other" "image one $TMP/kernel done quiet" \
	"image one $TMP/kernel done '' $AGENT"; do
	[ "$(eval "$change")" != "$one" ]
	ok $? "another input is another image: ${change##* }"
done
is "$(ls "$TMP/one/images" | grep -cvE '\.iso$|^lock$')" 0 "nothing is left of making it"

listing=$(xorriso -indev "$one" -report_el_torito plain 2>/dev/null)
like "$listing" 'El Torito boot img :   1  BIOS' "one boot image for BIOS"
like "$listing" 'El Torito boot img :   2  UEFI' "and one for UEFI"

xorriso -osirrox on -indev "$one" -extract / "$TMP/disc" >/dev/null 2>&1
chmod -R u+w "$TMP/disc"
contents=$(cpio -itv <"$(echo "$TMP"/disc/*/initrd)" 2>/dev/null)
like "$contents" '^-rwxr-xr-x +1 root +root .* init$' "the agent is /init"
like "$contents" '^-rw-r--r-- +1 root +root .* plan$' "the plan is there"
like "$contents" '^crw------- .* 5, +1 .* dev/console$' "and a console"

# ---- what cannot be ----

like "$(image none "$TMP/nothing")" 'nothing: cannot' "a kernel that is not there is named"
like "$(image none "$TINY")" "$TINY: not a bzImage" "what is no kernel is named"
like "$(image none "$TMP/kernel" "done" 'a;b')" 'command line: byte' "a word that GRUB would take apart"
like "$(PATH=$(dirname "$(command -v cat)")/nowhere image none)" 'not installed \(apt-get install' \
	"a missing tool: its package"
ok "$([ ! -e "$TMP/none/images" ] || [ -z "$(ls -A "$TMP/none/images" | grep iso)" ]; echo $?)" \
	"and no half image"

if mkdir "$TMP/small" && mount -t tmpfs -o size=1M none "$TMP/small" 2>/dev/null; then
	like "$(image small)" 'not enough space for an image: [01] MiB free' "a full disk is told beforehand"
	is "$(find "$TMP/small" -name '*.iso' | wc -l)" 0 "and holds no half image"
	umount "$TMP/small"
else
	skip "a full disk is told beforehand" "cannot mount a small one"
fi

# ---- it boots ----

if ! find_pc_kernel; then
	skip "boots by BIOS and by UEFI" "no kernel for PCs: $(tail -1 "$TMP/kernel.out")"
	plan_done
fi
# OVMF writes of its own to both serial ports before the records start.
real=$(image real "$KERNEL" "$PLAN" "ip=dhcp loglevel=7" "$AGENT")
firmware=/usr/share/OVMF/OVMF_CODE_4M.fd

boots() { # boots FIRMWARE NIC OPTION...: boots the image there and asserts what its agent says
	local name=$1 nic=$2 pid
	shift 2
	: >"$TMP/records"
	timeout 900 qemu-system-x86_64 -accel tcg -m 1024 -display none -no-reboot \
		-nic "user,restrict=on,model=$nic" -monitor none -serial "file:$TMP/console" -serial "file:$TMP/records" \
		-cdrom "$real" "$@" </dev/null >"$TMP/qemu.out" 2>&1 &
	pid=$!
	timeout 900 tail -n +1 -F --pid=$pid "$TMP/records" 2>/dev/null | grep -q -m1 '"type":"bye"'
	ok $? "$name: boots, and the agent gets to its bye"
	like "$(cat "$TMP/records")" '"type":"hello"' "$name: after a hello"
	like "$(cat "$TMP/records")" '"type":"fatal".*VMX' "$name: and a word that VMX is missing"
	wait $pid
	ok $? "$name: switches off"
	like "$(tr -d '\r' <"$TMP/console")" 'IP-Config: Complete' "$name, $nic: has an address before that"
}
boots BIOS e1000 -boot d
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$TMP/vars"
boots UEFI virtio-net-pci -machine q35 -drive "if=pflash,format=raw,readonly=on,file=$firmware" \
	-drive "if=pflash,format=raw,file=$TMP/vars"
boots "BIOS on q35" e1000e -machine q35 -boot d

plan_done
