// SPDX-License-Identifier: GPL-2.0-only
/* Following instructions: what the debugger prints, call trees, and which operations are followed. */
#include <errno.h>

#include "agents/l1/abi.h"
#include "orchestrator/explain/profile.h"
#include "orchestrator/explain/sampler.h"
#include "orchestrator/hosts/emulated_trace.h"
#include "tests/unit/unit.h"

/* ---- lines of Bochs 2.7 ---- */

static bool parse(const char *text, struct host_step *step, bool *traced, char *line)
{
	snprintf(line, 200, "%s", text);
	return emulated_trace_parse(line, step, traced);
}

TEST(lines_of_the_debugger_are_read)
{
	char line[200];
	struct host_step s;
	bool traced;

	assert_true(
		parse("(0).[142620538] [0x00000106e914] 0010:ffffffff8106e914 (unk. ctxt): ret     "
		      "                  ; c3\n",
		      &s, &traced, line));
	assert_true(traced);
	assert_int_equal(s.time, 142620538);
	assert_true(s.rip == 0xffffffff8106e914);
	assert_int_equal(s.cs, 0x10);
	assert_int_equal(s.length, 1);
	assert_string_equal(s.text, "ret");
	assert_true(parse("(0) [0x0000301024e3] 0033:00000000001024e3 (unk. ctxt): mov qword ptr "
			  "ds:[rax], 0x0000000000000000 ; 4983bdc807000000\n",
			  &s, &traced, line));
	assert_false(traced);
	assert_int_equal(s.cs & 3, 3);
	assert_int_equal(s.length, 8);
}

TEST(other_lines_are_passed_over)
{
	static const char *const others[] = {
		"",
		"\n",
		"(0)",
		"(0).",
		"(0).[",
		"(0).[12] [0x",
		"(0).[12] [0x1] 10:20",
		"Next at t=0",
		"(0) Breakpoint 1, 0x00000000001024e3 in ?? ()",
		"(0).[12] ??? (physical address not "
		"available)",
		"(0).[1] [0x1] 0010:20 (unk. ctxt): ;",
		"(0).[1] [0x1] 0010:20 (unk. ctxt): ret ;",
		"Tracing enabled for CPU0",
	};
	struct host_step s;
	bool traced;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		__cleanup_free char *line = xstrdup(others[i]); /* ASan knows where it ends */

		assert_false(emulated_trace_parse(line, &s, &traced));
	}
}

TEST(instructions_are_told_apart)
{
	assert_int_equal(step_flow_of("call .-4436  (0x001013b0)"), STEP_CALL);
	assert_int_equal(step_flow_of("jnz .+47"), STEP_JUMP);
	assert_int_equal(step_flow_of("iretq"), STEP_IRETURN);
	assert_int_equal(step_flow_of("ret"), STEP_RETURN);
	assert_int_equal(step_flow_of("mov rax, rdx"), STEP_NEXT);
	assert_string_equal(step_event_of("lock add dword ptr ss:[rsp-4], 0x0"),
			    "atomic operation");
	assert_string_equal(step_event_of("xchg dword ptr ds:[rdi], eax"), "atomic operation");
	assert_null(step_event_of("xchg ax, ax"));
	assert_string_equal(step_event_of("mov cr3, rax"), "CR3 write");
	assert_null(step_event_of("mov rax, cr3"));
	assert_string_equal(step_exit_of("vmresume"), "vmresume");
	assert_null(step_exit_of("mov rax, rdx"));
}

/* ---- which MSR ---- */

static void assert_msr(const char *const *texts, const char *name)
{
	struct registers r = {0};
	char out[64];

	for (; *texts; texts++)
		registers_follow(&r, *texts);
	registers_name_msr(&r, "WRMSR", out, sizeof(out));
	assert_string_equal(out, name);
}

