// SPDX-License-Identifier: GPL-2.0-only
/* Where L1 is when it is moved. Its mail page is here, and an L1 does a round whenever L0 waits for it. */
#include "tests/unit/unit.h"

#include "agents/guest/mail.h"
#include "agents/l0/clock.h"
#include "agents/l0/vmm/l1_moves.h"
#include "tests/unit/agents/sink_fixture.h"

static struct mail mail;
static enum mail_stay at_move[8];
static uint32_t moves;

static int peek_mail(void *vmm, size_t at, void *to, size_t len)
{
	(void)vmm;
	memcpy(to, (char *)&mail + at, len);
	return 0;
}

static int poke_mail(void *vmm, size_t at, const void *from, size_t len)
{
	(void)vmm;
	memcpy((char *)&mail + at, from, len);
	return 0;
}

/* As agents/guest/moved.c has it. */
static int wait_a_round(void *vmm, unsigned int ms, bool *rung)
{
	(void)vmm;
	(void)ms;
	*rung = false;
	if (mail.stay == MAIL_STAY_ASKED)
		mail.stay = MAIL_STAY_IS;
	else if (mail.stay == MAIL_STAY_NOT)
		mail.progress++;
	return 0;
}

static int note_move(void *vmm, bool live, struct l1_moved *out)
{
	(void)vmm;
	(void)live;
	at_move[moves++] = mail.stay;
	*out = (struct l1_moved){.downtime_us = 1, .duration_us = 1, .bytes = 1};
	return 0;
}

static const struct l1_vmm vmm = {
	.peek = peek_mail, .poke = poke_mail, .wait = wait_a_round, .move = note_move};

static void make_moves(enum plan_scenario scenario, uint32_t rounds)
{
	static struct l1_moves made;
	struct plan_measure m = plan_measure_default(scenario);
	struct sink s = {0};
	bool rung;

	m.rounds = rounds;
	m.l2_vcpus = 2;
	memset(&mail, 0, sizeof(mail));
	moves = 0;
	made = (struct l1_moves){0};
	assert_int_equal(pipe(pipes), 0);
	s.fd = pipes[1];
	assert_int_equal(l1_moves_make(&vmm, NULL, &m, &s, &made, &rung), 0);
	assert_int_equal(made.count, rounds);
	assert_int_equal(mail.stay, MAIL_STAY_NOT);
	read_sink();
}

TEST(the_first_save_alone_finds_l1_outside_of_its_l2s)
{
	make_moves(PLAN_SAVE_RESTORE, 3);
	assert_int_equal(at_move[0], MAIL_STAY_IS);
	assert_int_equal(at_move[1], MAIL_STAY_NOT);
	assert_int_equal(at_move[2], MAIL_STAY_NOT);
}

TEST(a_live_migration_finds_l1_anywhere)
{
	make_moves(PLAN_LIVE_MIGRATE, 1);
	assert_int_equal(at_move[0], MAIL_STAY_NOT);
}

UNIT_MAIN("l1_moves", NULL, NULL)
