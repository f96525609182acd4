// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/bisect without a kernel: search on lines and real git histories, ddmin, judging. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>

#include "common/git.h"
#include "orchestrator/bisect/commits.h"
#include "orchestrator/bisect/ddmin.h"
#include "orchestrator/bisect/git.h"
#include "orchestrator/bisect/git_log.h"
#include "orchestrator/bisect/position.h"
#include "orchestrator/bisect/line.h"

/* ---- lines ---- */

struct line_judge {
	long culprit;
	long skip_from, skip_to; /* inclusive; 0: none */
	int tests;
};

static int judge_line(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		      struct error *err)
{
	struct line_judge *j = arg;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		long at = strtol(ids[i], NULL, 10);

		j->tests++;
		verdicts[i] = at >= j->culprit ? BISECT_BAD : BISECT_GOOD;
		if (at >= j->skip_from && at <= j->skip_to)
			verdicts[i] = BISECT_SKIP;
	}
	return 0;
}

static void search_line(long last, size_t k, struct line_judge *j, struct bisect_answer *answer)
{
	struct bisect_tester tester = {.test = judge_line, .arg = j};
	struct bisect_space *space;
	struct error err = {0};

	assert_int_equal(bisect_line_open(0, last, NULL, &space, &err), 0);
	assert_int_equal(bisect_search(space, k, &tester, answer, &err), 0);
	space->ops->release(space);
}

TEST(line_finds_every_position)
{
	for (size_t k = 1; k <= 4; k++) {
		for (long culprit = 1; culprit <= 32; culprit++) {
			struct line_judge j = {.culprit = culprit};
			struct bisect_answer answer;

			search_line(32, k, &j, &answer);
			assert_int_equal(answer.nsuspects, 1);
			assert_int_equal(strtol(answer.suspects[0], NULL, 10), culprit);
			assert_true(answer.rounds <= bisect_rounds_left(32, k));
			bisect_answer_free(&answer);
		}
	}
}

TEST(rounds_are_counted)
{
	assert_int_equal(bisect_rounds_left(1, 1), 0);
	assert_int_equal(bisect_rounds_left(32, 1), 5);
	assert_int_equal(bisect_rounds_left(32, 2), 4);
	assert_int_equal(bisect_rounds_left(33, 1), 6);
}

TEST(line_walks_around_skips)
{
	struct line_judge j = {.culprit = 25, .skip_from = 12, .skip_to = 20};
	struct bisect_answer answer;

	search_line(32, 1, &j, &answer);
	assert_int_equal(answer.nsuspects, 1);
	assert_string_equal(answer.suspects[0], "25");
	assert_true(j.tests <= 12);
	bisect_answer_free(&answer);
}

TEST(skips_around_the_culprit_leave_suspects)
{
	struct line_judge j = {.culprit = 16, .skip_from = 15, .skip_to = 17};
	struct bisect_answer answer;

	search_line(32, 1, &j, &answer);
	assert_int_equal(answer.nsuspects, 4);
	assert_string_equal(answer.suspects[0], "15");
	assert_string_equal(answer.suspects[3], "18");
	bisect_answer_free(&answer);
}

TEST(contradiction_keeps_the_last_change)
{
	struct bisect_space *space;
	struct bisect_remaining r = {0};
	struct error err = {0};

	assert_int_equal(bisect_line_open(0, 32, NULL, &space, &err), 0);
	space->ops->mark(space, "20", BISECT_GOOD, &err);
	space->ops->mark(space, "10", BISECT_BAD, &err);
	assert_int_equal(space->ops->remaining(space, &r, &err), 0);
	assert_int_equal(r.total, 12);
	assert_string_equal(r.bad, "32");
	bisect_remaining_free(&r);
	space->ops->release(space);
	assert_int_equal(bisect_line_open(3, 3, NULL, &space, &err), -EINVAL);
}

/* ---- git ---- */

static char *git(const char *const *args)
{
	static const char *const env[] = {"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
					  "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost",
					  NULL};
	const struct git_command cmd = {.dir = unit_dir, .args = args, .env = env};
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};

	if (git_run(&cmd, NULL, &out, &err))
		fail_msg("%s", err.text);
	while (out.len && out.buf[out.len - 1] == '\n')
		out.buf[--out.len] = '\0';
	return strbuf_detach(&out);
}
#define GIT(...)     free(git((const char *const[]){__VA_ARGS__, NULL}))
#define GIT_OUT(...) git((const char *const[]){__VA_ARGS__, NULL})

