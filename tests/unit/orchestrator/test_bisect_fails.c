// SPDX-License-Identifier: GPL-2.0-only
/*
 * orchestrator/bisect/hunt.c and rate.c, and ends.c, step.c and confirm.c over them: bisects of failures.
 * Real searches and a real database; simulated builds and boots that panic, complain, hang, and die by kills.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "orchestrator/bisect/confirm.h"
#include "orchestrator/bisect/ends.h"
#include "orchestrator/bisect/line.h"
#include "orchestrator/bisect/rate.h"
#include "orchestrator/bisect/step.h"

#define LAST 12

/* What fails, from a candidate on; every boot's text has other addresses. */
struct truth {
	long culprit;	    /* 1 .. LAST; LAST + 1: none */
	int percent;	    /* boots that fail, from the culprit on */
	int percent_before; /* and before it */
	long other;	    /* this one fails in another way, always; 0: none */
	const char *text;   /* the failure; NULL: a panic */
	enum results_class class;
	const char *test; /* a selftest that fails instead; NULL: none */
	const char *revert;
	struct request_fails fails;
	int max_boots;
};

struct fake {
	const struct truth *truth;
	struct results_db *db;
	int boots, die_at, events;
};

static void event(struct fake *f)
{
	if (++f->events == f->die_at)
		raise(SIGKILL);
}

static int fake_build(void *arg, const char *const *ids, size_t n, struct bisect_built *out,
		      struct error *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++) {
		long at = strtol(ids[i], NULL, 10);

		event(arg);
		out[i].variant = xstrdup(ids[i]);
		out[i].key = xasprintf("%064ld", at + 1000);
		out[i].sha256 = xasprintf("sha-%ld", at);
	}
	return 0;
}

/* 0 .. 99, of kernel and seed alone. */
static unsigned int draw(long at, uint64_t seed)
{
	uint64_t h = (at * 1000003 + seed + 1) * 0x9e3779b97f4a7c15;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9;
	h = (h ^ h >> 27) * 0x94d049bb133111eb;
	return (h ^ h >> 31) % 100;
}

#define PANIC                                                                               \
	"Kernel panic - not syncing: Fatal exception; before it: BUG: kernel NULL pointer " \
	"dereference, address: %016lx (RIP: 0010:nested_vmx_run+0x%lx/0x200 [kvm_intel])"
#define OTHER "the kernel complained: WARNING: CPU: 0 PID: %ld at mm/x.c:%ld other+0x1/0x2"

struct boot_end {
	enum results_class class;
	char *error, *test;
};

static struct boot_end end_of(const struct truth *t, long at, uint64_t seed)
{
	int percent = at >= t->culprit ? t->percent : t->percent_before;
	long any = (long)seed * 31 + at;

	if (t->other && at == t->other)
		return (struct boot_end){RESULTS_GUEST, xasprintf(OTHER, any, any), NULL};
	if ((int)draw(at, seed) >= percent)
		return (struct boot_end){RESULTS_OK, NULL, t->test ? xstrdup("pass") : NULL};
	if (t->test)
		return (struct boot_end){RESULTS_INTEGRITY, xstrdup("selftest failed"),
					 xstrdup("fail")};
	if (t->text)
		return (struct boot_end){t->class, xstrdup(t->text), NULL};
	return (struct boot_end){RESULTS_GUEST, xasprintf(PANIC, any, any), NULL};
}

static int store_boot(struct fake *f, const char *session, const struct bisect_built *b, int boot,
		      uint64_t seed, struct error *err)
{
	struct boot_end end = end_of(f->truth, strtol(b->variant, NULL, 10), seed);
	struct results_test test = {.scenario = "kselftest",
				    .params = "{}",
				    .name = f->truth->test,
				    .result = end.test,
				    .text = "x"};
	struct results_boot run = {
		.kernel_name = b->variant,
		.kernel_key = b->key,
		.bzimage_sha256 = b->sha256,
		.agent_sha256 = "agent",
		.scenario_name = "probe",
		.host_name = "fake",
		.host_driver = "fake",
		.host_identity = "{}",
		.clock = "emulated",
		.session = session,
		.environment = "{}",
		.boot = boot,
		.seed = seed,
		.started = "2026-11-23T21:00:00Z",
		.status = end.class == RESULTS_OK ? "pass" : "fail",
		.class = end.class,
		.error = end.error,
		.tests = &test,
		.ntests = end.test != NULL,
	};
	int ret = results_store(f->db, &run, NULL, err);

	f->boots++;
	free(end.error);
	free(end.test);
	return ret;
}

