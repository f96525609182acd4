// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - makes an image and boots it on a host, for the integration tests.
 *
 *	boot image KERNEL AGENT PLAN [CMDLINE]	prints the image's path
 *	boot host IMAGE RUN_DIR HOST		prints outcome, record count and error
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "images/images.h"
#include "orchestrator/engine/boot.h"

static int make_image(char **argv)
{
	__cleanup_free char *cache = fs_cache_dir();
	const struct image_request req = {
		.cache_dir = cache,
		.bzimage = argv[0],
		.agent = argv[1],
		.plan = argv[2],
		.cmdline = argv[3],
	};
	struct error err = {0};
	struct image image;

	if (image_build(&req, &image, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	puts(image.path);
	image_free(&image);
	return 0;
}

static int boot_host(char **argv)
{
	const struct host_boot boot = {.image = argv[0], .run_dir = argv[1]};
	const struct host_driver *driver;
	struct host_config cfg;
	struct host_result result;
	struct error err = {0};
	int ret = host_find(argv[2], &cfg, &driver, &err);

	ret = ret ? ret : fs_mkdir_p(argv[1], &err);
	ret = ret ? ret : host_boot(driver, &cfg, &boot, &result, &err);
	if (ret) {
		printf("not started: %s\n", err.text);
		return 1;
	}
	printf("%s: %llu records: %s\n", host_outcome_name(result.outcome),
	       (unsigned long long)result.records, err.text);
	host_result_free(&result);
	host_config_free(&cfg);
	return 0;
}

/* The command line that a host wants, with what is asked for besides. */
static char *default_cmdline(const char *more)
{
	const struct host_driver *driver;
	struct host_config cfg;
	char *own, *all;

	if (host_find("emulated", &cfg, &driver, NULL))
		return NULL;
	own = host_cmdline(driver, &cfg);
	all = xasprintf("%s %s", own, more ? more : "");
	free(own);
	host_config_free(&cfg);
	return all;
}

int main(int argc, char **argv)
{
	cancel_install();
	if (argc >= 5 && !strcmp(argv[1], "image")) {
		char *args[] = {argv[2], argv[3], argv[4], default_cmdline(argv[5])};

		return make_image(args);
	}
	if (argc == 5 && !strcmp(argv[1], "host"))
		return boot_host(argv + 2);
	fputs("usage: boot image KERNEL AGENT PLAN [CMDLINE] | boot host IMAGE RUN_DIR HOST\n",
	      stderr);
	return 129;
}
