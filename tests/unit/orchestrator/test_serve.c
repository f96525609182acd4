// SPDX-License-Identifier: GPL-2.0-only
/* The image server, asked by libcurl and by a plain socket. */
#include "tests/unit/unit.h"

#include <curl/curl.h>
#include <errno.h>

#include "common/strbuf.h"
#include "orchestrator/hosts/serve.h"

#define BEFORE	100000
#define HOLE	512
#define IMAGE	(BEFORE + HOLE + 4000)
#define ADDRESS "http://127.0.0.1"

static char image[IMAGE]; /* as it is on the disk */
static char *path;

static int make_image(void **state)
{
	int ret = unit_make_dir(state);

	for (int i = 0; i < IMAGE; i++)
		image[i] = (char)(i * 31 + i / 257);
	path = unit_path("image.iso");
	if (!ret)
		ret = fs_write_file(path, image, sizeof(image), NULL);
	return ret;
}

/* @overlay: NULL, or HOLE bytes. */
static struct serve_boot *open_boot(const char *overlay)
{
	const struct serve_request req = {.base_url = ADDRESS,
					  .image = path,
					  .overlay = overlay,
					  .overlay_bytes = HOLE,
					  .overlay_at = BEFORE};
	struct serve_boot *boot = NULL;
	struct error err = {0};

	if (serve_open(&req, &boot, &err))
		fail_msg("%s", err.text);
	return boot;
}

/* An answer; freed by answer_release(). */
struct answer {
	long status;
	struct strbuf body, headers;
};

static size_t add_bytes(char *data, size_t size, size_t n, void *arg)
{
	strbuf_add(arg, data, size * n);
	return size * n;
}

static struct answer ask(const char *url, const char *method, const char *header)
{
	struct answer a = {0, STRBUF_INIT, STRBUF_INIT};
	struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_NOBODY, (long)!strcmp(method, "HEAD"));
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, add_bytes);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &a.body);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &a.headers);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
	if (!curl_easy_perform(c))
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return a;
}

static void answer_release(struct answer *a)
{
	strbuf_release(&a->body);
	strbuf_release(&a->headers);
}

static long status_of(const char *url, const char *method, const char *header)
{
	struct answer a = ask(url, method, header);

	answer_release(&a);
	return a.status;
}

/* Asks for a range: that part of the image comes, with that Content-Range. */
static void assert_part(const char *url, const char *range, size_t from, size_t n, const char *says)
{
	struct answer a = ask(url, "GET", range);

	assert_int_equal(a.status, 206);
	assert_int_equal(a.body.len, n);
	assert_memory_equal(a.body.buf, image + from, n);
	assert_non_null(strstr(a.headers.buf, says));
	answer_release(&a);
}

TEST(an_image_comes_whole)
{
	struct serve_boot *b = open_boot(NULL);
	struct answer a = ask(serve_image_url(b), "GET", NULL);

	assert_int_equal(a.status, 200);
	assert_int_equal(a.body.len, IMAGE);
	assert_memory_equal(a.body.buf, image, IMAGE);
	assert_non_null(strstr(a.headers.buf, "HTTP/1.1 200"));
	assert_non_null(strstr(a.headers.buf, "Accept-Ranges: bytes"));
	answer_release(&a);
	serve_close(b);
}

TEST(head_says_how_long_it_is)
{
	struct serve_boot *b = open_boot(NULL);
	struct answer a = ask(serve_image_url(b), "HEAD", NULL);
	__cleanup_free char *length = xasprintf("Content-Length: %d\r\n", IMAGE);

	assert_int_equal(a.status, 200);
	assert_int_equal(a.body.len, 0);
	assert_non_null(strstr(a.headers.buf, length));
	answer_release(&a);
	serve_close(b);
}

TEST(ranges_are_honoured)
{
	struct serve_boot *b = open_boot(NULL);
	const char *url = serve_image_url(b);
	__cleanup_free char *all = xasprintf("Range: bytes=0-%d", IMAGE + 5);
	__cleanup_free char *says = xasprintf("Content-Range: bytes 10-19/%d\r\n", IMAGE);

	assert_part(url, "Range: bytes=10-19", 10, 10, says);
	assert_part(url, "Range: bytes=0-0", 0, 1, "bytes 0-0/");
	assert_part(url, "Range: bytes=104000-", 104000, IMAGE - 104000, "bytes 104000-");
	assert_part(url, "Range: bytes=-7", IMAGE - 7, 7, "Content-Range");
	assert_part(url, all, 0, IMAGE, "bytes 0-");
	serve_close(b);
}

TEST(ranges_that_are_none)
{
	struct serve_boot *b = open_boot(NULL);
	const char *url = serve_image_url(b);

	assert_int_equal(status_of(url, "GET", "Range: bytes=99999999-"), 416);
	assert_int_equal(status_of(url, "GET", "Range: bytes=20-10"), 416);
	assert_int_equal(status_of(url, "GET", "Range: bytes=-0"), 416);
	/* more than one, another unit, nonsense: the whole */
	assert_int_equal(status_of(url, "GET", "Range: bytes=0-1,5-6"), 200);
	assert_int_equal(status_of(url, "GET", "Range: lines=0-1"), 200);
	assert_int_equal(status_of(url, "GET", "Range: bytes=-"), 200);
	assert_int_equal(status_of(url, "GET", "Range: bytes=99999999999999999999999-"), 200);
	serve_close(b);
}

