// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/kvm_stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#define NAME_MAX_BYTES 64
#define COUNTERS_MAX   256

struct source { /* one VM's or vCPU's statistics */
	int fd;
	struct kvm_stats_header header;
	char *descriptors; /* header.num_desc of them, each followed by its name */
};

struct kvm_stats {
	size_t nsources, ncounters;
	struct source *sources;
	char names[COUNTERS_MAX][NAME_MAX_BYTES];
	int64_t values[COUNTERS_MAX];
};

static size_t descriptor_size(const struct source *src)
{
	return sizeof(struct kvm_stats_desc) + src->header.name_size;
}

static bool read_at(int fd, void *buf, size_t len, uint32_t offset)
{
	return pread(fd, buf, len, offset) == (ssize_t)len;
}

static bool open_source(struct source *src, int fd)
{
	size_t size;

	src->fd = ioctl(fd, KVM_GET_STATS_FD, 0);
	if (src->fd < 0)
		return false;
	if (!read_at(src->fd, &src->header, sizeof(src->header), 0))
		goto fail;
	size = src->header.num_desc * descriptor_size(src);
	src->descriptors = malloc(size);
	if (src->descriptors && read_at(src->fd, src->descriptors, size, src->header.desc_offset))
		return true;
	free(src->descriptors);
fail:
	close(src->fd);
	return false;
}

/* Counters that a difference makes sense of: one value, cumulative or instantaneous. */
static bool is_counter(const struct kvm_stats_desc *d)
{
	uint32_t type = d->flags & KVM_STATS_TYPE_MASK;

	return d->size == 1 &&
	       (type == KVM_STATS_TYPE_CUMULATIVE || type == KVM_STATS_TYPE_INSTANT);
}

static int64_t *counter_of(struct kvm_stats *stats, const char *name)
{
	size_t i;

	for (i = 0; i < stats->ncounters; i++)
		if (!strcmp(stats->names[i], name))
			return &stats->values[i];
	if (i == COUNTERS_MAX || strlen(name) >= NAME_MAX_BYTES)
		return NULL;
	memcpy(stats->names[i], name, strlen(name) + 1);
	stats->ncounters++;
	return &stats->values[i];
}

/* Adds @sign times each of the source's counters: -1 before, 1 after leaves the difference. */
static void accumulate(struct kvm_stats *stats, const struct source *src, int sign)
{
	for (uint32_t i = 0; i < src->header.num_desc; i++) {
		const char *raw = src->descriptors + i * descriptor_size(src);
		struct kvm_stats_desc d;
		int64_t value, *counter;

		memcpy(&d, raw, sizeof(d));
		if (!is_counter(&d) ||
		    !read_at(src->fd, &value, sizeof(value), src->header.data_offset + d.offset))
			continue;
		counter = counter_of(stats, raw + sizeof(d));
		if (counter)
			*counter += sign * value;
	}
}

static void accumulate_all(struct kvm_stats *stats, int sign)
{
	for (size_t i = 0; i < stats->nsources; i++)
		accumulate(stats, &stats->sources[i], sign);
}

struct kvm_stats *kvm_stats_begin(const int *fds, size_t n)
{
	struct kvm_stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return NULL;
	stats->sources = calloc(n, sizeof(*stats->sources));
	for (size_t i = 0; stats->sources && i < n; i++)
		if (open_source(&stats->sources[stats->nsources], fds[i]))
			stats->nsources++;
	if (!stats->nsources) {
		kvm_stats_end(stats, NULL);
		return NULL;
	}
	accumulate_all(stats, -1);
	return stats;
}

static void emit(const struct kvm_stats *stats, struct sink *s)
{
	struct sink_counter changed[COUNTERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < stats->ncounters; i++)
		if (stats->values[i])
			changed[n++] = (struct sink_counter){stats->names[i], stats->values[i]};
	sink_counters(s, changed, n);
}

void kvm_stats_end(struct kvm_stats *stats, struct sink *s)
{
	if (!stats)
		return;
	if (s) {
		accumulate_all(stats, 1);
		emit(stats, s);
	}
	for (size_t i = 0; i < stats->nsources; i++) {
		close(stats->sources[i].fd);
		free(stats->sources[i].descriptors);
	}
	free(stats->sources);
	free(stats);
}
