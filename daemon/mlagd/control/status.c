// SPDX-License-Identifier: BSD-2-Clause
/*
 * The method `status` (DESIGN §6).  Healthy is what is proven: the verdict is peered, the session
 * is up, both members hold each other's tables, the tables are equal by their digests, the peer
 * link carries, and nobody has a problem to tell.  Whatever is missing of that is a problem with a
 * code of its own; mlagctl knows what to do about each.
 */
#include "control/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/gateways.h"
#include "kernel/addresses.h"
#include "kernel/links.h"
#include "kernel/neighbors.h"
#include "kernel/routes.h"

#define NS_PER_S INT64_C(1000000000)
#define PROBLEMS_MAX 128 /* told one by one; more are only counted */
#define LINK_PROBLEMS_MAX 96
#define ADDRESS_PROBLEMS_MAX 32
#define NEIGHBOR_PROBLEMS_MAX 4

json_t *control_mac_json(const struct mlag_mac *mac)
{
	static const struct mlag_mac none;
	const uint8_t *o = mac->octets;
	char text[18];

	if (memcmp(mac, &none, sizeof(none)) == 0) {
		return json_null();
	}
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4],
		 o[5]);
	return json_string(text);
}

__attribute__((format(printf, 3, 4))) static void add_problem(json_t *problems, const char *code,
							      const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (json_array_size(problems) < PROBLEMS_MAX) {
		json_array_append_new(problems, json_pack("{s:s,s:s}", "code", code, "text", text));
	} else if (json_array_size(problems) == PROBLEMS_MAX) {
		json_array_append_new(problems, json_pack("{s:s,s:s}", "code", "more-problems",
							  "text", "there are more problems"));
	}
}

static void add_session_problems(const struct mlag_view *view, json_t *problems)
{
	if (view->session == MLAG_SESSION_REFUSED) {
		add_problem(problems, "refused", "the session is refused by %s: %s",
			    view->refused_by_us ? "this member" : "the peer",
			    mlag_close_reason_text(view->close_reason));
	} else if (view->session != MLAG_SESSION_UP) {
		if (view->close_reason != MLAG_CLOSE_NONE) {
			add_problem(problems, "session-down",
				    "the session with the peer is down: %s",
				    mlag_close_reason_text(view->close_reason));
		} else {
			add_problem(problems, "session-down", "there is no session with the peer");
		}
	} else if (!view->synced) {
		add_problem(problems, "sync-pending",
			    "the tables of the two members are still being exchanged");
	} else if (view->fdb_pending > 0) {
		add_problem(problems, "sync-pending", "%u FDB entries are still to be programmed",
			    view->fdb_pending);
	} else if (view->neighbors_pending > 0) {
		add_problem(problems, "sync-pending", "%u neighbors are still to be programmed",
			    view->neighbors_pending);
	}
}

/* What is found of the peer beyond the session: each finding has a code of its own. */
static const struct {
	const char *code;
	const char *text;
} peer_problems[] = {
	[MLAG_PEER_FINDING_ENDED] = {"peer-ended", "the peer's daemon was stopped or killed: its "
						   "end closed the session, and it says nothing"},
	[MLAG_PEER_FINDING_HUNG] = {"peer-hung",
				    "the peer's daemon hangs: it fell silent on both paths at "
				    "once, and the peer link has carrier"},
	[MLAG_PEER_FINDING_SILENT] = {"peer-silent",
				      "nothing is heard of the peer, and the peer link has "
				      "carrier: its daemon hangs, or the paths pass nothing"},
	[MLAG_PEER_FINDING_DEAD] = {"peer-dead",
				    "the peer is dead: it fell silent on both paths at once, and "
				    "the peer link has no carrier"},
	[MLAG_PEER_FINDING_UNKNOWN] = {"peer-unknown",
				       "nothing is known of the peer: the peer link has no "
				       "carrier, and no other path tells whether it lives"},
	[MLAG_PEER_FINDING_LEFT] = {"peer-left", "the peer has left the pair"},
	[MLAG_PEER_FINDING_FENCED] = {"peer-fenced",
				      "the peer's daemon is dead, and its guard has taken its legs "
				      "down"},
};

