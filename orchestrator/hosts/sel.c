// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/sel.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/terminal.h"

#define ENTRY_BYTES    300 /* of its text */
#define SEVERITY_BYTES 30

/*
 * What a machine logs when it is at fault itself, as parts of the words that makes use: both of a row. IPMI's are in
 * ipmitool's sdr and event tables (lib/ipmi_sel.c, ipmi_event.h), Redfish's in the makes' message registries.
 * Left out on purpose: watchdogs and "power off", which our own resets leave there; corrected errors, which
 * change no result; fans and batteries, which do not end a boot.
 */
static const struct {
	const char *one, *two;
} faults[] = {
	{"uncorrect", ""}, /* memory, caches, buses */
	{"machine check", ""},
	{"caterr", ""},
	{"ierr", "processor"},
	{"ierr", "cpu"},
	{"thermal trip", ""},
	{"thermtrip", ""},
	{"temperature", "critical"}, /* "Upper Critical going high" */
	{"temperature", "non-recoverable"},
	{"power supply", "fail"},
	{"power supply", "lost"}, /* its input */
	{"psu", "fail"},
	{"power unit", "fail"},
	{"power unit", "ac lost"},
	{"voltage", "critical"},
	{"bus fatal", ""},
	{"pci serr", ""},
	{"pci", " fatal"}, /* not "non-fatal" */
	{"processor", "configuration error"},
};

static bool is_fault(const char *severity, const char *text)
{
	if (!strcasecmp(severity, "ok") || strcasestr(text, "deassert"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (strcasestr(text, faults[i].one) && strcasestr(text, faults[i].two))
			return true;
	return false;
}

static void add_line(struct sel *s, int64_t at, const char *line)
{
	char when[32] = "(no time)";
	time_t t = (time_t)at;
	struct tm tm;

	if (at && gmtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strbuf_addf(&s->text, "%s %s\n", when, line);
}

void sel_add(struct sel *s, int64_t at, const char *severity, const char *text)
{
	__cleanup_free char *cut = NULL;
	__cleanup_free char *line = NULL;

	if (at && at < s->since)
		return;
	cut = xasprintf("%.*s%s%.*s", SEVERITY_BYTES, severity, *severity ? ": " : "", ENTRY_BYTES,
			text);
	line = terminal_line(cut);
	if (++s->entries <= SEL_ENTRIES)
		add_line(s, at, line);
	if (!at || !is_fault(severity, text))
		return;
	if (!s->faults++)
		strbuf_addf(&s->trouble, "the BMC's event log has \"%s\"", line);
}

int sel_write(const struct sel *s, const char *run_dir, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/" SEL_FILE, run_dir);
	__cleanup_free char *text = NULL;

	if (!s->entries)
		return 0;
	text = xstrdup(s->text.buf);
	if (s->entries > SEL_ENTRIES) {
		free(text);
		text = xasprintf("%sand %zu more\n", s->text.buf, s->entries - SEL_ENTRIES);
	}
	return fs_write_file(path, text, strlen(text), err);
}

void sel_release(struct sel *s)
{
	strbuf_release(&s->text);
	strbuf_release(&s->trouble);
}

/* ---- times ---- */

int64_t sel_parse_iso(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours = 0, minutes = 0;
	int64_t at;

	if (!end)
		return 0;
	at = timegm(&tm);
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if ((*end == '+' || *end == '-') && sscanf(end + 1, "%2d:%2d", &hours, &minutes) == 2)
		at -= (*end == '-' ? -1 : 1) * (hours * 60 + minutes) * 60;
	return at > 0 ? at : 0;
}

int64_t sel_parse_american(const char *date, const char *clock)
{
	struct tm tm = {0};
	const char *end = strptime(date, "%m/%d/%Y", &tm);
	int64_t at;

	if (end && tm.tm_year < 0) /* the C locale's two digits */
		end = strptime(date, "%m/%d/%y", &tm);
	if (!end || !strptime(clock, "%H:%M:%S", &tm))
		return 0;
	at = timegm(&tm);
	return at > 0 ? at : 0;
}
