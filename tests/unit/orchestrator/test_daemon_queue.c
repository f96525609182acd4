// SPDX-License-Identifier: GPL-2.0-only
/* The queue of nestlabd: jobs, leases, results, in a database of their own; no server, no agent. */
#include <errno.h>

#include <json-c/json.h>

#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/intake/result.h"
#include "orchestrator/daemon/queue/tick.h"
#include "tests/unit/unit.h"

#define RUN                                                                                     \
	"{\"request\":\"run\",\"scenarios\":[\"quick\"],\"kernels\":[\"a\",\"b\"],\"boots\":2," \
	"\"host\":\"emulated\"}"
#define COMPARE "{\"request\":\"compare\",\"base\":\"a\",\"new\":\"b\"}"

static struct daemon_db *db;
static struct error err;
static struct json_object *none, *emulated;

static int open_queue(void **state)
{
	__cleanup_free char *path = NULL;

	unit_make_dir(state);
	path = unit_path("daemon.db");
	lease_policy = (struct lease_policy){
		.heartbeat_ms = 1000, .lease_ms = 30000, .tries = 3, .backoff_ms = 60000};
	none = json_object_new_array();
	emulated = json_tokener_parse("[\"emulated\"]");
	return daemon_db_open(path, &db, &err);
}

static int close_queue(void **state)
{
	struct strbuf report = STRBUF_INIT;
	int ret = daemon_db_check(db, &report, &err);

	if (ret)
		printf("# %s", report.buf);
	strbuf_release(&report);
	daemon_db_close(db);
	json_object_put(none);
	json_object_put(emulated);
	unit_drop_dir(state);
	return ret;
}

/* ---- shorthand ---- */

static struct job_order an_order(const char *request, const char *owner)
{
	return (struct job_order){.request = request, .owner = owner, .priority = 50};
}

static void submit(const struct job_order *o, char uid[DAEMON_TIME_MAX])
{
	bool again;

	if (job_submit(db, o, uid, &again, &err))
		fail_msg("%s", err.text);
}

/* The boot that a host gets, as "JOB.N", for the caller to free; NULL: none. */
static char *claim_at(const char *host, int64_t *epoch)
{
	struct host_news news = {host, NULL, "[]", "[\"emulated\"]"};
	struct lease_ask ask = {
		.agent = host, .host = host, .tags = none, .serves = emulated, .shared = true};
	struct lease_grant g = {0};
	char *boot;
	int ret = host_seen(db, &news, &err);

	if (!ret)
		ret = lease_claim(db, &ask, &g, &err);
	if (ret < 0)
		fail_msg("%s", err.text);
	*epoch = g.epoch;
	boot = xstrdup(g.boot);
	lease_grant_free(&g);
	return boot;
}

static char *text_of(const char *sql, const char *uid)
{
	sqlite3_stmt *s = database_query(db, sql, "t", uid);
	char *text = NULL;

	if (database_row(db, s, &err) == 1)
		text = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	return text;
}

static void assert_job(const char *uid, const char *state)
{
	__cleanup_free char *is = text_of("SELECT state FROM job WHERE uid = ?1", uid);

	assert_string_equal(is, state);
}

static void assert_boot(const char *uid, const char *state)
{
	__cleanup_free char *is = text_of("SELECT state FROM boot WHERE uid = ?1", uid);

	assert_string_equal(is, state);
}

static enum result_fate put(const char *boot, int64_t epoch, const char *body)
{
	struct result_news news = {.boot = boot,
				   .epoch = epoch,
				   .sha256 = body, /* good enough to tell bodies apart */
				   .body = body,
				   .len = strlen(body)};
	enum result_fate fate;

	if (result_put(db, &news, &fate, &err))
		fail_msg("%s", err.text);
	return fate;
}

/* As time goes by: all waits are over now. */
static void end_waits(void)
{
	database_change(db, &err, "UPDATE boot SET not_before = 1 WHERE not_before IS NOT NULL",
			"");
	assert_int_equal(tick_run(db, &err), 0);
}

/* ---- jobs ---- */

TEST(a_run_is_cut_into_its_boots_in_turn)
{
	struct job_order o = an_order(RUN, "ann");
	char uid[DAEMON_TIME_MAX];
	const char *kernels[] = {"a", "b", "b", "a"};

	submit(&o, uid);
	for (int i = 0; i < 4; i++) {
		int64_t epoch;
		__cleanup_free char *boot = claim_at("h1", &epoch);
		__cleanup_free char *kernel = text_of(
			"SELECT json_extract(request, '$.kernels[0]') FROM boot WHERE uid = ?1",
			boot);

		assert_string_equal(kernel, kernels[i]);
		assert_int_equal(epoch, 1);
	}
	assert_job(uid, "running");
}

