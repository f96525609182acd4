/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernels.h - WHAT is under test: a variant (source + patches + config) becomes a bzImage, once.
 *
 * A variant is kernels/NAME.json:
 *
 *	{
 *	  "description": "...",
 *	  "base": "baseline",                 // optional: inherit all that is not said here
 *	  "source": { "kind": "deb", "package": "linux-source-6.12" }
 *	          | { "kind": "tarball", "location": "PATH or URL", "sha256": "..." }
 *	          | { "kind": "git", "location": "PATH or URL", "ref": "v6.12" }
 *	          | { "kind": "built", "location": "FOLDER or bzImage",
 *	              "system_map": "PATH", "config": "PATH" } // both needed with a bzImage
 *	          | { "kind": "running" },    // what this machine runs: nothing is built, and no
 *	                                      // other key but "description" makes sense
 *	  "patches": "patches/my-series",     // folder with a `series` file; on top of the base's
 *	  "patch_count": 3,                   // optional: only the first N of the series
 *	  "config": ["config/emulated-host.config"], // fragments, on top of the base's
 *	  "options": ["CONFIG_X=y"],          // on top of all fragments
 *	  "compiler": "gcc",                  // program name, looked up in PATH; or "LLVM=1"
 *	  "selftests": "patches/my-tests",    // a series for the tree that KVM's selftests are
 *	                                      // built in, on top of the base's; null: not the
 *	                                      // base's either. They do not change the kernel or
 *	                                      // its key
 *	  "import": { ... }                   // optional: where an imported series came from
 *	}
 *
 * Relative paths are relative to the file's folder (so a variant may live elsewhere, e.g. tests/);
 * a base is looked for in that folder first, then among env's variants, and may be a .json path. A
 * fragment that is not in the file's folder is looked for in env's, too: a user's own variant may
 * name config/bare-metal.config.
 * A build is addressed by a key: SHA-256 over source identity, patch contents, resulting .config,
 * compiler version and flags. Same key, no build. The cache is CACHE/kernels/KEY/ and appears there
 * by one rename, complete; the trees that incremental builds start from are in CACHE/trees/.
 */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/folders.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "common/strbuf.h"

/* The variant that a Linux L1 boots when nobody says otherwise. */
#define KERNEL_L1_DEFAULT "l1-linux"

enum kernel_source_kind {
	KERNEL_SOURCE_DEB,
	KERNEL_SOURCE_TARBALL,
	KERNEL_SOURCE_GIT,
	KERNEL_SOURCE_BUILT,
	KERNEL_SOURCE_RUNNING,
};

struct kernel_source {
	enum kernel_source_kind kind;
	char *location;		   /* package name, path or URL */
	char *sha256;		   /* tarball only */
	char *ref;		   /* git only */
	char *system_map, *config; /* built only; NULL: those of the folder that location is */
};

/* A variant with its chain of bases resolved. Free with kernel_variant_free(). */
struct kernel_variant {
	char *name;
	char *path; /* of its JSON file */
	char *description;
	char *base;		       /* NULL, or the base variant's name */
	struct kernel_variant *parent; /* NULL, or the base variant; owned */
	struct kernel_source source;
	char *compiler;
	char **patches; /* absolute paths, in order, the base's first */
	size_t npatches;
	size_t nbase_patches; /* how many of them are the base's */
	char **fragments;     /* absolute paths, in order, the base's first */
	size_t nfragments;
	char **options; /* "CONFIG_X=y", after the fragments: of "NAME+CONFIG_X=y" */
	size_t noptions;
	char **selftests; /* patches of the selftests' tree, in order, the base's first */
	size_t nselftests;
	/* Of a kernel that is not built here: the file of the variant whose tree its selftests are built from; or NULL:
	 * it has none. */
	char *selftests_of;
	char *import; /* NULL, or the text of "import", a JSON object; for people */
};

/* Where things are on this machine. Borrowed strings. */
struct kernel_env {
	struct folders variants; /* of NAME.json files */
	const char *cache_dir;	 /* .../nestlab (see orchestrator/places.h) */
	/* What the kind of host needs that the kernels are for, NULL-terminated; NULL: nothing. "pc"
	 * is config/pc.config in one of variants. They come right after the fragments of the variant that has
	 * no base, so they are a part of every key, and a variant's own lines still override them. */
	const char *const *host_fragments;
	const char *machine_root; /* where /proc, /sys and /boot are; NULL: here. For tests. */
	int jobs;		  /* make -j; 0: one per core */
	const char *label;	  /* progress label; NULL: "build NAME" */
};

/* A finished build. Free with kernel_build_free(). */
struct kernel_build {
	char *name; /* the variant's name as asked for */
	char key[SHA256_HEX];
	char *dir; /* CACHE/kernels/KEY; of the running kernel "", and the files are NULL */
	char *bzimage, *vmlinux, *system_map, *config, *log, *manifest; /* paths in dir */
	char *release;							/* uname -r of it */
	char build_id[41]; /* GNU build-id of vmlinux, hex */
	char bzimage_sha256[SHA256_HEX];
	char vmlinux_sha256[SHA256_HEX];
	char source_hash[SHA256_HEX], patches_hash[SHA256_HEX], config_hash[SHA256_HEX];
	char *compiler; /* first line of --version */
	bool running;	/* it is the kernel that this machine runs */
	bool cached;	/* it was in the cache: nothing was compiled */
	double seconds; /* wall time of this call */
};

