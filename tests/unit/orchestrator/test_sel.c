// SPDX-License-Identifier: GPL-2.0-only
/* What a BMC's event log says of a boot: whose fault it was, and when. */
#include "tests/unit/unit.h"

#include "orchestrator/hosts/ipmi/events.h"
#include "orchestrator/hosts/sel.h"

#define POWER_ON 1795680000

static struct sel sel;
static struct error err;

static size_t faults_in(int64_t at, const char *severity, const char *text)
{
	size_t faults;

	sel = (struct sel)SEL_INIT(POWER_ON);
	sel_add(&sel, at, severity, text);
	faults = sel.faults;
	sel_release(&sel);
	return faults;
}

TEST(the_machines_own_faults_are_known)
{
	static const char *const faults[] = {
		"Memory #0x02, Uncorrectable ECC, Asserted",
		"Processor #0x01, Thermal Trip, Asserted",
		"Processor #0x01, Uncorrectable machine check exception, Asserted",
		"Processor #0x01, IERR, Asserted",
		"Power Supply #0x63, Failure detected, Asserted",
		"Power Supply #0x63, Power Supply AC lost, Asserted",
		"Temperature #0x30, Upper Critical going high, Asserted",
		"Critical Interrupt #0x05, Bus Fatal Error, Asserted",
		"CPU 1 machine check error detected.",
		"A PCIe fatal error was detected on bus 3.",
		"The input power for power supply 1 is lost.",
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!faults_in(POWER_ON + 1, "", faults[i]))
			fail_msg("no fault: %s", faults[i]);
}

TEST(what_resets_and_repairs_leave_is_none)
{
	static const char *const others[] = {
		"Watchdog 2 #0x71, Hard reset, Asserted",
		"System ACPI Power State #0x50, S4/S5: soft-off, Asserted",
		"Power Unit #0x60, Power off/down, Asserted",
		"Memory #0x02, Correctable ECC, Asserted",
		"Power Supply #0x63, Failure detected, Deasserted",
		"A PCIe non-fatal error was detected on bus 3.",
		"Fan #0x41, Lower Critical going low, Asserted",
		"Carrier removed",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (faults_in(POWER_ON + 1, "", others[i]))
			fail_msg("a fault: %s", others[i]);
	assert_int_equal(faults_in(POWER_ON + 1, "OK", "The power supply that failed is back."), 0);
}

TEST(what_is_older_or_has_no_time_is_blamed_for_nothing)
{
	const char *text = "Memory #0x02, Uncorrectable ECC, Asserted";

	assert_int_equal(faults_in(POWER_ON - 1, "", text), 0);
	assert_int_equal(faults_in(0, "", text), 0);
	assert_int_equal(faults_in(POWER_ON, "", text), 1);
}

/* The file; the caller frees. */
static char *written(void)
{
	__cleanup_free char *path = unit_path(SEL_FILE);
	struct strbuf text = STRBUF_INIT;

	assert_int_equal(sel_write(&sel, unit_dir, &err), 0);
	assert_int_equal(fs_read_file(path, 0, &text, &err), 0);
	sel_release(&sel);
	return strbuf_detach(&text);
}

TEST(the_file_is_bounded_and_clean)
{
	__cleanup_free char *text = NULL;
	size_t lines = 0;

	sel = (struct sel)SEL_INIT(POWER_ON);
	sel_add(&sel, POWER_ON, "Warning", "a\x1b[2Jb\nc");
	sel_add(&sel, 0, "", "of no time");
	for (int i = 0; i < 1000; i++)
		sel_add(&sel, POWER_ON + i, "", "again");
	text = written();
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, SEL_ENTRIES + 1);
	assert_non_null(strstr(text, "2026-11-26T08:00:00Z Warning: a\\x1b[2Jb\\nc\n"));
	assert_non_null(strstr(text, "(no time) of no time\n"));
	assert_non_null(strstr(text, "and 938 more\n"));
}

TEST(a_severity_of_a_megabyte_is_cut)
{
	char *huge = test_malloc(1 << 20);

	memset(huge, 'x', (1 << 20) - 1);
	huge[(1 << 20) - 1] = '\0';
	sel = (struct sel)SEL_INIT(POWER_ON);
	sel_add(&sel, POWER_ON, huge, "Uncorrectable ECC");
	assert_true(sel.text.len < 400);
	assert_true(sel.trouble.len < 400);
	assert_int_equal(sel.faults, 1);
	sel_release(&sel);
	test_free(huge);
}

TEST(times_are_read_in_their_zones)
{
	assert_int_equal(sel_parse_iso("2026-11-26T08:00:00Z"), POWER_ON);
	assert_int_equal(sel_parse_iso("2026-11-26T10:00:00.123+02:00"), POWER_ON);
	assert_int_equal(sel_parse_iso("2026-11-26T02:30:00-05:30"), POWER_ON);
	assert_int_equal(sel_parse_iso("yesterday"), 0);
	assert_int_equal(sel_parse_american("11/26/2026", "08:00:00 UTC"), POWER_ON);
	assert_int_equal(sel_parse_american("11/26/26", "08:00:00"), POWER_ON);
	assert_int_equal(sel_parse_american("26.11.2026", "08:00:00"), 0);
}

TEST(ipmitools_lines_are_read)
{
	char lines[][100] = {
		"   4 |  Pre-Init  |0000024449| Processor #0x01 | Thermal Trip | Asserted",
		"   5 | 11/26/26 | 08:00:01 | Memory #0x02 | Uncorrectable ECC | Asserted",
		"   6 | 11/26/2026 | 07:59:59 UTC | Memory #0x02 | Uncorrectable ECC | Asserted",
		"SEL has no entries",
		"||||||||",
	};
	__cleanup_free char *text = NULL;

	sel = (struct sel)SEL_INIT(POWER_ON);
	for (size_t i = 0; i < 4; i++)
		ipmi_events_add(&sel, lines[i]);
	assert_int_equal(sel.entries, 1);
	assert_string_equal(
		sel.trouble.buf,
		"the BMC's event log has \"Memory #0x02, Uncorrectable ECC, Asserted\"");
	ipmi_events_add(&sel, lines[4]);
	text = written();
	assert_non_null(strstr(text, "2026-11-26T08:00:01Z Memory #0x02, Uncorrectable ECC"));
}

UNIT_MAIN("event log", unit_make_dir, unit_drop_dir)
