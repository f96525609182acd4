// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "orchestrator/hosts/redfish/message.h"
#include "orchestrator/hosts/redfish/steps.h"

/* A request that was taken and not followed (seen with many makes) is repeated after so much of the limit. */
#define REPEATS 3

/* Only what is the same on all makes: no graceful shutdown, no cycle whose halves cannot be watched. */
static const struct {
	const char *words[3]; /* ResetType (DSP0268), the first that it offers */
} resets[] = {
	[STEP_OFF] = {{"ForceOff", "Off", NULL}},
	[STEP_ON] = {{"On", "ForceOn", NULL}},
};

static const struct {
	const char *word;
	enum step_power state;
} states[] = {{"On", STEP_ON}, {"Off", STEP_OFF}};

static const char *const names[] = {[STEP_OFF] = "off", [STEP_ON] = "on"};

/* PoweringOn, PoweringOff, null, "Reset", "Unknown": neither. */
static enum step_power state_of(struct json_object *system)
{
	const char *word = message_text(system, "PowerState", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(states) && word; i++)
		if (!strcmp(states[i].word, word))
			return states[i].state;
	return STEP_UNKNOWN;
}

int power_read(struct bmc *b, const struct machine *m, enum step_power *state, struct error *err)
{
	struct bmc_reply r;
	int ret = bmc_get(b, m->system, &r, err);

	*state = state_of(r.json);
	bmc_reply_release(&r);
	return ret;
}

static const char *choose_reset(const struct machine *m, enum step_power want)
{
	for (const char *const *word = resets[want].words; *word; word++)
		if (!m->resets.n || machine_has_word(&m->resets, *word))
			return *word;
	return NULL;
}

/* 400 and 409 say "in POST", "already off", "busy": the state decides, not the answer. */
static int ask_for(struct bmc *b, const struct machine *m, const char *word, struct error *said)
{
	struct json_object *body = json_object_new_object();
	int ret;

	json_object_object_add(body, "ResetType", json_object_new_string(word));
	ret = bmc_post(b, m->reset, body, NULL, said);
	json_object_put(body);
	return ret;
}

/* Did it fail for good? Then the state need not be waited for. */
static bool is_final(int ret)
{
	return ret == -ECANCELED || ret == -EACCES || ret == -EPROTO || ret == -ENOMEM ||
	       ret == -EMFILE || ret == -ENOENT;
}

static int await_state(struct bmc *b, const struct machine *m, enum step_power want, double until,
		       struct error *err)
{
	do {
		enum step_power now;
		int ret = power_read(b, m, &now, err);

		if (!ret && now == want)
			return 0;
		if (is_final(ret))
			return ret;
		ret = bmc_pause(b, b->cfg->poll_ms, err);
		if (ret)
			return ret;
	} while (clock_seconds() < until);
	return -EAGAIN;
}

static int64_t limit_of(const struct bmc *b, enum step_power want)
{
	return want == STEP_ON ? b->cfg->on_limit_s : b->cfg->off_limit_s;
}

static int add_said(struct error *err, int ret, const struct error *said)
{
	return said->text[0] ? error_append(err, ret, "; it said: %s", said->text) : ret;
}

static int switch_it(struct bmc *b, const struct machine *m, enum step_power want, const char *word,
		     struct error *err)
{
	double limit = limit_of(b, want), until = clock_seconds() + limit;
	struct error said = {0};

	while (clock_seconds() < until) {
		int asked = ask_for(b, m, word, &said), ret;

		if (is_final(asked))
			return error_set(err, asked, "%s", said.text);
		/* A refusal may be over in a moment; what was taken gets its time. */
		ret = await_state(
			b, m, want,
			clock_seconds() + (asked ? b->cfg->retry_ms / 1e3 : limit / REPEATS), err);
		if (ret != -EAGAIN)
			return ret;
	}
	bmc_fail(err, BMC_POWER, "%s is not %s %lld s after \"%s\"", m->system, names[want],
		 (long long)limit, word);
	return add_said(err, -EREMOTEIO, &said);
}

int power_set(struct bmc *b, const struct machine *m, enum step_power want, struct error *err)
{
	const char *word = choose_reset(m, want);
	enum step_power now;
	int ret = power_read(b, m, &now, err);

	if (ret || now == want)
		return ret;
	if (!word)
		return bmc_fail(err, BMC_UNFIT, "%s offers no ResetType %s", m->reset,
				resets[want].words[0]);
	return switch_it(b, m, want, word, err);
}
