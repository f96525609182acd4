// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/builder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

/* A kernel is built for the plans that need a userland, for those that need none, or for both. */
enum flavour { PLAIN, USERLAND, FLAVOURS };
#define USERLAND_FRAGMENT "userland" /* kernels/config/userland.config */

struct builder {
	struct builder_request req;
	const char **userland_fragments;   /* of the host, and USERLAND_FRAGMENT */
	struct kernel_build *kernels;	   /* [kernel * FLAVOURS + flavour] */
	struct selftests *selftests;	   /* [kernel * nplans + plan] */
	struct kernel_build *l1;	   /* one per plan; empty where it has no Linux L1 */
	struct kernel_build *destinations; /* one per plan; empty where its L1s stay */
	pthread_t thread;
	pthread_mutex_t lock; /* what follows */
	enum builder_state *states;
	bool stopped;
	int ret;
	struct error err;
};

static void set_state(struct builder *b, size_t kernel, enum builder_state state)
{
	pthread_mutex_lock(&b->lock);
	b->states[kernel] = state;
	pthread_mutex_unlock(&b->lock);
}

static bool is_stopped(struct builder *b)
{
	bool stopped;

	pthread_mutex_lock(&b->lock);
	stopped = b->stopped;
	pthread_mutex_unlock(&b->lock);
	return stopped;
}

static enum flavour flavour_of(const struct builder *b, size_t plan)
{
	return scenario_plan_has_userland(&b->req.plans[plan]) ? USERLAND : PLAIN;
}

static bool wants_flavour(const struct builder *b, enum flavour f)
{
	for (size_t p = 0; p < b->req.nplans; p++)
		if (flavour_of(b, p) == f)
			return true;
	return false;
}

static struct kernel_env env_of(const struct builder *b, enum flavour f)
{
	struct kernel_env env = b->req.env;

	if (f == USERLAND)
		env.host_fragments = b->userland_fragments;
	return env;
}

/* The errors name the kernel already. */
static int build_flavours(struct builder *b, size_t k, struct error *err)
{
	for (enum flavour f = 0; f < FLAVOURS; f++) {
		const struct kernel_env env = env_of(b, f);
		int ret = 0;

		if (wants_flavour(b, f))
			ret = kernel_build(&env, b->req.kernels[k], &b->kernels[k * FLAVOURS + f],
					   err);
		if (ret)
			return ret;
	}
	return 0;
}

static int build_kernel(struct builder *b, size_t k, struct error *err)
{
	const struct builder_request *req = &b->req;
	int ret = build_flavours(b, k, err);

	for (size_t p = 0; p < req->nplans && !ret; p++) {
		const struct kernel_env env = env_of(b, flavour_of(b, p));

		ret = selftests_prepare(&env, req->kernels[k], builder_kernel(b, k, p),
					&req->plans[p], &b->selftests[k * req->nplans + p], err);
	}
	return ret;
}

const char *builder_l1_name(const struct builder_request *req, size_t plan)
{
	if (!scenario_plan_has_linux(&req->plans[plan]))
		return NULL;
	if (req->l1_kernel)
		return req->l1_kernel;
	return req->plans[plan].l1_kernel ?: KERNEL_L1_DEFAULT;
}

/* The L1 kernels come right after the first kernel: then that can boot while the others are built. One that
 * several plans name is built once, and then found in the cache. */
static int build_l1s(struct builder *b, struct error *err)
{
	struct kernel_env env = b->req.env;

	env.host_fragments = NULL; /* it never sees the host */
	for (size_t p = 0; p < b->req.nplans; p++) {
		const char *name = builder_l1_name(&b->req, p);
		int ret = 0;

		if (name)
			ret = kernel_build(&env, name, &b->l1[p], err);
		if (ret)
			return error_prefix(err, ret, "for Linux L1s");
	}
	return 0;
}

/* Mostly one of the kernels under test, which is found in the cache once that is built. */
static int build_destinations(struct builder *b, struct error *err)
{
	for (size_t p = 0; p < b->req.nplans; p++) {
		const char *name = scenario_plan_destination(&b->req.plans[p]);
		const struct kernel_env env = env_of(b, flavour_of(b, p));
		int ret = 0;

		if (name)
			ret = kernel_build(&env, name, &b->destinations[p], err);
		if (ret)
			return error_prefix(err, ret, "for the host that L1s go to");
	}
	return 0;
}

static int build_with_l1(struct builder *b, size_t k, struct error *err)
{
	int ret = build_kernel(b, k, err);

	if (ret || k)
		return ret;
	ret = build_l1s(b, err);
	if (ret)
		return ret;
	return build_destinations(b, err);
}

