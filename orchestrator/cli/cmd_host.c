// SPDX-License-Identifier: GPL-2.0-only
/* nestlab host list | check | rescue | trust | netboot NAME... */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "common/shell.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/trial.h"
#include "orchestrator/hosts/hosts.h"

static bool as_json_wanted, long_wanted, boot_wanted;

#define OPTION_JSON \
	OPTION_FLAG("json", &as_json_wanted, "machine-readable output: an array of hosts")

static const struct option_spec list_options[] = {
	OPTION_JSON, OPTION_FLAG("long", &long_wanted, "what each can, and what identifies it"),
	OPTION_END};
static const struct option_spec check_options[] = {
	OPTION_JSON,
	OPTION_FLAG("boot", &boot_wanted,
		    "also boot it once, to the agent's last word; nothing is measured",
		    .excludes = "json"),
	OPTION_END};

/* A host and what its driver found, or the error that kept it from being asked. */
struct checked {
	const char *name; /* as asked for */
	struct host_config cfg;
	struct host_found found;
	struct error trouble; /* code 0: none, the rest is set */
};

static void check_host(const struct places *places, const char *name, struct checked *c)
{
	memset(c, 0, sizeof(*c));
	c->name = name;
	c->found.missing = c->found.can = (struct strbuf)STRBUF_INIT;
	if (host_find(places, name, &c->cfg, &c->trouble))
		return;
	host_probe(&c->cfg, places, &c->found, &c->trouble);
}

static void checked_release(struct checked *c)
{
	host_config_free(&c->cfg);
	host_found_free(&c->found);
}

