// SPDX-License-Identifier: GPL-2.0-only
/* Fetches a tarball: the file appears under its name only if it has the expected SHA-256. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/progress.h"
#include "common/sha256.h"
#include "kernels/internal.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Where the bytes go, and what stopped them. */
struct receiver {
	int fd;
	int error; /* errno of the first write that failed; 0: none */
	struct progress *progress;
};

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct receiver *r = arg;

	if (!fs_write_all(r->fd, data, size * count))
		return size * count;
	r->error = errno;
	return 0;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t done, curl_off_t up_total,
		       curl_off_t up)
{
	struct receiver *r = arg;

	(void)up_total;
	(void)up;
	progress_update(r->progress, done, total, NULL);
	return cancel_requested();
}

static void set_options(CURL *c, const char *url, struct receiver *r, char *reason)
{
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, 10L);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 30L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 60L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, r);
}

/* The limit of this machine that stopped the download; 0: none, the server or the network is at
 * fault. */
static int find_limit(CURL *c, CURLcode code)
{
	long error = 0;

	if (code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT)
		return -ENOMEM;
	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &error);
	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
		return -error;
	return 0;
}

static int judge_transfer(CURL *c, CURLcode code, const char *url, const char *path,
			  const struct receiver *r, const char *reason, struct error *err)
{
	int limit;

	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return cancel_error(err);
	if (r->error)
		return error_set(err, -r->error, "%s: cannot write: %s", path, strerror(r->error));
	if (!reason[0])
		reason = curl_easy_strerror(code);
	limit = find_limit(c, code);
	if (limit)
		return error_set(err, limit, "%s: %s: %s", url, reason, strerror(-limit));
	return error_set(err, -EREMOTEIO, "%s: %s", url, reason);
}

static int fetch_url(const char *url, const char *path, int fd, struct error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	struct receiver r = {.fd = fd};
	CURL *c = curl_easy_init();
	int ret;

	if (!c)
		return error_set(err, -ENOMEM, "%s: libcurl cannot start", url);
	r.progress = progress_start("download");
	set_options(c, url, &r, reason);
	ret = judge_transfer(c, curl_easy_perform(c), url, path, &r, reason, err);
	progress_end(r.progress, ret ? "failed" : "done");
	curl_easy_cleanup(c);
	return ret;
}

static int check_hash(const char *url, const char *sha256, int fd, struct error *err)
{
	__cleanup_free char *file = xasprintf("/proc/self/fd/%d", fd);
	char got[SHA256_HEX];
	int ret = sha256_file(file, got, err);

	if (ret)
		return ret;
	if (strcmp(got, sha256))
		return error_set(
			err, -EINVAL,
			"%s: the downloaded file has SHA-256 %s, but the variant expects %s; the file was not kept",
			url, got, sha256);
	return 0;
}

int kernel_download(const char *url, const char *sha256, const char *path, struct error *err)
{
	struct fs_new_file f;
	int ret = fs_new_file_open(path, 0666, &f, err);

	if (ret)
		return ret;
	pthread_once(&curl_once, start_curl);
	ret = fetch_url(url, path, f.fd, err);
	if (!ret)
		ret = check_hash(url, sha256, f.fd, err);
	return fs_new_file_close(&f, path, ret, err);
}
