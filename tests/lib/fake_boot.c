// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_boot - stands in for `nestlab run --request request.json --db FILE --session NAME`, for tests of the
 * daemon where an emulated boot would prove nothing more. Stores one boot of the request with a few numbers.
 *
 * FAKE_BOOT: words, each after a blank: "ms=N" takes so long; "infra=N": of N boots one fails by the
 * infrastructure's fault (its row says so); "crash=N": of N one ends without a result; "fatal": exits 128;
 * "old=1": it is of 2020; "huge=N": the result is N MB larger, and cannot be compressed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "orchestrator/request/request.h"
#include "results/store/store.h"

static long setting(const char *name)
{
	const char *all = getenv("FAKE_BOOT"), *at = all ? strstr(all, name) : NULL;

	return at ? atol(at + strlen(name)) : 0;
}

static const char *argument(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], name))
			return argv[i + 1];
	return NULL;
}

/* One of @n, by chance. */
static int falls_on(long n)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return n && ((ts.tv_nsec / 1000) ^ getpid()) % n == 0;
}

static int add_noise(const char *path, long mb)
{
	static char noise[1 << 20];
	FILE *to = fopen(path, "a"), *from = fopen("/dev/urandom", "r");
	int ret = -1;

	while (to && from && mb-- > 0 && fread(noise, sizeof(noise), 1, from) == 1)
		ret = fwrite(noise, sizeof(noise), 1, to) == 1 ? 0 : -1;
	if (from)
		fclose(from);
	if (to && fclose(to))
		return -1;
	return ret;
}

int main(int argc, char **argv)
{
	static const struct results_bucket hist[] = {{1000, 1}, {1001, 2}};
	const struct results_metric metric = {.scenario = "multiplex",
					      .metric = "switch",
					      .params = "{\"l2_vcpus\":8}",
					      .unit = "instructions",
					      .better = "lower",
					      .headline = true,
					      .rounds = 3,
					      .scale = 1,
					      .count = 3,
					      .min = 1000,
					      .max = 1001,
					      .mean = 3002.0 / 3,
					      .hist = hist,
					      .nhist = 2};
	struct results_boot boot = {.scenario_name = "quick",
				    .scenario_hash = "s",
				    .host_name = "emulated",
				    .host_driver = "emulated",
				    .host_identity = "{\"emulator\":\"fake\"}",
				    .clock = "emulated",
				    .environment = "{}",
				    .started = "2026-11-26T00:00:00Z",
				    .wall_seconds = 1,
				    .status = "pass",
				    .agent_sha256 = "a",
				    .metrics = &metric,
				    .nmetrics = 1};
	struct results_db *db;
	struct error err = {0};
	struct request r;

	if (request_load(argument(argc, argv, "--request"), REQUEST_RUN, &r, &err))
		goto fail;
	fprintf(stderr, "fake boot %d of %s\n", r.run.first_boot, r.run.kernels.items[0]);
	usleep(setting("ms=") * 1000);
	if (setting("fatal=") || falls_on(setting("crash=")))
		return 128;
	boot.session = argument(argc, argv, "--session");
	if (setting("old="))
		boot.started = "2020-01-01T00:00:00Z";
	boot.kernel_name = boot.kernel_key = r.run.kernels.items[0];
	boot.boot = r.run.first_boot;
	boot.seed = r.run.seed + boot.boot - 1;
	if (falls_on(setting("infra="))) {
		boot.status = "fail";
		boot.class = RESULTS_INFRASTRUCTURE;
		boot.error = "the emulator died";
		boot.nmetrics = 0;
	}
	if (results_open(argument(argc, argv, "--db"), true, &db, &err) ||
	    results_store(db, &boot, NULL, &err))
		goto fail;
	results_close(db);
	if (setting("huge=") && add_noise(argument(argc, argv, "--db"), setting("huge=")))
		return 128;
	return boot.class ? 125 : 0;
fail:
	fprintf(stderr, "fake_boot: error: %s\n", err.text);
	return 128;
}
