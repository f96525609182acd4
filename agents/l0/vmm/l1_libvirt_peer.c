// SPDX-License-Identifier: GPL-2.0-only
/* l1_libvirt_peer.c - L1 goes from one libvirt to another on this host, by their peer-to-peer migration (agents/libvirt/pair.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/l0/vmm/libvirt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *word; /* what gave out, by the helper */
	enum l1_stay stay;
} stays[] = {
	{"libvirt ", L1_STAY_UNMANAGED},
	{"refused ", L1_STAY_REFUSED},
	{"way ", L1_STAY_BROKE_OFF},
};

static int read_stayed(const char *text, struct l1_moved *out)
{
	for (size_t i = 0; i < COUNT(stays); i++) {
		size_t len = strlen(stays[i].word);

		if (strncmp(text, stays[i].word, len))
			continue;
		out->stay = stays[i].stay;
		if (out->stay == L1_STAY_REFUSED &&
		    strcasestr(text, "kvm")) /* that is not QEMU's no */
			out->stay = L1_STAY_BROKE_OFF;
		snprintf(out->why, sizeof(out->why), "%s", text + len);
		return 0;
	}
	return -EPROTO;
}

int libvirt_read_moved(const char *line, struct l1_moved *out, int *pid)
{
	static const char stayed[] = "stayed ";
	unsigned long long us, bytes, passes;
	char rest;

	if (!strncmp(line, stayed, sizeof(stayed) - 1))
		return read_stayed(line + sizeof(stayed) - 1, out);
	if (sscanf(line, "moved %d %llu %llu %llu%c", pid, &us, &bytes, &passes, &rest) != 4 ||
	    *pid <= 0)
		return -EPROTO;
	out->downtime_us = us;
	out->bytes = bytes;
	out->passes = passes;
	return 0;
}

static const char *const faults[PLAN_FAULT_COUNT] = {
	[PLAN_FAULT_THERE_REFUSED] = " refuse",
	[PLAN_FAULT_THERE_KILLED] = " kill-qemu",
	[PLAN_FAULT_THERE_ALONE] = " kill-libvirt",
};

int libvirt_migrate(struct libvirt *l, struct l1_moved *out)
{
	const struct plan_measure *m = &l->qemu.m;
	const char *way = "";
	char words[64];
	int pid = 0, ret;

	if (m->tunnelled)
		way = "tunnelled";
	snprintf(words, sizeof(words), "%s%s", way, faults[m->fault] ?: "");
	l->other_was_killed = false;
	ret = libvirt_order(l, "migrate", words);
	if (ret)
		return ret;
	ret = libvirt_read_moved(l->line, out, &pid);
	if (ret)
		return libvirt_report(l, "migrate", ret);
	if (out->stay == L1_STAY_BROKE_OFF && l->other_was_killed)
		out->stay = L1_STAY_KILLED;
	if (out->stay)
		return 0;
	qemu_close_memory(&l->qemu);
	libvirt_note_end(l);
	return libvirt_find_mail(l, pid);
}