static void add_peer_problem(const struct mlag_view *view, json_t *problems)
{
	uint32_t finding = (uint32_t)view->peer_finding;

	if (finding < sizeof(peer_problems) / sizeof(peer_problems[0]) &&
	    peer_problems[finding].code != NULL) {
		add_problem(problems, peer_problems[finding].code, "%s",
			    peer_problems[finding].text);
	}
}

/* Why no connection stands, as far as it is for what protects it. */
static const char *const security_codes[TLS_FAILURES_COUNT] = {
	[TLS_FAILURE_KEY] = "wrong-key",
	[TLS_FAILURE_IDENTITY] = "other-domain",
	[TLS_FAILURE_PLAINTEXT] = "peer-plaintext",
	[TLS_FAILURE_ENCRYPTED] = "peer-encrypted",
	[TLS_FAILURE_GARBAGE] = "peer-not-tls",
	[TLS_FAILURE_TAMPERED] = "tls-tampered",
	[TLS_FAILURE_CLOSED] = "tls-closed",
	[TLS_FAILURE_TIMEOUT] = "tls-timeout",
	[TLS_FAILURE_INTERNAL] = "tls-internal",
};

static const struct tls_counts *get_counts(const struct control_context *context)
{
	return context->security != NULL ? context->security(context->user) : NULL;
}

static void add_security_problem(const struct control_context *context,
				 const struct mlag_view *view, json_t *problems)
{
	const struct tls_counts *counts = get_counts(context);

	if (view->session != MLAG_SESSION_UP && counts != NULL &&
	    security_codes[counts->last] != NULL) {
		add_problem(problems, security_codes[counts->last], "%s",
			    tls_failure_text(counts->last));
	}
}

/* How the session is protected, and connections that failed for it. */
static json_t *make_security(const struct control_context *context)
{
	const struct tls_counts *counts = get_counts(context);
	json_t *failures = json_object();

	for (uint32_t i = 0; counts != NULL && i < TLS_FAILURES_COUNT; i++) {
		if (counts->count[i] > 0) {
			json_object_set_new(failures, tls_failure_word((enum tls_failure)i),
					    json_integer((json_int_t)counts->count[i]));
		}
	}
	return json_pack("{s:s,s:o}", "mode",
			 context->config->security == CONFIG_SECURITY_PSK ? "psk" : "none",
			 "failures", failures);
}

static void add_path_problem(const char *prefix, const char *name, enum mlag_path_finding finding,
			     json_t *problems)
{
	char code[64];

	switch (finding) {
	case MLAG_PATH_FINDING_NONE:
	case MLAG_PATH_FINDING_GOOD:
		return;
	case MLAG_PATH_FINDING_NO_CARRIER:
		snprintf(code, sizeof(code), "%s-down", prefix);
		add_problem(problems, code, "the %s is not usable: no carrier", name);
		return;
	case MLAG_PATH_FINDING_SILENT:
		snprintf(code, sizeof(code), "%s-silent", prefix);
		add_problem(problems, code, "the %s passes nothing: no hello is heard on it", name);
		return;
	case MLAG_PATH_FINDING_DEAF:
		snprintf(code, sizeof(code), "%s-one-way", prefix);
		add_problem(problems, code,
			    "the %s works one way only: the peer hears this member, but is not "
			    "heard",
			    name);
		return;
	case MLAG_PATH_FINDING_UNHEARD:
		snprintf(code, sizeof(code), "%s-one-way", prefix);
		add_problem(problems, code,
			    "the %s works one way only: the peer is heard, but does not hear this "
			    "member",
			    name);
		return;
	}
}

static void add_liveness_problems(const struct control_context *context,
				  const struct mlag_view *view, json_t *problems)
{
	char name[64];

	snprintf(name, sizeof(name), "peer link %s", context->config->link);
	add_peer_problem(view, problems);
	add_path_problem("peer-link", name, view->link_finding, problems);
	add_path_problem("backup", "backup path", view->backup_finding, problems);
}

