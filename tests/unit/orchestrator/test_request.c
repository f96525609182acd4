// SPDX-License-Identifier: GPL-2.0-only
/* orchestrator/request: JSON and the command line make the same requests, and say what is wrong. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/nearest.h"
#include "orchestrator/request/arguments.h"

/* What the command line makes of words; @text is JSON, or an error. */
static int from_words(enum request_kind kind, const char *words, char **text)
{
	__cleanup_free char *copy = xstrdup(words);
	char *argv[32] = {(char *)"x"}, *save = NULL;
	struct request_arguments a;
	struct error err = {0};
	struct request r;
	int argc = 1, n;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	request_init(&r, kind);
	request_arguments_make(&r, &a);
	n = options_parse(argc, argv, a.options, &err);
	if (n >= 0)
		n = request_take_operands(&a, n, argv, &err);
	if (n >= 0)
		n = request_check(&r, NULL, &err);
	*text = n < 0 ? xstrdup(err.text) : request_json(&r);
	request_arguments_free(&a);
	request_free(&r);
	return n;
}

/* The canonical text of JSON, or the error. */
static int from_json(enum request_kind kind, const char *json, char **text)
{
	struct error err = {0};
	struct request r;
	int ret = request_parse(json, strlen(json), "file.json", kind, &r, &err);

	if (ret) {
		*text = xstrdup(err.text);
		return ret;
	}
	*text = request_json(&r);
	request_free(&r);
	return 0;
}

static const struct {
	enum request_kind kind;
	const char *words, *json;
} same[] = {
	{REQUEST_RUN, "quick full --kernel a --kernel=b --boots auto --max-boots 4 --seed 7",
	 "{\"request\":\"run\",\"scenarios\":[\"quick\",\"full\"],\"kernels\":[\"a\",\"b\"],"
	 "\"boots\":\"auto\",\"max_boots\":4,\"seed\":7,\"host\":\"emulated\"}"},
	{REQUEST_RUN, "quick --kernel a --host h",
	 "{\"scenarios\":[\"quick\"],\"kernels\":[\"a\"],\"host\":\"h\"}"},
	{REQUEST_COMPARE, "a b --metric switch",
	 "{\"base\":\"a\",\"new\":\"b\",\"metric\":\"switch\"}"},
	{REQUEST_COMPARE, "a b c d", "{\"base\":\"a\",\"new\":\"b\",\"others\":[\"c\",\"d\"]}"},
	{REQUEST_REPORT, "a b --format junit",
	 "{\"base\":\"a\",\"new\":\"b\",\"format\":\"junit\"}"},
	{REQUEST_SIGNOFF, "--policy p --base a --new b",
	 "{\"base\":\"a\",\"new\":\"b\",\"policy\":\"p\"}"},
	{REQUEST_BISECT,
	 "--tree t --good v1 --bad v2 --scenario multiplex --metric switch --param l2_vcpus=8 "
	 "--threshold 0.7% --first-parent -- arch/x86 virt",
	 "{\"kind\":\"git\",\"tree\":\"t\",\"good\":\"v1\",\"bad\":\"v2\",\"scenario\":\"multiplex\","
	 "\"metric\":\"switch\",\"params\":[\"l2_vcpus=8\"],\"threshold\":0.7,\"first_parent\":true,"
	 "\"paths\":[\"arch/x86\",\"virt\"]}"},
	{REQUEST_BISECT, "--series n --scenario s --metric m",
	 "{\"kind\":\"series\",\"variant\":\"n\",\"scenario\":\"s\",\"metric\":\"m\"}"},
	{REQUEST_BISECT, "--config one two --scenario s --metric m",
	 "{\"kind\":\"config\",\"good\":\"one\",\"bad\":\"two\",\"scenario\":\"s\",\"metric\":\"m\"}"},
	{REQUEST_BISECT, "--series n --fails --test vmx_test --max-boots 32",
	 "{\"kind\":\"series\",\"variant\":\"n\",\"fails\":true,\"test\":\"vmx_test\",\"max_boots\":32}"},
	{REQUEST_BISECT, "--series n --scenario s --fails --class guest",
	 "{\"kind\":\"series\",\"variant\":\"n\",\"scenario\":\"s\",\"fails\":true,\"class\":\"guest\"}"},
	{REQUEST_TEST, "tree --scenario s --fails --message WARNING --boots 9",
	 "{\"tree\":\"tree\",\"scenario\":\"s\",\"fails\":true,\"message\":\"WARNING\",\"boots\":9}"},
	{REQUEST_EXPLAIN, "a b --scenario s --metric m --param x=1 --max-boots 2 --seed 3",
	 "{\"kernels\":[\"a\",\"b\"],\"scenario\":\"s\",\"metric\":\"m\",\"params\":[\"x=1\"],"
	 "\"max_boots\":2,\"seed\":3}"},
	{REQUEST_TEST, "tree --scenario s --metric m --limit 25000 --rounds 9",
	 "{\"tree\":\"tree\",\"scenario\":\"s\",\"metric\":\"m\",\"limit\":25000,\"rounds\":9}"},
};

