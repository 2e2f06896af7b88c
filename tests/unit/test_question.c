// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is asked of `explain`, from the command line to values: everything wrong is refused with what
 * would be right; and the answer as text.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/mlagctl/commands.h"
#include "../../daemon/mlagctl/explain.h"
#include "control/methods.h"
#include "control/question.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MAC "\"dst_mac\":\"02:00:00:00:00:01\""

static void end_call(struct control_call *call)
{
	free(call->error_code);
	free(call->error_text);
	json_decref(call->error_lines);
	memset(call, 0, sizeof(*call));
}

/* Reads the parameters; they must outlive the question. */
static int read_params(const json_t *params, struct control_call *call, struct question *ret)
{
	*call = (struct control_call){.params = params};
	return question_read(call, ret);
}

static void test_every_wrong_parameter_is_named(void **state)
{
	static const struct {
		const char *params;
		const char *text;
	} wrong[] = {
		{"{}", "in: missing"},
		{"{\"in\":\"\"," MAC "}", "in: missing"},
		{"{\"in\":7," MAC "}", "in: missing"},
		{"{\"in\":\"p\"}", "dst_mac: missing"},
		{"{\"in\":\"p\",\"dst_mac\":\"02:00:00:00:00\"}",
		 "dst_mac: \"02:00:00:00:00\" is not"},
		{"{\"in\":\"p\",\"dst_mac\":\"02:00:00:00:00:0g\"}", "dst_mac: "},
		{"{\"in\":\"p\",\"dst_mac\":\"02:00:00:00:00:011\"}", "dst_mac: "},
		{"{\"in\":\"p\",\"dst_mac\":[]}", "dst_mac: "},
		{"{\"in\":\"p\"," MAC ",\"src_mac\":\"x\"}", "src_mac: \"x\" is not"},
		{"{\"in\":\"p\"," MAC ",\"dst_ip\":\"10.0.0.256\"}",
		 "dst_ip: \"10.0.0.256\" is not"},
		{"{\"in\":\"p\"," MAC ",\"dst_ip\":\"fe80::1%x\"}", "dst_ip: "},
		{"{\"in\":\"p\"," MAC ",\"src_ip\":\"10.0.0.1\"}", "src_ip: a packet needs dst_ip"},
		{"{\"in\":\"p\"," MAC ",\"dst_ip\":\"10.0.0.1\",\"src_ip\":\"fd00::1\"}",
		 "src_ip: not of the same family"},
		{"{\"in\":\"p\"," MAC ",\"ttl\":1}", "ttl: a packet needs dst_ip"},
		{"{\"in\":\"p\"," MAC ",\"dst_ip\":\"10.0.0.1\",\"ttl\":256}",
		 "ttl: \"256\" is not"},
		{"{\"in\":\"p\"," MAC ",\"dst_ip\":\"10.0.0.1\",\"ttl\":\"-1\"}",
		 "ttl: \"-1\" is not"},
		{"{\"in\":\"p\"," MAC ",\"vlan\":0}", "vlan: \"0\" is not"},
		{"{\"in\":\"p\"," MAC ",\"vlan\":4095}", "vlan: \"4095\" is not"},
		{"{\"in\":\"p\"," MAC ",\"vlan\":\"1O\"}", "vlan: \"1O\" is not"},
		{"{\"in\":\"p\",\"frame\":\"zz\"}", "frame: not hexadecimal"},
		{"{\"in\":\"p\",\"frame\":\"0\"}", "frame: not hexadecimal"},
		{"{\"in\":\"p\",\"frame\":\"\"}", "frame: shorter"},
		{"{\"in\":\"p\",\"frame\":\"020000000001 020000000002 81\"}", "frame: shorter"},
		{"{\"in\":\"p\",\"frame\":\"020000000001\"," MAC "}", "dst_mac: does not go with"},
		{"{\"in\":\"p\",\"frame\":\"020000000001\",\"vlan\":5}", "vlan: does not go with"},
		{"{\"in\":\"p\"," MAC ",\"if\":\"peer dead\"}", "if: not a list"},
		{"{\"in\":\"p\"," MAC ",\"if\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
		 "if: more than"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *params = json_loads(wrong[i].params, 0, NULL);
		static struct question question;
		struct control_call call;

		assert_non_null(params);
		assert_int_equal(read_params(params, &call, &question), -EINVAL);
		assert_string_equal(call.error_code, "bad-params");
		if (strncmp(call.error_text, wrong[i].text, strlen(wrong[i].text)) != 0) {
			fail_msg("%s: %s", wrong[i].params, call.error_text);
		}
		end_call(&call);
		json_decref(params);
	}
}

static void test_a_frame_that_is_too_long_is_refused(void **state)
{
	char *text = malloc(2 * (EXPLAIN_FRAME_MAX + 1) + 1);
	static struct question question;
	struct control_call call;
	json_t *params;

	(void)state;
	memset(text, '0', 2 * (EXPLAIN_FRAME_MAX + 1));
	text[2 * (EXPLAIN_FRAME_MAX + 1)] = '\0';
	params = json_pack("{s:s,s:s}", "in", "p", "frame", text);
	assert_int_equal(read_params(params, &call, &question), -EINVAL);
	assert_non_null(strstr(call.error_text, "frame: longer"));
	end_call(&call);
	json_decref(params);
	text[2 * EXPLAIN_FRAME_MAX] = '\0';
	params = json_pack("{s:s,s:s}", "in", "p", "frame", text);
	assert_int_equal(read_params(params, &call, &question), 0);
	assert_true(question.is_frame);
	assert_int_equal(question.frame.size, EXPLAIN_FRAME_MAX);
	json_decref(params);
	free(text);
}

static void test_what_is_given_and_what_is_not(void **state)
{
	json_t *params = json_loads("{\"in\":\"bond1\"," MAC
				    ",\"dst_ip\":\"fd00::9\",\"ttl\":\"3\","
				    "\"vlan\":10,\"if\":[\"peer dead\",\"no route\"]}",
				    0, NULL);
	static struct question question;
	struct control_call call;

	(void)state;
	assert_int_equal(read_params(params, &call, &question), 0);
	assert_string_equal(question.in, "bond1");
	assert_false(question.is_frame || question.has_source || question.has_source_ip);
	assert_true(question.has_vlan);
	assert_int_equal(question.vlan, 10);
	assert_int_equal(question.destination.octets[5], 1);
	assert_int_equal(question.ip.family, 6);
	assert_int_equal(question.ip.hop_limit, 3);
	assert_int_equal(question.ip.destination[15], 9);
	assert_int_equal(question.assumptions_count, 2);
	assert_string_equal(question.assumptions[1], "no route");
	json_decref(params);
	params = json_loads("{\"in\":\"1\"," MAC
			    ",\"dst_ip\":\"10.0.0.1\",\"if\":null,\"vlan\":null}",
			    0, NULL);
	assert_int_equal(read_params(params, &call, &question), 0);
	assert_int_equal(question.ip.hop_limit, 64);
	assert_false(question.has_vlan);
	json_decref(params);
}

/* As it is written on paper, or by tcpdump -e -XX without its margin. */
static void test_a_frame_may_have_blanks_and_colons(void **state)
{
	json_t *params = json_pack("{s:s,s:s}", "in", "p", "frame",
				   "ff:ff:ff:ff:ff:ff 02:00:00:00:00:01\n8100 000A 0806 0001");
	static struct question question;
	struct control_call call;

	(void)state;
	assert_int_equal(read_params(params, &call, &question), 0);
	assert_true(question.frame.tagged);
	assert_int_equal(question.frame.tci, 10);
	assert_int_equal(question.frame.ethertype, 0x0806);
	json_decref(params);
}

static int call_explain(struct control_context *context, const json_t *params, const char *code)
{
	struct control_call call = {.context = context, .params = params};
	const struct control_method *method = control_methods;
	json_t *result = NULL;
	int r;

	while (strcmp(method->name, "explain") != 0) {
		method++;
		assert_non_null(method->name);
	}
	r = method->begin(&call, &result);
	assert_string_equal(call.error_code, code);
	end_call(&call);
	return r;
}

static void test_the_method_refuses_what_it_cannot_explain(void **state)
{
	struct control_context context = {.engine = NULL}; /* and no data plane */
	json_t *right = json_loads("{\"in\":\"p\"," MAC "}", 0, NULL);
	json_t *wrong = json_loads("{\"in\":\"p\"}", 0, NULL);

	(void)state;
	assert_int_equal(call_explain(&context, wrong, "bad-params"), -EINVAL);
	assert_int_equal(call_explain(&context, NULL, "bad-params"), -EINVAL);
	assert_int_equal(call_explain(&context, right, "unavailable"), -EOPNOTSUPP);
	json_decref(right);
	json_decref(wrong);
}

/* ---- mlagctl -------------------------------------------------------------------------------- */

#define ARGUMENTS_MAX 40

static int ask(const char *const arguments[], char **ret_text)
{
	char *argv[ARGUMENTS_MAX + 2] = {strdup("mlagctl")};
	size_t size = 0;
	FILE *out;
	int argc = 1;
	int code;

	*ret_text = NULL;
	out = open_memstream(ret_text, &size);
	for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++) {
		argv[argc++] = strdup(arguments[i]);
	}
	code = commands_run(argc, argv, out, out);
	fclose(out);
	for (int i = 0; i < argc; i++) {
		free(argv[i]);
	}
	return code;
}

