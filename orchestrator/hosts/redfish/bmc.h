/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bmc.h - a conversation with one BMC: who we are there (a session, or basic authentication), what is tried
 * again, how an error reads.
 *
 * Everything waits, so it belongs into a thread of the driver's. What is right is found by asking: a status
 * is no proof (some BMCs do it and say 400, or say 200 and do not), so whoever changes something reads it
 * back.
 *
 * An error's text begins with its class (docs/hosts.md, "When a BMC fails"), and quotes what the BMC said.
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_BMC_H
#define ORCHESTRATOR_HOSTS_REDFISH_BMC_H

#include <json-c/json.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/error.h"
#include "orchestrator/hosts/credentials.h"
#include "orchestrator/hosts/redfish/config.h"

/* Classes of errors; each but UNFIT is infrastructure. */
enum bmc_trouble {
	BMC_UNREACHABLE, /* no connection, no answer, or one that makes no sense */
	BMC_CERTIFICATE, /* not the one that is trusted */
	BMC_AUTH,	 /* it does not take our user and password */
	BMC_REFUSED,	 /* it says no */
	BMC_MEDIA,	 /* the image does not get into the drive, or out */
	BMC_OVERRIDE,	 /* what it boots next cannot be set, or unset */
	BMC_POWER,	 /* it does not go on, or off */
	BMC_UNFIT,	 /* such a host cannot do it */
};
/* "bmc-unreachable: text"; returns the class's errno. */
int bmc_fail(struct error *err, enum bmc_trouble class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts the class before an error that has none yet; its code, which may say more, stays. */
int bmc_blame(struct error *err, int ret, enum bmc_trouble class);

struct bmc {
	const struct redfish_config *cfg;
	struct credentials credentials;
	char *pin;	       /* NULL: a CA's certificates decide, or none */
	char *token, *session; /* of a session of ours: its resource's path */
	bool basic;
	const char *log_path; /* NULL, or each request is noted there; borrowed */
	int64_t tries;
	atomic_bool given_up;	  /* from another thread: break off */
	atomic_bool heeds_cancel; /* a Ctrl-C breaks off, too */
	double last_request;
	/* NULL, or told of a new session before it is used; an error ends the request. */
	int (*on_session)(void *arg, const char *session, struct error *err);
	void *arg;
};

/* Reads credentials and pin; asks nothing yet. bmc_close() frees, after an error too. @host_file: NULL, or
 * the path beside which `nestlab host trust` keeps the pin. */
int bmc_open(struct bmc *b, const struct redfish_config *cfg, const char *host_file,
	     struct error *err);
void bmc_close(struct bmc *b);

/* Where the pin of a host file "x/NAME.json" is kept: "x/NAME.pin"; the caller frees. */
char *bmc_pin_path(const char *host_file);
int bmc_ask_certificate(const struct redfish_config *cfg, char **pin, char **subject,
			struct error *err);

/* An answer; freed by bmc_reply_release(). */
struct bmc_reply {
	long status;
	struct json_object *json; /* NULL: no body */
	char *etag, *allow, *location;
	bool patchable; /* Allow names PATCH, or there is no Allow */
};
void bmc_reply_release(struct bmc_reply *r);

struct bmc_request { /* borrowed */
	const char *method, *path;
	struct json_object *body; /* NULL: none */
	const char *if_match;	  /* NULL: none */
};

/* One request as whoever we are there, repeated where that does no harm. A status of 400 and more is an error;
 * r->status tells which, 0: no answer came. bmc_reply_release() after an error, too. */
int bmc_converse(struct bmc *b, const struct bmc_request *req, struct bmc_reply *r,
		 struct error *err);

/* The resource: 0, or -ENOENT (404), -EACCES, ...; @r is empty after an error. */
int bmc_get(struct bmc *b, const char *path, struct bmc_reply *r, struct error *err);
/* The JSON alone, or NULL with @err set; the caller puts it. */
struct json_object *bmc_get_json(struct bmc *b, const char *path, struct error *err);

/*
 * POST or DELETE; a task is waited for. 0: done, as far as it says. *status: NULL, or the HTTP status, 0
 * where none came (then it may have been done or not). Not repeated but where it surely was not
 * done.
 */
int bmc_post(struct bmc *b, const char *path, struct json_object *body, long *status,
	     struct error *err);
int bmc_delete(struct bmc *b, const char *path, struct error *err);
/* PATCH with the resource's ETag, in the forms that BMCs want. As bmc_post(), but @status is needed. */
int bmc_patch(struct bmc *b, const char *path, struct json_object *body, long *status,
	      struct error *err);

/* Waits: 0, or -ECANCELED. */
int bmc_pause(struct bmc *b, int64_t ms, struct error *err);

/* Ends our session, if there is one. */
int bmc_log_out(struct bmc *b, struct error *err);

#endif
