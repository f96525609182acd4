# SPDX-License-Identifier: GPL-2.0-only
# history.sh: to be sourced by a bench that makes a history of commits on Debian's 6.12 source. The repository is
# bare: commits are made without a work tree. The sourcing script sets $name (for messages) and $dir.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
nestlab=${NESTLAB:-$top/build/bin/nestlab}
dir=${BISECT_DIR:-${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}/bench-bisect}
repo=$dir/linux source=/usr/src/linux-source-6.12.tar.xz
git() { GIT_DIR=$repo GIT_INDEX_FILE=$dir/index-$$ command git "$@"; }
die() { echo "$(basename "$0" .sh): $*" >&2; exit 1; }

export GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@localhost GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=bench GIT_COMMITTER_EMAIL=bench@localhost
export GIT_COMMITTER_DATE='1700000000 +0000'

# The repository with the tag "base", unless it is there.
import_source() {
	mkdir -p "$dir"
	[ -e "$repo/refs/tags/base" ] && return
	[ -e $source ] || die "$source: not there; apt-get install linux-source-6.12"
	rm -rf "$repo" "$dir/unpacked"
	mkdir -p "$dir/unpacked" && command git init -q --bare "$repo" || die "no repository"
	tar -xf $source -C "$dir/unpacked" --strip-components=1 || die "cannot unpack $source"
	git --work-tree="$dir/unpacked" -c core.bare=false add -A -f . || die "cannot add"
	git tag base "$(git commit-tree -m 'linux 6.12' "$(git write-tree)")" || die "cannot commit"
	rm -rf "$dir/unpacked"
}

# begin_history: commits are made on top of the base from now on; end_history BRANCH: which names the last
begin_history() {
	head=$(git rev-parse base)
	git read-tree base || die "cannot read the base"
}
end_history() {
	git update-ref "refs/heads/$1" "$head"
	rm -f "$dir/index-$$"
}

# commit_index MESSAGE: what the index has
commit_index() {
	local tree
	tree=$(git write-tree) && head=$(git commit-tree "$tree" -p "$head" -m "$1") ||
		die "commit $1"
}
# commit MESSAGE FILE: FILE becomes what stands on stdin
commit() {
	local blob
	blob=$(git hash-object -w --stdin) && git update-index --cacheinfo "100644,$blob,$2" ||
		die "commit $1"
	commit_index "$1"
}
# commit_patch MESSAGE FILE [-R]: the patch in FILE (of another variant) is applied, or taken back
commit_patch() {
	git -c core.bare=false apply --cached ${3:-} "$2" || die "commit $1"
	commit_index "$1"
}
show() { git show "$head:$1"; }
append() { show "$1"; printf '\n%b\n' "$2"; } # append FILE TEXT

harmless_files=(arch/x86/kvm/x86.c kernel/fork.c arch/x86/kvm/lapic.c mm/mmap.c arch/x86/kvm/vmx/vmx.c
	lib/string.c arch/x86/kvm/hyperv.c fs/namei.c arch/x86/kvm/vmx/nested.c arch/x86/kvm/mmu/mmu.c)
file_of() { echo "${harmless_files[$1 % ${#harmless_files[@]}]}"; }
note() { echo "static const char nestlab_note_$1[] __used = \"note $1\";"; }
commit_note() { # commit_note N: a commit that changes nothing that matters
	local file
	file=$(file_of "$1")
	commit "a note ($1)" "$file" < <(append "$file" "$(note "$1")")
}
