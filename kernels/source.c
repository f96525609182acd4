// SPDX-License-Identifier: GPL-2.0-only
/* What a variant's source is, by content, and how it gets unpacked. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

/* ---- tarballs ---- */

/* SHA-256 of a big file, remembered under its path, size, inode and times. */
static int hash_remembered(const struct kernel_env *env, const char *path, char hex[SHA256_HEX],
			   struct error *err)
{
	struct strbuf seen = STRBUF_INIT;
	char identity[SHA256_HEX];
	__cleanup_free char *what = NULL, *note = NULL;
	struct stat st;
	int ret;

	if (stat(path, &st))
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	what = xasprintf("%s %jd %ju %jd.%09ld %jd.%09ld", path, (intmax_t)st.st_size,
			 (uintmax_t)st.st_ino, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	sha256_bytes(what, strlen(what), identity);
	note = kernel_cache_path(env, "kernel-index", identity);
	ret = fs_read_file(note, 256, &seen, NULL);
	if (!ret && seen.len == SHA256_HEX - 1) {
		memcpy(hex, seen.buf, SHA256_HEX);
	} else {
		ret = sha256_file(path, hex, err);
		if (!ret)
			ret = fs_write_file(note, hex, strlen(hex), err);
	}
	strbuf_release(&seen);
	return ret;
}

static int identify_deb(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			struct kernel_source_id *id, struct error *err)
{
	static const char *const suffixes[] = {".tar.xz", ".tar.zst", ".tar.bz2", ".tar.gz"};

	(void)fetch;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		id->place = xasprintf("/usr/src/%s%s", s->location, suffixes[i]);
		if (fs_exists(id->place))
			return hash_remembered(env, id->place, id->hash, err);
		free(id->place);
		id->place = NULL;
	}
	return error_set(err, -ENOENT, "/usr/src/%s.tar.xz: not there; apt-get install %s",
			 s->location, s->location);
}

static int identify_tarball(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			    struct kernel_source_id *id, struct error *err)
{
	int ret = 0;

	if (strstr(s->location, "://")) {
		id->place = kernel_cache_path(env, "downloads", s->sha256);
		if (!fs_exists(id->place) && !fetch)
			return error_set(err, -ENOENT, "%s: not downloaded yet", s->location);
		if (!fs_exists(id->place))
			ret = kernel_download(s->location, s->sha256, id->place, err);
	} else {
		id->place = xstrdup(s->location);
	}
	if (!ret)
		ret = hash_remembered(env, id->place, id->hash, err);
	if (!ret && strcmp(id->hash, s->sha256))
		ret = error_set(err, -EINVAL, "%s: its SHA-256 is %s, the variant says %s",
				id->place, id->hash, s->sha256);
	return ret;
}

static int unpack_tarball(const struct kernel_source_id *id, const char *dir, const char *log,
			  struct error *err)
{
	const char *argv[] = {
		"tar", "-xf", id->place, "-C", dir, "--strip-components=1", "--no-same-owner",
		NULL};

	return subprocess_run(&(struct subprocess){.argv = argv, .log_path = log}, NULL, err);
}

/* ---- git ---- */

static int git_line(const char *const *argv, char **line, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .out = &out};
	int ret = subprocess_run(&sp, NULL, err);

	out.buf[strcspn(out.buf, "\n")] = '\0';
	*line = ret ? NULL : xstrdup(out.buf);
	strbuf_release(&out);
	return ret;
}

static int rev_parse(const char *place, const char *name, char **commit, struct error *err)
{
	__cleanup_free char *peeled = xasprintf("%s^{commit}", name);
	const char *argv[] = {
		"git",	"-C", place, "rev-parse", "-q", "--verify", "--end-of-options",
		peeled, NULL};

	return git_line(argv, commit, err);
}

static bool is_commit_id(const char *ref)
{
	return strlen(ref) == 40 && strspn(ref, "0123456789abcdef") == 40;
}

/* Fetches just @ref (no history) from a URL into our bare clone of it. */
static int git_fetch(const struct kernel_source *s, const char *place, const char *name,
		     struct error *err)
{
	__cleanup_free char *spec = xasprintf("+%s:%s", s->ref, name);
	__cleanup_free char *log = xasprintf("%s/nestlab-fetch.log", place);
	const char *init[] = {"git", "init", "-q", "--bare", place, NULL};
	const char *fetch[] = {"git", "-C",	   place,	"fetch",
			       "-q",  "--depth=1", "--no-tags", "--no-write-fetch-head",
			       "--",  s->location, spec,	NULL};
	const char *const env[] = {"GIT_TERMINAL_PROMPT=0", NULL};
	int ret = 0;

	if (!fs_exists(place))
		ret = subprocess_run(&(struct subprocess){.argv = init}, NULL, err);
	if (!ret)
		ret = subprocess_run(
			&(struct subprocess){.argv = fetch, .log_path = log, .env = env}, NULL,
			err);
	if (ret == -EIO)
		ret = -EREMOTEIO;
	return ret ? error_prefix(err, ret, "%s, ref %s", s->location, s->ref) : 0;
}