/*
 * @name: a plain name (in env->variants) or a path ending in .json. With "+CONFIG_X=y" behind it, also
 * several times, a variant that no file has: the named one with these options on top. Its name is
 * "NAME+CONFIG_X=y"; values are letters, digits and ._- (anything else takes a fragment).
 */
int kernel_variant_load(const struct kernel_env *env, const char *name, struct kernel_variant *out,
			struct error *err);
void kernel_variant_free(struct kernel_variant *v);

/*
 * Builds unless cached; waits if another process builds the same key. The message begins with
 * "kernel NAME" unless NAME names no readable variant. These errors mean that the kernel is at
 * fault; no system call on the way fails with them:
 *
 *	-EBADMSG	a patch does not apply: patch, file and hunk are named
 *	-EDOM		the kernel did not accept a configuration option: each is listed
 *	-ENOEXEC	it does not compile: the first error lines and the log's path
 *
 * and these that it is not: -EINVAL (the variant's file is wrong, its repository or commit does not
 * exist), -ENOENT (the variant, a package or a program is missing), -EREMOTEIO (the sources cannot
 * be fetched or unpacked), -ENOSPC, -ENOMEM (also: a compiler was killed), -EMFILE, -EAGAIN,
 * -ECANCELED, or the error of a system call.
 */
int kernel_build(const struct kernel_env *env, const char *name, struct kernel_build *out,
		 struct error *err);
void kernel_build_free(struct kernel_build *b);

/* Is the kernel at fault for this error of kernel_build(), and not this machine? Only such an error
 * may be stored as an answer. */
bool kernel_is_at_fault(int code);

/* Sets *cached if the variant's build is in the cache. Builds and fetches nothing; a source that is not
 * on this machine means that it is not cached. */
int kernel_is_cached(const struct kernel_env *env, const char *name, bool *cached,
		     struct error *err);

/*
 * Removes the kernels that were built of commits of the git repository @repository (its path, as variants have it),
 * and their trees; @tell is called before each goes. Nobody may build of it meanwhile. Images stay.
 */
int kernel_forget(const struct kernel_env *env, const char *repository,
		  void (*tell)(void *arg, const char *path, uint64_t bytes), void *arg,
		  struct error *err);

/*
 * Appends lines "FUNCTION PATH": the source file of each function of @build, which is the variant @name's. Of
 * a build by a nestlab that kept no list it is the base's, and maybe nothing.
 */
int kernel_functions(const struct kernel_env *env, const char *name,
		     const struct kernel_build *build, struct strbuf *text, struct error *err);

/* Programs of the tree's tools/testing/selftests/kvm. Free with kernel_selftests_free(). */
struct kernel_selftests {
	char **paths; /* CACHE/selftests/KEY/NAME, static ELF files, as the names were asked for */
	size_t count;
};

struct kernel_selftests_request { /* borrowed strings */
	const char *variant;
	const struct kernel_build *kernel; /* the variant's, which they are to run on */
	const char *const *names;
	size_t count;
	/* NULL, or a folder of programs of the user's own: NAME.c there goes before a test of the tree's, and is
	 * built as one, with the headers (*.h) beside it. */
	const char *programs;
};

/*
 * Builds those of the named selftests that are not in the cache, from the variant's source, its
 * patches and those of "selftests"; of a kernel that is not built here, from the variant that its "selftests_of" names,
 * without which it is -EINVAL. Errors: -ENOENT (neither the tree nor the folder has a test of that
 * name: those that there are are listed), -ESTALE (the source is a branch, and has moved since the kernel was built),
 * else as for kernel_build().
 */
int kernel_selftests_build(const struct kernel_env *env, const struct kernel_selftests_request *req,
			   struct kernel_selftests *out, struct error *err);
void kernel_selftests_free(struct kernel_selftests *s);

/* What is imported: one of mbox, patches and message_id. */
struct kernel_import {
	const char *mbox;	    /* a file, compressed or not, or a maildir */
	const char *const *patches; /* patch files and folders of them, in order */
	size_t npatches;
	const char *message_id; /* of a mail of the thread, which b4 fetches */
	int version;		/* of the series in a mailbox; 0: the newest that is complete */
	const char *onto, *name;
	const char *dir; /* the folder that the variant is written to: one of env->variants */
};

/*
 * Makes a variant of a patch series: see `nestlab kernel import --help`. Writes NAME.json and
 * patches/NAME/ in what->dir, which is made if need be, or nothing. The series is applied to a copy of the files of @onto that
 * it changes, if these are on this machine unpacked. Errors: -EBADMSG (a patch does not apply, or is
 * none that git apply knows), -EINVAL (no series, an incomplete one, a mail that cannot be read), -EEXIST
 * (the name is taken), -ENOENT, -EREMOTEIO (b4 failed), -ECANCELED or the error of a system call.
 */
int kernel_import(const struct kernel_env *env, const struct kernel_import *what,
		  struct error *err);

#endif
