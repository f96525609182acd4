// SPDX-License-Identifier: GPL-2.0-only
/* Many boots in one loop, with hosts that do what a row of a table says. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#include "agents/wire/protocol.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "orchestrator/engine/loop.h"

/* What a host does once it is on. */
struct script {
	const char *console;
	const char *records[3]; /* after {"seq":N,"type": */
	bool damaged;		/* the last record has a wrong byte */
	bool stays_on;
	int postmortem;
	int steps;     /* that provision() takes */
	int refuses;   /* what provision() comes to */
	int release;   /* what release() comes to */
	bool ticketed; /* hello must bear the boot's nonce, which "@" in a record stands for */
	int boot_limit;
	/* what it comes to */
	int ret;
	enum boot_outcome outcome;
	const char *says;
};

/* One host. */
struct fake {
	const struct script *script;
	struct boot_request request;
	struct host_config cfg;
	char *dir;
	int steps, asked, released, powered_off;
};

static void append(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "ae");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f))
		abort();
}

static void append_record(const char *path, int seq, const char *rest, const char *nonce,
			  bool damaged)
{
	char line[256];
	int plain = (int)strcspn(rest, "@");
	int len = snprintf(line, sizeof(line), "{\"seq\":%d,\"type\":%.*s%s%s", seq, plain, rest,
			   rest[plain] ? nonce : "", rest + plain + !!rest[plain]);

	len = record_seal(line, len, sizeof(line) - 1);
	line[len++] = '\n';
	if (damaged)
		line[10] ^= 1;
	append(path, line, len);
}

static struct fake *fake_of(struct host_session *s)
{
	return (struct fake *)(void *)((char *)(uintptr_t)s->cfg - offsetof(struct fake, cfg));
}

static int fake_provision(struct host_session *s, struct error *err)
{
	struct fake *f = fake_of(s);

	s->poll_ms = 1;
	if (f->steps++ < f->script->steps)
		return HOST_GOES_ON;
	s->poll_ms = 0;
	s->ticketed = f->script->ticketed;
	if (f->script->refuses)
		return error_set(err, f->script->refuses, "%s", f->script->says);
	return 0;
}

static int fake_open_channel(struct host_session *s, struct error *err)
{
	(void)s;
	(void)err;
	return 0;
}

