// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the agent inside a Windows L1: it takes a plan, makes L2s through Hyper-V (hv_whp.c), and says what it
 * measured in the records of every agent (agents/wire/protocol.h). A program, or a service (--service).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "agents/guest/hypervisor.h"
#include "agents/guest/scenarios.h"
#include "agents/l0/clock.h"
#include "agents/l0/records/sink.h"
#include "agents/windows/records.h"

#define SERVICE_NAME	"nestlab-agent"
#define CALIBRATE_MS	100
#define PLAN_TEXT_MAX	(1u << 20)
#define MEASURE_LIMIT_S 120

static struct options {
	const char *plan, *records;
	const char *measure; /* the child's line; the user has no use for it, as for --khz */
	bool service;
} options = {.plan = "\\\\.\\COM2"};

static struct line line;

/* ---- who it is ---- */

/* The TSC's rate against the performance counter's. */
static uint32_t measure_tsc_khz(void)
{
	LARGE_INTEGER rate, begin, now;
	uint64_t tsc;

	QueryPerformanceFrequency(&rate);
	QueryPerformanceCounter(&begin);
	tsc = __builtin_ia32_rdtsc();
	do
		QueryPerformanceCounter(&now);
	while ((now.QuadPart - begin.QuadPart) * 1000 < CALIBRATE_MS * rate.QuadPart);
	return (uint32_t)((double)(__builtin_ia32_rdtsc() - tsc) * (double)rate.QuadPart /
			  (double)(now.QuadPart - begin.QuadPart) / 1000);
}

static void add_release(struct line *l)
{
	RTL_OSVERSIONINFOW v = {.dwOSVersionInfoSize = sizeof(v)};
	LONG(WINAPI * get)
	(RTL_OSVERSIONINFOW *) =
		(void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "RtlGetVersion");
	char text[48];

	if (get)
		get(&v);
	snprintf(text, sizeof(text), "Windows %lu.%lu.%lu", v.dwMajorVersion, v.dwMinorVersion,
		 v.dwBuildNumber);
	line_add_member(l, "release", text);
	line_add_member(l, "build_id", "");
}

/* Whether Hyper-V uses enlightened VMCSs of L0 nobody inside can see: the agent on L0 looks. */
static int send_hello(struct records *r, size_t measures)
{
	SYSTEM_INFO info;

	GetSystemInfo(&info);
	host_clock.tsc_khz = measure_tsc_khz();
	line_start(&line, "hello");
	line_addf(&line, ",\"protocol\":%d", PROTOCOL_VERSION);
	line_add_member(&line, "agent", "nestlab-agent 1, Windows");
	add_release(&line);
	hypervisor_add(&line);
	line_add_member(&line, "nested", "unknown");
	line_add_member(&line, "clock", host_clock.name);
	line_addf(&line, ",\"tsc_khz\":%" PRIu32 ",\"cpus\":%lu,\"plan_count\":%llu",
		  host_clock.tsc_khz, info.dwNumberOfProcessors, (unsigned long long)measures);
	return records_send_line(r, &line);
}

/* ---- measuring ---- */

static int (*const scenarios[PLAN_SCENARIO_COUNT])(const struct plan_measure *m, struct sink *s) = {
	[PLAN_MULTIPLEX] = guest_multiplex_run,
	[PLAN_MIGRATE] = guest_migrate_run,
	[PLAN_EXITS] = guest_exits_run,
};

/* Why Hyper-V's platform cannot run @m, or NULL. */
static const char *find_obstacle(const struct plan_measure *m)
{
	if (!scenarios[m->scenario])
		return "a Windows L1 runs multiplex, migrate and exits";
	if (m->threads || m->l2_smp > 1 || m->parallel)
		return "the L2s of a Windows L1 have one vCPU each, and run in turn";
	if (m->scenario == PLAN_EXITS &&
	    (m->reason == PLAN_REASON_VMCALL || m->reason == PLAN_REASON_RDMSR))
		return "what L2's VMCALL and RDMSR give is Hyper-V's affair";
	return NULL;
}

