// SPDX-License-Identifier: GPL-2.0-only
/* Hosts' configuration: the built-in one, files, and what is wrong with a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/hosts/driver.h"

static char dir[] = "/tmp/nestlab-hosts.XXXXXX";
static struct error err;

static char *write_host(const char *name, const char *text)
{
	__cleanup_free char *hosts = xasprintf("%s/hosts", dir);
	char *path = xasprintf("%s/%s.json", hosts, name);

	assert_int_equal(fs_mkdir_p(hosts, &err), 0);
	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
	return path;
}

static void built_in(void **state)
{
	const struct host_driver *drv;
	struct host_config cfg;
	char *cmdline, *selftests;

	(void)state;
	assert_int_equal(host_find("emulated", &cfg, &drv, &err), 0);
	assert_string_equal(drv->name, "emulated");
	assert_int_equal(cfg.megabytes, 1024);
	assert_null(cfg.path);
	cmdline = host_cmdline(drv, &cfg);
	assert_non_null(strstr(cmdline, " tsc_early_khz=100000 "));
	assert_non_null(strstr(cmdline, " mem=768M"));
	assert_null(strstr(cmdline, "pml"));
	selftests = host_selftest_cmdline(drv, &cfg);
	assert_memory_equal(selftests, cmdline, strlen(cmdline));
	assert_string_equal(selftests + strlen(cmdline), " kvm_intel.pml=0");
	free(selftests);
	free(cmdline);
	host_config_free(&cfg);
}

static void two_cpus(void **state)
{
	const struct host_driver *drv;
	struct host_config one, two;

	(void)state;
	assert_int_equal(host_find("emulated", &one, &drv, &err), 0);
	assert_int_equal(host_find("emulated-2cpu", &two, &drv, &err), 0);
	assert_int_equal(one.cpus, 1);
	assert_int_equal(two.cpus, 2);
	assert_int_equal(two.megabytes, one.megabytes);
	host_config_free(&one);
	host_config_free(&two);
}

static void from_a_file(void **state)
{
	__cleanup_free char *path =
		write_host("big", "{\"driver\":\"emulated\",\"megabytes\":2048,\"ips\":200000000,"
				  "\"cpus\":4}");
	const struct host_driver *drv;
	struct host_config cfg;

	(void)state;
	for (int by_path = 0; by_path < 2; by_path++) {
		assert_int_equal(host_find(by_path ? path : "big", &cfg, &drv, &err), 0);
		assert_string_equal(cfg.name, "big");
		assert_int_equal(cfg.megabytes, 2048);
		assert_int_equal(cfg.cpus, 4);
		assert_int_equal(cfg.ips, 200000000);
		assert_int_equal(cfg.unmanaged_megabytes, 256);
		host_config_free(&cfg);
	}
}

static void wrong_files(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{}", "driver"},
		{"[]", "object"},
		{"{\"driver\":\"emulated\",\"ipz\":1}", "ips"},
		{"{\"driver\":\"emulated\",\"ips\":0}", "$.ips: 0 is not within"},
		{"{\"driver\":\"emulated\",\"cpus\":5}", "$.cpus: 5 is not within"},
		{"{\"driver\":\"emulated\",\"megabytes\":\"1\"}", "$.megabytes"},
		{"{\"driver\":\"emulated\",\"unmanaged_megabytes\":900}", "less than 256"},
		{"{\"driver\":\"floppy\"}", "no such driver: floppy (there are: emulated"},
		{"{\"driver\":", "1:"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = write_host("wrong", cases[i].text);
		const struct host_driver *drv;
		struct host_config cfg;

		assert_int_equal(host_find(path, &cfg, &drv, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says) || !strstr(err.text, "wrong.json"))
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
	}
}

static void unknown_names(void **state)
{
	static const char *const names[] = {"nosuch", "", ".."};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct host_driver *drv;
		struct host_config cfg;

		assert_int_equal(host_find(names[i], &cfg, &drv, &err), -ENOENT);
		assert_non_null(strstr(err.text, "nestlab host list"));
	}
}

static void list_has_both(void **state)
{
	char **names;
	size_t count;

	(void)state;
	assert_int_equal(host_list(&names, &count, &err), 0);
	assert_int_equal(count, 4);
	assert_string_equal(names[0], "big");
	assert_string_equal(names[1], "emulated");
	assert_string_equal(names[2], "emulated-2cpu");
	assert_string_equal(names[3], "wrong");
	fs_free_names(names, count);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? setenv("NESTLAB_ROOT", dir, 1) : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),	 cmocka_unit_test(two_cpus),
		cmocka_unit_test(from_a_file),	 cmocka_unit_test(wrong_files),
		cmocka_unit_test(unknown_names), cmocka_unit_test(list_has_both),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
