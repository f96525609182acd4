#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# warnings.sh [FOLDER]: does the series in FOLDER (default: the nested-context one) compile where no kernel of the
# lab is of that kind? KVM's objects with W=1, for 32-bit x86 with HIGHMEM64G and without CONFIG_KVM_HYPERV. Fails
# if one does not compile or the compiler warns. Two minutes of CPU time, 1.7 GB in $TMPDIR. SOURCE=FOLDER: sources that are
# unpacked and patched already.
set -u
cd "$(dirname "$0")/../.." || exit 1
series=$(realpath "${1:-kernels/patches/nested-context}") options=$PWD/kernels/config/emulated-host.config
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

unpack() {
	tar xf /usr/src/linux-source-6.12.tar.xz -C "$tmp" || return
	source=$tmp/linux-source-6.12
	grep '^[^#]' "$series/series" | while read -r patch; do
		(cd "$source" && GIT_DIR=/dev/null git apply -p1 "$series/$patch") || exit 1
	done
}

# compile NAME ARCH OPTION...
compile() {
	local out=$tmp/$1 make=(make -C "$source" O="$tmp/$1" ARCH="$2") log=$tmp/$1.log
	mkdir "$out"
	"${make[@]}" tinyconfig >"$log" 2>&1 || { tail "$log"; return 1; }
	{ grep -v CONFIG_64BIT "$options"; printf '%s\n' "${@:3}"; } >>"$out/.config"
	"${make[@]}" olddefconfig >"$log" 2>&1 && "${make[@]}" -j2 prepare >>"$log" 2>&1 || { tail "$log"; return 1; }
	"${make[@]}" -j2 W=1 -k arch/x86/kvm/ >"$log" 2>&1
	local status=$?
	echo "$1: $(grep -c '^  CC ' "$log") objects, exit status $status, $(grep -c 'warning:' "$log") warnings"
	grep -A4 'warning:\|error:' "$log"
	[ $status -eq 0 ] && ! grep -q 'warning:' "$log"
}

source=${SOURCE:-}
[ -n "$source" ] || unpack || exit 1
compile 32-bit i386 '# CONFIG_64BIT is not set' CONFIG_M686=y CONFIG_HIGHMEM64G=y || failed=1
compile no-hyperv x86_64 CONFIG_64BIT=y '# CONFIG_KVM_HYPERV is not set' || failed=1
exit $failed