static void commit(const char *file, int n)
{
	__cleanup_free char *path = xasprintf("%s/%s", unit_dir, file);
	__cleanup_free char *text = xasprintf("%d\n", n);
	__cleanup_free char *message = xasprintf("%s %d", file, n);
	__cleanup_free char *tag = xasprintf("%s%d", file, n);
	struct error err = {0};

	assert_int_equal(fs_write_file(path, text, strlen(text), &err), 0);
	GIT("add", ".");
	GIT("commit", "-q", "-m", message);
	GIT("tag", tag);
}

/*
 *	main:  a1 .. a8 ----- M(merge) - a9 .. a12 = last
 *	           \         /
 *	side:       b1 .. b6
 *	fork of a4: other (no part of last's history)
 */
static int make_repo(void **state)
{
	if (unit_make_dir(state))
		return -1;
	GIT("init", "-q", "-b", "main");
	GIT("config", "user.name", "test");
	GIT("config", "user.email", "test@localhost");
	for (int i = 1; i <= 8; i++) {
		commit("a", i);
		if (i == 2)
			GIT("branch", "side");
		if (i == 4)
			GIT("branch", "other");
	}
	GIT("checkout", "-q", "side");
	for (int i = 1; i <= 6; i++)
		commit("b", i);
	GIT("checkout", "-q", "other");
	commit("c", 1);
	GIT("checkout", "-q", "main");
	GIT("merge", "-q", "--no-ff", "-m", "merge", "side");
	GIT("tag", "merged");
	for (int i = 9; i <= 12; i++)
		commit("a", i);
	return 0;
}

struct git_judge {
	char *culprit;
	const char *skip; /* a commit, or NULL */
	int tests;
};

static int judge_git(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		     struct error *err)
{
	struct git_judge *j = arg;

	for (size_t i = 0; i < n; i++) {
		const char *const args[] = {"merge-base", "--is-ancestor", j->culprit, ids[i],
					    NULL};
		const struct git_command cmd = {.dir = unit_dir, .args = args};
		int status;

		j->tests++;
		assert_int_equal(git_run(&cmd, &status, NULL, err), 0);
		verdicts[i] = status ? BISECT_GOOD : BISECT_BAD;
		if (j->skip && !strcmp(j->skip, ids[i]))
			verdicts[i] = BISECT_SKIP;
	}
	return 0;
}

static int search_git(const struct bisect_git_range *range, size_t k, struct git_judge *j,
		      struct bisect_answer *answer, struct error *err)
{
	struct bisect_tester tester = {.test = judge_git, .arg = j};
	struct bisect_space *space;
	int ret = bisect_git_open(range, &space, err);

	if (ret)
		return ret;
	ret = bisect_search(space, k, &tester, answer, err);
	space->ops->release(space);
	return ret;
}

static void expect_culprit(const struct bisect_git_range *range, size_t k, const char *culprit)
{
	struct git_judge j = {.culprit = GIT_OUT("rev-parse", culprit)};
	struct bisect_answer answer;
	struct error err = {0};

	if (search_git(range, k, &j, &answer, &err))
		fail_msg("%s", err.text);
	assert_int_equal(answer.nsuspects, 1);
	assert_string_equal(answer.suspects[0], j.culprit);
	bisect_answer_free(&answer);
	free(j.culprit);
}

/* Every commit of the range, merges and both sides of one included, with 1 to 3 at once. */
TEST(git_finds_every_commit)
{
	struct bisect_git_range range = {.tree = unit_dir, .good = "a1", .bad = "main"};
	__cleanup_free char *all = GIT_OUT("rev-list", "main", "^a1");
	char *save, *id;

	for (id = strtok_r(all, "\n", &save); id; id = strtok_r(NULL, "\n", &save))
		for (size_t k = 1; k <= 3; k++)
			expect_culprit(&range, k, id);
}

static void expect_left(struct bisect_space *space, const char *bad, long total)
{
	__cleanup_free char *id = GIT_OUT("rev-parse", bad);
	struct bisect_remaining r = {0};
	struct error err = {0};

	assert_int_equal(space->ops->remaining(space, &r, &err), 0);
	assert_string_equal(r.bad, id);
	assert_int_equal(r.total, total);
	bisect_remaining_free(&r);
}

