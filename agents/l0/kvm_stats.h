/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm_stats.h - KVM's binary statistics (Documentation/virt/kvm/api.rst, 4.133 KVM_GET_STATS_FD),
 * before and after a measurement.
 *
 * Values of the same name are added up over the given file descriptors (a VM's and its vCPUs'). Only
 * cumulative and instantaneous counters are taken, no histograms or peaks; the difference of an
 * instantaneous one is what it changed by.
 */
#ifndef AGENTS_L0_KVM_STATS_H
#define AGENTS_L0_KVM_STATS_H

#include <stddef.h>

#include "agents/l0/records/sink.h"

struct kvm_stats;

/* Reads the statistics now. @fds: VM and vCPU file descriptors, borrowed until the end. NULL when
 * this kernel has none (before 5.14): then there are no counters, which is no error. */
struct kvm_stats *kvm_stats_begin(const int *fds, size_t n);

/* Reads them again, emits the differences that are not 0 as one `counters` record, frees. NULL is
 * allowed. With @s NULL it only frees. */
void kvm_stats_end(struct kvm_stats *stats, struct sink *s);

#endif
