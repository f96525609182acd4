// SPDX-License-Identifier: GPL-2.0-only
/* Over OpenSSL's libcrypto. */
#include "common/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

static void write_hex(const unsigned char *digest, char hex[SHA256_HEX])
{
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void sha256_bytes(const void *data, size_t len, char hex[SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL);
	write_hex(digest, hex);
}

int sha256_file(const char *path, char hex[SHA256_HEX], struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char chunk[65536];
	EVP_MD_CTX *context;
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t n;

	if (fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	context = EVP_MD_CTX_new();
	EVP_DigestInit_ex(context, EVP_sha256(), NULL);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		EVP_DigestUpdate(context, chunk, n);
	if (n < 0)
		ret = error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	close(fd);
	write_hex(digest, hex);
	return ret;
}
