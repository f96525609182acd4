/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - what the files of kernels/ offer each other. Order of a build:
 *
 *	variant.c   kernels/NAME.json and its bases -> struct kernel_variant; its "source": variant_source.c
 *	spot.c      the same of NAME+CONFIG_X=y, which has no file
 *	source.c    what the source is (cheap), and unpacking it (unpack.c); download.c fetches URLs
 *	keys.c      the names of a build, from everything that its bytes depend on
 *	cache.c     the index that finds keys, entries that appear by one rename; paths.c
 *	work.c      the scratch folder of a build, tree.c: a copy of a built tree in a second
 *	forget.c    what was built of one repository goes
 *	lineage.c   the tree of the last commit built, to build the next one from
 *	unfinished.c the tree of a build that was cancelled, to go on from
 *	patches.c   the series applied, patch.c: a patch file's diff and the files that it names
 *	mailinfo.c  git's own reading of mails and of patch files
 *	import.c    a variant made of mails (mail.c, subject.c, thread.c), import_read.c, import_try.c
 *	config.c    the .config and its check, fragment.c: what a fragment asks for
 *	make.c      make, with progress, and what went wrong
 *	prepare.c   the tree that make runs in, by the shortest way
 *	build.c     all of it, in order and under locks; elf.c: the build-id of what came of it
 *	nm.c	    which source file each function comes from; functions.c: the list of a build
 *	selftests.c the tree's KVM selftests, in a tree that build.c prepares
 *	running.c   the kernel that this machine runs, which is not built
 */
#ifndef KERNELS_INTERNAL_H
#define KERNELS_INTERNAL_H

#include <stdint.h>

#include "common/json.h"
#include "common/progress.h"
#include "common/scratch.h"
#include "common/strbuf.h"
#include "kernels/kernels.h"

/* Part of every key. Change it whenever the code makes different bytes from the same inputs. */
#define KERNEL_RECIPE "nestlab-kernel-1"

/* paths.c: CACHE/FOLDER/NAME, or CACHE/FOLDER if @name is NULL. The caller frees. */
char *kernel_cache_path(const struct kernel_env *env, const char *folder, const char *name);

/* ---- variant.c ---- */

/* As kernel_variant_load(), of a name without options. */
int kernel_variant_load_file(const struct kernel_env *env, const char *name,
			     struct kernel_variant *out, struct error *err);
/* Makes the new @v the same as @base, all but name, path and parent. */
void kernel_variant_inherit(struct kernel_variant *v, const struct kernel_variant *base);

/* Can anything be built from it? Not from a kernel that is built already, or that runs. */
bool kernel_variant_has_sources(const struct kernel_variant *v);

/* Has env->variants one whose base is @v? A variant that cannot be read has none. */
bool kernel_variant_is_base(const struct kernel_env *env, const struct kernel_variant *v);

/* ---- variant_source.c ---- */

/* @n, a variant's "source", into @s, which replaces what is there. Paths are seen from @dir. */
int kernel_source_take(const struct json_node *n, const char *dir, struct kernel_source *s,
		       struct error *err);
void kernel_source_copy(struct kernel_source *s,
			const struct kernel_source *from); /* @s is empty */
void kernel_source_clear(struct kernel_source *s);
/* A string that is not empty replaces *out. */
int kernel_take_string(const struct json_node *n, char **out, struct error *err);
/* @path as seen from the folder @dir; the caller frees. */
char *kernel_resolve_path(const char *dir, const char *path);

/* ---- prebuilt.c ---- */

/* kernel_build() of a source of kind "built"; -ESTALE: a file changed meanwhile. */
int kernel_prebuilt_build(const struct kernel_env *env, const struct kernel_variant *v,
			  struct kernel_build *out, struct error *err);

/* ---- source.c ---- */

struct kernel_source_id {
	char hash[SHA256_HEX]; /* of the tarball, or of the commit id */
	char *place;	       /* path of the tarball, or of the repository's git folder */
	char *commit;	       /* git only */
};

/* With @fetch the network may be used for what is not on this machine; without, that is -ENOENT. Errors
 * as for kernel_build(); a cancel or a limit of the machine is never taken for a missing source. */
int kernel_source_identify(const struct kernel_env *env, const struct kernel_source *source,
			   bool fetch, struct kernel_source_id *id, struct error *err);
void kernel_source_id_free(struct kernel_source_id *id);
/* Into @dir, which is made. tar's output goes to @log. */
int kernel_source_unpack(const struct kernel_source_id *id, const char *dir, const char *log,
			 struct error *err);

