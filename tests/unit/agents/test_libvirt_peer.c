// SPDX-License-Identifier: GPL-2.0-only
/* A Linux L1 goes from one libvirt to another: what the helper answers, and what is said of an L1 that stayed. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "agents/l0/vmm/libvirt.h"
#include "agents/l0/vm.h"
#include "tests/unit/agents/sink_fixture.h"

/* The parts of l1_libvirt.c and qemu.c that have processes: a helper that gives this answer. */
static const char *answer;
static char given[64];
static int found_pid;

int libvirt_order(struct libvirt *l, const char *word, const char *argument)
{
	snprintf(given, sizeof(given), "%s %s", word, argument);
	snprintf(l->line, sizeof(l->line), "%s", answer);
	return 0;
}

int libvirt_report(struct libvirt *l, const char *order, int ret)
{
	(void)l;
	(void)order;
	return ret;
}

int libvirt_find_mail(struct libvirt *l, int pid)
{
	(void)l;
	found_pid = pid;
	return 0;
}

void libvirt_note_end(struct libvirt *l)
{
	(void)l;
}

void qemu_close_memory(struct qemu *q)
{
	(void)q;
}

TEST(an_answer_is_read_or_refused)
{
	static const char *const wrong[] = {
		"",
		"moved",
		"moved 1 2 3",
		"moved 0 2 3 4",
		"moved -1 2 3 4",
		"moved 1 2 3 4 5",
		"moved a 2 3 4",
		"stayed",
		"stayed ",
		"stayed nowhere x",
		"stayed wayside x",
	};
	struct l1_moved moved = {0};
	int pid;

	assert_int_equal(libvirt_read_moved("moved 17 120000 17600000 4", &moved, &pid), 0);
	assert_int_equal(pid, 17);
	assert_int_equal(moved.downtime_us, 120000);
	assert_int_equal(moved.bytes, 17600000);
	assert_int_equal(moved.passes, 4);
	assert_int_equal(moved.stay, L1_STAY_NOT);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (libvirt_read_moved(wrong[i], &moved, &pid) != -EPROTO)
			fail_msg("taken: \"%s\"", wrong[i]);
}

static int migrate(struct l1_moved *moved, enum plan_fault fault, bool tunnelled, const char *said)
{
	static struct libvirt l;

	l.qemu.m = plan_measure_default(PLAN_LIVE_MIGRATE);
	l.qemu.m.fault = fault;
	l.qemu.m.tunnelled = tunnelled;
	answer = said;
	found_pid = 0;
	*moved = (struct l1_moved){0};
	return libvirt_migrate(&l, moved);
}

TEST(the_order_says_how_it_goes_and_what_goes_wrong)
{
	struct l1_moved moved;

	assert_int_equal(migrate(&moved, PLAN_FAULT_NONE, false, "moved 17 1 2 3"), 0);
	assert_string_equal(given, "migrate ");
	assert_int_equal(found_pid, 17);
	migrate(&moved, PLAN_FAULT_NONE, true, "moved 17 1 2 3");
	assert_string_equal(given, "migrate tunnelled");
	migrate(&moved, PLAN_FAULT_THERE_REFUSED, true, "stayed refused no such CPU");
	assert_string_equal(given, "migrate tunnelled refuse");
	assert_int_equal(moved.stay, L1_STAY_REFUSED);
	assert_string_equal(moved.why, "no such CPU");
	migrate(&moved, PLAN_FAULT_NONE, false,
		"stayed refused error: failed to set MSR, kvm_put_msrs");
	assert_int_equal(moved.stay, L1_STAY_BROKE_OFF); /* that was KVM */
	migrate(&moved, PLAN_FAULT_THERE_REFUSED, true, "stayed refused no such CPU");
	assert_int_equal(found_pid, 0);
	migrate(&moved, PLAN_FAULT_THERE_KILLED, false, "stayed way socket");
	assert_string_equal(given, "migrate  kill-qemu");
	assert_int_equal(moved.stay, L1_STAY_BROKE_OFF); /* nobody saw a SIGKILL */
	migrate(&moved, PLAN_FAULT_THERE_ALONE, false, "stayed libvirt closed");
	assert_string_equal(given, "migrate  kill-libvirt");
	assert_int_equal(moved.stay, L1_STAY_UNMANAGED);
}

static const char *report(enum l1_stay stay)
{
	struct sink s = {0};

	assert_int_equal(pipe(pipes), 0);
	s.fd = pipes[1];
	assert_int_equal(l1_stay_report(&s, stay, "as it says"), VM_SAID);
	return read_sink();
}

TEST(each_way_to_stay_has_its_words)
{
	static const struct {
		enum l1_stay stay;
		const char *found, *text;
		bool is_guest;
	} ways[] = {
		{L1_STAY_ON_HOST, "\"here\"", "to the other host: as it says. It ran on"},
		{L1_STAY_REFUSED, "\"refused settings\"", "give both hosts the same QEMU and CPU"},
		{L1_STAY_UNMANAGED, "\"a killed libvirt\"", "The libvirt there ended"},
		{L1_STAY_KILLED, "\"a killed QEMU\"", "killed by signal 9"},
		{L1_STAY_BROKE_OFF, "\"a migration that broke off\"",
		 "to the other libvirt: as it says", true}, /* KVM there may have said no */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const char *said = report(ways[i].stay);

		if (!strstr(said, ways[i].found) || !strstr(said, ways[i].text) ||
		    !strstr(said, "right to the last step") ||
		    !strstr(said, ways[i].is_guest ? "\"guest\"" : "\"infrastructure\""))
			fail_msg("%s", said);
	}
}

UNIT_MAIN("libvirt_peer", NULL, NULL)
