#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The shipped kernels, really built: from the user's cache if they are there. A one-line change to KVM
# is then built from baseline's tree, each time anew in a cache of its own beside it.
set -u
. "$(dirname "$0")/../lib/tap.sh"

[ -e /usr/src/linux-source-6.12.tar.xz ] || skip_all 'linux-source-6.12 is not installed'
CACHE=${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}
show() { "$NESTLAB" kernel show --json "$1" | sed -n "s/.*\"$2\": *\"\(.*\)\".*/\1/p"; }

OUT=$("$NESTLAB" kernel build baseline nested-context 2>&1)
ok $? 'baseline and nested-context build'
like "$OUT" '^baseline +[0-9a-f]{12} ' 'baseline is named'
like "$OUT" '^nested-context +[0-9a-f]{12} ' 'nested-context is named'
for v in baseline nested-context; do
	BZ=$(show $v bzimage)
	is "$(dd if="$BZ" bs=1 skip=514 count=4 2>/dev/null)" HdrS "$v: bzImage has the boot header"
	is "$(show $v build_id)" "$(readelf -n "$(show $v vmlinux)" | sed -n 's/.*Build ID: //p')" \
		"$v: the build-id is that of vmlinux"
	is "$(grep -ac -e "$CACHE" "$(show $v vmlinux)")" 0 "$v: no path of this machine in vmlinux"
	ASKED=$(grep -hoE '^CONFIG_[A-Z0-9_]+=.*' "$TOP/kernels/config/emulated-host.config")
	is "$(grep -vxFf "$(show $v config)" <<<"$ASKED")" '' "$v: every option of the fragment took"
done
[ "$(show baseline build_id)" != "$(show nested-context build_id)" ]
ok $? 'they differ'
is "$(show baseline config_hash)" "$(show nested-context config_hash)" 'but not in their configuration'

# A cache beside the user's, with its trees: copies of trees are links, which do not cross file systems.
OWN=$(mktemp -d "$CACHE/test.XXXXXX")
trap 'rm -rf "$TMP" "$OWN"' EXIT
mkdir "$OWN/kernels"
ln -s "$CACHE/trees" "$OWN/trees"
cp -r "$CACHE/kernel-index" "$OWN/kernel-index"
KEY=$(show baseline key)
ln -s "$CACHE/kernels/$KEY" "$OWN/kernels/$KEY"
TREE=$CACHE/trees/$KEY
# Kernels in the cache need no tree, but a variant that is built on one does.
[ -d "$TREE" ] || NESTLAB_CACHE=$OWN "$NESTLAB" kernel build "$TOP/tests/kernels/panic.json" >/dev/null 2>&1
sources() { (cd "$TREE" && find . ! -type d -printf '%p %m %T@ %s\n' | LC_ALL=C sort); }
generated() {
	(cd "$TREE" && find . -type f -newer .nestlab-sources -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}

mkdir "$TMP/patches"
(
	mkdir -p "$TMP/a/virt/kvm" "$TMP/b/virt/kvm" && cd "$TMP" || exit
	cp "$TREE/virt/kvm/eventfd.c" a/virt/kvm/
	sed '$a\\nconst char nestlab_test_marker[] __used = "nestlab test marker";' a/virt/kvm/eventfd.c \
		>b/virt/kvm/eventfd.c
	diff -u a/virt/kvm/eventfd.c b/virt/kvm/eventfd.c >patches/one.patch
)
echo one.patch >"$TMP/patches/series"
echo '{ "base": "baseline", "patches": "patches" }' >"$TMP/one-line.json"
sources >"$TMP/sources" && generated >"$TMP/generated"
OUT=$(NESTLAB_CACHE=$OWN "$NESTLAB" kernel build "$TMP/one-line.json" 2>&1)
ok $? 'a one-line patch builds'
like "$OUT" 'from its base' 'from its base'
ENTRY=$(sed -n 's/^one-line .* //p' <<<"$OUT")
COMPILED=$(grep -c '^  CC ' "$ENTRY/log")
[ "$COMPILED" -gt 0 ] && [ "$COMPILED" -le 12 ]
ok $? "compiling only what has to be ($COMPILED files)"
like "$(grep -ao 'nestlab test marker' "$ENTRY/vmlinux")" 'marker' 'and the change is in it'
sources | cmp -s - "$TMP/sources"
ok $? "the base tree has the files, sizes and times it had"
generated | cmp -s - "$TMP/generated"
ok $? 'and what make had generated has the bytes it had'
plan_done