TEST(the_same_key_again_is_the_same_job)
{
	struct job_order o = an_order(RUN, "ann");
	char first[DAEMON_TIME_MAX], second[DAEMON_TIME_MAX];
	bool again;

	o.idempotency = "ann/1";
	submit(&o, first);
	assert_int_equal(job_submit(db, &o, second, &again, &err), 0);
	assert_true(again);
	assert_string_equal(first, second);
	o.request = COMPARE;
	assert_int_equal(job_submit(db, &o, second, &again, &err), -EEXIST);
	assert_contains(err.text, first);
}

TEST(a_wrong_request_is_refused_as_on_the_command_line)
{
	struct job_order o = an_order("{\"request\":\"run\",\"scenarios\":[\"quick\"]}", "ann");
	char uid[DAEMON_TIME_MAX];
	bool again;

	assert_int_equal(job_submit(db, &o, uid, &again, &err), -EINVAL);
	assert_contains(err.text, "kernels");
}

TEST(a_held_job_gives_no_boots_until_it_is_released)
{
	struct job_order o = an_order(RUN, "ann");
	char uid[DAEMON_TIME_MAX];
	int64_t epoch;

	o.hold = true;
	submit(&o, uid);
	assert_null(claim_at("h1", &epoch));
	assert_int_equal(job_release(db, uid, "ann", &err), 0);
	free(claim_at("h1", &epoch));
	assert_int_equal(epoch, 1);
	assert_int_equal(job_hold(db, uid, "ann", &err), -EEXIST); /* it runs */
	assert_contains(err.text, "running");
}

TEST(a_job_that_is_cancelled_while_its_result_waits_is_not_tried_again)
{
	struct job_order o = an_order(RUN, "ann");
	char uid[DAEMON_TIME_MAX];
	int64_t epoch, again;
	__cleanup_free char *boot = NULL;

	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(put(boot, epoch, "damaged"), RESULT_NEW);
	assert_int_equal(job_cancel(db, uid, "ann", &err), 0);
	assert_int_equal(lease_reject(db, boot, epoch, "infrastructure", "damaged", &err), 0);
	assert_boot(boot, "cancelled");
	end_waits();
	assert_null(claim_at("h1", &again));
	assert_job(uid, "cancelled");
}

TEST(a_cancel_takes_the_lease_away)
{
	struct job_order o = an_order(RUN, "ann");
	char uid[DAEMON_TIME_MAX];
	int64_t epoch;
	__cleanup_free char *boot = NULL;

	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(lease_renew(db, boot, epoch, NULL, &err), 0);
	assert_int_equal(job_cancel(db, uid, "ann", &err), 0);
	assert_job(uid, "cancelled");
	assert_int_equal(lease_renew(db, boot, epoch, NULL, &err), -ESTALE);
	assert_int_equal(put(boot, epoch, "late"), RESULT_DUPLICATE);
	assert_int_equal(job_cancel(db, uid, "ann", &err), -EEXIST);
}

TEST(a_job_waits_for_another_and_goes_down_with_it)
{
	struct job_order o = an_order(RUN, "ann"), report = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX], second[DAEMON_TIME_MAX], third[DAEMON_TIME_MAX];

	submit(&o, uid);
	report.after = uid;
	submit(&report, second);
	report.after = second;
	submit(&report, third);
	assert_job(second, "waiting");
	assert_int_equal(job_cancel(db, uid, "ann", &err), 0);
	assert_job(second, "cancelled");
	assert_job(third, "cancelled");
}

TEST(a_deadline_ends_a_job)
{
	struct job_order o = an_order(RUN, "ann");
	char uid[DAEMON_TIME_MAX];
	int64_t due;

	o.deadline_ms = 60000;
	submit(&o, uid);
	assert_int_equal(tick_next(db, &due, &err), 0);
	assert_in_range(due - database_now(), 50000, 60000);
	database_change(db, &err, "UPDATE job SET deadline = 1", "");
	assert_int_equal(tick_run(db, &err), 0);
	assert_job(uid, "failed");
}

/* ---- order ---- */

