/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hmac.h - HMAC-SHA-256 (RFC 2104, FIPS 180-4), for the frames between agent and orchestrator.
 *
 * The agent is a static program without libcrypto, and both ends must agree on each byte, so both use
 * this one; its unit test holds it against OpenSSL's.
 */
#ifndef AGENTS_WIRE_HMAC_H
#define AGENTS_WIRE_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define HMAC_BYTES     32
#define HMAC_KEY_BYTES 32 /* of every key of ours */

void hmac_sha256(const uint8_t key[HMAC_KEY_BYTES], const void *data, size_t len,
		 uint8_t mac[HMAC_BYTES]);

#endif
