/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qemu.h - QEMU as the VMM of a Linux L1 (docs/l1-guests.md): the machine `microvm`, which boots an uncompressed
 * vmlinux (PVH; where L1's memory is unplugged, `q35`), a serial port whose output is kept, and at MAIL_PORT a debug console whose one byte is the
 * bell. The agent reads and writes L1's mail page in QEMU's memory (/proc/PID/mem), so L1's memory is what
 * QEMU's users have: anonymous. Where it is to be memory that L0 does not manage, it is a part of /dev/mem.
 */
#ifndef AGENTS_L0_VMM_QEMU_H
#define AGENTS_L0_VMM_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agents/guest/mail.h"
#include "agents/l0/vmm/crossing.h"
#include "agents/l0/vmm/l1_end.h"
#include "agents/l0/vmm/l1_vmm.h"
#include "agents/l0/vmm/qmp.h"
#include "agents/wire/protocol.h"

#define QEMU_PROGRAM   "/usr/bin/qemu-system-x86_64"
#define QEMU_MEGABYTES 128u
/* PLAN_L1_UNPLUG: what it has besides at first, from MAIL_PLUGGED on, and where QEMU has the device. */
#define QEMU_PLUGGED_MEGABYTES 64u
#define QEMU_PLUGGED	       "/machine/peripheral/plugged"
/* Not the last MiB, where QEMU puts the initramfs and firmware its tables. */
#define QEMU_MAIL (((uint64_t)QEMU_MEGABYTES << 20) - 8 * MAIL_SIZE)

/*
 * QEMU 7.2's memory-backend-file maps a file from its start; since 8.1 it has `offset`. This library, preloaded
 * into QEMU, adds QEMU_DEVMEM_VARIABLE (hex) to the offset of what it maps of /dev/mem.
 */
#define QEMU_PRELOAD	     "/usr/lib/nestlab/nestlab-devmem.so"
#define QEMU_DEVMEM_VARIABLE "NESTLAB_DEVMEM"

/* What a Windows boots by (Debian's ovmf). */
#define QEMU_UEFI      "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define QEMU_UEFI_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

/* What it is told apart from the measurement. */
struct qemu_files {
	const char *kernel, *initramfs, *console; /* paths */
	int bell, monitor;			  /* its ends of two sockets */
	int incoming;				  /* where L1 comes from; 0: it starts anew */
	bool without_kvm;			  /* for tests: QEMU plays the CPU itself */
	const char *disk, *format;		  /* of an L1 that boots from it (l1_disk.h) */
};

#define QEMU_ARGS_MAX 64
struct qemu_args {
	char *argv[QEMU_ARGS_MAX]; /* NULL-terminated */
	size_t n;
	char text[4096]; /* that they are in */
	size_t used;
};

/* 0, or -E2BIG. */
int qemu_args_make(struct qemu_args *a, const struct plan_measure *m, const struct qemu_files *f);

/* The CPU that L1 sees, in QEMU's words: which enlightenments there are is by name, from what L1 is to be. */
const char *qemu_cpu(const struct plan_measure *m);

/* The memory that L1 has, as QEMU's object without its name and size; NULL: what QEMU does by itself. */
const char *qemu_memory(const struct plan_measure *m);

/* ---- a QEMU with its L1 ---- */

struct qemu {
	struct sink *sink;
	struct plan_measure m;
	const char *kernel;
	bool without_kvm; /* as of qemu_files */
	bool is_new;	  /* it has not answered yet, and takes no L1 in */
	pid_t pid;	  /* our child; 0: none */
	pid_t guest;	  /* whose memory L1's is: pid, or of whoever made it */
	int bell, mem;
	struct qmp monitor;
	uint64_t mail;		   /* where L1's mail page is in QEMU */
	uint64_t phys;		   /* of unmanaged memory */
	const char *disk, *format; /* as of qemu_files */
};

#define QEMU_DIRECTORY "/tmp/nestlab-l1"
#define QEMU_INITRAMFS QEMU_DIRECTORY "/initramfs"
#define QEMU_CONSOLE   QEMU_DIRECTORY "/console"
#define QEMU_MESSAGES  QEMU_DIRECTORY "/messages" /* what QEMU or libvirt says itself */
#define QEMU_SAVED     QEMU_DIRECTORY "/saved"
#define QEMU_STATE     QEMU_SAVED "/state" /* an L1 that was saved */
#define QEMU_SIZE      ((size_t)QEMU_MEGABYTES << 20)

/* Functions that return an int are as of l1_vmm.h. */

/* An empty one for the L1 of @m. */
void qemu_init(struct qemu *q, const struct plan_measure *m, const char *kernel, struct sink *s);
/* Executes it, up to its monitor's greeting: L1 does not run yet. @incoming: the descriptor that L1 comes from, which stays the
 * caller's, or -1. */
int qemu_start(struct qemu *q, int incoming);
/* L1 runs from here on. */
int qemu_continue(struct qemu *q);
/* Is there a QEMU? Else a skip. */
int qemu_check_program(struct sink *s);
/* Finds the memory for L1 where it is not simply there: unmanaged (q->phys) or huge pages. */
int qemu_find_memory(struct qemu *q);
/*
 * An L1 waits for its start until it is older than any QEMU that it may come to, by a second and more: whichever
 * measurement it is made for, a later one that it serves may move it. For KVM takes a TSC that is written within a
 * second of what a new vCPU's shows for an attempt to start both at once (kvm_synchronize_tsc()), and L1's clock would
 * go back.
 */
void qemu_let_age(const struct qemu *q);
/* Finds L1's mail page in it. */
int qemu_find_mail(struct qemu *q);
/* A command of its monitor gave @ret, which is not 0: the sink is told why. */
int qemu_report_command(struct qemu *q, const char *command, int ret);
/* It has hung up. */
int qemu_report_hang_up(struct qemu *q);
/* What happened to L1 instead of a ring: the sink is told, with what its console and QEMU say of it. */
int qemu_report_end(struct qemu *q, enum l1_end end, const char *what);
/* The same of an L1 that was reset. */
int qemu_report_reset(struct qemu *q);
/* By QEMU's status, as of waitpid(); @what is given its words. */
enum l1_end qemu_describe_status(int status, char *what, size_t size);
/* The folder, with nothing of another L1 in it. */
int qemu_make_folder(void);
/* The same, and what is in it before L1 starts. */
int qemu_make_files(const struct plan_measure *m);
/* Opens the memory of process @pid, in which q->mail is L1's mail page. */
int qemu_open_memory(struct qemu *q, pid_t pid);
void qemu_close_memory(struct qemu *q);
/* The mail page as L1 wants to find it. */
int qemu_write_head(struct qemu *q);
/* By SIGKILL, whatever L1 does; that it has ended is for others to notice. */
void qemu_kill(void *vmm);
/* Ends it, if it runs. It may be started again. */
void qemu_end(struct qemu *q);

/* Those of l1_vmm.h; @vmm is a struct qemu. */
int qemu_make(struct qemu *q);
int qemu_peek(void *vmm, size_t at, void *to, size_t len);
int qemu_poke(void *vmm, size_t at, const void *from, size_t len);
int qemu_run(void *vmm, unsigned int limit_s);
/* Until the bell has something to read; -ETIMEDOUT: not before @deadline (clock_ms()). */
int qemu_wait_line(struct qemu *q, int64_t deadline);
int qemu_wait(void *vmm, unsigned int ms, bool *rung);

/* ---- qemu_move.c ---- */

#define QEMU_STREAM "move" /* the name of the descriptor that L1 goes through, in QEMU */

/* L0's clock, as QEMU's events have it. */
uint64_t qemu_now_us(void);
/* A command of its monitor, as of qmp_execute(); the sink is told of an error. */
int qemu_execute(struct qemu *q, const char *command, const char *arguments, char *reply,
		 size_t size);

/* Does vCPU 0 of the VM of process @pid run an L2? By KVM's debug files (CONFIG_DEBUG_FS). */
bool qemu_is_in_l2(pid_t pid);

/* *us: from L1's stop to when it ran again. VM_SAID: @q has not told of one of them, or they cannot be right. */
int qemu_find_downtime(struct qemu *q, uint64_t stop_us, uint64_t resume_us, uint64_t *us);

/* QEMU could not send L1 away: what it answered to query-migrate. Tells the sink. */
int qemu_report_sending(struct qemu *q, const char *reply);

/* Those of l1_vmm.h. */
int qemu_move(void *vmm, bool live, struct l1_moved *out);
int qemu_snapshot(void *vmm, struct l1_moved *out);
int qemu_revert(void *vmm, struct l1_moved *out);
/* By virtio's balloon or virtio-mem: what L1 has in all. */
int qemu_set_memory(void *vmm, uint32_t megabytes, uint64_t *us, bool *rung);
int qemu_leave(void *vmm);
/* Makes @q with an L1 that left another boot, and lets it go on. */
int qemu_enter(struct qemu *q);

/* ---- qemu_cross.c ---- */

/* Those of l1_vmm.h. */
int qemu_depart(void *vmm, struct l1_moved *out, bool *rung, char why[CROSSING_TEXT]);
int qemu_arrive(void *vmm, struct l1_moved *out);
/* The same through any prepared area; @q is as of qemu_init() at the destination, its files made. */
int qemu_depart_through(struct qemu *q, struct crossing *c, struct l1_moved *out, bool *rung,
			char why[CROSSING_TEXT]);
int qemu_arrive_through(struct qemu *q, struct crossing *c, struct l1_moved *out);

/* The end of the file @path: whole lines, at most @size - 1 bytes. */
void qemu_tail(const char *path, char *text, size_t size);

#endif