static int fake_power(struct host_session *s, enum host_power want, struct error *err)
{
	struct fake *f = fake_of(s);
	const struct script *script = f->script;

	(void)err;
	if (want == HOST_POWER_OFF) {
		f->powered_off++;
		return 0;
	}
	if (script->console)
		append(s->console_path, script->console, strlen(script->console));
	for (int i = 0; i < 3 && script->records[i]; i++)
		append_record(s->records_path, i, script->records[i], s->ticket.nonce,
			      script->damaged && (i == 2 || !script->records[i + 1]));
	if (!script->stays_on)
		s->wake_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

static bool fake_is_on(struct host_session *s)
{
	struct fake *f = fake_of(s);
	eventfd_t count;

	f->asked++;
	return s->wake_fd < 0 || eventfd_read(s->wake_fd, &count);
}

static int fake_postmortem(struct host_session *s, struct strbuf *why)
{
	strbuf_addstr(why, "it went off");
	return fake_of(s)->script->postmortem;
}

static int fake_release(struct host_session *s, struct error *err)
{
	struct fake *f = fake_of(s);

	f->released++;
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	if (f->script->release)
		return error_set(err, f->script->release, "the image is still in the drive");
	return 0;
}

static const struct host_driver driver = {
	.name = "fake",
	.provision = fake_provision,
	.open_channel = fake_open_channel,
	.power = fake_power,
	.is_on = fake_is_on,
	.postmortem = fake_postmortem,
	.release = fake_release,
};

#define HELLO "\"hello\""
#define BYE   "\"bye\",\"records\":2"

static const struct script scripts[] = {
	{.records = {HELLO, BYE}, .outcome = BOOT_DONE, .says = ""},
	{.records = {HELLO, BYE}, .steps = 5, .outcome = BOOT_DONE, .says = ""},
	{.records = {HELLO, BYE}, .release = -EIO, .outcome = BOOT_DONE, .says = ""},
	{.records = {HELLO, BYE},
	 .console = "WARNING: at mm/slub.c:1\n",
	 .outcome = BOOT_GUEST_COMPLAINED,
	 .says = "mm/slub.c:1"},
	{.records = {HELLO},
	 .console = "Kernel panic - not syncing: x\n---[ end Kernel panic\n",
	 .stays_on = true,
	 .outcome = BOOT_GUEST_PANIC,
	 .says = "not syncing: x"},
	{.records = {HELLO, BYE},
	 .damaged = true,
	 .stays_on = true,
	 .outcome = BOOT_BROKEN_RECORDS,
	 .says = "record line 2"},
	{.records = {HELLO}, .postmortem = -ECONNRESET, .outcome = BOOT_GUEST_DIED, .says = "off"},
	{.records = {HELLO}, .postmortem = -EIO, .outcome = BOOT_HOST_FAILED, .says = "off"},
	{.records = {HELLO},
	 .stays_on = true,
	 .outcome = BOOT_HANG,
	 .says = "nothing came for 1 s"},
	{.records = {HELLO ",\"nonce\":\"@\"", BYE},
	 .ticketed = true,
	 .outcome = BOOT_DONE,
	 .says = ""},
	{.records = {HELLO ",\"nonce\":\"00112233\"", BYE},
	 .ticketed = true,
	 .outcome = BOOT_FOREIGN,
	 .says = "another boot's records came: its hello has the nonce 00112233"},
	{.records = {HELLO, BYE},
	 .ticketed = true,
	 .outcome = BOOT_FOREIGN,
	 .says = "nonce (none)"},
	{.console = "PXE-E18: nothing here\n",
	 .stays_on = true,
	 .boot_limit = 1,
	 .outcome = BOOT_FOREIGN,
	 .says = "started something else"},
	{.console = "Linux version 6.12.0\n",
	 .stays_on = true,
	 .boot_limit = 1,
	 .outcome = BOOT_HANG,
	 .says = "no agent within 1 s"},
	{.steps = 3, .refuses = -EBUSY, .ret = -EBUSY, .says = "another nestlab holds"},
};

static void fake_init(struct fake *f, const struct script *script, size_t number)
{
	__cleanup_free char *name = xasprintf("%zu", number);

	*f = (struct fake){.script = script, .dir = unit_path(name)};
	assert_int_equal(fs_mkdir_p(f->dir, NULL), 0);
	f->cfg =
		(struct host_config){.driver = &driver, .wall_limit_s = 60, .progress_limit_s = 60};
	if (script->outcome == BOOT_HANG)
		f->cfg.progress_limit_s = 1;
	f->cfg.boot_limit_s = script->boot_limit;
	f->request = (struct boot_request){.image = "x", .run_dir = f->dir, .arg = f};
}

/* Ends it, and compares with its script. */
static void check_end(struct boot *over)
{
	struct fake *f = boot_arg(over);
	const struct script *script = f->script;
	struct boot_result result;
	struct error err = {0};

	assert_int_equal(boot_end(over, &result, &err), script->ret);
	if (!script->ret)
		assert_string_equal(boot_outcome_name(result.outcome),
				    boot_outcome_name(script->outcome));
	assert_contains(err.text, script->says);
	assert_int_equal(f->released, 1);
	assert_int_equal(f->powered_off, script->ret ? 0 : 1);
	if (script->release)
		assert_string_equal(result.undone, "the image is still in the drive");
	else
		assert_null(result.undone);
	boot_result_free(&result);
}

#define BOOTS 50

/* Boots of every end there is, all at once; each comes to its own. */
TEST(fifty_boots_in_one_thread)
{
	static struct fake fakes[BOOTS];
	struct boot_loop *loop;
	struct error err = {0};

	assert_int_equal(boot_loop_new(&loop, &err), 0);
	for (size_t i = 0; i < BOOTS; i++) {
		fake_init(&fakes[i], &scripts[i % ARRAY_SIZE(scripts)], i);
		boot_loop_add(loop, boot_begin(&fakes[i].cfg, &fakes[i].request));
	}
	for (size_t i = 0; i < BOOTS; i++) {
		struct boot *over = boot_loop_wait(loop);

		assert_non_null(over);
		check_end(over);
	}
	for (size_t i = 0; i < BOOTS; i++) {
		assert_int_equal(fakes[i].released, 1);
		free(fakes[i].dir);
	}
	boot_loop_free(loop);
}

/* ---- events ---- */

/* A guest in another thread: it writes a record when the one before has been read. */
struct guest {
	struct fake fake;
	sem_t read;
	int off; /* eventfd */
};

static int guest_power(struct host_session *s, enum host_power want, struct error *err)
{
	struct guest *g = (struct guest *)(void *)fake_of(s);

	(void)err;
	if (want == HOST_POWER_ON)
		s->wake_fd = dup(g->off);
	return 0;
}

static void note_read(struct json_object *record, void *arg)
{
	struct guest *g = arg;

	(void)record;
	sem_post(&g->read);
}

static void *run_guest(void *arg)
{
	struct guest *g = arg;
	__cleanup_free char *records = xasprintf("%s/records.jsonl", g->fake.dir);

	append_record(records, 0, HELLO, "", false);
	sem_wait(&g->read);
	append_record(records, 1, BYE, "", false);
	sem_wait(&g->read);
	eventfd_write(g->off, 1);
	return NULL;
}

/* Boots it in this thread: nothing but files and a descriptor tell of what it does. */
static void boot_guest(struct guest *g, const struct host_driver *guest_driver)
{
	struct boot_result result;
	struct error err = {0};
	pthread_t thread;

	fake_init(&g->fake, &scripts[0], 1000);
	g->fake.cfg.driver = guest_driver;
	g->fake.request.on_record = note_read;
	g->fake.request.arg = g;
	sem_init(&g->read, 0, 0);
	g->off = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(pthread_create(&thread, NULL, run_guest, g), 0);
	assert_int_equal(boot_once(&g->fake.cfg, &g->fake.request, &result, &err), 0);
	pthread_join(thread, NULL);
	assert_int_equal(result.outcome, BOOT_DONE);
	assert_int_equal(result.records, 2);
	boot_result_free(&result);
	close(g->off);
	sem_destroy(&g->read);
	fs_remove_tree(g->fake.dir, NULL);
	free(g->fake.dir);
}

static struct host_driver make_guest_driver(void)
{
	struct host_driver d = driver;

	d.power = guest_power;
	return d;
}

TEST(files_and_descriptors_wake_it_and_nothing_else_asks_the_driver)
{
	const struct host_driver guest_driver = make_guest_driver();
	struct guest g;

	boot_guest(&g, &guest_driver);
	/* when it was switched on, and when the descriptor said that it is off */
	assert_int_equal(g.fake.asked, 2);
}

static int use_up_inotify(void *arg)
{
	const struct host_driver guest_driver = make_guest_driver();
	struct guest g;
	int n = 0;

	(void)arg;
	while (n < 100000 && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	/* Was it inotify that ran out, and not descriptors? */
	if (dup(0) < 0)
		return 77;
	boot_guest(&g, &guest_driver);
	return 0;
}

TEST(without_inotify_the_files_are_read_all_the_same)
{
	int status = unit_in_child(use_up_inotify, NULL);

	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

/* ---- a cancel ---- */

static int cancel_idle_boots(void *arg)
{
	static const struct script idle = {.stays_on = true};
	static const struct script slow = {.steps = 1 << 30};
	static struct fake fakes[20];
	struct boot_loop *loop;
	int cancelled = 0, unstarted = 0, woken = 0;
	double start;

	(void)arg;
	cancel_install();
	if (boot_loop_new(&loop, NULL))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		fake_init(&fakes[i], i % 2 ? &idle : &slow, 100 + i);
		boot_loop_add(loop, boot_begin(&fakes[i].cfg, &fakes[i].request));
	}
	boot_loop_wake(loop);
	while (boot_loop_wait(loop))
		return 2;
	start = clock_seconds();
	raise(SIGTERM);
	while (cancelled + unstarted < (int)ARRAY_SIZE(fakes)) {
		struct boot *over = boot_loop_wait(loop);
		struct boot_result result;
		int ret;

		if (!over) {
			woken++;
			continue;
		}
		ret = boot_end(over, &result, NULL);
		cancelled += !ret && result.outcome == BOOT_CANCELLED;
		unstarted += ret == -ECANCELED;
		boot_result_free(&result);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (fakes[i].released != 1)
			return 3;
	if (clock_seconds() - start > 30) /* it is the signal that woke them, not a limit of 60 s */
		return 5;
	return cancelled == 10 && unstarted == 10 && woken <= 1 ? 0 : 4;
}

TEST(a_cancel_ends_every_boot_whatever_it_is_at)
{
	assert_int_equal(unit_in_child(cancel_idle_boots, NULL), 0);
}

UNIT_MAIN("boot loop", unit_make_dir, unit_drop_dir)
