/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - the parts of kernels/ to each other. Order of a build:
 *
 *	variant.c   kernels/NAME.json and its bases -> struct kernel_variant
 *	source.c    what the source is (cheap), and unpacking it; download.c fetches URLs
 *	cache.c     keys, the index that finds them, entries that appear by one rename
 *	work.c      a scratch folder that goes away, tree.c: a copy of a built tree in a second
 *	lineage.c   the tree of the last commit built, to build the next one from
 *	patches.c   the series applied, config.c: the .config and its check
 *	make.c      make, with progress, and what went wrong
 *	build.c     all of it, in order and under locks
 *	selftests.c the tree's KVM selftests, in a tree that build.c prepares
 */
#ifndef KERNELS_INTERNAL_H
#define KERNELS_INTERNAL_H

#include <stdint.h>

#include "common/progress.h"
#include "common/strbuf.h"
#include "kernels/kernels.h"

/* Changes when the same inputs would give other bytes: part of every key. */
#define KERNEL_RECIPE "nestlab-kernel-1"

/* ---- source.c ---- */

struct kernel_source_id {
	char hash[SHA256_HEX]; /* of the tarball, or over the commit id */
	char *place;	       /* path of the tarball, or of the git folder */
	char *commit;	       /* git only */
};

/* @fetch: may use the network for what is not here. Without it -ENOENT says what is missing. */
int kernel_source_identify(const struct kernel_env *env, const struct kernel_source *source,
			   bool fetch, struct kernel_source_id *id, struct error *err);
void kernel_source_id_free(struct kernel_source_id *id);
int kernel_source_unpack(const struct kernel_source_id *id, const char *dir, const char *log,
			 struct error *err);

/* download.c: @url into @path, which appears only if its SHA-256 is @sha256. */
int kernel_download(const char *url, const char *sha256, const char *path, struct error *err);

/* ---- patches.c ---- */

/* Reads @dir/series into @paths (appended; grown with xrealloc), the first @limit ones (0: all). */
int kernel_series_read(const char *dir, size_t limit, char ***paths, size_t *count,
		       struct error *err);
/* SHA-256 over the contents, in order. */
int kernel_patches_hash(char *const *paths, size_t count, char hex[SHA256_HEX], struct error *err);
/* Applies them in @tree; -EBADMSG names patch, file and hunk. */
int kernel_patches_apply(const char *tree, char *const *paths, size_t count, const char *log,
			 struct error *err);
/* The same over those that change what KVM's selftests are built from: tools/, scripts/, headers
 * that userspace gets, makefiles. */
int kernel_patches_hash_userspace(char *const *paths, size_t count, char hex[SHA256_HEX],
				  struct error *err);
/* Is it a file that `make olddefconfig` reads? (Kconfig files, defconfigs, Makefiles, scripts) */
bool kernel_is_config_path(const char *path);
/* Could they change what `make olddefconfig` says? (Kconfig files, defconfigs, Makefiles) */
int kernel_patches_touch_config(char *const *paths, size_t count, bool *touch, struct error *err);

/* ---- config.c ---- */

int kernel_config_hash_fragments(const struct kernel_variant *v, char hex[SHA256_HEX],
				 struct error *err);
/* Makes @tree/.config: tinyconfig, the fragments, olddefconfig; then the check. */
int kernel_config_make(const struct kernel_variant *v, const char *tree, const char *log,
		       struct error *err);
/* -EDOM lists every option of the fragments that @config does not have as asked. */
int kernel_config_check(const struct kernel_variant *v, const char *config, struct error *err);

/* ---- make.c ---- */

struct kernel_make {
	const char *tree, *log, *compiler;
	const char *const *targets; /* NULL-terminated: make's further arguments */
	int jobs;		    /* 0: one per core */
	struct progress *progress;  /* NULL: none */
	uint64_t expected;	    /* steps, for the progress line; 0: unknown */
	uint64_t steps;		    /* out: what make did */
};

/* -ENOEXEC with the first error lines; -ENOSPC, -ENOMEM, -EMFILE, -EAGAIN where the machine was at its
 * limits; -ECANCELED. */
int kernel_make_run(struct kernel_make *m, struct error *err);
/* The first line of `PROGRAM --version`; the caller frees. */
int kernel_tool_version(const char *program, char **line, struct error *err);
/* What the environment and make's arguments are, for the key. */
#define KERNEL_MAKE_FLAGS \
	"ARCH=x86_64 user=host=nestlab timestamp=1970-01-01 version=1 LOCALVERSION="

/* ---- tree.c ---- */

/* Files older than this mark in a built tree are sources, the rest was generated. */
#define KERNEL_TREE_MARK ".nestlab-sources"

/* Marks the sources of @tree, before its first make. */
int kernel_tree_mark(const char *tree, struct error *err);
/*
 * Copies the built tree @from to @to (which must not exist). Sources become hard links: whoever
 * changes one must replace it, which patch(1) and git do. What make generated is copied, because
 * make writes such files in place. Times are kept, so make finds nothing to do.
 */
