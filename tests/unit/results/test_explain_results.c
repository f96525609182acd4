// SPDX-License-Identifier: GPL-2.0-only
/* Explanations: their statistics, and what is written of them. */
#include <errno.h>
#include <math.h>

#include <json-c/json.h>

#include "results/explain/explain.h"
#include "results/explain/keep.h"
#include "results/explain/page.h"
#include "tests/unit/unit.h"

static struct explain_row make_row(const char *name, double base, double new, double error)
{
	return (struct explain_row){.name = xstrdup(name),
				    .where = xstrdup("mm/vmalloc.c"),
				    .caller = xstrdup("caller<&>"),
				    .of = {{base, error}, {new, error}}};
}

static struct explain_node make_node(const char *name, int parent, double base, double new)
{
	return (struct explain_node){.name = xstrdup(name), .parent = parent, .cost = {base, new}};
}

/* Two kernels; "fell" lost 100, "grew" gained 40, "noise" cannot be told from 0. */
static struct explanation make_explanation(void)
{
	struct explanation e = {.scenario = xstrdup("multiplex"),
				.metric = xstrdup("switch"),
				.params = xstrdup("{\"l2_vcpus\":8}"),
				.operation = xstrdup("switch"),
				.host = xstrdup("emulated"),
				.made = xstrdup("2026-11-26T00:00:00Z"),
				.seed = 7,
				.nsides = 2};
	struct explain_table *t = &e.tables[EXPLAIN_BY_FUNCTION];

	for (int i = 0; i < 2; i++)
		e.sides[i] = (struct explain_side){.kernel = xstrdup(i ? "new" : "base"),
						   .key = xstrdup(i ? "bb" : "aa"),
						   .total = {i ? 940 : 1000, 1},
						   .all = {i ? 950 : 1010, 5},
						   .median = i ? 940 : 1000,
						   .mean = i ? 951 : 1009,
						   .operations = 320,
						   .followed = 50,
						   .interrupted = 2,
						   .boots = 1};
	t->rows = xcalloc(3, sizeof(*t->rows));
	t->nrows = 3;
	t->rows[0] = make_row("noise", 10, 12, 3);
	t->rows[1] = make_row("grew", 0, 40, 1);
	t->rows[2] = make_row("fell", 100, 0, 1);
	e.nodes = xcalloc(3, sizeof(*e.nodes));
	e.nnodes = 3;
	e.nodes[0] = make_node("L0", -1, 0, 0);
	e.nodes[1] = make_node("fell", 0, 100, 0);
	e.nodes[2] = make_node("grew<&>", 0, 0, 40);
	explain_table_judge(t, &e);
	return e;
}

static struct explain_mean mean_of(const double *values, size_t n)
{
	struct explain_mean m = {0};
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		m.mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - m.mean) * (values[i] - m.mean);
	m.error = sqrt(squares / (double)(n - 1) / (double)n);
	return m;
}

TEST(an_interval_is_wider_for_many_rows)
{
	const struct explain_mean a = {100, 1}, b = {110, 1};
	double low, high, low_of_many, high_of_many;

	explain_interval(a, 50, b, 50, 1, &low, &high);
	/* t with 98 degrees of freedom: 1.98447 */
	assert_float_equal(high - 10, 1.98447 * sqrt(2), 1e-3);
	assert_float_equal(10 - low, high - 10, 1e-4);
	explain_interval(a, 50, b, 50, 500, &low_of_many, &high_of_many);
	/* the same quantile at 1 - .025 / 500, by numerical integration of the density */
	assert_float_equal(high_of_many - 10, 4.05678 * sqrt(2), 1e-3);
}

/* 400 functions that do not differ, judged at once, 200 times: the level is that of all together. */
TEST(what_did_not_move_is_seldom_said_to_have)
{
	enum { ROWS = 400, TIMES = 200, N = 40 };
	unsigned int seed = 1;
	int wrong = 0;

	for (int k = 0; k < TIMES; k++) {
		bool any = false;

		for (int r = 0; r < ROWS; r++) {
			struct explain_mean m[2];
			double low, high;

			for (int s = 0; s < 2; s++) {
				double values[N];

				for (int i = 0; i < N; i++)
					values[i] = 100 + rand_r(&seed) % 21;
				m[s] = mean_of(values, N);
			}
			explain_interval(m[0], N, m[1], N, ROWS, &low, &high);
			any |= low > 0 || high < 0;
		}
		wrong += any;
	}
	assert_in_range(wrong, 0, TIMES * 8 / 100);
}

