// SPDX-License-Identifier: GPL-2.0-only
/* hello.c - a Linux L1 says who it is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/guest/guest.h"
#include "agents/guest/hypervisor.h"
#include "agents/l0/capability.h"
#include "agents/l0/clock.h"
#include "agents/l0/identity.h"
#include "agents/l0/kmsg.h"

#define LOG_MAX	      16					  /* lines */
#define EVMCS_MESSAGE "kvm_intel: Using Hyper-V Enlightened VMCS" /* of arch/x86/kvm/vmx/vmx.c */

static struct line line;

/*
 * What L1's KVM drives its VMCSs with: its kernel says so once, when KVM starts. That L0 sees the same is for the
 * agent there to check. The lines that say what the kernel takes the machine for go with it: the proof.
 */
static void add_nested(struct line *l)
{
	static const char *const words[] = {"ypervisor", "Hyper-V", NULL};
	int fd = kmsg_open(false);
	const char *nested = "vmcs", *comma = "";
	char text[256];

	line_addf(l, ",\"log\":[");
	for (int i = 0; i < LOG_MAX && kmsg_find(fd, words, text, sizeof(text)); i++) {
		line_addf(l, "%s", comma);
		line_add_string(l, text, strlen(text));
		comma = ",";
		if (strstr(text, EVMCS_MESSAGE))
			nested = "evmcs";
	}
	line_addf(l, "]");
	line_add_member(l, "nested", nested);
	if (fd >= 0)
		close(fd);
}

int guest_send_hello(struct channel *c, long cpus, bool is_l1, char *why, size_t size)
{
	int kvm = capability_open_kvm(why, size), ret;

	if (kvm < 0 && is_l1)
		return kvm;
	identity_find_clock(kvm);
	line_start(&line, "hello");
	identity_add_kernel(&line);
	hypervisor_add(&line);
	if (is_l1)
		add_nested(&line);
	identity_add_clock(&line);
	line_addf(&line, ",\"cpus\":%ld", cpus);
	ret = channel_send_line(c, &line);
	if (kvm >= 0)
		close(kvm);
	return ret;
}