TEST(priority_goes_before_age_and_use_before_age)
{
	struct job_order o = an_order(COMPARE, "ann"), urgent = an_order(COMPARE, "ann"),
			 other = an_order(COMPARE, "bob");
	char first[DAEMON_TIME_MAX], second[DAEMON_TIME_MAX], third[DAEMON_TIME_MAX];
	__cleanup_free char *one = NULL, *two = NULL, *three = NULL;
	int64_t epoch;

	urgent.priority = 60;
	submit(&o, first);
	submit(&urgent, second);
	submit(&other, third);
	database_change(db, &err, "INSERT INTO usage (owner, seconds, at) VALUES ('ann', 100, ?1)",
			"i", database_now());
	one = claim_at("h1", &epoch);
	two = claim_at("h1", &epoch);
	three = claim_at("h1", &epoch);
	assert_contains(one, second);
	assert_contains(two, third); /* bob has used nothing yet */
	assert_contains(three, first);
}

TEST(nights_get_their_share_whatever_the_priority)
{
	struct job_order o = an_order(COMPARE, "ann"), night = an_order(COMPARE, "night");
	char uid[DAEMON_TIME_MAX], nights[DAEMON_TIME_MAX];
	int got = 0;

	o.priority = 100;
	night.priority = 0;
	night.schedule = "kvm-next";
	for (int i = 0; i < 12; i++)
		submit(&o, uid);
	for (int i = 0; i < 4; i++)
		submit(&night, nights);
	for (int i = 0; i < 8; i++) {
		int64_t epoch;
		__cleanup_free char *boot = claim_at("h1", &epoch);
		__cleanup_free char *schedule = text_of(
			"SELECT schedule FROM job j JOIN boot b ON b.job = j.id WHERE b.uid = ?1",
			boot);

		got += schedule != NULL;
	}
	assert_int_equal(got, 2); /* one of four */
}

TEST(a_host_gets_only_what_it_serves)
{
	struct job_order o = an_order(RUN, "ann");
	struct lease_ask ask = {.agent = "h1", .host = "h1", .tags = none, .serves = none};
	struct host_news news = {"h1", NULL, "[]", "[]"};
	struct lease_grant g = {0};
	char uid[DAEMON_TIME_MAX];
	int64_t epoch;

	o.tags = "[\"icelake\"]";
	submit(&o, uid);
	host_seen(db, &news, &err);
	assert_int_equal(lease_claim(db, &ask, &g, &err), 0); /* neither host file nor tag */
	ask.serves = emulated;
	assert_int_equal(lease_claim(db, &ask, &g, &err), 0); /* no tag */
	ask.tags = json_tokener_parse("[\"big\", \"icelake\"]");
	assert_int_equal(lease_claim(db, &ask, &g, &err), 1);
	lease_grant_free(&g);
	assert_int_equal(host_set_state(db, "h1", "draining", NULL, NULL, "op", &err), 0);
	assert_int_equal(lease_claim(db, &ask, &g, &err), 0);
	assert_int_equal(host_set_state(db, "h1", "reserved", "ann", NULL, "op", &err), 0);
	assert_int_equal(lease_claim(db, &ask, &g, &err), 1);
	lease_grant_free(&g);
	json_object_put(ask.tags);
	(void)epoch;
}

/* ---- failures ---- */

TEST(infrastructure_is_tried_again_later_and_elsewhere)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL, *other = NULL;
	int64_t epoch;

	submit(&o, uid);
	free(claim_at("h2", &epoch)); /* so that h2 is there */
	assert_int_equal(job_cancel(db, uid, "ann", &err), 0);
	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(lease_renew(db, boot, epoch, NULL, &err), 0);
	assert_int_equal(lease_fail(db, boot, epoch, "failed", "infrastructure", "no disk", &err),
			 0);
	assert_boot(boot, "waiting");
	assert_null(claim_at("h2", &epoch)); /* not yet */
	end_waits();
	assert_null(claim_at("h1", &epoch)); /* not there again */
	other = claim_at("h2", &epoch);
	assert_string_equal(other, boot);
	assert_int_equal(epoch, 2);
}

TEST(three_hosts_are_enough_for_a_boot)
{
	struct job_order o = an_order(COMPARE, "ann");
	const char *hosts[] = {"h1", "h2", "h3"};
	char uid[DAEMON_TIME_MAX];
	int64_t epoch;

	lease_policy.tries = 100;
	submit(&o, uid);
	for (int i = 0; i < 3; i++) {
		__cleanup_free char *boot = claim_at(hosts[i], &epoch);

		assert_int_equal(
			lease_fail(db, boot, epoch, "failed", "infrastructure", "dead", &err), 0);
		end_waits();
	}
	assert_job(uid, "failed");
	assert_int_equal(job_retry(db, uid, "ann", &err), -EPERM);
}

