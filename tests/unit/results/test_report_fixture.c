// SPDX-License-Identifier: GPL-2.0-only
/*
 * The made-up databases that reports are tested with are as good as real ones. With arguments KIND
 * FILE it makes one: for tests/integration/report*.t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fs.h"
#include "tests/fixtures/reports/synthetic.h"

static char dir[] = "/tmp/nestlab-fixture.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static void every_kind_passes_the_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(synthetic_kinds); i++) {
		const struct synthetic_kind *k = &synthetic_kinds[i];
		__cleanup_free char *path = xasprintf("%s/%s.db", dir, k->name);
		struct strbuf faults = STRBUF_INIT;
		struct error err = {0};
		struct results_db *db;

		if (synthetic_make(k, path, &err))
			fail_msg("%s: %s", k->name, err.text);
		assert_int_equal(results_open(path, false, &db, &err), 0);
		assert_int_equal(results_check(db, &faults, &err), 0);
		results_close(db);
		strbuf_release(&faults);
	}
}

static int make_one(const char *kind, const char *path)
{
	const struct synthetic_kind *k = synthetic_find(kind);
	struct error err = {0};

	if (!k) {
		fprintf(stderr, "%s: no such kind\n", kind);
		return 1;
	}
	if (synthetic_make(k, path, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_passes_the_check),
	};

	if (argc == 3)
		return make_one(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
