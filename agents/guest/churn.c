// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn.c - something happens to the memory of a Linux L1, and its L2s run on: each is checked after its first
 * entry since (agents/l0/vmm/thin_churn.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agents/guest/crew.h"
#include "agents/guest/mail.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/vm.h"

struct churn {
	int port;
	struct histogram *operation;
	struct figures *resume;
};

static int ask_for_change(const struct churn *c)
{
	uint64_t begin = __builtin_ia32_rdtsc();

	if (pwrite(c->port, "", 1, MAIL_CHANGE_PORT) != 1)
		return -errno;
	histogram_add(c->operation, clock_units(__builtin_ia32_rdtsc() - begin));
	return 0;
}

static int run_rounds(struct l2set *set, uint32_t rounds, const struct churn *c)
{
	for (uint32_t r = 0; r < rounds; r++) {
		int ret = ask_for_change(c);

		for (uint32_t i = 0; i < set->count && !ret; i++)
			ret = crew_run_turn(&set->l2[i], c->resume);
		if (ret)
			return ret;
	}
	return 0;
}

static int measure_churn(struct l2set *set, const struct plan_measure *m, const struct churn *c,
			 struct sink *s)
{
	static struct figures first_resume;
	static struct histogram first_operation;
	const struct churn first = {c->port, &first_operation, &first_resume};
	int ret = l2set_open(set, m, 0, s);

	if (ret)
		return ret;
	ret = run_rounds(set, m->warmup, &first);
	if (ret)
		return ret;
	ret = run_rounds(set, m->rounds, c);
	if (ret)
		return ret;
	return l2set_prove(set);
}

int guest_churn_run(const struct plan_measure *m, struct sink *s)
{
	static struct l2set set;
	static struct figures resume;
	static struct histogram operation;
	const struct churn c = {open("/dev/port", O_WRONLY | O_CLOEXEC), &operation, &resume};
	int ret;

	if (c.port < 0)
		return -errno;
	histogram_init_zeroed(&operation);
	histogram_init_zeroed(&resume.change);
	ret = measure_churn(&set, m, &c, s);
	if (!ret) {
		sink_metric(s, "operation", &operation);
		sink_metric(s, "resume", &resume.change);
	}
	return vm_result(ret);
}
