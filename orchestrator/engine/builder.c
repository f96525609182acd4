// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/engine/builder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

struct builder {
	struct builder_request req;
	struct kernel_build *kernels; /* one per req.kernels */
	struct selftests *selftests;  /* [kernel * nplans + plan] */
	struct kernel_build *l1;      /* one per plan; empty where it has no Linux L1 */
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

/* The errors name the kernel already. */
static int build_kernel(struct builder *b, size_t k, struct error *err)
{
	const struct builder_request *req = &b->req;
	int ret = kernel_build(&req->env, req->kernels[k], &b->kernels[k], err);

	if (ret)
		return ret;
	for (size_t p = 0; p < req->nplans; p++) {
		ret = selftests_prepare(&req->env, req->kernels[k], &b->kernels[k], &req->plans[p],
					&b->selftests[k * req->nplans + p], err);
		if (ret)
			return ret;
	}
	return 0;
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

static int build_with_l1(struct builder *b, size_t k, struct error *err)
{
	int ret = build_kernel(b, k, err);

	if (ret || k)
		return ret;
	return build_l1s(b, err);
}

/* All of them first: a boot waits for a kernel that is in the cache, not for one that is not. An
 * error will come again when it is built. */
static void find_cached(struct builder *b)
{
	for (size_t k = 0; k < b->req.nkernels; k++) {
		bool cached = false;

		if (!kernel_is_cached(&b->req.env, b->req.kernels[k], &cached, NULL) && cached)
			set_state(b, k, BUILDER_CACHED);
	}
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

int builder_start(struct builder **out, const struct builder_request *req, struct error *err)
{
	struct builder *b = xcalloc(1, sizeof(*b));
	int ret;

	b->req = *req;
	pthread_mutex_init(&b->lock, NULL);
	b->kernels = xcalloc(req->nkernels, sizeof(*b->kernels));
	b->selftests = xcalloc(req->nkernels * req->nplans, sizeof(*b->selftests));
	b->l1 = xcalloc(req->nplans, sizeof(*b->l1));
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

const struct kernel_build *builder_kernel(const struct builder *b, size_t kernel)
{
	return &b->kernels[kernel];
}

const struct selftests *builder_selftests(const struct builder *b, size_t kernel, size_t plan)
{
	return &b->selftests[kernel * b->req.nplans + plan];
}

const struct kernel_build *builder_l1(const struct builder *b, size_t plan)
{
	return builder_l1_name(&b->req, plan) ? &b->l1[plan] : NULL;
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
	for (size_t i = 0; i < b->req.nkernels; i++)
		kernel_build_free(&b->kernels[i]);
	for (size_t i = 0; i < b->req.nkernels * b->req.nplans; i++)
		selftests_free(&b->selftests[i]);
	for (size_t p = 0; p < b->req.nplans; p++)
		kernel_build_free(&b->l1[p]);
	pthread_mutex_destroy(&b->lock);
	free(b->kernels);
	free(b->selftests);
	free(b->l1);
	free(b->states);
	free(b);
}
