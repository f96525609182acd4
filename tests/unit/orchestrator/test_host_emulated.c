// SPDX-License-Identifier: GPL-2.0-only
/* The emulated host's driver, with a machine that runs out of something under it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "orchestrator/hosts/hosts.h"

/* Lets the process open @more files than it has open now. */
static struct rlimit limit_files(int more)
{
	struct rlimit old, new;
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	new = old;
	new.rlim_cur = lowest + more;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &new), 0);
	return old;
}

/* Without a pidfd nothing would tell of the emulator's end. */
TEST(no_descriptor_left_is_said_and_ends_the_emulator)
{
	__cleanup_free char *image = unit_path("image.iso");
	__cleanup_free char *console = unit_path("console.log");
	__cleanup_free char *records = unit_path("records.jsonl");
	struct host_session s = {
		.image = image,
		.run_dir = unit_dir,
		.console_path = console,
		.records_path = records,
		.wake_fd = -1,
	};
	const struct host_driver *driver;
	struct places places;
	struct host_config cfg;
	struct rlimit old;
	struct error err = {0};
	int ret;

	assert_int_equal(fs_write_file(image, "", 0, NULL), 0);
	places_find(&places, NULL);
	assert_int_equal(host_find(&places, "emulated", &cfg, &err), 0);
	driver = cfg.driver;
	s.cfg = &cfg;
	assert_int_equal(driver->provision(&s, &err), 0);
	assert_int_equal(driver->open_channel(&s, &err), 0);
	old = limit_files(0);
	ret = driver->power(&s, HOST_POWER_ON, &err);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(ret, -EMFILE);
	assert_non_null(strstr(err.text, strerror(EMFILE)));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and nothing is left running */
	assert_int_equal(driver->release(&s, &err), 0);
	host_config_free(&cfg);
	places_free(&places);
}

UNIT_MAIN("emulated host", unit_make_dir, unit_drop_dir)