static bool is_cached(const struct builder *b, size_t k)
{
	bool cached = true;

	for (enum flavour f = 0; f < FLAVOURS && cached; f++) {
		const struct kernel_env env = env_of(b, f);

		if (!wants_flavour(b, f))
			continue;
		cached = false;
		if (kernel_is_cached(&env, b->req.kernels[k], &cached, NULL))
			return false; /* the error will come again when it is built */
	}
	return cached;
}

/* All of them first: a boot waits for a kernel that is in the cache, not for one that is not. */
static void find_cached(struct builder *b)
{
	for (size_t k = 0; k < b->req.nkernels; k++)
		if (is_cached(b, k))
			set_state(b, k, BUILDER_CACHED);
}

static void *build_kernels(void *arg)
{
	struct builder *b = arg;
	size_t k;

	find_cached(b);
	for (k = 0; k < b->req.nkernels && !b->ret && !is_stopped(b); k++) {
		b->ret = build_with_l1(b, k, &b->err);
		set_state(b, k, b->ret ? BUILDER_GIVEN_UP : BUILDER_READY);
		b->req.on_change(b->req.arg);
	}
	for (; k < b->req.nkernels; k++)
		set_state(b, k, BUILDER_GIVEN_UP);
	b->req.on_change(b->req.arg);
	return NULL;
}

static const char **add_fragment(const char *const *fragments, const char *name)
{
	const char **all;
	size_t n = 0;

	while (fragments && fragments[n])
		n++;
	all = xcalloc(n + 2, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		all[i] = fragments[i];
	all[n] = name;
	return all;
}

int builder_start(struct builder **out, const struct builder_request *req, struct error *err)
{
	struct builder *b = xcalloc(1, sizeof(*b));
	int ret;

	b->req = *req;
	pthread_mutex_init(&b->lock, NULL);
	b->userland_fragments = add_fragment(req->env.host_fragments, USERLAND_FRAGMENT);
	b->kernels = xcalloc(req->nkernels * FLAVOURS, sizeof(*b->kernels));
	b->selftests = xcalloc(req->nkernels * req->nplans, sizeof(*b->selftests));
	b->l1 = xcalloc(req->nplans, sizeof(*b->l1));
	b->destinations = xcalloc(req->nplans, sizeof(*b->destinations));
	b->states = xcalloc(req->nkernels, sizeof(*b->states));
	ret = pthread_create(&b->thread, NULL, build_kernels, b);
	if (ret) {
		builder_free(b);
		return error_set(err, -ret, "cannot start a thread: %s", strerror(ret));
	}
	*out = b;
	return 0;
}

enum builder_state builder_state(struct builder *b, size_t kernel)
{
	enum builder_state state;

	pthread_mutex_lock(&b->lock);
	state = b->states[kernel];
	pthread_mutex_unlock(&b->lock);
	return state;
}

const struct kernel_build *builder_kernel(const struct builder *b, size_t kernel, size_t plan)
{
	return &b->kernels[kernel * FLAVOURS + flavour_of(b, plan)];
}

const struct selftests *builder_selftests(const struct builder *b, size_t kernel, size_t plan)
{
	return &b->selftests[kernel * b->req.nplans + plan];
}

const struct kernel_build *builder_l1(const struct builder *b, size_t plan)
{
	return builder_l1_name(&b->req, plan) ? &b->l1[plan] : NULL;
}

const struct kernel_build *builder_destination(const struct builder *b, size_t plan)
{
	return scenario_plan_destination(&b->req.plans[plan]) ? &b->destinations[plan] : NULL;
}

void builder_stop(struct builder *b)
{
	pthread_mutex_lock(&b->lock);
	b->stopped = true;
	pthread_mutex_unlock(&b->lock);
}

int builder_join(struct builder *b, struct error *err)
{
	pthread_join(b->thread, NULL);
	if (b->ret)
		error_set(err, b->ret, "%s", b->err.text);
	return b->ret;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->req.nkernels * FLAVOURS; i++)
		kernel_build_free(&b->kernels[i]);
	for (size_t i = 0; i < b->req.nkernels * b->req.nplans; i++)
		selftests_free(&b->selftests[i]);
	for (size_t p = 0; p < b->req.nplans; p++) {
		kernel_build_free(&b->l1[p]);
		kernel_build_free(&b->destinations[p]);
	}
	pthread_mutex_destroy(&b->lock);
	free(b->kernels);
	free(b->userland_fragments);
	free(b->selftests);
	free(b->l1);
	free(b->destinations);
	free(b->states);
	free(b);
}
