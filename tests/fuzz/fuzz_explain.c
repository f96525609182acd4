// SPDX-License-Identifier: GPL-2.0-only
/* What the debugger prints, line by line, and an explanation in JSON: whatever is read is drawn, too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/explain/registers.h"
#include "orchestrator/explain/steps.h"
#include "orchestrator/hosts/emulated_trace.h"
#include "results/explain/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_lines(char *text)
{
	struct registers registers = {0};
	char *save = NULL, name[64];

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct host_step step;
		bool traced;

		if (!emulated_trace_parse(line, &step, &traced))
			continue;
		step_flow_of(step.text);
		step_event_of(step.text);
		step_exit_of(step.text);
		registers_follow(&registers, step.text);
		registers_name_msr(&registers, "WRMSR", name, sizeof(name));
	}
}

static void read_json(const char *text, size_t size)
{
	struct strbuf out = STRBUF_INIT;
	struct explanation e;

	if (explain_from_json(text, size, "fuzz", &e, NULL))
		return;
	for (const struct explain_format *f = explain_formats; f->name; f++)
		f->render(&e, &out);
	explain_grown(&e, &out);
	strbuf_release(&out);
	explanation_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size + 1, 1);

	memcpy(text, data, size);
	read_json(text, size);
	read_lines(text);
	free(text);
	return 0;
}
