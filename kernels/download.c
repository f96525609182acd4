// SPDX-License-Identifier: GPL-2.0-only
/* Fetching a tarball: it appears under its name only if its SHA-256 is the one asked for. */
#include <curl/curl.h>
#include <errno.h>
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

static int on_progress(void *arg, curl_off_t total, curl_off_t done, curl_off_t up_total,
		       curl_off_t up)
{
	(void)up_total;
	(void)up;
	progress_update(arg, done, total, NULL);
	return cancel_requested();
}

static CURLcode fetch(const char *url, FILE *f, struct progress *p, char *reason)
{
	CURL *c = curl_easy_init();
	CURLcode code;

	if (!c)
		return CURLE_FAILED_INIT;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
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
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, p);
	code = curl_easy_perform(c);
	curl_easy_cleanup(c);
	return code;
}

static int fetch_to(const char *url, const char *path, struct error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	FILE *f = fopen(path, "we");
	struct progress *p;
	CURLcode code;
	int ret = 0;

	if (!f)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	p = progress_start("download");
	code = fetch(url, f, p, reason);
	if (fclose(f) && code == CURLE_OK)
		ret = error_set(err, -errno, "%s: %s", path, strerror(errno));
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		ret = cancel_error(err);
	else if (code == CURLE_WRITE_ERROR)
		ret = error_set(err, -ENOSPC, "%s: cannot be written: disk full?", path);
	else if (code != CURLE_OK)
		ret = error_set(err, -EREMOTEIO, "%s: %s", url,
				reason[0] ? reason : curl_easy_strerror(code));
	progress_end(p, ret ? "failed" : "done");
	return ret;
}

int kernel_download(const char *url, const char *sha256, const char *path, struct error *err)
{
	__cleanup_free char *part = xasprintf("%s.part.%d", path, getpid());
	char got[SHA256_HEX];
	int ret;

	pthread_once(&curl_once, start_curl);
	ret = fetch_to(url, part, err);
	if (!ret)
		ret = sha256_file(part, got, err);
	if (!ret && strcmp(got, sha256))
		ret = error_set(err, -EINVAL,
				"%s: what came has SHA-256 %s, the variant says %s: not kept", url,
				got, sha256);
	if (!ret && rename(part, path))
		ret = error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (ret)
		unlink(part);
	return ret;
}