TEST(the_number_of_an_msr_is_followed)
{
	static const char unknown[] = "WRMSR (number not known)";
	static const struct {
		const char *texts[5], *name;
	} cases[] = {
		{{"mov ecx, 0x00000048", "xor edx, edx"}, "WRMSR 0x48 SPEC_CTRL"},
		{{"mov edi, 0xc0000101", "call .+3", "mov ecx, edi"}, "WRMSR 0xc0000101 GS_BASE"},
		{{"mov r13d, 0x00000d90", "push r13", "mov ecx, r13d"}, "WRMSR 0xd90"},
		{{"mov ecx, 0x00000048", "mov rax, rcx", "add rax, rcx"}, "WRMSR 0x48 SPEC_CTRL"},
		{{"xor ecx, ecx"}, "WRMSR 0x0"},
		{{NULL}, unknown},
		{{"mov ecx, dword ptr ds:[rax+72]"}, unknown},
		{{"mov ecx, 0x00000048", "pop rcx"}, unknown},
		{{"mov ecx, 0x00000048", "mov cl, 0x01"}, unknown},
		{{"mov ecx, 0x00000048", "inc ecx"}, unknown},
		{{"mov ecx, 0x00000048", "cpuid"}, unknown},
		{{"mov ecx, 0x00000048", "rep movsb byte ptr es:[rdi], byte ptr ds:[rsi]"},
		 unknown},
		{{"mov ecx, edi"}, unknown},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_msr(cases[i].texts, cases[i].name);
}

/* ---- a small machine ---- */

#define K 0xffffffff81000000ull

static struct explain_image make_image(const struct explain_symbol *symbols, size_t n)
{
	struct explain_image image = {.symbols = xcalloc(n, sizeof(*symbols)), .nsymbols = n};

	for (size_t i = 0; i < n; i++) {
		image.symbols[i] = symbols[i];
		image.symbols[i].name = xstrdup(symbols[i].name);
		image.symbols[i].file = xstrdup(symbols[i].file);
	}
	return image;
}

static const struct explain_symbol kernel_symbols[] = {
	{K, K + 0x100, "run", "vmx.c", false, 0},
	{K + 0x100, K + 0x200, "handle", "nested.c", false, 0},
	{K + 0x200, K + 0x300, "helper", "vmalloc.c", false, 0},
	{K + 0x300, K + 0x400, "asm_sysvec_timer", "entry.S", true, 0},
	{K + 0x400, K + 0x500, "tick", "time.c", false, 0},
};
static const struct explain_symbol agent_symbols[] = {
	{0x401000, 0x401100, "kvm_stats_begin", "kvm_stats.c", false, 0},
	{0x401100, 0x401200, "kvm_stats_end", "kvm_stats.c", false, 0},
};
static const struct explain_symbol l1_symbols[] = {
	{0x100000, 0x100100, "job_multiplex", "scenarios.c", false, 0},
	{0x100100, 0x100200, "l2_step", "l2_step.S", false, 0},
};
#define BEGIN  0x100000
#define MIDDLE 0x100010
#define END    0x100020
static const struct l1_mark marks[] = {
	{BEGIN, L1_CMD_MULTIPLEX, L1_MARK_BEGIN_A},
	{MIDDLE, L1_CMD_MULTIPLEX, L1_MARK_END_A | L1_MARK_BEGIN_B},
	{END, L1_CMD_MULTIPLEX, L1_MARK_END_B},
	{0x100030, L1_CMD_EXITS, L1_MARK_BEGIN_A},
};

static struct explain_image images[3];

static void make_images(void)
{
	images[0] = make_image(kernel_symbols, ARRAY_SIZE(kernel_symbols));
	images[1] = make_image(agent_symbols, ARRAY_SIZE(agent_symbols));
	images[2] = make_image(l1_symbols, ARRAY_SIZE(l1_symbols));
	images[2].nmarks = ARRAY_SIZE(marks);
	images[2].marks = xcalloc(ARRAY_SIZE(marks), sizeof(*marks));
	memcpy(images[2].marks, marks, sizeof(marks));
}

/* An instruction: where, which, and how many bytes; all are of ring 0 but the agent's. */
struct line {
	uint64_t rip;
	const char *text;
	unsigned int length;
};

static uint64_t now; /* instructions */

static struct host_step step_of(const struct line *l)
{
	unsigned int cs = 0x08;

	if (l->rip >> 63)
		cs = 0x10;
	if (l->rip >= 0x400000 && l->rip < 0x500000)
		cs = 0x33;
	return (struct host_step){now, l->rip, cs, l->length, l->text};
}

static void walk_lines(struct walk *w, const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++, now++) {
		struct host_step s = step_of(&lines[i]);

		walk_step(w, &s);
	}
}

static uint64_t cost_of(const struct walk *w, const struct walk_unit *u, const char *name,
			const char *caller)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < u->nnodes; i++) {
		const struct walk_node *n = &w->nodes[u->nodes[i].what];
		const char *parent = w->functions[w->nodes[n->parent].function].name;

		if (!strcmp(w->functions[n->function].name, name) &&
		    (!caller || !strcmp(parent, caller)))
			sum += u->nodes[i].count;
	}
	return sum;
}

static uint64_t count_of(const struct walk *w, const struct walk_unit *u, const char *event)
{
	for (size_t i = 0; i < u->nevents; i++)
		if (!strcmp(w->events[u->events[i].what], event))
			return u->events[i].count;
	return 0;
}

