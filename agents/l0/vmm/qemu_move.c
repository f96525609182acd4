// SPDX-License-Identifier: GPL-2.0-only
/* qemu_move.c - a running L1 goes from one QEMU to another: through a file, or live through a socket. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/vmm/handover.h"
#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define LOOK_US	     20000
#define END_LIMIT_MS 60000 /* of L0's clock, for all of it */
#define KVM_FILES    "/sys/kernel/debug/kvm"
#define STOPS	     100 /* one of eight to one of three finds L1 in an L2 */
#define STRAY_US     300 /* L1 runs on for some of these before it is stopped again */
#define STRAYS	     7

uint64_t qemu_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts); /* as the times of QEMU's events */
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* KVM's debug files of a VM are in PID-FD. */
bool qemu_is_in_l2(pid_t pid)
{
	char start[32], path[320], text[32] = "";
	DIR *dir = opendir(KVM_FILES);
	struct dirent *e;

	snprintf(start, sizeof(start), "%d-", (int)pid);
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, start, strlen(start)))
			continue;
		snprintf(path, sizeof(path), KVM_FILES "/%s/vcpu0/guest_mode", e->d_name);
		file_read(path, text, sizeof(text));
	}
	if (dir)
		closedir(dir);
	return text[0] == '1';
}

int qemu_execute(struct qemu *q, const char *command, const char *arguments, char *reply,
		 size_t size)
{
	int ret = qmp_execute(&q->monitor, command, arguments, reply, size);

	if (ret)
		return qemu_report_command(q, command, ret);
	return 0;
}

int qemu_find_downtime(struct qemu *q, uint64_t stop_us, uint64_t resume_us, uint64_t *us)
{
	if (!stop_us || resume_us < stop_us)
		return qemu_report_end(q, L1_END_OTHER,
				       "QEMU did not tell when it stopped L1 and let it go on");
	*us = resume_us - stop_us;
	return 0;
}

int qemu_report_sending(struct qemu *q, const char *reply)
{
	char what[256];

	snprintf(what, sizeof(what), "migrate: QEMU could not send it away: %.200s", reply);
	return qemu_report_end(q, L1_END_OTHER, what);
}

/* Until all of L1 has left @q. */
static int send_away(struct qemu *q, int fd, struct l1_moved *out)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;
	char reply[2048] = "";
	int ret = qmp_give(&q->monitor, QEMU_STREAM, fd);

	if (ret)
		return qemu_report_command(q, "getfd", ret);
	ret = qemu_execute(q, "migrate", "\"uri\":\"fd:" QEMU_STREAM "\"", NULL, 0);
	while (!ret && clock_ms() < deadline) {
		ret = qemu_execute(q, "query-migrate", "", reply, sizeof(reply));
		if (ret)
			return ret;
		if (qmp_says(reply, "status", "completed")) {
			qmp_number(reply, "transferred", &out->bytes);
			qmp_number(reply, "dirty-sync-count", &out->passes);
			return 0;
		}
		if (qmp_says(reply, "status", "failed"))
			break;
		usleep(LOOK_US);
	}
	if (ret)
		return ret;
	return qemu_report_sending(q, reply);
}

/* Until all of L1 is in @to. */
static int wait_for_arrival(struct qemu *to)
{
	int64_t deadline = clock_ms() + END_LIMIT_MS;
	char reply[2048] = "";

	while (clock_ms() < deadline) {
		int ret = qemu_execute(to, "query-migrate", "", reply, sizeof(reply));

		if (ret || qmp_says(reply, "status", "completed"))
			return ret;
		usleep(LOOK_US);
	}
	return qemu_report_command(to, "incoming", -ETIMEDOUT);
}

/* As L1 left so it arrives: running, or stopped. */
static int go_on(struct qemu *to)
{
	int ret = wait_for_arrival(to);

	if (!ret && !to->monitor.resume_us)
		ret = qemu_execute(to, "cont", "", NULL, 0);
	if (ret)
		return ret;
	ret = qmp_wait_for_resume(&to->monitor, END_LIMIT_MS);
	if (ret)
		return qemu_report_command(to, "incoming", ret);
	return qemu_find_mail(to);
}

/* L1 has come: @to is what runs it from now on. */
static int arrive(struct qemu *from, struct qemu *to, struct l1_moved *out)
{
	int ret = go_on(to);

	if (!ret)
		ret = qemu_find_downtime(to, from->monitor.stop_us, to->monitor.resume_us,
					 &out->downtime_us);
	if (ret)
		return ret;
	qemu_end(from);
	*from = *to;
	from->monitor.resume_us = 0;
	return 0;
}

