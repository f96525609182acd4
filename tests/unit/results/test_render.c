// SPDX-License-Identifier: GPL-2.0-only
/* What a comparison looks like: the table for people, the JSON for programs. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <json-c/json.h>

#include "results/report/text.h"
#include "tests/unit/results/compare_fixture.h"

static struct results_db *open_with_table(void)
{
	static const struct {
		const char *metric, *params;
		double base, new;
	} rows[] = {
		{"switch", UNMANAGED, 40920, 24100},
		{"switch", MANAGED, 25800, 25790},
		{"vmptrld", MANAGED, 812, 812},
	};
	struct results_db *db = open_fresh();
	struct fixture_run f;

	for (int k = 0; k < 2; k++)
		for (uint64_t seed = 1; seed <= 2; seed++) {
			fixture_init(&f, k ? "nested-context" : "baseline", k ? KEY_B : KEY_A,
				     seed);
			for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
				fixture_metric(&f, "multiplex", rows[i].metric, rows[i].params,
					       (k ? rows[i].new : rows[i].base) + (double)seed)
					->headline = i < 2;
			fixture_store(db, &f);
		}
	return db;
}

TEST(the_table_fits_and_shows_what_varies)
{
	struct results_db *db = open_with_table();
	struct results_comparison c = compare(db, "baseline", "nested-context");
	struct strbuf out = STRBUF_INIT;
	const char *improved, *unchanged;

	results_render_text(&c, 0, &out);
	improved = strstr(out.buf, "unmanaged");
	unchanged = strstr(out.buf, "managed  ");
	assert_true(improved && unchanged);
	assert_says(out.buf, "40,922");
	assert_says(out.buf, "0.589");
	assert_says(out.buf, "-41.1 %");
	assert_says(out.buf, "l1 micro-vmx"); /* the same in all: once, above */
	assert_null(strstr(out.buf, "812"));
	assert_null(strstr(out.buf, "\033"));
	assert_says(out.buf, "1 metric with --all");
	assert_says(out.buf, "improved: nested-context against baseline: 1 improved, 0 regressed");
	for (char *line = strtok(out.buf, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 104); /* 100 columns; +- and the like have two bytes */
	strbuf_reset(&out);
	results_render_text(&c, RESULTS_RENDER_ALL | RESULTS_RENDER_COLOUR, &out);
	assert_says(out.buf, "813.5");
	assert_says(out.buf, "\033[32m");
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

/* The table of two measurements; the first is the one that changed most. */
static void render_two(const char *const params[2], struct strbuf *out)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct fixture_run f;

	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "nested-context" : "baseline", k ? KEY_B : KEY_A, 1);
		for (int i = 0; i < 2; i++)
			fixture_metric(&f, "multiplex", "switch", params[i],
				       1000 - 100 * k * (2 - i))
				->headline = true;
		fixture_store(db, &f);
	}
	c = compare(db, "baseline", "nested-context");
	results_render_text(&c, 0, out);
	results_comparison_free(&c);
	results_close(db);
}

/* A parameter that the first row does not have tells the others apart. */
TEST(a_parameter_that_the_first_row_lacks_is_a_column)
{
	static const char *const params[] = {"{\"memory\":\"managed\"}",
					     "{\"backing\":\"memfd\",\"memory\":\"managed\"}"};
	struct strbuf out = STRBUF_INIT;

	render_two(params, &out);
	assert_says(out.buf, "  backing ");
	assert_says(out.buf, "  memfd ");
	strbuf_release(&out);
}

/* What all rows of one L1 have, and those of the others have not, needs no column: the L1's name says it. */
TEST(what_belongs_to_an_l1_is_said_once)
{
	static const char *const params[][2] = {
		{"{\"l1\":\"micro-vmx\"}", "{\"l1\":\"linux-kvm\",\"vmm\":\"thin\"}"},
		{"{\"l1\":\"linux-kvm\",\"vmm\":\"thin\"}", "{\"l1\":\"micro-vmx\"}"},
	};
	static const char *const both[] = {"{\"l1\":\"linux-kvm\",\"vmm\":\"thin\"}",
					   "{\"l1\":\"linux-kvm\",\"vmm\":\"qemu\"}"};
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < 2; i++) {
		strbuf_reset(&out);
		render_two(params[i], &out);
		assert_says(out.buf, "where L1 has it: vmm thin\n");
		assert_null(strstr(out.buf, "  vmm "));
		assert_says(out.buf, "  linux-kvm  ");
	}
	strbuf_reset(&out);
	render_two(both, &out);
	assert_says(out.buf, "  vmm ");
	assert_says(out.buf, "  qemu ");
	strbuf_release(&out);
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no \"%s\" in %s", key, json_object_to_json_string(o));
	return v;
}