static int fake_boot(void *arg, const char *session, const struct bisect_built *const *kernels,
		     size_t n, int first, int boots, uint64_t seed_offset, struct error *err)
{
	int ret = 0;

	for (int b = first; !ret && b < first + boots; b++) {
		for (size_t i = 0; !ret && i < n; i++) {
			event(arg);
			ret = store_boot(arg, session, kernels[i], b, b + seed_offset, err);
			event(arg);
		}
	}
	return ret;
}

struct outcome {
	int ret;
	struct error err;
	struct bisect_answer answer;
	struct bisect_confirmation again;
	char signature[200], skips[200];
	int boots;
};

static char *new_database(void)
{
	static int n;

	return xasprintf("%s/%d.db", unit_dir, n++);
}

static int64_t bisect_id(struct results_db *db, struct error *err)
{
	struct results_bisect b;
	int64_t id;

	if (results_bisect_find(db, "s", &b, NULL))
		return results_bisect_create(db, "s", "{}", &id, err) ? -1 : id;
	id = b.id;
	results_bisect_free(&b);
	return id;
}

static int search(struct bisect_session *s, const struct truth *t, struct outcome *o)
{
	struct bisect_tester tester = {.test = bisect_test, .arg = s};
	struct bisect_space *space;
	int ret = bisect_line_open(0, LAST, NULL, &space, &o->err);

	if (ret)
		return ret;
	ret = bisect_search(space, 1, &tester, &o->answer, &o->err);
	if (!ret && o->answer.nsuspects == 1) {
		char *parent = space->ops->parent(space, o->answer.suspects[0]);

		ret = bisect_confirm(s, parent, o->answer.suspects[0], t->revert, &o->again,
				     &o->err);
		free(parent);
	}
	space->ops->release(space);
	return ret;
}

static void run_bisect(const char *path, const struct truth *t, int die_at, struct outcome *o)
{
	struct fake f = {.truth = t, .die_at = die_at};
	struct bisect_session s = {
		.session = "s",
		.good = "0",
		.bad = "12",
		.lab = {fake_build, fake_boot, NULL, &f},
		.limits = {.boots = 2, .max_boots = 8, .guest_failures = 2, .host_failures = 4},
	};

	*o = (struct outcome){0};
	if (t->max_boots)
		s.limits.max_boots = t->max_boots;
	assert_int_equal(results_open(path, true, &f.db, &o->err), 0);
	assert_int_equal(bisect_hunt_open(&t->fails, &s.hunt, &o->err), 0);
	s.db = f.db;
	s.id = bisect_id(f.db, &o->err);
	o->ret = bisect_check_ends(&s, &o->err);
	if (!o->ret)
		o->ret = search(&s, t, o);
	if (s.hunt->signature)
		snprintf(o->signature, sizeof(o->signature), "%s", s.hunt->signature);
	for (size_t i = 0; i < s.nsteps; i++)
		if (!strcmp(s.steps[i].verdict, "skip"))
			snprintf(o->skips, sizeof(o->skips), "%s: %s", s.steps[i].candidate,
				 s.steps[i].why);
	o->boots = f.boots;
	bisect_session_release(&s);
	bisect_hunt_free(s.hunt);
	results_close(f.db);
}

static struct outcome expect(const struct truth *t)
{
	__cleanup_free char *path = new_database();
	struct outcome o;

