// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "common/alloc.h"
#include "orchestrator/hosts/emulated.h"

#define KERNEL_MEGABYTES 256 /* that the kernel itself must keep, at least */

static const struct host_number numbers[] = {
	{"cpus", offsetof(struct emulated_config, cpus), 1, 1, 4},
	{"megabytes", offsetof(struct emulated_config, megabytes), 1024, KERNEL_MEGABYTES, 3072},
	{"unmanaged_megabytes", offsetof(struct emulated_config, unmanaged_megabytes), 256, 0,
	 2048},
	{"ips", offsetof(struct emulated_config, ips), 100000000, 1000000, 10000000000},
};

const char *const host_emulated_keys[] = {"cpus", "megabytes", "unmanaged_megabytes", "ips", NULL};

int host_emulated_configure(const struct json_node *file, void **own, struct error *err)
{
	struct emulated_config *c = xcalloc(1, sizeof(*c));
	int ret;

	*own = c;
	ret = host_read_numbers(file, numbers, ARRAY_SIZE(numbers), c, err);
	if (ret)
		return ret;
	if (c->megabytes - c->unmanaged_megabytes < KERNEL_MEGABYTES)
		return json_error(file, err,
				  "unmanaged_megabytes leaves the kernel less than %d of megabytes",
				  KERNEL_MEGABYTES);
	return 0;
}

char *host_emulated_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	const struct emulated_config *c = cfg->own;
	struct strbuf line = STRBUF_INIT;

	/*
	 * Of the boot only what is worse than an error goes to the serial line, which takes 8680
	 * instructions a byte at the default rate; from /init on, warnings too. A panic repeats the
	 * whole log (panic_print). The TSC is the clock, and the kernel is given its rate
	 * (tsc_early_khz): CPUID states another one.
	 */
	strbuf_addf(
		&line,
		"console=ttyS0,115200 loglevel=3 sysctl.kernel.printk=5 panic_print=32 " HOST_FIXED_LAYOUT
		" tsc=reliable nestlab.clock=emulated tsc_early_khz=%lld",
		(long long)c->ips / 1000);
	if (c->unmanaged_megabytes)
		strbuf_addf(&line, " mem=%lldM",
			    (long long)(c->megabytes - c->unmanaged_megabytes));
	/*
	 * Bochs' page-modification log holds addresses that are not page-aligned (Intel SDM volume
	 * 3C, section 29.3.6: they are), at which vmx.c warns. It takes dirty logging to see that,
	 * which selftests do, and no measurement.
	 */
	if (purpose == HOST_SELFTESTS)
		strbuf_addstr(&line, " kvm_intel.pml=0");
	return strbuf_detach(&line);
}

/* With more CPUs than one the time is that of all of them: an operation's instructions are not its own. */
const char *host_emulated_cannot_trace(const struct host_config *cfg)
{
	const struct emulated_config *c = cfg->own;

	if (c->cpus != 1)
		return "it has more than one CPU, and time passes for all of them: use a host with "
		       "one, such as emulated";
	return NULL;
}

const char *host_emulated_share(void)
{
	const char *dir = getenv("BXSHARE");

	return dir && *dir ? dir : "/usr/share/bochs";
}
