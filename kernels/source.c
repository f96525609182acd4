// SPDX-License-Identifier: GPL-2.0-only
/* Identifies a variant's source by its content, and unpacks it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/git.h"
#include "common/log.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

/* ---- tarballs ---- */

/* What changes when the file does: path, size, inode and times, as a hash. */
static int hash_identity(const char *path, char hex[SHA256_HEX], struct error *err)
{
	__cleanup_free char *what = NULL;
	struct stat st;

	if (stat(path, &st))
		return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	what = xasprintf("%s %jd %ju %jd.%09ld %jd.%09ld", path, (intmax_t)st.st_size,
			 (uintmax_t)st.st_ino, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	sha256_bytes(what, strlen(what), hex);
	return 0;
}

/* SHA-256 of a big file. It is read again only if path, size, inode or times have changed. */
static int hash_remembered(const struct kernel_env *env, const char *path, char hex[SHA256_HEX],
			   struct error *err)
{
	struct strbuf seen = STRBUF_INIT;
	char identity[SHA256_HEX];
	__cleanup_free char *note = NULL;
	int ret = hash_identity(path, identity, err);

	if (ret)
		return ret;
	note = kernel_cache_path(env, "kernel-index", identity);
	ret = fs_read_file(note, 256, &seen, err);
	if (!ret && seen.len == SHA256_HEX - 1) {
		memcpy(hex, seen.buf, SHA256_HEX);
		goto out;
	}
	if (ret && ret != -ENOENT)
		goto out;
	ret = sha256_file(path, hex, err);
	if (ret)
		goto out;
	ret = fs_write_file(note, hex, strlen(hex), err);
out:
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
	return error_set(err, -ENOENT, "/usr/src/%s.tar.xz: is missing; apt-get install %s",
			 s->location, s->location);
}

static int download_unless_kept(const struct kernel_source *s, bool fetch, const char *path,
				struct error *err)
{
	if (fs_exists(path))
		return 0;
	if (!fetch)
		return error_set(err, -ENOENT, "%s: not downloaded yet", s->location);
	return kernel_download(s->location, s->sha256, path, err);
}

static int identify_tarball(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			    struct kernel_source_id *id, struct error *err)
{
	int ret;

	if (strstr(s->location, "://")) {
		id->place = kernel_cache_path(env, "downloads", s->sha256);
		ret = download_unless_kept(s, fetch, id->place, err);
		if (ret)
			return ret;
	} else {
		id->place = xstrdup(s->location);
	}
	ret = hash_remembered(env, id->place, id->hash, err);
	if (ret)
		return ret;
	if (strcmp(id->hash, s->sha256))
		return error_set(err, -EINVAL, "%s: its SHA-256 is %s, but the variant expects %s",
				 id->place, id->hash, s->sha256);
	return 0;
}

static int unpack_tarball(const struct kernel_source_id *id, const char *dir, const char *log,
			  struct error *err)
{
	const char *argv[] = {
		"tar", "-xf", id->place, "-C", dir, "--strip-components=1", "--no-same-owner",
		NULL};
	struct subprocess sp = {.argv = argv, .log_path = log};
	int status, ret = subprocess_run(&sp, &status, err);

	if (ret || !status)
		return ret;
	return error_set(err, -EREMOTEIO, "tar failed with status %d; see %s", status, log);
}

/* ---- git ---- */

static bool is_commit_id(const char *ref)
{
	return strlen(ref) == 40 && strspn(ref, "0123456789abcdef") == 40;
}

/* The commit that our clone at @place has under @name; *commit NULL if it has none yet. */
static int find_fetched(const char *place, const char *name, char **commit, struct error *err)
{
	int ret;

	*commit = NULL;
	if (!fs_exists(place))
		return 0;
	ret = git_find_commit(place, name, commit, err);
	if (ret == -EINVAL || ret == -EREMOTEIO)
		return 0;
	return ret;
}

/* Fetches just @ref (no history) from a URL into our bare clone of it. */
static int fetch_ref(const struct kernel_source *s, const char *place, const char *name,
		     struct error *err)
{
	__cleanup_free char *spec = xasprintf("+%s:%s", s->ref, name);
	const char *const init[] = {"init", "-q", "--bare", place, NULL};
	const char *const fetch[] = {
		"fetch", "-q",	      "--depth=1", "--no-tags", "--no-write-fetch-head",
		"--",	 s->location, spec,	   NULL};
	int ret = git_run(&(struct git_command){.args = init}, NULL, NULL, err);

	if (!ret)
		ret = git_run(&(struct git_command){.dir = place, .args = fetch}, NULL, NULL, err);
	if (ret)
		return error_prefix(err, ret, "%s, ref %s", s->location, s->ref);
	return 0;
}

/* One nestlab at a time fetches into a clone: git's own locks do not wait, they fail. */
static int lock_clone(const struct kernel_source *s, const char *place, int *fd, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s.lock", place);
	int ret = fs_lock(path, false, fd, err);

	if (ret != -EWOULDBLOCK)
		return ret;
	log_info("%s: waiting for another nestlab that is fetching it", s->location);
	return fs_lock(path, true, fd, err);
}

/* What a git that was killed left would make each later one fail. Called with our lock: no other git
 * is at work there. */
static void remove_git_locks(const char *place, const char *name)
{
	const char *const locked[] = {"config", "HEAD", "shallow", name};

	for (size_t i = 0; i < ARRAY_SIZE(locked); i++) {
		__cleanup_free char *path = xasprintf("%s/%s.lock", place, locked[i]);

		unlink(path);
	}
}

/* With the clone's lock. A commit id never changes, so it is fetched once. A branch is fetched again each
 * time; without a network the commit that was fetched last serves. */
static int update_clone(const struct kernel_source *s, const char *name,
			struct kernel_source_id *id, struct error *err)
{
	struct error why = {0};
	int ret = find_fetched(id->place, name, &id->commit, err);

	if (ret)
		return ret;
	if (id->commit && is_commit_id(s->ref))
		return 0;
	remove_git_locks(id->place, name);
	ret = fetch_ref(s, id->place, name, &why);
	if (ret == -EREMOTEIO && id->commit) {
		log_warning("%s; using commit %s, which was fetched earlier", why.text, id->commit);
		return 0;
	}
	if (ret)
		return error_set(err, ret, "%s", why.text);
	free(id->commit);
	return git_find_commit(id->place, name, &id->commit, err);
}

/* A URL: without @fetch we are offline, and take what was fetched before. */
static int identify_url(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			struct kernel_source_id *id, struct error *err)
{
	char where[SHA256_HEX], what[SHA256_HEX];
	__cleanup_free char *name = NULL;
	int fd, ret;

	sha256_bytes(s->location, strlen(s->location), where);
	sha256_bytes(s->ref, strlen(s->ref), what);
	name = xasprintf("refs/nestlab/%s", what);
	id->place = kernel_cache_path(env, "git", where);
	if (fetch) {
		ret = lock_clone(s, id->place, &fd, err);
		if (ret)
			return ret;
		ret = update_clone(s, name, id, err);
		close(fd);
		return ret;
	}
	ret = find_fetched(id->place, name, &id->commit, err);
	if (ret || id->commit)
		return ret;
	return error_set(err, -ENOENT, "%s, ref %s: not fetched yet", s->location, s->ref);
}

/*
 * A folder is used where it is and never written to. All work trees of one repository have the same
 * place (its git folder), so that a commit checked out in one of them can be built from the tree of
 * a commit checked out in another (lineage.c).
 */
static int identify_folder(const struct kernel_source *s, struct kernel_source_id *id,
			   struct error *err)
{
	const char *const args[] = {"rev-parse", "--path-format=absolute", "--git-common-dir",
				    NULL};
	struct git_command cmd = {.dir = s->location, .args = args};
	int ret = git_line(&cmd, &id->place, err);

	if (ret == -EREMOTEIO)
		return error_prefix(err, -EINVAL,
				    "%s: is not a git repository, or git refuses to read it",
				    s->location);
	if (ret)
		return ret;
	return git_find_commit(s->location, s->ref, &id->commit, err);
}

static int identify_git(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			struct kernel_source_id *id, struct error *err)
{
	int ret;

	if (!subprocess_have("git"))
		return error_set(err, -ENOENT, "git: is missing; apt-get install git");
	if (strstr(s->location, "://"))
		ret = identify_url(env, s, fetch, id, err);
	else
		ret = identify_folder(s, id, err);
	if (ret)
		return ret;
	sha256_bytes(id->commit, strlen(id->commit), id->hash);
	return 0;
}

/* Writes the commit's files to @dir. A temporary index keeps the repository's own index and HEAD as
 * they are. */
static int unpack_git(const struct kernel_source_id *id, const char *dir, struct error *err)
{
	const char *const args[] = {"-c",	"core.autocrlf=false",
				    "-c",	"core.bare=false",
				    "checkout", "-q",
				    "-f",	id->commit,
				    "--",	".",
				    NULL};
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", id->place);
	__cleanup_free char *tree = xasprintf("GIT_WORK_TREE=%s", dir);
	__cleanup_free char *index = xasprintf("GIT_INDEX_FILE=%s.index", dir);
	const char *const env[] = {repository, tree, index, NULL};
	struct git_command cmd = {.dir = dir, .args = args, .env = env};

	return git_run(&cmd, NULL, NULL, err);
}

/* What this machine runs came from somewhere, but not from sources that are known here. */
static int identify_running(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			    struct kernel_source_id *id, struct error *err)
{
	(void)env;
	(void)s;
	(void)fetch;
	(void)id;
	return error_set(
		err, -EINVAL,
		"the running kernel's sources are not known: nothing can be built from them "
		"(no selftests, no patches on top)");
}

static int identify_built(const struct kernel_env *env, const struct kernel_source *s, bool fetch,
			  struct kernel_source_id *id, struct error *err)
{
	(void)env;
	(void)fetch;
	(void)id;
	return error_set(
		err, -EINVAL,
		"%s: a kernel that is built already: nothing can be built from it (no selftests, no "
		"patches on top)",
		s->location);
}

/* ---- one table ---- */

static int (*const identify[])(const struct kernel_env *env, const struct kernel_source *s,
			       bool fetch, struct kernel_source_id *id, struct error *err) = {
	[KERNEL_SOURCE_DEB] = identify_deb,	    [KERNEL_SOURCE_TARBALL] = identify_tarball,
	[KERNEL_SOURCE_GIT] = identify_git,	    [KERNEL_SOURCE_BUILT] = identify_built,
	[KERNEL_SOURCE_RUNNING] = identify_running,
};

static int make_folders(const struct kernel_env *env, struct error *err)
{
	static const char *const folders[] = {"kernel-index", "downloads", "git"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		__cleanup_free char *dir = kernel_cache_path(env, folders[i], NULL);
		int ret = fs_mkdir_p(dir, err);

		if (ret)
			return ret;
	}
	return 0;
}

int kernel_source_identify(const struct kernel_env *env, const struct kernel_source *source,
			   bool fetch, struct kernel_source_id *id, struct error *err)
{
	int ret;

	memset(id, 0, sizeof(*id));
	ret = make_folders(env, err);
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

	if (ret)
		return ret;
	if (id->commit)
		ret = unpack_git(id, dir, err);
	else
		ret = unpack_tarball(id, dir, log, err);
	if (ret)
		return error_prefix(err, ret, "unpacking %s", id->place);
	return 0;
}
