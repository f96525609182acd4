# SPDX-License-Identifier: GPL-2.0-only
# bash completion: `nestlab complete` knows everything; see orchestrator/cli/complete.c.
_nestlab()
{
	local current=${COMP_WORDS[COMP_CWORD]} line word
	local program=${COMP_WORDS[0]/#\~/$HOME}

	COMPREPLY=()
	[ "$current" = = ] && current=
	while IFS= read -r line; do
		case $line in
		:file)
			compopt -o filenames 2>/dev/null
			while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
			;;
		:folder)
			compopt -o filenames 2>/dev/null
			while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current")
			;;
		*)
			word=${line%%$'\t'*}
			[[ $word == "$current"* ]] && COMPREPLY+=("$word")
			;;
		esac
	done < <("$program" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _nestlab nestlab
