// SPDX-License-Identifier: GPL-2.0-only
/* The disk image of an L1 that the user brings: what is refused, and what is a skip. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "orchestrator/engine/l1_image.h"

static struct error err;

static struct scenario_measure disk = {.line = {.scenario = PLAN_MULTIPLEX, .l1 = PLAN_L1_DISK}},
			       micro = {.line = {.scenario = PLAN_MULTIPLEX}};
static struct l1_image image;

static int find(const char *path, bool in_place, struct scenario_measure *m)
{
	const struct scenario_plan plan = {.name = (char *)"mine", .measures = m, .nmeasures = 1};

	return l1_image_find(path, in_place, &plan, 1, &image, &err);
}

TEST(without_an_image_a_plan_of_disks_is_skipped)
{
	assert_int_equal(find(NULL, false, &disk), -ENODEV);
	assert_contains(err.text, "SKIP: mine");
	assert_contains(err.text, "--l1-image FILE");
	assert_int_equal(find(NULL, false, &micro), 0);
	assert_null(image.path);
}

/* A daemon's run of several plans is cut into boots of one: not each of them wants it. */
TEST(an_image_that_no_plan_wants_is_left_alone)
{
	assert_int_equal(find("/nonexistent/x", false, &micro), 0);
	assert_null(image.path);
}

TEST(an_image_that_nothing_boots_is_refused)
{
	__cleanup_free char *vhdx = unit_write("disk.vhdx", "vhdxfile ");
	__cleanup_free char *empty = unit_write("empty.img", "");

	assert_int_equal(find(vhdx, false, &disk), -EINVAL);
	assert_contains(err.text, "a VHDX image");
	assert_contains(err.text, "qemu-img convert -O qcow2");
	assert_int_equal(find(empty, false, &disk), -EINVAL);
	assert_contains(err.text, "it is empty");
	assert_int_equal(find(unit_dir, false, &disk), -EINVAL);
	assert_int_equal(find("/nonexistent/x", false, &disk), -ENOENT);
}

TEST(an_image_is_known_by_its_content)
{
	__cleanup_free char *raw = unit_write("disk.img", "abc");

	assert_int_equal(find(raw, false, &disk), 0);
	assert_string_equal(image.name, "disk.img");
	assert_int_equal(image.path[0], '/');
	assert_string_equal(image.sha256,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	l1_image_free(&image);
	assert_int_equal(truncate(raw, L1_IMAGE_MAX + 1), 0);
	assert_int_equal(find(raw, false, &disk), -EINVAL);
	assert_contains(err.text, "--host here");
	assert_int_equal(truncate(raw, 0), 0);
}

UNIT_MAIN("l1_image", unit_make_dir, unit_drop_dir)
