/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vm.h - the VM whose guest is the micro-hypervisor of agents/l1: its memory, its L1 vCPUs, its jobs.
 *
 * Functions that return an int give 0 for success, VM_SAID when it is over and the sink was told why
 * (skipped or failed), or a negative errno about which nothing was said; vm_result() turns that into
 * what a scenario returns. A VM is always closed with vm_close(), also after an error.
 */
#ifndef AGENTS_L0_VM_H
#define AGENTS_L0_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/l0/records/sink.h"
#include "agents/l1/abi.h"
#include "agents/wire/protocol.h"

struct kvm_run;
struct kvm_stats;

#define VM_SAID 1

/* ---- L1's memory (vm_memory.c) ---- */

struct vm_memory {
	char *base;  /* [0, L1_AREA) */
	char *area;  /* [L1_AREA, L1_AREA + area_size) */
	char *other; /* as large; what vm_memory_replace_area() changes to. NULL until then */
	size_t area_size;
	bool unmanaged;
	int vm;		  /* the VM's file, for memory that KVM makes */
	int devmem;	  /* -1 when managed */
	int file;	  /* what base and area are mapped from; -1: nothing */
	int sharer;	  /* the process that maps the file, too; 0: none */
	uint64_t phys;	  /* unmanaged: physical address of base; area, spares and other follow */
	int pipe[2];	  /* managed: holds pages that were taken away */
	uint32_t retired; /* how many it was given; 0: there is no pipe yet */
	uint32_t next_spare;
	uint64_t ticks; /* TSC ticks spent in the system calls of the functions below */
};

/* The memory of @m, for the VM whose file @vm is. */
int vm_memory_map(struct vm_memory *mem, const struct plan_measure *m, int vm, struct sink *s);
void vm_memory_unmap(struct vm_memory *mem);
/* @size bytes of RAM that L0's kernel does not manage, as one piece with whatever was in it: what another
 * kind of L1 lives in. */
int vm_memory_map_unmanaged(size_t size, char **at, struct sink *s);
/* Where that RAM is, for a process that maps it itself. */
int vm_memory_find_unmanaged(size_t size, uint64_t *phys, struct sink *s);
void *vm_memory_at(const struct vm_memory *mem, uint64_t gpa);

/* Managed memory of another backing than plain (vm_backing.c): maps base and area, whose size it rounds up. */
int vm_backing_map(struct vm_memory *mem, enum plan_backing backing, struct sink *s);
/* Has the kernel set aside huge pages of @size bytes in all. 0, or VM_SAID: it has none. */
int vm_backing_reserve_huge(size_t size, struct sink *s);
void vm_backing_unmap(struct vm_memory *mem);

/*
 * What follows takes memory from under the VM and gives it other memory with the same content. Who
 * goes on with the old one reads zeros there, whose meaning in an MSR bitmap or an APIC page is not
 * what L1 wrote: that is what makes it show.
 */

/* Drops a page of the L2 area and re-establishes it: MADV_DONTNEED. Where L0 does not manage the page
 * that cannot be; then its mapping is replaced by another one of the same page. */
int vm_memory_drop_page(struct vm_memory *mem, uint64_t gpa);
/* Puts another physical page in its place: mremap(2) over it, or another part of /dev/mem. */
int vm_memory_move_page(struct vm_memory *mem, uint64_t gpa);
/* Puts other memory at another host address in the place of the whole L2 area; mem->area is the new
 * one. The VM's memslot is the caller's to change. */
int vm_memory_replace_area(struct vm_memory *mem);

/* ---- the VM (vm.c) ---- */

struct vm_cpu {
	struct vm *vm;
	uint32_t number;
	int fd;
	struct kvm_run *run;
	struct l1_job *job;
	const struct l1_sample *samples; /* of the last job: job->nsamples */
	int ret; /* of the last KVM_RUN: 0 for the end of a job, or a negative errno, or 1 */
	pthread_t thread; /* parallel mode */
};

struct vm {
	const struct plan_measure *m;
	struct sink *sink;
	int kvm, fd;
	struct vm_memory mem;
	struct vm_cpu cpus[L1_MAX_CPUS];
	uint32_t ncpus;	      /* those that exist */
	uint32_t features;    /* enum l1_feature */
	struct vm_crew *crew; /* threads, in parallel mode */
};

/* Makes a VM for @m: memory, vCPUs, L1 in VMX operation, all L2 vCPUs launched, checked and proved. Then
 * waits until the serial line is quiet: what follows may be timed. */
int vm_open(struct vm *vm, const struct plan_measure *m, struct sink *s);
/* vm_open() in two steps: memory and vCPUs; then everything that L1 does. */
int vm_create(struct vm *vm, const struct plan_measure *m, struct sink *s);
int vm_start(struct vm *vm);
void vm_close(struct vm *vm);
static inline int vm_result(int ret)
{
	if (ret == VM_SAID)
		return 0;
	return ret;
}

/*
 * Lets some part of a timer tick of L0's pass, which part the seed says. On an emulated host all boots of a
 * kernel come here at the same moment of their ticks, so the ticks would hit the same samples in each boot:
 * the p99s of two kernels would differ by nothing but that, and repeat so faithfully that it looks real.
 */
void vm_wait_for_phase(const struct plan_measure *m);

/* With unmanaged memory on the emulated clock, makes room in the kernel's caches (vmm/slack.h): when L1 of @m is set up, and some ticks
 * before the measurement. */
void vm_make_slack(const struct plan_measure *m);

int vm_set_slot(struct vm *vm, uint32_t slot, uint64_t gpa, void *at, size_t size);
/* The L2 area is memslot VM_SLOT_AREA. */
enum { VM_SLOT_BASE, VM_SLOT_AREA };

/* KVM's statistics of this VM from now on, and to here; see kvm_stats.h. They are emitted if @ret, which
 * the rounds between the two gave, is 0. */
struct kvm_stats *vm_stats_begin(struct vm *vm);
void vm_stats_end(struct vm *vm, struct kvm_stats *stats, int ret);

/* ---- jobs (vm_run.c) ---- */

/* Has each L1 vCPU do @command: in turn, or all at once in parallel mode. The jobs' other words
 * (rounds, ...) are as the caller left them. */
int vm_run(struct vm *vm, enum l1_command command);
/* The same in turn, whatever the mode. */
int vm_run_in_turn(struct vm *vm, enum l1_command command);
void vm_stop_crew(struct vm *vm);

/* A job's words that are the same for all L1 vCPUs. */
void vm_set_rounds(struct vm *vm, uint32_t rounds);
/* How many rounds a job may have so that the memory for its samples holds all of them. */
uint32_t vm_most_rounds(const struct vm *vm);

/* ---- what L1 reports (vm_report.c) ---- */

/* L1 ended a job otherwise than well: tells the sink. Returns VM_SAID. */
int vm_report(struct vm *vm, const struct vm_cpu *cpu);
/* KVM_RUN ended otherwise than with L1's OUT: likewise. */
int vm_report_exit(struct vm *vm, const struct vm_cpu *cpu);

/* An enum l1_check in words. */
const char *vm_check_text(uint32_t check);

/* ---- the image (vm_image.c) ---- */

extern const char vm_image[], vm_image_end[];

#endif
