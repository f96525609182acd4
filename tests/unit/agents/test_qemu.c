// SPDX-License-Identifier: GPL-2.0-only
/* QEMU as the VMM of a Linux L1, as far as it needs no KVM: what it is told, and what its monitor answers. The monitor is a
 * real QEMU's. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <stdatomic.h>
#include <pthread.h>
#include <sys/stat.h>

#include "agents/l0/clock.h"
#include "agents/l0/vmm/qemu.h"
#include "agents/l0/vmm/qmp.h"
#include "common/strbuf.h"

/* ---- the command line ---- */

static const struct qemu_files files = {.kernel = "/l1/vmlinux",
					.initramfs = "/i",
					.console = "/c",
					.bell = 3,
					.monitor = 4,
					.disk = "/a,b",
					.format = "qcow2"};

static struct plan_measure measure(enum plan_l1 l1, enum plan_memory memory)
{
	struct plan_measure m = plan_measure_default(PLAN_MULTIPLEX);

	m.l1 = l1;
	m.vmm = PLAN_VMM_QEMU;
	m.memory = memory;
	return m;
}

/* All of it, as one line. */
static const char *arguments(const struct plan_measure *m)
{
	static struct qemu_args a;
	static struct strbuf line = STRBUF_INIT;

	clock_init("nestlab.clock=emulated", 100000);
	assert_int_equal(qemu_args_make(&a, m, &files), 0);
	strbuf_reset(&line);
	for (size_t i = 0; a.argv[i]; i++)
		strbuf_addf(&line, "%s ", a.argv[i]);
	return line.buf;
}

static void has(const char *line, const char *part)
{
	if (!strstr(line, part))
		fail_msg("\"%s\" is not in: %s", part, line);
}

static void lacks(const char *line, const char *part)
{
	if (strstr(line, part))
		fail_msg("\"%s\" is in: %s", part, line);
}

TEST(a_kvm_l1_sees_kvm_and_has_anonymous_memory)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);
	const char *line;

	m.l1_vcpus = 2;
	line = arguments(&m);
	has(line, QEMU_PROGRAM " -nodefaults ");
	has(line,
	    " -accel kvm -cpu host -S -smp 2 -M microvm,acpi=off,auto-kernel-cmdline=off,rtc=off -m 128M ");
	has(line, " -kernel /l1/vmlinux -initrd /i -append memmap=1M$0x7800000 ");
	has(line, " nestlab.mail=7800000 nestlab.clock=emulated ");
	has(line, " isa-debugcon,iobase=0x4d,chardev=bell ");
	lacks(line, "/dev/mem");
	lacks(line, "hv-");
}

TEST(an_evmcs_l1_sees_hyper_v_alone)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_EVMCS, PLAN_MANAGED);
	const char *line = arguments(&m);

	has(line, " -cpu host,kvm=off,hv-relaxed,hv-vapic,");
	has(line, ",hv-evmcs,hv-emsr-bitmap ");
	has(line, "rtc=on");
	m.kvm_visible = true;
	line = arguments(&m);
	has(line, " -cpu host,hv-relaxed,");
	lacks(line, "kvm=off");
}

TEST(unmanaged_memory_is_a_part_of_dev_mem)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_UNMANAGED);
	const char *line = arguments(&m);

	has(line, "rtc=off,memory-backend=ram ");
	has(line, " -object memory-backend-file,mem-path=/dev/mem,share=on,id=ram,size=128M ");
}

TEST(managed_memory_is_what_the_plan_says)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);

	m.backing = PLAN_BACKING_MEMFD;
	has(arguments(&m),
	    ",memory-backend=ram -m 128M -object memory-backend-memfd,share=on,id=ram,size=128M ");
	m.backing = PLAN_BACKING_HUGETLB;
	has(arguments(&m),
	    "memory-backend-memfd,share=on,hugetlb=on,hugetlbsize=2M,id=ram,size=128M ");
}