TEST(words_and_json_are_the_same)
{
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		__cleanup_free char *words = NULL, *json = NULL, *again = NULL;

		assert_int_equal(from_words(same[i].kind, same[i].words, &words), 0);
		assert_int_equal(from_json(same[i].kind, same[i].json, &json), 0);
		assert_string_equal(words, json);
		assert_int_equal(from_json(REQUEST_ANY, json, &again), 0);
		assert_string_equal(again, json);
	}
}

static const struct {
	enum request_kind kind;
	const char *json, *error;
} wrong[] = {
	{REQUEST_RUN, "[]", "file.json: $: expected an object"},
	{REQUEST_RUN, "{", "file.json:1:2: the JSON ends too early"},
	{REQUEST_RUN, "{\"kernels\":[\"a\"],\"scenarios\":[\"s\"],\"kernels\":[\"b\"]}",
	 "file.json:1:36: the key \"kernels\" is there twice"},
	{REQUEST_RUN, "{\"request\":\"bisect\"}",
	 "file.json: $.request: expected a request of kind \"run\", found \"bisect\""},
	{REQUEST_ANY, "{\"request\":\"walk\"}",
	 "file.json: $.request: \"walk\" is not a kind of request"},
	{REQUEST_ANY, "{}", "file.json: $: \"request\" is missing"},
	{REQUEST_RUN, "{\"kernel\":[]}",
	 "file.json: $: unknown key \"kernel\"; did you mean \"kernels\"?"},
	{REQUEST_RUN, "{\"kernels\":[\"a\"]}", "file.json: $: \"scenarios\" is missing"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":\"a\"}",
	 "file.json: $.kernels: expected an array"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\",7]}",
	 "file.json: $.kernels[1]: expected a string"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"\"]}",
	 "file.json: $.kernels[0]: must not be empty"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[]}",
	 "file.json: $: \"kernels\" is missing"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\"],\"config\":[\"KVM=y\"]}",
	 "file.json: $.config: expected CONFIG_NAME=VALUE, not KVM=y"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\",\"a\"]}",
	 "file.json: $.kernels: both are a"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\"],\"boots\":0}",
	 "file.json: $.boots: 0 is not within 1..1000"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\"],\"boots\":\"many\"}",
	 "file.json: $.boots: expected a whole number or \"auto\", found \"many\""},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\"],\"boots\":\"auto\"}",
	 "file.json: $.boots: auto needs two kernels"},
	{REQUEST_RUN, "{\"scenarios\":[\"s\"],\"kernels\":[\"a\"],\"boots\":4,\"max_boots\":20}",
	 "file.json: $.max_boots: has a meaning with boots auto only; boots is 4"},
	{REQUEST_REPORT, "{\"base\":\"a\",\"new\":\"b\",\"format\":\"pdf\"}",
	 "file.json: $.format: unknown value \"pdf\"; expected one of: text, html"},
	{REQUEST_BISECT, "{\"scenario\":\"s\",\"metric\":\"m\"}",
	 "file.json: $: \"kind\" is missing"},
	{REQUEST_BISECT,
	 "{\"kind\":\"git\",\"scenario\":\"s\",\"metric\":\"m\",\"good\":\"a\",\"bad\":\"b\"}",
	 "file.json: $: \"tree\" is missing"},
	{REQUEST_BISECT,
	 "{\"kind\":\"series\",\"scenario\":\"s\",\"metric\":\"m\",\"paths\":[\"a\"]}",
	 "file.json: $.paths: cannot be used with a bisect of this kind"},
	{REQUEST_BISECT,
	 "{\"kind\":\"series\",\"scenario\":\"s\",\"metric\":\"m\",\"threshold\":-1}",
	 "file.json: $.threshold: -1 is not within 0..1e+06"},
	{REQUEST_BISECT, "{\"kind\":\"series\",\"scenario\":\"s\",\"metric\":\"m\",\"boots\":9}",
	 "file.json: $.boots: 9 is more than max_boots, which is 8"},
	{REQUEST_COMPARE, "{\"base\":\"a\",\"new\":\"b\",\"others\":[\"c\",\"b\"]}",
	 "file.json: $.others: b is there twice"},
	{REQUEST_BISECT,
	 "{\"kind\":\"series\",\"scenario\":\"s\",\"metric\":\"m\",\"first_parent\":1}",
	 "file.json: $.first_parent: expected true or false"},
	{REQUEST_TEST, "{\"tree\":\"t\",\"scenario\":\"s\",\"metric\":\"m\"}",
	 "file.json: $: \"limit\" is missing"},
	{REQUEST_TEST, "{\"tree\":\"t\",\"fails\":true,\"test\":\"a\",\"class\":\"guest\"}",
	 "file.json: $.class: cannot be used with test"},
	{REQUEST_TEST, "{\"tree\":\"t\",\"scenario\":\"s\",\"metric\":\"m\",\"limit\":\"low\"}",
	 "file.json: $.limit: expected a number"},
};

