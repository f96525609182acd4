/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * protocol.h - what the orchestrator and the agent say to each other.
 *
 * TO THE AGENT: the plan, a text file (/plan in the initramfs), one item a line, "key=value" words
 * separated by single blanks, ending in "end":
 *
 *	nestlab-plan 1
 *	run seed=1 mode=cooperative
 *	measure id=0 scenario=multiplex l1=micro-vmx memory=managed l2_vcpus=8 l1_vcpus=1 ept=1 \
 *		apic_pages=0 rounds=200 warmup=20            (on one line)
 *	measure id=1 ...
 *	end count=2
 *
 * Ids go up by one; the first is 0, unless another boot ran what came before it. The run line's words are optional defaults: seed= (0) and mode=cooperative|parallel for the
 * measurements that say neither seed= nor parallel=. words.h lists the words of a measure line, and
 * which of them may be left out. Unknown words, missing words, values out of range and combinations
 * that cannot be measured are errors: the agent refuses the plan with a `fatal` record and powers off.
 *
 * FROM THE AGENT: records, one JSON object a line on the result channel: the second serial line, or
 * wherever the boot's ticket says (ticket.h), in frames (frame.h). Every record starts with "seq" (0, 1, 2, ...) and "type", and ends with "crc", the CRC-32
 * (common/crc32.h) in 8 hex digits of all bytes of the line before `,"crc"`:
 *
 *	{"seq":0,"type":"hello",...,"crc":"0123abcd"}
 *
 * Types, in the order they come:
 *	hello	 protocol, agent (version), release, build_id (kernel's, hex), cmdline, cpu, cpus, clock
 *		 ("emulated" or "tsc"), tsc_khz, vmx (object: ept, vpid, tpr_shadow, apic_access,
 *		 posted_interrupts, shadow_vmcs, pml, evmcs, unrestricted: true/false), memory
 *		 (array of {start,size,kind}: "managed" or "unmanaged"), plan_count; nonce (of
 *		 the boot's ticket; only where there is one); where the clock
 *		 is "tsc" also machine (agents/l0/machine.h) and, if it was made quiet
 *		 (agents/l0/quiet.h), measuring_cpus and not_quiet (what it refused)
 *	begin	 id of the measurement that starts
 *	l1	 a Linux or Windows L1 is up and says who it is: id (of the measurement that it was made for), via (the
 *		 word of PLAN_VMMS that runs it), release, build_id, hypervisor (what its CPUID names below
 *		 it), nested ("vmcs" or "evmcs": what its KVM drives L0 with; "unknown" of a Windows), clock, tsc_khz, cpus, log (what its kernel says of the hypervisor below it)
 *	metric	 id, metric (name), unit ("instructions", "ns" or "per-mclk"), count, min, max, mean,
 *		 hist: [[bucket,count],...] (common/histogram.h). A "per-mclk" metric is in
 *		 thousandths (and has "scale":1000): whole events would be too coarse. "merged":K means
 *		 that the counts of K neighbouring buckets each were added up and stand at the first of
 *		 them, because the line was too long; count, min, max and mean stay exact
 *	counters id, values: {name: delta} of the KVM binary statistics over the measurement
 *	skip	 id, reason: what this host lacks to run it
 *	fail	 id, class ("integrity", "guest" or "infrastructure"), expected, found, text
 *	file	 id, name, data (hexadecimal digits): a file that later boots may need (images/capabilities.h)
 *	alive	 id of a selftest that still runs; every two seconds
 *	crossing id, side ("source" or "destination"): its end of the way between two L0 hosts is ready (crossing.h)
 *	test	 id, name, result ("pass","fail","skip"), text: one selftest
 *	end	 id of the measurement that ended (after its metric/counters/skip/fail records)
 *	console	 text: a complaint in the kernel's log (complaints.h)
 *	fatal	 text: the agent cannot go on (no /dev/kvm, no VMX, bad plan). "class":"infrastructure"
 *		 where that is the machine's trouble (it is not quiet, its TSC is no clock)
 *	What comes from a Linux L1 has "via", too.
 *	bye	 records: how many records there are, this one included. Always the last.
 *
 * An agent inside an L1 that boots from a disk speaks so, too, on a serial line of L1's: it takes one plan after the
 * other, and numbers the records of each from 0. Before the first one it sends the line PROTOCOL_READY: what comes to the line
 * earlier may be lost.
 *
 * A stream is complete when every seq from 0 on is there once, every CRC is right and the last
 * record is a `bye` with the right count. Text is UTF-8; control bytes are escaped; a line is at
 * most PROTOCOL_LINE_MAX bytes.
 */
#ifndef AGENTS_WIRE_PROTOCOL_H
#define AGENTS_WIRE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/wire/words.h"

#define PROTOCOL_VERSION  1
#define PROTOCOL_LINE_MAX 65536

#define PROTOCOL_READY "nestlab-agent ready"

/* One measurement: a line of the plan. words.h has each word's range, default and users; a word that
 * the scenario does not take is left out of the line, and its field is 0. */
struct plan_measure {
	uint32_t id; /* index in the plan, 0.. */
	enum plan_scenario scenario;
	enum plan_l1 l1;
	enum plan_vmm vmm; /* a Linux L1's */
	bool kvm_visible; /* linux-evmcs: KVM's CPUID leaves are left beside Hyper-V's, which must fail */
	enum plan_fault fault; /* of a Linux L1, which must fail */
	enum plan_enlightenments enlightenments;
	enum plan_memory memory;
	enum plan_backing backing;
	uint32_t l2_vcpus; /* in all, spread evenly over the L1 vCPUs */
	uint32_t l1_vcpus;
	bool ept;	 /* nested EPT; else L2 runs on page tables that L1 built */
	bool apic_pages; /* TPR shadow, virtual-APIC and APIC-access page in each vmcs12 */
	bool posted_interrupts;
	bool parallel;		 /* a pinned thread for each L1 vCPU; else all in turn on one */
	bool threads;		 /* a Linux L1: each L2 vCPU has a thread of its own there */
	uint32_t l2_smp;	 /* a Linux L1: vCPUs of each L2 */
	uint32_t l1_megabytes;	 /* an L1 on a disk: its memory; 0: plan_l1_megabytes() knows */
	uint32_t rounds;	 /* measured; each round switches to each L2 vCPU once */
	uint32_t warmup;	 /* rounds that run first and are left out */
	enum plan_reason reason; /* exits: what L2 does */
	enum plan_operation operation; /* churn: what happens to the pages */
	enum plan_work work;	       /* l2-work: what L2 does */
	enum plan_handover handover;   /* l1-save-restore: to and from another boot */
	bool tunnelled; /* l1-live-migrate between two libvirts: through their connection, not QEMU's own */
	/* l1-live-migrate between two L0 hosts (crossing.h): the L0 kernel of the one that L1 goes to, or comes from; "":
	 * it does not */
	char destination[64], source[64];
	char test[64];	     /* kselftest, kvm-unit-test: program under /selftests */
	uint32_t limit_s;    /* kselftest: seconds of the host's clock; 0: the agent's default */
	char arguments[192]; /* kselftest: the program's, a newline after each; "": none */
	char must_print[96]; /* kselftest: it fails unless its output has this; "": anything */
	char must_not_print[96]; /* kselftest: it fails if its output has this; "": nothing */
	uint64_t seed;		 /* of the patterns that L2 carries */
};

/* Writes the line of @m, without a newline. Returns 0, or -ENOSPC if @len bytes do not hold it;
 * PLAN_LINE_MAX bytes always do. */
int plan_measure_format(const struct plan_measure *m, char *buf, size_t len);
#define PLAN_LINE_MAX 2048

/* Is its L1 no micro-hypervisor, but a guest that boots? */
bool plan_measure_boots_l1(const struct plan_measure *m);
/* Do both run in one such L1, if they follow each other? */
bool plan_measure_shares_l1(const struct plan_measure *a, const struct plan_measure *b);

/* Reads such a line back. 0, or -EINVAL and in @msg what is wrong. */
int plan_measure_parse(const char *line, struct plan_measure *out, char *msg, size_t msglen);

/* Reads a whole plan. Returns 0 and the measurements, malloc'ed and in the order of their ids; or
 * -EINVAL and in @msg what is wrong, with the number of its line. */
int plan_parse(const char *text, struct plan_measure **measures, size_t *count, char *msg,
	       size_t msglen);

/* Seals `{"seq":..,...` (no closing brace) in place: appends ,"crc":"...."} and returns the new
 * length, or -ENOSPC. */
int record_seal(char *line, size_t len, size_t size);
/* Checks a line's CRC and shape; 0, or -EBADMSG with a message. */
int record_check(const char *line, size_t len, char *msg, size_t msglen);

#endif