/* download.c: downloads @url to @path, which appears only if its SHA-256 is @sha256. */
int kernel_download(const char *url, const char *sha256, const char *path, struct error *err);

/* ---- patches.c ---- */

/* Reads @dir/series into @paths (appended; grown with xrealloc), the first @limit ones (0: all). */
int kernel_series_read(const char *dir, size_t limit, char ***paths, size_t *count,
		       struct error *err);
/* SHA-256 over the contents, in order. */
int kernel_patches_hash(char *const *paths, size_t count, char hex[SHA256_HEX], struct error *err);
/* Is it a file of the tree that KVM's selftests are built from? Those of tools/ and scripts/, headers that
 * userspace gets, makefiles. */
bool kernel_is_userspace_path(const char *path);
/* The hash over the patches that change such files. */
int kernel_patches_hash_userspace(char *const *paths, size_t count, char hex[SHA256_HEX],
				  struct error *err);
/* Applies them in @tree; -EBADMSG names patch, file and hunk. */
int kernel_patches_apply(const char *tree, char *const *paths, size_t count, const char *log,
			 struct error *err);
/* Says that patch @name does not apply, and why, by what `git apply` complained of; returns -EBADMSG. */
int kernel_patch_refused(const char *name, const char *complaints, struct error *err);
/* Is it a file of the tree that `make tinyconfig olddefconfig` reads? */
bool kernel_is_config_path(const char *path);
/* Does one of the patches change such a file? */
int kernel_patches_touch_config(char *const *paths, size_t count, bool *touch, struct error *err);

/* ---- config.c ---- */

int kernel_config_hash_fragments(const struct kernel_variant *v, char hex[SHA256_HEX],
				 struct error *err);
/* Makes @tree/.config: tinyconfig, the fragments, olddefconfig; then the check. */
int kernel_config_make(const struct kernel_variant *v, const char *tree, const char *log,
		       struct error *err);
/* -EDOM lists every option of the fragments that @config does not have as asked. */
int kernel_config_check(const struct kernel_variant *v, const char *config, struct error *err);
/* About how many steps a full build with @config takes. */
int kernel_config_expect_steps(const char *config, uint64_t *steps, struct error *err);

/* ---- make.c ---- */

struct kernel_make {
	const char *tree, *log, *compiler;
	const char *const *targets; /* NULL-terminated: make's further arguments */
	int jobs;		    /* 0: one per core */
	struct progress *progress;  /* NULL: none */
	uint64_t expected;	    /* steps, for the progress line; 0: unknown */
	uint64_t steps; /* in: those of an earlier try; out: with those that make took */
	bool tidy;	/* out: cancelled, and make has removed what was half made */
};

/* -ENOEXEC with the first error lines; -ENOSPC, -ENOMEM, -EMFILE, -EAGAIN where the machine was at its
 * limits; -ECANCELED. */
int kernel_make_run(struct kernel_make *m, struct error *err);

/* ---- sandbox.c ---- */

/* Does the environment want makefiles in a sandbox? -EINVAL, -ENOENT: it does, in a way that cannot be. */
int kernel_sandbox_check(bool *wanted, struct error *err);
/* @argv, to be run where nothing but @tree (absolute) can be written; the caller frees the vector. */
const char **kernel_sandbox_wrap(const char *tree, const char *const *argv);

/* ---- compiler.c ---- */

/* "gcc" of "ccache gcc": ccache changes nothing but the time, so it is in no key. */
const char *kernel_compiler_name(const char *compiler);
/* Is it such a name? -EINVAL: no; *expected: what is. */
int kernel_compiler_check(const char *compiler, const char **expected);
/* "CC=gcc", for make; the caller frees. */
char *kernel_compiler_variable(const char *compiler);
/* Is it LLVM's: "LLVM=1", or "LLVM=-15" for clang-15 and its like, as the kernel's make takes it? */
bool kernel_compiler_is_llvm(const char *compiler);
/* What `--version` of compiler and linker say, a line each; the caller frees. LLVM's compiler is both lines,
 * so that clang with GNU's linker is another. */
int kernel_compiler_identify(const char *compiler, char **line, char **linker, struct error *err);
/* Stands for the environment and the arguments of make in the key. */
#define KERNEL_MAKE_FLAGS \
	"ARCH=x86_64 user=host=nestlab timestamp=1970-01-01 version=1 LOCALVERSION="

