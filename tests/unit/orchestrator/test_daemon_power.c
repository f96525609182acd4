// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power is cut while clients submit, take boots and bring results (power_vfs.h): what was answered is there when it is back,
 * once, and no attempt's number is given twice.
 */
#include <errno.h>
#include <pthread.h>

#include <json-c/json.h>

#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/job.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/intake/result.h"
#include "orchestrator/daemon/storage/writer.h"
#include "tests/unit/orchestrator/power_vfs.h"
#include "tests/unit/unit.h"

#define RUN                                                                                     \
	"{\"request\":\"run\",\"scenarios\":[\"quick\"],\"kernels\":[\"a\",\"b\"],\"boots\":1," \
	"\"host\":\"emulated\"}"
#define ROUNDS	40 /* POWER_ROUNDS in the environment: more */
#define CLIENTS 3
#define STEPS	6    /* jobs of a client */
#define WRITES	1200 /* of a whole round, about */
#define TOLD	256
#define UID_MAX 64

/* What somebody was told: a job (epoch 0); a lease; a result. */
struct told {
	char name[UID_MAX];
	int64_t epoch;
	bool result;
};

static struct {
	struct writer *writer;
	pthread_mutex_t lock;
	struct told told[TOLD];
	size_t count;
} lab = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(const char *name, int64_t epoch, bool result)
{
	struct told *t;

	pthread_mutex_lock(&lab.lock);
	if (lab.count == TOLD)
		abort();
	t = &lab.told[lab.count++];
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->epoch = epoch;
	t->result = result;
	pthread_mutex_unlock(&lab.lock);
}

/* ---- clients ---- */

struct client {
	char job[DAEMON_TIME_MAX];
	char boot[UID_MAX];
	int64_t epoch;
	char host[16];
};

static int act_submit(struct daemon_db *db, void *arg, struct error *err)
{
	struct client *c = arg;
	const struct job_order o = {.request = RUN, .owner = "ann", .priority = 50};
	bool again;

	return job_submit(db, &o, c->job, &again, err);
}

static int act_claim(struct daemon_db *db, void *arg, struct error *err)
{
	struct client *c = arg;
	struct host_news news = {c->host, NULL, "[]", "[\"emulated\"]"};
	struct json_object *none = json_object_new_array();
	struct json_object *serves = json_tokener_parse("[\"emulated\"]");
	struct lease_ask ask = {.agent = c->host, .host = c->host, .tags = none, .serves = serves};
	struct lease_grant g = {0};
	int ret = host_seen(db, &news, err);

	if (!ret)
		ret = lease_claim(db, &ask, &g, err);
	if (ret == 1) {
		snprintf(c->boot, sizeof(c->boot), "%s", g.boot);
		c->epoch = g.epoch;
		lease_grant_free(&g);
		ret = 0;
	} else if (!ret) {
		ret = -EAGAIN;
	}
	json_object_put(none);
	json_object_put(serves);
	return ret;
}

static int act_put(struct daemon_db *db, void *arg, struct error *err)
{
	static char body[8000];
	struct client *c = arg;
	struct result_news news = {.boot = c->boot,
				   .epoch = c->epoch,
				   .sha256 = "one",
				   .body = body,
				   .len = sizeof(body)};
	enum result_fate fate;

	return result_put(db, &news, &fate, err);
}

static bool go_through(struct client *c)
{
	struct error err;

	if (writer_do(lab.writer, act_submit, c, &err))
		return false;
	note(c->job, 0, false);
	for (int i = 0; i < 2; i++) {
		if (writer_do(lab.writer, act_claim, c, &err))
			return false;
		note(c->boot, c->epoch, false);
		if (writer_do(lab.writer, act_put, c, &err))
			return false;
		note(c->boot, c->epoch, true);
	}
	return true;
}

static void *be_client(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < STEPS && go_through(c); i++)
		;
	return NULL;
}

