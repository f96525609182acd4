#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels that somebody else built: a folder as make leaves it, a bzImage with System.map and .config. One
# boots beside two others, with more boot parameters, and all are told in one table.
set -u
. "$(dirname "$0")/../lib/tap.sh"
cd "$TOP" || exit 1

"$NESTLAB" host check emulated >/dev/null || skip_all "no emulated host"
"$NESTLAB" kernel build baseline nested-context >"$TMP/out" 2>&1 || skip_all "kernels cannot be built here"
entry=$(dirname "$("$NESTLAB" kernel show --json baseline | jq -r .build.bzimage)")
own() { NESTLAB_CACHE=$TMP/cache "$NESTLAB" "$@" 2>&1; } # these kernels are for this test alone
show() { jq -r ".build.$1"; }
variant() { echo "{ \"source\": { \"kind\": \"built\", $2 }${3:-} }" >"$TMP/$1.json"; }
refused() { # refused NAME REGEX TEST
	local out
	out=$(own kernel build "$TMP/$1.json")
	is "$?" 128 "$3"
	like "$out" "$2" "and says why"
}

# ---- from files, from a folder ----

cp "$entry/bzImage" "$TMP/vmlinuz"
cp "$entry/System.map" "$TMP/map"
cp "$entry/config" "$TMP/config"
mkdir -p "$TMP/tree/arch/x86/boot"
cp "$entry/bzImage" "$TMP/tree/arch/x86/boot"
cp "$entry/System.map" "$TMP/tree"
cp "$entry/config" "$TMP/tree/.config"
files='"location": "vmlinuz", "system_map": "map", "config": "config"'
variant mine "$files"
variant folder '"location": "tree"'
like "$(own kernel build "$TMP/mine.json")" '^mine +[0-9a-f]{12} +built' "a bzImage is taken as a kernel"
like "$(own kernel build "$TMP/folder.json")" '^folder +[0-9a-f]{12} +cached' "the same in a folder is the same"
for what in build_id release; do
	is "$(own kernel show --json "$TMP/mine.json" | show $what)" "$("$NESTLAB" kernel show --json baseline | show $what)" "its $what is that of the kernel in it"
done
like "$(own kernel show --json "$TMP/mine.json" | show compiler)" "^$(gcc --version | head -1 | cut -d' ' -f1)" "its compiler is what the configuration says"
echo '# another' >>"$TMP/tree/.config"
like "$(own kernel build "$TMP/folder.json")" '^folder +[0-9a-f]{12} +built' "with another configuration it is another"

# ---- what cannot be ----

variant alone '"location": "vmlinuz"'
refused alone '"system_map" and "config" have to be given' "a bzImage alone"
echo nonsense >"$TMP/nonsense"
variant nonsense '"location": "nonsense", "system_map": "map", "config": "config"'
refused nonsense 'nonsense: not a bzImage' "what is no bzImage"
head -c 100000 "$TMP/vmlinuz" >"$TMP/cut"
variant cut '"location": "cut", "system_map": "map", "config": "config"'
refused cut 'payload is cut' "half a bzImage"
sed 's/CONFIG_KVM_INTEL=y/CONFIG_KVM_INTEL=m/' "$TMP/config" >"$TMP/modular"
variant modular '"location": "vmlinuz", "system_map": "map", "config": "modular"'
refused modular 'CONFIG_KVM_INTEL=y \(has m\)' "a kernel whose KVM is a module"
variant patched "$files" ', "compiler": "gcc"'
refused patched 'is built already takes no patches, config, options, compiler' "a compiler for what is built"
is "$(own kernel build "$TMP/mine.json+CONFIG_X=y" | grep -c 'built already, and takes no options')" 1 \
	"options for what is built"

# ---- three kernels ----

echo '{ "scenarios": [ { "scenario": "exits", "l1": "micro-vmx", "reason": "vmcall", "rounds": 20 } ] }' >"$TMP/small.json"
db=$TMP/x.db
out=$("$NESTLAB" run "$TMP/small.json" --kernel baseline --kernel nested-context --kernel "$TMP/mine.json" \
	--boots 1 --db "$db" 2>&1)
status=$?
ok "$([ $status = 0 ] || [ $status = 125 ]; echo $?)" "three kernels run (exit status $status)"
like "$out" '3 boots passed' "each boots"
like "$out" 'nested-context.* mine' "and all are in one table"
like "$out" "^next: .*compare baseline nested-context mine --all" "with the command that shows it again"
is "$("$NESTLAB" compare baseline nested-context mine --db "$db" --json | jq '.kernels // .pairs | length > 0')" true \
	"which works"
"$NESTLAB" run "$TMP/small.json" --kernel "$TMP/mine.json" --append 'nestlab.test=1 quiet' --boots 1 --seed 9 --db "$db" >"$TMP/out" 2>&1
is "$?" 0 "more boot parameters"
like "$(sqlite3 "$db" "SELECT cmdline FROM run ORDER BY id DESC LIMIT 1")" ' nestlab.test=1 quiet$' "are given to the kernel"
is "$(sqlite3 "$db" "SELECT count(*) FROM run WHERE json_extract(host_identity, '$.boot_parameters') = 'nestlab.test=1 quiet'")" 1 \
	"and stored with the boot"
like "$("$NESTLAB" compare baseline mine --db "$db" 2>&1)" 'mine: 1 run of another agent, host, clock or L1 kernel left out' \
	"whose numbers are not compared with those without"
plan_done
