// SPDX-License-Identifier: GPL-2.0-only
/* l1_thin.c - the agent itself as the VMM of a Linux L1. */
#include <signal.h>
#include <string.h>

#include "agents/l0/kvm_stats.h"
#include "agents/l0/vmm/l1_vmm.h"
#include "agents/l0/vmm/thin.h"

static int thin_vmm_open(const struct plan_measure *m, const char *kernel, struct sink *s,
			 void **vmm)
{
	static struct thin thin;

	*vmm = &thin;
	return thin_open(&thin, m, kernel, s);
}

static int thin_vmm_peek(void *vmm, size_t at, void *to, size_t len)
{
	memcpy(to, (const char *)thin_mail(vmm) + at, len);
	return 0;
}

static int thin_vmm_poke(void *vmm, size_t at, const void *from, size_t len)
{
	memcpy((char *)thin_mail(vmm) + at, from, len);
	return 0;
}

static int thin_vmm_run(void *vmm, unsigned int limit_s)
{
	return thin_run(vmm, limit_s);
}

static struct kvm_stats *thin_vmm_stats(void *vmm)
{
	int fds[THIN_STATS_FDS];

	return kvm_stats_begin(fds, thin_fds(vmm, fds));
}

static void thin_vmm_begin(void *vmm, const struct plan_measure *m)
{
	thin_expect_changes(vmm, m);
}

static int thin_vmm_end(void *vmm)
{
	return thin_check_changes(vmm);
}

static bool thin_vmm_uses_evmcs(void *vmm)
{
	return thin_uses_evmcs(vmm);
}

/* The agent's process that measures is the VMM. */
static void thin_vmm_kill(void *vmm)
{
	(void)vmm;
	raise(SIGKILL);
}

static void thin_vmm_close(void *vmm)
{
	if (vmm)
		thin_close(vmm);
}

const struct l1_vmm l1_vmm_thin = {
	.begin = thin_vmm_begin,
	.end = thin_vmm_end,
	.open = thin_vmm_open,
	.peek = thin_vmm_peek,
	.poke = thin_vmm_poke,
	.run = thin_vmm_run,
	.stats = thin_vmm_stats,
	.uses_evmcs = thin_vmm_uses_evmcs,
	.kill = thin_vmm_kill,
	.close = thin_vmm_close,
};
