// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest of a real QEMU, which plays its CPU (there may be no KVM here): it rings, dies, is silent, is saved, moves. It
 * is a few instructions of 32-bit code, started as a PVH kernel is.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agents/l0/clock.h"
#include "agents/l0/files.h"
#include "agents/l0/cpus.h"
#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vm.h"
#include "orchestrator/engine/carrier.h"
#include "tests/unit/agents/pvh_kernel.h"
#include "tests/unit/agents/sink_fixture.h"

#define PROGRESS (QEMU_MAIL + offsetof(struct mail, progress))

static struct qemu q;
static struct sink sink;

static int start_guest_of(const char *kernel, struct plan_measure m)
{
	clock_init("nestlab.clock=emulated", 100000);
	m.l1 = PLAN_L1_LINUX_KVM;
	m.vmm = PLAN_VMM_QEMU;
	assert_int_equal(pipe(pipes), 0);
	sink = (struct sink){.fd = pipes[1], .id = 7};
	qemu_init(&q, &m, kernel, &sink);
	q.without_kvm = true;
	return qemu_make(&q);
}

static int start_faulty_guest(const char *kernel, enum plan_fault fault)
{
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	m.fault = fault;
	return start_guest_of(kernel, m);
}

static int start_guest(const char *kernel)
{
	return start_faulty_guest(kernel, PLAN_FAULT_NONE);
}

static void says(const char *class, const char *text)
{
	read_sink();
	if (!strstr(told, class) || !strstr(told, text))
		fail_msg("\"%s\" and \"%s\" are not in: %s", class, text, told);
}

/* movb $0, %al; out %al, $0x4d; hlt; jmp -3 */
#define RING "\xb0\x00\xe6\x4d\xf4\xeb\xfd"
/* an empty table of interrupts, and one: lidt 0x100010; int3; 6 bytes of zeros */
#define TRIPLE_FAULT "\x0f\x01\x1d\x10\x00\x10\x00\xcc\x90\x90\x90\x90\x90\x90\x90\x90\0\0\0\0\0\0"

TEST(a_guest_rings)
{
	static const char code[] = RING;
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));
	uint64_t magic = 0;

	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(qemu_run(&q, 30), 0);
	assert_int_equal(qemu_peek(&q, 0, &magic, sizeof(magic)), 0);
	assert_true(magic == MAIL_MAGIC);
	qemu_end(&q);
	assert_string_equal(read_sink(), "");
}

TEST(a_triple_fault_is_told_from_a_panic)
{
	static const char code[] = TRIPLE_FAULT;
	/* "Kernel panic" to the serial port, then the same: mov $0x3f8, %dx; mov $text, %esi; mov $12, %ecx; rep outsb */
	static const char panic[] =
		"\x66\xba\xf8\x03\xbe\x20\x00\x10\x00\xb9\x0c\x00\x00\x00\xf3\x6e"
		"\x0f\x01\x1d\x2c\x00\x10\x00\xcc\x90\x90\x90\x90\x90\x90\x90\x90"
		"Kernel panic\0\0\0\0\0\0";
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));

	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(qemu_run(&q, 30), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"guest\"", "a reset without a panic: a triple fault");
	free(kernel);
	kernel = write_kernel(panic, sizeof(panic));
	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(qemu_run(&q, 30), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"guest\"", "a panic of its kernel");
}

