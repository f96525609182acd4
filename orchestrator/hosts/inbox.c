// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/inbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/clock.h"

struct inbox {
	pthread_mutex_t lock; /* of what follows */
	struct line *line;
	double heard_at;
	int failed; /* 0, or what writing the records came to */
};

int inbox_open(const struct line_setting *setting, struct inbox **out, struct error *err)
{
	struct inbox *in = xcalloc(1, sizeof(*in));
	int ret = line_open(setting, &in->line, err);

	if (ret) {
		free(in);
		return ret;
	}
	pthread_mutex_init(&in->lock, NULL);
	*out = in;
	return 0;
}

int inbox_take(struct inbox *in, const char *data, size_t len)
{
	uint64_t before;
	int ret;

	pthread_mutex_lock(&in->lock);
	before = line_counts(in->line)->frames;
	if (!in->failed)
		in->failed = line_feed(in->line, data, len, NULL);
	if (line_counts(in->line)->frames != before)
		in->heard_at = clock_seconds();
	ret = in->failed;
	pthread_mutex_unlock(&in->lock);
	return ret;
}

size_t inbox_answer(struct inbox *in, char *text)
{
	size_t len;

	pthread_mutex_lock(&in->lock);
	len = line_answer(in->line, text);
	pthread_mutex_unlock(&in->lock);
	return len;
}

void inbox_tell(struct inbox *in, struct line_counts *counts, double *heard_at)
{
	pthread_mutex_lock(&in->lock);
	*counts = *line_counts(in->line);
	*heard_at = in->heard_at;
	pthread_mutex_unlock(&in->lock);
}

void inbox_close(struct inbox *in)
{
	if (!in)
		return;
	line_close(in->line);
	pthread_mutex_destroy(&in->lock);
	free(in);
}