/* Wherever L1 is; or again and again until its vCPU 0 is in an L2, where it is for a good part of the time. */
static int stop(struct qemu *q, struct l1_moved *out)
{
	int ret = qemu_execute(q, "stop", "", NULL, 0);

	for (int i = 1; !ret; i++) {
		out->in_l2 = qemu_is_in_l2(q->pid);
		if (out->in_l2 || !out->wants_l2 || i == STOPS)
			return 0;
		ret = qemu_execute(q, "cont", "", NULL, 0);
		usleep(STRAY_US * (i % STRAYS + 1));
		if (!ret)
			ret = qemu_execute(q, "stop", "", NULL, 0);
	}
	return ret;
}

static int save(struct qemu *q, struct l1_moved *out)
{
	int fd, ret = stop(q, out);

	if (ret)
		return ret;
	fd = open(QEMU_STATE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = send_away(q, fd, out);
	close(fd);
	return ret;
}

static int restore(struct qemu *from, struct qemu *to, struct l1_moved *out)
{
	int fd = open(QEMU_STATE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	qemu_end(from); /* its memory may be needed, and unmanaged memory is there once */
	ret = qemu_start(to, fd);
	close(fd);
	if (!ret)
		ret = arrive(from, to, out);
	unlink(QEMU_STATE);
	return ret;
}

static int migrate(struct qemu *from, struct qemu *to, struct l1_moved *out)
{
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ret = qemu_start(to, ends[1]);
	close(ends[1]);
	if (!ret)
		ret = send_away(from, ends[0], out);
	close(ends[0]);
	if (ret)
		return ret;
	ret = qmp_read_events(&from->monitor); /* when it stopped L1 */
	if (ret)
		return qemu_report_command(from, "migrate", ret);
	return arrive(from, to, out);
}

int qemu_leave(void *vmm)
{
	struct qemu *q = vmm;
	struct l1_moved unused = {0};
	int fd, ret = save(q, &unused);

	if (ret)
		return ret;
	fd = open(QEMU_STATE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	qemu_end(q);
	ret = handover_send(fd, q->sink);
	close(fd);
	unlink(QEMU_STATE);
	return ret;
}

int qemu_enter(struct qemu *q)
{
	int fd, ret = qemu_make_files(&q->m);

	if (ret)
		return ret;
	fd = open(QEMU_STATE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = handover_receive(fd, q->sink);
	if (!ret && lseek(fd, 0, SEEK_SET))
		ret = -errno;
	if (!ret)
		ret = qemu_start(q, fd);
	if (!ret)
		ret = go_on(q);
	close(fd);
	unlink(QEMU_STATE);
	q->monitor.resume_us = 0;
	return ret;
}

/* The other half of unmanaged memory. */
static uint64_t other_half(const struct qemu *q, uint64_t first)
{
	return q->phys == first ? first + QEMU_SIZE : first;
}

static void init_other(struct qemu *to, const struct qemu *from)
{
	qemu_init(to, &from->m, from->kernel, from->sink);
	to->phys = from->phys;
	to->without_kvm = from->without_kvm;
}

int qemu_snapshot(void *vmm, struct l1_moved *out)
{
	struct qemu *q = vmm;
	int ret;

	q->monitor.stop_us = 0;
	ret = save(q, out);
	q->monitor.resume_us = 0;
	if (!ret)
		ret = qemu_execute(q, "cont", "", NULL, 0);
	if (ret)
		return ret;
	ret = qmp_wait_for_resume(&q->monitor, END_LIMIT_MS);
	if (ret)
		return qemu_report_command(q, "cont", ret);
	return qemu_find_downtime(q, q->monitor.stop_us, q->monitor.resume_us, &out->downtime_us);
}

int qemu_revert(void *vmm, struct l1_moved *out)
{
	static struct qemu to;
	uint64_t begin = qemu_now_us();
	int ret;

	init_other(&to, vmm);
	ret = restore(vmm, &to, out);
	if (ret)
		qemu_end(&to);
	out->duration_us = qemu_now_us() - begin;
	return ret;
}

int qemu_move(void *vmm, bool live, struct l1_moved *out)
{
	struct qemu *from = vmm;
	static struct qemu to;
	uint64_t begin = qemu_now_us(), first;
	int ret = 0;

	from->monitor.stop_us = 0;
	init_other(&to, from);
	if (live && from->phys) {
		ret = vm_memory_find_unmanaged(2 * QEMU_SIZE, &first, from->sink);
		to.phys = other_half(from, first);
	}
	if (!ret && live)
		ret = migrate(from, &to, out);
	else if (!ret)
		ret = save(from, out);
	if (!ret && !live)
		ret = restore(from, &to, out);
	if (ret)
		qemu_end(&to);
	out->duration_us = qemu_now_us() - begin;
	return ret;
}
