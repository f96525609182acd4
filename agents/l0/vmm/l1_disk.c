// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/l1_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/records/port.h"
#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

const char *l1_disk_image = "/l1/disk";

struct l1_disk {
	struct qemu qemu; /* its bell is the line */
	struct l1_disk_answer answer;
	size_t matched; /* bytes of ready_line */
	bool is_ready;
};

static const char ready_line[] = PROTOCOL_READY "\n";

/* There is one L1 at a time. */
static union {
	struct mail mail;
	char bytes[MAIL_SIZE];
} page;

const char *l1_disk_format(const char *path)
{
	static const unsigned char qcow2[4] = {'Q', 'F', 'I',
					       0xfb}; /* docs/interop/qcow2.txt of QEMU */
	unsigned char head[4] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	if (n == sizeof(head) && !memcmp(head, qcow2, sizeof(head)))
		return "qcow2";
	return "raw";
}

/* ---- the line ---- */

/* Byte by byte until @take has all; silence until @deadline is a failure. */
static int read_line(struct l1_disk *d, int64_t deadline, unsigned int limit_s,
		     int (*take)(struct l1_disk *d, char byte, bool *done))
{
	char bytes[256], what[64];
	bool done = false;

	while (!done) {
		ssize_t n;
		int ret = qemu_wait_line(&d->qemu, deadline);

		if (ret == -ETIMEDOUT) {
			snprintf(what, sizeof(what), "nothing within %u s", limit_s);
			return qemu_report_end(&d->qemu, L1_END_SILENT, what);
		}
		if (ret)
			return ret;
		n = recv(d->qemu.bell, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0)
			return qemu_report_hang_up(&d->qemu);
		for (ssize_t i = 0; i < n && !done; i++) {
			ret = take(d, bytes[i], &done);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int take_ready(struct l1_disk *d, char byte, bool *done)
{
	if (byte == '\r')
		return 0;
	if (byte != ready_line[d->matched])
		d->matched = 0;
	if (byte == ready_line[d->matched])
		d->matched++;
	*done = !ready_line[d->matched];
	return 0;
}

static int take_answer(struct l1_disk *d, char byte, bool *done)
{
	const char *why;

	if (l1_disk_take(&d->answer, byte, &page.mail, &why)) {
		sink_fail(d->qemu.sink, SINK_INTEGRITY, "records", "something else",
			  "what the L1 on a disk sent is not what its agent wrote: %s", why);
		return VM_SAID;
	}
	*done = d->answer.ended;
	return 0;
}

/* A plan of no measurement has L1 say who it is. */
static int send_plan(const struct l1_disk *d)
{
	static char plan[PLAN_LINE_MAX + 128];
	const char *line = page.mail.plan, *newline = line[0] ? "\n" : "";
	int n = snprintf(plan, sizeof(plan), "nestlab-plan %d\nrun seed=0\n%s%send count=%d\n",
			 PROTOCOL_VERSION, line, newline, line[0] != '\0');

	return file_write_all(d->qemu.bell, plan, (size_t)n);
}

/* ---- as of l1_vmm.h ---- */

static int disk_run(void *vmm, unsigned int limit_s)
{
	struct l1_disk *d = vmm;
	int64_t deadline = clock_ms() + limit_s * 1000;
	int ret = 0;

	if (!d->is_ready)
		ret = read_line(d, deadline, limit_s, take_ready);
	if (ret)
		return ret;
	d->is_ready = true;
	d->answer = (struct l1_disk_answer){0};
	page.mail.len = 0;
	ret = send_plan(d);
	if (ret)
		return ret;
	return read_line(d, deadline, limit_s, take_answer);
}

static int disk_peek(void *vmm, size_t at, void *to, size_t len)
{
	(void)vmm;
	memcpy(to, page.bytes + at, len);
	return 0;
}

static int disk_poke(void *vmm, size_t at, const void *from, size_t len)
{
	(void)vmm;
	memcpy(page.bytes + at, from, len);
	return 0;
}

static int skip_lacking(const struct plan_measure *m, struct sink *s)
{
	if (access(l1_disk_image, R_OK)) {
		if (m->l1 == PLAN_L1_HYPERV)
			sink_skip(
				s,
				"no Windows is here to be the L1, and its licence is yours to bring: nestlab image "
				"prepare-windows makes the medium that prepares one; then run it with --l1-image "
				"FILE (docs/l1-guests.md). The nearest without one: nestlab run l1-evmcs");
		else
			sink_skip(
				s,
				"no image of an L1 is here: --l1-image FILE names one (docs/l1-guests.md)");
		return VM_SAID;
	}
	if (m->l1 == PLAN_L1_HYPERV && access(QEMU_UEFI, R_OK)) {
		sink_skip(s, QEMU_UEFI ": a Windows boots by UEFI: apt-get install ovmf");
		return VM_SAID;
	}
	return 0;
}

static int disk_open(const struct plan_measure *m, const char *kernel, struct sink *s, void **vmm)
{
	static struct l1_disk d;
	int ret = skip_lacking(m, s);

	(void)kernel;
	if (ret)
		return ret;
	memset(&page, 0, sizeof(page));
	d = (struct l1_disk){0};
	qemu_init(&d.qemu, m, NULL, s);
	d.qemu.disk = l1_disk_image;
	d.qemu.format = l1_disk_format(l1_disk_image);
	*vmm = &d;
	ret = qemu_check_program(s);
	if (!ret)
		ret = qemu_make_folder();
	if (!ret)
		ret = qemu_start(&d.qemu, -1);
	if (ret)
		return ret;
	return qemu_continue(&d.qemu);
}

static struct kvm_stats *disk_stats(void *vmm)
{
	(void)vmm;
	return NULL; /* KVM tells them to the process alone whose VM it is */
}

static void disk_close(void *vmm)
{
	if (vmm)
		qemu_end(vmm);
}

const struct l1_vmm l1_vmm_disk = {
	.open = disk_open,
	.peek = disk_peek,
	.poke = disk_poke,
	.run = disk_run,
	.stats = disk_stats,
	.close = disk_close,
	.boot_limit_s = 300,
	.numbers_anew = true,
};