/* What decides, and the mean of the boots that passed: not of another kernel's in the session. */
TEST(one_kernel_alone_has_its_numbers)
{
	struct results_db *db = open_fresh();
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	struct fixture_run f;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		fixture_init(&f, "running", KEY_A, seed);
		fixture_metric(&f, "multiplex", "switch", UNMANAGED, 40000 + 1000 * (double)seed)
			->headline = true;
		fixture_metric(&f, "multiplex", "vmptrld", UNMANAGED, 812)->headline = false;
		if (seed == 3)
			fixture_fail(&f, RESULTS_INFRASTRUCTURE, "not quiet");
		fixture_store(db, &f);
	}
	fixture_init(&f, "another", KEY_B, 4);
	fixture_metric(&f, "multiplex", "switch", UNMANAGED, 9000)->headline = true;
	fixture_store(db, &f);
	assert_int_equal(results_render_numbers(db, "s1", "running", 0, &out, &err), 0);
	assert_says(out.buf, "multiplex\n");
	assert_says(out.buf, "switch");
	assert_says(out.buf, "unmanaged");
	assert_says(out.buf, "41,500");
	assert_null(strstr(out.buf, "vmptrld"));
	strbuf_reset(&out);
	assert_int_equal(results_render_numbers(db, "another", "running", 0, &out, &err), 0);
	assert_string_equal(out.buf, "");
	strbuf_release(&out);
	results_close(db);
}

TEST(json_has_the_promised_shape)
{
	static const char *const keys[] = {"scenario", "metric", "params", "unit",   "better",
					   "base",     "new",	 "ratio",  "verdict"};
	struct results_db *db = open_with_table();
	struct results_comparison c = compare(db, "baseline", "nested-context");
	struct strbuf out = STRBUF_INIT;
	struct json_object *doc, *metrics, *first;

	results_render_json(&c, &out);
	doc = json_tokener_parse(out.buf);
	assert_non_null(doc);
	assert_string_equal(json_object_get_string(member(doc, "base")), "baseline");
	assert_string_equal(json_object_get_string(member(doc, "new")), "nested-context");
	assert_string_equal(json_object_get_string(member(doc, "clock")), "emulated");
	assert_string_equal(json_object_get_string(member(doc, "verdict")), "improved");
	metrics = member(doc, "metrics");
	assert_int_equal(json_object_array_length(metrics), 3);
	first = json_object_array_get_idx(metrics, 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		member(first, keys[i]);
	assert_string_equal(json_object_get_string(member(member(first, "params"), "memory")),
			    "unmanaged");
	assert_int_equal(json_object_get_int(member(member(first, "base"), "boots")), 2);
	assert_true(json_object_get_double(member(member(first, "new"), "p99")) > 24000);
	assert_string_equal(json_object_get_string(member(first, "verdict")), "improved");
	json_object_put(doc);
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

/* NaN is not JSON: what is unknown is null. */
TEST(json_knows_no_nan)
{
	struct results_db *db = open_fresh();
	struct results_comparison c;
	struct strbuf out = STRBUF_INIT;
	struct fixture_run f;

	for (int k = 0; k < 2; k++) {
		fixture_init(&f, k ? "b" : "a", k ? KEY_B : KEY_A, 1);
		f.run.clock = "tsc";
		fixture_metric(&f, "multiplex", "switch", MANAGED, 1000);
		fixture_store(db, &f);
	}
	c = compare(db, "a", "b");
	results_render_json(&c, &out);
	assert_null(strstr(out.buf, "nan"));
	assert_null(strstr(out.buf, "NaN"));
	assert_says(out.buf, "\"p_value\":null");
	strbuf_release(&out);
	results_comparison_free(&c);
	results_close(db);
}

UNIT_MAIN("render", unit_make_dir, unit_drop_dir)
