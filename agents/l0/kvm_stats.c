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

/* Where a counter is: which one, and its value's place in the source's data block. */
struct place {
	uint32_t counter, offset;
};

struct source { /* one VM's or vCPU's statistics */
	int fd;
	struct kvm_stats_header header;
	uint32_t nplaces;
	size_t data_size;
	struct place *places;
	char *data;
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

/* Counters that a difference makes sense of: one value, cumulative or instantaneous. */
static bool is_counter(const struct kvm_stats_desc *d)
{
	uint32_t type = d->flags & KVM_STATS_TYPE_MASK;

	return d->size == 1 &&
	       (type == KVM_STATS_TYPE_CUMULATIVE || type == KVM_STATS_TYPE_INSTANT);
}

/*
 * The number of the counter of that name, a new one if there is none yet, or -1 when there are too many.
 * The search begins at *next, because each vCPU has the same counters in the same order as the one before.
 */
static int find_counter(struct kvm_stats *stats, const char *name, size_t *next)
{
	size_t n = stats->ncounters;

	for (size_t i = 0; i < n; i++) {
		size_t k = (*next + i) % n;

		if (strcmp(stats->names[k], name))
			continue;
		*next = k + 1;
		return (int)k;
	}
	if (n == COUNTERS_MAX || strlen(name) >= NAME_MAX_BYTES)
		return -1;
	memcpy(stats->names[n], name, strlen(name) + 1);
	stats->ncounters++;
	return (int)n;
}

/* Notes where the source's counters are: @descriptors are header.num_desc, each followed by its name. */
static void place_counters(struct kvm_stats *stats, struct source *src, const char *descriptors)
{
	size_t next = 0;

	for (uint32_t i = 0; i < src->header.num_desc; i++) {
		const char *raw = descriptors + i * descriptor_size(src);
		struct kvm_stats_desc d;
		int counter;

		memcpy(&d, raw, sizeof(d));
		if (!is_counter(&d))
			continue;
		counter = find_counter(stats, raw + sizeof(d), &next);
		if (counter < 0)
			continue;
		src->places[src->nplaces++] = (struct place){(uint32_t)counter, d.offset};
		if (src->data_size < d.offset + sizeof(int64_t))
			src->data_size = d.offset + sizeof(int64_t);
	}
}

static void close_source(struct source *src)
{
	close(src->fd);
	free(src->places);
	free(src->data);
}

static bool read_descriptors(struct kvm_stats *stats, struct source *src)
{
	size_t size = src->header.num_desc * descriptor_size(src);
	char *descriptors = malloc(size);
	bool ok = false;

	src->places = calloc(src->header.num_desc, sizeof(*src->places));
	if (descriptors && src->places &&
	    read_at(src->fd, descriptors, size, src->header.desc_offset)) {
		place_counters(stats, src, descriptors);
		src->data = malloc(src->data_size);
		ok = src->data;
	}
	free(descriptors);
	return ok;
}

static bool open_source(struct kvm_stats *stats, struct source *src, int fd)
{
	*src = (struct source){.fd = ioctl(fd, KVM_GET_STATS_FD, 0)};
	if (src->fd < 0)
		return false;
	if (read_at(src->fd, &src->header, sizeof(src->header), 0) && read_descriptors(stats, src))
		return true;
	close_source(src);
	return false;
}

/* Adds @sign times each of the source's counters: -1 before, 1 after leaves the difference. */
static void accumulate(struct kvm_stats *stats, const struct source *src, int sign)
{
	if (!read_at(src->fd, src->data, src->data_size, src->header.data_offset))
		return;
	for (uint32_t i = 0; i < src->nplaces; i++) {
		int64_t value;

		memcpy(&value, src->data + src->places[i].offset, sizeof(value));
		stats->values[src->places[i].counter] += sign * value;
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
		if (open_source(stats, &stats->sources[stats->nsources], fds[i]))
			stats->nsources++;
	if (!stats->nsources) {
		kvm_stats_end(stats, NULL);
		return NULL;
	}
	accumulate_all(stats, -1);
	return stats;
}

static void emit_changes(const struct kvm_stats *stats, struct sink *s)
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
		emit_changes(stats, s);
	}
	for (size_t i = 0; i < stats->nsources; i++)
		close_source(&stats->sources[i]);
	free(stats->sources);
	free(stats);
}
