// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/console.h"

#include <ctype.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

/* A console line longer than this is noise; its rest is dropped. */
#define LINE_MAX_BYTES 4096

#define PANIC	  "Kernel panic - not syncing"
#define PANIC_END "---[ end Kernel panic"

/* How the kernel begins what somebody should look at: lib/bug.c, kernel/panic.c, mm/kasan/report.c,
 * kernel/locking/lockdep.c, kernel/rcu/tree_stall.h, kernel/hung_task.c, kernel/watchdog.c, ... */
static const char *const complaint_marks[] = {
	"WARNING: ",
	"BUG: ",
	"kernel BUG at ",
	"Oops: ",
	"general protection fault",
	"unchecked MSR access error",
	"traps: PANIC: double fault",
	"INFO: task ",
	"INFO: rcu",
	"rcu: INFO: ",
	"INFO: possible ",
	"INFO: suspicious ",
	"watchdog: BUG: ",
	"UBSAN: ",
	"KCSAN: ",
	"refcount_t: ",
	"list_add corruption",
	"list_del corruption",
	"kvm: KVM_BUG",
	"Unable to handle kernel",
};

/* Bochs' corei7_skylake_x has a CPUID leaf 4 and an XSAVE size that Linux wonders about. */
static const struct {
	const char *file, *function;
} known_warnings[] = {
	{ "arch/x86/kernel/cpu/topology_common.c:", " parse_legacy+" },
	{ "arch/x86/kernel/fpu/xstate.c:", " fpu__init_system_xstate+" },
};

static bool is_known(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_warnings); i++)
		if (strstr(line, known_warnings[i].file) &&
		    strstr(line, known_warnings[i].function))
			return true;
	return false;
}

/* "in_atomic(): INFO: ..." is not a line that begins with a mark: marks count at the start only. */
static bool is_complaint(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(complaint_marks); i++)
		if (!strncmp(line, complaint_marks[i], strlen(complaint_marks[i])))
			return !is_known(line);
	return false;
}

/* The text after "<4>", "[   12.345678]" and "[    T1]", as printk's options put them. */
static const char *skip_prefix(const char *line)
{
	if (line[0] == '<' && isdigit((unsigned char)line[1]) && line[2] == '>')
		line += 3;
	while (*line == '[') {
		size_t n = 1 + strspn(line + 1, " .0123456789TC");

		if (line[n] != ']')
			break;
		line += n + 1;
		line += strspn(line, " ");
	}
	return line;
}

static void set_once(struct strbuf *sb, const char *text)
{
	if (!sb->len)
		strbuf_addstr(sb, text);
}

/* Told once: a panic repeats the whole log (panic_print=). */
static void note_complaint(struct console *c, const char *line)
{
	c->wants_place = true;
	if (strstr(c->complaints.buf, line))
		return;
	if (c->ncomplaints++ < CONSOLE_COMPLAINTS)
		strbuf_addf(&c->complaints, "%s\n", line);
}

static void take_line(struct console *c, char *line)
{
	const char *text;

	for (char *p = line; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = ' ';
	for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	text = skip_prefix(line);
	if (!*text)
		return;
	strbuf_reset(&c->last);
	strbuf_addstr(&c->last, text);
	if (!strncmp(text, PANIC, strlen(PANIC)))
		set_once(&c->panic, text);
	else if (!strncmp(text, PANIC_END, strlen(PANIC_END)))
		c->panic_told = true;
	else if (is_complaint(text))
		note_complaint(c, text);
	else if (c->wants_place && !strncmp(text, "RIP: ", 5))
		set_once(&c->place, text);
}

void console_feed(struct console *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			strbuf_addch(&c->partial, '\0');
			take_line(c, c->partial.buf);
			strbuf_reset(&c->partial);
		} else if (data[i] && c->partial.len < LINE_MAX_BYTES) {
			strbuf_addch(&c->partial, data[i]);
		}
	}
}

void console_release(struct console *c)
{
	strbuf_release(&c->partial);
	strbuf_release(&c->last);
	strbuf_release(&c->panic);
	strbuf_release(&c->place);
	strbuf_release(&c->complaints);
}

int console_check(const char *path, struct strbuf *complaints, struct error *err)
{
	struct console c = CONSOLE_INIT;
	struct strbuf text = STRBUF_INIT;
	int ret = fs_read_file(path, 0, &text, err);

	console_feed(&c, text.buf, text.len);
	console_feed(&c, "\n", 1);
	strbuf_addstr(complaints, c.complaints.buf);
	if (c.panic.len)
		strbuf_addf(complaints, "%s\n", c.panic.buf);
	console_release(&c);
	strbuf_release(&text);
	return ret;
}