/* Verdicts of one round: two bad ones beside a merge, and a bad one before a good one. */
TEST(git_combines_the_verdicts_of_a_round)
{
	struct bisect_git_range range = {.tree = unit_dir, .good = "a1", .bad = "main"};
	struct bisect_space *space;
	struct error err = {0};

	assert_int_equal(bisect_git_open(&range, &space, &err), 0);
	space->ops->mark(space, "a8", BISECT_BAD, &err);
	space->ops->mark(space, "b6", BISECT_BAD, &err);
	expect_left(space, "a2", 1); /* all that both have */
	space->ops->release(space);
	assert_int_equal(bisect_git_open(&range, &space, &err), 0);
	space->ops->mark(space, "merged", BISECT_GOOD, &err);
	space->ops->mark(space, "a3", BISECT_BAD, &err);
	expect_left(space, "main", 4);
	space->ops->release(space);
}

TEST(git_first_parent_blames_the_merge)
{
	struct bisect_git_range range = {
		.tree = unit_dir, .good = "a2", .bad = "main", .first_parent = true};
	struct git_judge j = {.culprit = GIT_OUT("rev-parse", "side~2")};
	__cleanup_free char *merge = GIT_OUT("rev-parse", "merged");
	struct bisect_answer answer;
	struct error err = {0};

	assert_int_equal(search_git(&range, 1, &j, &answer, &err), 0);
	assert_string_equal(answer.suspects[0], merge);
	bisect_answer_free(&answer);
	free(j.culprit);
}

