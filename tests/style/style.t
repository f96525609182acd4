#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The conventions of docs and design that a program can check.
set -u
. "$(dirname "$0")/../lib/tap.sh"
cd "$TOP" || exit 1

list() { git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r f; do
	[ -e "$f" ] && echo "$f"; done; }
none() { # none TEXT NAME: passes when TEXT is empty
	[ -z "$1" ]
	ok $? "$2"
	[ -z "$1" ] || head -20 <<<"$1" | sed 's/^/#   /'
}

mapfile -t sources < <(list '*.c' '*.h')
mapfile -t scripts < <(list '*.sh' '*.t' '*.mk' '*.S' Makefile tests/run .ci/run)

none "$(git ls-files -z | tr '\0' '\n' | grep -vE '^[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+@-]+)*$')" \
	"no file is here by accident, as one named by an option"
none "$(clang-format --dry-run --Werror "${sources[@]}" 2>&1 | grep -o '^[^:]*:[0-9]*' | sort -u)" \
	"clang-format has nothing to change (make format)"
none "$(awk 'FNR <= 3 && /SPDX-License-Identifier: GPL-2\.0-only/ { has[FILENAME] = 1 } FNR >= 3 { nextfile }
	END { for (i = 1; i < ARGC; i++) if (!has[ARGV[i]]) print ARGV[i] }' "${sources[@]}" "${scripts[@]}")" \
	"every source file has its SPDX line"
none "$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|system|popen|tmpnam)\(' "${sources[@]}")" \
	"no unsafe function is called"
none "$(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }')" \
	"no source file is over 600 lines"
# Grouped by what they are for, files are found by who does not know their names.
none "$(printf '%s\n' "${sources[@]}" | sed 's|/[^/]*$||' | sort | uniq -c | awk '$1 > 60 {
	print $2 ": " $1 " files" }')" "no folder has more than 60 source files"
none "$(list '*.md' '*.c' '*.h' '*.mk' '*.config' '*.json' | tr '\n' '\0' |
	xargs -0 grep -ohP '(?<![\w/.-])(agents|common|images|kernels|orchestrator|results|scenarios)/[\w./-]+\.[ch]\b' |
	sort -u | grep -v NAME | while read -r f; do [ -e "$f" ] || echo "$f"; done)" "every source file that is named is there"
mapfile -t product < <(list '*.c' '*.h' | grep -v ^tests/)
none "$(tests/style/expressions.py "${product[@]}")" \
	"one conditional expression a statement, errors are returned, no function over 60 lines"
none "$(tests/style/expressions.py "${sources[@]}" | grep -F 'ret = ret')" "tests return their errors too"
# What is renamed or made with a random name is done so that a process that is killed leaves no half file and no folder
# for ever: common/fs.h, common/scratch.h. kernels/tree.c links within a scratch folder, slack.c in an L0 that ends with the boot.
none "$(grep -nE '\b(rename(at2?)?|mk[do]?s?temps?|tmpfile|linkat)\(' "${product[@]}" |
	grep -vE '^(common/(fs_write|scratch)|kernels/tree|agents/l0/vmm/slack)\.c:')" "files take their names through common/fs.h and common/scratch.h"
# These write where no other process looks before they are done: in a guest, a folder of one boot, or not a file at all.
none "$(grep -nE '\bO_TRUNC\b|\bfopen\([^)]*"w|\bcreat\(' "${product[@]}" |
	grep -vE "^(agents/|(images/ticket|orchestrator/(cli/write|daemon/storage/unpack|hosts/(emulated|kexec/image)))\.c:)")" \
	"no file is written in place"
none "$(git grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -- '*.c' '*.h' '*.sh' '*.mk' Makefile)" \
	"nothing is left for later"

# who may include whom: docs/design.md, "The flow, and the folders that show it"
direction() { # direction FOLDER FORBIDDEN|FORBIDDEN
	[ -n "$(list "$1/*.c" "$1/*.h")" ] || { not_ok "$1 includes none of $2 (no such folder)"; return; }
	none "$(grep -nE "#include \"($2)/" $(list "$1/*.c" "$1/*.h"))" "$1 includes none of $2"
}
direction common 'kernels|images|scenarios|results|agents|orchestrator'
direction kernels 'images|scenarios|results|agents|orchestrator'
direction images 'kernels|scenarios|results|agents|orchestrator'
direction scenarios 'kernels|images|results|agents/(l0|l1|guest)|orchestrator'
direction results 'kernels|images|scenarios|agents|orchestrator'
direction agents 'kernels|images|scenarios|results|orchestrator'
direction agents/wire 'agents/(l0|l1|guest)'
direction results/store 'results/(compare|explain|report|web)'
direction results/compare 'results/(explain|report|web)'
direction orchestrator/request 'orchestrator/(cli|daemon|bisect|explain|engine|hosts)'
direction orchestrator/hosts 'orchestrator/(engine|explain|bisect|cli|daemon|request)'
direction orchestrator/engine 'orchestrator/(explain|bisect|cli|daemon)'
direction orchestrator/explain 'orchestrator/(cli|daemon)'
direction orchestrator/bisect 'orchestrator/(cli|daemon)'
direction orchestrator/daemon 'orchestrator/(cli|bisect|engine|hosts|demo)'
daemon() { # daemon ROOM FORBIDDEN|FORBIDDEN: rooms of the daemon
	direction "orchestrator/daemon/$1" "orchestrator/daemon/($2)"
}
server='queue|pool|intake|nights|watch|mail|api|pages'
daemon storage "$server|http|agent"
daemon agent "$server"
daemon queue 'http|api|pages|nights|watch|mail|intake|agent'
daemon pool 'http|api|pages|nights|watch|mail|intake|agent'
daemon http 'queue|pool|intake|nights|watch|mail|agent'
direction orchestrator/demo 'orchestrator/(cli|bisect|engine|hosts|explain|request)'

# A file knows another one when it calls what that one defines. Followed like that, no file may lead back
# to itself.
none "$(tests/style/circles.py "${BUILD:-build}")" "no circle of files"

plan_done
