// SPDX-License-Identifier: GPL-2.0-only
/*
 * The made-up databases that reports are tested with are as good as real ones. With arguments KIND
 * FILE it makes one: for tests/integration/report*.t.
 */

#include "tests/unit/unit.h"

#include "tests/fixtures/reports/synthetic.h"

TEST(every_kind_passes_the_check)
{
	for (size_t i = 0; i < ARRAY_SIZE(synthetic_kinds); i++) {
		const struct synthetic_kind *k = &synthetic_kinds[i];
		__cleanup_free char *path = xasprintf("%s/%s.db", unit_dir, k->name);
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
	if (argc == 3)
		return make_one(argv[1], argv[2]);
	return unit_run("report fixture", unit_make_dir, unit_drop_dir, NULL, NULL);
}
