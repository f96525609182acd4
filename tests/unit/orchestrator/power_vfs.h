/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * power_vfs.h - SQLite's files on a disk whose power is cut: what was written since a file's last sync is there in part, sector by
 * sector as chance has it, or not at all. Between syncs writes go to the file as usual.
 *
 *	power_install();		the default VFS from here on
 *	power_on(writes);		the power goes after so many writes, truncations and syncs (0: never)
 *	... everything fails then ...
 *	power_lose(seed);		with all closed: files are as they are found when the power is back
 *
 * A file's name is there as soon as it was made, and gone as soon as it was removed.
 */
#ifndef TESTS_UNIT_POWER_VFS_H
#define TESTS_UNIT_POWER_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/splitmix.h"
#include "common/strbuf.h"

#define POWER_FILES  16
#define POWER_SECTOR 512

struct power_op { /* a write; or, without data, a truncation to @at */
	sqlite3_int64 at;
	char *data;
	int len;
};

struct power_node {
	char *path;
	struct strbuf safe; /* what is on the disk for sure */
	struct power_op *ops;
	size_t nops;
};

struct power_file {
	sqlite3_file base;
	struct power_node *node;
	sqlite3_file *real;
};

static struct {
	sqlite3_vfs vfs, *real;
	pthread_mutex_t lock;
	struct power_node nodes[POWER_FILES];
	size_t nnodes;
	long left; /* 0: for ever */
	bool off;
	bool lies; /* a disk that says that it has synced and has not */
} power = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct power_node *power_find(const char *path)
{
	for (size_t i = 0; i < power.nnodes; i++)
		if (!strcmp(power.nodes[i].path, path))
			return &power.nodes[i];
	if (power.nnodes == POWER_FILES)
		abort();
	power.nodes[power.nnodes] = (struct power_node){.path = xstrdup(path), .safe = STRBUF_INIT};
	return &power.nodes[power.nnodes++];
}

static void power_forget(struct power_node *n)
{
	for (size_t i = 0; i < n->nops; i++)
		free(n->ops[i].data);
	free(n->ops);
	n->ops = NULL;
	n->nops = 0;
}

/* Is there power for one more? */
static bool power_spend(void)
{
	if (!power.off && power.left && !--power.left)
		power.off = true;
	return !power.off;
}

static void power_put(struct strbuf *image, sqlite3_int64 at, const char *data, int len)
{
	while (image->len < (size_t)at + len)
		strbuf_addch(image, '\0');
	memcpy(image->buf + at, data, len);
}

static void power_cut_off(struct strbuf *image, sqlite3_int64 size)
{
	if (image->len > (size_t)size)
		image->len = size;
}

static void power_note(struct power_node *n, sqlite3_int64 at, const void *data, int len)
{
	struct power_op *op;

	n->ops = xrealloc(n->ops, n->nops + 1, sizeof(*n->ops));
	op = &n->ops[n->nops++];
	*op = (struct power_op){.at = at, .len = len};
	if (!data)
		return;
	op->data = xcalloc(len, 1);
	memcpy(op->data, data, len);
}

static void power_settle(struct power_node *n)
{
	for (size_t i = 0; i < n->nops; i++) {
		const struct power_op *op = &n->ops[i];

		if (op->data)
			power_put(&n->safe, op->at, op->data, op->len);
		else
			power_cut_off(&n->safe, op->at);
	}
	power_forget(n);
}

/* ---- files ---- */

#define POWER_REAL(f)		   ((struct power_file *)(f))->real
#define POWER_PASS(f, method, ...) POWER_REAL(f)->pMethods->method(POWER_REAL(f), ##__VA_ARGS__)

static int power_close(sqlite3_file *f)
{
	return POWER_PASS(f, xClose);
}

static int power_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	if (power.off)
		return SQLITE_IOERR_READ;
	return POWER_PASS(f, xRead, to, len, at);
}

static int power_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
	bool on;

	pthread_mutex_lock(&power.lock);
	on = power_spend();
	if (on)
		power_note(((struct power_file *)f)->node, at, data, len);
	pthread_mutex_unlock(&power.lock);
	if (!on)
		return SQLITE_IOERR_WRITE;
	return POWER_PASS(f, xWrite, data, len, at);
}

static int power_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	bool on;

	pthread_mutex_lock(&power.lock);
	on = power_spend();
	if (on)
		power_note(((struct power_file *)f)->node, size, NULL, 0);
	pthread_mutex_unlock(&power.lock);
	if (!on)
		return SQLITE_IOERR_TRUNCATE;
	return POWER_PASS(f, xTruncate, size);
}

static int power_sync(sqlite3_file *f, int flags)
{
	bool on;

	(void)flags;
	pthread_mutex_lock(&power.lock);
	on = power_spend();
	if (on && !power.lies)
		power_settle(((struct power_file *)f)->node);
	pthread_mutex_unlock(&power.lock);
	return on ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int power_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return POWER_PASS(f, xFileSize, size);
}