	run_bisect(path, t, 0, &o);
	if (o.ret)
		fail_msg("%s", o.err.text);
	assert_int_equal(o.answer.nsuspects, 1);
	assert_int_equal(strtol(o.answer.suspects[0], NULL, 10), t->culprit);
	assert_true(o.again.confirmed);
	bisect_answer_free(&o.answer);
	return o;
}

/* ---- tests ---- */

TEST(finds_a_panic_anywhere)
{
	for (long culprit = 1; culprit <= LAST; culprit++) {
		struct truth t = {.culprit = culprit, .percent = 100, .revert = "0"};
		struct outcome o = expect(&t);

		assert_string_equal(
			o.signature,
			"BUG: kernel NULL pointer dereference, address in nested_vmx_run");
		assert_true(o.again.reverted);
	}
}

/* The one tested first fails in another way: it is skipped, and no verdict. */
TEST(another_failure_is_a_skip)
{
	for (long culprit = 3; culprit <= 10; culprit++) {
		struct truth t = {.culprit = culprit, .percent = 100, .other = 6};
		struct outcome o;

		if (culprit == 6 || culprit == 7) /* then the skip hides which of two it is */
			continue;
		o = expect(&t);
		assert_memory_equal(o.skips, "6: ", 3);
		assert_non_null(strstr(o.skips, "in another way: the kernel complained: WARNING"));
	}
}

TEST(another_failure_at_the_culprit_leaves_two)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = 6, .percent = 100, .other = 6};
	struct outcome o;

	run_bisect(path, &t, 0, &o);
	assert_int_equal(o.ret, 0);
	assert_int_equal(o.answer.nsuspects, 2);
	bisect_answer_free(&o.answer);
}

TEST(finds_what_comes_in_some_boots)
{
	static const int percents[] = {30, 50, 80};

	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		struct truth t = {.culprit = 4,
				  .percent = percents[i],
				  .other = 9,
				  .max_boots = 64,
				  .revert = "0"};

		expect(&t);
	}
}

static double mean_boots(int percent, int max_boots)
{
	int boots = 0, n = 0;

	for (long culprit = 1; culprit <= LAST; culprit++) {
		__cleanup_free char *path = new_database();
		struct truth t = {.culprit = culprit,
				  .percent = percent,
				  .other = 6,
				  .max_boots = max_boots,
				  .revert = "0"};
		struct outcome o;

		if (culprit == 6 || culprit == 7)
			continue;
		run_bisect(path, &t, 0, &o);
		assert_int_equal(o.ret, 0);
		bisect_answer_free(&o.answer);
		boots += o.boots;
		n++;
	}
	return (double)boots / n;
}

/* With Fisher's test and looks at 2, 4, 8, ... boots it took 40 and 387. */
TEST(makes_no_more_boots_than_it_needs)
{
	double always = mean_boots(100, 8), at_times = mean_boots(30, 64);

	print_message("boots: %.0f, %.0f where 30 %% fail\n", always, at_times);
	assert_true(always < 36);
	assert_true(at_times < 190);
}

TEST(finds_what_came_rarely_before)
{
	struct truth t = {.culprit = 8, .percent = 90, .percent_before = 10, .max_boots = 32};

	expect(&t);
}

TEST(finds_a_selftest_and_an_integrity_failure_and_a_message)
{
	struct truth t = {.culprit = 5, .percent = 100, .test = "vmx_test", .other = 6};

	t.fails = (struct request_fails){.test = (char *)"vmx_test"};
	expect(&t);
	t.test = NULL;
	t.text = "multiplex {}: sum: expected 3, found 4";
	t.class = RESULTS_INTEGRITY;
	t.fails = (struct request_fails){.class = FAILS_INTEGRITY};
	expect(&t);
	t.fails = (struct request_fails){.message = (char *)"sum: expected [0-9]+"};
	expect(&t);
}

