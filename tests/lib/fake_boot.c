// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_boot - stands in for `nestlab run --request request.json --db FILE --session NAME`, for tests of the
 * daemon where an emulated boot would prove nothing more. Stores one boot of the request with a few numbers.
 *
 * A kernel that is a variant's file with a commit of git in it has the number that the file `cost` of that commit has, and
 * each third boot one more. `nestlab bisect` is faked too: it reads `cost` of the commits in between.
 *
 * FAKE_BOOT: words, each after a blank: "ms=N" takes so long; "infra=N": of N boots one fails by the
 * infrastructure's fault (its row says so); "crash=N": of N one ends without a result; "fatal": exits 128.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/json.h"
#include "orchestrator/request/request.h"
#include "results/store/bisect.h"
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

/* What is in the file `cost` of the commit; 1000 if there is none. */
static unsigned int cost_of(const char *tree, const char *commit)
{
	char *name = xasprintf("%s:cost", commit), *line = NULL;
	const char *const args[] = {"show", name, NULL};
	const struct git_command cmd = {.dir = tree, .args = args};
	struct error err;

	if (git_line(&cmd, &line, &err))
		return 1000;
	return atoi(line);
}

/* A variant's file: its cost; its name is the file's stem. */
static unsigned int look_at(const char **kernel, const char *path)
{
	struct json_object *doc, *source;
	struct json_node root;
	struct error err;

	*kernel = path;
	if (!fs_has_suffix(path, ".json") || json_load(path, &doc, &root, &err))
		return 1000;
	*kernel = fs_stem(strrchr(path, '/') + 1, ".json");
	source = json_object_object_get(doc, "source");
	return cost_of(json_object_get_string(json_object_object_get(source, "location")),
		       json_object_get_string(json_object_object_get(source, "ref")));
}

/* The first commit of the range that costs more than halfway between both ends. */
static char *search(const struct request_bisect *b, struct error *err)
{
	double border = (cost_of(b->tree, b->good) + cost_of(b->tree, b->bad)) / 2.0;
	char *range = xasprintf("%s..%s", b->good, b->bad), *line, *rest;
	const char *const args[] = {"rev-list", "--reverse", range, NULL};
	const struct git_command cmd = {.dir = b->tree, .args = args};
	struct strbuf out = STRBUF_INIT;

	if (git_run(&cmd, NULL, &out, err))
		return NULL;
	rest = out.buf;
	while ((line = strsep(&rest, "\n")) && *line)
		if (cost_of(b->tree, line) > border)
			return line;
	return "none";
}

static int fake_bisect(int argc, char **argv)
{
	const char *session = xasprintf("fake-%d", getpid());
	struct results_db *db;
	struct error err = {0};
	struct request r;
	char *culprit;
	int64_t id;

	if (request_load(argument(argc, argv, "--request"), REQUEST_BISECT, &r, &err) ||
	    !(culprit = search(&r.bisect, &err)) ||
	    results_open(argument(argc, argv, "--db"), true, &db, &err) ||
	    results_bisect_create(db, session, request_json(&r), &id, &err) ||
	    results_bisect_finish(
		    db, id, "done",
		    xasprintf("{\"end\":\"confirmed\",\"suspects\":[\"%s\"]}", culprit), &err)) {
		fprintf(stderr, "fake_boot: error: %s\n", err.text);
		return 128;
	}
	results_close(db);
	return 0;
}

int main(int argc, char **argv)
{
	struct results_bucket hist[] = {{1000, 1}, {1001, 2}};
	struct results_metric metric = {.scenario = "multiplex",
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
	unsigned int cost;

	if (argc > 1 && !strcmp(argv[1], "bisect"))
		return fake_bisect(argc, argv);
	if (request_load(argument(argc, argv, "--request"), REQUEST_RUN, &r, &err))
		goto fail;
	fprintf(stderr, "fake boot %d of %s\n", r.run.first_boot, r.run.kernels.items[0]);
	usleep(setting("ms=") * 1000);
	if (setting("fatal=") || falls_on(setting("crash=")))
		return 128;
	boot.session = argument(argc, argv, "--session");
	cost = look_at(&boot.kernel_name, r.run.kernels.items[0]);
	boot.kernel_key = boot.kernel_name;
	boot.boot = r.run.first_boot;
	boot.seed = r.run.seed + boot.boot - 1;
	cost += boot.seed % 3 == 0;
	hist[0].bucket = cost;
	hist[1].bucket = cost + 1;
	metric.min = cost;
	metric.max = cost + 1;
	metric.mean = (3.0 * cost + 2) / 3;
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
	return boot.class ? 125 : 0;
fail:
	fprintf(stderr, "fake_boot: error: %s\n", err.text);
	return 128;
}
