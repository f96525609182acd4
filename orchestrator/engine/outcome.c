// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/outcome.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"

/* Bytes of one trouble that are told where there is another to tell. */
#define TOLD_MAX ((ERROR_TEXT_MAX - 32) / 2)

static const struct {
	enum host_outcome outcome;
	enum results_class class;
} outcome_classes[] = {
	{HOST_DONE, RESULTS_OK},
	{HOST_GUEST_PANIC, RESULTS_GUEST},
	{HOST_GUEST_COMPLAINED, RESULTS_GUEST},
	{HOST_HANG, RESULTS_GUEST},
	{HOST_GUEST_DIED, RESULTS_GUEST},
	{HOST_BROKEN_RECORDS, RESULTS_INFRASTRUCTURE},
	{HOST_FAILED, RESULTS_INFRASTRUCTURE},
	{HOST_CANCELLED, RESULTS_CANCELLED},
};

enum results_class verdict_of_outcome(enum host_outcome outcome)
{
	for (size_t i = 0; i < ARRAY_SIZE(outcome_classes); i++)
		if (outcome_classes[i].outcome == outcome)
			return outcome_classes[i].class;
	return RESULTS_INFRASTRUCTURE;
}

static enum results_class set(struct error *why, enum results_class class, const char *text)
{
	error_set(why, -EIO, "%s", text);
	return class;
}

/* Both are told. The kernel's own log has what it said before the console took warnings. */
static enum results_class set_integrity(struct error *why, const struct collector *c,
					const char *host_says)
{
	const char *wrong = c->trouble.text;
	const char *besides = *host_says ? host_says : c->complaint.text;
	size_t len = strlen(wrong);

	if (!*besides)
		return set(why, RESULTS_INTEGRITY, wrong);
	while (len && wrong[len - 1] == '\n')
		len--;
	error_set(why, -EIO, "%.*s" RESULTS_BESIDES "%.*s", (int)(len < TOLD_MAX ? len : TOLD_MAX),
		  wrong, TOLD_MAX, besides);
	return RESULTS_INTEGRITY;
}

enum results_class verdict_find(enum host_outcome outcome, const struct error *host_error,
				struct collector *c, struct error *why)
{
	enum results_class class = verdict_of_outcome(outcome);

	collector_finish(c);
	if (c->class == RESULTS_INTEGRITY && (class == RESULTS_OK || class == RESULTS_GUEST))
		return set_integrity(why, c, class == RESULTS_OK ? "" : host_error->text);
	if (class != RESULTS_OK)
		return set(why, class, host_error->text);
	return c->class == RESULTS_OK ? RESULTS_OK : set(why, c->class, c->trouble.text);
}
