// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/ipmi/tool.h"

/* What `mc info` says, and what the identity calls it. */
static const struct {
	const char *label, *key;
} facts[] = {
	{"Manufacturer ID", "bmc_manufacturer"},
	{"Product ID", "bmc_product"},
	{"Firmware Revision", "bmc_firmware"},
};

/* The value of a line "LABEL   : VALUE"; the caller frees. NULL: there is none. */
static char *find_fact(const char *text, const char *label)
{
	const char *line = strstr(text, label), *value;

	if (!line)
		return NULL;
	value = strchr(line, ':');
	if (!value)
		return NULL;
	value += 1 + strspn(value + 1, " ");
	return xasprintf("%.*s", (int)strcspn(value, "\r\n"), value);
}

static void identify_bmc(const char *info, struct json_object *identity)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		__cleanup_free char *value = find_fact(info, facts[i].label);

		if (value)
			json_object_object_add(identity, facts[i].key,
					       json_object_new_string(value));
	}
}

static void report_missing(struct host_found *found, const struct ipmi_config *cfg,
			   const struct error *err)
{
	__cleanup_free char *bmc = xasprintf("BMC %s", cfg->bmc);
	__cleanup_free char *remedy = xasprintf(
		"%s (is it there, is IPMI over LAN on, are user, password and cipher suite right?)",
		err->text);

	host_found_lacks(found, bmc, remedy);
}

/* Is it this machine's trouble, or a cancel? Then the question was not put. */
static bool is_our_trouble(int ret)
{
	return ret == -ECANCELED || ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM ||
	       ret == -EAGAIN || ret == -ENOSPC;
}

static int ask_bmc(const struct ipmi_config *cfg, struct host_found *found, struct error *err)
{
	static const char *const info[] = {"mc", "info", NULL};
	struct strbuf out = STRBUF_INIT;
	struct ipmi_tool tool;
	struct error why = {0};
	int ret = ipmi_tool_open(&tool, cfg, &why);

	if (!ret) {
		ret = ipmi_tool_run(&tool, IPMI_DOES, info, &out, &why);
		ipmi_tool_close(&tool);
	}
	if (is_our_trouble(ret)) {
		error_set(err, ret, "%s", why.text);
	} else if (ret) {
		report_missing(found, cfg, &why);
		ret = 0;
	} else {
		identify_bmc(out.buf, found->identity);
	}
	strbuf_release(&out);
	return ret;
}

int ipmi_probe(const struct host_config *cfg, const struct places *places, struct host_found *found,
	       struct error *err)
{
	const struct ipmi_config *c = cfg->own;

	(void)places;
	if (c->console.command && !subprocess_have(c->console.command[0]))
		host_found_lacks(found, c->console.command[0],
				 "the console's command is not in PATH: install it");
	if (!subprocess_have("ipmitool")) {
		host_found_lacks(found, "ipmitool", "not in PATH (apt-get install ipmitool)");
		return 0;
	}
	return ask_bmc(c, found, err);
}