static int send_id(struct records *r, const char *type, uint32_t id)
{
	line_start(&line, type);
	line_addf(&line, ",\"id\":%" PRIu32, id);
	return records_send_line(r, &line);
}

/* ---- in a process of its own, as on Linux: memory is new, and what dies is a measurement ---- */

/* The child: one line of a plan, its records to a file. */
static int measure_line(const char *text, const char *path)
{
	struct plan_measure m;
	char trouble[256];
	struct sink s = {.fd = open(path, O_WRONLY | O_BINARY)};
	int ret;

	if (s.fd < 0 || plan_measure_parse(text, &m, trouble, sizeof(trouble)))
		return 1;
	s.id = m.id;
	ret = scenarios[m.scenario](&m, &s);
	if (ret < 0)
		sink_fail(&s, SINK_GUEST, "success", strerror(-ret),
			  "the measurement could not be run in L1");
	return 0;
}

/* Runs this program again; its exit status, or -1 with *how in words. */
static int run_child(const struct plan_measure *m, const char *path, const char **how)
{
	STARTUPINFOA start = {.cb = sizeof(start)};
	static char self[MAX_PATH], command[PLAN_LINE_MAX + 2 * MAX_PATH];
	char text[PLAN_LINE_MAX];
	PROCESS_INFORMATION child;
	DWORD status = 1;

	plan_measure_format(m, text, sizeof(text)); /* a line always fits */
	GetModuleFileNameA(NULL, self, sizeof(self));
	snprintf(command, sizeof(command),
		 "\"%s\" --khz %" PRIu32 " --measure \"%s\" --records \"%s\"", self,
		 host_clock.tsc_khz, text, path);
	*how = "it could not be started";
	if (!CreateProcessA(self, command, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child))
		return -1;
	*how = "no end within its time";
	if (WaitForSingleObject(child.hProcess, MEASURE_LIMIT_S * 1000) != WAIT_OBJECT_0)
		TerminateProcess(child.hProcess, 1);
	else
		*how = "it died";
	WaitForSingleObject(child.hProcess, INFINITE);
	GetExitCodeProcess(child.hProcess, &status);
	CloseHandle(child.hThread);
	CloseHandle(child.hProcess);
	return status ? -1 : 0;
}

/* What the child wrote, a record a line; how many. */
static int send_found(struct records *r, const char *path, unsigned int *count)
{
	static char text[PROTOCOL_LINE_MAX];
	FILE *f = fopen(path, "rb");
	int ret = 0;

	if (!f)
		return -errno;
	for (; !ret && fgets(text, sizeof(text), f); ++*count)
		ret = records_send(r, text, strcspn(text, "\n"));
	fclose(f);
	return ret;
}

static int send_death(struct records *r, uint32_t id, const char *how)
{
	line_start(&line, "fail");
	line_addf(&line, ",\"id\":%" PRIu32 ",\"class\":\"guest\"", id);
	line_add_member(&line, "expected", "records");
	line_add_member(&line, "found", how);
	line_add_member(&line, "text", "the measurement's process ended without a result");
	return records_send_line(r, &line);
}

static int measure_in_child(struct records *r, const struct plan_measure *m)
{
	char folder[MAX_PATH], path[MAX_PATH];
	const char *how = "nothing";
	unsigned int count = 0;
	int status, ret;

	if (!GetTempPathA(sizeof(folder), folder) || !GetTempFileNameA(folder, "nst", 0, path))
		return -EIO;
	status = run_child(m, path, &how);
	ret = send_found(r, path, &count);
	DeleteFileA(path);
	if (!ret && (status || !count))
		ret = send_death(r, m->id, how);
	return ret;
}

