#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bisect-fails.sh [selftest|panic|integrity|warning]...: hunts real failures on the emulated host (default: all four).
#
# For each a branch of 12 commits on Debian's 6.12 source. From one commit on it fails in every boot (the warning:
# in 30 % of them). The commit that a bisect tries first fails in another way and must be skipped:
# that of panic has no KVM for Intel, those of the others panic or warn at boot.
# Prints what `nestlab bisect --fails` said and what it took, and checks the answer.
#
# BISECT_DIR: where the repository and the databases go (default: the cache's bench-bisect).
set -u
. "$(dirname "$0")/../lib/history.sh"
commits=12 breaks=9 other=6 # other: the commit that fails in another way, the first that a bisect tries
nested=arch/x86/kvm/vmx/nested.c main=init/main.c kernels=$top/tests/kernels

# at_boot TEXT: init/main.c with TEXT where the kernel's first process begins
at_boot() { show $main | sed "/^\twait_for_completion(&kthreadd_done);/a\\
\t$1"; }

# ---- what is hunted: its commit, how it is asked for, what it is, and what fails besides ----

declare -A asked=(
	[selftest]="--test vmx_set_nested_state_test"
	[panic]="--scenario exits --param reason=cpuid --rounds 1"
	[integrity]="--scenario churn --param operation=msr-bitmap --param l2_vcpus=2 --rounds 16 --class integrity"
	[warning]="--scenario exits --param reason=cpuid --rounds 1 --message WARNING.*kernel_init --max-boots 64"
)

break_selftest() { # a nested state without VMXON, which is a right one, is refused
	commit "KVM: nVMX: VMX is always on" $nested < <(show $nested |
		sed '/^\tif (kvm_state->hdr.vmx.vmxon_pa == INVALID_GPA) {$/a\
\t\tif (kvm_state->hdr.vmx.vmcs12_pa == INVALID_GPA)\
\t\t\treturn -EINVAL;')
}
break_panic() { commit_patch "init: stop early" "$kernels"/panic/*.patch; }
break_integrity() {
	commit_patch "KVM: nVMX: look once" "$kernels"/stale-msr-bitmap/*.patch
}
break_warning() { # by the initramfs, whose plan has the boot's seed: little else differs from boot to boot
	commit "init: look at the initramfs" $main < <(at_boot \
		'u32 h = 2166136261u; for (unsigned long a = initrd_start; a < initrd_end; a++) h = (h ^ *(u8 *)a) * 16777619u; WARN_ON(h * 2654435769u < 1288490188u);')
}

fail_otherwise() {
	case $kind in
	panic) commit_patch "no KVM for Intel" "$kernels"/no-kvm/*.patch ;;
	integrity) commit "a warning" $main < <(at_boot 'WARN_ON(1); /* other */') ;;
	*) commit "another panic" $main < <(at_boot 'panic("in another way"); /* other */') ;;
	esac
}
mend_other() {
	case $kind in
	panic) commit_patch "KVM for Intel again" "$kernels"/no-kvm/*.patch -R ;;
	*) commit "no more of that" $main < <(show $main | grep -v '/\* other \*/') ;;
	esac
}

make_commits() { # sets culprit
	begin_history
	for n in $(seq $commits); do
		case $n in
		"$breaks") "break_$kind"; culprit=$head ;;
		"$other") fail_otherwise ;;
		"$((other + 1))") mend_other ;;
		*) commit_note "$n" ;;
		esac
	done
	end_history "fails-$kind"
}

# ---- the bisect ----

sql() { sqlite3 "$db" "$1"; }

hunt() {
	local run status started
	make_commits
	run=$(mktemp -d "$dir/run.XXXXXX") db=$run/nestlab.db
	started=$EPOCHREALTIME
	# shellcheck disable=SC2086 # words on purpose
	"$nestlab" bisect --tree "$repo" --good base --bad "fails-$kind" --fails ${asked[$kind]} \
		--db "$db" >"$run/out" 2>"$run/err"
	status=$?
	grep '^bisect:' "$run/err"
	cat "$run/out"
	[ $status -eq 128 ] && tail -3 "$run/err"
	echo "$kind: $(sql "SELECT count(*) FROM bisect_step") candidates judged," \
		"$(sql "SELECT count(*) FROM bisect_step WHERE verdict = 'skip'") skipped," \
		"$(sql "SELECT count(*) FROM run") boots," \
		"$(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $started }") s in all, exit status $status"
	echo "database: $db"
	grep -q "^  ${culprit:0:12} " "$run/out" || die "$kind: the culprit is $culprit"
	[ $status -eq 0 ] || die "$kind: exit status $status"
	[ "$(sql "SELECT count(*) FROM bisect_step WHERE verdict = 'skip'")" -gt 0 ] ||
		die "$kind: no step was skipped"
}

[ $# -gt 0 ] || set -- selftest panic integrity warning
import_source
for kind; do
	[ -n "${asked[$kind]:-}" ] || die "$kind: no such failure; see the head of this file"
	hunt
done