TEST(what_moved_most_comes_first)
{
	struct explanation e = make_explanation();
	const struct explain_row *r = e.tables[EXPLAIN_BY_FUNCTION].rows;

	assert_string_equal(r[0].name, "fell");
	assert_string_equal(r[1].name, "grew");
	assert_true(r[0].moved && r[1].moved && !r[2].moved);
	explanation_free(&e);
}

TEST(the_mail_names_what_grew)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	explain_grown(&e, &out);
	assert_non_null(strstr(out.buf, "grew +40 (mm/vmalloc.c, from caller<&>)"));
	assert_null(strstr(out.buf, "fell"));
	assert_null(strstr(out.buf, "noise"));
	strbuf_release(&out);
	explanation_free(&e);
}

TEST(the_sum_is_held_against_what_was_measured)
{
	struct explanation e = make_explanation();
	struct explain_side *s = &e.sides[0];

	assert_string_equal(explain_side_verdict(s), "agrees with the median and the mean");
	s->median = 900;
	assert_string_equal(explain_side_verdict(s), "agrees with the mean");
	s->mean = 2000;
	assert_string_equal(explain_side_verdict(s), "DOES NOT AGREE with what was measured");
	explanation_free(&e);
}

static char *json_of(const struct explanation *e)
{
	struct json_object *o = explain_to_json(e);
	char *text = xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));

	json_object_put(o);
	return text;
}

TEST(json_is_read_as_it_was_written)
{
	struct explanation e = make_explanation(), again;
	__cleanup_free char *text = json_of(&e), *twice = NULL;

	assert_int_equal(explain_from_json(text, strlen(text), "x", &again, NULL), 0);
	twice = json_of(&again);
	assert_string_equal(text, twice);
	explanation_free(&again);
	explanation_free(&e);
}

/* A file that somebody damaged: cut anywhere, or with a tree that leads in a circle. */
TEST(damaged_json_is_refused)
{
	struct explanation e = make_explanation(), again;
	__cleanup_free char *text = json_of(&e), *circle = NULL;
	struct error err = {0};

	for (size_t n = 0; n < strlen(text); n += 7)
		assert_true(explain_from_json(text, n, "x", &again, NULL) < 0);
	explanation_free(&e);
	e = make_explanation();
	e.nodes[1].parent = 2;
	circle = json_of(&e);
	assert_int_equal(explain_from_json(circle, strlen(circle), "x", &again, &err), -EINVAL);
	assert_non_null(strstr(err.text, "tree[1]"));
	explanation_free(&e);
}

TEST(folded_lines_have_both_kernels)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	explain_folded(&e, &out);
	assert_string_equal(out.buf, "L0;fell 100 0\nL0;grew<&> 0 40\n");
	strbuf_release(&out);
	explanation_free(&e);
}

TEST(names_do_no_harm_in_the_page)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	explain_html(&e, &out);
	assert_non_null(strstr(out.buf, "class=\"box fell\""));
	assert_non_null(strstr(out.buf, "grew&lt;&amp;&gt;"));
	assert_null(strstr(out.buf, "<&>"));
	strbuf_release(&out);
	explanation_free(&e);
}

TEST(kept_ones_are_found_by_what_they_are_of)
{
	struct explanation e = make_explanation(), found;
	__cleanup_free char *dir = unit_path("kept");
	struct error err = {0};

	assert_int_equal(explain_keep(dir, &e, &err), 0);
	assert_int_equal(
		explain_kept(dir, "aa", "bb", "multiplex", "switch", e.params, &found, &err), 0);
	assert_string_equal(found.sides[1].kernel, "new");
	explanation_free(&found);
	assert_int_equal(
		explain_kept(dir, "bb", "aa", "multiplex", "switch", e.params, &found, &err),
		-ENOENT);
	explanation_free(&e);
}

/* Text of a file that somebody else wrote ends in tables, in lines and on terminals. */
static int read_with_name(const char *name)
{
	struct explanation e = make_explanation(), again;
	__cleanup_free char *text = NULL;
	int ret;

	free(e.nodes[1].name);
	e.nodes[1].name = xstrdup(name);
	text = json_of(&e);
	ret = explain_from_json(text, strlen(text), "x", &again, NULL);
	explanation_free(&e);
	explanation_free(&again);
	return ret;
}

TEST(names_that_command_a_terminal_are_refused)
{
	assert_int_equal(read_with_name("f\033[2J"), -EINVAL);
	assert_int_equal(read_with_name("two\nlines"), -EINVAL);
	assert_int_equal(read_with_name("\xe2\x80\xae"), -EINVAL); /* right to left */
	assert_int_equal(read_with_name("<core::fmt::Formatter as \xc3\xa4>;x"), 0);
}