/* ---- tree.c ---- */

/* In a built tree: files older than this one are sources, the others were generated by make. */
#define KERNEL_TREE_MARK ".nestlab-sources"

/* Marks the sources of @tree, before its first make. */
int kernel_tree_mark(const char *tree, struct error *err);
/*
 * Copies the built tree @from to @to (which must not exist). Sources become hard links, so they must be
 * replaced and not written to, as git does. Files that make generated are copied, because
 * make writes to them in place. Times are kept, so make finds nothing to do.
 */
int kernel_tree_copy(const char *from, const char *to, struct error *err);
/* Moves the built tree @from to @to, which must not exist; make finds nothing to do there, either. */
int kernel_tree_move(const char *from, const char *to, struct error *err);
/* Puts @tree in the place of @kept. Afterwards @tree is what @kept was, or does not exist. */
int kernel_tree_keep(const char *tree, const char *kept, struct error *err);
/*
 * Notes that @path, relative to @tree, is a source though it is younger than the mark: a patch or a
 * checkout put it there after the first make. Nothing to do in a tree without a mark.
 */
int kernel_tree_note_source(const char *tree, const char *path, struct error *err);
/* Did make, or nestlab, generate @path? Then a patch for it would not apply to fresh sources. */
int kernel_tree_is_generated(const char *tree, const char *path, bool *generated,
			     struct error *err);

/* ---- work.c ---- */

struct kernel_work { /* a scratch folder in CACHE/work, removed by kernel_work_end() */
	struct scratch scratch;
	char *tree, *log, *entry; /* paths in it */
};

/* Makes one, and removes those that a killed nestlab left behind. */
int kernel_work_begin(const struct kernel_env *env, struct kernel_work *w, struct error *err);
void kernel_work_end(struct kernel_work *w);
/* After the build of @name in @w failed with @code: moves its log to CACHE/logs/NAME.log, says so in @err,
 * and turns the code into -ENOSPC if the disk is full and that explains it. Returns the code. */
int kernel_work_explain(const struct kernel_env *env, const struct kernel_work *w, const char *name,
			int code, struct error *err);
/* Takes the lock CACHE/locks/@name. If another nestlab holds it, prints that it waits for @what ("kernel")
 * of @variant. */
int kernel_work_lock(const struct kernel_env *env, const char *what, const char *variant,
		     const char *name, int *fd, struct error *err);

/* ---- keys.c ---- */

/* The names of a build. The prekey can be computed in milliseconds; the index maps it to the key, which
 * needs the .config and so an unpacked tree. */
struct kernel_keys {
	struct kernel_source_id source;
	char source_hash[SHA256_HEX], patches_hash[SHA256_HEX];
	char fragments_hash[SHA256_HEX], config_hash[SHA256_HEX];
	char *compiler, *linker; /* first lines of --version */
	char prekey[SHA256_HEX], key[SHA256_HEX];
};

int kernel_keys_find(const struct kernel_env *env, const struct kernel_variant *v, bool fetch,
		     struct kernel_keys *k, struct error *err); /* all but config_hash and key */
/* Fills in config_hash and key, from the resulting .config. */
int kernel_keys_complete(struct kernel_keys *k, const char *config, struct error *err);
void kernel_keys_free(struct kernel_keys *k);

/* ---- cache.c ---- */

/* Fills in k->key by the index. *found false: never built (or its entry is gone). */
int kernel_cache_lookup(const struct kernel_env *env, struct kernel_keys *k, bool *found,
			struct error *err);
/* Notes in the index that k->prekey leads to k->key. */
int kernel_cache_remember(const struct kernel_env *env, const struct kernel_keys *k,
			  struct error *err);
/* Reads the entry k->key; -EUCLEAN if it is damaged: files are missing, or the bzImage is not what the
 * manifest says. */
int kernel_cache_load(const struct kernel_env *env, const struct kernel_variant *v,
		      const struct kernel_keys *k, struct kernel_build *out, struct error *err);
/* Collects the finished build of w->tree in w->entry, and makes that the cache's entry by one rename. The
 * caller holds the key's lock. */
int kernel_cache_publish(const struct kernel_env *env, const struct kernel_variant *v,
			 const struct kernel_keys *k, const struct kernel_work *w, uint64_t steps,
			 struct error *err);
/* A number that is kept under a name: the steps of the last build, from which the next one estimates its
 * end. 0: none is kept. */
