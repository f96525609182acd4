// SPDX-License-Identifier: GPL-2.0-only
#include "agents/wire/hmac.h"

#include <string.h>

#define BLOCK 64

/* A SHA-256 under way. */
struct hash {
	uint32_t state[8];
	uint64_t len; /* bytes so far */
	uint8_t block[BLOCK];
};

/* FIPS 180-4, 4.2.2 */
static const uint32_t rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotated(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* FIPS 180-4, 6.2.2, step 1 */
static void spread_block(const uint8_t *block, uint32_t w[64])
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) +
		       (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
	}
}

/* FIPS 180-4, 6.2.2, steps 2 to 4 */
static void take_block(struct hash *h, const uint8_t *block)
{
	uint32_t w[64], s[8];

	spread_block(block, w);
	memcpy(s, h->state, sizeof(s));
	for (int i = 0; i < 64; i++) {
		uint32_t big1 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
		uint32_t big0 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
		uint32_t t1 = s[7] + big1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + rounds[i] + w[i];
		uint32_t t2 = big0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(s[0]));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h->state[i] += s[i];
}

static void hash_start(struct hash *h)
{
	static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(h->state, first, sizeof(first));
	h->len = 0;
}

static void hash_add(struct hash *h, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		size_t at = h->len % BLOCK, n = BLOCK - at;

		if (n > len)
			n = len;
		memcpy(h->block + at, p, n);
		h->len += n;
		p += n;
		len -= n;
		if (h->len % BLOCK == 0)
			take_block(h, h->block);
	}
}

static void hash_end(struct hash *h, uint8_t out[HMAC_BYTES])
{
	static const uint8_t padding[BLOCK] = {0x80};
	uint64_t bits = h->len * 8;
	uint8_t length[8];

	hash_add(h, padding, 1 + (BLOCK + 55 - h->len % BLOCK) % BLOCK);
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	hash_add(h, length, sizeof(length));
	for (int i = 0; i < HMAC_BYTES; i++)
		out[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void hash_start_keyed(struct hash *h, const uint8_t key[HMAC_KEY_BYTES], uint8_t pad)
{
	uint8_t block[BLOCK];

	for (int i = 0; i < BLOCK; i++)
		block[i] = pad ^ (i < HMAC_KEY_BYTES ? key[i] : 0);
	hash_start(h);
	hash_add(h, block, sizeof(block));
}

void hmac_sha256(const uint8_t key[HMAC_KEY_BYTES], const void *data, size_t len,
		 uint8_t mac[HMAC_BYTES])
{
	struct hash h;

	hash_start_keyed(&h, key, 0x36);
	hash_add(&h, data, len);
	hash_end(&h, mac);
	hash_start_keyed(&h, key, 0x5c);
	hash_add(&h, mac, HMAC_BYTES);
	hash_end(&h, mac);
}