TEST(errors_name_file_and_path)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		__cleanup_free char *text = NULL;

		assert_int_equal(from_json(wrong[i].kind, wrong[i].json, &text), -EINVAL);
		if (strncmp(text, wrong[i].error, strlen(wrong[i].error)))
			fail_msg("%s\ngave: %s\nwant: %s", wrong[i].json, text, wrong[i].error);
	}
}

static const struct {
	enum request_kind kind;
	const char *words, *error;
} mistyped[] = {
	{REQUEST_RUN, "", "SCENARIO is missing"},
	{REQUEST_RUN, "quick", "--kernel is missing"},
	{REQUEST_RUN, "quick --kernel", "--kernel: a value is missing: KERNEL"},
	{REQUEST_RUN, "quick --kernle a", "--kernle: no such option; did you mean --kernel?"},
	{REQUEST_RUN, "quick --kernel a --boots 0",
	 "--boots: expected a whole number from 1 to 1000, or auto"},
	{REQUEST_RUN, "quick --kernel a --boots auto", "--boots: auto needs two kernels"},
	{REQUEST_RUN, "quick --kernel a --kernel a", "--kernel: both are a"},
	{REQUEST_COMPARE, "a", "NEW is missing"},
	{REQUEST_COMPARE, "a b c a", "NEW: a is there twice"},
	{REQUEST_REPORT, "a b c a", "NEW: a is there twice"},
	{REQUEST_REPORT, "a b c --format csv", "--format: csv tells of two kernels only"},
	{REQUEST_BISECT, "--scenario s --metric m", "give one of --tree, --series and --config"},
	{REQUEST_BISECT, "--tree t --series s",
	 "--series: give one of --tree, --series and --config"},
	{REQUEST_BISECT, "--series s --scenario s --metric m x", "x: one operand too many"},
	{REQUEST_BISECT, "--series s --scenario s --metric m --first-parent",
	 "--first-parent: cannot be used with a bisect of this kind"},
	{REQUEST_BISECT, "--config one --scenario s --metric m", "FRAGMENT-B is missing"},
	{REQUEST_BISECT, "--series s --scenario s --metric m --threshold -1",
	 "--threshold: expected a number from 0"},
	{REQUEST_TEST, "t --scenario s --metric m", "--limit is missing"},
	{REQUEST_TEST, "t --fails", "--scenario: has to be given, unless a selftest is named"},
	{REQUEST_TEST, "t --scenario s --fails --limit 3", "--limit: cannot be used with --fails"},
	{REQUEST_TEST, "t --scenario s --fails --max-boots 3",
	 "--max-boots: cannot be used with --fails"},
	{REQUEST_RUN, "s --kernel a --max-boots 8", "--max-boots: has a meaning with --boots only"},
	{REQUEST_RUN, "s --kernel a --boots 4 --max-boots 20",
	 "--max-boots: has a meaning with boots auto only; boots is 4"},
	{REQUEST_BISECT, "--series a --variant b --scenario s --metric m",
	 "--series: cannot be used with --variant"},
	{REQUEST_BISECT, "--config a b --bad c --scenario s --metric m",
	 "--config: cannot be used with --bad"},
	{REQUEST_BISECT, "--series n --scenario s --metric m --test x",
	 "--test: tells which failure is looked for: it needs --fails"},
	{REQUEST_BISECT, "--series n --scenario s --fails --metric m",
	 "--metric: cannot be used with --fails"},
	{REQUEST_BISECT, "--series n --scenario s --fails --threshold 3",
	 "--threshold: cannot be used with --fails"},
	{REQUEST_BISECT, "--series n --fails --test x --message y",
	 "--message: cannot be used with --test: give one of them"},
	{REQUEST_BISECT, "--series n --scenario multiplex --fails --test x",
	 "--scenario: a selftest is run by kselftest, not by multiplex"},
	{REQUEST_RUN, "q\xff --kernel a", "SCENARIO: must be UTF-8"},
	{REQUEST_RUN, "quick --kernel a --host \xc3", "--host: must be UTF-8"},
};

