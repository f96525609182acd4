/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * driver.h - WHERE it runs: hosts are drivers behind one table.
 *
 * The engine (orchestrator/engine/boot.h) boots an image: provision, open the channel, switch on,
 * follow, switch off, release. A driver only knows how its host does those things. What comes from
 * the host - console and records - is always a growing file in the run directory, whoever writes it
 * (the emulator itself, a serial-over-LAN client, an HTTP server), so there is one place that reads
 * and judges it.
 *
 * One thread drives many boots, so no method may wait for its host. A step that takes longer than
 * some milliseconds (a BMC, an upload) is started, returns HOST_GOES_ON, and is called again when
 * the driver's wake_fd is readable or its poll_ms have passed, until it returns 0 or an error. A
 * driver whose library can only block does the step in a thread or process of its own and hands out
 * an eventfd, a pipe or a pidfd as wake_fd.
 */
#ifndef ORCHESTRATOR_HOSTS_DRIVER_H
#define ORCHESTRATOR_HOSTS_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/wire/ticket.h"
#include "common/error.h"
#include "common/json.h"
#include "common/strbuf.h"
#include "orchestrator/hosts/memory.h"
#include "orchestrator/places.h"

struct host_driver;

struct host_config { /* hosts/NAME.json, or built in; orchestrator/hosts/hosts.h */
	char *name;
	const struct host_driver *driver;
	char *description;	  /* NULL: none */
	char *path;		  /* of its file; NULL for a built-in */
	int64_t wall_limit_s;	  /* power-on to end, at most */
	int64_t progress_limit_s; /* without a new record (before the first: a console byte), at most */
	/* From power-on to the agent's `hello`, at most, whatever the console says meanwhile: firmware and
	 * boot menus talk, too. 0: progress_limit_s is all there is. */
	int64_t boot_limit_s;
	int64_t parallel; /* boots that may run on it at once; 0: one per core of this machine */
	char **kernel_config; /* what its kernels need: kernel_env.host_fragments; NULL: nothing */
	char *state_dir;      /* CACHE/hosts: locks, and what a crash has left (journal.h) */
	void *own;	      /* the driver's part, from its configure() */
};

/* What a probe() finds; orchestrator/hosts/hosts.h: host_probe(). */
struct host_found {
	bool ready;
	struct strbuf missing; /* a line for each missing thing: "WHAT: REMEDY" */
	struct strbuf can;     /* a line for each thing that it can, or has: "WHAT: TEXT" */
	/* What makes the host's numbers comparable as far as it can be known without a boot: emulator
	 * and version, BMC model and firmware, memory, clock rate, ... */
	struct json_object *identity;
};

/* What a kernel is booted for: it may want another command line. Selftests, and moves of L1s, let KVM log dirty pages:
 * both are HOST_SELFTESTS. */
enum host_purpose { HOST_MEASURES, HOST_SELFTESTS };

/* What a host's times are: never compared with each other (docs/design.md). */
enum host_clock {
	HOST_CLOCK_EMULATED, /* instructions: load on the machine changes nothing */
	HOST_CLOCK_TSC,	     /* real time: load and temperature change the numbers */
};

/* An instruction that is about to be executed, as the host's disassembler writes it. */
struct host_step {
	uint64_t time; /* instructions since power-on */
	uint64_t rip;
	unsigned int cs;     /* selector: its lowest two bits are the privilege level */
	unsigned int length; /* bytes */
	const char *text;    /* "vmread rax, rdx"; borrowed until the function returns */
};

/* What is to happen after a stop. */
enum host_trace {
	HOST_TRACE_OFF, /* to the next stop, fast */
	HOST_TRACE_ON,	/* to the next stop, telling every instruction on the way */
	HOST_TRACE_END, /* to the end of the boot, without further stops */
};

#define HOST_TRACE_STOPS 16

/*
 * Who follows the instructions of a boot (docs/explain.md). Its functions are called from a thread of the
 * driver's, one at a time, and none after power(OFF) or release() has returned.
 */
struct host_tracer {
	const uint64_t *stops; /* linear addresses, in whatever address space; borrowed */
	size_t nstops;	       /* HOST_TRACE_STOPS at most */
	/* Before the instruction at a stop is executed; in HOST_TRACE_ON it is then told, too. */
	enum host_trace (*at_stop)(const struct host_step *step, void *arg);
	void (*on_step)(const struct host_step *step, void *arg);
	void *arg;
};

