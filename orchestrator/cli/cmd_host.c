// SPDX-License-Identifier: GPL-2.0-only
/* nestlab host list | check NAME... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "common/options.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/hosts/hosts.h"

static const char usage[] = "nestlab host list [--json] | nestlab host check NAME... [--json]";
static const char about[] =
	"What hosts there are, and whether they can run now. `check` names each thing that is\n"
	"missing, with its remedy, and exits 1 if there is one. A host is built in (emulated) or a\n"
	"file hosts/NAME.json; `list` shows a wrong file as that, and exits 1 if there is one.";

/* A host and what its driver found, or why it cannot be told. */
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
	c->found.missing = (struct strbuf)STRBUF_INIT;
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
	json_object_object_add(obj, "identity", json_object_get(c->found.identity));
	add_string(obj, "cmdline", cmdline);
	return obj;
}

static void print_details(const struct checked *c)
{
	__cleanup_free char *cmdline = NULL;
	__cleanup_free char *identity = NULL;
	struct json_object *missing;

	if (c->trouble.code) {
		log_error("%s", c->trouble.text);
		return;
	}
	cmdline = c->cfg.driver->cmdline(&c->cfg, HOST_MEASURES);
	identity = json_canonical(c->found.identity);
	missing = lines_as_array(&c->found.missing);
	printf("%s: %s\n", c->cfg.name, c->found.ready ? "can run" : "cannot run");
	printf("  is        %s\n", c->cfg.driver->help);
	printf("  identity  %s\n", identity);
	printf("  kernel    %s\n", cmdline);
	for (size_t i = 0; i < json_object_array_length(missing); i++)
		printf("  missing   %s\n",
		       json_object_get_string(json_object_array_get_idx(missing, i)));
	json_object_put(missing);
}

static void print_row(const struct checked *c)
{
	if (c->trouble.code) {
		printf("%-16s %-10s %-11s %s\n", c->name, "-", "wrong", c->trouble.text);
		return;
	}
	printf("%-16s %-10s %-11s %s\n", c->cfg.name, c->cfg.driver->name,
	       c->found.ready ? "can run" : "cannot run",
	       c->cfg.description ? c->cfg.description : "");
}

/* How many of the hosts that were asked for cannot run, and of how many nothing can be told. */
struct tally {
	size_t not_ready, wrong;
};

/*
 * Checks each host and shows it: in a JSON array, or by @print. A host that cannot be told (a wrong
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
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	return t;
}

static int list_hosts(const struct places *places, bool json)
{
	struct error err = {0};
	struct tally t;
	char **names;
	size_t count;

	if (host_list(places, &names, &count, &err)) {
		log_error("%s", err.text);
		return EXIT_FATAL;
	}
	t = show_hosts(places, names, count, json, print_row);
	fs_free_names(names, count);
	if (cancel_requested())
		return EXIT_FATAL;
	return t.wrong ? EXIT_NO : 0;
}

static int check_hosts(const struct places *places, char **names, int count, bool json)
{
	struct tally t;

	if (!count)
		options_usage_error(usage, "host check: which host?");
	t = show_hosts(places, names, count, json, print_details);
	if (t.wrong || cancel_requested())
		return EXIT_FATAL;
	return t.not_ready ? EXIT_NO : 0;
}

int cmd_host(int argc, char **argv)
{
	bool json = false;
	const struct option_spec opts[] = {
		OPTION_FLAG("json", &json, "machine-readable output: an array of hosts"),
		OPTION_END,
	};
	int n = options_parse(argc, argv, opts, usage, about), status;
	struct places places;

	places_find(&places, NULL);
	if (n == 1 && !strcmp(argv[0], "list"))
		status = list_hosts(&places, json);
	else if (n >= 1 && !strcmp(argv[0], "check"))
		status = check_hosts(&places, argv + 1, n - 1, json);
	else
		options_usage_error(usage, "host: list or check NAME...");
	places_free(&places);
	return status;
}