int kernel_tree_copy(const char *from, const char *to, struct error *err);
/*
 * Notes that @path, relative to @tree, is a source though it is younger than the mark: a patch or a
 * checkout put it there after the first make. Nothing to do in a tree without a mark.
 */
int kernel_tree_note_source(const char *tree, const char *path, struct error *err);
/* Did make generate @path? Then a patch for it would not apply to the sources alone. */
int kernel_tree_is_generated(const char *tree, const char *path, bool *generated,
			     struct error *err);

/* ---- work.c ---- */

struct kernel_work { /* a scratch folder in CACHE/work, removed by kernel_work_end() */
	char *dir, *tree, *log, *entry; /* dir/tree, dir/log, dir/entry */
	int lock;
};

/* Makes one, and removes those that a killed nestlab left behind. */
int kernel_work_begin(const struct kernel_env *env, struct kernel_work *w, struct error *err);
void kernel_work_end(struct kernel_work *w);
/* The build of @name in @w failed with @code: keeps its log (CACHE/logs/NAME.log) and tells a full
 * disk from other trouble. Returns the code. */
int kernel_work_explain(const struct kernel_env *env, const struct kernel_work *w, const char *name,
			int code, struct error *err);
/* Takes CACHE/locks/@name; if it has to wait, says so, and for @what ("kernel") of @variant. */
int kernel_work_lock(const struct kernel_env *env, const char *what, const char *variant,
		     const char *name, int *fd, struct error *err);

/* ---- cache.c ---- */

/* The names of a build. The prekey is found in milliseconds and leads to the key by the index. */
struct kernel_keys {
	struct kernel_source_id source;
	char source_hash[SHA256_HEX], patches_hash[SHA256_HEX];
	char fragments_hash[SHA256_HEX], config_hash[SHA256_HEX];
	char *compiler, *linker; /* first lines of --version */
	char prekey[SHA256_HEX], key[SHA256_HEX];
};

int kernel_keys_find(const struct kernel_env *env, const struct kernel_variant *v, bool fetch,
		     struct kernel_keys *k, struct error *err); /* all but config_hash and key */
/* config_hash and key, from the resulting .config. */
int kernel_keys_complete(struct kernel_keys *k, const char *config, struct error *err);
void kernel_keys_free(struct kernel_keys *k);

/* Fills in k->key by the index. *found false: never built (or its entry is gone). */
int kernel_cache_lookup(const struct kernel_env *env, struct kernel_keys *k, bool *found,
			struct error *err);
int kernel_cache_remember(const struct kernel_env *env, const struct kernel_keys *k,
			  struct error *err);
/* Reads the entry k->key; -EUCLEAN if it is damaged: files are missing, or the bzImage is not what the
 * manifest says. */
int kernel_cache_load(const struct kernel_env *env, const struct kernel_variant *v,
		      const struct kernel_keys *k, struct kernel_build *out, struct error *err);
/* Collects the finished build in w->tree into w->entry, and makes that the entry by one rename. */
int kernel_cache_publish(const struct kernel_env *env, const struct kernel_variant *v,
			 const struct kernel_keys *k, const struct kernel_work *w, uint64_t steps,
			 struct error *err);
char *kernel_cache_path(const struct kernel_env *env, const char *folder, const char *name);
/* A small number kept under a name: steps of the last build, for the next one's ETA. 0: none. */
uint64_t kernel_cache_number(const struct kernel_env *env, const char *name);
void kernel_cache_set_number(const struct kernel_env *env, const char *name, uint64_t value);

/* ---- lineage.c ---- */

/* Does the variant have a lineage: is its source a commit, as it is? */
bool kernel_lineage_exists(const struct kernel_variant *v, const struct kernel_keys *k);
/*
 * If a tree of the lineage is kept: copies it to @tree (which must not exist), with the sources of
 * the wanted commit; *taken says so. *config_may_differ: files that `make olddefconfig` reads are not
 * what they were.
 */
int kernel_lineage_take(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			bool *taken, bool *config_may_differ, struct error *err);
/* Keeps @tree, whose sources are the wanted commit's, as the lineage's one. It is left with the
 * tree kept so far, or does not exist any more. */
int kernel_lineage_give(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			struct error *err);

/* ---- build.c ---- */

/*
 * The sources of @v alone, as its @keys (kernel_keys_find()) name them, whatever became of a branch
 * since. First the base that they start from, built if need be: @base, which the caller frees with
 * kernel_keys_free(), has no key if there is none. Then they and @v's patches, in @w->tree: a copy
 * of a built tree if one is kept.
 */
int kernel_sources_find_base(const struct kernel_env *env, const struct kernel_variant *v,
			     const struct kernel_keys *keys, struct kernel_keys *base,
			     struct error *err);
int kernel_sources_prepare(const struct kernel_env *env, const struct kernel_variant *v,
			   const struct kernel_keys *keys, const struct kernel_keys *base,
			   const struct kernel_work *w, struct progress *progress,
			   struct error *err);

/* elf.c: the GNU build-id of an ELF file, in hex ("" if it has none). */
int kernel_elf_build_id(const char *path, char hex[41], struct error *err);

#endif