static void add_string(struct json_object *obj, const char *key, const char *value)
{
	json_object_object_add(obj, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *lines_as_array(const struct strbuf *text)
{
	struct json_object *array = json_object_new_array();

	for (const char *p = text->buf; *p;) {
		size_t len = strcspn(p, "\n");

		json_object_array_add(array, json_object_new_string_len(p, (int)len));
		p += len + (p[len] == '\n');
	}
	return array;
}

static struct json_object *as_json(const struct checked *c)
{
	struct json_object *obj = json_object_new_object();
	__cleanup_free char *cmdline = NULL;

	if (c->trouble.code) {
		add_string(obj, "name", c->name);
		add_string(obj, "error", c->trouble.text);
		return obj;
	}
	cmdline = c->cfg.driver->cmdline(&c->cfg, HOST_MEASURES);
	add_string(obj, "name", c->cfg.name);
	add_string(obj, "driver", c->cfg.driver->name);
	add_string(obj, "description", c->cfg.description);
	add_string(obj, "file", c->cfg.path);
	json_object_object_add(obj, "ready", json_object_new_boolean(c->found.ready));
	json_object_object_add(obj, "missing", lines_as_array(&c->found.missing));
	json_object_object_add(obj, "can", lines_as_array(&c->found.can));
	json_object_object_add(obj, "identity", json_object_get(c->found.identity));
	add_string(obj, "cmdline", cmdline);
	return obj;
}

static void print_lines(const char *head, const struct strbuf *text)
{
	struct json_object *lines = lines_as_array(text);

	for (size_t i = 0; i < json_object_array_length(lines); i++)
		command_print_row(head,
				  json_object_get_string(json_object_array_get_idx(lines, i)));
	json_object_put(lines);
}

static void print_details(const struct checked *c)
{
	__cleanup_free char *cmdline = NULL;
	__cleanup_free char *identity = NULL;

	if (c->trouble.code) {
		log_error("%s", c->trouble.text);
		return;
	}
	cmdline = c->cfg.driver->cmdline(&c->cfg, HOST_MEASURES);
	identity = json_canonical(c->found.identity);
	terminal_printf("%s: %s\n", c->cfg.name, c->found.ready ? "can run" : "cannot run");
	command_print_row("  is        ", c->cfg.driver->help);
	command_print_row("  identity  ", identity);
	command_print_row("  kernel    ", cmdline);
	print_lines("  missing   ", &c->found.missing);
	print_lines("  can       ", &c->found.can);
}

static void print_row(const struct checked *c)
{
	const char *name = c->name, *driver = "-", *state = "wrong", *text = c->trouble.text;
	__cleanup_free char *head = NULL;

	if (!c->trouble.code) {
		name = c->cfg.name;
		driver = c->cfg.driver->name;
		state = c->found.ready ? "can run" : "cannot run";
		text = c->cfg.description ? c->cfg.description : "";
	}
	head = xasprintf("%-16s %-10s %-11s ", name, driver, state);
	command_print_row(head, text);
}

/* How many of the hosts cannot run now, and how many could not be asked (a wrong file). */
struct tally {
	size_t not_ready, wrong;
};

/*
 * Checks each host and shows it: in a JSON array, or by @print. A host that cannot be asked (a wrong
 * file) is shown as that and hides no other.
 */
static struct tally show_hosts(const struct places *places, char *const *names, size_t count,
			       bool json, void (*print)(const struct checked *))
{
	struct json_object *array = json_object_new_array();
	struct tally t = {0};

	for (size_t i = 0; i < count && !cancel_requested(); i++) {
		struct checked c;

		check_host(places, names[i], &c);
		if (json)
			json_object_array_add(array, as_json(&c));
		else
			print(&c);
		if (c.trouble.code)
			t.wrong++;
		else if (!c.found.ready)
			t.not_ready++;
		checked_release(&c);
	}
	if (json)
		command_print_json(array);
	json_object_put(array);
	return t;
}

static int list_hosts(int n, char **operands)
{
	struct error err = {0};
	struct tally t;
	char **names;
	size_t count;

	if (n)
		command_usage_error("%s: host list takes no operand", operands[0]);
	if (host_list(command_places(), &names, &count, &err))
		return command_fatal(&err);
	t = show_hosts(command_places(), names, count, as_json_wanted,
		       long_wanted ? print_details : print_row);
	fs_free_names(names, count);
	if (cancel_requested())
		return EXIT_FATAL;
	return t.wrong ? EXIT_NO : 0;
}

static void print_trial(const char *name, const struct trial *t)
{
	__cleanup_free char *hello = NULL;
	__cleanup_free char *times =
		xasprintf("%s after %.1f s, the agent spoke after %.1f s",
			  boot_outcome_name(t->result.outcome), t->result.wall_seconds,
			  t->result.first_record_seconds);

	terminal_printf("%s: %s\n", name,
			t->result.outcome == BOOT_DONE ? "boots" : "does not boot");
	command_print_row("  boot      ", times);
	if (t->hello) {
		hello = json_canonical(t->hello);
		command_print_row("  agent     ", hello);
	}
	if (t->fatal)
		command_print_row("  lacks     ", t->fatal);
	command_print_row("  logs      ", t->run_dir);
}

/* The status of the program. */
static int boot_host(const char *name)
{
	struct error err = {0};
	struct host_config cfg;
	struct trial trial;
	int ret = host_find(command_places(), name, &cfg, &err), status = 0;

	if (ret)
		return command_fatal(&err);
	ret = trial_boot(&cfg, command_places(), &trial, &err);
	if (!ret)
		print_trial(name, &trial);
	if (trial.result.undone)
		log_warning("%s: not restored, undo this by hand: %s", name, trial.result.undone);
	if (ret)
		status = command_fatal(&err);
	else if (trial.result.outcome != BOOT_DONE || trial.fatal)
		status = EXIT_NO;
	if (!ret && err.code)
		log_error("%s: %s", name, err.text);
	trial_release(&trial);
	host_config_free(&cfg);
	return status;
}

static int boot_hosts(int n, char **names)
{
	int status = 0;

	for (int i = 0; i < n && !cancel_requested(); i++) {
		int one = boot_host(names[i]);

		if (one > status)
			status = one;
	}
	return cancel_requested() ? EXIT_FATAL : status;
}

static int check_hosts(int n, char **names)
{
	struct tally t;

	if (!n)
		command_usage_error("HOST is missing: name the host to check (see: %s host list)",
				    shell_program());
	t = show_hosts(command_places(), names, n, as_json_wanted, print_details);
	if (t.wrong || cancel_requested())
		return EXIT_FATAL;
	if (t.not_ready)
		return EXIT_NO;
	return boot_wanted ? boot_hosts(n, names) : 0;
}

/* ---- rescue, trust ---- */

/* Prints what @ask says of each host. @idle: what is said where it says nothing. */
static int ask_hosts(int n, char **names,
		     int (*ask)(const struct host_config *cfg, struct strbuf *said,
				struct error *err),
		     const char *idle)
{
	int status = 0;

	if (!n)
		command_usage_error("HOST is missing: name the host (see: %s host list)",
				    shell_program());
	for (int i = 0; i < n && !cancel_requested(); i++) {
		struct strbuf said = STRBUF_INIT;
		struct host_config cfg;
		struct error err = {0};
		int ret = host_find(command_places(), names[i], &cfg, &err);

		if (!ret) {
			ret = ask(&cfg, &said, &err);
			if (ret)
				error_prefix(&err, ret, "%s", names[i]);
			host_config_free(&cfg);
		}
		if (said.len || !ret)
			terminal_printf("%s: %s", names[i], said.len ? said.buf : idle);
		if (ret)
			log_error("%s", err.text);
		if (ret)
			status = EXIT_FATAL;
		strbuf_release(&said);
	}
	return status;
}

static int rescue_host(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	if (!cfg->driver->rescue)
		return 0;
	return cfg->driver->rescue(cfg, did, err);
}

static int rescue_hosts(int n, char **names)
{
	return ask_hosts(n, names, rescue_host, "nothing is left to be undone\n");
}

static int trust_host(const struct host_config *cfg, struct strbuf *told, struct error *err)
{
	if (!cfg->driver->trust)
		return error_set(err, -EINVAL, "a host of driver %s has nothing to be trusted by",
				 cfg->driver->name);
	return cfg->driver->trust(cfg, told, err);
}

static int trust_hosts(int n, char **names)
{
	return ask_hosts(n, names, trust_host, "");
}

static int print_netboot(int n, char **names)
{
	struct strbuf text = STRBUF_INIT;
	struct host_config cfg;
	struct error err = {0};
	int ret;

	if (n != 1)
		command_usage_error("expected one HOST");
	if (host_find(command_places(), names[0], &cfg, &err))
		return command_fatal(&err);
	if (cfg.driver->netboot)
		ret = cfg.driver->netboot(&cfg, &text, &err);
	else
		ret = error_set(&err, -EINVAL,
				"%s: a host of driver %s does not boot from the network", cfg.name,
				cfg.driver->name);
	if (!ret)
		terminal_printf("%s", text.buf);
	strbuf_release(&text);
	host_config_free(&cfg);
	return ret ? command_fatal(&err) : 0;
}

static const struct option_spec no_options[] = {OPTION_END};

static const struct command actions[] = {
	{
		.name = "list",
		.help = "the hosts, and whether they can run now",
		.usage = "[--json] [--long]",
		.about =
			"Lists the hosts: those that are built in (emulated), and those with a file "
			"hosts/NAME.json. A wrong file is shown as such; the others are still listed.",
		.exit_status = "0 done, 1 a host's file is wrong, 128 fatal",
		.options = list_options,
		.run = list_hosts,
	},
	{
		.name = "check",
		.help = "say what a host lacks, and how to get it",
		.usage = "[--json | --boot] HOST...",
		.about =
			"Says whether hosts can run now. Names each thing that is missing, and how to get it.\n"
			"Nothing is changed on a host, unless --boot is given: then it is booted once, with "
			"kernel baseline, and the agent says what it finds there.",
		.exit_status = "0 all can run, 1 something is missing, 128 fatal",
		.options = check_options,
		.operand = "HOST",
		.run = check_hosts,
	},
	{
		.name = "netboot",
		.help = "print what DHCP and TFTP servers must say so that a host boots from the network",
		.usage = "HOST",
		.about =
			"Prints a configuration for dnsmasq, and in remarks what another DHCP server "
			"must say. nestlab is none itself.",
		.exit_status = "0 done, 128 the host does not boot from the network",
		.options = no_options,
		.operand = "HOST",
		.run = print_netboot,
	},
	{
		.name = "rescue",
		.help = "undo what a crashed run left on a host",
		.usage = "HOST...",
		.about =
			"Switches the host off, takes our image out of its drive, restores what it boots next "
			"and ends our sessions: all that a nestlab noted that was killed before it could undo "
			"it. The next run on the host does the same first. A host that is in use is left alone.",
		.operand = "HOST",
		.run = rescue_hosts,
	},
	{
		.name = "trust",
		.help = "keep a BMC's certificate as the one to trust",
		.usage = "HOST...",
		.about =
			"Shows the certificate that a host's BMC has now, and keeps its key in hosts/NAME.pin: from "
			"then on no other one is talked to. Compare it with what the BMC's own page shows.",
		.operand = "HOST",
		.run = trust_hosts,
	},
	{0},
};

const struct command cmd_host = {
	.name = "host",
	.help = "list hosts and check whether they can run",
	.usage = "ACTION [options]",
	.about = "Hosts are where kernels are booted. See docs/hosts.md.",
	.actions = actions,
};
