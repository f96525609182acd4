// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/loop.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"

/* After a look at the files they are left alone for so many seconds: an emulator writes its serial
 * line byte by byte, and each byte is an event. Only the progress line waits for it: the end of a boot
 * comes by the driver's wake_fd, and then everything is read. */
#define FILES_REST 0.2

#define BLIND_POLL 0.2 /* seconds between looks at a boot that nothing announces */

/* What epoll says with an event: one of these, or from FIRST_BOOT on the number of a boot. Not a
 * pointer: a descriptor that its driver has closed may still send an event, if a child that is just
 * being started holds it. */
enum { FROM_FILES, FROM_WAKE, FROM_CANCEL, FIRST_BOOT };

/* A boot in the loop. */
struct driven {
	struct boot *boot;
	uint64_t number;
	int watch;   /* inotify's, of its run directory; -1: none */
	int wake_fd; /* as epoll has it; -1: none */
	bool blind;  /* the system would not watch one of the two */
	unsigned int news;
	bool fresh; /* never looked at */
};

struct boot_loop {
	int epoll, wake, files; /* files: inotify, or -1 */
	struct driven *driven;	/* in the order they were added */
	size_t n;
	uint64_t next_number;
	bool woken;
	double files_rest_until; /* 0: the files are watched */
};

static int watch_fd(struct boot_loop *l, int fd, uint64_t from)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = from};

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e))
		return -errno;
	return 0;
}

static int open_sources(struct boot_loop *l)
{
	int ret;

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return -errno;
	ret = watch_fd(l, l->wake, FROM_WAKE);
	if (ret)
		return ret;
	if (cancel_fd() >= 0) {
		ret = watch_fd(l, cancel_fd(), FROM_CANCEL);
		if (ret)
			return ret;
	}
	l->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->files < 0)
		return 0;
	return watch_fd(l, l->files, FROM_FILES);
}

int boot_loop_new(struct boot_loop **loop, struct error *err)
{
	struct boot_loop *l = xcalloc(1, sizeof(*l));
	int ret;

	l->epoll = l->wake = l->files = -1;
	l->next_number = FIRST_BOOT;
	ret = open_sources(l);
	if (ret) {
		boot_loop_free(l);
		return error_set(err, ret, "cannot wait for boots: %s", strerror(-ret));
	}
	*loop = l;
	return 0;
}

void boot_loop_free(struct boot_loop *l)
{
	const int fds[] = {l->epoll, l->wake, l->files};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(l->driven);
	free(l);
}

void boot_loop_add(struct boot_loop *l, struct boot *b)
{
	struct driven d = {.boot = b, .wake_fd = -1, .watch = -1, .fresh = true};

	/* Before it is started: nothing that it writes is missed. */
	if (l->files >= 0)
		d.watch = inotify_add_watch(l->files, boot_run_dir(b), IN_MODIFY | IN_CREATE);
	d.blind = d.watch < 0;
	d.number = l->next_number++;
	l->driven = xrealloc(l->driven, l->n + 1, sizeof(*l->driven));
	l->driven[l->n++] = d;
}

static struct boot *remove_driven(struct boot_loop *l, size_t i)
{
	struct driven d = l->driven[i];

	if (d.watch >= 0)
		inotify_rm_watch(l->files, d.watch);
	l->n--;
	memmove(&l->driven[i], &l->driven[i + 1], (l->n - i) * sizeof(*l->driven));
	return d.boot;
}

/* ---- looking ---- */

/* Lets epoll know by which descriptor the driver wants to be woken now. */
static void follow_wake_fd(struct boot_loop *l, struct driven *d)
{
	int fd = boot_wake_fd(d->boot);

	/* A new one may have the number of one that was closed. */
	if (fd == d->wake_fd && fd >= 0)
		watch_fd(l, fd, d->number);
	if (fd == d->wake_fd)
		return;
	/* An error: the driver has closed it, and epoll has dropped it by itself. */
	if (d->wake_fd >= 0)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, d->wake_fd, NULL);
	d->wake_fd = fd;
	if (fd >= 0 && watch_fd(l, fd, d->number))
		d->blind = true;
}

