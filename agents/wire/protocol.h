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
 * The run line's words are optional defaults: seed= (0) and mode=cooperative|parallel for the
 * measurements that say neither seed= nor parallel=. posted_interrupts= may be left out (0).
 * Unknown words, missing words and values out of range are errors: the agent refuses the plan with a
 * `fatal` record and powers off.
 *
 * FROM THE AGENT: records, one JSON object a line on the result channel (second serial line, or
 * HTTP). Every record starts with "seq" (0, 1, 2, ...) and "type", and ends with "crc", the CRC-32
 * (common/crc32.h) in 8 hex digits of all bytes of the line before `,"crc"`:
 *
 *	{"seq":0,"type":"hello",...,"crc":"0123abcd"}
 *
 * Types, in the order they come:
 *	hello	 protocol, agent (version), release, build_id (kernel's, hex), cmdline, cpu, cpus, clock
 *		 ("emulated" or "tsc"), tsc_khz, vmx (object: ept, vpid, tpr_shadow, apic_access,
 *		 posted_interrupts, shadow_vmcs, pml, evmcs, unrestricted: true/false), memory
 *		 (array of {start,size,kind}: "managed" or "unmanaged"), plan_count
 *	begin	 id of the measurement that starts
 *	metric	 id, metric (name), unit ("instructions", "ns" or "per-mclk"), count, min, max, mean,
 *		 hist: [[bucket,count],...] (common/histogram.h). A "per-mclk" metric is in
 *		 thousandths (and has "scale":1000): whole events would be too coarse. "merged":K, if
 *		 there, says that K neighbouring buckets were told as the first of them, because the
 *		 line was too long; count, min, max and mean stay exact
 *	counters id, values: {name: delta} of the KVM binary statistics over the measurement
 *	skip	 id, reason: this host cannot run it (names what is missing)
 *	fail	 id, class ("integrity" or "guest"), expected, found, text
 *	alive	 id of a selftest that goes on, every two seconds
 *	test	 id, name, result ("pass","fail","skip"), text: one selftest
 *	end	 id of the measurement that ended (after its metric/counters/skip/fail records)
 *	console	 text: a complaint of the kernel's found in its log (WARNING, BUG, ...)
 *	fatal	 text: the agent cannot go on (no /dev/kvm, no VMX, bad plan)
 *	bye	 records: how many records there are, this one included. Always the last.
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

#define PROTOCOL_VERSION     1
#define PROTOCOL_LINE_MAX    65536
#define PROTOCOL_MAX_L2	     256
#define PROTOCOL_MAX_L1	     8
#define PROTOCOL_MAX_LIMIT_S 3600 /* as a scenario may say */

enum plan_scenario {
	PLAN_MULTIPLEX,
	PLAN_MIGRATE,
	PLAN_EXITS,
	PLAN_CHURN,
	PLAN_KSELFTEST,
};
enum plan_l1 { PLAN_L1_VMX, PLAN_L1_EVMCS };	   /* "micro-vmx", "micro-evmcs" */
enum plan_memory { PLAN_MANAGED, PLAN_UNMANAGED }; /* "managed", "unmanaged" */

/* One measurement, as typed by the scenario module and run by the agent. Words on the line have the
 * fields' names; a word that a scenario does not use is left out and 0. */
struct plan_measure {
	uint32_t id; /* index in the plan, 0.. */
	/* "multiplex", "migrate", "exits", "churn", "kselftest" */
	enum plan_scenario scenario;
	enum plan_l1 l1;
	enum plan_memory memory;
	uint32_t l2_vcpus; /* 1..256, in all, spread evenly over the L1 vCPUs */
	uint32_t l1_vcpus; /* 1..8 */
	bool ept;	 /* nested EPT, else L1 shadows nothing: L2 runs on L1-built page tables */
	bool apic_pages; /* TPR shadow + virtual-APIC page + APIC-access page in each vmcs12 */
	bool posted_interrupts;
	bool parallel;	 /* L1 vCPUs in pinned threads; else one thread, in turn: deterministic */
	uint32_t rounds; /* measured rounds; each round switches to each L2 vCPU once */
	uint32_t warmup; /* rounds run first and left out */
	/* exits: "vmcall", "cpuid", "rdmsr", "rdmsr-passthrough", "hlt", "io", "ept-violation",
	 * "apic-access", "tpr-threshold", "interrupt" */
	char reason[32];
	/* churn: "dontneed", "migrate-page", "memslot", "msr-bitmap", "apic-page" */
	char operation[32];
	char test[64];	  /* kselftest: program name under /selftests */
	uint32_t limit_s; /* kselftest: seconds of the host's clock; 0: the agent's default */
	uint32_t count;	  /* kselftest: the program's only argument; 0: none */
	uint64_t seed;
};

/* Reads one "measure" line. 0, or -EINVAL with a message in @msg. */
int plan_measure_parse(const char *line, struct plan_measure *out, char *msg, size_t msglen);
/* Writes it, without newline; 0 or -ENOSPC. The inverse of plan_measure_parse(). */
int plan_measure_format(const struct plan_measure *m, char *buf, size_t len);

/* Reads a whole plan. *measures is malloc'ed. */
int plan_parse(const char *text, struct plan_measure **measures, size_t *count, char *msg,
	       size_t msglen);

/* Seals `{"seq":..,...` (no closing brace) in place: appends ,"crc":"...."} and returns the new
 * length, or -ENOSPC. */
int record_seal(char *line, size_t len, size_t size);
/* Checks a line's CRC and shape; 0, or -EBADMSG with a message. */
int record_check(const char *line, size_t len, char *msg, size_t msglen);

#endif
