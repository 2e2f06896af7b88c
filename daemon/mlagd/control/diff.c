/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `diff` (see diff.h).  What is asked for becomes a list of questions, one table or one key each;
 * the engine carries them to the peer, and each row of an answer becomes a row of JSON.  A table
 * has a row of its own before those that differ: both members' counts and digests.
 */
#include "control/diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/methods.h"
#include "keytext.h"

#define QUESTIONS_MAX 32 /* keys that a MAC or an IP address may stand for */

/**
 * struct diff_walk - one call
 * @asked: @questions[@next] is on its way
 * @told: the row of the table as a whole was given
 * @since_ns: when it was asked, or when an answer last came
 */
struct diff_walk {
	struct mlag_question questions[QUESTIONS_MAX];
	uint32_t count;
	uint32_t next;
	bool asked;
	bool told;
	uint64_t since_ns;
};

static uint32_t next_id(void)
{
	static uint32_t id; /* of this daemon; never 0 */

	return ++id != 0 ? id : ++id;
}

static void add_question(struct diff_walk *walk, const struct mlag_row_key *key, bool has_key)
{
	if (walk->count < QUESTIONS_MAX) {
		walk->questions[walk->count].key = *key;
		walk->questions[walk->count].has_key = has_key;
		walk->count++;
	}
}

static bool add_tables(struct diff_walk *walk, const char *what)
{
	for (uint32_t i = MLAG_TABLE_LEGS; i < MLAG_TABLES_COUNT; i++) {
		struct mlag_row_key key = {.table = (enum mlag_table)i};
		const char *name = mlag_table_text(key.table);

		/* People know legs by their LAGs. */
		if (what == NULL || strcmp(what, name) == 0 ||
		    (i == MLAG_TABLE_LEGS && strcmp(what, "lags") == 0)) {
			add_question(walk, &key, false);
		}
	}
	return walk->count > 0;
}

static bool add_lag(const struct control_context *context, struct diff_walk *walk, const char *what)
{
	struct mlag_row_key key = {.table = MLAG_TABLE_LEGS};

	for (uint32_t i = 0; i < context->config->lags_count; i++) {
		if (strcmp(context->config->lags[i].ifname, what) == 0) {
			key.lag_id = context->config->lags[i].id;
			add_question(walk, &key, true);
		}
	}
	return walk->count > 0;
}

/* @vlan is -1 when none was given: then those in which the MAC is known here. */
static bool add_mac(const struct control_context *context, struct diff_walk *walk, const char *what,
		    int vlan)
{
	struct mlag_row_key key = {.table = MLAG_TABLE_MACS};
	uint8_t *o = key.mac.octets;
	struct mlag_mac_view mac;
	uint32_t cursor = 0;

	if (strlen(what) != 17 || what[strspn(what, "0123456789abcdefABCDEF:")] != '\0' ||
	    sscanf(what, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &o[0], &o[1], &o[2], &o[3], &o[4],
		   &o[5]) != 6 ||
	    (o[0] & 1) != 0) {
		return false;
	}
	while (vlan < 0 && mlag_next_mac(context->engine, &cursor, &mac)) {
		if (memcmp(&mac.key.mac, &key.mac, sizeof(key.mac)) == 0) {
			key.vlan = mac.key.vlan;
			add_question(walk, &key, true);
		}
	}
	if (walk->count == 0) {
		key.vlan = vlan < 0 ? 0 : (uint16_t)vlan;
		add_question(walk, &key, true);
	}
	return true;
}

static void add_addresses(const struct control_context *context, struct diff_walk *walk,
			  uint8_t family, const uint8_t *octets, int vlan)
{
	struct mlag_address_view address;
	uint32_t cursor = 0;

	while (mlag_next_address_view(context->engine, &cursor, &address)) {
		struct mlag_row_key key = {.table = MLAG_TABLE_ADDRESSES};

		if (address.key.family != family ||
		    memcmp(address.key.octets, octets, sizeof(address.key.octets)) != 0 ||
		    (vlan >= 0 && address.key.vlan != 0 && address.key.vlan != vlan)) {
			continue;
		}
		key.kind = address.key.kind;
		key.family = family;
		key.vlan = address.key.vlan;
		key.domain = address.key.domain;
		memcpy(key.octets, octets, sizeof(key.octets));
		add_question(walk, &key, true);
	}
}