TEST(a_boots_own_bytes_are_written_over_the_image)
{
	char first[HOLE], second[HOLE];
	struct serve_boot *one, *two;
	struct answer a, b;

	memset(first, '1', sizeof(first));
	memset(second, '2', sizeof(second));
	one = open_boot(first);
	two = open_boot(second);
	a = ask(serve_image_url(one), "GET", NULL);
	b = ask(serve_image_url(two), "GET", "Range: bytes=99998-100002");
	assert_memory_equal(a.body.buf, image, BEFORE);
	assert_memory_equal(a.body.buf + BEFORE, first, HOLE);
	assert_memory_equal(a.body.buf + BEFORE + HOLE, image + BEFORE + HOLE,
			    IMAGE - BEFORE - HOLE);
	assert_memory_equal(b.body.buf, image + BEFORE - 2, 2);
	assert_string_equal(b.body.buf + 2, "222");
	answer_release(&a);
	answer_release(&b);
	serve_close(one);
	serve_close(two);
}

TEST(nobody_finds_what_he_was_not_told_of)
{
	struct serve_boot *b = open_boot(NULL), *other = open_boot(NULL);
	__cleanup_free char *url = xstrdup(serve_image_url(b));
	char *token = strstr(url, "/boot/") + 6;

	assert_string_not_equal(serve_image_url(b), serve_image_url(other));
	assert_int_equal(status_of(url, "GET", NULL), 200);
	*token = *token == 'f' ? '0' : 'f';
	assert_int_equal(status_of(url, "GET", NULL), 404);
	token[33] = '\0';
	assert_int_equal(status_of(url, "GET", NULL), 404);
	token[0] = '\0';
	assert_int_equal(status_of(url, "GET", NULL), 404);
	serve_close(b);
	serve_close(other);
}

TEST(nothing_is_changed_by_asking)
{
	struct serve_boot *b = open_boot(NULL);

	assert_int_equal(status_of(serve_image_url(b), "DELETE", NULL), 405);
	assert_int_equal(status_of(serve_image_url(b), "PUT", NULL), 405);
	serve_close(b);
}

TEST(a_closed_boot_is_gone)
{
	struct serve_boot *b = open_boot(NULL), *other = open_boot(NULL);
	__cleanup_free char *url = xstrdup(serve_image_url(b));
	__cleanup_free char *last = xstrdup(serve_image_url(other));

	serve_close(b);
	assert_int_equal(status_of(url, "GET", NULL), 404);
	assert_int_equal(status_of(last, "GET", NULL), 200);
	serve_close(other);
	assert_int_equal(status_of(last, "GET", NULL), 0);
}

TEST(it_tells_who_fetched_how_much)
{
	struct serve_boot *b = open_boot(NULL);
	struct serve_tally t;

	serve_tell(b, &t);
	assert_int_equal(t.requests, 0);
	status_of(serve_image_url(b), "GET", "User-Agent: UefiHttpBoot/1.0\x1b");
	serve_tell(b, &t);
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.bytes, IMAGE);
	assert_string_equal(t.who, "127.0.0.1");
	assert_string_equal(t.agent, "UefiHttpBoot/1.0?");
	serve_close(b);
}

TEST(ipxe_gets_a_script)
{
	struct serve_boot *b = open_boot(NULL);
	struct answer a = ask(serve_script_url(b), "GET", NULL);
	__cleanup_free char *want = xasprintf("#!ipxe\nsanboot %s\n", serve_image_url(b));

	assert_string_equal(a.body.buf, want);
	answer_release(&a);
	serve_close(b);
}

static int refuse(struct serve_request req, struct error *err)
{
	struct serve_boot *b = NULL;
	int ret;

	*err = (struct error){0};
	ret = serve_open(&req, &b, err);
	assert_null(b);
	return ret;
}

TEST(what_cannot_be_served_is_told)
{
	struct serve_boot *b = open_boot(NULL);
	__cleanup_free char *taken = xstrdup(serve_image_url(b));
	struct error err;

	*strstr(taken, "/boot") = '\0';
	assert_int_equal(refuse((struct serve_request){.base_url = taken,
						       .listen = taken + 7,
						       .image = path},
				&err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, "name another one"));
	assert_int_equal(
		refuse((struct serve_request){.base_url = "http://192.0.2.1", .image = path}, &err),
		-EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "\"listen\""));
	assert_int_equal(
		refuse((struct serve_request){.base_url = "https://127.0.0.1", .image = path},
		       &err),
		-EINVAL);
	assert_int_equal(
		refuse((struct serve_request){.base_url = ADDRESS "/x", .image = path}, &err),
		-EINVAL);
	assert_int_equal(
		refuse((struct serve_request){.base_url = ADDRESS, .image = "/nowhere"}, &err),
		-ENOENT);
	assert_int_equal(refuse((struct serve_request){.base_url = ADDRESS,
						       .image = path,
						       .overlay = taken,
						       .overlay_bytes = 8,
						       .overlay_at = IMAGE - 7},
				&err),
			 -EINVAL);
	serve_close(b);
}

UNIT_MAIN("serve", make_image, unit_drop_dir)