/* Which CPU its one vCPU may run on: -1: on several. */
static int find_vcpu_cpu(void)
{
	__cleanup_free char *tasks = xasprintf("/proc/%d/task", (int)q.pid);
	struct error err = {0};
	int found = -1;
	char **names;
	size_t n;

	assert_int_equal(fs_list(tasks, NULL, &names, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		cpu_set_t set;

		if (sched_getaffinity(atoi(names[i]), sizeof(set), &set) || CPU_COUNT(&set) != 1)
			continue;
		assert_int_equal(found, -1); /* no other thread */
		for (found = 0; !CPU_ISSET(found, &set); found++)
			;
	}
	fs_free_names(names, n);
	return found;
}

TEST(a_vcpu_has_a_cpu_to_measure_on)
{
	static const char code[] = RING;
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));
	struct cpus last = {.count = 1};
	cpu_set_t all;
	int cpu = CPU_SETSIZE - 1;

	sched_getaffinity(0, sizeof(all), &all);
	if (CPU_COUNT(&all) < 2)
		skip();
	while (!CPU_ISSET(cpu, &all))
		cpu--;
	last.has[cpu] = true;
	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(find_vcpu_cpu(), -1);
	qemu_end(&q);
	read_sink();
	cpus_use(&last);
	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(find_vcpu_cpu(), cpu);
	qemu_end(&q);
	read_sink();
	cpus_use(&(struct cpus){0});
}

TEST(a_silent_guest_ends_at_the_limit)
{
	static const char code[] = "\xf4\xeb\xfd";
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));

	assert_int_equal(start_guest(kernel), 0);
	assert_int_equal(qemu_run(&q, 0), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"guest\"", "nothing within 0 s");
}

TEST(a_killed_qemu_is_the_hosts_trouble)
{
	static const char code[] = "\xf4\xeb\xfd";
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));

	assert_int_equal(start_guest(kernel), 0);
	kill(q.pid, SIGKILL);
	assert_int_equal(qemu_run(&q, 30), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"infrastructure\"", "QEMU was killed by signal 9 (Killed)");
}

TEST(a_qemu_that_does_not_start_says_why)
{
	assert_int_equal(start_guest("/no/such/kernel"), VM_SAID);
	qemu_end(&q);
	says("QEMU ended with status 1", "/no/such/kernel");
}

TEST(what_a_qemu_does_not_take_is_the_hosts_trouble)
{
	assert_int_equal(start_guest("/no/such/kernel"), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"infrastructure\"", "\"found\":\"refused settings\"");
}

TEST(no_memory_is_the_hosts_trouble)
{
	char overcommit[8] = "";

	file_read("/proc/sys/vm/overcommit_memory", overcommit, sizeof(overcommit));
	if (overcommit[0] == '1')
		skip(); /* this machine promises any memory */
	assert_int_equal(start_faulty_guest("/no/such/kernel", PLAN_FAULT_NO_MEMORY), VM_SAID);
	qemu_end(&q);
	says("\"class\":\"infrastructure\"", "\"found\":\"no memory\"");
}

static int start_on_full_disk(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	mkdir(QEMU_DIRECTORY, 0700);
	if (mount("none", QEMU_DIRECTORY, "tmpfs", 0, "size=64k"))
		return 77;
	return start_guest("/no/such/kernel") != -ENOSPC;
}

TEST(a_full_disk_is_no_space)
{
	int status = unit_in_child(start_on_full_disk, NULL);

	if (status == 77)
		skip(); /* mount(2) is root's */
	assert_int_equal(status, 0);
}

/* ---- memory ---- */

TEST(a_guest_without_virtio_mem_is_a_skip)
{
	static const char code[] = RING;
	__cleanup_free char *kernel = write_kernel(code, sizeof(code));
	bool rung = false;
	uint64_t us;

	assert_int_equal(start_guest_of(kernel, plan_measure_default(PLAN_L1_UNPLUG)), 0);
	assert_int_equal(qemu_run(&q, 30), 0);
	assert_int_equal(qemu_set_memory(&q, QEMU_MEGABYTES, &us, &rung), VM_SAID);
	qemu_end(&q);
	says("\"skip\"", "CONFIG_VIRTIO_MEM");
}

/* ---- moves ---- */

/* It counts in its mail page until it is told to stop, and rings: mov $PROGRESS, %edi; 1: incl (%edi); cmpl $0, 4(%edi);
 * je 1b; then RING. */