static void add_neighbors(const struct control_context *context, struct diff_walk *walk,
			  uint8_t family, const uint8_t *octets, int vlan)
{
	struct mlag_neighbor_view neighbor;
	struct mlag_row_key key = {.table = MLAG_TABLE_NEIGHBORS, .family = family};
	uint32_t cursor = 0;

	memcpy(key.octets, octets, sizeof(key.octets));
	while (mlag_next_neighbor_view(context->engine, &cursor, &neighbor)) {
		if (neighbor.key.family == family &&
		    memcmp(neighbor.key.octets, octets, sizeof(key.octets)) == 0 &&
		    (vlan < 0 || neighbor.key.vlan == vlan)) {
			key.vlan = neighbor.key.vlan;
			key.kind = neighbor.key.device;
			add_question(walk, &key, true);
		}
	}
	if (walk->count == 0) {
		key.vlan = vlan < 0 ? 0 : (uint16_t)vlan;
		key.kind = MLAG_NEIGHBOR_ON_SVI;
		add_question(walk, &key, true);
	}
}

static bool add_ip(const struct control_context *context, struct diff_walk *walk, const char *what,
		   int vlan)
{
	uint8_t octets[16] = {0};
	uint8_t family = strchr(what, ':') != NULL ? 6 : 4;

	if (inet_pton(family == 6 ? AF_INET6 : AF_INET, what, octets) != 1) {
		return false;
	}
	add_addresses(context, walk, family, octets, vlan);
	add_neighbors(context, walk, family, octets, vlan);
	return true;
}

static int parse_vlan(struct control_call *call, int *ret_vlan)
{
	const json_t *value = json_object_get(call->params, "vlan");
	const char *text = json_string_value(value);
	char *end = NULL;
	long vlan;

	*ret_vlan = -1;
	if (value == NULL || json_is_null(value)) {
		return 0;
	}
	vlan = text != NULL ? strtol(text, &end, 10) : (long)json_integer_value(value);
	if ((text != NULL && (*text == '\0' || *end != '\0')) || vlan < 1 || vlan > 4094) {
		return control_call_fail(call, EINVAL, "bad-params",
					 "vlan: not a VLAN; allowed: a number from 1 to 4094");
	}
	*ret_vlan = (int)vlan;
	return 0;
}

int control_diff_begin(struct control_call *call, json_t **ret_result)
{
	const struct control_context *context = call->context;
	const char *what = json_string_value(json_object_get(call->params, "what"));
	struct diff_walk *walk = calloc(1, sizeof(*walk));
	int vlan;
	int r;

	(void)ret_result;
	if (walk == NULL) {
		return -ENOMEM;
	}
	call->state = walk;
	if (context->ask == NULL || context->answer == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon cannot ask its peer");
	}
	r = parse_vlan(call, &vlan);
	if (r < 0) {
		return r;
	}
	if (add_tables(walk, what) || add_lag(context, walk, what) ||
	    add_mac(context, walk, what, vlan) || add_ip(context, walk, what, vlan)) {
		return 0;
	}
	return control_call_fail(call, EINVAL, "bad-params",
				 "neither a table nor a key; allowed: legs, macs, addresses, "
				 "neighbors, the device of a LAG, a MAC or an IP address");
}

/* ---- rows ------------------------------------------------------------------------------------ */

static json_t *mac_json(const struct mlag_mac *mac)
{
	char text[18];

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac->octets[0],
		       mac->octets[1], mac->octets[2], mac->octets[3], mac->octets[4],
		       mac->octets[5]);
	return json_string(text);
}

static json_t *claim_json(enum mlag_table table, const struct mlag_claim_view *claim)
{
	if (!claim->present) {
		return json_null();
	}
	switch (table) {
	case MLAG_TABLE_LEGS:
		return json_pack("{s:I,s:b,s:b,s:b,s:I,s:I,s:o}", "sequence",
				 (json_int_t)claim->seq, "up", claim->up, "open", claim->open,
				 "lacp", claim->lacp, "generation", (json_int_t)claim->generation,
				 "enforced", (json_int_t)claim->enforced, "partner_mac",
				 mac_json(&claim->mac));
	case MLAG_TABLE_MACS:
		return json_pack("{s:I,s:o,s:b}", "sequence", (json_int_t)claim->seq, "lag_id",
				 claim->lag_id != 0 ? json_integer(claim->lag_id) : json_null(),
				 "static", claim->fixed);
	case MLAG_TABLE_ADDRESSES:
		return json_pack("{s:I,s:I}", "sequence", (json_int_t)claim->seq, "number",
				 (json_int_t)claim->domain);
	case MLAG_TABLE_NEIGHBORS:
		return json_pack("{s:I,s:o,s:b}", "sequence", (json_int_t)claim->seq, "mac",
				 mac_json(&claim->mac), "static", claim->fixed);
	case MLAG_TABLE_NONE:
	case MLAG_TABLES_COUNT:
		break;
	}
	return json_null();
}