static void run_clients(struct daemon_db *db)
{
	pthread_t threads[CLIENTS];
	struct client clients[CLIENTS];
	struct error err;

	assert_int_equal(writer_start(db, NULL, NULL, &lab.writer, &err), 0);
	for (int i = 0; i < CLIENTS; i++) {
		snprintf(clients[i].host, sizeof(clients[i].host), "h%d", i);
		assert_int_equal(pthread_create(&threads[i], NULL, be_client, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	writer_stop(lab.writer);
}

/* ---- afterwards ---- */

static bool is_there(struct daemon_db *db, const struct told *t)
{
	struct error err;
	int64_t n = 0;
	int ret;

	if (t->result)
		ret = database_number(
			db, 0, &n, &err,
			"SELECT count(*) FROM inbox i JOIN boot b ON b.id = i.boot WHERE b.uid = ?1 AND "
			"i.epoch = ?2 AND i.sha256 = 'one' AND length(i.body) = 8000 AND b.state = 'received'",
			"ti", t->name, t->epoch);
	else if (t->epoch)
		ret = database_number(
			db, 0, &n, &err,
			"SELECT count(*) FROM attempt a JOIN boot b ON b.id = a.boot WHERE b.uid = ?1 AND "
			"a.epoch = ?2 AND b.epoch >= ?2",
			"ti", t->name, t->epoch);
	else
		ret = database_number(db, 0, &n, &err, "SELECT count(*) FROM job WHERE uid = ?1",
				      "t", t->name);
	return !ret && n == 1;
}

/* How many of what was told are not there. */
static size_t count_lost(struct daemon_db *db)
{
	size_t lost = 0;

	for (size_t i = 0; i < lab.count; i++)
		lost += !is_there(db, &lab.told[i]);
	return lost;
}

static size_t count_given_twice(void)
{
	size_t twice = 0;

	for (size_t i = 0; i < lab.count; i++)
		for (size_t k = 0; k < i; k++)
			twice += lab.told[i].epoch && lab.told[i].epoch == lab.told[k].epoch &&
				 lab.told[i].result == lab.told[k].result &&
				 !strcmp(lab.told[i].name, lab.told[k].name);
	return twice;
}

/* -1: the file is damaged. Else what was lost. */
static int look(const char *path)
{
	struct strbuf report = STRBUF_INIT;
	struct daemon_db *db;
	struct error err;
	int lost = -1;

	if (!daemon_db_open(path, &db, &err)) {
		if (!daemon_db_check(db, &report, &err))
			lost = (int)count_lost(db);
		run_clients(db); /* life goes on */
		daemon_db_close(db);
	}
	strbuf_release(&report);
	return lost;
}

static int cut_once(int round)
{
	__cleanup_free char *folder = xasprintf("%s/%d", unit_dir, round);
	__cleanup_free char *path = xasprintf("%s/daemon.db", folder);
	__cleanup_free char *shm = xasprintf("%s-shm", path);
	uint64_t seed = round;
	struct daemon_db *db;
	struct error err;
	int lost;

	lab.count = 0;
	assert_int_equal(fs_mkdir_p(folder, &err), 0);
	power_on(1 + (long)(splitmix(seed) % WRITES));
	if (!daemon_db_open(path, &db, &err)) {
		run_clients(db);
		daemon_db_close(db);
	}
	power_lose(seed);
	unlink(shm);
	power_on(0);
	lost = look(path);
	power_reset();
	fs_remove_tree(folder, &err);
	return lost;
}

TEST(what_was_answered_survives_a_power_cut)
{
	const char *wanted = getenv("POWER_ROUNDS");
	int rounds = wanted ? atoi(wanted) : ROUNDS;
	size_t told = 0;

	for (int round = 0; round < rounds; round++) {
		int lost = cut_once(round);

		if (lost)
			fail_msg("round %d: %d of what was answered is lost", round, lost);
		assert_int_equal(count_given_twice(), 0);
		told += lab.count;
	}
	printf("# %d cuts, %zu answers\n", rounds, told);
}

/* The test itself: does it see what such a disk loses? */
TEST(a_disk_that_lies_loses_answers)
{
	int bad = 0;

	power.lies = true;
	for (int round = 0; round < 10; round++)
		bad += cut_once(round) != 0;
	power.lies = false;
	assert_true(bad > 5);
}

static int set_up(void **state)
{
	power_install();
	return unit_make_dir(state);
}

UNIT_MAIN("daemon_power", set_up, unit_drop_dir)