static char *write_counter(void)
{
	static char code[] = "\xbf????\xff\x07\x83\x7f\x04\x00\x74\xf8" RING;
	const uint32_t address = PROGRESS;

	memcpy(code + 1, &address, sizeof(address));
	return write_kernel(code, sizeof(code));
}

static uint32_t progress(void)
{
	uint32_t now = 0;

	assert_int_equal(qemu_peek(&q, offsetof(struct mail, progress), &now, sizeof(now)), 0);
	return now;
}

/* A word of its memory that the counter leaves alone. What it had counted tells nothing of before and after: that begins at 0 again
 * after some seconds. */
static void mark(uint32_t value)
{
	assert_int_equal(qemu_poke(&q, offsetof(struct mail, plugged), &value, sizeof(value)), 0);
}

static uint32_t marked(void)
{
	uint32_t value = 0;

	assert_int_equal(qemu_peek(&q, offsetof(struct mail, plugged), &value, sizeof(value)), 0);
	return value;
}

static void gets_on(void)
{
	uint32_t before = progress();

	while (progress() == before)
		sched_yield();
}

static void move(bool live)
{
	struct l1_moved moved = {
		.wants_l2 = true}; /* in vain, without KVM: it is stopped a hundred times */
	pid_t before = q.pid;

	gets_on();
	if (qemu_move(&q, live, &moved))
		fail_msg("%s", read_sink());
	assert_int_not_equal(q.pid, before);
	assert_int_not_equal(kill(before, 0), 0); /* it has gone */
	assert_true(moved.downtime_us > 0 && moved.downtime_us <= moved.duration_us);
	assert_true(moved.bytes > 1000);
	gets_on();
}

TEST(a_guest_is_saved_restored_and_migrated_while_it_runs)
{
	__cleanup_free char *kernel = write_counter();
	const uint32_t stop = 1;

	assert_int_equal(start_guest(kernel), 0);
	move(false);
	move(true);
	move(false);
	assert_int_equal(qemu_poke(&q, offsetof(struct mail, stop), &stop, sizeof(stop)), 0);
	assert_int_equal(qemu_run(&q, 30), 0);
	qemu_end(&q);
	assert_string_equal(read_sink(), "");
}

/* It counts on after each snapshot, and its memory is what it was then after it went back. */
TEST(a_guest_goes_back_to_a_snapshot)
{
	__cleanup_free char *kernel = write_counter();

	assert_int_equal(start_guest(kernel), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		struct l1_moved moved = {0}, back = {0};
		pid_t before = q.pid;

		gets_on();
		mark(i);
		assert_int_equal(qemu_snapshot(&q, &moved), 0);
		assert_int_equal(q.pid, before);
		assert_true(moved.downtime_us > 0 && moved.bytes > 1000);
		gets_on();
		mark(1000);
		assert_int_equal(qemu_revert(&q, &back), 0);
		assert_int_not_equal(q.pid, before);
		assert_true(back.duration_us > 0);
		assert_int_equal(marked(), i);
		gets_on();
	}
	qemu_end(&q);
	assert_string_equal(read_sink(), "");
}

/* What was saved is cut short: the new QEMU says so, and the old one is not there any more. */
TEST(a_state_that_is_cut_short_is_a_failure)
{
	__cleanup_free char *path = unit_path("state");
	struct error err = {0};
	struct qemu to;
	int fd;

	assert_int_equal(fs_write_file(path, "QEVM\0\0\0\3", 8, &err), 0);
	assert_int_equal(start_guest("/dev/null"), VM_SAID); /* not a kernel */
	qemu_end(&q);
	read_sink();
	assert_int_equal(pipe(pipes), 0);
	sink = (struct sink){.fd = pipes[1], .id = 7};
	qemu_init(&to, &q.m, NULL, &sink);
	to.kernel = write_counter();
	to.without_kvm = true;
	fd = open(path, O_RDONLY);
	if (!qemu_start(&to, fd)) {
		assert_int_equal(qmp_wait_for_resume(&to.monitor, 30000), -EPIPE);
		assert_int_equal(qemu_report_command(&to, "incoming", -EPIPE), VM_SAID);
	}
	close(fd);
	qemu_end(&to);
	says("\"class\":\"guest\"", "QEMU ended with status 1");
	free((char *)(uintptr_t)to.kernel);
}