uint64_t kernel_cache_number(const struct kernel_env *env, const char *name);
void kernel_cache_set_number(const struct kernel_env *env, const char *name, uint64_t value);

/* ---- lineage.c ---- */

/* Does the variant have a lineage? It does if its source is a commit without patches. */
bool kernel_lineage_exists(const struct kernel_variant *v, const struct kernel_keys *k);
/*
 * If a tree of the lineage is kept, copies it to @tree (which must not exist), changes its sources to
 * those of the wanted commit and sets *taken. *config_may_differ: files that `make olddefconfig` reads
 * were among them.
 */
int kernel_lineage_take(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			bool *taken, bool *config_may_differ, struct error *err);
/* The commit of the kept tree @tree that @repository has; NULL: there is no such tree, or it has it no more. */
int kernel_lineage_commit(const char *repository, const char *tree, char **commit,
			  struct error *err);
/* Is it kept for commits of @repository? A tree that an earlier nestlab kept does not say. */
bool kernel_lineage_is_of(const char *repository, const char *tree);
/* Keeps @tree, whose sources are the wanted commit's, as the lineage's tree. Afterwards @tree is
 * the tree that was kept before, or does not exist. */
int kernel_lineage_give(const struct kernel_env *env, const struct kernel_keys *k, const char *tree,
			struct error *err);

/*
 * Makes @tree, which must not exist, from @kept, the built tree of another source: a copy whose sources are
 * those of the wanted commit. *taken false: they differ in so many files that building anew is
 * better. The .config is still that of @kept; *config_may_differ: a file that makes it differs.
 */
int kernel_lineage_begin(const struct kernel_keys *k, const char *kept, const char *tree,
			 bool *taken, bool *config_may_differ, struct error *err);

/* ---- unfinished.c ---- */

/* If the last full build that was cancelled is the one of @k (its prekey), its tree becomes @tree, which must
 * not exist; *steps: those that make took then. */
int kernel_unfinished_take(const struct kernel_env *env, const struct kernel_keys *k,
			   const char *tree, bool *taken, uint64_t *steps, struct error *err);
/* Keeps @tree, which make has left tidily, for that. The one that was kept before goes. */
int kernel_unfinished_keep(const struct kernel_env *env, const struct kernel_keys *k,
			   const char *tree, uint64_t steps, struct error *err);

/* ---- prepare.c ---- */

struct kernel_preparation { /* all borrowed */
	const struct kernel_env *env;
	const struct kernel_variant *v;
	const struct kernel_keys *keys, *base; /* base->key is "": there is no base to start from */
	const struct kernel_work *work;
	struct progress *progress;
	bool from_kin;		/* out: the tree of another commit was gone on from */
	bool config_may_differ; /* out: from the one in the tree */
};

/* Makes p->work->tree: the sources with the variant's patches, in a built tree where one serves. */
int kernel_prepare_tree(struct kernel_preparation *p, struct error *err);
/* The same, where the variant's own built tree serves, too: for the selftests. */
int kernel_sources_prepare(struct kernel_preparation *p, struct error *err);
/* The built tree that is kept of a build, which the caller frees; *tree NULL if none is. */
int kernel_find_built_tree(const struct kernel_env *env, const struct kernel_keys *k, char **tree,
			   struct error *err);

/* ---- build.c ---- */

/*
 * For kernel_sources_prepare(): builds the base that the sources of @v start from, if there is one and
 * it is not built; else base->key is "". @keys (kernel_keys_find()) names the sources, even if a branch
 * has moved since. The caller frees @base with kernel_keys_free().
 */
int kernel_sources_find_base(const struct kernel_env *env, const struct kernel_variant *v,
			     const struct kernel_keys *keys, struct kernel_keys *base,
			     struct error *err);

/* nm.c: writes the list of kernel_functions() for the built tree @tree to @path. A tree without
 * vmlinux.a (before 6.0) gives none, which is no error. */
int kernel_functions_write(const char *tree, const char *path, struct error *err);

/* elf.c: the GNU build-id of an ELF file, in hex ("" if it has none). */
int kernel_elf_build_id(const char *path, char hex[41], struct error *err);
/* The same of ELF notes alone, as /sys/kernel/notes has them. */
void kernel_notes_build_id(const char *notes, size_t len, char hex[41]);

/* running.c: describes the kernel that this machine runs, by what /proc, /sys and /boot say of it. */
int kernel_running_describe(const struct kernel_env *env, const char *name,
			    struct kernel_build *out, struct error *err);

#endif
