// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/quiet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agents/l0/files.h"

#define VALUE_MAX   4096
#define JOURNAL_MAX (1u << 20)
#define CPU	    "/sys/devices/system/cpu/"
#define BOOT_ID	    "/proc/sys/kernel/random/boot_id"

/* What a setting is set to, where it is not the same for all machines. */
enum wanted { WANT_TEXT, WANT_REST_LIST, WANT_REST_MASK };

/*
 * In this order, and put back in the opposite one. A path with a star is one file for each name that the
 * star stands for. SMT comes first: CPUs that it takes away have no files any more.
 */
static const struct setting {
	const char *name, *path;
	enum wanted wanted;
	const char *text;
} settings[] = {
	{"smt", CPU "smt/control", WANT_TEXT, "off"},
	{"turbo", CPU "intel_pstate/no_turbo", WANT_TEXT, "1"},
	{"turbo", CPU "cpufreq/boost", WANT_TEXT, "0"},
	{"governor", CPU "*/cpufreq/scaling_governor", WANT_TEXT, "performance"},
	{"numa_balancing", "/proc/sys/kernel/numa_balancing", WANT_TEXT, "0"},
	{"ksm", "/sys/kernel/mm/ksm/run", WANT_TEXT, "0"},
	{"thp", "/sys/kernel/mm/transparent_hugepage/enabled", WANT_TEXT, "never"},
	{"nmi_watchdog", "/proc/sys/kernel/nmi_watchdog", WANT_TEXT, "0"},
	{"watchdog", "/proc/sys/kernel/watchdog", WANT_TEXT, "0"},
	{"timer_migration", "/proc/sys/kernel/timer_migration", WANT_TEXT, "1"},
	{"stat_interval", "/proc/sys/vm/stat_interval", WANT_TEXT, "120"},
	{"halt_poll_ns", "/sys/module/kvm/parameters/halt_poll_ns", WANT_TEXT, "0"},
	{"workqueues", "/sys/devices/virtual/workqueue/cpumask", WANT_REST_MASK, NULL},
	{"irqs", "/proc/irq/default_smp_affinity", WANT_REST_MASK, NULL},
	{"irqs", "/proc/irq/*/smp_affinity_list", WANT_REST_LIST, NULL},
};

/* ---- values ---- */

/* "always [madvise] never" is how some files say that it is madvise; a value ends with its line. */
static void tidy_value(char *value)
{
	char *open = strchr(value, '['), *close = open ? strchr(open, ']') : NULL;

	if (close) {
		memmove(value, open + 1, (size_t)(close - open - 1));
		value[close - open - 1] = '\0';
	}
	value[strcspn(value, "\n")] = '\0';
}

static int read_value(const char *path, char value[VALUE_MAX])
{
	ssize_t n = file_read(path, value, VALUE_MAX);

	if (n < 0)
		return (int)n;
	tidy_value(value);
	return 0;
}

static void wanted_value(const struct quiet *q, const struct setting *s, char value[VALUE_MAX])
{
	if (s->wanted == WANT_TEXT)
		snprintf(value, VALUE_MAX, "%s", s->text);
	else if (s->wanted == WANT_REST_LIST)
		cpus_format(&q->rest, value, VALUE_MAX);
	else
		cpus_format_mask(&q->rest, value, VALUE_MAX);
}

/* Masks are written with leading zeros or without: both are the same. */
static bool is_same(const char *a, const char *b)
{
	a += strspn(a, "0,");
	b += strspn(b, "0,");
	return !strcmp(a, b);
}

static void note_not_set(struct quiet *q, const char *name)
{
	size_t len = strlen(q->not_set);

	if (strstr(q->not_set, name))
		return;
	snprintf(q->not_set + len, sizeof(q->not_set) - len, "%s%s", len ? " " : "", name);
}

/* ---- the journal: "PATH\tVALUE\n", below the boot's id ---- */

static int write_journal(struct quiet *q, const char *path, const char *value)
{
	if (q->journal_fd < 0)
		return 0;
	if (dprintf(q->journal_fd, "%s\t%s\n", path, value) < 0 || fdatasync(q->journal_fd))
		return -errno;
	return 0;
}

static void read_boot_id(const char *root, char id[64])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" BOOT_ID, root);
	file_read(path, id, 64);
	id[strcspn(id, "\n")] = '\0';
}