static struct walk w;
static struct walk_unit unit;

static void begin_walk(void)
{
	make_images();
	walk_init(&w, &images[0], &images[1], &images[2]);
	walk_keep(&w);
	walk_begin(&w);
}

static void end_walk(void)
{
	walk_end(&w, now, &unit);
}

static void drop_walk(void)
{
	free(unit.nodes);
	free(unit.events);
	walk_free(&w);
}

/* L1 exits at vmptrld; L0 handles that, calls a helper twice, is interrupted, and goes back to L1. */
static const struct line exit_lines[] = {
	{0x100000, "rdtsc", 2},
	{0x100002, "vmptrld qword ptr ds:[rdi]", 3},
	{K + 0x00, "vmread rax, rdx", 3},
	{K + 0x03, "call .+253", 5},
	{K + 0x100, "push rbx", 1},
	{K + 0x101, "call .+250", 5},
	{K + 0x200, "nop", 1},
	{K + 0x201, "ret", 1},
	{K + 0x106, "call .+250", 5},
	{K + 0x200, "nop", 1},
	{K + 0x300, "push rax", 1}, /* neither called nor jumped to */
	{K + 0x301, "call .+250", 5},
	{K + 0x400, "nop", 1},
	{K + 0x401, "ret", 1},
	{K + 0x306, "iretq", 2},
	{K + 0x201, "ret", 1},
	{K + 0x10b, "ret", 1},
	{K + 0x08, "vmresume", 3},
	{0x100005, "lfence", 3},
};

TEST(calls_returns_exits_and_interrupts_make_a_tree)
{
	begin_walk();
	walk_lines(&w, exit_lines, ARRAY_SIZE(exit_lines));
	end_walk();
	assert_int_equal(unit.total, ARRAY_SIZE(exit_lines));
	assert_int_equal(cost_of(&w, &unit, "job_multiplex", NULL), 3);
	assert_int_equal(cost_of(&w, &unit, "run", NULL), 3);
	assert_int_equal(cost_of(&w, &unit, "handle", "run"), 4);
	assert_int_equal(cost_of(&w, &unit, "helper", "handle"), 4);
	assert_int_equal(cost_of(&w, &unit, "asm_sysvec_timer", "helper"), 3);
	assert_int_equal(cost_of(&w, &unit, "tick", "asm_sysvec_timer"), 2);
	assert_int_equal(count_of(&w, &unit, "exit from L1: vmptrld"), 1);
	assert_int_equal(count_of(&w, &unit, "entry to: L1"), 1);
	assert_int_equal(count_of(&w, &unit, "L0: VMREAD"), 1);
	assert_int_equal(count_of(&w, &unit, "L0: VMRESUME"), 1);
	drop_walk();
}

TEST(what_an_interrupt_costs_is_its_own)
{
	begin_walk();
	walk_lines(&w, exit_lines, ARRAY_SIZE(exit_lines));
	end_walk();
	for (size_t i = 0; i < unit.nnodes; i++) {
		const struct walk_node *n = &w.nodes[unit.nodes[i].what];
		const char *name = w.functions[n->function].name;
		bool own = !strcmp(name, "tick") || !strcmp(name, "asm_sysvec_timer");

		assert_int_equal(n->level == EXPLAIN_INTERRUPTS, own);
	}
	drop_walk();
}

/* L1's ECX is not L0's. */
TEST(an_exit_forgets_the_guests_registers)
{
	static const struct line lines[] = {
		{0x100000, "mov ecx, 0x00000048", 5},
		{0x100005, "wrmsr", 2},
		{K, "wrmsr", 2},
	};

	begin_walk();
	walk_lines(&w, lines, ARRAY_SIZE(lines));
	end_walk();
	assert_int_equal(count_of(&w, &unit, "L1: WRMSR 0x48 SPEC_CTRL"), 1);
	assert_int_equal(count_of(&w, &unit, "L0: WRMSR (number not known)"), 1);
	drop_walk();
}

/* The first return goes to a caller that was never seen calling. */
TEST(unknown_callers_are_learned)
{
	static const struct line lines[] = {
		{K + 0x200, "nop", 1},	      {K + 0x201, "ret", 1}, {K + 0x105, "nop", 1},
		{K + 0x106, "call .+250", 5}, {K + 0x200, "nop", 1},
	};

	begin_walk();
	walk_lines(&w, lines, ARRAY_SIZE(lines));
	end_walk();
	assert_int_equal(cost_of(&w, &unit, "helper", "handle"), 1);
	drop_walk();
}