TEST(errors_name_the_argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(mistyped); i++) {
		__cleanup_free char *text = NULL;

		assert_int_equal(from_words(mistyped[i].kind, mistyped[i].words, &text), -EINVAL);
		if (strncmp(text, mistyped[i].error, strlen(mistyped[i].error)))
			fail_msg("%s\ngave: %s\nwant: %s", mistyped[i].words, text,
				 mistyped[i].error);
	}
}

/* As 46bc35b, before requests had tables, wrote them into databases. */
static const char old_series[] =
	"{\"boots\":2,\"command\":\"nestlab bisect --series n\",\"first_parent\":false,"
	"\"host\":\"emulated\",\"kind\":\"series\",\"max_boots\":8,\"metric\":\"switch\","
	"\"parallel\":1,\"params\":[\"memory=unmanaged\"],\"paths\":[],\"rounds\":0,"
	"\"scenario\":\"multiplex\",\"seed\":1,\"smallest_effect\":0.0,\"threshold\":0.0,"
	"\"variant\":\"n\"}";
static const char old_git[] =
	"{\"bad\":\"dcaf3fbc53b2fec9e56199a52c804cab9907ea5a\",\"boots\":2,"
	"\"command\":\"nestlab bisect --tree repo --good v1 --bad v3\",\"first_parent\":false,"
	"\"good\":\"81c1ca793b7129e6a84939d4f6fd9526fe6a541d\",\"host\":\"emulated\","
	"\"kind\":\"git\",\"max_boots\":8,\"metric\":\"switch\",\"parallel\":1,"
	"\"params\":[\"l2_vcpus=8\"],\"paths\":[],\"rounds\":0,\"scenario\":\"multiplex\",\"seed\":1,"
	"\"smallest_effect\":0.69999999999999996,\"threshold\":0.69999999999999996,"
	"\"tree\":\"/tmp/repo\",\"variant\":\"baseline\"}";

