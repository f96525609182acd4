// SPDX-License-Identifier: GPL-2.0-only
/* Hosts' configuration: the built-in one, files, and what is wrong with a file. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "orchestrator/hosts/emulated.h"
#include "orchestrator/hosts/hosts.h"

static struct places places;
static struct error err;

static char *write_host(const char *name, const char *text)
{
	__cleanup_free char *hosts = unit_path("hosts");
	char *path = xasprintf("%s/%s.json", hosts, name);

	assert_int_equal(fs_mkdir_p(hosts, &err), 0);
	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
	return path;
}

static const struct emulated_config *own(const struct host_config *cfg)
{
	return cfg->own;
}

TEST(built_in)
{
	struct host_config cfg;
	char *cmdline, *selftests;

	assert_int_equal(host_find(&places, "emulated", &cfg, &err), 0);
	assert_string_equal(cfg.driver->name, "emulated");
	assert_int_equal(own(&cfg)->megabytes, 1024);
	assert_int_equal(cfg.wall_limit_s, 7200);
	assert_int_equal(cfg.parallel, 0);
	assert_null(cfg.path);
	cmdline = cfg.driver->cmdline(&cfg, HOST_MEASURES);
	/* part of every image's key, and stored with each boot */
	assert_string_equal(
		cmdline,
		"console=ttyS0,115200 loglevel=3 sysctl.kernel.printk=5 panic_print=32 "
		"nokaslr norandmaps tsc=reliable nestlab.clock=emulated tsc_early_khz=100000 "
		"mem=768M");
	selftests = cfg.driver->cmdline(&cfg, HOST_SELFTESTS);
	assert_memory_equal(selftests, cmdline, strlen(cmdline));
	assert_string_equal(selftests + strlen(cmdline), " kvm_intel.pml=0");
	free(selftests);
	free(cmdline);
	host_config_free(&cfg);
}

TEST(two_cpus)
{
	struct host_config one, two;

	assert_int_equal(host_find(&places, "emulated", &one, &err), 0);
	assert_int_equal(host_find(&places, "emulated-2cpu", &two, &err), 0);
	assert_int_equal(own(&one)->cpus, 1);
	assert_int_equal(own(&two)->cpus, 2);
	assert_int_equal(own(&two)->megabytes, own(&one)->megabytes);
	host_config_free(&one);
	host_config_free(&two);
}

TEST(from_a_file)
{
	__cleanup_free char *path =
		write_host("big", "{\"driver\":\"emulated\",\"megabytes\":2048,\"ips\":200000000,"
				  "\"cpus\":4,\"parallel\":3,\"wall_limit_s\":9}");
	struct host_config cfg;

	for (int by_path = 0; by_path < 2; by_path++) {
		assert_int_equal(host_find(&places, by_path ? path : "big", &cfg, &err), 0);
		assert_string_equal(cfg.name, "big");
		assert_int_equal(own(&cfg)->megabytes, 2048);
		assert_int_equal(own(&cfg)->cpus, 4);
		assert_int_equal(own(&cfg)->ips, 200000000);
		assert_int_equal(own(&cfg)->unmanaged_megabytes, 256);
		assert_int_equal(cfg.parallel, 3);
		assert_int_equal(cfg.wall_limit_s, 9);
		assert_int_equal(cfg.progress_limit_s, 180);
		host_config_free(&cfg);
	}
}

/* Boots of two configurations are never compared, so it is a part of the identity. */
TEST(kernel_config_is_the_drivers_or_the_files)
{
	__cleanup_free char *path =
		write_host("configured",
			   "{\"driver\":\"emulated\",\"kernel_config\":[\"pc\",\"bare-metal\"]}");
	__cleanup_free char *identity = NULL;
	struct host_config cfg;
	struct host_found found;

	assert_int_equal(host_find(&places, "emulated", &cfg, &err), 0);
	assert_null(cfg.kernel_config);
	host_config_free(&cfg);
	assert_int_equal(host_find(&places, path, &cfg, &err), 0);
	assert_string_equal(cfg.kernel_config[0], "pc");
	assert_string_equal(cfg.kernel_config[1], "bare-metal");
	assert_null(cfg.kernel_config[2]);
	assert_int_equal(host_probe(&cfg, &places, &found, &err), 0);
	identity = host_identity(&cfg, &found, NULL);
	assert_contains(identity, "\"kernel_config\":\"pc bare-metal\"");
	host_found_free(&found);
	host_config_free(&cfg);
	unlink(path);
}

