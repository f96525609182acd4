// SPDX-License-Identifier: GPL-2.0-only
/* The SHA-256 part of fs.h, over OpenSSL's libcrypto. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/fs.h"

static void to_hex(const unsigned char *digest, char hex[FS_SHA256_HEX])
{
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void fs_sha256(const void *data, size_t len, char hex[FS_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL);
	to_hex(digest, hex);
}

int fs_sha256_file(const char *path, char hex[FS_SHA256_HEX], struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char chunk[65536];
	EVP_MD_CTX *ctx;
	FILE *f = fopen(path, "re");
	int ret = 0;
	size_t n;

	if (!f)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	ctx = EVP_MD_CTX_new();
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		EVP_DigestUpdate(ctx, chunk, n);
	if (ferror(f))
		ret = error_set(err, -EIO, "%s: cannot read", path);
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	fclose(f);
	to_hex(digest, hex);
	return ret;
}