TEST(enlightenments_are_by_name)
{
	static const char *const cpus[] = {
		[PLAN_SEES_OF_L1] = " -cpu host ",
		[PLAN_SEES_NONE] = " -cpu host,kvm=off ",
		[PLAN_SEES_KVM] = " -cpu host ",
		[PLAN_SEES_HYPERV_BASIC] =
			" -cpu host,kvm=off,hv-relaxed,hv-vapic,hv-time,hv-spinlocks=8191 ",
	};
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		m.enlightenments = i;
		has(arguments(&m), cpus[i]);
	}
	m.l1 = PLAN_L1_LINUX_EVMCS;
	m.enlightenments = PLAN_SEES_HYPERV_FULL;
	has(arguments(&m), ",hv-evmcs,hv-emsr-bitmap ");
}

TEST(a_fault_and_a_balloon_are_on_the_command_line)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);
	const char *line;

	m.fault = PLAN_FAULT_REFUSED;
	has(arguments(&m), " -global host-x86_64-cpu.hv-no-such-enlightenment=on ");
	m.fault = PLAN_FAULT_NO_MEMORY;
	lacks(arguments(&m), " -m 128M ");
	m.fault = PLAN_FAULT_NONE;
	m.scenario = PLAN_L1_BALLOON;
	line = arguments(&m);
	has(line, " virtio_mmio.device=512@0xfeb00e00:12 ");
	has(line, " -device virtio-balloon-device,");
}

TEST(memory_that_can_be_unplugged_is_a_device_of_a_pc)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);
	const char *line;

	m.scenario = PLAN_L1_UNPLUG;
	line = arguments(&m);
	has(line, " -M q35 -m 128M,maxmem=256M -object memory-backend-ram,id=pluggable,size=128M ");
	has(line, " -device virtio-mem-pci,id=plugged,memdev=pluggable,requested-size=64M ");
	has(line, " memhp_default_state=online_movable ");
	lacks(line, "microvm");
	lacks(line, "balloon");
	m.backing = PLAN_BACKING_MEMFD;
	line = arguments(&m);
	has(line, " -M q35,memory-backend=ram -m 128M,maxmem=256M "
		  "-object memory-backend-memfd,share=on,id=ram,size=128M "
		  "-object memory-backend-memfd,share=on,id=pluggable,size=128M ");
}

TEST(an_l1_on_a_disk_is_a_pc_whose_disk_stays_as_it_is)
{
	struct plan_measure m = measure(PLAN_L1_DISK, PLAN_MANAGED);
	struct qemu_files f = files;
	static struct qemu_args a;
	const char *line = arguments(&m);

	has(line, " -accel kvm -cpu host -S ");
	has(line, " -M q35 -m 512M -drive if=none,id=disk,snapshot=on,format=qcow2,file=/a,,b ");
	has(line, " -serial file:/c -chardev socket,id=bell,fd=3 -serial chardev:bell ");
	lacks(line, "-kernel");
	lacks(line, "pflash");
	m.l1 = PLAN_L1_HYPERV;
	m.l1_megabytes = 8192;
	line = arguments(&m);
	has(line, " -cpu host,kvm=off,hv-relaxed,");
	has(line, " -m 8192M ");
	has(line, "if=pflash,unit=1,format=raw,snapshot=on,file=" QEMU_UEFI_VARS " ");
	f.disk = memset(calloc(1, 600), 'x', 599);
	assert_int_equal(qemu_args_make(&a, &m, &f), -E2BIG);
	free((void *)(uintptr_t)f.disk);
}

TEST(arguments_that_do_not_fit_are_an_error)
{
	static char path[8192];
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);
	struct qemu_files f = files;
	static struct qemu_args a;

	memset(path, 'x', sizeof(path) - 1);
	f.console = path;
	assert_int_equal(qemu_args_make(&a, &m, &f), -E2BIG);
}

/* ---- the monitor ---- */

static struct qmp q;
static pid_t pid;

