// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - makes an image and boots it on a host, for the integration tests.
 *
 *	boot image KERNEL AGENT PLAN [CMDLINE [FILE]]	prints the image's path; FILE is a program,
 *							in the initramfs as /agent
 *	boot host IMAGE RUN_DIR HOST		prints outcome, record count and error
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "images/images.h"
#include "orchestrator/engine/loop.h"
#include "orchestrator/hosts/hosts.h"

static int make_image(const struct places *places, char **argv)
{
	const struct image_file file = {.path = "/agent", .source = argv[4], .mode = 0755};
	const struct image_request req = {
		.cache_dir = places->cache,
		.bzimage = argv[0],
		.agent = argv[1],
		.plan = argv[2],
		.cmdline = argv[3],
		.files = &file,
		.nfiles = !!file.source,
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

static int boot_host(const struct places *places, char **argv)
{
	const struct boot_request request = {.image = argv[0], .run_dir = argv[1]};
	struct host_config cfg;
	struct boot_result result;
	struct error err = {0};
	int ret = host_find(places, argv[2], &cfg, &err);

	if (ret)
		goto out;
	ret = fs_mkdir_p(argv[1], &err);
	if (!ret)
		ret = boot_once(&cfg, &request, &result, &err);
	host_config_free(&cfg);
	if (ret)
		goto out;
	printf("%s: %llu records: %s\n", boot_outcome_name(result.outcome),
	       (unsigned long long)result.records, err.text);
	if (result.undone)
		printf("undone: %s\n", result.undone);
	boot_result_free(&result);
out:
	if (ret)
		printf("not started: %s\n", err.text);
	return ret ? 1 : 0;
}

/* The command line that a host wants, with what is asked for besides. */
static char *default_cmdline(const struct places *places, const char *more)
{
	struct host_config cfg;
	char *own, *all;

	if (host_find(places, "emulated", &cfg, NULL))
		return NULL;
	own = cfg.driver->cmdline(&cfg, HOST_MEASURES);
	all = xasprintf("%s %s", own, more ? more : "");
	free(own);
	host_config_free(&cfg);
	return all;
}

int main(int argc, char **argv)
{
	struct places places;

	cancel_install();
	places_find(&places, NULL);
	if (argc >= 5 && !strcmp(argv[1], "image")) {
		char *args[] = {argv[2], argv[3], argv[4], default_cmdline(&places, argv[5]),
				argc > 6 ? argv[6] : NULL};

		return make_image(&places, args);
	}
	if (argc == 5 && !strcmp(argv[1], "host"))
		return boot_host(&places, argv + 2);
	fputs("usage: boot image KERNEL AGENT PLAN [CMDLINE] | boot host IMAGE RUN_DIR HOST\n",
	      stderr);
	return 129;
}