static void add_table_problems(const char *name, const struct mlag_table_view *table, bool synced,
			       json_t *problems)
{
	if (synced && !table->match) {
		add_problem(problems, "tables-differ",
			    "the %s tables of the two members are not proven equal", name);
	}
	if (table->full) {
		add_problem(problems, "table-full",
			    "the %s table is full: entries are missing in it", name);
	}
}

#define FLAPS_NAMED_MAX 8 /* of more the number is enough */

/* R9: MACs whose moves are not followed now. */
static void add_flap_problems(const struct control_context *context, json_t *problems)
{
	struct mlag_flap_view flap;
	struct mlag_mac_view mac;
	uint32_t cursor = 0, count = 0;
	char place[IFNAMSIZ];

	while (mlag_next_flap(context->engine, &cursor, &flap)) {
		const uint8_t *octets = flap.key.mac.octets;
		bool known = mlag_get_mac(context->engine, &flap.key, &mac) &&
			     mac.entry.ifindex != 0 && context->links != NULL;

		if (count++ >= FLAPS_NAMED_MAX) {
			continue;
		}
		add_problem(problems, "mac-flapping",
			    "%02x:%02x:%02x:%02x:%02x:%02x in VLAN %u moved more than %u times in "
			    "10 s%s%s; its moves are not followed for 10 s",
			    octets[0], octets[1], octets[2], octets[3], octets[4], octets[5],
			    flap.key.vlan, flap.moves - 1, known ? ", last seen at " : "",
			    known ? links_ifname(context->links, mac.entry.ifindex, place) : "");
	}
	if (count > FLAPS_NAMED_MAX) {
		add_problem(problems, "mac-flapping", "%u more MACs move like that",
			    count - FLAPS_NAMED_MAX);
	}
}

/* Why the leg of a LAG is held, for people. */
static const char *const hold_texts[] = {
	[MLAG_HOLD_STARTING] =
		("it has not served since the start, and waits until the tables of the two "
		 "members are proven equal"),
	[MLAG_HOLD_SPLIT] = "the peer link is lost, and the primary's leg serves",
	[MLAG_HOLD_RESYNC] = "there is no session with the peer, and the primary's leg serves",
	[MLAG_HOLD_REJOIN] = "the peer link is back, and has to be stable for a while first",
	[MLAG_HOLD_DRAINED] = "somebody drained it",
	[MLAG_HOLD_REFUSED] = "its device takes no programs of the data plane; see the log",
};

static void add_hold_problem(const struct mlag_leg_view *leg, const char *name, json_t *problems)
{
	uint32_t hold = (uint32_t)leg->hold;

	if (hold < sizeof(hold_texts) / sizeof(hold_texts[0]) && hold_texts[hold] != NULL) {
		add_problem(problems, "leg-held", "LAG %u (%s) is out of service here: %s",
			    leg->lag_id, name, hold_texts[hold]);
	}
}

#define LEG_READY_LONG_NS UINT64_C(2000000000) /* many control round trips */

/* The device of a LAG, from the configuration: it has a name even when it does not exist. */
static void add_leg_problems(const struct control_context *context, json_t *problems)
{
	struct mlag_leg_view leg;

	for (uint32_t i = 0; mlag_get_leg(context->engine, i, &leg); i++) {
		const struct config_lag *lag = config_lag_by_id(context->config, leg.lag_id);

		const char *name = lag != NULL ? lag->ifname : "only on the peer";

		add_hold_problem(&leg, name, problems);

		if (leg.partner_elsewhere_lag_id != 0) {
			add_problem(problems, "lag-id-mismatch",
				    "LAG %u (%s): the peer has the same LACP partner under LAG %u; "
				    "the ids must agree",
				    leg.lag_id, name, leg.partner_elsewhere_lag_id);
		}
		if (leg.mode_differs) {
			add_problem(problems, "lag-mode-differs",
				    "LAG %u (%s): only one of the two legs speaks LACP", leg.lag_id,
				    name);
		}
		if (leg.state == MLAG_LEG_READY &&
		    context->now_ns() - leg.since_ns > LEG_READY_LONG_NS) {
			add_problem(problems, "floods-held",
				    "LAG %u (%s): broadcasts wait for the peer to acknowledge the "
				    "leg; only known unicast leaves here",
				    leg.lag_id, name);
		}
		if (leg.partner_differs) {
			add_problem(problems, "partner-differs",
				    "LAG %u (%s): the legs of the two members lead to different "
				    "LACP partners",
				    leg.lag_id, name);
		}
	}
}

