// SPDX-License-Identifier: GPL-2.0-only
/* How the daemon itself is. */
#include <errno.h>

#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/http/metrics.h"

/* docs/openapi.json, NUL-terminated, as the assembler finds it. */
__asm__(".pushsection .rodata\n"
	"daemon_openapi: .incbin \"docs/openapi.json\"\n"
	".byte 0\n"
	".popsection\n");
extern const char daemon_openapi[] __attribute__((visibility("hidden")));

API_HANDLER(api_healthz)
{
	struct strbuf text = STRBUF_INIT;

	(void)db;
	(void)err;
	strbuf_addstr(&text, "ok\n");
	return exchange_answer_text(x, "text/plain", &text);
}

/* Can it take work? */
API_HANDLER(api_readyz)
{
	struct strbuf text = STRBUF_INIT;
	int64_t one;
	int ret = database_number(db, 0, &one, err, "SELECT 1 FROM meta LIMIT 1", "");

	if (ret)
		return ret;
	if (service_is_full(x->service))
		return error_set(err, -ENOSPC, "too little disk is free for new work");
	strbuf_addstr(&text, "ready\n");
	return exchange_answer_text(x, "text/plain", &text);
}

API_HANDLER(api_metrics)
{
	struct strbuf text = STRBUF_INIT;
	int ret = counters_render(x->service->counters, db, &text, err);

	if (ret) {
		strbuf_release(&text);
		return ret;
	}
	return exchange_answer_text(x, "text/plain; version=0.0.4", &text);
}

API_HANDLER(api_openapi)
{
	struct strbuf text = STRBUF_INIT;

	(void)db;
	(void)err;
	strbuf_addstr(&text, daemon_openapi);
	return exchange_answer_text(x, "application/json", &text);
}