/* A machine that never runs: its CPU is halted before the first instruction. */
static void start_qemu(void)
{
	char socket_of_it[64];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(socket_of_it, sizeof(socket_of_it), "socket,id=monitor,fd=%d", fds[1]);
		close(fds[0]);
		execl(QEMU_PROGRAM, QEMU_PROGRAM, "-nodefaults", "-no-user-config", "-display",
		      "none", "-S", "-no-reboot", "-accel", "tcg", "-M", "microvm,acpi=off", "-m",
		      "16M", "-chardev", socket_of_it, "-mon", "chardev=monitor,mode=control",
		      NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(qmp_open(&q, fds[0]), 0);
}

static void stop_qemu(void)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(q.lines.fd);
}

TEST(the_monitor_answers_and_refuses)
{
	char reply[1024];
	uint64_t number;

	start_qemu();
	assert_int_equal(qmp_execute(&q, "query-status", "", reply, sizeof(reply)), 0);
	assert_true(qmp_says(reply, "status", "prelaunch"));
	assert_false(qmp_says(reply, "status", "pre"));
	assert_int_equal(qmp_execute(&q, "query-memory-size-summary", "", reply, sizeof(reply)), 0);
	assert_true(qmp_number(reply, "base-memory", &number));
	assert_int_equal(number, 16 << 20);
	assert_false(qmp_number(reply, "memory", &number));
	assert_int_equal(qmp_execute(&q, "no-such", "", reply, sizeof(reply)), -EPROTO);
	has(q.error, "no-such has not been found");
	stop_qemu();
}