/* Whatever comes: stacks stay within their bounds, and no instruction is lost. */
TEST(nonsense_is_counted_and_harms_nobody)
{
	static const char *const texts[] = {"call .+1", "ret",	    "iretq",   "jmp .+1",
					    "nop",	"vmresume", "syscall", "sysret"};
	unsigned int seed = 3;

	begin_walk();
	for (int i = 0; i < 20000; i++, now++) {
		uint64_t rip = rand_r(&seed) % 0x600;
		struct line l = {K + rip, texts[rand_r(&seed) % ARRAY_SIZE(texts)], 1};
		struct host_step s;

		if (rand_r(&seed) % 5 == 0)
			l.rip = 0x100000 + rip % 0x300;
		s = step_of(&l);
		walk_step(&w, &s);
	}
	end_walk();
	assert_int_equal(unit.total, 20000);
	drop_walk();
}

/* ---- which operations ---- */

static enum host_trace stop_at(struct sampler *s, uint64_t rip)
{
	const struct line l = {rip, "rdtsc", 2};
	struct host_step step = step_of(&l);
	enum host_trace how = s->tracer.at_stop(&step, s->tracer.arg);

	if (how == HOST_TRACE_ON)
		s->tracer.on_step(&step, s->tracer.arg);
	now++;
	return how;
}

/* A switch of 20 instructions: its ten of part a, and ten of part b. */
static bool run_operation(struct sampler *s)
{
	bool followed = stop_at(s, BEGIN) == HOST_TRACE_ON;
	enum host_trace how;

	for (int part = 0; part < 2; part++) {
		for (int i = 1; i < 10; i++, now++) {
			const struct line l = {K + 0x100 + i, "nop", 1};
			struct host_step step = step_of(&l);

			if (followed)
				s->tracer.on_step(&step, s->tracer.arg);
		}
		how = stop_at(s, part ? END : MIDDLE);
		assert_int_equal(how, followed && !part ? HOST_TRACE_ON : HOST_TRACE_OFF);
	}
	return followed;
}

static const struct plan_measure measure = {
	.scenario = PLAN_MULTIPLEX, .l2_vcpus = 8, .l1_vcpus = 1, .rounds = 250};

static void run_boot(struct sampler *s, uint64_t seed, int operations)
{
	sampler_restart(s, seed);
	assert_int_equal(stop_at(s, BEGIN), HOST_TRACE_OFF); /* the warm-up */
	assert_int_equal(stop_at(s, 0x401000), HOST_TRACE_ON);
	for (int i = 0; i < operations; i++)
		run_operation(s);
	assert_int_equal(stop_at(s, 0x401100), HOST_TRACE_END);
}

TEST(operations_are_a_random_sample)
{
	struct error err = {0};
	const struct sampler_metric *metric = sampler_find_metric("multiplex", "switch", &err);
	struct sampler s;

	assert_non_null(metric);
	make_images();
	assert_int_equal(
		sampler_init(&s, metric, &measure, &images[0], &images[1], &images[2], &err), 0);
	assert_int_equal(s.nstops, 5); /* no mark of another job's */
	run_boot(&s, 1, 2000);
	assert_int_equal(s.operations_seen, 1999); /* the first tells how long one is */
	assert_in_range(s.nunits, 150, 250);	   /* 200 are wanted */
	for (size_t i = 0; i < s.nunits; i++)
		assert_int_equal(s.units[i].total, 20);
	sampler_free(&s);
}

TEST(what_cannot_be_followed_is_said)
{
	struct plan_measure parallel = measure, churn = {.scenario = PLAN_CHURN, .l1_vcpus = 1};
	struct error err = {0};

	const struct sampler_metric *metric;

	assert_null(sampler_find_metric("multiplex", "switches-per-mclk", &err));
	assert_non_null(strstr(err.text, "multiplex switch,"));
	metric = sampler_find_metric("multiplex", "switch", &err);
	parallel.parallel = true;
	assert_int_equal(sampler_check_measure(metric, &parallel, &err), -EINVAL);
	assert_non_null(strstr(err.text, "mode=parallel"));
	metric = sampler_find_metric("churn", "operation", &err);
	churn.operation = PLAN_OPERATION_DONTNEED;
	assert_int_equal(sampler_check_measure(metric, &churn, &err), -EINVAL);
	assert_int_equal(
		sampler_check_measure(sampler_find_metric("churn", "resume", &err), &churn, &err),
		0);
	churn.operation = PLAN_OPERATION_MSR_BITMAP;
	assert_int_equal(sampler_check_measure(metric, &churn, &err), 0);
}