TEST(wrong_files)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{}", "driver"},
		{"[]", "object"},
		{"{\"driver\":\"emulated\",\"ipz\":1}", "ips"},
		{"{\"driver\":\"emulated\",\"wall_limit\":1}", "wall_limit_s"},
		{"{\"driver\":\"emulated\",\"parallel\":0}", "$.parallel: 0 is not within"},
		{"{\"driver\":\"emulated\",\"description\":1}", "$.description"},
		{"{\"driver\":1}", "$.driver"},
		{"{\"driver\":\"emulated\",\"kernel_config\":\"pc\"}", "$.kernel_config"},
		{"{\"driver\":\"emulated\",\"kernel_config\":[1]}", "$.kernel_config[0]"},
		{"{\"driver\":\"emulated\",\"kernel_config\":[\"../x\"]}",
		 "not the name of a fragment"},
		{"{\"driver\":\"emulated\",\"ips\":0}", "$.ips: 0 is not within"},
		{"{\"driver\":\"emulated\",\"cpus\":5}", "$.cpus: 5 is not within"},
		{"{\"driver\":\"emulated\",\"megabytes\":\"1\"}", "$.megabytes"},
		{"{\"driver\":\"emulated\",\"unmanaged_megabytes\":900}", "less than 256"},
		{"{\"driver\":\"floppy\"}", "no such driver: floppy (there are: emulated"},
		{"{\"driver\":", "1:"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = write_host("wrong", cases[i].text);
		struct host_config cfg;

		assert_int_equal(host_find(&places, path, &cfg, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says) || !strstr(err.text, "wrong.json"))
			fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
	}
}

TEST(unknown_names)
{
	static const char *const names[] = {"nosuch", "", ".."};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct host_config cfg;

		assert_int_equal(host_find(&places, names[i], &cfg, &err), -ENOENT);
		assert_non_null(strstr(err.text, "nestlab host list"));
	}
}

TEST(list_has_both)
{
	char **names;
	size_t count;

	assert_int_equal(host_list(&places, &names, &count, &err), 0);
	assert_int_equal(count, 5);
	assert_string_equal(names[0], "big");
	assert_string_equal(names[1], "emulated");
	assert_string_equal(names[2], "emulated-2cpu");
	assert_string_equal(names[3], "here");
	assert_string_equal(names[4], "wrong");
	fs_free_names(names, count);
}

/* Each field of the identity decides whether numbers are compared with those stored before. */
TEST(identity_is_what_is_stored_already)
{
	struct json_object *hello = json_object_new_object();
	struct host_config cfg;
	struct host_found found;
	char *text;

	assert_int_equal(host_find(&places, "emulated", &cfg, &err), 0);
	assert_int_equal(host_probe(&cfg, &places, &found, &err), 0);
	json_object_object_add(found.identity, "version", json_object_new_string("2.7"));
	text = host_identity(&cfg, &found, hello);
	assert_string_equal(text, "{\"cpu\":\"corei7_skylake_x\",\"emulator\":\"bochs\","
				  "\"ips\":100000000,\"megabytes\":1024,"
				  "\"unmanaged_megabytes\":256,\"version\":\"2.7\"}");
	free(text);
	json_object_put(hello);
	host_found_free(&found);
	host_config_free(&cfg);
}

/* A driver of a machine whose agent knows what no probe does. */
static void add_microcode(const struct host_config *cfg, struct json_object *identity,
			  struct json_object *hello)
{
	(void)cfg;
	json_object_object_add(identity, "microcode",
			       json_object_get(json_object_object_get(hello, "microcode")));
}

TEST(identity_has_what_hello_says)
{
	static const struct host_driver driver = {.identify = add_microcode};
	const struct host_config cfg = {.driver = &driver};
	struct host_found found = {.identity = json_object_new_object()};
	struct json_object *hello = json_object_new_object();
	char *with, *without;

	json_object_object_add(found.identity, "bmc", json_object_new_string("x"));
	json_object_object_add(hello, "microcode", json_object_new_string("0x1"));
	with = host_identity(&cfg, &found, hello);
	without = host_identity(&cfg, &found, NULL);
	assert_string_equal(with, "{\"bmc\":\"x\",\"microcode\":\"0x1\"}");
	assert_string_equal(without, "{\"bmc\":\"x\"}");
	free(with);
	free(without);
	json_object_put(hello);
	json_object_put(found.identity);
}

static int make_dir(void **state)
{
	if (unit_make_dir(state) || setenv("NESTLAB_ROOT", unit_dir, 1))
		return -1;
	places_find(&places, NULL);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	places_free(&places);
	return fs_remove_tree(unit_dir, NULL);
}

UNIT_MAIN("host table", make_dir, drop_dir)