static void expect(int code, const char *text, const char *const arguments[])
{
	char *said;

	assert_int_equal(ask(arguments, &said), code);
	if (strstr(said, text) == NULL) {
		fail_msg("\"%s\" is not in: %s", text, said);
	}
	free(said);
}

#define EXPECT(code, text, ...) expect((code), (text), (const char *const[]){__VA_ARGS__, NULL})

static void test_mlagctl_explain_checks_its_options_before_it_asks(void **state)
{
	static const char nobody[] = "/tmp/test_question.none";

	(void)state;
	EXPECT(3, "explain needs --in PORT", "explain");
	EXPECT(3, "explain needs --in PORT", "explain", "--in", "p");
	EXPECT(3, "explain needs --in PORT", "explain", "--dst-mac", "02:00:00:00:00:01");
	EXPECT(3, "unknown or lacks its value", "explain", "--in");
	EXPECT(3, "do not go with explain", "explain", "--in", "p", "--lag", "1");
	EXPECT(3, "do not go with status", "status", "--in", "p");
	EXPECT(3, "do not go with macs", "macs", "--if", "peer dead");
	EXPECT(3, "takes no argument", "explain", "--in", "p", "--frame", "ff", "dead");
	EXPECT(3, "not valid text", "explain", "--in", "\xff", "--frame", "ff");
	EXPECT(3, "not valid text", "explain", "--in", "p", "--frame", "ff", "--if", "\xff");
	EXPECT(0, "peer link down", "explain", "--help");
	EXPECT(0, "explain", "--help");
	EXPECT(2, "no such socket", "-S", nobody, "explain", "--in", "p", "--frame", "ff");
	EXPECT(3, "unknown or lacks", "explain", "--if", "1", "--if", "2", "--if", "3", "--if", "4",
	       "--if", "5", "--if", "6", "--if", "7", "--if", "8", "--if", "9", "--if", "10",
	       "--if", "11", "--if", "12", "--if", "13", "--if", "14", "--if", "15", "--if", "16",
	       "--if", "17");
}