/* The device is down because its leg is held: that is told already. */
static bool is_held(const struct control_context *context, uint16_t lag_id)
{
	struct mlag_leg_view leg;

	for (uint32_t i = 0; lag_id != 0 && mlag_get_leg(context->engine, i, &leg); i++) {
		if (leg.lag_id == lag_id) {
			return leg.hold != MLAG_HOLD_NONE;
		}
	}
	return false;
}

static void add_link_problems(const struct control_context *context, json_t *problems)
{
	struct links_problem *list = calloc(LINK_PROBLEMS_MAX, sizeof(*list));
	uint32_t count = 0;

	if (list == NULL) {
		return;
	}
	if (context->links != NULL) {
		count = links_problems(context->links, list, LINK_PROBLEMS_MAX);
	}
	if (context->port_problems != NULL) {
		count += context->port_problems(context->user, list + count,
						LINK_PROBLEMS_MAX - count);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!is_held(context, list[i].lag_id)) {
			add_problem(problems, list[i].code, "%s", list[i].text);
		}
	}
	free(list);
}

static void add_address_problems(const struct control_context *context, json_t *problems)
{
	struct addresses_problem list[ADDRESS_PROBLEMS_MAX];
	uint32_t count = 0;

	if (context->addresses != NULL) {
		count = addresses_problems(context->addresses, list, ADDRESS_PROBLEMS_MAX);
	}
	for (uint32_t i = 0; i < count; i++) {
		add_problem(problems, list[i].code, "%s", list[i].text);
	}
}

static void add_gateway_problems(const struct control_context *context,
				 const struct mlag_view *view, json_t *problems)
{
	struct control_gateway_problem problem;
	bool proven = view->session == MLAG_SESSION_UP && view->synced && view->addresses.match;

	if (context->redirects_failed != NULL && context->redirects_failed(context->user)) {
		add_problem(
			problems, "redirects-on",
			"ICMP redirects may leave the SVIs of %s: a setting or the filter there "
			"cannot be put in place, see the log",
			context->config->bridge);
	}
	for (uint32_t i = 0; control_gateway_problem(context, i, proven, &problem); i++) {
		if (problem.code != NULL) {
			add_problem(problems, problem.code, "%s", problem.text);
		}
	}
}

static void add_neighbor_problems(const struct control_context *context, json_t *problems)
{
	struct neighbors_problem list[NEIGHBOR_PROBLEMS_MAX];
	uint32_t count = 0;

	if (context->neighbors != NULL) {
		count = neighbors_problems(context->neighbors, list, NEIGHBOR_PROBLEMS_MAX);
	}
	for (uint32_t i = 0; i < count; i++) {
		add_problem(problems, list[i].code, "%s", list[i].text);
	}
}

static void add_last_resort_problems(const struct control_context *context, json_t *problems)
{
	const char *refused = context->routes != NULL ? routes_problem(context->routes) : NULL;

	if (mlag_last_resort_differs(context->engine)) {
		add_problem(problems, "last-resort-differs",
			    "[peer] last-resort is on here, and the peer does not take part");
	}
	if (refused != NULL) {
		add_problem(problems, "last-resort-refused",
			    "the kernel refuses a part of the last resort: %s", refused);
	}
}

