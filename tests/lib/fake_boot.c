// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_boot - stands in for `nestlab run --request request.json --db FILE --session NAME`, for tests of the
 * daemon where an emulated boot would prove nothing more. Stores one boot of the request with a few numbers.
 *
 * A kernel that is a variant's file with a commit of git in it has the number that the file `cost` of that commit has, and
 * each third boot one more; with patches on top of such a one, the number that the last of them puts there, and where
 * one puts `int broken` into a file it does not build. `nestlab bisect` is faked too: it reads `cost` of the commits in
 * between; and `nestlab explain`, which finds a loop that grew ("unexplained=1": which cannot tell).
 *
 * FAKE_BOOT: words, each after a blank: "ms=N" takes so long; "gate=FILE": does not end before FILE is there;
 * "infra=N": of N boots one fails by the
 * infrastructure's fault (its row says so); "crash=N": of N one ends without a result; "fatal": exits 128;
 * "old=1": it is of 2020; "huge=N": the result is N MB larger, and cannot be compressed; "cost=N": the number of a
 * kernel without a commit.
 */
#include <errno.h>
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
#include "results/explain/explain.h"
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

/* Something is done to those that run before the test lets them end: no time would do on every machine. */
static void wait_for_gate(void)
{
	const char *all = getenv("FAKE_BOOT"), *at = all ? strstr(all, "gate=") : NULL;
	__cleanup_free char *path = NULL;

	if (!at)
		return;
	path = xstrdup(at + strlen("gate="));
	path[strcspn(path, " ")] = '\0';
	while (access(path, F_OK))
		usleep(20000);
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

/* A series: what the last of its patches puts into `cost`. */
static unsigned int cost_of_series(const char *folder, unsigned int cost, int *broken)
{
	struct strbuf list = STRBUF_INIT;
	char *rest, *name, *path = xasprintf("%s/series", folder);

	if (fs_read_file(path, 0, &list, NULL))
		return cost;
	rest = list.buf;
	while ((name = strsep(&rest, "\n"))) {
		struct strbuf patch = STRBUF_INIT;
		const char *at;

		if (!*name || fs_read_file(xasprintf("%s/%s", folder, name), 0, &patch, NULL))
			continue;
		at = strstr(patch.buf, "+++ b/cost\n");
		at = at ? strstr(at, "\n+") : NULL;
		if (at && atoi(at + 2))
			cost = atoi(at + 2);
		*broken |= strstr(patch.buf, "\n+int broken") != NULL;
	}
	return cost;
}

/* A variant's file: its cost; its name is the file's stem. */
static unsigned int look_at(const char **kernel, const char *path, int *broken)
{
	struct json_object *doc, *source, *patches;
	struct json_node root;
	struct error err;

	*kernel = path;
	if (!fs_has_suffix(path, ".json") || json_load(path, &doc, &root, &err))
		return setting("cost=") ? setting("cost=") : 1000;
	*kernel = fs_stem(strrchr(path, '/') + 1, ".json");
	source = json_object_object_get(doc, "source");
	if (json_object_object_get_ex(doc, "patches", &patches)) {
		const char *ignored,
			*base = json_object_get_string(json_object_object_get(doc, "base"));
		char *folder = strndup(path, strrchr(path, '/') - path);

		return cost_of_series(xasprintf("%s/%s", folder, json_object_get_string(patches)),
				      look_at(&ignored, base, broken), broken);
	}
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

/* `nestlab explain`: a loop that grew, and nothing else. */
static int fake_explain(int argc, char **argv)
{
	static struct explain_row rows[] = {
		{"walk", "mm/walk.c", "main", EXPLAIN_L0, {{1500, 1}, {1520, 1}}, 15, 25, true},
		{"still", "mm/still.c", "main", EXPLAIN_L0, {{100, 1}, {100, 1}}, -1, 1, false},
	};
	struct explanation e = {.scenario = "multiplex",
				.params = "{}",
				.metric = "switch",
				.operation = "switch",
				.host = "emulated",
				.made = "now",
				.nsides = 2,
				.low = 15,
				.high = 25};
	const char *text;

	if (setting("unexplained="))
		return 125;
	for (int i = 0; i < 2; i++)
		e.sides[i] = (struct explain_side){.kernel = "k",
						   .key = i ? "new" : "base",
						   .total = {1600 + 20 * i, 1},
						   .median = 1600 + 20 * i,
						   .mean = 1600 + 20 * i,
						   .operations = 9,
						   .followed = 9,
						   .all = {1600 + 20 * i, 1},
						   .boots = 1};
	e.tables[EXPLAIN_BY_FUNCTION] = (struct explain_table){rows, 2};
	text = json_object_to_json_string(explain_to_json(&e));
	return fs_write_file(argument(argc, argv, "-o"), text, strlen(text), NULL) ? 128 : 0;
}

/* What a boot of a kernel of this cost measured, or how it died. */
static void measure(struct results_boot *boot, unsigned int cost)
{
	static struct results_bucket hist[] = {{0, 1}, {0, 2}};
	static struct results_metric metric = {.scenario = "multiplex",
					       .metric = "switch",
					       .params = "{\"l2_vcpus\":8}",
					       .unit = "instructions",
					       .better = "lower",
					       .headline = true,
					       .rounds = 3,
					       .scale = 1,
					       .count = 3,
					       .hist = hist,
					       .nhist = 2};

	if (falls_on(setting("infra="))) {
		boot->status = "fail";
		boot->class = RESULTS_INFRASTRUCTURE;
		boot->error = "the emulator died";
		return;
	}
	cost += boot->seed % 3 == 0;
	hist[0].bucket = cost;
	hist[1].bucket = cost + 1;
	metric.min = cost;
	metric.max = cost + 1;
	metric.mean = (3.0 * cost + 2) / 3;
	boot->metrics = &metric;
	boot->nmetrics = 1;
}

static int fake_run(int argc, char **argv, struct error *err)
{
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
				    .agent_sha256 = "a"};
	struct results_db *db;
	struct request r;
	unsigned int cost;
	int broken = 0, ret = request_load(argument(argc, argv, "--request"), REQUEST_RUN, &r, err);

	if (ret)
		return ret;
	fprintf(stderr, "fake boot %d of %s\n", r.run.first_boot, r.run.kernels.items[0]);
	usleep(setting("ms=") *
	       1000); /* as long as a boot takes: something is to be killed meanwhile */
	wait_for_gate();
	if (setting("fatal=") || falls_on(setting("crash=")))
		return error_set(err, -EIO, "it was told to fail");
	boot.session = argument(argc, argv, "--session");
	if (setting("old="))
		boot.started = "2020-01-01T00:00:00Z";
	boot.boot = r.run.first_boot;
	boot.seed = r.run.seed + boot.boot - 1;
	cost = look_at(&boot.kernel_name, r.run.kernels.items[0], &broken);
	measure(&boot, cost);
	boot.kernel_key = boot.source_hash = boot.kernel_name;
	ret = results_open(argument(argc, argv, "--db"), true, &db, err);
	if (ret)
		return ret;
	if (broken) {
		results_close(db);
		fprintf(stderr,
			"nestlab: error: kernel %s: does not compile:\n  vmx.c:7:1: error: expected ';' before 'int'\n",
			boot.kernel_name);
		return 1;
	}
	ret = results_store(db, &boot, NULL, err);
	results_close(db);
	if (!ret && setting("huge="))
		ret = add_noise(argument(argc, argv, "--db"), setting("huge="));
	if (ret)
		return ret;
	return boot.class ? 125 : 0;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	int ret;

	if (argc > 1 && !strcmp(argv[1], "bisect"))
		return fake_bisect(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "explain"))
		return fake_explain(argc, argv);
	ret = fake_run(argc, argv, &err);
	if (ret >= 0)
		return ret;
	fprintf(stderr, "fake_boot: error: %s\n", err.text);
	return 128;
}
