// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_run.c - jobs: L1 vCPUs in turn in one thread, or all at once in pinned threads.
 *
 * In turn is the default: one thread, so the order of everything is fixed, and on an emulated host a run
 * repeats to the instruction but for timer ticks. At once is for what only shows when vCPUs really contend;
 * then the threads are pinned, because a migration by L0's scheduler costs more than what is measured, and a
 * slice begins at a barrier, so that no vCPU runs alone at first.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agents/l0/cpus.h"
#include "agents/l0/vm.h"

struct vm_crew { /* threads that wait at a barrier for the next job, and at it again when it is done */
	pthread_barrier_t barrier;
	uint32_t size;
	bool over;
};

/* To the end of the job. */
static void run_job(struct vm_cpu *cpu)
{
	int ret;

	cpu->job->status = L1_STATUS_NONE;
	do
		ret = ioctl(cpu->fd, KVM_RUN, 0);
	while (ret && errno == EINTR);
	cpu->ret = 0;
	if (ret)
		cpu->ret = -errno;
}

static int check_end(struct vm *vm, const struct vm_cpu *cpu)
{
	const struct kvm_run *run = cpu->run;

	if (cpu->ret || run->exit_reason != KVM_EXIT_IO || run->io.port != L1_PORT)
		return vm_report_exit(vm, cpu);
	if (cpu->job->status != L1_STATUS_OK)
		return vm_report(vm, cpu);
	return 0;
}

int vm_run_in_turn(struct vm *vm, enum l1_command command)
{
	for (uint32_t i = 0; i < vm->ncpus; i++) {
		int ret;

		vm->cpus[i].job->command = command;
		run_job(&vm->cpus[i]);
		ret = check_end(vm, &vm->cpus[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- parallel ---- */

static void *crew_member(void *arg)
{
	struct vm_cpu *cpu = arg;
	struct vm_crew *crew = cpu->vm->crew;
	cpu_set_t set;

	int on = cpus_nth(cpu->number);

	if (on < 0)
		on = (int)(cpu->number % (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
	CPU_ZERO(&set);
	CPU_SET((unsigned int)on, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;) {
		pthread_barrier_wait(&crew->barrier);
		if (crew->over)
			return NULL;
		run_job(cpu);
		pthread_barrier_wait(&crew->barrier);
	}
}

static int start_crew(struct vm *vm)
{
	struct vm_crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return -ENOMEM;
	vm->crew = crew;
	pthread_barrier_init(&crew->barrier, NULL, vm->ncpus + 1);
	for (; crew->size < vm->ncpus; crew->size++) {
		struct vm_cpu *cpu = &vm->cpus[crew->size];
		int ret = pthread_create(&cpu->thread, NULL, crew_member, cpu);

		if (ret)
			return -ret; /* the process ends, and its threads with it */
	}
	return 0;
}

void vm_stop_crew(struct vm *vm)
{
	struct vm_crew *crew = vm->crew;

	if (!crew || crew->size < vm->ncpus)
		return;
	crew->over = true;
	pthread_barrier_wait(&crew->barrier);
	for (uint32_t i = 0; i < crew->size; i++)
		pthread_join(vm->cpus[i].thread, NULL);
	pthread_barrier_destroy(&crew->barrier);
	free(crew);
	vm->crew = NULL;
}

static int run_at_once(struct vm *vm, enum l1_command command)
{
	if (!vm->crew) {
		int ret = start_crew(vm);

		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < vm->ncpus; i++)
		vm->cpus[i].job->command = command;
	pthread_barrier_wait(&vm->crew->barrier);
	pthread_barrier_wait(&vm->crew->barrier);
	for (uint32_t i = 0; i < vm->ncpus; i++) {
		int ret = check_end(vm, &vm->cpus[i]);

		if (ret)
			return ret;
	}
	return 0;
}

int vm_run(struct vm *vm, enum l1_command command)
{
	if (vm->m->parallel && vm->ncpus > 1)
		return run_at_once(vm, command);
	return vm_run_in_turn(vm, command);
}

void vm_set_rounds(struct vm *vm, uint32_t rounds)
{
	for (uint32_t i = 0; i < vm->ncpus; i++)
		vm->cpus[i].job->rounds = rounds;
}

uint32_t vm_most_rounds(const struct vm *vm)
{
	return L1_NSAMPLES / ((vm->m->l2_vcpus + vm->m->l1_vcpus - 1) / vm->m->l1_vcpus);
}
