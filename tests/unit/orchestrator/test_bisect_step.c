// SPDX-License-Identifier: GPL-2.0-only
/*
 * orchestrator/bisect/session.c, ends.c, step.c and confirm.c over a lab that needs no kernel: real searches, a
 * real database, real comparisons; simulated builds and boots, with noise, trouble and kills.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>

#include <sqlite3.h>

#include "common/histogram.h"
#include "orchestrator/bisect/confirm.h"
#include "orchestrator/bisect/ends.h"
#include "orchestrator/bisect/line.h"
#include "orchestrator/bisect/step.h"

#define LAST 32

/* What is true of the simulated kernels, and what goes wrong on the way to finding out. */
struct truth {
	long culprit;	    /* 1 .. LAST; LAST + 1: none */
	double effect;	    /* of the culprit: 0.02 is 2 % */
	double drift;	    /* of each commit */
	double noise;	    /* standard deviation of a boot */
	long broken;	    /* does not build; 0: none */
	long twin;	    /* has the same bytes as the one before; 0: none */
	long panics;	    /* panics at boot; 0: none */
	int host_fails;	    /* every Nth boot fails for the host; 0: never */
	long never_again;   /* this one is good from the first fresh boot on; 0: none */
	const char *revert; /* the candidate that is the bad end without the culprit; NULL: none */
};

struct fake {
	const struct truth *truth;
	struct results_db *db;
	int boots, builds;
	int die_at; /* the event at which to be killed; 0: never */
	int events;
};

/* The moments at which a kill may come. */
static void event(struct fake *f)
{
	if (++f->events == f->die_at)
		raise(SIGKILL);
}

static uint64_t hash(const char *text, uint64_t h)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9;
	return h ^ h >> 32;
}

/* Normal noise that depends on kernel and seed alone: a repeated boot is not fresh noise. */
static double noise(const struct fake *f, const char *key, uint64_t seed)
{
	__cleanup_free char *what = xasprintf("noise %s %d", key, (int)seed);
	double u = (hash(what, 1) % 1000000 + 0.5) / 1e6, v = hash(what, 2) % 1000000 / 1e6;

	return f->truth->noise * sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static int fake_build(void *arg, const char *const *ids, size_t n, struct bisect_built *out,
		      struct error *err)
{
	struct fake *f = arg;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		long at = strtol(ids[i], NULL, 10);

		event(f);
		f->builds++;
		if (f->truth->broken && at == f->truth->broken) {
			out[i].why = xstrdup("does not compile: error: expected ';'");
			continue;
		}
		out[i].variant = xstrdup(ids[i]);
		out[i].key = xasprintf("%064ld", at + 1000);
		out[i].sha256 = xasprintf("sha-%ld", at - (f->truth->twin && at == f->truth->twin));
	}
	return 0;
}

static double value_of(const struct fake *f, const char *session, const struct bisect_built *b,
		       uint64_t seed)
{
	long at = strtol(b->variant, NULL, 10);
	const struct truth *t = f->truth;
	double v = 25000 * (1 + t->drift * at + noise(f, b->key, seed));
	bool fixed = t->never_again && at == t->never_again && strstr(session, "-again");

	return at >= t->culprit && !fixed ? v * (1 + t->effect) : v;
}

static enum results_class class_of(struct fake *f, const struct bisect_built *b)
{
	f->boots++;
	if (f->truth->panics && strtol(b->variant, NULL, 10) == f->truth->panics)
		return RESULTS_GUEST;
	return f->truth->host_fails && f->boots % f->truth->host_fails == 0 ? RESULTS_INFRASTRUCTURE
									    : RESULTS_OK;
}

static int store_boot(struct fake *f, const char *session, const struct bisect_built *b, int boot,
		      uint64_t seed, struct error *err)
{
	enum results_class class = class_of(f, b);
	uint64_t value = value_of(f, session, b, seed);
	struct results_bucket bucket = {histogram_bucket(value), 100};
	struct results_metric metric = {
		.scenario = "multiplex",
		.metric = "switch",
		.params = "{}",
		.unit = "instructions",
		.better = "lower",
		.headline = true,
		.rounds = 1,
		.count = 100,
		.min = value,
		.max = value,
		.mean = value,
		.hist = &bucket,
		.nhist = 1,
	};
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
		.status = class == RESULTS_OK ? "pass" : "fail",
		.class = class,
		.error = class == RESULTS_OK ? NULL : "simulated trouble",
		.metrics = &metric,
		.nmetrics = class == RESULTS_OK,
	};

	return results_store(f->db, &run, NULL, err);
}

