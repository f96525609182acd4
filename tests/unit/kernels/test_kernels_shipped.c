// SPDX-License-Identifier: GPL-2.0-only
/* kernels/: the variants that nestlab comes with. */
#include "tests/unit/unit.h"

#include "common/fs.h"
#include "kernels/fragment.h"
#include "kernels/internal.h"

static void read_fragments(const struct kernel_variant *v)
{
	struct kernel_fragment f = {0};
	struct error err;

	for (size_t i = 0; i < v->nfragments; i++)
		if (kernel_fragment_read(&f, v->fragments[i], &err))
			fail_msg("%s: %s", v->name, err.text);
	kernel_fragment_free(&f);
}

/* With each fragment and patch that they name. "nested-context-X" is the series on "baseline-X" and nothing
 * else, so that the two can be compared, and the one starts from the other's built tree. */
TEST(shipped_variants_are_whole)
{
	static const char series[] = "nested-context";
	struct kernel_env env = {.variants.shipped = "kernels", .cache_dir = unit_dir};
	struct kernel_variant v;
	struct error err;
	size_t n, pairs = 0;
	char **names;

	assert_int_equal(fs_list_stems("kernels", ".json", &names, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		if (kernel_variant_load(&env, names[i], &v, &err))
			fail_msg("%s", err.text);
		read_fragments(&v);
		if (!strncmp(names[i], series, strlen(series))) {
			__cleanup_free char *base =
				xasprintf("baseline%s", names[i] + strlen(series));

			assert_string_equal(v.base, base);
			assert_int_equal(v.nfragments, v.parent->nfragments);
			assert_int_equal(v.nbase_patches, 0);
			assert_true(v.npatches > 0);
			pairs++;
		}
		kernel_variant_free(&v);
	}
	assert_int_equal(pairs, 5);
	fs_free_names(names, n);
}

UNIT_MAIN_EACH("kernels_shipped", unit_make_dir, unit_drop_dir)