TEST(a_failed_job_can_be_retried)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL;
	int64_t epoch;

	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(lease_fail(db, boot, epoch, "failed", "job", "no such kernel", &err), 0);
	assert_job(uid, "failed");
	assert_int_equal(job_retry(db, uid, "ann", &err), 0);
	free(claim_at("h1", &epoch));
	assert_int_equal(epoch, 2);
}

TEST(a_host_with_three_failures_in_a_row_is_quarantined)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *state = NULL;
	int64_t epoch;

	for (int i = 0; i < 3; i++) {
		__cleanup_free char *boot = NULL;

		submit(&o, uid);
		boot = claim_at("h1", &epoch);
		assert_int_equal(lease_fail(db, boot, epoch, "failed", "infrastructure", "x", &err),
				 0);
	}
	state = text_of("SELECT state FROM host WHERE name = ?1", "h1");
	assert_string_equal(state, "quarantined");
	submit(&o, uid);
	assert_null(claim_at("h1", &epoch));
}

TEST(a_lease_expires_and_counts_only_if_it_was_taken_up)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL, *tries = NULL;
	int64_t epoch;

	lease_policy.lease_ms = 0;
	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(tick_run(db, &err), 0);
	assert_boot(boot, "queued");
	free(claim_at("h1", &epoch));
	assert_int_equal(epoch, 2);
	assert_int_equal(lease_renew(db, boot, 1, NULL, &err), -ESTALE);
	assert_int_equal(lease_renew(db, boot, 2, NULL, &err), 0);
	assert_int_equal(tick_run(db, &err), 0);
	assert_boot(boot, "waiting");
	tries = text_of("SELECT tries FROM boot WHERE uid = ?1", boot);
	assert_string_equal(tries, "1");
}

/* ---- results ---- */

TEST(a_result_counts_once)
{
	struct job_order o = an_order(COMPARE, "ann");
	struct result_news other = {.epoch = 1, .sha256 = "other", .body = "other", .len = 5};
	enum result_fate fate;
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL;
	int64_t epoch;

	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(put(boot, epoch, "one"), RESULT_NEW);
	assert_int_equal(put(boot, epoch, "one"), RESULT_AGAIN);
	assert_boot(boot, "received");
	other.boot = boot;
	assert_int_equal(result_put(db, &other, &fate, &err), -EEXIST);
	other.epoch = 2;
	assert_int_equal(result_put(db, &other, &fate, &err), -ENOENT);
}

TEST(a_late_result_counts_unless_another_attempt_was_begun)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL, *second = NULL;
	int64_t epoch;

	lease_policy.lease_ms = 0;
	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	assert_int_equal(tick_run(db, &err), 0);
	assert_int_equal(put(boot, 1, "slow"), RESULT_NEW); /* nobody else has it */
	submit(&o, uid);
	second = claim_at("h1", &epoch);
	assert_int_equal(tick_run(db, &err), 0);
	free(claim_at("h2", &epoch));
	assert_int_equal(epoch, 2);
	assert_int_equal(put(second, 1, "slow"), RESULT_DUPLICATE);
	assert_int_equal(put(second, 1, "slow"), RESULT_DUPLICATE);
	assert_int_equal(put(second, 2, "quick"), RESULT_NEW);
}

/* ---- the file ---- */

TEST(moments_are_shifted_on_another_boot_of_the_machine)
{
	struct job_order o = an_order(COMPARE, "ann");
	char uid[DAEMON_TIME_MAX];
	__cleanup_free char *boot = NULL, *path = unit_path("daemon.db");
	int64_t epoch, expires;

	submit(&o, uid);
	boot = claim_at("h1", &epoch);
	database_change(db, &err, "UPDATE boot SET expires = 1000100", "");
	database_change(db, &err, "UPDATE meta SET value = 1000000 WHERE key = 'seen'", "");
	database_change(db, &err, "UPDATE meta SET value = 'other' WHERE key = 'boot_id'", "");
	daemon_db_close(db);
	assert_int_equal(daemon_db_open(path, &db, &err), 0);
	database_number(db, 0, &expires, &err, "SELECT expires FROM boot", "");
	assert_in_range(expires - database_now() + 5000, 0, 5100); /* 100 ms from then on */
}

TEST(a_newer_file_is_refused)
{
	__cleanup_free char *path = unit_path("daemon.db");
	struct daemon_db *second;

	database_execute(db, "PRAGMA user_version = 1000", &err);
	assert_int_equal(daemon_db_open(path, &second, &err), -EINVAL);
	assert_contains(err.text, "newer");
	database_execute(db, "PRAGMA user_version = 1", &err);
}

UNIT_MAIN_EACH("daemon_queue", open_queue, close_queue)
