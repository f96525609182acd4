// SPDX-License-Identifier: GPL-2.0-only
/* nestlabd: the program. docs/daemon.md is its manual. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/cancel.h"
#include "common/log.h"
#include "common/options.h"
#include "orchestrator/daemon/daemon.h"
#include "orchestrator/daemon/pool/health.h"
#include "orchestrator/daemon/pool/host.h"
#include "orchestrator/daemon/queue/lease.h"
#include "orchestrator/daemon/watch/fetch.h"
#include "orchestrator/version.h"

static struct daemon_setting setting;
static bool wants_version;
static long min_free_mb = 2048, workers = 1, heartbeat_ms = 5000, lease_ms, tries = 3,
	    quarantine = 3, health_again_ms = 3600000, health_every_ms = 86400000,
	    backoff_ms = 60000;

static const struct option_spec options[] = {
	OPTION_STRING("state", "FOLDER", &setting.state,
		      "where the queue, logs and results are kept"),
	OPTION_STRING("db", "FILE", &setting.results,
		      "the database of results (default: FOLDER/nestlab.db)"),
	OPTION_STRING("socket", "PATH", &setting.socket,
		      "where commands of this machine ask (default: FOLDER/nestlabd.sock)"),
	OPTION_STRING("listen", "ADDRESS:PORT", &setting.listen, "HTTPS, for other machines"),
	OPTION_STRING("certificate", "FILE", &setting.certificate, "for --listen, PEM",
		      .needs = "listen"),
	OPTION_STRING("key", "FILE", &setting.key, "its private key, PEM", .needs = "listen"),
	OPTION_STRING("plain", "ADDRESS:PORT", &setting.plain,
		      "HTTP without TLS, at an address of this machine alone"),
	OPTION_INT("min-free", "MB", &min_free_mb, 1, 1 << 30,
		   "disk below which nothing new is taken (default: 2048)"),
	OPTION_INT("heartbeat", "MS", &heartbeat_ms, 50, 3600000,
		   "how often agents say that they live (default: 5000)"),
	OPTION_INT("lease", "MS", &lease_ms, 100, 36000000,
		   "silence after which they do not (default: six heartbeats)"),
	OPTION_INT("tries", "N", &tries, 1, 1000,
		   "failures of the infrastructure before a boot fails (default: 3)"),
	OPTION_INT("quarantine", "N", &quarantine, 1, 1000000,
		   "of them in a row before a host is quarantined (default: 3)"),
	OPTION_STRING("health", "KERNEL", &health_policy.kernel,
		      "what health jobs boot (default: baseline); none: there are no such jobs"),
	OPTION_INT("health-every", "MS", &health_every_ms, 1, INT_MAX,
		   "from a health job of a host to the next (default: 86400000, a day)"),
	OPTION_INT("health-again", "MS", &health_again_ms, 1, 86400000,
		   "wait after one that was not good (default: 3600000)"),
	OPTION_INT("backoff", "MS", &backoff_ms, 1, 3600000,
		   "wait after the first of them; five times that after the next (default: 60000)"),
	OPTION_INT("workers", "N", &workers, 0, 256,
		   "boots at once on this machine; 0: none here, only agents' (default: 1)"),
	OPTION_STRING(
		"serves", "A,B", &setting.serves,
		"hosts that they run on, as `nestlab host list` has them (default: emulated)"),
	OPTION_STRING("schedules", "FOLDER", &setting.schedules,
		      "what is to run by itself, NAME.json each (default: schedules in --state)"),
	OPTION_INT(
		"patience", "SECONDS", &fetch_patience_s, 1, 3600,
		"after which a list's server that sends less than 1 kB/s is given up (default: 15)"),
	OPTION_STRING(
		"smtp", "URL", &setting.smtp,
		"the mail server, as smtp://localhost:25; without one mails are kept, not sent"),
	OPTION_STRING("mail-from", "ADDRESS", &setting.mail_from,
		      "who sends them (default: nestlab@localhost)"),
	OPTION_STRING("webhook-secret", "FILE", &setting.webhook_secret,
		      "what webhooks are signed with (default: systemd's credential webhook)"),
	OPTION_STRING("kcidb-token", "FILE", &setting.kcidb_token,
		      "what KCIDB knows us by (default: systemd's credential kcidb)"),
	OPTION_FLAG("version", &wants_version, "print which nestlab this is"),
	OPTION_END};

static void print_help(FILE *out)
{
	fprintf(out, "usage: nestlabd --state FOLDER [options]\n\n");
	for (const struct option_spec *o = options; o->kind != OPTION_KIND_END; o++)
		fprintf(out, "  --%s %s\n\t%s\n", o->name, o->argname ? o->argname : "", o->help);
}

static void set_policy(void)
{
	if (!lease_ms)
		lease_ms = 6 * heartbeat_ms;
	lease_policy = (struct lease_policy){.heartbeat_ms = heartbeat_ms,
					     .lease_ms = lease_ms,
					     .tries = tries,
					     .backoff_ms = backoff_ms};
	host_infra_max = quarantine;
	health_policy.again_ms = health_again_ms;
	health_policy.period_ms = host_first_health_ms = health_every_ms;
	health_policy.wanted = strcmp(health_policy.kernel, "none") != 0;
	setting.workers = workers;
	setting.min_free = (uint64_t)min_free_mb << 20;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	int n = options_parse(argc, argv, options, &err);

	if (n == OPTIONS_HELP) {
		print_help(stdout);
		return 0;
	}
	if (wants_version) {
		printf("nestlabd %s\n", nestlab_version);
		return 0;
	}
	if (n < 0 || n > 0 || !setting.state) {
		log_error("%s", n < 0 ? err.text : "nestlabd takes --state FOLDER and no operand");
		print_help(stderr);
		return EXIT_USAGE;
	}
	set_policy();
	cancel_install();
	if (daemon_run(&setting, &err)) {
		log_error("%s", err.text);
		return EXIT_FATAL;
	}
	return 0;
}
