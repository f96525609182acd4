// SPDX-License-Identifier: GPL-2.0-only
/*
 * qemu_cross.c - a running L1 leaves for a QEMU on another L0 host, or comes from there: by QEMU's live migration, whose
 * stream goes through a socket to the agent, and from there through the area of agents/wire/crossing.h.
 *
 * The clocks of two hosts are not one. So L1's standing still is told in two parts, each by the clock of its host: at the source
 * from its stop to the last byte's leaving, at the destination from the first of the bytes that were sent meanwhile to its
 * running. QEMU waits at the stop (pause-before-switchover), so that it is known which bytes these are; the
 * destination keeps them until it has all, so that the way between has no part in its time.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agents/l0/vm.h"
#include "agents/l0/vmm/crossing.h"
#include "agents/l0/vmm/qemu.h"
#include "common/clock.h"

#define LOOK_MS 5
#define ALIVE_MS \
	500 /* of a clock that is slow where the machine is loaded: a host is given up after 180 s */
#define REPLY	 2048
#define AT_ONCE	 16 /* messages, between two looks at all else */
#define HELD_MIN (1u << 20)

/* What both ends have. */
struct end {
	struct qemu *q;
	struct crossing crossing;
	int stream;		 /* to QEMU, or from it; -1: not yet, or no more */
	int64_t alive, deadline; /* clock_ms() */
};

static void begin_end(struct end *e, struct qemu *q)
{
	*e = (struct end){.q = q, .stream = -1, .deadline = clock_ms() + CROSSING_LIMIT_S * 1000ll};
	q->monitor.stop_us = q->monitor.resume_us = 0;
}

static void close_stream(struct end *e)
{
	if (e->stream >= 0)
		close(e->stream);
	e->stream = -1;
}

/* The host is told that all wait for another one, and not without end. */
static int check_time(struct end *e)
{
	int64_t now = clock_ms();

	if (now >= e->alive) {
		sink_alive(e->q->sink);
		e->alive = now + ALIVE_MS;
	}
	if (now < e->deadline)
		return 0;
	sink_fail(e->q->sink, SINK_HOST, "the other host", "nobody",
		  "the Linux L1 did not get from one host to the other within %d s of L0's clock",
		  CROSSING_LIMIT_S);
	return VM_SAID;
}

static int read_events(struct end *e)
{
	if (qmp_read_events(&e->q->monitor))
		return qemu_report_hang_up(e->q);
	return 0;
}

/* ---- the source ---- */

struct departure {
	struct end end;
	bool stopped, ended; /* L1 stands still; QEMU has sent all */
	uint64_t last_us;    /* when its last byte left */
	bool *rung;	     /* L1 rang, which only a failure makes it do */
	char *why;	     /* the other side gave up */
	struct l1_moved *moved;
};

static bool is_given_up(const struct departure *d)
{
	return *d->rung || d->why[0];
}

/* @kind has come back? What else comes is that the other side gave up. */
static bool has_answered(struct departure *d, enum crossing_kind kind)
{
	char text[CROSSING_TEXT];
	enum crossing_kind said = crossing_hear(&d->end.crossing, text);

	if (said && said != kind)
		snprintf(d->why, CROSSING_TEXT, "%s", text[0] ? text : "it does not say why");
	return said == kind;
}

/* L1 runs on meanwhile. */
static int wait_for_destination(struct departure *d)
{
	int ret = 0;

	while (!ret && !has_answered(d, CROSSING_READY) && !is_given_up(d)) {
		ret = check_time(&d->end);
		if (!ret)
			ret = qemu_wait(d->end.q, LOOK_MS, d->rung);
	}
	return ret;
}

static int start_stream(struct departure *d)
{
	struct qemu *q = d->end.q;
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	d->end.stream = ends[1];
	ret = qmp_give(&q->monitor, QEMU_STREAM, ends[0]);
	close(ends[0]);
	if (ret)
		return qemu_report_command(q, "getfd", ret);
	ret = qemu_execute(q, "migrate-set-capabilities",
			   "\"capabilities\":[{\"capability\":\"pause-before-switchover\","
			   "\"state\":true}]",
			   NULL, 0);
	if (ret)
		return ret;
	return qemu_execute(q, "migrate", "\"uri\":\"fd:" QEMU_STREAM "\"", NULL, 0);
}

