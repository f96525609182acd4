// SPDX-License-Identifier: GPL-2.0-only
/* What a host file of the ipmi driver says, its console, and ipmitool's argument vector. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/strbuf.h"
#include "orchestrator/hosts/hosts.h"
#include "orchestrator/hosts/ipmi/tool.h"

#define BMC "\"driver\":\"ipmi\",\"bmc\":\"192.0.2.3\",\"credentials\":\"file:/etc/x\""
#define URL ",\"image_url\":\"http://192.0.2.1:8085\""

static struct places places;
static struct error err;

static int load(const char *text, struct host_config *cfg)
{
	__cleanup_free char *path = unit_write("host.json", text);

	return host_find(&places, path, cfg, &err);
}

TEST(presets)
{
	struct host_config cfg;
	const struct ipmi_config *c;
	char *cmdline;

	assert_int_equal(load("{" BMC URL "}", &cfg), 0);
	c = cfg.own;
	assert_string_equal(c->address, "192.0.2.3");
	assert_string_equal(c->port, "623");
	assert_int_equal(c->boot, IPMI_BOOT_PXE);
	assert_int_equal(c->firmware, IPMI_UEFI);
	assert_int_equal(c->cipher, 17);
	assert_int_equal(cfg.boot_limit_s, 900);
	assert_int_equal(cfg.parallel, 1);
	cmdline = cfg.driver->cmdline(&cfg, HOST_MEASURES);
	assert_non_null(strstr(cmdline, "console=ttyS0,115200 loglevel=6 "));
	free(cmdline);
	host_config_free(&cfg);
}

TEST(addresses)
{
	static const struct {
		const char *bmc, *address, *port;
	} good[] = {
		{"bmc7.lab", "bmc7.lab", "623"},
		{"192.0.2.3:6230", "192.0.2.3", "6230"},
		{"[2001:db8::3]:624", "2001:db8::3", "624"},
		{"[2001:db8::3]", "2001:db8::3", "623"},
	};
	static const char *const bad[] = {"", ":623", "-x", "lab@192.0.2.3", "a b", "a:", "a:12x"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		__cleanup_free char *text =
			xasprintf("{\"driver\":\"ipmi\",\"bmc\":\"%s\",\"credentials\":"
				  "\"systemd:x\"" URL "}",
				  good[i].bmc);
		struct host_config cfg;
		const struct ipmi_config *c;

		assert_int_equal(load(text, &cfg), 0);
		c = cfg.own;
		assert_string_equal(c->address, good[i].address);
		assert_string_equal(c->port, good[i].port);
		host_config_free(&cfg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		__cleanup_free char *text =
			xasprintf("{\"driver\":\"ipmi\",\"bmc\":\"%s\",\"credentials\":"
				  "\"systemd:x\"" URL "}",
				  bad[i]);
		struct host_config cfg;

		assert_int_equal(load(text, &cfg), -EINVAL);
		assert_non_null(strstr(err.text, "ADDRESS"));
	}
}

TEST(what_does_not_fit_together_is_told)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"{" BMC "}", "neither image_url"},
		{"{" BMC URL ",\"boot\":\"cdrom\"}", "image_file says where"},
		{"{" BMC ",\"image_file\":\"/srv/x\",\"boot_script\":\"/srv/y\"}", "image_url"},
		{"{" BMC ",\"image_file\":\"/srv/x\",\"records\":\"http\"}", "needs image_url"},
		{"{" BMC URL ",\"boot\":\"disk\"}", "\"pxe\" or \"cdrom\""},
		{"{" BMC URL ",\"cipher\":0}", "cipher"},
		{"{" BMC URL ",\"console\":\"ttyS1,115201\"}", "no speed"},
		{"{" BMC URL ",\"console\":\"../x\"}", "a port like"},
		{"{" BMC URL ",\"console\":{\"command\":[]}}", "program"},
		{"{" BMC URL ",\"console\":{\"comand\":[]}}", "command"},
		{"{" BMC URL ",\"password\":\"x\"}", "password"},
		{"{\"driver\":\"ipmi\",\"bmc\":\"x\",\"credentials\":\"lab:secret\"" URL "}",
		 "file:/PATH"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_config cfg;

		assert_int_equal(load(rows[i].text, &cfg), -EINVAL);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
	}
}

TEST(a_console_is_short_or_long)
{
	struct host_config cfg;
	const struct host_console *c;
	struct ticket t = {0};

	assert_int_equal(load("{" BMC URL ",\"console\":\"ttyS1,57600\"}", &cfg), 0);
	c = &((const struct ipmi_config *)cfg.own)->console;
	host_console_ticket(c, &t);
	assert_string_equal(t.device, "/dev/ttyS1");
	assert_int_equal(t.speed, 57600);
	assert_int_equal(t.channel, TICKET_LINE);
	assert_true(t.answers);
	host_config_free(&cfg);
	assert_int_equal(load("{" BMC URL ",\"console\":{\"device\":\"ttyS2\",\"command\":"
			      "[\"ssh\",\"bmc\"],\"answers\":false,\"steal\":true}}",
			      &cfg),
			 0);
	c = &((const struct ipmi_config *)cfg.own)->console;
	host_console_ticket(c, &t);
	assert_string_equal(t.device, "/dev/ttyS2");
	assert_int_equal(t.speed, 115200);
	assert_false(t.answers);
	assert_true(c->steal);
	assert_string_equal(c->command[1], "bmc");
	host_config_free(&cfg);
}

TEST(the_password_is_in_no_argument)
{
	__cleanup_free char *cred = unit_write("cred", "user=lab\npassword=very-secret\n");
	const struct ipmi_config cfg = {.bmc = "192.0.2.3",
					.address = "192.0.2.3",
					.port = "623",
					.credentials = xasprintf("file:%s", cred),
					.cipher = 3};
	const char *const words[] = {"chassis", "power", "status", NULL};
	const char *argv[IPMI_TOOL_ARGV];
	struct strbuf line = STRBUF_INIT;
	struct ipmi_tool tool;

	chmod(cred, 0600);
	assert_int_equal(ipmi_tool_open(&tool, &cfg, &err), 0);
	ipmi_tool_argv(&tool, words, argv);
	for (const char **a = argv; *a; a++)
		strbuf_addf(&line, "%s ", *a);
	assert_null(strstr(line.buf, "secret"));
	assert_non_null(strstr(line.buf, "-U lab -f /dev/fd/"));
	assert_non_null(strstr(line.buf, "chassis power status "));
	strbuf_release(&line);
	ipmi_tool_close(&tool);
	free(cfg.credentials);
}

UNIT_MAIN("ipmi hosts", unit_make_dir, unit_drop_dir)