static json_t *row_json(const struct mlag_row_view *row)
{
	enum mlag_table table = row->key.table;
	char text[MLAGD_KEY_TEXT_SIZE];
	json_t *peer = json_null();

	if (row->peer_told) {
		peer = json_pack("{s:o,s:o}", "own", claim_json(table, &row->peer_own), "heard",
				 claim_json(table, &row->peer_heard));
	}
	return json_pack("{s:s,s:s,s:o,s:{s:o,s:o},s:o}", "table", mlag_table_text(table), "key",
			 keytext_write(&row->key, text, sizeof(text)), "equal",
			 row->peer_told ? json_boolean(row->equal) : json_null(), "here", "own",
			 claim_json(table, &row->own), "heard", claim_json(table, &row->heard),
			 "peer", peer);
}

static json_t *sum_json(uint32_t count, uint64_t digest)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)digest);
	return json_pack("{s:I,s:s}", "count", (json_int_t)count, "digest", text);
}

/* The table as a whole: no key. */
static json_t *table_json(const struct control_context *context, enum mlag_table table)
{
	struct mlag_answer_view view;

	mlag_get_answer_view(context->engine, &view);
	return json_pack("{s:s,s:n,s:b,s:{s:o,s:o},s:{s:o,s:o}}", "table", mlag_table_text(table),
			 "key", "equal",
			 view.sent_digest == view.peer_heard_digest &&
				 view.heard_digest == view.peer_sent_digest,
			 "here", "own", sum_json(view.sent_count, view.sent_digest), "heard",
			 sum_json(view.heard_count, view.heard_digest), "peer", "own",
			 sum_json(view.peer_sent_count, view.peer_sent_digest), "heard",
			 sum_json(view.peer_heard_count, view.peer_heard_digest));
}

static int give(json_t *row, json_t **ret_row)
{
	*ret_row = row;
	return row != NULL ? 1 : -ENOMEM;
}

static int refuse(struct control_call *call)
{
	struct mlag_view view;

	mlag_get_view(((const struct control_context *)call->context)->engine, &view);
	return control_call_fail(call, ENOTCONN, "no-answer", "the peer cannot be asked: %s",
				 view.session != MLAG_SESSION_UP ? "there is no session with it"
								 : "it does not know the question");
}

static int wait_for(struct control_call *call, struct diff_walk *walk)
{
	const struct control_context *context = call->context;

	if (context->now_ns() - walk->since_ns > CONTROL_DIFF_PATIENCE_NS) {
		return control_call_fail(call, ETIMEDOUT, "no-answer",
					 "the peer does not answer the question");
	}
	return -EINPROGRESS;
}

static int ask(const struct control_context *context, struct diff_walk *walk)
{
	struct mlag_question *question = &walk->questions[walk->next];

	question->id = next_id();
	walk->asked = true;
	walk->told = false;
	walk->since_ns = context->now_ns();
	context->ask(context->user, question);
	return -EINPROGRESS;
}

int control_diff_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	struct diff_walk *walk = call->state;
	struct mlag_question *question = &walk->questions[walk->next];
	struct mlag_answer_view view;
	struct mlag_row_view row;

	if (walk->next == walk->count) {
		return 0;
	}
	if (!walk->asked) {
		return ask(context, walk);
	}
	mlag_get_answer_view(context->engine, &view);
	if (!question->has_key && !walk->told && view.told) {
		walk->told = true;
		return give(table_json(context, question->key.table), ret_row);
	}
	switch (context->answer(context->user, question->id, &row)) {
	case MLAG_ANSWER_NONE:
		return wait_for(call, walk);
	case MLAG_ANSWER_ROW:
		walk->since_ns = context->now_ns();
		return give(row_json(&row), ret_row);
	case MLAG_ANSWER_END:
		walk->next++;
		walk->asked = false;
		return -EAGAIN;
	case MLAG_ANSWER_ANOTHER:
		return control_call_fail(call, EBUSY, "busy",
					 "somebody else asks the peer at this moment");
	case MLAG_ANSWER_FAILED:
		break;
	}
	if (!question->has_key) {
		return refuse(call);
	}
	walk->next++;
	walk->asked = false;
	return give(row_json(&row), ret_row);
}