/* ---- from host to host: two areas of this process, and the engine's carrier between them ---- */

#define MOVE_ID 7

static struct carrier *carrier;
static char *areas[2];
static struct crossing ends[2];
static int depart_ret;
static bool rang;
static struct l1_moved departed;
static char why[CROSSING_TEXT];

static void *depart(void *unused)
{
	depart_ret = qemu_depart_through(&q, &ends[CARRIER_SOURCE], &departed, &rang, why);
	return unused;
}

static void open_way(void)
{
	struct error err = {0};

	rang = false;
	departed = (struct l1_moved){0};
	assert_int_equal(carrier_new(&carrier, &err), 0);
	for (int i = 0; i < 2; i++) {
		struct host_memory m = {.fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC)};

		areas[i] = mmap(NULL, CROSSING_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(areas[i], MAP_FAILED);
		crossing_prepare(&ends[i], areas[i], MOVE_ID);
		m.from = (uintptr_t)areas[i];
		m.upto = m.from + CROSSING_BYTES;
		carrier_join(carrier, i, MOVE_ID, &m);
	}
}

static void close_way(void)
{
	carrier_free(carrier);
	for (int i = 0; i < 2; i++)
		munmap(areas[i], CROSSING_BYTES);
}

static void init_destination(struct qemu *to, struct sink *s)
{
	qemu_init(to, &q.m, q.kernel, s);
	to->without_kvm = true;
}

static void ring_and_end(void)
{
	const uint32_t stop = 1;

	gets_on();
	assert_int_equal(qemu_poke(&q, offsetof(struct mail, stop), &stop, sizeof(stop)), 0);
	assert_int_equal(qemu_run(&q, 30), 0);
	qemu_end(&q);
}

TEST(a_guest_goes_to_another_host_while_it_runs)
{
	__cleanup_free char *kernel = write_counter();
	struct sink there = {.fd = open("/dev/null", O_WRONLY), .id = MOVE_ID};
	struct l1_moved arrived = {0};
	static struct qemu to;
	pthread_t thread;

	assert_int_equal(start_guest(kernel), 0);
	gets_on();
	mark(1);
	init_destination(&to, &there);
	open_way();
	assert_int_equal(pthread_create(&thread, NULL, depart, NULL), 0);
	assert_int_equal(qemu_arrive_through(&to, &ends[CARRIER_DESTINATION], &arrived), 0);
	pthread_join(thread, NULL);
	close_way();
	if (depart_ret || why[0])
		fail_msg("%d, %s, %s", depart_ret, why, read_sink());
	assert_false(rang);
	assert_int_equal(q.pid, 0); /* it has gone */
	assert_true(departed.downtime_us > 0 && departed.downtime_us <= departed.duration_us);
	assert_true(departed.bytes > arrived.bytes && arrived.bytes > 1000);
	assert_true(arrived.downtime_us > 0);
	q = to;
	assert_int_equal(marked(), 1);
	ring_and_end();
	read_sink();
	close(there.fd);
}

/* Its new host ends it in the middle, or says no: it runs on where it was. */
static void stays(void (*other)(void), const char *reason)
{
	__cleanup_free char *kernel = write_counter();
	pthread_t thread;

	assert_int_equal(start_guest(kernel), 0);
	gets_on();
	mark(1);
	open_way();
	assert_int_equal(pthread_create(&thread, NULL, depart, NULL), 0);
	other();
	pthread_join(thread, NULL);
	close_way();
	if (depart_ret)
		fail_msg("%s", read_sink());
	assert_string_equal(why, reason);
	assert_int_equal(marked(), 1);
	ring_and_end();
	read_sink();
}

