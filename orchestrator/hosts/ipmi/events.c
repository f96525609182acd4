// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/ipmi/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define LAST	"200" /* entries that are asked for */
#define SLACK_S 5     /* the time is asked for some requests later than it is needed */
#define FIELDS	6

/* Get SEL Time (IPMI 2.0, 31.10): four bytes, seconds, the lowest first. */
static const char *const ask_time[] = {"raw", "0x0a", "0x48", NULL};
/* Not `elist`, which reads all sensors' names first: a minute with many BMCs. */
static const char *const list_last[] = {"sel", "list", "last", LAST, NULL};

/*
 *	"   4 |  Pre-Init  |0000024449| Processor #0x01 | Thermal Trip | Asserted"
 *	"   5 | 11/26/2026 | 07:10:00 UTC | Memory #0x02 | Uncorrectable ECC | Asserted"
 *
 * Pre-Init is ipmitool's word for a time before 1990: of a BMC whose clock nobody has set, in seconds.
 */
static int64_t time_of(const char *date, const char *clock)
{
	if (strstr(date, "Pre-Init"))
		return strtoll(clock, NULL, 10);
	return sel_parse_american(date + strspn(date, " "), clock + strspn(clock, " "));
}

void ipmi_events_add(struct sel *sel, char *line)
{
	char *field[FIELDS] = {NULL};
	struct strbuf text = STRBUF_INIT;
	size_t n = 0;

	for (char *rest = line; n < FIELDS && (field[n] = strsep(&rest, "|")); n++)
		;
	if (n < 4)
		return;
	for (size_t i = 3; i < n; i++) {
		char *word = field[i] + strspn(field[i], " ");

		for (size_t len = strlen(word); len && strchr(" \r", word[len - 1]);)
			word[--len] = '\0';
		strbuf_addf(&text, "%s%s", text.len ? ", " : "", word);
	}
	sel_add(sel, time_of(field[1], field[2]), "", text.buf);
	strbuf_release(&text);
}

static int read_time(const struct ipmi_tool *t, int64_t *now, struct error *err)
{
	unsigned int byte[4];
	struct strbuf out = STRBUF_INIT;
	int ret = ipmi_tool_run(t, IPMI_UNDOES, ask_time, &out, err);

	if (!ret && sscanf(out.buf, "%2x %2x %2x %2x", &byte[0], &byte[1], &byte[2], &byte[3]) != 4)
		ret = error_set(err, -EIO, "BMC %s: does not say what time it is", t->cfg->bmc);
	if (!ret)
		*now = (int64_t)(byte[0] | byte[1] << 8 | byte[2] << 16 | byte[3] << 24);
	strbuf_release(&out);
	return ret;
}

int ipmi_events_read(const struct ipmi_tool *t, double seconds, struct sel *sel, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	char *rest, *line;
	int64_t now = 0;
	int ret = read_time(t, &now, err);

	if (!ret)
		ret = ipmi_tool_run(t, IPMI_UNDOES, list_last, &out, err);
	sel->since = now - (int64_t)seconds - SLACK_S;
	if (sel->since < 1)
		sel->since = 1;
	for (rest = out.buf; !ret && (line = strsep(&rest, "\n"));)
		ipmi_events_add(sel, line);
	strbuf_release(&out);
	return ret;
}