/* One row a family, whether it is on or off. */
static json_t *make_last_resort(const struct control_context *context)
{
	json_t *list = json_array();
	struct mlag_last_resort resort;

	for (uint32_t i = 0; mlag_get_last_resort(context->engine, i, &resort); i++) {
		bool active = resort.state == MLAG_LAST_RESORT_ACTIVE;
		char text[INET6_ADDRSTRLEN], name[IFNAMSIZ];

		if (inet_ntop(resort.family == 4 ? AF_INET : AF_INET6, resort.octets, text,
			      sizeof(text)) == NULL) {
			active = false;
		}
		json_array_append_new(
			list,
			json_pack("{s:i,s:i,s:s,s:s?,s:s?,s:s}", "family", (int)resort.family,
				  "domain", 0, "state", mlag_last_resort_state_text(resort.state),
				  "next_hop", active ? text : NULL, "ifname",
				  active && context->links != NULL
					  ? links_ifname(context->links, resort.ifindex, name)
					  : NULL,
				  "because", resort.because));
	}
	return list;
}

/* Who watches over this daemon; a guard that was there and is not any more is missed. */
static const char *look_at_guard(const struct control_context *context, json_t *problems)
{
	bool was_there = false;
	enum lease_guard guard = context->guard != NULL ? context->guard(context->user, &was_there)
							: LEASE_GUARD_ABSENT;

	switch (guard) {
	case LEASE_GUARD_RUNNING:
		return "running";
	case LEASE_GUARD_FENCED:
		add_problem(problems, "fenced",
			    "mlag-guard has fenced this member while its daemon was dead or hung; "
			    "the legs come back when it is in sync");
		return "fenced";
	case LEASE_GUARD_ABSENT:
		break;
	}
	if (was_there) {
		add_problem(problems, "guard-absent",
			    "mlag-guard does not run any more: nobody watches over this daemon");
	}
	return "absent";
}

static json_t *make_problems(const struct control_context *context, const struct mlag_view *view)
{
	json_t *problems = json_array();
	bool synced = view->session == MLAG_SESSION_UP && view->synced;

	add_session_problems(view, problems);
	add_security_problem(context, view, problems);
	add_liveness_problems(context, view, problems);
	add_table_problems("MAC", &view->macs, synced, problems);
	add_table_problems("address", &view->addresses, synced, problems);
	add_table_problems("neighbor", &view->neighbors, synced, problems);
	add_table_problems("leg", &view->legs, synced, problems);
	add_flap_problems(context, problems);
	add_leg_problems(context, problems);
	add_link_problems(context, problems);
	add_address_problems(context, problems);
	add_gateway_problems(context, view, problems);
	add_last_resort_problems(context, problems);
	add_neighbor_problems(context, problems);
	if (view->verdict != MLAG_VERDICT_PEERED && json_array_size(problems) == 0) {
		add_problem(problems, "not-peered", "the verdict is %s",
			    mlag_verdict_text(view->verdict));
	}
	return problems;
}

/*
 * A time of the engine's clock in UTC.  The distance of the two clocks is kept as long as it holds
 * within half a second, so that the same moment is not told as two different seconds.
 */
static json_t *make_time(struct control_context *context, uint64_t time_ns)
{
	struct timespec wall;
	int64_t offset_ns, shift_ns;
	struct tm utc;
	time_t seconds;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &wall);
	offset_ns = (int64_t)wall.tv_sec * NS_PER_S + wall.tv_nsec - (int64_t)context->now_ns();
	shift_ns = offset_ns - context->wall_offset_ns;
	if (shift_ns > NS_PER_S / 2 || shift_ns < -NS_PER_S / 2) {
		context->wall_offset_ns = offset_ns;
	}
	seconds = (time_t)((context->wall_offset_ns + (int64_t)time_ns) / NS_PER_S);
	if (gmtime_r(&seconds, &utc) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
		return json_null();
	}
	return json_string(text);
}

static json_t *make_table(const struct mlag_table_view *table)
{
	return json_pack("{s:I,s:I,s:b,s:I}", "local", (json_int_t)table->local_count, "remote",
			 (json_int_t)table->remote_count, "match", table->match, "repaired",
			 (json_int_t)table->differences_count);
}

