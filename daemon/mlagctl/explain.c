// SPDX-License-Identifier: BSD-2-Clause
/*
 * The command `explain` (see explain.h).  mlagd does the work, for it has the state and the
 * programs; here a question is made of options, and the trace that comes back is laid out for
 * people.  commands.c calls this.
 */
#include "explain.h"

#include <string.h>

#define TEXT_MAX 64

static const char *const keys[] = {
#define KEY(symbol, option, key) [(symbol)-EXPLAIN_OPTION_FIRST] = (key),
	EXPLAIN_OPTIONS(KEY)
#undef KEY
};

bool explain_take_option(struct explain_options *options, int option, const char *value)
{
	if (option <= EXPLAIN_OPTION_FIRST || option >= EXPLAIN_OPTION_LAST) {
		return false;
	}
	options->is_used = true;
	if (option != EXPLAIN_OPTION_IF) {
		options->values[option - EXPLAIN_OPTION_FIRST] = value;
		return true;
	}
	if (options->assumptions_count == EXPLAIN_ASSUMPTIONS_MAX) {
		return false;
	}
	options->assumptions[options->assumptions_count++] = value;
	return true;
}

static bool is_given(const struct explain_options *options, enum explain_option option)
{
	return options->values[option - EXPLAIN_OPTION_FIRST] != NULL;
}

/* Everything that was given; false for text that is none. */
static bool add_all(const struct explain_options *options, json_t *params, json_t *list)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i] != NULL && options->values[i] != NULL &&
		    json_object_set_new(params, keys[i], json_string(options->values[i])) < 0) {
			return false;
		}
	}
	for (unsigned int i = 0; i < options->assumptions_count; i++) {
		if (json_array_append_new(list, json_string(options->assumptions[i])) < 0) {
			return false;
		}
	}
	return json_object_set(params, "if", list) == 0;
}

json_t *explain_params(const struct explain_options *options, const char *vlan, FILE *err)
{
	json_t *params, *list;

	if (!is_given(options, EXPLAIN_OPTION_IN) || (!is_given(options, EXPLAIN_OPTION_DST_MAC) &&
						      !is_given(options, EXPLAIN_OPTION_FRAME))) {
		fprintf(err, "mlagctl: explain needs --in PORT, and --dst-mac MAC or --frame HEX; "
			     "see 'mlagctl explain --help'\n");
		return NULL;
	}
	params = json_pack("{s:s*}", "vlan", vlan);
	list = json_array();
	if (params == NULL || list == NULL || !add_all(options, params, list)) {
		fprintf(err, "mlagctl: explain: an option is not valid text\n");
		json_decref(params);
		params = NULL;
	}
	json_decref(list);
	return params;
}

void explain_help(FILE *out)
{
	fprintf(out,
		"\n"
		"  --in PORT       where it arrives: a port of the bridge, the number of a LAG, "
		"or peer-link\n"
		"  --vlan VLAN     in this VLAN; otherwise the port's VLAN for what has no tag\n"
		"  --dst-mac MAC   to this MAC: a host's, a router's, a group\n"
		"  --dst-ip IP     a packet to this address; otherwise it is not IP\n"
		"  --src-mac MAC   from this MAC; otherwise one that is known at the port\n"
		"  --src-ip IP     from this address; otherwise one that fits\n"
		"  --ttl N         with this TTL or hop limit, 64 otherwise\n"
		"  --frame HEX     a whole frame instead of all that\n"
		"  --if WHAT       what if; may be repeated: \"leg LAG down\", \"leg LAG up\",\n"
		"                  \"peer leg LAG down\", \"peer leg LAG up\", \"peer dead\",\n"
		"                  \"peer alive\", \"peer link down\", \"peer link up\",\n"
		"                  \"no route\" (to the destination, here), \"mac unknown\"\n");
}