static char *render(const char *json)
{
	json_t *result = json_loads(json, 0, NULL);
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(result);
	render_explain(out, result);
	fclose(out);
	json_decref(result);
	return text;
}

static void test_an_answer_as_text(void **state)
{
	char *text = render(
		"{\"in\":{\"ifname\":\"bond1\",\"kind\":\"leg\",\"lag_id\":1},\"vlan\":10,\"frame\":"
		"{\"dst_mac\":\"02:00:00:00:fe:02\",\"src_mac\":\"02:00:00:00:01:01\",\"tag\":null,"
		"\"ethertype\":\"0x0800\",\"dst_ip\":\"10.0.20.12\",\"src_ip\":\"10.0.10.9\",\"ttl\":64},"
		"\"assumed\":[\"peer dead\"],\"verdict\":\"routed\",\"ttl\":63,\"agrees\":null,"
		"\"not_run\":\"computed, not run: something is assumed\",\"runs\":0,\"steps\":[{"
		"\"member\":\"here\",\"stage\":\"receive\",\"ifname\":\"bond1\",\"rule\":\"R21\","
		"\"reason\":\"routed-for-peer\",\"run\":false,\"differs\":false,\"text\":\"made ours\"}],"
		"\"copies\":[{\"member\":\"here\",\"fate\":\"sent\",\"ifname\":\"bond2\",\"lag_id\":2,"
		"\"peer_link\":false,\"vlan\":20,\"tagged\":true,\"rule\":null,\"reason\":null,\"text\":"
		"null},{\"member\":\"peer\",\"fate\":\"dropped\",\"ifname\":null,\"lag_id\":3,\"rule\":"
		"\"R1\",\"reason\":\"isolated\",\"text\":null}],\"cut\":2}");

	(void)state;
	assert_non_null(strstr(text, "02:00:00:00:01:01 to 02:00:00:00:fe:02, 10.0.10.9 to "
				     "10.0.20.12, TTL 64\nat bond1 (leg of LAG 1), VLAN 10\n"
				     "if peer dead\n"));
	assert_non_null(strstr(text, "here  bond1           R21  made ours\n"));
	assert_non_null(strstr(text, "Verdict: routed, leaves with TTL 63\n"));
	assert_non_null(strstr(text, "here  bond2 (LAG 2)        sent       tagged 20\n"));
	assert_non_null(strstr(text, "peer  LAG 3                dropped    R1 isolated\n"));
	assert_non_null(strstr(text, "and 2 more\n"));
	assert_non_null(strstr(text, "computed, not run"));
	free(text);
}

static void test_an_answer_that_was_run_and_one_that_differs(void **state)
{
	char *text =
		render("{\"verdict\":\"bridged\",\"agrees\":true,\"not_run\":null,\"runs\":2}");

	(void)state;
	assert_non_null(strstr(text, "was run, and agrees (2 decisions)"));
	free(text);
	text = render("{\"verdict\":\"bridged\",\"agrees\":false,\"not_run\":null,\"runs\":2}");
	assert_non_null(strstr(text, "a bug in mlag"));
	free(text);
	/* One of another version: whatever is missing is a dash. */
	text = render("{}");
	assert_non_null(strstr(text, "Verdict: -"));
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_wrong_parameter_is_named),
		cmocka_unit_test(test_a_frame_that_is_too_long_is_refused),
		cmocka_unit_test(test_what_is_given_and_what_is_not),
		cmocka_unit_test(test_a_frame_may_have_blanks_and_colons),
		cmocka_unit_test(test_the_method_refuses_what_it_cannot_explain),
		cmocka_unit_test(test_mlagctl_explain_checks_its_options_before_it_asks),
		cmocka_unit_test(test_an_answer_as_text),
		cmocka_unit_test(test_an_answer_that_was_run_and_one_that_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