TEST(numbers_without_bounds_and_towers_are_refused)
{
	enum { HIGH = 5000 };
	struct explanation e = make_explanation(), again;
	struct error err = {0};
	__cleanup_free char *big = NULL, *tower = NULL;

	e.nodes[1].cost[0] = 1e300;
	big = json_of(&e);
	assert_int_equal(explain_from_json(big, strlen(big), "x", &again, &err), -EINVAL);
	assert_non_null(strstr(err.text, "tree[1].base"));
	e.nodes[1].cost[0] = 1;
	e.nodes = xrealloc(e.nodes, HIGH, sizeof(*e.nodes));
	for (; e.nnodes < HIGH; e.nnodes++)
		e.nodes[e.nnodes] = make_node("deep", (int)e.nnodes - 1, 1, 1);
	tower = json_of(&e);
	err = (struct error){0};
	assert_int_equal(explain_from_json(tower, strlen(tower), "x", &again, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than 1000 callers"));
	explanation_free(&e);
}

TEST(a_folded_name_has_no_semicolon_of_its_own)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	free(e.nodes[1].name);
	e.nodes[1].name = xstrdup("a;b");
	explain_folded(&e, &out);
	assert_non_null(strstr(out.buf, "L0;a:b 100 0\n"));
	strbuf_release(&out);
	explanation_free(&e);
}

/* A box that is too narrow for its name cuts between characters: the page stays UTF-8. */
TEST(no_character_is_cut_in_two)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;
	char name[601] = "";

	for (int i = 0; i < 200; i++)
		memcpy(name + 3 * i, "\xe2\x82\xac", 3);
	free(e.nodes[1].name);
	e.nodes[1].name = xstrdup(name);
	explain_draw_flame(&e, &out);
	assert_non_null(strstr(out.buf, "\xe2\x82\xac\xe2\x80\xa6</text>"));
	assert_null(strstr(out.buf, "\xef\xbf\xbd")); /* what markup puts for broken bytes */
	strbuf_release(&out);
	explanation_free(&e);
}

static void assert_advice(const struct explanation *e, const char *word)
{
	struct strbuf out = STRBUF_INIT;

	explain_advice(e, &out);
	if (word)
		assert_non_null(strstr(out.buf, word));
	else
		assert_int_equal(out.len, 0);
	strbuf_release(&out);
}

TEST(what_is_not_known_well_is_said_with_the_remedy)
{
	struct explanation e = make_explanation();
	struct strbuf text = STRBUF_INIT;

	e.low = -100;
	e.high = -20;
	assert_advice(&e, NULL); /* +-40 of 1000 instructions is what is aimed at */
	e.low = -160;
	assert_advice(&e, "known to +-70 only, and +-50 was the aim: more boots (--max-boots N");
	explain_text(&e, 0, &text);
	assert_non_null(strstr(text.buf, "--max-boots N"));
	for (int i = 0; i < 2; i++)
		e.sides[i].operations = 52; /* 50 and 2 interrupted: all */
	assert_advice(&e, "--rounds N");
	strbuf_release(&text);
	explanation_free(&e);
}

TEST(parameters_are_words)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	explain_text(&e, 0, &out);
	assert_non_null(strstr(out.buf, "multiplex switch (l2_vcpus=8), host emulated"));
	strbuf_reset(&out);
	free(e.params);
	e.params = xstrdup("no JSON");
	explain_text(&e, 0, &out);
	assert_non_null(strstr(out.buf, "multiplex switch ("));
	strbuf_release(&out);
	explanation_free(&e);
}

TEST(an_operation_has_its_article)
{
	struct explanation e = make_explanation();
	struct strbuf out = STRBUF_INIT;

	free(e.operation);
	e.operation = xstrdup("exit");
	explain_headline(&e, &out);
	assert_string_equal(out.buf, "-60 instructions an exit (-6.0 %)");
	strbuf_release(&out);
	explanation_free(&e);
}

TEST(bars_that_say_nothing_are_not_drawn)
{
	struct explanation e = make_explanation();
	struct explain_table *t = &e.tables[EXPLAIN_BY_FILE];
	struct strbuf out = STRBUF_INIT;

	t->rows = xcalloc(2, sizeof(*t->rows));
	t->nrows = 2;
	t->rows[0] = make_row("moved.c", 10, 50, 1);
	t->rows[1] = make_row("same.c", 10, 10, 0);
	explain_draw_bars(&e, &out);
	assert_non_null(strstr(out.buf, "moved.c"));
	assert_null(strstr(out.buf, "same.c"));
	strbuf_release(&out);
	explanation_free(&e);
}

UNIT_MAIN("explain_results", unit_make_dir, unit_drop_dir)