/* One boot while it goes on: what the engine and a driver's methods share. */
struct host_session {
	const struct host_config *cfg;
	const char *image; /* ISO to boot; NULL where runs_in_place */
	/* The kernel's, as the image has it: cmdline() and what the run adds, for hosts that boot a
	 * kernel without a boot loader. NULL where runs_in_place. */
	const char *cmdline;
	const char *agent, *plan; /* files: where runs_in_place */
	const char *selftests;	  /* a folder of them; NULL: the plan names none */
	const char *l1_kernel;	  /* the vmlinux of its Linux L1s; NULL: it has none */
	const char *l1_image;	  /* the disk that its L1s boot from; NULL: none */
	const char *run_dir;	  /* exists, empty, the driver's: console.log, records.jsonl, ... */
	char *console_path, *records_path; /* set before provision() */
	const struct host_tracer *tracer;  /* NULL: nobody follows; else cannot_trace() said NULL */
	/* Nonce and key are this boot's own; the driver says where the agent's records go, puts the
	 * ticket into the image as it is served, and then sets `ticketed`: `hello` must bear the nonce. */
	struct ticket ticket;
	bool ticketed;
	/* The driver's, where a line carries frames (line.h): when the last good one came
	 * (clock_seconds(), 0: none has), which is progress though the records file may wait for what
	 * is missing before it; and how many were refused. */
	double heard_at;
	uint64_t refused;
	/* The driver's: for how long since power-on the host has waited for a processor of this machine, in
	 * seconds. No limit counts that time: other load here is no fault of the guest's. */
	double starved_s;
	/* The driver's: -1, or a descriptor that is readable when a step that goes on, or is_on(), has
	 * something to look at. To be -1 again before it stays readable for ever. */
	int wake_fd;
	/* The driver's: 0, or the milliseconds after which it is asked again in any case.
	 * It may change at each call. */
	int poll_ms;
	void *priv; /* the driver's, freed by release() */
};

enum host_power { HOST_POWER_OFF, HOST_POWER_ON };

/* A step has been started and is not done. */
#define HOST_GOES_ON 1

struct host_driver {
	const char *name;
	const char *help; /* one line: what such a host is */
	enum host_clock clock;
	/* Nothing is booted: the agent runs as a process on the kernel that the host runs, so the
	 * variant `running` is the one kernel that can be measured there. */
	bool runs_in_place;
	int64_t parallel;     /* "parallel" of a host file that says nothing */
	int64_t boot_limit_s; /* likewise */
	/* "kernel_config" of a host file that says nothing, NULL-terminated: the configuration that
	 * kernels need on such hosts, for kernel_env.host_fragments. NULL: the variants' own. */
	const char *const *kernel_config;
	const char *const
		*keys; /* what a host file may have besides the common keys, NULL-terminated */

	/* Reads the driver's own keys out of the whole @file (each is one of @keys already) into *own,
	 * which free_config() frees, after an error too. -EINVAL with file and path in it
	 * (json_error()). */
	int (*configure)(const struct json_node *file, void **own, struct error *err);
	void (*free_config)(void *own);
	/* The command line that a kernel must have on this host; the caller frees. */
	char *(*cmdline)(const struct host_config *cfg, enum host_purpose purpose);
	/* Can it run now? Fills @found (empty, ready); 0 whatever the answer. An error says that
	 * the question could not be put: cancelled, no descriptors left, ... */
	int (*probe)(const struct host_config *cfg, const struct places *places,
		     struct host_found *found, struct error *err);
	/* NULL: a crash of ours leaves nothing on such a host. Else undoes what one has left, and adds a line
	 * to @did for each thing. -EBUSY: the host is in use. */
	int (*rescue)(const struct host_config *cfg, struct strbuf *did, struct error *err);
	/* NULL: there is nothing to trust. Else asks who the host says it is, keeps that as what is trusted
	 * from now on, and says so in @told. */
	int (*trust)(const struct host_config *cfg, struct strbuf *told, struct error *err);
	/* NULL, or adds to a boot's @identity what the agent's @hello says of the machine (CPU,
	 * microcode, ...) and no probe can know. */
	void (*identify)(const struct host_config *cfg, struct json_object *identity,
			 struct json_object *hello);

	/* NULL, or appends what the site's DHCP and TFTP servers must say for such a host, as a file for
	 * dnsmasq with remarks. -EINVAL: not as its file is. */
	int (*netboot)(const struct host_config *cfg, struct strbuf *out, struct error *err);
	/* NULL: no such host can be traced. Why can this one not? NULL: it can. */
	const char *(*cannot_trace)(const struct host_config *cfg);

