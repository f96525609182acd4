// SPDX-License-Identifier: GPL-2.0-only
/*
 * The history that nestlab daemon demo looks at. The source goes from its tarball through git fast-import to one pack: no
 * file is unpacked, and the commits on top of it need no work tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "common/strbuf.h"
#include "orchestrator/demo/demo.h"

#define NESTED "arch/x86/kvm/vmx/nested.c"
#define CHUNK  65536

static const struct demo_commit {
	const char *subject, *file;
	const char *before; /* the line that @text is put before; NULL: at the file's end */
	const char *text;
} commits[DEMO_COMMITS] = {
	{"Documentation: howto: a word more", "Documentation/process/howto.rst", NULL,
	 "\nPatience helps, too.\n"},
	{"KVM: x86: a note about interrupts", "arch/x86/kvm/irq_comm.c", NULL,
	 "\nstatic const char nestlab_note[] __used = \"a note\";\n"},
	{"KVM: nVMX: settle before each entry", NESTED,
	 "\tevaluate_pending_interrupts = exec_controls_get(vmx) &",
	 "\tfor (int spin = 0; spin < 60; spin++)\n\t\tcpu_relax();\n\n"},
	{"KVM: x86: a note about MTRRs", "arch/x86/kvm/mtrr.c", NULL,
	 "\nstatic const char nestlab_note[] __used = \"another note\";\n"},
};

/* What the thread writes to git. */
struct stream {
	const char *tarball;
	FILE *out;
	uint64_t size; /* of the tarball */
	void (*tell)(void *arg, double share);
	void *arg;
	struct strbuf files[DEMO_COMMITS]; /* as they are in the tarball */
	int ret;
	struct error err;
};

/* ---- the source ---- */

static int complain(struct stream *s, struct archive *a)
{
	return error_set(&s->err, -EIO, "%s: cannot be unpacked: %s", s->tarball,
			 archive_error_string(a));
}

static int broken_pipe(struct stream *s)
{
	return error_set(&s->err, -errno, "git fast-import: %s", strerror(errno));
}

/* The file's bytes, for the commits that change it. */
static void keep_bytes(struct stream *s, const char *path, const char *chunk, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(commits); i++)
		if (!strcmp(commits[i].file, path))
			strbuf_add(&s->files[i], chunk, n);
}

static int put_data(struct stream *s, struct archive *a, const char *path)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		keep_bytes(s, path, chunk, n);
		if (fwrite(chunk, 1, n, s->out) != (size_t)n)
			return broken_pipe(s);
	}
	if (n < 0)
		return complain(s, a);
	fputc('\n', s->out);
	return 0;
}

static int put_entry(struct stream *s, struct archive *a, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e), *path = name ? strchr(name, '/') : NULL;
	const char *target = archive_entry_symlink(e);
	const char *mode = archive_entry_perm(e) & S_IXUSR ? "100755" : "100644";

	if (!path || !*++path || archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	if (archive_entry_filetype(e) == AE_IFLNK && target) {
		fprintf(s->out, "M 120000 inline %s\ndata %zu\n%s\n", path, strlen(target), target);
		return 0;
	}
	if (archive_entry_filetype(e) != AE_IFREG || !archive_entry_size_is_set(e))
		return error_set(&s->err, -EINVAL, "%s: %s: is neither file nor link", s->tarball,
				 name);
	fprintf(s->out, "M %s inline %s\ndata %lld\n", mode, path,
		(long long)archive_entry_size(e));
	return put_data(s, a, path);
}

/* The same moment and author each time, so that the same source gives the same commits. */
static void begin_commit(struct stream *s, const char *subject)
{
	fprintf(s->out,
		"commit refs/heads/demo\ncommitter nestlab demo <demo@localhost> 1700000000 +0000\n"
		"data %zu\n%s\n",
		strlen(subject), subject);
}

static int put_source(struct stream *s)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int ret = 0, next = ARCHIVE_FATAL;

	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	begin_commit(s, "the source as it came");
	if (archive_read_open_filename(a, s->tarball, CHUNK) == ARCHIVE_OK)
		while (!ret && (next = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
			ret = put_entry(s, a, e);
			s->tell(s->arg, (double)archive_filter_bytes(a, -1) / s->size);
		}
	if (!ret && next != ARCHIVE_EOF)
		ret = complain(s, a);
	archive_read_free(a);
	return ret;
}

