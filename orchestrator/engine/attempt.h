/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attempt.h - one boot of a run, from its image to its row in the database.
 *
 *	a = attempt_new(&setting, &job);
 *	if (!attempt_prepare(a))		// folder and image
 *		boot_loop_add(loop, attempt_begin(a));
 *	...
 *	attempt_judge(boot_arg(over), over);	// when its boot is over
 *	if (a->goes_on)				// once more from attempt_prepare() on
 *	attempt_store(a, err);			// also one that could not be prepared: it failed
 *	attempt_free(a);
 *
 * A selftest that a boot ends in (it hangs, panics, powers off) costs its own result only: it has
 * failed, and the measurements that come after it are run in another boot. All is one row, of a boot
 * that failed.
 */
#ifndef ORCHESTRATOR_ENGINE_ATTEMPT_H
#define ORCHESTRATOR_ENGINE_ATTEMPT_H

#include "images/images.h"
#include "images/userland.h"
#include "kernels/kernels.h"
#include "orchestrator/engine/boot.h"
#include "orchestrator/engine/collect.h"
#include "orchestrator/engine/l1_image.h"
#include "orchestrator/engine/pair.h"
#include "orchestrator/engine/selftests.h"
#include "orchestrator/hosts/hosts.h"
#include "orchestrator/places.h"

/* What all boots of a run share. Borrowed, to the last attempt_free(). */
struct attempt_setting {
	const struct places *places;
	const struct host_config *host;
	const struct host_found *found;
	struct results_db *db;
	const char *session, *runs_dir;
	const char *append;	 /* more boot parameters; NULL: none */
	const char *environment; /* JSON */
};

/* Which boot it is. Borrowed as well. */
struct attempt_job {
	const struct kernel_build *kernel;
	const struct scenario_plan *plan;
	const struct selftests *selftests;
	const struct kernel_build *l1;	  /* what its Linux L1s boot; NULL: it has none */
	const struct l1_image *disk;	  /* what its L1s on a disk boot; NULL: it has none */
	const struct host_tracer *tracer; /* NULL: nobody follows its instructions */
	struct pair *
		pair; /* another boot that L1s go to or come from, which holds it too; NULL: none */
	enum carrier_side side; /* of the pair */
	int boot;		/* from 1 */
	uint64_t seed;
};

struct attempt {
	struct attempt_setting setting;
	struct attempt_job job;
	struct userland userland; /* empty where the plan needs none, or nothing is booted */
	char *capabilities; /* the file of the cache with what libvirt found out; NULL: the plan has no libvirt */
	struct image image;
	struct boot_result result;
	struct collector collected;
	char *dir, *label, *cmdline;
	char *plan, *selftests; /* files of it where nothing is booted; else NULL */
	char started[32];
	struct boot *running; /* from attempt_begin() to attempt_judge() */
	/* Where a selftest ended its boot, and there is a rest: */
	bool goes_on;		  /* the rest is still to be booted */
	size_t first;		  /* the measurement that its boot begins with */
	struct error ended;	  /* how the boots before ended */
	char *console;		  /* of the first of them */
	double seconds;		  /* that they took */
	enum results_class class; /* RESULTS_OK, or why it failed is in error */
	struct error error;
};

struct attempt *attempt_new(const struct attempt_setting *setting, const struct attempt_job *job);
/* Makes its folder and its image, or what stands for one where nothing is booted. On an error the attempt has failed: class and error are set. */
int attempt_prepare(struct attempt *a);
/* Its boot, for a loop; boot_arg() is the attempt. */
struct boot *attempt_begin(struct attempt *a);
/* Ends @over, its boot, and sets class and error; or only goes_on, if it goes on. */
void attempt_judge(struct attempt *a, struct boot *over);
/* The log of the console where it failed first, else of its boot; NULL: nothing was started. */
const char *attempt_console(const struct attempt *a);
int attempt_store(const struct attempt *a, struct error *err);
void attempt_free(struct attempt *a);

#endif
