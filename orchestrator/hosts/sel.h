/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sel.h - what a BMC's System Event Log has of a boot that failed: kept beside the console, and searched for what
 * is a fault of the machine's own, which makes the boot infrastructure whatever it looked like.
 *
 *	struct sel sel = SEL_INIT(since);
 *	sel_add(&sel, at, severity, text);		for each entry of the log, in any order
 *	sel_write(&sel, run_dir, err);
 *	... sel.trouble.len ...				the machine itself failed
 *	sel_release(&sel);
 *
 * Times are seconds since 1970 by the BMC's clock, which may be any: whoever reads the log asks the BMC for the time as
 * well, and counts back to power-on from there.
 */
#ifndef ORCHESTRATOR_HOSTS_SEL_H
#define ORCHESTRATOR_HOSTS_SEL_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/strbuf.h"

#define SEL_FILE    "sel.log" /* in the run directory */
#define SEL_ENTRIES 64	      /* that are kept, at most: a broken part may add thousands */

struct sel {
	int64_t since;	       /* older entries are another boot's */
	size_t entries;	       /* since then, or of an unknown time */
	size_t asked;	       /* the caller's: entries that were fetched one by one */
	size_t unread;	       /* the caller's: parts of the log that could not be read */
	size_t faults;	       /* of the machine's own */
	struct strbuf text;    /* the file's: a line for each */
	struct strbuf trouble; /* the first fault, as it is told; empty: none */
};
#define SEL_INIT(from)                                                       \
	{                                                                    \
		.since = (from), .text = STRBUF_INIT, .trouble = STRBUF_INIT \
	}

/* One entry, as the BMC words it. @at 0: it has no time, and so it may be another boot's: kept, and blamed for
 * nothing. @severity: "", or the BMC's word; what is "OK" for it is no fault. */
void sel_add(struct sel *s, int64_t at, const char *severity, const char *text);

/* The file; none if there is no entry. */
int sel_write(const struct sel *s, const char *run_dir, struct error *err);
void sel_release(struct sel *s);

/* "2026-11-26T07:10:00Z", "...+01:00", with or without a fraction; 0: no such time. */
int64_t sel_parse_iso(const char *text);
/* "11/26/2026" or "11/26/26", and "07:10:00", of ipmitool under TZ=UTC; 0: no such time. */
int64_t sel_parse_american(const char *date, const char *time);

#endif