/* ---- the commits ---- */

static int put_commit(struct stream *s, size_t i)
{
	const struct demo_commit *c = &commits[i];
	const char *text = s->files[i].buf, *at = text + s->files[i].len;

	if (c->before)
		at = strstr(text, c->before);
	if (!s->files[i].len || !at)
		return error_set(&s->err, -EINVAL, "%s: %s is not as the demo expects it",
				 s->tarball, c->file);
	begin_commit(s, c->subject);
	fprintf(s->out, "M 100644 inline %s\ndata %zu\n%.*s%s%s\n", c->file,
		s->files[i].len + strlen(c->text), (int)(at - text), text, c->text, at);
	return 0;
}

static void *write_stream(void *arg)
{
	struct stream *s = arg;

	s->ret = put_source(s);
	for (size_t i = 0; !s->ret && i < ARRAY_SIZE(commits); i++)
		s->ret = put_commit(s, i);
	if (!s->ret)
		fprintf(s->out, "done\n"); /* without it git refuses what came */
	if (fclose(s->out) && !s->ret)
		s->ret = broken_pipe(s);
	return NULL;
}

/* ---- git ---- */

/* git's end of the pipe is ours as well: it is closed when git has ended, so that the thread does not wait
 * for one that failed. */
static int import_stream(struct stream *s, int from, const char *repo, struct error *err)
{
	__cleanup_free char *in = xasprintf("/proc/self/fd/%d", from);
	const char *const args[] = {
		"-c", "core.compression=1", "fast-import", "--quiet", "--depth=0", "--done", NULL};
	const struct git_command cmd = {.dir = repo, .args = args, .stdin_path = in};
	pthread_t thread;
	int ret = -pthread_create(&thread, NULL, write_stream, s);

	if (ret) {
		close(from);
		return error_set(err, ret, "cannot start a thread: %s", strerror(-ret));
	}
	ret = git_run(&cmd, NULL, NULL, err);
	close(from);
	pthread_join(thread, NULL);
	if (s->ret && s->ret != -EPIPE && ret != -ECANCELED) {
		*err = s->err;
		return s->ret;
	}
	return ret;
}

static int import_source(struct stream *s, const char *repo, struct error *err)
{
	const char *const init[] = {"init", "-q", "--bare", repo, NULL};
	int fds[2], ret = git_run(&(struct git_command){.args = init}, NULL, NULL, err);

	if (ret)
		return ret;
	if (pipe2(fds, O_CLOEXEC))
		return error_set(err, -errno, "no pipe: %s", strerror(errno));
	s->out = fdopen(fds[1], "w");
	if (!s->out) {
		close(fds[0]);
		close(fds[1]);
		return error_set(err, -ENOMEM, "no stream");
	}
	setvbuf(s->out, NULL, _IOFBF, 1 << 20);
	ret = import_stream(s, fds[0], repo, err);
	for (size_t i = 0; i < ARRAY_SIZE(s->files); i++)
		strbuf_release(&s->files[i]);
	return ret;
}

int demo_history_make(const char *tarball, const char *repo, void (*tell)(void *arg, double share),
		      void *arg, struct error *err)
{
	__cleanup_free char *part = xasprintf("%s.part", repo);
	struct stream s = {.tarball = tarball, .tell = tell, .arg = arg};
	struct stat st;
	int ret;

	if (fs_exists(repo))
		return 0;
	if (stat(tarball, &st))
		return error_set(err, -errno, "%s: %s; apt-get install linux-source-6.12", tarball,
				 strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(s.files); i++)
		s.files[i] = (struct strbuf)STRBUF_INIT;
	s.size = st.st_size;
	ret = fs_remove_tree(part, err); /* of one that was killed */
	if (!ret)
		ret = import_source(&s, part, err);
	if (!ret)
		ret = fs_publish_tree(part, repo, err);
	if (ret)
		fs_remove_tree(part, NULL);
	return ret;
}