/* Connections to the peer that ended, by reason; those for which none did are left out. */
static json_t *make_closes(const struct mlag_view *view)
{
	static const char *const names[MLAG_CLOSE_REASONS_COUNT] = {
		[MLAG_CLOSE_NONE] = "none",
		[MLAG_CLOSE_VERSION] = "version",
		[MLAG_CLOSE_DOMAIN] = "domain",
		[MLAG_CLOSE_SYSTEM_MAC] = "system_mac",
		[MLAG_CLOSE_SAME_MEMBER] = "same_member",
		[MLAG_CLOSE_VLAN_MODE] = "vlan_mode",
		[MLAG_CLOSE_MALFORMED] = "malformed",
		[MLAG_CLOSE_UNEXPECTED] = "unexpected",
		[MLAG_CLOSE_TIMEOUT] = "timeout",
		[MLAG_CLOSE_GOODBYE] = "goodbye",
		[MLAG_CLOSE_TRANSPORT] = "transport",
		[MLAG_CLOSE_RECONFIGURED] = "reconfigured",
		[MLAG_CLOSE_LIMIT] = "table_full",
	};
	json_t *closes = json_object();

	for (uint32_t i = 0; i < MLAG_CLOSE_REASONS_COUNT; i++) {
		if (view->closes[i] > 0 && names[i] != NULL) {
			json_object_set_new(closes, names[i],
					    json_integer((json_int_t)view->closes[i]));
		}
	}
	return closes;
}

/* A path is alive when something is heard on it; whether both ways, the finding says. */
static const char *path_text(enum mlag_path_finding finding)
{
	switch (finding) {
	case MLAG_PATH_FINDING_NONE:
		return "none";
	case MLAG_PATH_FINDING_GOOD:
	case MLAG_PATH_FINDING_UNHEARD:
		return "alive";
	case MLAG_PATH_FINDING_NO_CARRIER:
	case MLAG_PATH_FINDING_SILENT:
	case MLAG_PATH_FINDING_DEAF:
		break;
	}
	return "dead";
}

int control_status(struct control_call *call, json_t **ret_result)
{
	struct control_context *context = call->context;
	struct mlag_view view = {0};
	json_t *problems, *peer, *result;
	const char *guard;
	bool up;

	mlag_get_view(context->engine, &view);
	up = view.session == MLAG_SESSION_UP;
	problems = make_problems(context, &view);
	guard = look_at_guard(context, problems);
	peer = json_pack("{s:s,s:{s:s,s:s},s:o,s:s?,s:o,s:o}", "session", up ? "up" : "down",
			 "paths", "peer_link", path_text(view.link_finding), "backup",
			 path_text(view.backup_finding), "member_id",
			 view.peer_known ? control_mac_json(&view.peer_member_id) : json_null(),
			 "version", view.peer_known ? view.peer_version : NULL, "closes",
			 make_closes(&view), "security", make_security(context));
	result = json_pack("{s:s,s:i,s:s,s:s,s:o,s:s?,s:s?,s:I,s:s,s:o,s:o,s:o,s:{s:s,s:b,s:b},"
			   "s:{s:s,s:s,s:s},s:{s:o,s:o,s:o,s:o},s:o,s:s}",
			   "version", MLAG_VERSION, "domain", (int)context->config->domain_id,
			   "role", mlag_role_text(view.role), "verdict",
			   mlag_verdict_text(view.verdict), "since",
			   make_time(context, view.verdict_since_ns), "because",
			   view.verdict_because, "next", view.verdict_next, "role_epoch",
			   (json_int_t)view.role_epoch, "health",
			   json_array_size(problems) == 0 ? "ok" : "degraded", "problems", problems,
			   "member_id", control_mac_json(&view.member_id), "peer", peer,
			   "peer_link", "ifname", context->config->link, "carrier",
			   view.peer_link_carrier, "usable", view.peer_link_usable, "findings",
			   "peer", mlag_peer_finding_text(view.peer_finding), "peer_link",
			   mlag_path_finding_text(view.link_finding), "backup",
			   mlag_path_finding_text(view.backup_finding), "sync", "macs",
			   make_table(&view.macs), "neighbors", make_table(&view.neighbors),
			   "addresses", make_table(&view.addresses), "legs", make_table(&view.legs),
			   "last_resort", make_last_resort(context), "guard", guard);
	if (result == NULL) {
		return -ENOMEM;
	}
	*ret_result = result;
	return 0;
}
