// SPDX-License-Identifier: GPL-2.0-only
/* nestlabd's readers: what reads for long holds nobody up, sees one state, and ends. */
#include <errno.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/slice.h"
#include "orchestrator/daemon/http/metrics.h"
#include "orchestrator/daemon/http/readers.h"
#include "orchestrator/daemon/http/server.h"
#include "orchestrator/daemon/http/sockets.h"
#include "orchestrator/daemon/storage/writer.h"
#include "results/store/store.h"
#include "tests/unit/unit.h"

static struct error err;
static struct daemon_db *db;
static struct readers *readers;

/* ---- works ---- */

struct told {
	struct readers_work work;
	sem_t begun, go, over;
	int64_t before, after;
	int ret;
};

static int count_meta(struct daemon_db *d, int64_t *n, struct error *e)
{
	return database_number(d, 0, n, e, "SELECT count(*) FROM meta WHERE key LIKE 'test%'", "");
}

static int act(struct daemon_db *d, struct readers_work *work, struct error *e)
{
	struct told *t = (struct told *)work;
	int ret = count_meta(d, &t->before, e);

	sem_post(&t->begun);
	sem_wait(&t->go);
	if (!ret)
		ret = count_meta(d, &t->after, e);
	return ret;
}

/* Leaves a statement in the middle, as a handler does that has seen enough. */
static int act_for_ever(struct daemon_db *d, struct readers_work *work, struct error *e)
{
	int64_t n;

	(void)work;
	database_row(d, database_query(d, "SELECT key FROM meta", ""), e);
	return database_number(d, 0, &n, e,
			       "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
			       "SELECT count(*) FROM c",
			       "");
}

static void done(struct readers_work *work, int ret, const struct error *e)
{
	struct told *t = (struct told *)work;

	(void)e;
	t->ret = ret;
	sem_post(&t->over);
}

static void submit(struct told *t, bool is_page)
{
	*t = (struct told){.work = {.is_page = is_page, .act = act, .done = done}};
	sem_init(&t->begun, 0, 0);
	sem_init(&t->go, 0, 0);
	sem_init(&t->over, 0, 0);
	assert_int_equal(readers_submit(readers, &t->work), 0);
}

static void finish(struct told *t)
{
	sem_post(&t->go);
	sem_wait(&t->over);
}

static void begin(double seconds)
{
	__cleanup_free char *path = unit_path("daemon.db");

	assert_int_equal(daemon_db_open(path, &db, &err), 0);
	assert_int_equal(readers_start(path, seconds, &readers, &err), 0);
}

static void end(void)
{
	readers_stop(readers);
	readers_free(readers);
	daemon_db_close(db);
}

static void write_row(void)
{
	assert_true(database_change(
			    db, &err,
			    "INSERT INTO meta (key, value) SELECT 'test' || count(*), 1 FROM meta",
			    "") > 0);
}

TEST(the_writer_goes_on_and_a_reader_sees_one_state)
{
	struct told one, two;

	begin(0);
	submit(&one, true);
	sem_wait(&one.begun);
	write_row(); /* not -EBUSY, and at once */
	submit(&two, true);
	sem_wait(&two.begun);
	finish(&one);
	finish(&two);
	assert_int_equal(one.ret, 0);
	assert_int_equal(one.after, one.before);
	assert_int_equal(two.before, one.before + 1);
	end();
}