static int power_take_lock(sqlite3_file *f, int kind)
{
	return POWER_PASS(f, xLock, kind);
}

static int power_give_lock(sqlite3_file *f, int kind)
{
	return POWER_PASS(f, xUnlock, kind);
}

static int power_is_reserved(sqlite3_file *f, int *out)
{
	return POWER_PASS(f, xCheckReservedLock, out);
}

static int power_control(sqlite3_file *f, int op, void *arg)
{
	return POWER_PASS(f, xFileControl, op, arg);
}

static int power_sector(sqlite3_file *f)
{
	return POWER_PASS(f, xSectorSize);
}

static int power_traits(sqlite3_file *f)
{
	return POWER_PASS(f, xDeviceCharacteristics);
}

static int power_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return POWER_PASS(f, xShmMap, page, size, extend, out);
}

static int power_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return POWER_PASS(f, xShmLock, offset, n, flags);
}

static void power_shm_barrier(sqlite3_file *f)
{
	POWER_PASS(f, xShmBarrier);
}

static int power_shm_unmap(sqlite3_file *f, int remove)
{
	return POWER_PASS(f, xShmUnmap, remove);
}

static const sqlite3_io_methods power_methods = {
	.iVersion = 2,
	.xClose = power_close,
	.xRead = power_read,
	.xWrite = power_write,
	.xTruncate = power_truncate,
	.xSync = power_sync,
	.xFileSize = power_size,
	.xLock = power_take_lock,
	.xUnlock = power_give_lock,
	.xCheckReservedLock = power_is_reserved,
	.xFileControl = power_control,
	.xSectorSize = power_sector,
	.xDeviceCharacteristics = power_traits,
	.xShmMap = power_shm_map,
	.xShmLock = power_shm_lock,
	.xShmBarrier = power_shm_barrier,
	.xShmUnmap = power_shm_unmap,
};

/* ---- the VFS ---- */

static int power_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct power_file *p = (struct power_file *)f;
	int code;

	(void)vfs;
	p->real = (sqlite3_file *)(p + 1);
	p->base.pMethods = NULL;
	if (!path) /* a file for sorting: nobody looks for it afterwards */
		return power.real->xOpen(power.real, path, f, flags, out);
	if (power.off)
		return SQLITE_CANTOPEN;
	code = power.real->xOpen(power.real, path, p->real, flags, out);
	if (code != SQLITE_OK)
		return code;
	pthread_mutex_lock(&power.lock);
	p->node = power_find(path);
	pthread_mutex_unlock(&power.lock);
	p->base.pMethods = &power_methods;
	return SQLITE_OK;
}

static int power_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	(void)vfs;
	pthread_mutex_lock(&power.lock);
	if (power_spend()) {
		struct power_node *n = power_find(path);

		power_forget(n);
		strbuf_reset(&n->safe);
	}
	pthread_mutex_unlock(&power.lock);
	if (power.off)
		return SQLITE_IOERR_DELETE;
	return power.real->xDelete(power.real, path, sync);
}

static inline void power_install(void)
{
	power.real = sqlite3_vfs_find(NULL);
	power.vfs = *power.real;
	power.vfs.pNext = NULL;
	power.vfs.zName = "power";
	power.vfs.szOsFile = (int)sizeof(struct power_file) + power.real->szOsFile;
	power.vfs.xOpen = power_open;
	power.vfs.xDelete = power_delete;
	sqlite3_vfs_register(&power.vfs, 1);
}

static inline void power_on(long writes)
{
	power.off = false;
	power.left = writes;
}

/* ---- what is found ---- */

static void power_keep_some(struct power_node *n, uint64_t *seed)
{
	for (size_t i = 0; i < n->nops; i++) {
		const struct power_op *op = &n->ops[i];

		if (!op->data && (splitmix((*seed)++) & 1))
			power_cut_off(&n->safe, op->at);
		for (int at = 0; op->data && at < op->len; at += POWER_SECTOR) {
			int len = op->len - at < POWER_SECTOR ? op->len - at : POWER_SECTOR;

			if (splitmix((*seed)++) & 1)
				power_put(&n->safe, op->at + at, op->data + at, len);
		}
	}
}

static inline void power_lose(uint64_t seed)
{
	for (size_t i = 0; i < power.nnodes; i++) {
		struct power_node *n = &power.nodes[i];
		struct error err;

		power_keep_some(n, &seed);
		power_forget(n);
		if (!fs_exists(n->path))
			continue;
		if (fs_write_file(n->path, n->safe.buf, n->safe.len, &err))
			abort();
	}
}

/* Another folder: files of the last one are no more. */
static inline void power_reset(void)
{
	for (size_t i = 0; i < power.nnodes; i++) {
		power_forget(&power.nodes[i]);
		strbuf_release(&power.nodes[i].safe);
		free(power.nodes[i].path);
	}
	power.nnodes = 0;
}

#endif
