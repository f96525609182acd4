// SPDX-License-Identifier: GPL-2.0-only
/* The writer of nestlabd's queue when SQLite gives a transaction up, and sockets that are there already. */
#include <errno.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fs.h"
#include "orchestrator/daemon/http/sockets.h"
#include "orchestrator/daemon/storage/writer.h"
#include "tests/unit/unit.h"

static struct daemon_db *db;
static struct error err;
static sem_t begun, go, over;

struct told {
	struct writer_work work;
	size_t bytes; /* to be written; 0: waits for go */
	int ret;
};

static int act(struct daemon_db *d, struct writer_work *work, struct error *e)
{
	const struct told *t = (struct told *)work;
	int ret;

	if (!t->bytes) {
		sem_post(&begun);
		return sem_wait(&go);
	}
	ret = database_change(d, e, "INSERT INTO meta (key, value) VALUES (?1, zeroblob(?1))", "i",
			      (int64_t)t->bytes);
	if (ret < 0)
		return ret;
	return 0;
}

static void done(struct writer_work *work, int ret, const struct error *e)
{
	struct told *t = (struct told *)work;

	(void)e;
	t->ret = ret;
	sem_post(&over);
}

TEST(a_full_disk_undoes_the_whole_group_and_says_so_to_each)
{
	__cleanup_free char *path = unit_path("daemon.db");
	struct told wait = {.work = {.act = act, .done = done}};
	struct told works[3] = {{.bytes = 10}, {.bytes = 1 << 20}, {.bytes = 20}};
	struct writer *w;
	int64_t rows;

	sem_init(&begun, 0, 0);
	sem_init(&go, 0, 0);
	sem_init(&over, 0, 0);
	assert_int_equal(daemon_db_open(path, &db, &err), 0);
	assert_int_equal(database_execute(db, "PRAGMA max_page_count = 60", &err), 0);
	assert_int_equal(writer_start(db, NULL, NULL, &w, &err), 0);
	assert_int_equal(writer_submit(w, &wait.work), 0);
	sem_wait(&begun); /* the others are the next group */
	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		works[i].work = (struct writer_work){.act = act, .done = done};
		assert_int_equal(writer_submit(w, &works[i].work), 0);
	}
	sem_post(&go);
	for (size_t i = 0; i < 1 + ARRAY_SIZE(works); i++)
		sem_wait(&over);
	writer_stop(w);
	assert_int_equal(wait.ret, 0);
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		assert_int_equal(works[i].ret, -ENOSPC);
	assert_int_equal(database_number(db, 0, &rows, &err,
					 "SELECT count(*) FROM meta WHERE key < 'a'", ""),
			 0);
	assert_int_equal(rows, 0);
	daemon_db_close(db);
}

TEST(what_is_no_socket_is_not_removed)
{
	__cleanup_free char *path = unit_path("precious");
	int fd;

	assert_int_equal(fs_write_file(path, "x", 1, &err), 0);
	assert_int_equal(socket_listen_unix(path, &fd, &err), -EEXIST);
	assert_contains(err.text, "--socket");
	assert_true(fs_exists(path));
}

TEST(a_socket_that_answers_is_not_taken_and_one_left_behind_is)
{
	__cleanup_free char *path = unit_path("sock");
	int fd, second;

	assert_int_equal(socket_listen_unix(path, &fd, &err), 0);
	assert_int_equal(socket_listen_unix(path, &second, &err), -EADDRINUSE);
	assert_contains(err.text, "listens there");
	close(fd);
	assert_int_equal(socket_listen_unix(path, &fd, &err), 0);
	close(fd);
}

UNIT_MAIN("daemon_writer", unit_make_dir, unit_drop_dir)