TEST(old_bisects_can_be_resumed)
{
	struct error err = {0};
	struct request r;

	if (request_parse(old_series, strlen(old_series), "x", REQUEST_BISECT, &r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.bisect.kind, BISECT_SERIES);
	assert_string_equal(r.bisect.variant, "n");
	assert_string_equal(r.bisect.probe.params.items[0], "memory=unmanaged");
	assert_string_equal(r.bisect.command, "nestlab bisect --series n");
	request_free(&r);
	if (request_parse(old_git, strlen(old_git), "x", REQUEST_BISECT, &r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.bisect.kind, BISECT_GIT);
	assert_true(r.bisect.threshold == 0.7 && r.bisect.probe.smallest_effect == 0.7);
	request_free(&r);
}

/* A command line that is made of a request makes the same request. */
TEST(command_lines_come_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		__cleanup_free char *line = NULL, *before = NULL, *after = NULL;
		struct request r;

		if (same[i].kind == REQUEST_BISECT)
			continue;
		assert_int_equal(request_parse(same[i].json, strlen(same[i].json), "x",
					       same[i].kind, &r, NULL),
				 0);
		line = request_command_line(&r);
		before = request_json(&r);
		request_free(&r);
		assert_int_equal(
			from_words(
				same[i].kind,
				strchr(strchr(line, ' ') + 1, ' ') +
					(same[i].kind == REQUEST_SIGNOFF ? strlen(" signoff") : 0),
				&after),
			0);
		assert_string_equal(before, after);
	}
}

/* The last part of a path gives a kernel its name: a link keeps its own. */
TEST(absolute_paths_keep_the_name)
{
	char dir[] = "/tmp/nestlab-request.XXXXXX", before[4096];
	struct request r = {0};
	__cleanup_free char *link = NULL, *host = NULL, *missing = NULL, *spot = NULL;
	__cleanup_free char *part = NULL;

	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(symlink("/dev/null", "link.json"), 0);
	link = xasprintf("%s/link.json", dir);
	host = xasprintf("%s/lab", dir);
	spot = xasprintf("%s/link.json+CONFIG_X=y", dir);
	part = xasprintf("%s/link.json+3-5", dir);
	missing = xasprintf("%s/missing/x.json", dir);
	request_init(&r, REQUEST_BISECT);
	r.bisect.kind = BISECT_GIT;
	r.bisect.tree = xstrdup(".");
	free(r.bisect.variant);
	r.bisect.variant = xstrdup("link.json");
	free(r.bisect.host);
	r.bisect.host = xstrdup("./lab");
	request_absolute(&r);
	assert_string_equal(r.bisect.tree, dir);
	assert_string_equal(r.bisect.variant, link);
	assert_string_equal(r.bisect.host, host);
	free(r.bisect.variant);
	r.bisect.variant = xstrdup("missing/x.json");
	request_absolute(&r);
	assert_string_equal(r.bisect.variant, missing);
	free(r.bisect.variant);
	r.bisect.variant = xstrdup("link.json+CONFIG_X=y");
	request_absolute(&r);
	assert_string_equal(r.bisect.variant, spot);
	free(r.bisect.variant);
	r.bisect.variant = xstrdup("link.json+3-5"); /* of scenarios */
	request_absolute(&r);
	assert_string_equal(r.bisect.variant, part);
	free(r.bisect.variant);
	r.bisect.variant = xstrdup("baseline+CONFIG_X=y"); /* a name */
	request_absolute(&r);
	assert_string_equal(r.bisect.variant, "baseline+CONFIG_X=y");
	request_free(&r);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(rmdir(dir), 0);
}

TEST(command_lines_are_quoted)
{
	static const char json[] = "{\"base\":\"a b\",\"new\":\"it's\"}";
	__cleanup_free char *line = NULL;
	struct request r;

	assert_int_equal(request_parse(json, strlen(json), "x", REQUEST_COMPARE, &r, NULL), 0);
	line = request_command_line(&r);
	assert_string_equal(line, "nestlab compare 'a b' 'it'\\''s'");
	request_free(&r);
}

TEST(schemas_name_every_field)
{
	for (int kind = 0; kind < REQUEST_KINDS; kind++) {
		struct json_object *schema = request_describe(kind), *properties;

		assert_true(json_object_object_get_ex(schema, "properties", &properties));
		json_object_object_foreach(properties, key, value)
		{
			assert_true(json_object_object_get_ex(value, "description", NULL));
			assert_true(strlen(key) > 0);
		}
		json_object_put(schema);
	}
}

TEST(the_nearest_word_is_found)
{
	static const char *const known[] = {"run", "report", "bisect", "kernel", NULL};

	assert_string_equal(nearest_word("kernle", known), "kernel");
	assert_string_equal(nearest_word("bisetc", known), "bisect");
	assert_string_equal(nearest_word("rn", known), "run");
	assert_string_equal(nearest_word("rep", known), "report");
	assert_null(nearest_word("x", known));
	assert_null(nearest_word("frobnicate", known));
	assert_null(nearest_word("", known));
}

UNIT_MAIN("request", NULL, NULL)