static void take_half(void)
{
	struct crossing *c = &ends[CARRIER_DESTINATION];
	bool damaged;

	crossing_answer(c, CROSSING_READY, "");
	for (int i = 0; i < 2; i++) {
		while (!crossing_look(c, &damaged))
			sched_yield();
		crossing_drop(c);
	}
	carrier_leave(carrier, CARRIER_DESTINATION, "it was killed");
}

static void take_all_and_refuse(void)
{
	struct crossing *c = &ends[CARRIER_DESTINATION];
	uint32_t kind = CROSSING_DATA;
	bool damaged;

	crossing_answer(c, CROSSING_READY, "");
	while (kind != CROSSING_END) {
		const struct crossing_chunk *chunk = crossing_look(c, &damaged);

		if (!chunk)
			continue;
		kind = chunk->kind;
		crossing_drop(c);
	}
	crossing_answer(c, CROSSING_FAILED, "it refused");
}

static void never_come(void)
{
	carrier_leave(carrier, CARRIER_DESTINATION, "it did not boot");
}

TEST(a_guest_whose_new_host_dies_runs_on)
{
	stays(take_half, "it was killed");
}

TEST(a_guest_that_is_refused_runs_on)
{
	stays(take_all_and_refuse, "it refused");
}

TEST(a_guest_without_a_new_host_runs_on)
{
	stays(never_come, "it did not boot");
}

/* No L1 is there then, and what is said is that, and why. */
static void does_not_come(void *(*source)(void *))
{
	__cleanup_free char *kernel = write_counter();
	struct l1_moved arrived = {0};
	static struct qemu to;
	pthread_t thread;

	assert_int_equal(start_guest(kernel), 0); /* for what it is like */
	qemu_end(&q);
	init_destination(&to, &sink);
	open_way();
	assert_int_equal(pthread_create(&thread, NULL, source, NULL), 0);
	assert_int_equal(qemu_arrive_through(&to, &ends[CARRIER_DESTINATION], &arrived), VM_SAID);
	pthread_join(thread, NULL);
	close_way();
	qemu_end(&to);
	says("\"class\":\"infrastructure\"", "the Linux L1 did not come: it was killed");
}

static void *die_at_once(void *unused)
{
	carrier_leave(carrier, CARRIER_SOURCE, "it was killed");
	return unused;
}

/* What QEMU's streams begin with: the one there has been started, has read it, and waits for more. */
static void *die_on_the_way(void *unused)
{
	static const unsigned char begin[] = {'Q', 'E', 'V', 'M', 0, 0, 0, 3};
	const struct crossing_chunk *first = (const void *)areas[CARRIER_SOURCE];
	struct crossing *c = &ends[CARRIER_SOURCE];
	char text[CROSSING_TEXT];

	while (crossing_hear(c, text) != CROSSING_READY)
		sched_yield();
	memcpy(crossing_room(c), begin, sizeof(begin));
	crossing_put(c, CROSSING_DATA, sizeof(begin));
	while (__atomic_load_n(&first->state, __ATOMIC_ACQUIRE) != CROSSING_FREE) /* carried */
		sched_yield();
	return die_at_once(unused);
}

TEST(what_does_not_come_is_the_hosts_trouble)
{
	does_not_come(die_at_once);
}

TEST(so_is_what_comes_in_part)
{
	does_not_come(die_on_the_way);
}

/* The folder's name is fixed, and tests of two checkouts may run side by side: each has one of its own, as far as it may. */
static int set_up(void **state)
{
	mkdir(QEMU_DIRECTORY, 0700);
	if (!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("none", QEMU_DIRECTORY, "tmpfs", 0, NULL);
	return unit_make_dir(state);
}

UNIT_MAIN("qemu_l1", set_up, unit_drop_dir)