/* A URL: a commit id never changes; a branch is asked for anew each time, unless we are offline. */
static int identify_url(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			struct kernel_source_id *id, struct error *err)
{
	char where[SHA256_HEX], what[SHA256_HEX];
	__cleanup_free char *name = NULL;
	int ret;

	sha256_bytes(s->location, strlen(s->location), where);
	sha256_bytes(s->ref, strlen(s->ref), what);
	name = xasprintf("refs/nestlab/%s", what);
	id->place = kernel_cache_path(env, "git", where);
	ret = fs_exists(id->place) ? rev_parse(id->place, name, &id->commit, NULL) : -ENOENT;
	if (!ret && (!fetch || is_commit_id(s->ref)))
		return 0;
	if (!fetch)
		return error_set(err, -ENOENT, "%s, ref %s: not fetched yet", s->location, s->ref);
	ret = git_fetch(s, id->place, name, err);
	if (ret && ret != -ECANCELED && id->commit) {
		log_warning("%s: cannot be fetched now; taking %s as of the last time", s->location,
			    id->commit);
		return 0;
	}
	free(id->commit);
	id->commit = NULL;
	return ret ? ret : rev_parse(id->place, name, &id->commit, err);
}

/* A folder: used where it is, and never written to. All work trees of one repository have one place,
 * so that what is checked out in one is built from the tree of what was in another (lineage.c). */
static int identify_folder(const struct kernel_source *s, struct kernel_source_id *id,
			   struct error *err)
{
	const char *argv[] = {
		"git", "-C", s->location, "rev-parse", "--path-format=absolute", "--git-common-dir",
		NULL};
	int ret = git_line(argv, &id->place, NULL);

	if (ret)
		return error_set(err, -EINVAL,
				 "%s: no git repository (or git refuses it: see "
				 "`git -C %s status`)",
				 s->location, s->location);
	ret = rev_parse(s->location, s->ref, &id->commit, NULL);
	if (ret)
		return error_set(err, -EINVAL, "%s: has no commit called %s", s->location, s->ref);
	return 0;
}

static int identify_git(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			struct kernel_source_id *id, struct error *err)
{
	int ret;

	if (!subprocess_have("git"))
		return error_set(err, -ENOENT, "git: not there; apt-get install git");
	ret = strstr(s->location, "://") ? identify_url(env, s, fetch, id, err)
					 : identify_folder(s, id, err);
	if (!ret)
		sha256_bytes(id->commit, strlen(id->commit), id->hash);
	return ret;
}

/* Files of the commit into @dir, with an index of our own: the repository's HEAD stays as it is. */
static int unpack_git(const struct kernel_source_id *id, const char *dir, const char *log,
		      struct error *err)
{
	__cleanup_free char *index = xasprintf("GIT_INDEX_FILE=%s.index", dir);
	const char *argv[] = {"git",
			      "-c",
			      "core.autocrlf=false",
			      "-c",
			      "core.bare=false",
			      "--git-dir",
			      id->place,
			      "--work-tree",
			      dir,
			      "checkout",
			      "-q",
			      "-f",
			      id->commit,
			      "--",
			      ".",
			      NULL};
	const char *const env[] = {index, NULL};
	struct subprocess sp = {.argv = argv, .env = env, .cwd = dir, .log_path = log};

	return subprocess_run(&sp, NULL, err);
}

/* ---- one table ---- */

static int (*const identify[])(const struct kernel_env *env, const struct kernel_source *s,
			       bool fetch, struct kernel_source_id *id, struct error *err) = {
	[KERNEL_SOURCE_DEB] = identify_deb,
	[KERNEL_SOURCE_TARBALL] = identify_tarball,
	[KERNEL_SOURCE_GIT] = identify_git,
};

int kernel_source_identify(const struct kernel_env *env, const struct kernel_source *source,
			   bool fetch, struct kernel_source_id *id, struct error *err)
{
	static const char *const folders[] = {"kernel-index", "downloads", "git"};
	int ret = 0;

	memset(id, 0, sizeof(*id));
	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++) {
		__cleanup_free char *dir = kernel_cache_path(env, folders[i], NULL);

		ret = fs_mkdir_p(dir, err);
	}
	if (!ret)
		ret = identify[source->kind](env, source, fetch, id, err);
	if (ret)
		kernel_source_id_free(id);
	return ret;
}

void kernel_source_id_free(struct kernel_source_id *id)
{
	free(id->place);
	free(id->commit);
	memset(id, 0, sizeof(*id));
}

int kernel_source_unpack(const struct kernel_source_id *id, const char *dir, const char *log,
			 struct error *err)
{
	int ret = fs_mkdir_p(dir, err);

	if (!ret)
		ret = id->commit ? unpack_git(id, dir, log, err)
				 : unpack_tarball(id, dir, log, err);
	return ret ? error_prefix(err, ret, "unpacking %s", id->place) : 0;
}