static int fake_boot(void *arg, const char *session, const struct bisect_built *const *kernels,
		     size_t n, int first, int boots, uint64_t seed_offset, struct error *err)
{
	int ret = 0;

	for (int b = first; !ret && b < first + boots; b++) {
		for (size_t i = 0; !ret && i < n; i++) {
			event(arg); /* in the middle of the boot */
			ret = store_boot(arg, session, kernels[i], b, b + seed_offset, err);
			event(arg); /* right after it */
		}
	}
	return ret;
}

static int fake_compare(void *arg, const char *session, const char *base_key, const char *new_key,
			int looks, struct bisect_ratio *out, struct error *err)
{
	struct fake *f = arg;
	struct results_filter filter = {
		.scenario = "multiplex",
		.metric = "switch",
		.session = session,
		.alpha = results_sequential_alpha(BISECT_ALPHA, looks),
	};

	event(f);
	return bisect_compare(f->db, base_key, new_key, &filter, out, err);
}

/* ---- one bisect, in a database of its own ---- */

struct outcome {
	int ret;
	struct error err;
	struct bisect_answer answer;
	struct bisect_confirmation again;
	size_t steps;
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

static int search(struct bisect_session *s, size_t parallel, struct outcome *o)
{
	struct bisect_tester tester = {.test = bisect_test, .arg = s};
	const struct fake *f = s->lab.arg;
	struct bisect_space *space;
	int ret = bisect_line_open(0, LAST, NULL, &space, &o->err);

	if (ret)
		return ret;
	ret = bisect_search(space, parallel, &tester, &o->answer, &o->err);
	if (!ret && o->answer.nsuspects == 1) {
		char *parent = space->ops->parent(space, o->answer.suspects[0]);

		ret = bisect_confirm(s, parent, o->answer.suspects[0], f->truth->revert, &o->again,
				     &o->err);
		free(parent);
	}
	space->ops->release(space);
	return ret;
}

static void run_bisect(const char *path, const struct truth *truth, size_t parallel, int die_at,
		       struct outcome *o)
{
	static char good[] = "0", bad[8];
	struct fake f = {.truth = truth, .die_at = die_at};
	struct bisect_session s = {
		.session = "s",
		.good = good,
		.bad = bad,
		.lab = {fake_build, fake_boot, fake_compare, &f},
		.limits = {.boots = 2, .max_boots = 8, .guest_failures = 2, .host_failures = 4},
	};

	*o = (struct outcome){0};
	snprintf(bad, sizeof(bad), "%d", LAST);
	o->ret = results_open(path, true, &f.db, &o->err);
	if (o->ret)
		return;
	s.db = f.db;
	s.id = bisect_id(f.db, &o->err);
	o->ret = bisect_check_ends(&s, &o->err);
	if (!o->ret)
		o->ret = search(&s, parallel, o);
	o->steps = s.nsteps;
	o->boots = f.boots;
	bisect_session_release(&s);
	results_close(f.db);
}

static struct outcome expect(const struct truth *truth, size_t parallel)
{
	__cleanup_free char *path = new_database();
	struct outcome o;

	run_bisect(path, truth, parallel, 0, &o);
	if (o.ret)
		fail_msg("%s", o.err.text);
	assert_int_equal(o.answer.nsuspects, 1);
	assert_int_equal(strtol(o.answer.suspects[0], NULL, 10), truth->culprit);
	bisect_answer_free(&o.answer);
	return o;
}

/* ---- tests ---- */

TEST(finds_two_percent_anywhere)
{
	for (size_t parallel = 1; parallel <= 2; parallel++) {
		for (long culprit = 1; culprit <= LAST; culprit += 4) {
			struct truth t = {.culprit = culprit, .effect = 0.02, .noise = 0.0002};
			struct outcome o = expect(&t, parallel);

			assert_true(o.again.confirmed);
		}
	}
}

TEST(finds_a_small_one_in_noise_and_drift)
{
	struct truth t = {.culprit = 20, .effect = 0.03, .noise = 0.002, .drift = 0.0001};

	expect(&t, 1);
}

TEST(finds_an_improvement)
{
	struct truth t = {.culprit = 7, .effect = -0.05, .noise = 0.0005};
	struct outcome o = expect(&t, 1);

	assert_true(o.again.confirmed);
}

TEST(refuses_ends_that_do_not_differ)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = LAST + 1, .noise = 0.0002};
	struct outcome o;

	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.ret, -EDOM);
	assert_non_null(strstr(o.err.text, "the ends cannot be told apart: good "));
	assert_int_equal(o.steps, 0);
}