/* What the agent writes there is what the guest has: by two ways to the same byte. */
TEST(guest_memory_is_found_in_qemu)
{
	char path[64], reply[1024];
	uint64_t address = 0;
	int fd;

	start_qemu();
	assert_int_equal(qmp_host_address(&q, 0x800000, &address), 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\x5a", 1, (off_t)address), 1);
	close(fd);
	assert_int_equal(qmp_execute(&q, "human-monitor-command",
				     "\"command-line\":\"xp /1bx 0x800000\"", reply, sizeof(reply)),
			 0);
	has(reply, "0x5a");
	assert_int_equal(qmp_host_address(&q, 1ull << 40, &address), -EPROTO);
	has(q.error, "gpa2hva");
	stop_qemu();
}

TEST(a_qemu_that_goes_is_noticed)
{
	char reply[64];

	start_qemu();
	assert_int_equal(qmp_read_events(&q), 0);
	assert_int_equal(qmp_execute(&q, "quit", "", reply, sizeof(reply)), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(qmp_read_events(&q), -EPIPE);
	assert_string_equal(q.shutdown, "host-qmp-quit");
	assert_int_equal(qmp_execute(&q, "query-status", "", reply, sizeof(reply)), -EPIPE);
	close(q.lines.fd);
}

TEST(an_l1_that_comes_in_is_not_stopped)
{
	struct plan_measure m = measure(PLAN_L1_LINUX_KVM, PLAN_MANAGED);
	struct qemu_files f = files;
	static struct qemu_args a;
	bool stopped = false, incoming = false;

	f.incoming = 5;
	assert_int_equal(qemu_args_make(&a, &m, &f), 0);
	for (size_t i = 0; i < a.n; i++) {
		stopped |= !strcmp(a.argv[i], "-S");
		incoming |= !strcmp(a.argv[i], "fd:5");
	}
	assert_true(incoming && !stopped);
}

/* By a descriptor alone: there is no shell on L0, and no network. */
TEST(a_machine_goes_into_a_file)
{
	__cleanup_free char *path = unit_path("state");
	char reply[2048] = "";
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	start_qemu();
	assert_int_equal(qmp_give(&q, "move", fd), 0);
	assert_int_equal(qmp_execute(&q, "migrate", "\"uri\":\"fd:no-such\"", reply, sizeof(reply)),
			 -EPROTO);
	assert_int_equal(qmp_execute(&q, "migrate", "\"uri\":\"fd:move\"", reply, sizeof(reply)),
			 0);
	while (!qmp_says(reply, "status", "completed"))
		assert_int_equal(qmp_execute(&q, "query-migrate", "", reply, sizeof(reply)), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size > 1000);
	close(fd);
	stop_qemu();
}

/* A line that never ends is no reason to wait, or to write over what comes behind the buffer. */
TEST(a_line_without_end_is_refused)
{
	static char flood[LINES_MAX * 2];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	memset(flood, '{', sizeof(flood));
	assert_true(send(fds[1], flood, sizeof(flood), 0) > LINES_MAX);
	assert_int_equal(qmp_open(&q, fds[0]), -EMSGSIZE);
	close(fds[0]);
	close(fds[1]);
}

/* A monitor that is played: what it writes is there before it is read. */
static int played;

static void play(const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(played, text, len, 0), len);
}

static void open_played(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	played = fds[1];
	play("{\"QMP\": {\"version\": {}}}\r\n{\"return\": {}}\r\n");
	assert_int_equal(qmp_open(&q, fds[0]), 0);
}

static void close_played(void)
{
	close(played);
	close(q.lines.fd);
}

#define RTC "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RTC_CHANGE\"}\r\n"

/* L1 can make QEMU say much while nobody asks it anything. */
TEST(more_events_than_a_buffer_holds_are_no_end_of_qemu)
{
	static char flood[3 * LINES_MAX];

	/* at once: a socket holds fewer small messages */
	for (size_t i = 0; i + sizeof(RTC) <= sizeof(flood); i += sizeof(RTC) - 1)
		memcpy(flood + i, RTC, sizeof(RTC));
	open_played();
	play(flood);
	play("\r\n{\"timestamp\": {\"seconds\": 3, \"microseconds\": 4}, \"event\": \"STOP\"}\r\n");
	assert_int_equal(qmp_read_events(&q), 0);
	assert_int_equal(q.stop_us, 3000004);
	close_played();
}

static atomic_bool played_enough;

static void *play_events(void *unused)
{
	while (!atomic_load(&played_enough))
		if (send(played, RTC, sizeof(RTC) - 1, MSG_NOSIGNAL) < 0)
			break;
	return unused;
}

/* Each event used to begin the time anew. */
TEST(events_are_no_answer_however_many_come)
{
	pthread_t thread;

	open_played();
	q.limit_ms = 200;
	assert_int_equal(pthread_create(&thread, NULL, play_events, NULL), 0);
	assert_int_equal(qmp_execute(&q, "query-status", "", NULL, 0), -ETIMEDOUT);
	atomic_store(&played_enough, true);
	shutdown(q.lines.fd, SHUT_RDWR);
	pthread_join(thread, NULL);
	close_played();
}

static void on_alarm(int signal)
{
	(void)signal;
	(void)!write(played, "{\"return\": {}}\r\n", 16);
}

/* The answer comes with a signal that ends the wait. */
TEST(a_signal_is_no_silence)
{
	const struct itimerval timer = {.it_value.tv_usec = 50000};
	struct sigaction act = {.sa_handler = on_alarm};

	open_played();
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	assert_int_equal(qmp_execute(&q, "query-status", "", NULL, 0), 0);
	close_played();
}

/* ---- what is shown of a file ---- */

TEST(the_end_of_a_file_is_whole_lines)
{
	__cleanup_free char *path = unit_path("console");
	struct error err = {0};
	char tail[12];

	assert_int_equal(fs_write_file(path, "first\nsecond\nlast\n", 18, &err), 0);
	qemu_tail(path, tail, sizeof(tail));
	assert_string_equal(tail, "last\n");
	assert_int_equal(fs_write_file(path, "short\n", 6, &err), 0);
	qemu_tail(path, tail, sizeof(tail));
	assert_string_equal(tail, "short\n");
	unlink(path);
	qemu_tail(path, tail, sizeof(tail));
	assert_string_equal(tail, "");
}

UNIT_MAIN("qemu", unit_make_dir, unit_drop_dir)
