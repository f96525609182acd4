// SPDX-License-Identifier: GPL-2.0-only
/* Nights whose truth is known: which of them raise an alarm, and of what kind. */
#include "results/trend/trend.h"

#include "tests/unit/unit.h"

#define NIGHTS 40
#define BOOTS  4

static double boots[NIGHTS][BOOTS];
static struct trend_point points[NIGHTS];
static struct trend_series series = {.better = "lower", .smallest_effect = 0.5, .points = points};

static void set_night(size_t night, double level)
{
	for (size_t i = 0; i < BOOTS; i++)
		boots[night][i] = level * (1 + 0.0002 * ((double)((night * 7 + i * 3) % 5) - 2));
	points[night] = (struct trend_point){
		.night = night, .boots = boots[night], .nboots = BOOTS, .median = boots[night][0]};
	series.count = night + 1;
}

static void set_nights(size_t from, size_t to, double level)
{
	for (size_t i = from; i < to; i++)
		set_night(i, level);
}

TEST(a_quiet_branch_is_silent)
{
	struct trend_alarm a;

	for (size_t i = 0; i < NIGHTS; i++) {
		set_night(i, 1000);
		assert_int_equal(trend_look(&series, 0, &a), TREND_QUIET);
	}
}

TEST(a_step_in_the_last_night_is_found)
{
	struct trend_alarm a;

	for (size_t before = 1; before < NIGHTS; before++) {
		set_nights(0, before, 1000);
		set_night(before, 1008);
		assert_int_equal(trend_look(&series, 0, &a), TREND_STEP);
		assert_int_equal(a.good, before - 1);
		assert_int_equal(a.bad, before);
		assert_true(a.worse);
	}
	series.better = "higher";
	trend_look(&series, 0, &a);
	assert_false(a.worse);
	series.better = "lower";
}

TEST(less_than_the_smallest_effect_is_none)
{
	struct trend_alarm a;

	set_nights(0, 20, 1000);
	set_night(20, 1004);
	assert_int_equal(trend_look(&series, 0, &a), TREND_QUIET);
}

TEST(nights_that_differ_hide_a_step)
{
	struct trend_alarm a;

	for (size_t i = 0; i < 20; i++)
		set_night(i, i % 2 ? 1010 : 990);
	set_night(20, 1012);
	assert_int_equal(trend_look(&series, 0, &a), TREND_QUIET);
}

TEST(a_level_begins_where_it_is_said_to)
{
	struct trend_alarm a;

	set_nights(0, 20, 1000);
	set_nights(20, 30, 1008);
	assert_int_equal(trend_look(&series, 0, &a), TREND_SLOW);
	assert_int_equal(a.bad, 20);
	assert_int_equal(trend_look(&series, 20, &a), TREND_QUIET);
	assert_int_equal(trend_look(&series, 29, &a), TREND_QUIET);
	assert_int_equal(trend_look(&series, 30, &a), TREND_QUIET);
}

TEST(a_drift_is_told_as_drift)
{
	struct trend_alarm a;

	for (size_t i = 0; i < NIGHTS; i++)
		set_night(i, 1000 + i);
	assert_int_equal(trend_look(&series, 0, &a), TREND_DRIFT);
}

TEST(a_number_is_back_within_the_smallest_effect)
{
	set_nights(0, 5, 1000);
	assert_true(trend_is_at(&series, 1004));
	assert_false(trend_is_at(&series, 1006));
}

UNIT_MAIN("trends", NULL, NULL)
