// SPDX-License-Identifier: GPL-2.0-only
/* What names a build: hashes over everything that its bytes depend on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

static void hash_lines(char hex[SHA256_HEX], const char *const *lines, size_t count)
{
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&all, "%s\n", lines[i]);
	sha256_bytes(all.buf, all.len, hex);
	strbuf_release(&all);
}

static int find_parts(const struct kernel_env *env, const struct kernel_variant *v, bool fetch,
		      struct kernel_keys *k, struct error *err)
{
	int ret = kernel_source_identify(env, &v->source, fetch, &k->source, err);

	if (ret)
		return ret;
	memcpy(k->source_hash, k->source.hash, sizeof(k->source_hash));
	ret = kernel_patches_hash(v->patches, v->npatches, k->patches_hash, err);
	if (ret)
		return ret;
	ret = kernel_config_hash_fragments(v, k->fragments_hash, err);
	if (ret)
		return ret;
	return kernel_compiler_identify(v->compiler, &k->compiler, &k->linker, err);
}

/* The prekey has the fragments where the key has the resulting .config. So it is known without a
 * tree, and different fragments that lead to the same .config have two prekeys but one key. */
int kernel_keys_find(const struct kernel_env *env, const struct kernel_variant *v, bool fetch,
		     struct kernel_keys *k, struct error *err)
{
	int ret;

	memset(k, 0, sizeof(*k));
	ret = find_parts(env, v, fetch, k, err);
	if (ret) {
		kernel_keys_free(k);
		return ret;
	}
	const char *const parts[] = {KERNEL_RECIPE,	KERNEL_MAKE_FLAGS,
				     k->source_hash,	k->patches_hash,
				     k->fragments_hash, kernel_compiler_name(v->compiler),
				     k->compiler,	k->linker};
	hash_lines(k->prekey, parts, ARRAY_SIZE(parts));
	return 0;
}

int kernel_keys_complete(struct kernel_keys *k, const char *config, struct error *err)
{
	const char *const parts[] = {KERNEL_RECIPE,   KERNEL_MAKE_FLAGS, k->source_hash,
				     k->patches_hash, k->config_hash,	 k->compiler,
				     k->linker};
	int ret = sha256_file(config, k->config_hash, err);

	if (ret)
		return ret;
	hash_lines(k->key, parts, ARRAY_SIZE(parts));
	return 0;
}

void kernel_keys_free(struct kernel_keys *k)
{
	kernel_source_id_free(&k->source);
	free(k->compiler);
	free(k->linker);
	memset(k, 0, sizeof(*k));
}
