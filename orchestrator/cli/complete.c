// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestlab complete -- WORD...: what the last word can become, for completion/. The words are those
 * of a command line without "nestlab", the last one may be empty. Prints a candidate, a tab and
 * what it means on each line; ":file" or ":folder" stands for what the shell finds itself. The
 * shell leaves out candidates that do not begin with the word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/hosts/hosts.h"
#include "scenarios/scenarios.h"

/* What goes before each candidate: "--host=" where that is part of the word. */
static const char *prefix = "";

static void print_candidate(const char *word, const char *help)
{
	printf("%s%s\t%s\n", prefix, word, help);
}

/* ---- values, by the name of the argument ---- */

/* The names of .json files. A folder that cannot be read has none. */
static void list_files_of(const struct folders *folders, const char *help)
{
	char **names;
	size_t count;

	if (folders_list(folders, ".json", &names, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++)
		print_candidate(names[i], help);
	fs_free_names(names, count);
}

static void list_kernels(void)
{
	list_files_of(&command_places()->variants, "kernel");
	puts(":file");
}

static void list_scenarios(void)
{
	list_files_of(&command_places()->scenarios, "scenario");
	puts(":file");
}

static void list_policies(void)
{
	list_files_of(&command_places()->policies, "policy");
	puts(":file");
}

static void list_hosts(void)
{
	char **names;
	size_t count;

	if (host_list(command_places(), &names, &count, NULL))
		return;
	for (size_t i = 0; i < count; i++)
		print_candidate(names[i], "host");
	fs_free_names(names, count);
	puts(":file");
}

static void list_kinds(void)
{
	const char *last = "";

	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++) {
		if (strcmp(m->scenario, last))
			print_candidate(m->scenario, "kind of scenario");
		last = m->scenario;
	}
}

static void list_metrics(void)
{
	for (const struct scenario_metric *m = scenario_metrics; m->scenario; m++)
		print_candidate(m->name, m->scenario);
}

static void list_commands(void)
{
	for (const struct command *const *c = command_table; *c; c++)
		if (!(*c)->hidden)
			print_candidate((*c)->name, (*c)->help);
}

static void list_files(void)
{
	puts(":file");
}

static void list_folders(void)
{
	puts(":folder");
}

static const struct {
	const char *argname;
	void (*list)(void);
} kinds_of_value[] = {
	{"KERNEL", list_kernels},
	{"BASE", list_kernels},
	{"NEW", list_kernels},
	{"SCENARIO", list_scenarios},
	{"SCENARIO...", list_scenarios},
	{"HOST", list_hosts},
	{"POLICY", list_policies},
	{"KIND", list_kinds},
	{"METRIC", list_metrics},
	{"COMMAND", list_commands},
	{"FILE", list_files},
	{"FRAGMENT-A", list_files},
	{"FRAGMENT-B", list_files},
	{"PATH...", list_files},
	{"FOLDER", list_folders},
};

static void list_values(const char *argname)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds_of_value); i++)
		if (!strcmp(kinds_of_value[i].argname, argname))
			kinds_of_value[i].list();
}

/* ---- options and operands ---- */

static void list_options(const struct option_spec *all)
{
	for (; all->kind != OPTION_KIND_END; all++) {
		__cleanup_free char *word = options_word(all);

		print_candidate(word, all->help);
	}
	print_candidate("--help", "print help");
}

static void list_option_values(const struct option_spec *o)
{
	if (!o->choice) {
		list_values(o->argname);
		return;
	}
	for (size_t i = 0; o->choice(i); i++)
		print_candidate(o->choice(i), o->help);
}

/* The option that takes a value and whose name is the first @len bytes of @word; NULL: none. */
static const struct option_spec *find_option(const struct option_spec *all, const char *word,
					     size_t len)
{
	if (len < 2 || word[0] != '-')
		return NULL;
	for (; all->kind != OPTION_KIND_END; all++) {
		__cleanup_free char *name = options_word(all);

		if (all->argname && strlen(name) == len && !strncmp(name, word, len))
			return all;
	}
	return NULL;
}

/* Operand @i: of a list, all further ones too. */
static void list_operand(const struct command *c, size_t i)
{
	const char *help;
	char *name;

	if (c->operand)
		list_values(c->operand);
	if (!c->carry_out)
		return;
	for (;; i--) {
		if (request_operand(c->kind, i, &name, &help)) {
			list_values(name);
			free(name);
			return;
		}
		if (!i)
			return;
	}
}

/* "--host=em": values with the option before them. */
static bool list_after_equals(const struct option_spec *all, const char *word)
{
	const struct option_spec *o = find_option(all, word, strcspn(word, "="));
	__cleanup_free char *before = NULL;

	if (!o || !strchr(word, '='))
		return false;
	before = strndup(word, strcspn(word, "=") + 1);
	prefix = before;
	list_option_values(o);
	prefix = "";
	return true;
}

/* @words: those after the command; the last is completed. */
static void complete_arguments(const struct command *c, const struct option_spec *all, int n,
			       char **words)
{
	const char *last = words[n - 1];
	size_t operands = 0;

	for (int i = 0; i < n - 1; i++) {
		const struct option_spec *o = find_option(all, words[i], strlen(words[i]));

		if (o && i == n - 2) {
			list_option_values(o);
			return;
		}
		i += o != NULL;
		operands += !o && words[i][0] != '-';
	}
	if (list_after_equals(all, last))
		return;
	if (last[0] == '-')
		list_options(all);
	else
		list_operand(c, operands);
}

static void complete_command(const struct command *c, int n, char **words)
{
	const struct command *action = command_find_action(c, words[0]);
	struct command_options o;

	if (n > 1 && action) {
		complete_command(action, n - 1, words + 1);
		return;
	}
	if (n == 1)
		for (const struct command *a = c->actions; a && a->name; a++)
			print_candidate(a->name, a->help);
	if (!c->run && !c->carry_out)
		return;
	command_options_make(c, &o);
	complete_arguments(c, o.all, n, words);
	command_options_free(&o);
}

/* bash splits "--host=em" into three words; the one in the middle ("=") is dropped. */
static int drop_equals(int n, char **words)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (strcmp(words[i], "="))
			words[kept++] = words[i];
	if (n && kept < n && !strcmp(words[n - 1], "="))
		words[kept++] = (char *)"";
	return kept;
}

static int complete_line(int n, char **words)
{
	const struct command *c;

	n = drop_equals(n, words);
	if (n < 2) {
		list_commands();
		print_candidate("--help", "list the commands");
		print_candidate("--version", "print which nestlab this is");
		return 0;
	}
	c = command_find(words[0]);
	if (c)
		complete_command(c, n - 1, words + 1);
	return 0;
}

const struct command cmd_complete = {
	.name = "complete",
	.help = "what a word can become, for a shell",
	.usage = "-- WORD...",
	.about = "Prints what the last word of a command line can become. The completions for bash "
		 "and zsh call it.",
	.run = complete_line,
	.hidden = true,
};