/* ---- the answer ----------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static bool has(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value != NULL && !json_is_null(value);
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_frame(FILE *out, const json_t *result)
{
	const json_t *frame = json_object_get(result, "frame");
	const json_t *in = json_object_get(result, "in");

	fprintf(out, "%s to %s", text_of(frame, "src_mac"), text_of(frame, "dst_mac"));
	if (has(frame, "dst_ip")) {
		fprintf(out, ", %s to %s, TTL %lld", text_of(frame, "src_ip"),
			text_of(frame, "dst_ip"), number_of(frame, "ttl"));
	} else {
		fprintf(out, ", ethertype %s", text_of(frame, "ethertype"));
	}
	fprintf(out, "\nat %s (%s", text_of(in, "ifname"), text_of(in, "kind"));
	if (has(in, "lag_id")) {
		fprintf(out, " of LAG %lld", number_of(in, "lag_id"));
	}
	fprintf(out, ")");
	if (has(result, "vlan")) {
		fprintf(out, ", VLAN %lld", number_of(result, "vlan"));
	}
	fprintf(out, "\n");
}

static void print_assumed(FILE *out, const json_t *result)
{
	const json_t *list = json_object_get(result, "assumed");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		fprintf(out, "if %s\n", text != NULL ? text : "-");
	}
}

static void print_steps(FILE *out, const json_t *result)
{
	const json_t *list = json_object_get(result, "steps");

	fprintf(out, "\n%-4s  %-15s %-4s\n", "ON", "AT", "RULE");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *step = json_array_get(list, i);

		fprintf(out, "%-4s  %-15s %-4s %s%s\n", text_of(step, "member"),
			text_of(step, "ifname"), has(step, "rule") ? text_of(step, "rule") : "",
			text_of(step, "text"), is_set(step, "run") ? " *" : "");
	}
}

/* "bond2 (LAG 2)", "LAG 2" of the peer's, or "-". */
static const char *place_of(const json_t *copy, char ret[TEXT_MAX])
{
	char lag[24] = "";

	if (has(copy, "lag_id")) {
		(void)snprintf(lag, sizeof(lag), "LAG %lld", number_of(copy, "lag_id"));
	}
	if (has(copy, "ifname") && *lag != '\0') {
		(void)snprintf(ret, TEXT_MAX, "%.20s (%s)", text_of(copy, "ifname"), lag);
	} else {
		(void)snprintf(ret, TEXT_MAX, "%.40s",
			       *lag != '\0' ? lag : text_of(copy, "ifname"));
	}
	return ret;
}

static void print_copies(FILE *out, const json_t *result)
{
	const json_t *list = json_object_get(result, "copies");

	fprintf(out, "\nVerdict: %s", text_of(result, "verdict"));
	if (has(result, "ttl") && strcmp(text_of(result, "verdict"), "routed") == 0) {
		fprintf(out, ", leaves with TTL %lld", number_of(result, "ttl"));
	}
	fprintf(out, "\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *copy = json_array_get(list, i);
		char place[TEXT_MAX];

		fprintf(out, "%-4s  %-20s %-10s", text_of(copy, "member"), place_of(copy, place),
			text_of(copy, "fate"));
		if (is_set(copy, "tagged")) {
			fprintf(out, " tagged %lld", number_of(copy, "vlan"));
		}
		if (has(copy, "rule")) {
			fprintf(out, " %s", text_of(copy, "rule"));
		}
		if (has(copy, "text") || has(copy, "reason")) {
			fprintf(out, " %s", text_of(copy, has(copy, "text") ? "text" : "reason"));
		}
		fprintf(out, "\n");
	}
}

void render_explain(FILE *out, const json_t *result)
{
	print_frame(out, result);
	print_assumed(out, result);
	print_steps(out, result);
	print_copies(out, result);
	if (number_of(result, "cut") > 0) {
		fprintf(out, "and %lld more\n", number_of(result, "cut"));
	}
	fprintf(out, "\n");
	if (json_is_false(json_object_get(result, "agrees"))) {
		fprintf(out,
			"A program decided otherwise than this explanation: a bug in mlag; please "
			"report it.\n");
	} else if (has(result, "not_run")) {
		fprintf(out, "%s\n", text_of(result, "not_run"));
	} else {
		fprintf(out, "* the program itself was run, and agrees (%lld %s)\n",
			number_of(result, "runs"),
			number_of(result, "runs") == 1 ? "decision" : "decisions");
	}
}
