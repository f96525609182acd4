// SPDX-License-Identifier: GPL-2.0-only
/* l1_libvirt.c - libvirt as the VMM of a Linux L1. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agents/l0/files.h"
#include "agents/l0/vmm/libvirt.h"
#include "agents/l0/vm.h"
#include "common/clock.h"

#define BELL	    QEMU_DIRECTORY "/bell"
#define DESCRIPTION QEMU_DIRECTORY "/l1.xml"
#define FOUND_OUT   QEMU_DIRECTORY "/capabilities.gz"
#define XML_MAX	    8192

/* ---- making it ---- */

static int write_description(struct libvirt *l)
{
	const struct libvirt_files files = {.kernel = l->qemu.kernel,
					    .initramfs = QEMU_INITRAMFS,
					    .console = QEMU_CONSOLE,
					    .bell = BELL,
					    .phys = l->qemu.phys};
	static char xml[XML_MAX];
	int fd, ret = libvirt_xml_make(xml, sizeof(xml), &l->qemu.m, &files);

	if (ret)
		return ret;
	fd = open(DESCRIPTION, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = file_write_all(fd, xml, strlen(xml));
	close(fd);
	return ret;
}

/* Open on both sides here: QEMU's opening waits for no reader, and there is no end of file. */
static int make_bell(struct libvirt *l)
{
	unlink(BELL);
	if (mkfifo(BELL, 0600))
		return -errno;
	l->qemu.bell = open(BELL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (l->qemu.bell < 0)
		return -errno;
	return 0;
}

static int check_fit(struct libvirt *l)
{
	if (plan_measure_has_peers(&l->qemu.m) && access(LIBVIRT_DAEMON, X_OK)) {
		sink_skip(l->qemu.sink, "%s: no daemon of libvirt here (%s)", LIBVIRT_DAEMON,
			  strerror(errno));
		return VM_SAID;
	}
	if (access(LIBVIRT_HELPER, X_OK)) {
		sink_skip(l->qemu.sink, "%s: no libvirt here (%s)", LIBVIRT_HELPER,
			  strerror(errno));
		return VM_SAID;
	}
	return qemu_find_memory(&l->qemu);
}

static int make_parts(struct libvirt *l)
{
	int ret = qemu_make_files(&l->qemu.m);

	if (ret)
		return ret;
	ret = make_bell(l);
	if (ret)
		return ret;
	ret = write_description(l);
	if (ret)
		return ret;
	return libvirt_start_helper(l);
}

static int make_domain(struct libvirt *l)
{
	int ret = libvirt_wait_for_answer(l); /* to being there */

	if (ret)
		return libvirt_report(l, "connect", ret);
	ret = libvirt_order(l, "create", DESCRIPTION);
	if (ret)
		return ret;
	ret = libvirt_find_mail(l, atoi(l->line));
	if (ret)
		return ret;
	ret = qemu_write_head(&l->qemu);
	if (ret)
		return ret;
	qemu_let_age(&l->qemu);
	return libvirt_order(l, "resume", "");
}

static int libvirt_open(const struct plan_measure *m, const char *kernel, struct sink *s,
			void **vmm)
{
	static struct libvirt l;
	int ret;

	l = (struct libvirt){
		.orders = -1, .limit_ms = LIBVIRT_LIMIT_MS, .answers.fd = -1, .guest_fd = -1};
	qemu_init(&l.qemu, m, kernel, s);
	*vmm = &l;
	ret = check_fit(&l);
	if (ret)
		return ret;
	ret = make_parts(&l);
	if (ret)
		return ret;
	return make_domain(&l);
}

/* ---- running it ---- */

static int libvirt_peek(void *vmm, size_t at, void *to, size_t len)
{
	return qemu_peek(&((struct libvirt *)vmm)->qemu, at, to, len);
}

static int libvirt_poke(void *vmm, size_t at, const void *from, size_t len)
{
	return qemu_poke(&((struct libvirt *)vmm)->qemu, at, from, len);
}

/* By itself it shuts down at a reset alone. libvirt kills, too, but what it has stopped has not failed. */
static int report_stop(struct libvirt *l)
{
	enum l1_end end = L1_END_OTHER;
	char what[128];

	if (!strcmp(l->stopped, "shutdown"))
		return qemu_report_reset(&l->qemu);
	libvirt_reap(l);
	if (!strcmp(l->stopped, "failed") && l->was_killed)
		end = L1_END_KILLED;
	snprintf(what, sizeof(what), "libvirt: the domain stopped: %s%s", l->stopped,
		 end == L1_END_KILLED ? " (QEMU was killed by signal 9)" : "");
	return qemu_report_end(&l->qemu, end, what);
}

static int libvirt_wait(void *vmm, unsigned int ms, bool *rung)
{
	struct libvirt *l = vmm;
	int64_t deadline = clock_ms() + ms, left;
	struct pollfd p[] = {{.fd = l->qemu.bell, .events = POLLIN},
			     {.fd = l->answers.fd, .events = POLLIN},
			     {.fd = l->guest_fd, .events = POLLIN}};
	char byte;

	while ((left = deadline - clock_ms()) > 0) {
		int ret = 0;

		if (poll(p, 3, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (p[2].revents) {
			libvirt_note_end(l);
			p[2].fd = -1;
		}
		if (p[0].revents && read(l->qemu.bell, &byte, 1) == 1) {
			*rung = true;
			return 0;
		}
		if (p[1].revents)
			ret = libvirt_read_events(l);
		if (!ret && l->stopped[0])
			ret = report_stop(l);
		if (ret)
			return ret;
	}
	return 0;
}

static int libvirt_run(void *vmm, unsigned int limit_s)
{
	struct libvirt *l = vmm;
	char what[64];
	bool rung = false;
	int ret = libvirt_wait(vmm, limit_s * 1000, &rung);

	if (ret || rung)
		return ret;
	snprintf(what, sizeof(what), "nothing within %u s", limit_s);
	return qemu_report_end(&l->qemu, L1_END_SILENT, what);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* By virDomainSave and virDomainRestore, or live. When L1 is stopped and runs again libvirt alone knows: the time is that of the
 * two calls. */
static int libvirt_move(void *vmm, bool live, struct l1_moved *out)
{
	struct libvirt *l = vmm;
	uint64_t begin = now_us();
	struct stat st;
	int ret;

	if (live) {
		ret = libvirt_migrate(l, out);
		out->duration_us = now_us() - begin;
		return ret;
	}
	out->in_l2 = qemu_is_in_l2(l->qemu.guest);
	ret = libvirt_order(l, "save", QEMU_STATE);
	if (ret)
		return ret;
	if (!stat(QEMU_STATE, &st))
		out->bytes = (uint64_t)st.st_size;
	qemu_close_memory(&l->qemu);
	libvirt_note_end(l);
	ret = libvirt_order(l, "restore", QEMU_STATE);
	if (ret)
		return ret;
	out->downtime_us = out->duration_us = now_us() - begin;
	unlink(QEMU_STATE);
	return libvirt_find_mail(l, atoi(l->line));
}

/* What libvirt had to find out about QEMU goes to whoever makes the next image of this kernel. Not before all is measured;
 * and without it the next boot takes longer, no more. */
static void pass_capabilities(struct libvirt *l)
{
	if (!libvirt_give_order(l, "capabilities", FOUND_OUT) && !strncmp(l->line, "new", 3))
		sink_file(l->qemu.sink, "libvirt-capabilities", FOUND_OUT);
}

static void libvirt_close(void *vmm)
{
	struct libvirt *l = vmm;

	if (!l)
		return;
	if (l->qemu.mem >= 0 && !l->is_mute) /* there is a domain */
		pass_capabilities(l);
	if (l->helper)
		libvirt_end_helper(l);
	libvirt_note_end(l);
	qemu_end(&l->qemu);
}

static void libvirt_kill(void *vmm)
{
	qemu_kill(&((struct libvirt *)vmm)->qemu);
}

/* Those of one L1 may go each in its own way. */
static void libvirt_begin(void *vmm, const struct plan_measure *m)
{
	((struct libvirt *)vmm)->qemu.m = *m;
}

static struct kvm_stats *libvirt_stats(void *vmm)
{
	(void)vmm; /* as of QEMU */
	return NULL;
}

const struct l1_vmm l1_vmm_libvirt = {
	.open = libvirt_open,
	.peek = libvirt_peek,
	.poke = libvirt_poke,
	.run = libvirt_run,
	.wait = libvirt_wait,
	.move = libvirt_move,
	.stats = libvirt_stats,
	.begin = libvirt_begin,
	.kill = libvirt_kill,
	.close = libvirt_close,
};