TEST(a_profile_adds_up)
{
	struct error err = {0};
	const struct sampler_metric *metric = sampler_find_metric("multiplex", "switch", &err);
	struct sampler s;
	struct sampler *samplers[] = {&s};
	struct explanation e = {.nsides = 1, .sides = {{.kernel = NULL}}};
	double sum = 0;

	make_images();
	assert_int_equal(
		sampler_init(&s, metric, &measure, &images[0], &images[1], &images[2], &err), 0);
	run_boot(&s, 1, 2000);
	assert_int_equal(profile_explain(samplers, &e, &err), 0);
	assert_float_equal(e.sides[0].total.mean, 20, 1e-9);
	for (size_t i = 0; i < e.tables[EXPLAIN_BY_FUNCTION].nrows; i++)
		sum += e.tables[EXPLAIN_BY_FUNCTION].rows[i].of[0].mean;
	assert_float_equal(sum, 20, 1e-9);
	explanation_free(&e);
	sampler_free(&s);
}

/* ---- operations of two pieces ---- */

static struct walk_unit make_piece(unsigned int parts, uint64_t total)
{
	struct walk_unit u = {.parts = parts, .total = total};

	u.nodes = xcalloc(1, sizeof(*u.nodes));
	u.events = xcalloc(1, sizeof(*u.events));
	return u;
}

/* With two L1 vCPUs a migration is a VMCLEAR here and an entry there: two pieces, one operation. */
TEST(operations_are_counted_and_not_their_pieces)
{
	struct error err = {0};
	const struct sampler_metric *metric = sampler_find_metric("migrate", "migration", &err);
	struct explanation e = {.nsides = 1, .sides = {{.kernel = xstrdup("k")}}};
	struct sampler s = {.metric = metric};
	struct sampler *samplers[] = {&s};

	begin_walk();
	s.walk = w;
	s.units = xcalloc(60, sizeof(*s.units));
	for (int i = 0; i < 60; i++)
		s.units[s.nunits++] = make_piece(1 + i % 2, i % 2 ? 100 : 10);
	s.operations_seen = 320;
	assert_int_equal(profile_explain(samplers, &e, &err), 0);
	assert_int_equal(e.sides[0].followed, 30);
	assert_float_equal(e.sides[0].total.mean, 110, 1e-9);
	explanation_free(&e);
	e = (struct explanation){.nsides = 1, .sides = {{.kernel = xstrdup("k")}}};
	for (; s.nunits > 7; s.nunits--) {
		free(s.units[s.nunits - 1].nodes);
		free(s.units[s.nunits - 1].events);
	}
	assert_int_equal(profile_explain(samplers, &e, &err), -ENODATA);
	assert_non_null(strstr(err.text, "3 operations were followed"));
	assert_non_null(strstr(err.text, "--rounds"));
	explanation_free(&e);
	sampler_free(&s);
}

/* NULL: in another build of the tests, such as asan's. */
static char *find_l1(void)
{
	__cleanup_free char *programs = fs_program_dir();
	char *path = xasprintf("%s/../agent/l1.elf", programs);

	if (fs_exists(path))
		return path;
	free(path);
	return NULL;
}

/* The marks and symbols of the L1 that was built. */
TEST(the_real_l1_has_its_marks)
{
	__cleanup_free char *path = find_l1();
	struct explain_image image;
	struct error err = {0};

	if (!path)
		skip();
	assert_int_equal(explain_image_read(path, &image, &err), 0);
	assert_true(image.nmarks >= 14);
	for (size_t i = 0; i < image.nmarks; i++)
		assert_non_null(explain_image_find(&image, image.marks[i].address));
	assert_non_null(explain_image_named(&image, "l2_step"));
	explain_image_place(&image,
			    "l2_step agents/l1/l2_step.S\njob_prove a/x.c\njob_prove b/x.c\n");
	assert_string_equal(explain_image_named(&image, "l2_step")->file, "agents/l1/l2_step.S");
	explain_image_free(&image);
}

TEST(a_file_without_symbols_is_refused)
{
	static const char *const paths[] = {"/bin/true" /* stripped */, "/etc/passwd"};
	struct explain_image image;
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(explain_image_read(paths[i], &image, &err), -EINVAL);
		assert_non_null(strstr(err.text, paths[i]));
		assert_non_null(strstr(err.text, "not an ELF file with symbols"));
	}
	assert_int_equal(explain_image_read("/nosuch", &image, &err), -ENOENT);
}

UNIT_MAIN("explain", NULL, NULL)