static int measure_one(struct records *r, const struct plan_measure *m)
{
	const char *obstacle = find_obstacle(m);
	int ret = send_id(r, "begin", m->id);

	if (ret)
		return ret;
	if (obstacle) {
		line_start(&line, "skip");
		line_addf(&line, ",\"id\":%" PRIu32, m->id);
		line_add_member(&line, "reason", obstacle);
		ret = records_send_line(r, &line);
	} else {
		ret = measure_in_child(r, m);
	}
	if (ret)
		return ret;
	return send_id(r, "end", m->id);
}

static int run_plan(struct records *r, const char *text)
{
	struct plan_measure *measures = NULL;
	char trouble[256];
	size_t count = 0;
	int ret;

	if (plan_parse(text, &measures, &count, trouble, sizeof(trouble))) {
		line_start(&line, "fatal");
		line_add_member(&line, "text", trouble);
		return records_send_line(r, &line);
	}
	ret = send_hello(r, count);
	for (size_t i = 0; i < count && !ret; i++)
		ret = measure_one(r, &measures[i]);
	free(measures);
	if (ret)
		return ret;
	line_start(&line, "bye");
	line_addf(&line, ",\"records\":%" PRIu64, r->next + 1);
	return records_send_line(r, &line);
}

static int run_agent(void)
{
	static char text[PLAN_TEXT_MAX];
	struct records r;
	int ret = records_open(&r, options.plan, options.records);

	if (ret) {
		fprintf(stderr, "nestlab-agent: %s: %s\n", options.plan, strerror(-ret));
		return ret;
	}
	do {
		r.next = 0;
		ret = records_read_plan(&r, text, sizeof(text));
		if (!ret)
			ret = run_plan(&r, text);
	} while (!ret && r.is_port);
	if (ret)
		fprintf(stderr, "nestlab-agent: %s: %s\n", options.plan, strerror(-ret));
	return ret;
}

/* ---- as a service ---- */

static SERVICE_STATUS_HANDLE service;

static void report_state(DWORD state, int code)
{
	SERVICE_STATUS s = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state};

	if (code)
		s.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
	s.dwServiceSpecificExitCode = (DWORD)-code;
	SetServiceStatus(service, &s);
}

/* It is stopped by the machine's end alone: no control is accepted. */
static VOID WINAPI on_control(DWORD control)
{
	(void)control;
}

static VOID WINAPI run_service(DWORD argc, LPSTR *argv)
{
	(void)argc, (void)argv;
	service = RegisterServiceCtrlHandlerA(SERVICE_NAME, on_control);
	report_state(SERVICE_RUNNING, 0);
	report_state(SERVICE_STOPPED, run_agent());
}

static int start_service(void)
{
	static char name[] = SERVICE_NAME;
	const SERVICE_TABLE_ENTRYA table[] = {{name, run_service}, {NULL, NULL}};

	return StartServiceCtrlDispatcherA(table) ? 0 : 1;
}

static int print_usage(void)
{
	fprintf(stderr,
		"usage: nestlab-agent.exe [--service] [--plan FILE|\\\\.\\COMn] [--records FILE]\n"
		"A port (default \\\\.\\COM2) takes plans and gives records; a plan in a file needs "
		"--records.\n");
	return 2;
}

static bool take_value(const char *name, const char *value)
{
	const struct {
		const char *name, **at;
	} texts[] = {{"--plan", &options.plan},
		     {"--records", &options.records},
		     {"--measure", &options.measure}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(name, texts[i].name))
			*texts[i].at = value;
	if (!strcmp(name, "--khz"))
		host_clock.tsc_khz = (uint32_t)strtoul(value, NULL, 10);
	return !strncmp(name, "--", 2);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--service"))
			options.service = true;
		else if (i + 1 == argc || !take_value(argv[i], argv[i + 1]))
			return print_usage();
		else
			i++;
	}
	if (!options.records && strncmp(options.plan, "\\\\.\\", 4))
		return print_usage();
	if (options.measure)
		return measure_line(options.measure, options.records);
	if (options.service)
		return start_service();
	return run_agent() ? 1 : 0;
}
