/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * driver.h - WHERE it runs: hosts are drivers behind one table.
 *
 * The engine (orchestrator/engine/boot.h) boots an image: provision, open the record channel, switch
 * on, follow, switch off, release. A driver only knows how its host does those things. What comes from the host - console and records - is always a growing file in the run
 * directory, whoever writes it (the emulator itself, a serial-over-LAN client, an HTTP server), so
 * there is one place that reads and judges it.
 */
#ifndef ORCHESTRATOR_HOSTS_DRIVER_H
#define ORCHESTRATOR_HOSTS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

struct host_config { /* hosts/NAME.json, or the built-in "emulated" */
	char *name;
	char *driver; /* a host_driver's name */
	char *description;
	char *path;	   /* of its file; NULL for a built-in */
	int64_t cpus;	   /* emulated: how many */
	int64_t megabytes; /* emulated: RAM in all */
	int64_t unmanaged_megabytes; /* of it hidden from the kernel (mem=) for unmanaged L1 memory; 0: none */
	uint64_t
		ips; /* emulated: instructions per emulated second, the TSC's rate; 0: a real clock */
	int64_t wall_limit_s;	  /* power-on to end, at most */
	int64_t progress_limit_s; /* without a new record (before the first: a console byte), at most */
};

/* One boot while it goes on: what the engine and a driver's methods share. */
struct host_session {
	const struct host_config *cfg;
	const char *image;   /* ISO to boot */
	const char *run_dir; /* exists, empty, the driver's: console.log, records.jsonl, ... */
	char *console_path, *records_path; /* set before provision() */
	int wake_fd; /* -1, or readable when is_on() has something to look at */
	void *priv;  /* the driver's, freed by release() */
};

enum host_power { HOST_POWER_OFF, HOST_POWER_ON };

struct host_driver {
	const char *name;
	const char *help; /* one line: what such a host is */
	const char
		*cmdline; /* what the kernel's command line must have on every host of its kind */
	const char *selftest_cmdline; /* NULL, or what it must have besides where selftests run */
	int parallel;		      /* boots that may run at once; 0: one per core */

	/* Can it run now? Each missing thing with its remedy is a line in @report; *ok is the answer.
	 * @identity (NULL: not wanted) gets a canonical JSON object: what makes its numbers
	 * comparable (emulator and version, CPU model, memory, clock rate). */
	int (*probe)(const struct host_config *cfg, bool *ok, struct strbuf *report,
		     struct strbuf *identity, struct error *err);
	/* Brings s->image to where the host will boot it next. Sets s->priv. */
	int (*provision)(struct host_session *s, struct error *err);
	/* From here on what the host sends will land in s->console_path and s->records_path. */
	int (*open_channel)(struct host_session *s, struct error *err);
	/* Switches on, or off at once (a host that is off already is no error). */
	int (*power)(struct host_session *s, enum host_power want, struct error *err);
	/* Is it still on? Asked often, at once when s->wake_fd is readable. Once it says no, all that
	 * the host sent is in the files. */
	bool (*is_on)(struct host_session *s);
	/* Why did it go off by itself? Appends that to @why, to be read by people. 0: the guest
	 * switched it off; -ECONNRESET: the guest died (a triple fault, a reset); -EIO: the host
	 * itself failed (the emulator crashed or was killed, ...). */
	int (*postmortem)(struct host_session *s, struct strbuf *why);
	/* Undoes provision() and open_channel(), each if it was done. The host is off. */
	void (*release)(struct host_session *s);
};

extern const struct host_driver *const host_drivers[]; /* NULL-terminated */

/* @name: a built-in, a plain name (DATA_ROOT/hosts/NAME.json) or a path ending in .json. -ENOENT,
 * or -EINVAL with file and path in it. What was loaded is freed with host_config_free(). */
int host_find(const char *name, struct host_config *cfg, const struct host_driver **driver,
	      struct error *err);
void host_config_free(struct host_config *cfg);
/* Sorted names of all hosts; free with fs_free_names(). */
int host_list(char ***names, size_t *count, struct error *err);
/* The kernel command line for it: driver->cmdline and what follows from @cfg; the caller frees. */
char *host_cmdline(const struct host_driver *drv, const struct host_config *cfg);
/* The same with driver->selftest_cmdline. */
char *host_selftest_cmdline(const struct host_driver *drv, const struct host_config *cfg);

#endif