TEST(git_paths_limit_the_range)
{
	const char *paths[] = {"b"};
	struct bisect_git_range range = {
		.tree = unit_dir, .good = "a1", .bad = "main", .paths = paths, .npaths = 1};
	struct git_judge j = {.culprit = GIT_OUT("rev-parse", "side~3")};
	struct bisect_answer answer;
	struct error err = {0};

	assert_int_equal(search_git(&range, 1, &j, &answer, &err), 0);
	assert_string_equal(answer.suspects[0], j.culprit);
	assert_true(j.tests <= 4); /* of 6 commits, not 19 */
	bisect_answer_free(&answer);
	free(j.culprit);
	paths[0] = "nowhere";
	assert_int_equal(search_git(&range, 1, &j, &answer, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no commit between"));
}

/* A culprit that touches none of the paths: no commit that does is blamed, nor is the bad end. */
TEST(git_says_when_the_paths_are_wrong)
{
	const char *paths[] = {"b"};
	struct bisect_git_range range = {
		.tree = unit_dir, .good = "a1", .bad = "main", .paths = paths, .npaths = 1};
	struct git_judge j = {.culprit = GIT_OUT("rev-parse", "a10")};
	struct bisect_answer answer;
	struct error err = {0};

	assert_int_equal(search_git(&range, 1, &j, &answer, &err), -EXDEV);
	assert_non_null(strstr(err.text, "outside of these paths"));
	free(j.culprit);
}

TEST(git_tests_merge_bases_first)
{
	struct bisect_git_range range = {.tree = unit_dir, .good = "other", .bad = "main"};
	__cleanup_free char *base = GIT_OUT("rev-parse", "other~1");
	struct git_judge bad_base = {.culprit = GIT_OUT("rev-parse", "a3")};
	struct bisect_answer answer;
	struct error err = {0};

	expect_culprit(&range, 1, "a7");
	assert_int_equal(search_git(&range, 1, &bad_base, &answer, &err), -EXDEV);
	assert_non_null(strstr(err.text, base));
	assert_int_equal(bad_base.tests, 1);
	free(bad_base.culprit);
}

TEST(git_refuses_impossible_ranges)
{
	static const struct {
		const char *good, *bad, *text;
	} cases[] = {
		{"main", "main~3", "swap them"},
		{"main", "main", "the same commit"},
		{"nowhere", "main", "no commit called nowhere"},
		{"main~1", "--all", "no commit called --all"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bisect_git_range range = {
			.tree = unit_dir, .good = cases[i].good, .bad = cases[i].bad};
		struct bisect_space *space;
		struct error err = {0};

		assert_int_equal(bisect_git_open(&range, &space, &err), -EINVAL);
		assert_non_null(strstr(err.text, cases[i].text));
	}
}

/* What git concludes from our log is what we concluded. */
static void replay_steps(const struct bisect_git_range *range, const struct bisect_git_step *steps,
			 size_t n, const char *culprit)
{
	__cleanup_free char *path = unit_path(".git/nestlab.log");
	struct bisect_space *space;
	struct strbuf log = STRBUF_INIT;
	struct error err = {0};
	char *said;

	assert_int_equal(bisect_git_open(range, &space, &err), 0);
	assert_int_equal(bisect_git_log(space, steps, n, culprit, &log, &err), 0);
	space->ops->release(space);
	assert_int_equal(fs_write_file(path, log.buf, log.len, &err), 0);
	said = GIT_OUT("bisect", "replay", path);
	assert_non_null(strstr(said, culprit));
	assert_non_null(strstr(said, "is the first bad commit"));
	GIT("bisect", "reset");
	free(said);
	strbuf_release(&log);
}

static void replay(const struct bisect_git_range *range, const char *culprit_name)
{
	__cleanup_free char *culprit = GIT_OUT("rev-parse", culprit_name);
	__cleanup_free char *all = GIT_OUT("rev-list", range->bad, "^a1");
	struct bisect_git_step steps[32];
	struct error err = {0};
	char *save, *id;
	size_t n = 0;

	/* every commit as a step, in an order that is nobody's */
	for (id = strtok_r(all, "\n", &save); id; id = strtok_r(NULL, "\n", &save)) {
		struct git_judge j = {.culprit = culprit};

		steps[n] = (struct bisect_git_step){.id = id, .why = "+1 %"};
		judge_git(&j, (const char *const *)&id, 1, &steps[n++].verdict, &err);
	}
	replay_steps(range, steps, n, culprit);
}

/* A round's verdicts contradict each other, the bad one stored first. */
TEST(git_replays_a_contradiction)
{
	struct bisect_git_range range = {.tree = unit_dir, .good = "a1", .bad = "main"};
	__cleanup_free char *early = GIT_OUT("rev-parse", "a3"),
			    *merged = GIT_OUT("rev-parse", "merged"),
			    *last = GIT_OUT("rev-parse", "main~1"),
			    *culprit = GIT_OUT("rev-parse", "main");
	const struct bisect_git_step steps[] = {
		{.id = early, .verdict = BISECT_BAD, .why = "+1 %"},
		{.id = merged, .verdict = BISECT_GOOD, .why = "+0 %"},
		{.id = last, .verdict = BISECT_GOOD, .why = "+0 %"}};

	replay_steps(&range, steps, ARRAY_SIZE(steps), culprit);
}

TEST(git_replays_the_log)
{
	struct bisect_git_range range = {.tree = unit_dir, .good = "a1", .bad = "main"};

	replay(&range, "a6");
	replay(&range, "side~4");
	replay(&range, "main");
}

TEST(git_reverts_what_reverts)
{
	__cleanup_free char *commit_id = NULL;
	__cleanup_free char *parent = GIT_OUT("rev-parse", "main~1^{tree}");
	__cleanup_free char *before = GIT_OUT("status", "--porcelain");
	struct error err = {0};
	char *got = NULL, *spec, *tree;

	assert_int_equal(bisect_commit_revert(unit_dir, "main", "main", &got, &err), 0);
	assert_non_null(got);
	spec = xasprintf("%s^{tree}", got);
	tree = GIT_OUT("rev-parse", spec);
	assert_string_equal(tree, parent);
	free(tree);
	free(spec);
	/* made of nothing that moves, so that a resumed bisect makes the same one */
	tree = GIT_OUT("show", "-s", "--format=%an %at %cn %ct", got);
	assert_string_equal(tree, "nestlab 0 nestlab 0");
	free(tree);
	free(got);
	/* a 10 changed the line that a 12 changed again */
	assert_int_equal(bisect_commit_revert(unit_dir, "main", "main~2", &got, &err), 0);
	assert_null(got);
	assert_int_equal(bisect_commit_checked_out(unit_dir, &commit_id, &err), 0);
	spec = GIT_OUT("rev-parse", "HEAD");
	assert_string_equal(commit_id, spec);
	free(spec);
	assert_string_equal(before, "");
}

/* ---- delta debugging ---- */

struct set_judge {
	size_t n;
	const char *guilty; /* bad: all of these are in the set */
	const char *needs;  /* "A,B": with A but not B it cannot be judged; or NULL */
	int tests;
};

static bool includes(const bool *set, const char *members, size_t n)
{
	bool *wanted = xcalloc(n, sizeof(*wanted));
	bool all = true;

	bisect_set_parse(members, wanted, n, NULL);
	for (size_t i = 0; i < n; i++)
		all = all && (!wanted[i] || set[i]);
	free(wanted);
	return all;
}

static int judge_set(void *arg, const char *const *ids, size_t n, enum bisect_verdict *verdicts,
		     struct error *err)
{
	struct set_judge *j = arg;
	bool *set = xcalloc(j->n, sizeof(*set));

	for (size_t i = 0; i < n; i++) {
		j->tests++;
		assert_int_equal(bisect_set_parse(ids[i], set, j->n, err), 0);
		verdicts[i] = includes(set, j->guilty, j->n) ? BISECT_BAD : BISECT_GOOD;
		if (j->needs && set[strtol(j->needs, NULL, 10)] && !includes(set, j->needs, j->n))
			verdicts[i] = BISECT_SKIP;
	}
	free(set);
	return 0;
}

static void expect_guilty(size_t n, const char *guilty, const char *needs, const char *answer)
{
	for (size_t k = 1; k <= 4; k++) {
		struct set_judge j = {.n = n, .guilty = guilty, .needs = needs};
		struct bisect_tester tester = {.test = judge_set, .arg = &j};
		struct error err = {0};
		char *got;

		assert_int_equal(bisect_ddmin(n, k, &tester, &got, &err), 0);
		assert_string_equal(got, answer);
		free(got);
	}
}

TEST(ddmin_finds_the_guilty)
{
	for (int i = 0; i < 20; i++) {
		__cleanup_free char *one = xasprintf("%d", i);

		expect_guilty(20, one, NULL, one);
	}
	expect_guilty(20, "3,17", NULL, "3,17");
	expect_guilty(20, "0,1,2,19", NULL, "0,1,2,19");
	expect_guilty(1, "0", NULL, "0");
	expect_guilty(3, "0,1,2", NULL, "0,1,2");
}

TEST(ddmin_keeps_what_the_guilty_needs)
{
	expect_guilty(20, "4", "4,15", "4,15");
}

TEST(ddmin_is_quick_with_one)
{
	struct set_judge j = {.n = 20, .guilty = "13"};
	struct bisect_tester tester = {.test = judge_set, .arg = &j};
	char *got;

	assert_int_equal(bisect_ddmin(20, 1, &tester, &got, NULL), 0);
	assert_true(j.tests <= 10);
	free(got);
}

TEST(sets_are_parsed_strictly)
{
	static const char *const wrong[] = {"4", "-1", "0,", "a", "0 1", "0,,1", ",0"};
	bool set[4];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(bisect_set_parse(wrong[i], set, 4, NULL), -EINVAL);
	assert_int_equal(bisect_set_parse("", set, 4, NULL), 0);
	assert_int_equal(bisect_set_parse("1,3", set, 4, NULL), 0);
	assert_true(!set[0] && set[1] && !set[2] && set[3]);
}

/* ---- judging ---- */

static struct bisect_ratio ratio(double at, double half)
{
	return (struct bisect_ratio){.ratio = at, .low = at - half, .high = at + half};
}

static enum bisect_verdict verdict_at(double effect, double step, double half, double threshold)
{
	struct bisect_ends ends = {.ratio = effect};
	struct bisect_ratio good = ratio(step, half), bad = ratio(step / effect, half);
	struct bisect_position pos;

	assert_int_equal(bisect_find_border(effect, threshold, &ends.border, NULL), 0);
	pos = bisect_locate(&ends, &good, &bad);
	return bisect_find_side(&ends, &pos);
}

TEST(judge_takes_the_nearer_end)
{
	assert_int_equal(verdict_at(1.02, 1.001, 0.002, 0), BISECT_GOOD);
	assert_int_equal(verdict_at(1.02, 1.019, 0.002, 0), BISECT_BAD);
	assert_int_equal(verdict_at(1.02, 1.010, 0.002, 0), BISECT_UNTESTED);
	assert_int_equal(verdict_at(1.02, 1.019, 0.012, 0), BISECT_UNTESTED);
	assert_int_equal(verdict_at(0.90, 0.91, 0.01, 0), BISECT_BAD); /* an improvement */
	assert_int_equal(verdict_at(0.90, 0.99, 0.01, 0), BISECT_GOOD);
	assert_int_equal(verdict_at(1.10, 1.03, 0.005, 2), BISECT_BAD); /* past the threshold */
	assert_int_equal(verdict_at(1.10, 1.03, 0.005, 0), BISECT_GOOD);
	assert_int_equal(verdict_at(1.02, 1.019, NAN, 0), BISECT_UNTESTED);
}

TEST(a_threshold_must_lie_between)
{
	struct error err = {0};
	double border;

	assert_int_equal(bisect_find_border(1.02, 3, &border, &err), -ERANGE);
	assert_non_null(strstr(err.text, "+2.00 %"));
	assert_int_equal(bisect_find_border(0.5, 200, &border, &err), -ERANGE);
}

UNIT_MAIN("bisect", make_repo, unit_drop_dir)
