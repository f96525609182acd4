// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/outcome.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"

/* Bytes that each of two troubles gets in one text. */
#define TOLD_MAX ((ERROR_TEXT_MAX - 32) / 2)

static const struct {
	enum boot_outcome outcome;
	enum results_class class;
} outcome_classes[] = {
	{BOOT_DONE, RESULTS_OK},
	{BOOT_GUEST_PANIC, RESULTS_GUEST},
	{BOOT_GUEST_COMPLAINED, RESULTS_GUEST},
	{BOOT_HANG, RESULTS_GUEST},
	{BOOT_GUEST_DIED, RESULTS_GUEST},
	{BOOT_BROKEN_RECORDS, RESULTS_INFRASTRUCTURE},
	{BOOT_FOREIGN, RESULTS_INFRASTRUCTURE},
	{BOOT_HOST_FAILED, RESULTS_INFRASTRUCTURE},
	{BOOT_CANCELLED, RESULTS_CANCELLED},
};

enum results_class outcome_class(enum boot_outcome outcome)
{
	for (size_t i = 0; i < ARRAY_SIZE(outcome_classes); i++)
		if (outcome_classes[i].outcome == outcome)
			return outcome_classes[i].class;
	return RESULTS_INFRASTRUCTURE;
}

static enum results_class set_class(struct error *why, enum results_class class, const char *text)
{
	error_set(why, -EIO, "%s", text);
	return class;
}

/* The text has both what was wrong and what the kernel complained of: on the console, or in its own log
 * before the console took warnings. */
static enum results_class set_integrity(struct error *why, const struct collector *c,
					const char *host_says)
{
	const char *wrong = c->trouble.text;
	const char *besides = host_says;
	size_t len = strlen(wrong);

	if (!*besides)
		besides = c->complaint.text;
	if (!*besides)
		return set_class(why, RESULTS_INTEGRITY, wrong);
	while (len && wrong[len - 1] == '\n')
		len--;
	if (len > TOLD_MAX)
		len = TOLD_MAX;
	error_set(why, -EIO, "%.*s" RESULTS_BESIDES "%.*s", (int)len, wrong, TOLD_MAX, besides);
	return RESULTS_INTEGRITY;
}

enum results_class outcome_judge(enum boot_outcome outcome, const struct error *host_error,
				 struct collector *c, struct error *why)
{
	enum results_class class = outcome_class(outcome);

	collector_finish(c);
	if (c->class == RESULTS_INTEGRITY && class == RESULTS_OK)
		return set_integrity(why, c, "");
	if (c->class == RESULTS_INTEGRITY && class == RESULTS_GUEST)
		return set_integrity(why, c, host_error->text);
	if (class != RESULTS_OK)
		return set_class(why, class, host_error->text);
	if (c->class != RESULTS_OK)
		return set_class(why, c->class, c->trouble.text);
	return RESULTS_OK;
}