static int open_journal(struct quiet *q, char *why, size_t len)
{
	char id[64];

	q->journal_fd = -1;
	if (!q->journal)
		return 0;
	q->journal_fd = open(q->journal, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (q->journal_fd < 0) {
		int ret = -errno;

		snprintf(why, len,
			 ret == -EEXIST ? "%s: %s: what an earlier run changed is not put "
					  "back yet"
					: "%s: cannot make the journal: %s",
			 q->journal, strerror(-ret));
		return ret;
	}
	flock(q->journal_fd,
	      LOCK_EX); /* whoever finds it and gets the lock knows that we are dead */
	read_boot_id(q->root, id);
	return write_journal(q, "boot", id);
}

/* Puts one line of it back; the line is cut into its words. */
static int undo_line(char *line)
{
	char *value = strchr(line, '\t');
	char now[VALUE_MAX];
	int ret;

	if (!value)
		return 0;
	*value++ = '\0';
	if (!read_value(line, now) && is_same(now, value))
		return 0;
	ret = file_write(line, value);
	if (ret == -ENOENT)
		return 0; /* the device is gone, and its setting */
	if (ret)
		fprintf(stderr, "nestlab-agent: %s was %s and cannot be put back: %s\n", line,
			value, strerror(-ret));
	return ret;
}

/* From the last line to the first. 0, or the first error; the others are tried all the same. */
static int undo_lines(char *text)
{
	char *last = strrchr(text, '\n');
	size_t len = last ? (size_t)(last + 1 - text) : 0;
	int first = 0;

	/* a line without its end is of a run that was killed before it changed that */
	text[len] = '\0';
	while (len) {
		char *line;
		int ret;

		text[len - 1] = '\0';
		line = strrchr(text, '\n');
		line = line ? line + 1 : text;
		ret = undo_line(line);
		if (ret && !first)
			first = ret;
		len = (size_t)(line - text);
	}
	return first;
}

int quiet_restore(const char *root, const char *journal)
{
	static char text[JOURNAL_MAX];
	char id[64], *lines;
	int ret = 0, fd = open(journal, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* a kernel without file locks (ENOSYS) is one that a lab built: nobody else is on it */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close(fd);
		return -EBUSY;
	}
	n = file_read(journal, text, sizeof(text));
	if (n < 0) {
		close(fd);
		return (int)n;
	}
	lines = strchr(text, '\n');
	read_boot_id(root, id);
	if (lines && !strncmp(text, "boot\t", 5)) {
		*lines = '\0';
		if (!strcmp(text + 5, id))
			ret = undo_lines(lines + 1);
	}
	if (!ret && unlink(journal))
		ret = -errno;
	close(fd);
	return ret;
}

/* ---- setting ---- */

static int set_file(struct quiet *q, const struct setting *s, const char *path)
{
	char old[VALUE_MAX], want[VALUE_MAX], now[VALUE_MAX];
	int ret;

	if (read_value(path, old))
		return 0; /* this machine does not have it */
	wanted_value(q, s, want);
	if (is_same(old, want))
		return 0;
	if (!strcmp(s->name, "smt") && strcmp(old, "on"))
		return 0; /* forceoff, notsupported */
	ret = write_journal(q, path, old);
	if (ret)
		return ret;
	/* not every interrupt can be moved, which is no news to anybody */
	if ((file_write(path, want) || read_value(path, now) || !is_same(now, want)) &&
	    s->wanted != WANT_REST_LIST)
		note_not_set(q, s->name);
	return 0;
}

/* One file for each name that the star of the path stands for. */
static int set_each(struct quiet *q, const struct setting *s, const char *star)
{
	char folder[PATH_MAX], path[2 * PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s%.*s", q->root, (int)(star - s->path), s->path);
	dir = opendir(folder);
	while (dir && !ret && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s%s%s", folder, entry->d_name, star + 1);
		ret = set_file(q, s, path);
	}
	if (dir)
		closedir(dir);
	return ret;
}

static int set_all(struct quiet *q)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *s = &settings[i];
		const char *star = strchr(s->path, '*');
		char path[PATH_MAX];
		int ret;

		snprintf(path, sizeof(path), "%s%s", q->root, s->path);
		ret = star ? set_each(q, s, star) : set_file(q, s, path);
		if (ret)
			return ret;
	}
	return 0;
}

/* Documentation/power/pm_qos_interface.rst: as long as it is open, the CPUs leave idle states within so
 * many microseconds: 0 keeps them awake. */
static void hold_latency(struct quiet *q)
{
	static const char none[4];
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/dev/cpu_dma_latency", q->root);
	q->latency_fd = open(path, O_WRONLY | O_CLOEXEC);
	if (q->latency_fd < 0 || write(q->latency_fd, none, sizeof(none)) != sizeof(none))
		note_not_set(q, "idle_states");
}

static void read_cpus(const char *root, const char *path, struct cpus *out)
{
	char full[PATH_MAX], list[VALUE_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	file_read(full, list, sizeof(list));
	if (!cpus_parse(list, out))
		memset(out, 0, sizeof(*out));
}

/* After SMT is off fewer are online. */
static void split_cpus(struct quiet *q)
{
	static struct cpus online, isolated;

	read_cpus(q->root, CPU "online", &online);
	read_cpus(q->root, CPU "isolated", &isolated);
	cpus_split(&online, &isolated, &q->measuring, &q->rest);
}

int quiet_begin(struct quiet *q, char *why, size_t len)
{
	char smt[PATH_MAX];
	int ret = open_journal(q, why, len);

	q->latency_fd = -1;
	if (ret)
		return ret;
	snprintf(smt, sizeof(smt), "%s%s", q->root, settings[0].path);
	ret = set_file(q, &settings[0], smt);
	split_cpus(q);
	if (!ret)
		ret = set_all(q);
	if (ret) {
		snprintf(why, len, "%s: cannot write: %s", q->journal, strerror(-ret));
		quiet_end(q);
		return ret;
	}
	hold_latency(q);
	cpus_use(&q->measuring);
	return 0;
}

int quiet_end(struct quiet *q)
{
	if (q->latency_fd >= 0)
		close(q->latency_fd);
	q->latency_fd = -1;
	if (q->journal_fd < 0)
		return 0;
	close(q->journal_fd);
	q->journal_fd = -1;
	return quiet_restore(q->root, q->journal);
}
