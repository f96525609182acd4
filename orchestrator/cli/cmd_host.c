// SPDX-License-Identifier: GPL-2.0-only
/* nestlab host list | check NAME... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/hosts/driver.h"

static bool as_json_wanted;
static const struct option_spec options[] = {
	OPTION_FLAG("json", &as_json_wanted, "machine-readable output: an array of hosts"),
	OPTION_END};

/* A host and what its driver found. */
struct checked {
	struct host_config cfg;
	const struct host_driver *driver;
	bool ok;
	struct strbuf report, identity;
};

static int check(const char *name, struct checked *c, struct error *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->report = c->identity = (struct strbuf)STRBUF_INIT;
	ret = host_find(name, &c->cfg, &c->driver, err);
	if (!ret)
		ret = c->driver->probe(&c->cfg, &c->ok, &c->report, &c->identity, err);
	return ret;
}

static void release(struct checked *c)
{
	host_config_free(&c->cfg);
	strbuf_release(&c->report);
	strbuf_release(&c->identity);
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
	struct json_object *obj = json_object_new_object(), *identity = NULL;
	__cleanup_free char *cmdline = host_cmdline(c->driver, &c->cfg);

	json_parse(c->identity.buf, c->identity.len, "identity", &identity, NULL);
	add_string(obj, "name", c->cfg.name);
	add_string(obj, "driver", c->driver->name);
	add_string(obj, "description", c->cfg.description);
	add_string(obj, "file", c->cfg.path);
	json_object_object_add(obj, "ready", json_object_new_boolean(c->ok));
	json_object_object_add(obj, "missing", lines_as_array(&c->report));
	json_object_object_add(obj, "identity", identity);
	add_string(obj, "cmdline", cmdline);
	return obj;
}

static void print_details(const struct checked *c)
{
	__cleanup_free char *cmdline = host_cmdline(c->driver, &c->cfg);
	struct json_object *missing = lines_as_array(&c->report);

	printf("%s: %s\n", c->cfg.name, c->ok ? "can run" : "cannot run");
	printf("  is        %s\n", c->driver->help);
	printf("  identity  %s\n", c->identity.buf);
	printf("  kernel    %s\n", cmdline);
	for (size_t i = 0; i < json_object_array_length(missing); i++)
		printf("  missing   %s\n",
		       json_object_get_string(json_object_array_get_idx(missing, i)));
	json_object_put(missing);
}

static void print_row(const struct checked *c)
{
	printf("%-16s %-10s %-11s %s\n", c->cfg.name, c->driver->name,
	       c->ok ? "can run" : "cannot run", c->cfg.description ? c->cfg.description : "");
}

/* Checks each host and tells: as a JSON array, or by @print. Whether all can run is *all_ok. */
static int tell(char *const *names, size_t count, bool json, void (*print)(const struct checked *),
		bool *all_ok)
{
	struct json_object *array = json_object_new_array();
	struct error err = {0};
	int status = 0;

	*all_ok = true;
	for (size_t i = 0; !status && i < count; i++) {
		struct checked c;

		if (check(names[i], &c, &err)) {
			log_error("%s", err.text);
			status = EXIT_FATAL;
		} else if (json) {
			json_object_array_add(array, as_json(&c));
		} else {
			print(&c);
		}
		*all_ok &= c.ok;
		release(&c);
	}
	if (json && !status)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	return status;
}

static int run_list(int n, char **operands)
{
	struct error err = {0};
	char **names;
	size_t count;
	bool all_ok;
	int status;

	if (n)
		command_usage_error("%s: host list takes no operand", operands[0]);
	if (host_list(&names, &count, &err))
		return command_fatal(&err);
	status = tell(names, count, as_json_wanted, print_row, &all_ok);
	fs_free_names(names, count);
	return status;
}

static int run_check(int n, char **names)
{
	bool all_ok;
	int status;

	if (!n)
		command_usage_error("HOST is missing: which host is to be checked?");
	status = tell(names, n, as_json_wanted, print_details, &all_ok);
	if (status)
		return status;
	return all_ok ? 0 : EXIT_NO;
}

static const struct command actions[] = {
	{
		.name = "list",
		.help = "the hosts, and whether they can run now",
		.usage = "[--json]",
		.about = "Lists the hosts: the built-in one (emulated), and those with a file "
			 "hosts/NAME.json.",
		.options = options,
		.run = run_list,
	},
	{
		.name = "check",
		.help = "what a host lacks, with the remedy",
		.usage = "[--json] HOST...",
		.about =
			"Says whether hosts can run now, and names each thing that is missing, with "
			"its remedy.",
		.exit_status = "0 all can run, 1 something is missing, 128 fatal",
		.options = options,
		.operand = "HOST",
		.run = run_check,
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
