// SPDX-License-Identifier: GPL-2.0-only
/* serve_boot.c - how long a boot is there: the last of its users drops it. */
#include "orchestrator/hosts/serve_boot.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

pthread_mutex_t serve_lock = PTHREAD_MUTEX_INITIALIZER;

static void free_boot(struct serve_boot *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(b->image_url);
	free(b->script_url);
	free(b->records_url);
	inbox_close(b->inbox);
	OPENSSL_clear_free(b->overlay, b->overlay_bytes);
	free(b);
}

void serve_drop_boot(struct serve_boot *b)
{
	bool last;

	pthread_mutex_lock(&serve_lock);
	last = --b->users == 0;
	pthread_mutex_unlock(&serve_lock);
	if (last)
		free_boot(b);
}

struct serve_boot *serve_find_boot(struct serve_server *s, const char *token)
{
	struct serve_boot *found = NULL;

	pthread_mutex_lock(&serve_lock);
	for (struct serve_boot *b = s->boots; b; b = b->next)
		if (!CRYPTO_memcmp(b->token, token, SERVE_TOKEN_HEX))
			found = b;
	if (found)
		found->users++;
	pthread_mutex_unlock(&serve_lock);
	return found;
}
