/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schedule.h - schedules/NAME.json: which kernels are measured when, and what is done about a change.
 *
 *	{
 *	  "at": "*-*-* 01:00",            // systemd.time(7), UTC unless it names a zone
 *	  "missed": "once" | "skip",      // a night that was due while no daemon ran (once)
 *	  "kernels": [ { "git": "/srv/linux.git", "ref": "kvm/next", "variant": "baseline" },
 *	               "my-variant" ],    // git: the ref's commit, built with the variant's config (baseline);
 *	                                  // "name": what its nights are called, where two have the same ref
 *	  "against": "previous",          // or a variant: booted in each night as well, first
 *	  "plans": ["quick"], "boots": 4,
 *	  "hosts": { "host": "emulated", "pool": "rack", "tags": ["icelake"] },
 *	  "priority": 40, "deadline": "6h", // s, m, h, d
 *	  "on_change": { "confirm": true, "bisect": true, "explain": true, "mail": ["kvm-perf@example.org"],
 *	                 "webhook": "https://hooks.example.org/lab", "kcidb": "https://kcidb.example.org/submit" },
 *	  "watch": { ... }                // a mailing list, instead of nights: its "kernels" are what series go onto
 *	}
 *
 * "at", "kernels" and "plans" have to be there. A git repository is a folder of the daemon's machine. "kcidb" is an
 * address or a folder (an absolute path).
 *
 *	"watch": {
 *	  "inbox": "/srv/kvm",            // of public-inbox: a folder (v1 or v2), or its HTTP address
 *	  "since": "2026-11-01",          // older mails are passed over (those before the first look)
 *	  "list": "kvm@vger.kernel.org",  // only mails to it, where the archive has several lists
 *	  "subject": "nVMX|VMX",          // extended regular expression: of the cover letter or a patch
 *	  "paths": ["arch/x86/kvm/vmx/"], // one of them is changed
 *	  "answer": "draft" | "send",     // draft: answers are kept for somebody to read and send
 *	  "cc": ["kvm@vger.kernel.org"]   // who gets the answer besides the author
 *	}
 */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_SCHEDULE_H
#define ORCHESTRATOR_DAEMON_NIGHTS_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/sha256.h"

#define SCHEDULE_KERNELS_MAX 16
#define SCHEDULE_NAMES_MAX   32 /* plans, tags, addresses */

struct schedule_kernel {
	char *git, *ref; /* NULL: a variant as it is */
	char *variant;
	char *branch; /* what its nights are called: "name", else the ref or the variant as a file's name */
};

struct schedule_names {
	char *items[SCHEDULE_NAMES_MAX];
	size_t count;
};

struct schedule_watch {
	char *inbox;	      /* NULL: no list is watched */
	char *list, *subject; /* or NULL */
	int64_t since;	      /* seconds since 1970; 0: the first look */
	struct schedule_names paths, cc;
	bool send;
};

struct schedule { /* free with schedule_free() */
	char *name;
	char sha256[SHA256_HEX]; /* of its file */
	char *at;
	bool skip_missed;
	struct schedule_kernel kernels[SCHEDULE_KERNELS_MAX];
	size_t nkernels;
	char *against; /* NULL: the previous night */
	struct schedule_names plans, tags, mail;
	int boots, priority;
	char *host, *pool; /* or NULL */
	int64_t deadline_ms;
	bool confirm, bisect, explain;
	char *webhook, *kcidb; /* or NULL */
	struct schedule_watch watch;
};

/* "kvm/next" -> "kvm-next": a file's name. The caller frees. */
char *schedule_plain_name(const char *ref);

/* -EINVAL names file, key and remedy. */
int schedule_load(const char *path, struct schedule *out, struct error *err);
void schedule_free(struct schedule *s);

/*
 * The next moment of the calendar expression @at after @base, both in seconds since 1970; *next: INT64_MAX: never.
 * Asks systemd-analyze. -EINVAL: no calendar expression; @name is what to call it.
 */
int schedule_next(const char *name, const char *at, int64_t base, int64_t *next, struct error *err);

/* All of it: the file, its calendar, its repositories and refs. */
int schedule_check(const char *path, struct error *err);

#endif