/* Looks at each boot that has news or whose time has come, up to the first that is over. */
static struct boot *look_at_boots(struct boot_loop *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct driven *d = &l->driven[i];
		unsigned int news = d->news;
		bool over;

		if (d->blind)
			news = BOOT_NEWS_FILES | BOOT_NEWS_HOST;
		if (!news && !d->fresh && boot_deadline(d->boot) > clock_seconds())
			continue;
		d->news = 0;
		d->fresh = false;
		over = boot_look(d->boot, news);
		follow_wake_fd(l, d);
		if (over)
			return remove_driven(l, i);
	}
	return NULL;
}

/* ---- waiting ---- */

static void note_file_event(struct boot_loop *l, const struct inotify_event *e)
{
	for (size_t i = 0; i < l->n; i++)
		/* When inotify's queue ran over, it may have been any of them. */
		if (e->wd == l->driven[i].watch || (e->mask & IN_Q_OVERFLOW))
			l->driven[i].news |= BOOT_NEWS_FILES;
}

/* True: there were some. */
static bool read_file_events(struct boot_loop *l)
{
	char buf[16384] __attribute__((aligned(8)));
	bool any = false;
	ssize_t n;

	while ((n = read(l->files, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			note_file_event(l, e);
			p += sizeof(*e) + e->len;
		}
		any = true;
	}
	return any;
}

static void watch_files(struct boot_loop *l, bool on)
{
	struct epoll_event e = {.events = on ? EPOLLIN : 0, .data.u64 = FROM_FILES};

	epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->files, &e);
}

/* While files grow they are looked at each time the rest is over; else inotify says when they do. */
static void look_for_file_events(struct boot_loop *l)
{
	bool resting = l->files_rest_until > 0;

	if (read_file_events(l)) {
		if (!resting)
			watch_files(l, false);
		l->files_rest_until = clock_seconds() + FILES_REST;
	} else if (resting) {
		watch_files(l, true);
		l->files_rest_until = 0;
	}
}

static void note_cancel(struct boot_loop *l)
{
	/* Its descriptor stays readable for ever. */
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, cancel_fd(), NULL);
	for (size_t i = 0; i < l->n; i++)
		l->driven[i].news |= BOOT_NEWS_HOST;
	l->woken = true;
}

static void note_event(struct boot_loop *l, uint64_t from)
{
	eventfd_t count;

	switch (from) {
	case FROM_FILES:
		look_for_file_events(l);
		break;
	case FROM_WAKE:
		eventfd_read(l->wake, &count);
		l->woken = true;
		break;
	case FROM_CANCEL:
		note_cancel(l);
		break;
	default:
		for (size_t i = 0; i < l->n; i++)
			if (l->driven[i].number == from)
				l->driven[i].news |= BOOT_NEWS_HOST;
	}
}

/* Milliseconds until something is due, rounded up; -1: nothing will be. */
static int time_to_wait(const struct boot_loop *l)
{
	double now = clock_seconds(), at = INFINITY, ms;

	if (l->files_rest_until)
		at = l->files_rest_until;
	for (size_t i = 0; i < l->n; i++) {
		const struct driven *d = &l->driven[i];

		at = fmin(at, boot_deadline(d->boot));
		if (d->blind)
			at = fmin(at, now + BLIND_POLL);
	}
	if (isinf(at))
		return -1;
	ms = ceil((at - now) * 1e3);
	return (int)fmax(0, fmin(ms, INT_MAX));
}

static void wait_for_events(struct boot_loop *l)
{
	struct epoll_event events[64];
	int n = epoll_wait(l->epoll, events, ARRAY_SIZE(events), time_to_wait(l));

	for (int i = 0; i < n; i++)
		note_event(l, events[i].data.u64);
	if (l->files_rest_until && clock_seconds() >= l->files_rest_until)
		look_for_file_events(l);
}

struct boot *boot_loop_wait(struct boot_loop *l)
{
	for (;;) {
		struct boot *over = look_at_boots(l);

		if (over)
			return over;
		if (l->woken) {
			l->woken = false;
			return NULL;
		}
		wait_for_events(l);
	}
}

void boot_loop_wake(struct boot_loop *l)
{
	eventfd_write(l->wake, 1);
}

int boot_once(const struct host_config *cfg, const struct boot_request *request,
	      struct boot_result *result, struct error *err)
{
	struct boot *over = NULL;
	struct boot_loop *loop;
	int ret = boot_loop_new(&loop, err);

	if (ret)
		return ret;
	boot_loop_add(loop, boot_begin(cfg, request));
	while (!over)
		over = boot_loop_wait(loop);
	ret = boot_end(over, result, err);
	boot_loop_free(loop);
	return ret;
}