/* What is there, as far as there is room. QEMU may write on as fast as this reads: so not for ever. */
static void pass_bytes(struct departure *d)
{
	char *room;

	for (int i = 0; i < AT_ONCE && (room = crossing_room(&d->end.crossing)); i++) {
		ssize_t n = recv(d->end.stream, room, CROSSING_ROOM, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		d->ended = n <= 0;
		if (d->ended)
			return;
		crossing_put(&d->end.crossing, CROSSING_DATA, (size_t)n);
		d->last_us = qemu_now_us();
	}
}

/* Until it has left, and there is room for what is to follow it. */
static int pass_all(struct departure *d)
{
	int ret = 0, left = 1;

	while (!ret && !is_given_up(d)) {
		pass_bytes(d);
		if (ioctl(d->end.stream, FIONREAD, &left))
			return -errno;
		if ((!left || d->ended) && crossing_room(&d->end.crossing))
			return 0;
		has_answered(d, CROSSING_ARRIVED);
		ret = check_time(&d->end);
		sched_yield();
	}
	return ret;
}

/* "active", "pre-switchover", ... */
static int ask_status(struct departure *d, char reply[REPLY])
{
	return qemu_execute(d->end.q, "query-migrate", "", reply, REPLY);
}

/* L1 stands still, and QEMU waits, or will in a moment: all that it sends from here on it sends meanwhile. */
static int switch_over(struct departure *d)
{
	char reply[REPLY];
	int ret;

	d->stopped = true;
	do {
		ret = ask_status(d, reply);
		if (!ret)
			ret = check_time(&d->end);
	} while (!ret && qmp_says(reply, "status", "active"));
	if (ret || !qmp_says(reply, "status", "pre-switchover"))
		return ret; /* it failed: the stream ends */
	ret = pass_all(d);
	if (ret || is_given_up(d))
		return ret;
	crossing_put(&d->end.crossing, CROSSING_STOPPED, 0);
	ret = qmp_send(&d->end.q->monitor, "migrate-continue", "\"state\":\"pre-switchover\"");
	if (ret)
		return qemu_report_command(d->end.q, "migrate-continue", ret);
	return 0;
}

/* Something to read, or a moment later; L1 may ring. */
static int wait_for_more(struct departure *d)
{
	struct qemu *q = d->end.q;
	struct pollfd p[] = {{.fd = q->bell, .events = POLLIN},
			     {.fd = q->monitor.lines.fd, .events = POLLIN},
			     {.fd = d->end.stream, .events = POLLIN}};

	poll(p, crossing_room(&d->end.crossing) ? 3 : 2, LOOK_MS);
	if (p[0].revents && !d->stopped)
		return qemu_wait(q, LOOK_MS, d->rung);
	return 0;
}

static int send_stream(struct departure *d)
{
	int ret = 0;

	while (!ret && !d->ended && !is_given_up(d)) {
		pass_bytes(d);
		ret = read_events(&d->end);
		if (!ret && !d->stopped && d->end.q->monitor.stop_us)
			ret = switch_over(d);
		if (!ret && !d->ended)
			ret = wait_for_more(d);
		has_answered(d, CROSSING_ARRIVED);
		if (!ret)
			ret = check_time(&d->end);
	}
	return ret;
}

/* Has it come to an end of the migration, whatever that is? */
static bool is_under_way(const char *reply)
{
	static const char *const states[] = {"setup", "active", "pre-switchover", "device",
					     "cancelling"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (qmp_says(reply, "status", states[i]))
			return true;
	return false;
}

/* QEMU (7.2) looks twice whether it is cancelled before it waits at the switch-over: a cancel between the two leaves it waiting for
 * ever, unless it is told to go on. */
static int release_cancelled(struct departure *d, const char *reply)
{
	struct qemu *q = d->end.q;
	int ret = 0;

	if (qmp_says(reply, "status", "cancelling"))
		ret = qmp_execute(&q->monitor, "migrate-continue", "\"state\":\"cancelling\"", NULL,
				  0);
	if (ret && ret != -EPROTO) /* refused: it is over by now */
		return qemu_report_command(q, "migrate-continue", ret);
	return 0;
}

/* What QEMU says of the migration when it is over. */
static int wait_for_end(struct departure *d, char reply[REPLY])
{
	int ret;

	do {
		ret = ask_status(d, reply);
		if (!ret)
			ret = release_cancelled(d, reply);
		if (!ret)
			ret = check_time(&d->end);
	} while (!ret && is_under_way(reply));
	return ret;
}

/* QEMU has sent all of L1, and says how much that was. */
static int end_stream(struct departure *d)
{
	char reply[REPLY];
	int ret = wait_for_end(d, reply);

	if (ret)
		return ret;
	if (!qmp_says(reply, "status", "completed"))
		return qemu_report_sending(d->end.q, reply);
	qmp_number(reply, "transferred", &d->moved->bytes);
	qmp_number(reply, "dirty-sync-count", &d->moved->passes);
	ret = qemu_find_downtime(d->end.q, d->end.q->monitor.stop_us, d->last_us,
				 &d->moved->downtime_us);
	if (ret)
		return ret;
	return pass_all(d);
}

/* QEMU has let go of L1, and its new host is to say that it runs. */
static int wait_for_arrival(struct departure *d)
{
	int ret = 0;

	crossing_put(&d->end.crossing, CROSSING_END, 0);
	while (!ret && !has_answered(d, CROSSING_ARRIVED) && !is_given_up(d)) {
		ret = check_time(&d->end);
		sched_yield();
	}
	return ret;
}

/* L1 goes on here. QEMU may be about to send more, and cannot be told anything as long as nobody takes that. */
static int stay(struct departure *d)
{
	struct qemu *q = d->end.q;
	char reply[REPLY];
	int ret;

	close_stream(&d->end);
	ret = qemu_execute(q, "migrate_cancel", "", NULL, 0);
	if (!ret)
		ret = wait_for_end(d, reply);
	if (!ret)
		ret = qemu_execute(q, "cont", "", NULL, 0);
	q->monitor.resume_us = 0;
	return ret;
}

static int send_l1(struct departure *d)
{
	int ret = wait_for_destination(d);

	if (ret || is_given_up(d)) /* L1 has not been told anything */
		return ret;
	ret = start_stream(d);
	if (!ret)
		ret = send_stream(d);
	if (!ret && !is_given_up(d))
		ret = end_stream(d);
	if (!ret && !is_given_up(d))
		ret = wait_for_arrival(d);
	if (!ret && is_given_up(d))
		return stay(d);
	if (!ret)
		qemu_end(d->end.q);
	return ret;
}

int qemu_depart_through(struct qemu *q, struct crossing *c, struct l1_moved *out, bool *rung,
			char why[CROSSING_TEXT])
{
	struct departure d = {.rung = rung, .why = why, .moved = out};
	uint64_t begin = qemu_now_us();
	int ret;

	begin_end(&d.end, q);
	d.end.crossing = *c;
	why[0] = '\0';
	ret = send_l1(&d);
	close_stream(&d.end);
	out->duration_us = qemu_now_us() - begin;
	if (ret || *rung)
		crossing_tell(&d.end.crossing, CROSSING_FAILED,
			      "L1 failed on the host that it was to leave");
	return ret;
}

int qemu_depart(void *vmm, struct l1_moved *out, bool *rung, char why[CROSSING_TEXT])
{
	struct qemu *q = vmm;
	struct crossing c = {0};
	int ret = crossing_open(&c, true, q->sink);

	if (ret)
		return ret;
	ret = qemu_depart_through(q, &c, out, rung, why);
	crossing_close(&c);
	return ret;
}

/* ---- the destination ---- */

struct arrival {
	struct end end;
	bool stopped, ended;
	char *held; /* what was sent while L1 stood still */
	size_t nheld, room;
	struct l1_moved *moved;
};

static int hold_bytes(struct arrival *a, const void *bytes, size_t len)
{
	size_t room = a->room ? a->room : HELD_MIN;
	char *held = a->held;

	while (room < a->nheld + len)
		room *= 2;
	if (room != a->room)
		held = realloc(a->held, room);
	if (!held)
		return -ENOMEM;
	a->held = held;
	a->room = room;
	memcpy(held + a->nheld, bytes, len);
	a->nheld += len;
	return 0;
}

/* QEMU takes it as it can. */
static int write_stream(struct arrival *a, const char *bytes, size_t len)
{
	int ret = 0;

	while (len && !ret) {
		struct pollfd p = {.fd = a->end.stream, .events = POLLOUT};
		ssize_t n = send(p.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return qemu_report_hang_up(a->end.q);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		poll(&p, 1, LOOK_MS);
		ret = check_time(&a->end);
	}
	return ret;
}

/* No sooner than L1 comes: it has to be older than the vCPU that it comes to (qemu_let_age()). */
static int start_qemu(struct arrival *a)
{
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	a->end.stream = ends[0];
	ret = qemu_start(a->end.q, ends[1]);
	close(ends[1]);
	return ret;
}

static int take_data(struct arrival *a, const struct crossing_chunk *chunk)
{
	int ret = 0;

	if (a->stopped)
		return hold_bytes(a, chunk + 1, chunk->len);
	if (a->end.stream < 0)
		ret = start_qemu(a);
	if (ret)
		return ret;
	return write_stream(a, (const char *)(chunk + 1), chunk->len);
}

static int take_chunk(struct arrival *a, const struct crossing_chunk *chunk, bool damaged)
{
	char text[CROSSING_TEXT];

	if (!damaged && chunk->kind == CROSSING_DATA)
		return take_data(a, chunk);
	if (!damaged && chunk->kind == CROSSING_STOPPED) {
		a->stopped = true;
		return 0;
	}
	if (!damaged && chunk->kind == CROSSING_END && a->stopped && a->end.stream >= 0) {
		a->ended = true;
		return 0;
	}
	crossing_read(chunk, text);
	sink_fail(a->end.q->sink, SINK_HOST, "a Linux L1 from the other host", "none",
		  "the Linux L1 did not come: %s", text[0] ? text : "its stream was cut short");
	return VM_SAID;
}

static int receive_stream(struct arrival *a)
{
	struct crossing *c = &a->end.crossing;
	int ret = 0;

	while (!ret && !a->ended) {
		bool damaged;
		const struct crossing_chunk *chunk = crossing_look(c, &damaged);

		if (chunk) {
			ret = take_chunk(a, chunk, damaged);
			crossing_drop(c);
		} else {
			/* not asleep: an emulated machine that sleeps has its time skipped */
			sched_yield();
		}
		if (!ret)
			ret = check_time(&a->end);
		if (!ret && !chunk && a->end.stream >= 0)
			ret = read_events(&a->end);
	}
	return ret;
}

/* Until QEMU has taken all that it was given. */
static int wait_until_taken(struct arrival *a)
{
	int left = 1, ret = 0;

	while (!ret) {
		if (ioctl(a->end.stream, TIOCOUTQ, &left))
			return -errno;
		if (!left)
			return 0;
		sched_yield();
		ret = read_events(&a->end);
		if (!ret)
			ret = check_time(&a->end);
	}
	return ret;
}

static int let_l1_go_on(struct arrival *a)
{
	struct qemu *q = a->end.q;
	uint64_t begin;
	int ret = wait_until_taken(a);

	begin = qemu_now_us();
	if (!ret)
		ret = write_stream(a, a->held, a->nheld);
	close_stream(&a->end);
	if (ret)
		return ret;
	ret = qmp_wait_for_resume(&q->monitor, QMP_LIMIT_MS);
	if (ret)
		return qemu_report_command(q, "incoming", ret);
	ret = qemu_find_downtime(q, begin, q->monitor.resume_us, &a->moved->downtime_us);
	if (ret)
		return ret;
	a->moved->bytes = a->nheld;
	q->monitor.resume_us = 0;
	return qemu_find_mail(q);
}

int qemu_arrive_through(struct qemu *q, struct crossing *c, struct l1_moved *out)
{
	struct arrival a = {.moved = out};
	int ret;

	begin_end(&a.end, q);
	a.end.crossing = *c;
	crossing_answer(c, CROSSING_READY, "");
	ret = receive_stream(&a);
	if (!ret)
		ret = let_l1_go_on(&a);
	close_stream(&a.end);
	free(a.held);
	if (ret)
		crossing_answer(c, CROSSING_FAILED,
				"it failed there, which that host's boot says more of");
	else
		crossing_answer(c, CROSSING_ARRIVED, "");
	return ret;
}

int qemu_arrive(void *vmm, struct l1_moved *out)
{
	struct qemu *q = vmm;
	struct crossing c = {0};
	int ret = crossing_open(&c, false, q->sink);

	if (ret)
		return ret;
	ret = qemu_arrive_through(q, &c, out);
	crossing_close(&c);
	return ret;
}
