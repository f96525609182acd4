// SPDX-License-Identifier: GPL-2.0-only
/* Hosts of drivers libvirt and kexec: what their files may say, and what is made of that. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/wire/ticket.h"
#include "images/images.h"
#include "orchestrator/hosts/hosts.h"
#include "orchestrator/hosts/kexec/kexec.h"
#include "orchestrator/hosts/libvirt/libvirt.h"

static struct places places;
static struct error err;

static int find(const char *text, struct host_config *cfg)
{
	__cleanup_free char *path = unit_path("host.json");

	unit_put("host.json", text);
	return host_find(&places, path, cfg, &err);
}

TEST(a_network_is_brought_up_unless_the_file_says_how)
{
	static const struct {
		const char *more, *line;
	} rows[] = {
		{NULL, "x ip=dhcp"},
		{"skip=1 chip=2", "x ip=dhcp skip=1 chip=2"},
		{"ip=10.0.0.2::::eth0:off", "x ip=10.0.0.2::::eth0:off"},
		{"mem=1G ip=off", "x mem=1G ip=off"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf line = STRBUF_INIT;

		strbuf_addstr(&line, "x");
		host_add_cmdline(&line, rows[i].more, true);
		assert_string_equal(line.buf, rows[i].line);
		strbuf_release(&line);
	}
}

TEST(a_domain_is_the_host_files)
{
	struct host_config cfg;
	char *xml, *cmdline;

	assert_int_equal(find("{\"driver\":\"libvirt\",\"cpus\":4,\"megabytes\":8192,"
			      "\"unmanaged_megabytes\":1024,\"firmware\":\"uefi\"}",
			      &cfg),
			 0);
	assert_string_equal(cfg.kernel_config[0], "pc");
	assert_null(cfg.kernel_config[1]);
	xml = libvirt_domain_xml(cfg.own, "nestlab-1", "/a/b&c'<d>.iso");
	assert_contains(xml, "<domain type='kvm'><name>nestlab-1</name>");
	assert_contains(xml, "<memory unit='MiB'>8192</memory><vcpu placement='static'>4</vcpu>");
	assert_contains(xml, "<os firmware='efi'>");
	assert_contains(xml, "<cpu mode='host-passthrough'/>");
	assert_contains(xml, "file='/a/b&amp;c&apos;&lt;d&gt;.iso'");
	/* RAM: 2 GiB, then 6 GiB from 4 GiB on; the last of it is hidden */
	cmdline = cfg.driver->cmdline(&cfg, HOST_MEASURES);
	assert_contains(cmdline, " mem=9216M");
	free(cmdline);
	free(xml);
	host_config_free(&cfg);
}

TEST(a_server_is_the_host_files)
{
	static const char *const before[] = {"ssh", "-T", "-o", "BatchMode=yes"};
	struct host_config cfg;
	const char **argv;
	size_t n = 0;
	char *text;

	assert_int_equal(
		find("{\"driver\":\"kexec\",\"ssh\":\"lab@r650\",\"ssh_options\":[\"-F\",\"f g\"],"
		     "\"cmdline\":\"isolcpus=2-35\",\"watchdog_s\":60,"
		     "\"console\":{\"device\":\"ttyS1\",\"command\":[\"cat\",\"x\"]}}",
		     &cfg),
		0);
	argv = kexec_ssh_argv(cfg.own, "sh -s");
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		assert_string_equal(argv[i], before[i]);
	while (argv[n])
		n++;
	assert_string_equal(argv[n - 1], "sh -s");
	assert_string_equal(argv[n - 2], "lab@r650");
	assert_string_equal(argv[n - 3], "--");
	assert_string_equal(argv[n - 4], "f g");
	free(argv);
	text = cfg.driver->cmdline(&cfg, HOST_MEASURES);
	assert_contains(text, "console=ttyS1,115200 ");
	assert_contains(text, " nestlab.end=reboot nestlab.watchdog=60 ipmi_watchdog.start_now=1 "
			      "ipmi_watchdog.timeout=60 isolcpus=2-35");
	free(text);
	host_config_free(&cfg);
}

#define SERVER	"{\"driver\":\"kexec\",\"ssh\":\"a\","
#define CONSOLE "\"console\":{\"command\":[\"cat\"]}"

TEST(wrong_files)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\"driver\":\"libvirt\",\"type\":\"xen\"}", "type: expected \"kvm\" or \"qemu\""},
		{"{\"driver\":\"libvirt\",\"firmware\":\"coreboot\"}", "firmware: expected"},
		{"{\"driver\":\"libvirt\",\"megabytes\":1024,\"unmanaged_megabytes\":1000}",
		 "less than 512"},
		{"{\"driver\":\"libvirt\",\"url\":\"x\"}", "uri"},
		{"{\"driver\":\"kexec\"," CONSOLE "}", "ssh"},
		{SERVER "\"watchdog_s\":60}", "console: needs a \"command\""},
		{SERVER CONSOLE ",\"directory\":\"/tmp/$(x)\"}", "directory: expected a path"},
		{SERVER CONSOLE ",\"directory\":\"tmp\"}", "directory: expected a path"},
		{SERVER CONSOLE ",\"cmdline\":\"a'b\"}", "cmdline: no quotes"},
		{SERVER CONSOLE ",\"watchdog_s\":1}", "$.watchdog_s: 1 is not within"},
		{"{\"driver\":\"kexec\",\"ssh\":\"-oProxyCommand=x\"," CONSOLE "}",
		 "no destination"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct host_config cfg;

		assert_int_equal(find(cases[i].text, &cfg), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
	}
}

/* An initramfs of one file, in the format that a kernel takes behind another one. */
TEST(a_ticket_is_an_initramfs_of_its_own)
{
	__cleanup_free char *path = unit_path("ticket.cpio");
	struct strbuf bytes = STRBUF_INIT;

	assert_int_equal(kexec_write_ticket(path, "the ticket", 10, &err), 0);
	assert_int_equal(fs_read_file(path, 0, &bytes, &err), 0);
	assert_memory_equal(bytes.buf, "070701", 6);
	assert_string_equal(bytes.buf + 110, "ticket");
	assert_non_null(memmem(bytes.buf, bytes.len, "the ticket", 10));
	strbuf_release(&bytes);
}

TEST(what_is_no_image_gives_no_kernel)
{
	__cleanup_free char *path = unit_path("no.iso");

	unit_put("no.iso", "not an ISO");
	assert_true(kexec_extract(path, "/nowhere", "/nowhere", &err) < 0);
	assert_contains(err.text, "no.iso");
}

static int set_up(void **state)
{
	int ret = unit_make_dir(state);

	places_find(&places, NULL);
	return ret;
}

static int tear_down(void **state)
{
	places_free(&places);
	return unit_drop_dir(state);
}

UNIT_MAIN("host_virtual", set_up, tear_down)