	/* ---- one boot; each may return HOST_GOES_ON but is_on(), postmortem(), tell() and
	 * find_memory() ---- */

	/* Brings s->image to where the host will boot it next. Sets s->priv. */
	int (*provision)(struct host_session *s, struct error *err);
	/* From here on what the host sends will land in s->console_path and s->records_path. */
	int (*open_channel)(struct host_session *s, struct error *err);
	/* Switches on, or off at once (a host that is off already is no error). OFF may come while
	 * ON goes on: the boot was cancelled. */
	int (*power)(struct host_session *s, enum host_power want, struct error *err);
	/* Is it still on, as far as is known? Asked when wake_fd is readable and when poll_ms have
	 * passed. Once it says no, all that the host sent is in the files. A host that cannot
	 * know says yes: the agent's `bye` ends a boot too. */
	bool (*is_on)(struct host_session *s);
	/* Why did it go off by itself? Appends that to @why, to be read by people. 0: the guest
	 * switched it off; -ECONNRESET: the guest died (a triple fault, a reset); -EIO: the host
	 * itself failed (the emulator crashed or was killed, ...). */
	int (*postmortem)(struct host_session *s, struct strbuf *why);
	/* NULL, or appends to @out how far the host came, as far as the driver knows ("nobody fetched the
	 * image"): for a boot of which nothing was heard. */
	void (*tell)(struct host_session *s, struct strbuf *out);
	/* NULL, or looks into what the host itself has noted since power-on, after a boot that failed; it has
	 * been switched off. That goes into a file of the run directory. @trouble, empty when it is called: what
	 * was a fault of the machine's own, on one line; then the boot is infrastructure. An error is told
	 * with the boot's. */
	int (*examine)(struct host_session *s, struct strbuf *trouble, struct error *err);
	/* NULL: nobody here can reach the machine's memory. Else where it is, while the machine is on. */
	int (*find_memory)(struct host_session *s, struct host_memory *out, struct error *err);
	/* Undoes provision() and open_channel(), each if it was done or goes on; an error says what
	 * is left to be undone by hand. The host is off. */
	int (*release)(struct host_session *s, struct error *err);
};

/* ---- what drivers need (driver.c) ---- */

/* A whole number of a host file: a row of a driver's table. */
struct host_number {
	const char *key;
	size_t offset; /* of an int64_t in the driver's struct */
	int64_t preset, min, max;
};

/* Sets each number of @rows in @out: from @file, or its preset. -EINVAL. */
int host_read_numbers(const struct json_node *file, const struct host_number *rows, size_t n,
		      void *out, struct error *err);

/* A text of a host file. */
struct host_text {
	const char *key;
	size_t offset; /* of a char *; the driver frees */
	bool required;
	const char *preset; /* where the key is not there; NULL, too */
};

int host_read_texts(const struct json_node *file, const struct host_text *rows, size_t n, void *out,
		    struct error *err);

/* One of a few words. */
struct host_word {
	const char *key;
	size_t offset; /* of an int64_t: the index of the word; 0 where the key is not there */
	const char *words[4]; /* NULL-terminated */
};

int host_read_words(const struct json_node *file, const struct host_word *rows, size_t n, void *out,
		    struct error *err);

/*
 * Told to every kernel that a host boots: where things are in memory is drawn anew in no boot, neither for the kernel
 * nor for the programs on it. What an operation costs depends on it (docs/statistics.md, "Where things are").
 */
#define HOST_FIXED_LAYOUT "nokaslr norandmaps"

/* Adds the host file's own words @more (or NULL) to a kernel's command line; and "ip=dhcp" where @network
 * is needed and they do not say another "ip=": the kernel brings its network up before there is an agent. */
void host_add_cmdline(struct strbuf *line, const char *more, bool network);

/* identify() for machines with a real clock: from @hello, CPU, CPUs and all of "machine" (its shape is in
 * agents/l0/machine.h): microcode, SMT, turbo, governor, memory, clock source, mitigations, ... */
void host_identify_machine(const struct host_config *cfg, struct json_object *identity,
			   struct json_object *hello);

/* Writes the session's image to @to with the session's ticket in it, and sets `ticketed`. The key is in
 * that file: release() removes it. */
int host_copy_image(struct host_session *s, const char *to, struct error *err);

/* Something is missing: the host is not ready. */
void host_found_lacks(struct host_found *found, const char *what, const char *remedy);

/* Something that people want to know of the host. */
void host_found_can(struct host_found *found, const char *what, const char *text);

#endif