TEST(refuses_ends_that_do_not_differ)
{
	static const struct {
		struct truth t;
		const char *says;
	} cases[] = {
		{{.culprit = LAST + 1}, "in 0 of 8 boots of the good end and in 0 of 8 of the bad"},
		{{.culprit = LAST + 1}, "the bad end has to fail"},
		{{.culprit = 1, .percent = 100, .percent_before = 100},
		 "in 8 of 8 boots of the good"},
		{{.culprit = 1, .percent = 100, .percent_before = 100},
		 "do not differ beyond doubt"},
		{{.culprit = 1, .percent_before = 100}, "are the ends swapped?"},
		{{.culprit = 1, .percent = 30}, "(--max-boots "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = new_database();
		struct truth t = cases[i].t;
		struct outcome o;

		run_bisect(path, &t, 0, &o);
		assert_int_equal(o.ret, -EDOM);
		if (!strstr(o.err.text, cases[i].says))
			fail_msg("%s", o.err.text);
	}
}

TEST(refuses_a_good_end_that_fails_in_another_way)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = 1, .percent = 100, .percent_before = 100};
	struct outcome o;

	t.test =
		"vmx_test"; /* the good end's boots do not tell of the message that is looked for */
	t.fails = (struct request_fails){.message = (char *)"no such message"};
	run_bisect(path, &t, 0, &o);
	assert_int_equal(o.ret, -ENOEXEC);
	assert_non_null(strstr(o.err.text, "the good end cannot be measured: 2 boots failed in "
					   "another way: selftest failed"));
}

/* Killed again and again: the same signature and answer, and not one boot twice. */
TEST(survives_kills)
{
	struct truth t = {.culprit = 5, .percent = 60, .other = 7, .max_boots = 32, .revert = "0"};
	struct outcome whole = expect(&t);
	int kills = 0;

	for (unsigned int seed = 1; seed <= 4; seed++) {
		__cleanup_free char *path = new_database();
		struct outcome o;
		bool killed = true;

		while (killed) {
			int die_at = 1 + rand_r(&seed) % 30, status;
			pid_t pid = fork();

			if (!pid) {
				run_bisect(path, &t, die_at, &o);
				_exit(o.ret || !o.again.confirmed);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			killed = WIFSIGNALED(status);
			kills += killed;
			assert_true(killed || !WEXITSTATUS(status));
		}
		run_bisect(path, &t, 0, &o);
		assert_int_equal(o.ret, 0);
		assert_int_equal(o.boots, 0);
		assert_string_equal(o.signature, whole.signature);
		assert_string_equal(o.answer.suspects[0], "5");
		bisect_answer_free(&o.answer);
	}
	assert_true(kills >= 8);
}

TEST(a_verdict_needs_a_sure_difference)
{
	static const struct {
		struct bisect_rate good, step, bad;
		enum bisect_verdict verdict;
	} cases[] = {
		{{0, 3}, {2, 2}, {3, 3}, BISECT_UNTESTED},
		{{0, 3}, {3, 3}, {3, 3}, BISECT_BAD},
		{{0, 3}, {0, 2}, {3, 3}, BISECT_UNTESTED},
		{{0, 3}, {0, 3}, {3, 3}, BISECT_GOOD},
		{{0, 8}, {1, 1}, {3, 8}, BISECT_UNTESTED},
		{{0, 25}, {2, 6}, {7, 25}, BISECT_BAD},
		{{0, 25}, {0, 10}, {7, 25}, BISECT_UNTESTED},
		{{0, 25}, {0, 20}, {7, 25}, BISECT_GOOD},
		{{0, 32},
		 {10, 32},
		 {32, 32},
		 BISECT_BAD}, /* rarer than at the bad end, but there */
		{{0, 32},
		 {1, 32},
		 {32, 32},
		 BISECT_UNTESTED}, /* rare, but the good end never had it */
		{{3, 32}, {2, 32}, {30, 32}, BISECT_GOOD},
		{{3, 32}, {16, 32}, {32, 32}, BISECT_UNTESTED}, /* between ends that both have it */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			bisect_rate_find_side(&cases[i].good, &cases[i].bad, &cases[i].step),
			cases[i].verdict);
}

UNIT_MAIN("bisect_fails", unit_make_dir, unit_drop_dir)