/* Less than the smallest effect, and surely there: a smaller threshold is what helps. */
TEST(says_that_the_ends_differ_by_less_than_what_matters)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = 9, .effect = 0.0035, .noise = 0.00002};
	struct outcome o;

	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.ret, -EDOM);
	assert_non_null(strstr(o.err.text, "they differ beyond doubt, by +0.3"));
	assert_non_null(strstr(o.err.text, " %: `--threshold 0.15` hunts it"));
	assert_null(strstr(o.err.text, "--max-boots"));
}

/* After a kill the ends have more boots than the look that decides asks for. */
TEST(counts_all_boots_that_a_refusal_rests_on)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = LAST + 1, .noise = 0.005};
	struct outcome o;

	run_bisect(path, &t, 1, 0, &o);
	assert_true(o.boots > 4);
	t.noise = 0.0;
	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.boots, 0);
	assert_null(strstr(o.err.text, "(2 boots)"));
}

/* What a bisect over @t stored of its steps; *boots: of the good end, at its end. */
static struct results_bisect_step *steps_of(const struct truth *t, size_t *n, int *boots)
{
	__cleanup_free char *path = new_database();
	struct results_bisect_step *steps;
	struct results_tally tally;
	struct results_db *db;
	struct results_bisect b;
	struct outcome o;

	run_bisect(path, t, 1, 0, &o);
	bisect_answer_free(&o.answer);
	assert_int_equal(results_open(path, false, &db, &o.err), 0);
	assert_int_equal(results_bisect_find(db, "s", &b, &o.err), 0);
	assert_int_equal(results_bisect_steps(db, b.id, &steps, n, &o.err), 0);
	assert_true(*n > 2);
	assert_int_equal(results_tally_boots(db, "s", steps[0].kernel_key, &tally, &o.err), 0);
	*boots = tally.boots[RESULTS_OK];
	free(tally.error);
	results_bisect_free(&b);
	results_close(db);
	return steps;
}

/* Ends that two boots do not tell apart: as many as it took are what is stored. */
TEST(counts_the_boots_of_the_ends)
{
	struct truth t = {.culprit = 1, .effect = -0.007, .noise = 0.003};
	size_t n;
	int boots;
	struct results_bisect_step *steps = steps_of(&t, &n, &boots);

	assert_true(steps[0].boots > 2);
	assert_true(steps[0].boots <= boots);
	assert_int_equal(steps[0].boots, steps[1].boots);
	results_bisect_steps_free(steps, n);
}

TEST(tells_the_number_and_its_interval)
{
	struct truth t = {.culprit = 20, .effect = 0.02, .noise = 0.0002};
	double value, low, high;
	size_t n;
	int boots;
	struct results_bisect_step *steps = steps_of(&t, &n, &boots);

	assert_int_equal(sscanf(steps[2].why, "%lf instructions, %*f %% [%lf, %lf] of good; sure",
				&value, &low, &high),
			 3);
	assert_true(value > 24900 && value < 25600 && low <= high);
	results_bisect_steps_free(steps, n);
}

TEST(skips_what_does_not_build_or_boot)
{
	struct truth t = {.culprit = 11, .effect = 0.02, .noise = 0.0002, .broken = 16};

	expect(&t, 1);
	t.broken = 0;
	t.panics = 16;
	expect(&t, 1);
}

TEST(a_broken_neighbour_leaves_two_suspects)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = 16, .effect = 0.02, .noise = 0.0002, .broken = 15};
	struct outcome o;

	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.ret, 0);
	assert_int_equal(o.answer.nsuspects, 2);
	bisect_answer_free(&o.answer);
}

TEST(retries_what_the_host_spoiled)
{
	struct truth t = {.culprit = 9, .effect = 0.02, .noise = 0.0002, .host_fails = 3};

	expect(&t, 1);
}

TEST(stops_when_the_host_only_fails)
{
	__cleanup_free char *path = new_database();
	struct truth t = {.culprit = 9, .effect = 0.02, .noise = 0.0002, .host_fails = 1};
	struct outcome o;

	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.ret, -EAGAIN);
	assert_non_null(strstr(o.err.text, "--resume"));
	assert_int_equal(o.steps, 0);
	t.host_fails = 0; /* mended: what failed before does not count */
	run_bisect(path, &t, 1, 0, &o);
	assert_int_equal(o.ret, 0);
	assert_string_equal(o.answer.suspects[0], "9");
	bisect_answer_free(&o.answer);
}