TEST(pages_leave_a_thread_for_programs)
{
	struct told pages[READERS], program;

	begin(0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		submit(&pages[i], true);
	for (size_t i = 0; i < READERS_PAGES; i++)
		sem_wait(&pages[i].begun);
	submit(&program, false);
	sem_wait(&program.begun); /* though a page waited before it */
	assert_int_equal(sem_trywait(&pages[READERS_PAGES].begun), -1);
	finish(&program);
	finish(&pages[0]);
	sem_wait(&pages[READERS_PAGES].begun);
	for (size_t i = 1; i < ARRAY_SIZE(pages); i++)
		finish(&pages[i]);
	end();
}

TEST(what_reads_for_too_long_ends)
{
	struct told t = {.work = {.act = act_for_ever, .done = done}}, next[READERS];
	int64_t kept;

	begin(0.05);
	sem_init(&t.over, 0, 0);
	assert_int_equal(readers_submit(readers, &t.work), 0);
	sem_wait(&t.over);
	assert_int_equal(t.ret, -ETIMEDOUT);
	/* and its snapshot with it: the log can be brought into the file whole */
	write_row();
	assert_int_equal(database_number(db, 1, &kept, &err, "PRAGMA wal_checkpoint(TRUNCATE)", ""),
			 0);
	assert_int_equal(kept, 0);
	for (size_t i = 0; i < READERS; i++)
		submit(&next[i], false);
	for (size_t i = 0; i < READERS; i++) {
		finish(&next[i]);
		assert_int_equal(next[i].ret, 0);
	}
	end();
}

TEST(at_the_end_what_waits_is_given_back)
{
	struct told work[READERS], late = {.work = {.act = act, .done = done}};

	begin(0);
	for (size_t i = 0; i < READERS; i++)
		submit(&work[i], false);
	for (size_t i = 0; i < READERS; i++)
		sem_post(&work[i].go);
	readers_stop(readers);
	for (size_t i = 0; i < READERS; i++)
		sem_wait(&work[i].over);
	assert_int_equal(readers_submit(readers, &late.work), -ECANCELED);
	end();
}

/* ---- a server with a page that waits ---- */

static int ask(const char *path, const char *method, const char *target, const char *body)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	dprintf(fd,
		"%s %s HTTP/1.1\r\nHost: nestlabd\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, target, strlen(body), body);
	return fd;
}

/* The answer's status. */
static int await(int fd)
{
	char head[64] = "";
	int status = 0;

	assert_true(recv(fd, head, sizeof(head) - 1, MSG_WAITALL) > 0);
	sscanf(head, "HTTP/1.1 %d", &status);
	close(fd);
	return status;
}

/* Nobody else can read the results while it is there. */
static sqlite3 *lock_results(const char *path)
{
	struct results_db *results;
	sqlite3 *sql;

	assert_int_equal(results_open(path, true, &results, &err), 0);
	results_close(results);
	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(
			sql,
			"PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (a); "
			"COMMIT; BEGIN EXCLUSIVE",
			NULL, NULL, NULL),
		SQLITE_OK);
	return sql;
}

TEST(a_page_that_waits_keeps_no_agent_from_its_lease)
{
	__cleanup_free char *queue = unit_path("daemon.db"), *path = unit_path("socket");
	__cleanup_free char *results = unit_path("nestlab.db");
	struct server_setting set = {.connections_max = 16};
	sqlite3 *lock = lock_results(results);
	struct server *server;
	char byte;
	int fd, page, more;

	assert_int_equal(daemon_db_open(queue, &db, &err), 0);
	set.service = (struct service){
		.state = unit_dir, .queue = queue, .results = results, .counters = counters_new()};
	assert_int_equal(writer_start(db, NULL, NULL, &set.writer, &err), 0);
	assert_int_equal(server_new(&set, &server, &err), 0);
	assert_int_equal(socket_listen_unix(path, &fd, &err), 0);
	assert_int_equal(server_listen(server, LISTEN_UNIX, fd, &err), 0);
	page = ask(path, "GET", "/comparison?base=a&new=b", "");
	more = ask(path, "GET", "/comparison?base=b&new=a", "");
	assert_int_equal(await(ask(path, "POST", "/v1/leases",
				   "{\"agent\":\"a\",\"host\":\"h\",\"serves\":[]}")),
			 204);
	assert_int_equal(await(ask(path, "GET", "/v1/jobs", "")), 200);
	assert_int_equal(await(ask(path, "GET", "/healthz", "")), 200);
	assert_int_equal(recv(page, &byte, 1, MSG_DONTWAIT), -1); /* they wait still */
	assert_int_equal(recv(more, &byte, 1, MSG_DONTWAIT), -1);
	sqlite3_close(lock);
	assert_int_equal(await(page), 404); /* there are no such kernels */
	assert_int_equal(await(more), 404);
	server_stop(server);
	writer_stop(set.writer);
	server_free(server);
	daemon_db_close(db);
	counters_free(set.service.counters);
}

/* ---- slices ---- */

/* ns; 0: this Linux has none to tell of (before 6.12) */
static uint64_t slice_now(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {0};

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) || attr.policy)
		return 0;
	return attr.runtime;
}

TEST(a_short_slice_can_be_asked_for)
{
	uint64_t before = slice_now();

	if (!before)
		skip();
	slice_shorten();
	assert_true(slice_now() < before);
	slice_restore();
	assert_int_equal(slice_now(), before);
}

UNIT_MAIN_EACH("daemon_readers", unit_make_dir, unit_drop_dir)