TEST(the_same_bytes_need_no_boot)
{
	struct truth t = {.culprit = 16, .effect = 0.02, .noise = 0.0002};
	struct outcome plain, twin;

	plain = expect(&t, 1);
	t.culprit = 15; /* and 16, tested first, has its bytes */
	t.twin = 16;
	twin = expect(&t, 1);
	assert_int_equal(twin.steps, plain.steps);
	assert_int_equal(twin.boots, plain.boots - 2);
}

TEST(says_when_the_culprit_is_not_seen_again)
{
	struct truth t = {.culprit = 9, .effect = 0.02, .noise = 0.0002, .never_again = 9};
	struct outcome o = expect(&t, 1);

	assert_false(o.again.confirmed);
}

/* The bad end without the culprit is good; or as bad as ever; or does not build; or does not run. */
TEST(tests_the_revert_where_it_runs)
{
	static const struct {
		const char *revert;
		long broken, panics;
		bool confirmed, reverted;
	} cases[] = {
		{"0", 0, 0, true, true},
		{"40", 0, 0, false, true},
		{"40", 40, 0, true, false},
		{"40", 0, 40, true, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct truth t = {.culprit = 9,
				  .effect = 0.02,
				  .noise = 0.0002,
				  .revert = cases[i].revert,
				  .broken = cases[i].broken,
				  .panics = cases[i].panics};
		struct outcome o = expect(&t, 1);

		assert_int_equal(o.again.confirmed, cases[i].confirmed);
		assert_int_equal(o.again.reverted, cases[i].reverted);
		bisect_answer_free(&o.answer);
	}
}

/* Runs it in a child that is killed at event @die_at (0: not). True if it came to its end. */
static bool run_in_child(const char *path, const struct truth *t, int die_at)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct outcome o;

		run_bisect(path, t, 2, die_at, &o);
		_exit(o.ret || !o.again.confirmed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || !WEXITSTATUS(status));
	return WIFEXITED(status);
}

/* The boots that confirm a culprit are none that were there: not one seed of a kernel's twice. */
TEST(confirms_with_seeds_of_its_own)
{
	struct truth t = {.culprit = 20, .effect = 0.02, .noise = 0.0002};
	__cleanup_free char *path = new_database();
	struct outcome o;
	sqlite3_stmt *stmt;
	sqlite3 *db;

	run_bisect(path, &t, 1, 0, &o);
	assert_true(o.again.confirmed);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_prepare_v2(db,
			   "SELECT count(DISTINCT session), count(*) - count(DISTINCT kernel_key "
			   "|| ' ' || seed) FROM run",
			   -1, &stmt, NULL);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(stmt, 0), 2);
	assert_int_equal(sqlite3_column_int(stmt, 1), 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	bisect_answer_free(&o.answer);
}

/* Boots in the database: how many, and how many (session, kernel, boot) are there twice. */
static void count_boots(const char *path, int *total, int *repeated)
{
	struct error err = {0};
	struct results_db *db;
	static const char *const sessions[] = {"s", "s-again"};

	*total = *repeated = 0;
	assert_int_equal(results_open(path, false, &db, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		for (long at = 0; at <= LAST; at++) {
			__cleanup_free char *key = xasprintf("%064ld", at + 1000);
			struct results_tally t;

			assert_int_equal(results_tally_boots(db, sessions[i], key, &t, &err), 0);
			*total += t.boots[RESULTS_OK];
			*repeated += t.boots[RESULTS_OK] - t.last;
			free(t.error);
		}
	}
	results_close(db);
}

/* Killed again and again, at every moment there is: the same answer, and not one boot twice. */
TEST(survives_kills)
{
	struct truth t = {.culprit = 20, .effect = 0.02, .noise = 0.0002, .broken = 16};
	struct outcome whole;
	int kills = 0, total, repeated;

	whole = expect(&t, 2);
	for (unsigned int seed = 1; seed <= 8; seed++) {
		__cleanup_free char *path = new_database();
		struct outcome o;

		while (!run_in_child(path, &t, 1 + rand_r(&seed) % 12))
			kills++;
		run_bisect(path, &t, 2, 0, &o);
		assert_int_equal(o.ret, 0);
		assert_int_equal(o.boots, 0); /* all there: nothing to do again */
		assert_string_equal(o.answer.suspects[0], "20");
		count_boots(path, &total, &repeated);
		assert_int_equal(total, whole.boots);
		assert_int_equal(repeated, 0);
		bisect_answer_free(&o.answer);
	}
	assert_true(kills >= 20);
}

UNIT_MAIN("bisect_step", unit_make_dir, unit_drop_dir)
