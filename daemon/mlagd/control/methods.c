// SPDX-License-Identifier: BSD-2-Clause
/*
 * The methods of the control socket but `status`: lists made a row at a time from the views of the
 * engine and the counters of the data plane, `reload` and `role`.  The server (server.c) calls them; they
 * read, and touch no socket.
 */
#include "control/methods.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/diff.h"
#include "control/explain.h"
#include "control/gateways.h"
#include "control/record.h"
#include "control/status.h"
#include "datapath/datapath.h"
#include "kernel/links.h"

#define MAC_LOOKS_PER_CALL_MAX 2048	 /* rows of the MAC table looked at before others may run */
#define ADDRESS_LOOKS_PER_CALL_MAX 2048	 /* the same of the address table */
#define NEIGHBOR_LOOKS_PER_CALL_MAX 2048 /* the same of the table of neighbours */
#define RELOAD_LINES_MAX 64
#define DUAL_REFRESH_ROWS 256 /* how long the set of dual LAGs is believed */

/* "bond1", or null for no device. */
static json_t *ifname_json(const struct control_context *context, uint32_t ifindex)
{
	char name[IFNAMSIZ];

	if (ifindex == 0 || context->links == NULL) {
		return json_null();
	}
	return json_string(links_ifname(context->links, ifindex, name));
}

/* ---- lags ---- */

static bool leg_is_up(const struct mlag_leg_view *leg)
{
	return leg->state == MLAG_LEG_READY || leg->state == MLAG_LEG_OPEN;
}

static const char *lag_state(const struct mlag_leg_view *leg)
{
	if (leg->held) {
		return "held";
	}
	switch (leg->state) {
	case MLAG_LEG_NONE:
	case MLAG_LEG_DOWN:
		return leg->peer_up ? "peer-only" : "down";
	case MLAG_LEG_PENDING:
	case MLAG_LEG_READY:
		return "pending";
	case MLAG_LEG_OPEN:
		/* To two different partners it is not one LAG. */
		return leg->peer_open && !leg->partner_differs && !leg->mode_differs &&
				       leg->partner_elsewhere_lag_id == 0
			       ? "dual"
			       : "local-only";
	}
	return "down";
}

static int lags_begin(struct control_call *call, json_t **ret_result)
{
	(void)call;
	(void)ret_result;
	return 0;
}

static int lags_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	const struct config_lag *lag;
	struct mlag_leg_view leg = {0};
	bool taken;

	if (!mlag_get_leg(context->engine, call->cursor, &leg)) {
		return 0;
	}
	call->cursor++;
	taken = leg.hold == MLAG_HOLD_NONE && context->fenced != NULL &&
		context->fenced(context->user, leg.lag_id);
	lag = config_lag_by_id(context->config, leg.lag_id);
	*ret_row = json_pack("{s:s?,s:i,s:b,s:b,s:b,s:s,s:s?,s:o}", "ifname",
			     lag != NULL ? lag->ifname : NULL, "id", (int)leg.lag_id, "local_up",
			     leg_is_up(&leg), "peer_up", leg.peer_up, "isolated", leg.isolated,
			     "state", taken ? "held" : lag_state(&leg), "held_reason",
			     taken			  ? "fenced"
			     : leg.hold != MLAG_HOLD_NONE ? mlag_hold_text(leg.hold)
							  : NULL,
			     "partner_mac", control_mac_json(&leg.partner_mac));
	return *ret_row != NULL ? 1 : -ENOMEM;
}

/* ---- macs ---- */

/**
 * struct mac_walk - a walk over the MAC table
 * @vlan_wanted, @lag_wanted, @mac_wanted: the filter counts
 * @rows: until the set of dual LAGs is read again
 * @dual: bit n is set when both legs of LAG n are up
 */
struct mac_walk {
	bool vlan_wanted;
	bool lag_wanted;
	bool mac_wanted;
	uint16_t vlan;
	uint16_t lag_id;
	struct mlag_mac mac;
	uint32_t rows;
	uint8_t dual[65536 / 8];
};

static bool parse_number(const char *text, uint32_t max, uint16_t *ret)
{
	uint32_t value = 0;

	if (*text == '\0' || strlen(text) > 5) {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			return false;
		}
		value = value * 10 + (uint32_t)(*text - '0');
	}
	*ret = (uint16_t)value;
	return value <= max;
}

static int parse_vlan(struct control_call *call, struct mac_walk *walk, const char *text)
{
	if (!parse_number(text, 4094, &walk->vlan) || walk->vlan == 0) {
		return control_call_fail(call, EINVAL, "bad-params",
					 "vlan: not a VLAN; allowed: a number from 1 to 4094");
	}
	walk->vlan_wanted = true;
	return 0;
}

/* A LAG by its device or its number. */
static int parse_lag(struct control_call *call, struct mac_walk *walk, const char *text)
{
	const struct control_context *context = call->context;

	walk->lag_wanted = true;
	for (uint32_t i = 0; i < context->config->lags_count; i++) {
		if (strcmp(context->config->lags[i].ifname, text) == 0) {
			walk->lag_id = context->config->lags[i].id;
			return 0;
		}
	}
	if (parse_number(text, 65535, &walk->lag_id) && walk->lag_id != 0) {
		return 0;
	}
	return control_call_fail(call, EINVAL, "bad-params",
				 "lag: there is no such LAG here; allowed: a device with a [lag] "
				 "section, or a number from 1 to 65535");
}

static int parse_mac(struct control_call *call, struct mac_walk *walk, const char *text)
{
	uint8_t *o = walk->mac.octets;
	int used = 0;

	if (strlen(text) != 17 || text[strspn(text, "0123456789abcdefABCDEF:")] != '\0' ||
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &o[0], &o[1], &o[2], &o[3], &o[4],
		   &o[5], &used) != 6 ||
	    used != 17) {
		return control_call_fail(call, EINVAL, "bad-params",
					 "mac: not a MAC address; allowed: such as "
					 "44:38:39:ff:00:01");
	}
	walk->mac_wanted = true;
	return 0;
}

static int parse_filter(struct control_call *call, struct mac_walk *walk)
{
	static const struct {
		const char *name;
		int (*parse)(struct control_call *call, struct mac_walk *walk, const char *text);
	} filters[] = {{"vlan", parse_vlan}, {"lag", parse_lag}, {"mac", parse_mac}};
	char number[16];

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		const json_t *value = json_object_get(call->params, filters[i].name);
		const char *text = json_string_value(value);
		int r;

		if (value == NULL || json_is_null(value)) {
			continue;
		}
		if (json_is_integer(value)) {
			snprintf(number, sizeof(number), "%lld",
				 (long long)json_integer_value(value));
			text = number;
		}
		r = filters[i].parse(call, walk, text != NULL ? text : "");
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int macs_begin(struct control_call *call, json_t **ret_result)
{
	struct mac_walk *walk = calloc(1, sizeof(*walk));

	(void)ret_result;
	if (walk == NULL) {
		return -ENOMEM;
	}
	call->state = walk;
	return parse_filter(call, walk);
}

static void refresh_dual(const struct control_context *context, struct mac_walk *walk)
{
	struct mlag_leg_view leg;

	memset(walk->dual, 0, sizeof(walk->dual));
	for (uint32_t i = 0; mlag_get_leg(context->engine, i, &leg); i++) {
		if (leg_is_up(&leg) && leg.peer_up) {
			walk->dual[leg.lag_id / 8] |= (uint8_t)(1U << (leg.lag_id % 8));
		}
	}
	walk->rows = DUAL_REFRESH_ROWS;
}

static bool mac_wanted(const struct mac_walk *walk, const struct mlag_mac_view *mac)
{
	return (mac->own || mac->peer) && (!walk->vlan_wanted || mac->key.vlan == walk->vlan) &&
	       (!walk->lag_wanted || mac->lag_id == walk->lag_id) &&
	       (!walk->mac_wanted || memcmp(&mac->key.mac, &walk->mac, sizeof(walk->mac)) == 0);
}

static const char *origin_text(bool own, bool peer)
{
	if (own && peer) {
		return "both";
	}
	return own ? "local" : "peer";
}

static json_t *vlan_json(uint16_t vlan)
{
	return vlan != 0 ? json_integer(vlan) : json_null();
}

static json_t *make_mac(const struct control_context *context, const struct mac_walk *walk,
			const struct mlag_mac_view *mac)
{
	bool dual = (walk->dual[mac->lag_id / 8] >> (mac->lag_id % 8)) & 1;

	return json_pack("{s:o,s:o,s:o,s:s,s:s,s:o}", "mac", control_mac_json(&mac->key.mac),
			 "vlan", vlan_json(mac->key.vlan), "ifname",
			 ifname_json(context, mac->entry.ifindex), "origin",
			 origin_text(mac->own, mac->peer), "attached", dual ? "dual" : "orphan",
			 "lag_id", mac->lag_id != 0 ? json_integer(mac->lag_id) : json_null());
}

static int macs_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	struct mac_walk *walk = call->state;
	struct mlag_mac_view mac;

	for (uint32_t i = 0; i < MAC_LOOKS_PER_CALL_MAX; i++) {
		if (!mlag_next_mac(context->engine, &call->cursor, &mac)) {
			return 0;
		}
		if (!mac_wanted(walk, &mac)) {
			continue;
		}
		if (walk->rows == 0) {
			refresh_dual(context, walk);
		}
		walk->rows--;
		*ret_row = make_mac(context, walk, &mac);
		return *ret_row != NULL ? 1 : -ENOMEM;
	}
	return -EAGAIN;
}

/* ---- addresses ---- */

static int addresses_begin(struct control_call *call, json_t **ret_result)
{
	(void)call;
	(void)ret_result;
	return 0;
}

static json_t *make_address_text(const struct mlag_address_key *key)
{
	char text[INET6_ADDRSTRLEN];
	struct mlag_mac mac;

	if (key->kind == MLAG_ADDRESS_ROUTER_MAC) {
		memcpy(mac.octets, key->octets, sizeof(mac.octets));
		return control_mac_json(&mac);
	}
	if (inet_ntop(key->family == 4 ? AF_INET : AF_INET6, key->octets, text, sizeof(text)) ==
	    NULL) {
		return json_null();
	}
	return json_string(text);
}

/* A link-local address is in a VLAN, and in no routing domain. */
static json_t *make_address(const struct mlag_address_view *address)
{
	const struct mlag_address_key *key = &address->key;
	uint32_t domain = key->kind == MLAG_ADDRESS_IP ? key->domain : address->domain;

	return json_pack("{s:s,s:o,s:o,s:o,s:s}", "kind",
			 mlag_address_kind_text((enum mlag_address_kind)key->kind), "address",
			 make_address_text(key), "vlan", vlan_json(key->vlan), "domain",
			 key->kind != MLAG_ADDRESS_LINK_LOCAL ? json_integer(domain) : json_null(),
			 "origin", origin_text(address->own, address->peer));
}

static int addresses_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	struct mlag_address_view address;

	for (uint32_t i = 0; i < ADDRESS_LOOKS_PER_CALL_MAX; i++) {
		if (!mlag_next_address_view(context->engine, &call->cursor, &address)) {
			return 0;
		}
		if (address.own || address.peer) {
			*ret_row = make_address(&address);
			return *ret_row != NULL ? 1 : -ENOMEM;
		}
	}
	return -EAGAIN;
}

/* ---- neighbors ---- */

/* "vlan" and "mac" as for MACs; a LAG has no neighbours. */
static int neighbors_begin(struct control_call *call, json_t **ret_result)
{
	struct mac_walk *walk;
	int r = macs_begin(call, ret_result);

	walk = call->state;
	if (r == 0 && walk->lag_wanted) {
		return control_call_fail(call, EINVAL, "bad-params",
					 "lag: neighbors are not filtered by LAG");
	}
	return r;
}

static bool neighbor_wanted(const struct mac_walk *walk, const struct mlag_neighbor_view *neighbor)
{
	return (!walk->vlan_wanted || neighbor->key.vlan == walk->vlan) &&
	       (!walk->mac_wanted || memcmp(&neighbor->mac, &walk->mac, sizeof(walk->mac)) == 0);
}

/* What the kernel here holds: "heard" is what it has from the peer alone, not verified. */
static const char *neighbor_state(const struct mlag_neighbor_view *neighbor)
{
	return neighbor->entry.marked && !neighbor->own
		       ? "heard"
		       : mlag_neighbor_state_text(neighbor->entry.state);
}

static json_t *make_neighbor(const struct control_context *context,
			     const struct mlag_neighbor_view *neighbor)
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(neighbor->key.family == 4 ? AF_INET : AF_INET6, neighbor->key.octets, text,
			sizeof(text));
	return json_pack("{s:s,s:o,s:o,s:o,s:s,s:s,s:s}", "ip", text, "mac",
			 control_mac_json(&neighbor->mac), "vlan", vlan_json(neighbor->key.vlan),
			 "ifname", ifname_json(context, neighbor->ifindex), "device",
			 mlag_neighbor_device_text((enum mlag_neighbor_device)neighbor->key.device),
			 "origin", origin_text(neighbor->own, neighbor->peer), "state",
			 neighbor_state(neighbor));
}

static int neighbors_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	struct mlag_neighbor_view neighbor;

	for (uint32_t i = 0; i < NEIGHBOR_LOOKS_PER_CALL_MAX; i++) {
		if (!mlag_next_neighbor_view(context->engine, &call->cursor, &neighbor)) {
			return 0;
		}
		if (neighbor_wanted(call->state, &neighbor)) {
			*ret_row = make_neighbor(context, &neighbor);
			return *ret_row != NULL ? 1 : -ENOMEM;
		}
	}
	return -EAGAIN;
}

/* ---- counters ---- */

struct counter_row {
	uint32_t ifindex;
	enum mlag_reason reason;
	uint64_t packets;
	uint64_t bytes;
};

struct counter_list {
	uint32_t count;
	struct counter_row rows[MLAG_MAP_COUNTERS_MAX];
};

static const struct {
	const char *text;
	const char *rule;
	bool expected;
} reasons[MLAG_REASONS_COUNT] = {
#define REASON(symbol, reason_text, reason_rule, reason_expected) \
	[symbol] = {reason_text, reason_rule, reason_expected},
	MLAG_REASONS(REASON)
#undef REASON
};

static void add_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
			uint64_t bytes)
{
	struct counter_list *list = user;

	if (list->count == MLAG_MAP_COUNTERS_MAX || (uint32_t)reason >= MLAG_REASONS_COUNT) {
		return; /* the map holds no more than that */
	}
	list->rows[list->count++] = (struct counter_row){ifindex, reason, packets, bytes};
}

static int compare_counters(const void *left, const void *right)
{
	const struct counter_row *a = left, *b = right;

	if (a->ifindex != b->ifindex) {
		return a->ifindex < b->ifindex ? -1 : 1;
	}
	return (a->reason > b->reason) - (a->reason < b->reason);
}

static int counters_begin(struct control_call *call, json_t **ret_result)
{
	const struct control_context *context = call->context;
	struct counter_list *list;
	int r;

	(void)ret_result;
	if (context->datapath == NULL) {
		return 0;
	}
	list = calloc(1, sizeof(*list));
	if (list == NULL) {
		return -ENOMEM;
	}
	call->state = list;
	r = datapath_counters(context->datapath, add_counter, list);
	if (r < 0) {
		return control_call_fail(call, -r, "datapath", "the counters cannot be read: %s",
					 strerror(-r));
	}
	qsort(list->rows, list->count, sizeof(list->rows[0]), compare_counters);
	return 0;
}

static int counters_row(struct control_call *call, json_t **ret_row)
{
	const struct control_context *context = call->context;
	const struct counter_list *list = call->state;
	const struct counter_row *row;

	if (list == NULL || call->cursor == list->count) {
		return 0;
	}
	row = &list->rows[call->cursor++];
	*ret_row = json_pack("{s:o,s:s,s:s?,s:I,s:I,s:b}", "ifname",
			     ifname_json(context, row->ifindex), "reason",
			     reasons[row->reason].text, "rule",
			     *reasons[row->reason].rule != '\0' ? reasons[row->reason].rule : NULL,
			     "packets", (json_int_t)row->packets, "bytes", (json_int_t)row->bytes,
			     "expected", reasons[row->reason].expected);
	return *ret_row != NULL ? 1 : -ENOMEM;
}

/* ---- reload ---- */

struct reload_report {
	struct control_call *call;
	json_t *warnings;
	json_t *changes;
	uint32_t errors;
};

static void on_report(void *user, enum config_severity severity, const char *text)
{
	struct reload_report *report = user;

	if (severity == CONFIG_SEVERITY_ERROR) {
		report->errors++;
		control_call_add_line(report->call, text);
	} else if (severity == CONFIG_SEVERITY_NOTE) {
		if (json_array_size(report->changes) < RELOAD_LINES_MAX) {
			json_array_append_new(report->changes, json_string(text));
		}
	} else if (json_array_size(report->warnings) < RELOAD_LINES_MAX) {
		json_array_append_new(report->warnings, json_string(text));
	}
}

static int reload_begin(struct control_call *call, json_t **ret_result)
{
	struct control_context *context = call->context;
	struct reload_report report = {.call = call};
	int r;

	if (context->reload == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon cannot reload");
	}
	report.warnings = json_array();
	report.changes = json_array();
	r = context->reload(context->user, on_report, &report);
	if (r < 0) {
		json_decref(report.warnings);
		json_decref(report.changes);
		if (report.errors > 0) {
			return control_call_fail(call, -r, "config",
						 "nothing was changed: the file has %u error%s",
						 report.errors, report.errors == 1 ? "" : "s");
		}
		return control_call_fail(call, -r, "reload", "nothing was changed: %s",
					 strerror(-r));
	}
	*ret_result = json_pack("{s:b,s:o,s:o}", "applied", 1, "warnings", report.warnings,
				"changes", report.changes);
	return *ret_result != NULL ? 0 : -ENOMEM;
}

/* ---- role ---- */

static int role_begin(struct control_call *call, json_t **ret_result)
{
	struct control_context *context = call->context;
	const char *wanted = json_string_value(json_object_get(call->params, "role"));
	const char *because = NULL;
	struct mlag_view before = {0};
	struct mlag_view view = {0};
	int r;

	if (wanted == NULL || strcmp(wanted, "primary") != 0) {
		return control_call_fail(
			call, EINVAL, "bad-params",
			"role: allowed: primary; the other member is secondary then");
	}
	if (context->promote == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon cannot change its role");
	}
	mlag_get_view(context->engine, &before);
	r = context->promote(context->user, &because);
	if (r < 0) {
		return control_call_fail(call, -r, "role", "the role stays %s: %s",
					 mlag_role_text(before.role),
					 because != NULL ? because : strerror(-r));
	}
	mlag_get_view(context->engine, &view);
	*ret_result = json_pack("{s:s,s:I,s:b}", "role", mlag_role_text(view.role), "role_epoch",
				(json_int_t)view.role_epoch, "changed", view.role != before.role);
	return *ret_result != NULL ? 0 : -ENOMEM;
}

/* ---- leave ---- */

static int leave_rows_begin(struct control_call *call, json_t **ret_result)
{
	struct control_context *context = call->context;
	uint32_t *failures = calloc(1, sizeof(*failures));
	int r;

	(void)ret_result;
	if (failures == NULL) {
		return -ENOMEM;
	}
	call->state = failures;
	if (context->leave == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon cannot leave");
	}
	r = context->leave(context->user);
	if (r < 0) {
		return control_call_fail(call, -r, "leave", "nothing was changed: %s",
					 strerror(-r));
	}
	return 0;
}

/* A row for each thing that was done; when something stays, the end is an error. */
static int leave_row(struct control_call *call, json_t **ret_row)
{
	struct control_context *context = call->context;
	uint32_t *failures = call->state;
	struct control_leave_step step;
	int r = context->leave_step(context->user, call->cursor, &step);

	if (r == 0 && *failures > 0) {
		return control_call_fail(call, EIO, "leave",
					 "this member has left, but not everything could be taken "
					 "back; see the steps above and the log");
	}
	if (r <= 0) {
		return r;
	}
	call->cursor++;
	*failures += step.error < 0;
	*ret_row = json_pack("{s:s,s:b,s:s,s:s?}", "step", step.name, "done", step.error == 0,
			     "text", step.text, "error",
			     step.error < 0 ? strerror(-step.error) : NULL);
	return *ret_row != NULL ? 1 : -ENOMEM;
}

/* ---- drain, undrain ---- */

/* The LAG that is meant: 0 for all. */
static int parse_drained(struct control_call *call, uint16_t *ret_lag_id)
{
	const char *text = json_string_value(json_object_get(call->params, "lag"));
	const struct control_context *context = call->context;
	struct mac_walk *walk;
	int r;

	*ret_lag_id = 0;
	if (text == NULL || strcmp(text, "all") == 0) {
		return 0;
	}
	walk = calloc(1, sizeof(*walk));
	if (walk == NULL) {
		return -ENOMEM;
	}
	r = parse_lag(call, walk, text);
	*ret_lag_id = walk->lag_id;
	free(walk);
	if (r == 0 && config_lag_by_id(context->config, *ret_lag_id) == NULL) {
		r = control_call_fail(call, EINVAL, "bad-params", "lag: there is no LAG %u here",
				      *ret_lag_id);
	}
	return r;
}

static int drain(struct control_call *call, bool on, json_t **ret_result)
{
	struct control_context *context = call->context;
	bool force = json_is_true(json_object_get(call->params, "force"));
	const char *because = NULL;
	const struct config_lag *lag;
	uint16_t lag_id, failed_id = 0;
	json_t *list;
	int r = parse_drained(call, &lag_id);

	if (r < 0) {
		return r;
	}
	if (context->drain == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon cannot hold legs");
	}
	r = context->drain(context->user, lag_id, on, force, &failed_id, &because);
	if (r < 0) {
		lag = config_lag_by_id(context->config, failed_id);
		return control_call_fail(call, -r, "drain", "nothing was changed: LAG %u (%s): %s",
					 failed_id, lag != NULL ? lag->ifname : "?", because);
	}
	list = json_array();
	for (uint32_t i = 0; i < context->config->lags_count; i++) {
		if (lag_id == 0 || context->config->lags[i].id == lag_id) {
			json_array_append_new(list, json_string(context->config->lags[i].ifname));
		}
	}
	*ret_result = json_pack("{s:b,s:o}", "drained", on, "lags", list);
	return *ret_result != NULL ? 0 : -ENOMEM;
}

static int drain_begin(struct control_call *call, json_t **ret_result)
{
	return drain(call, true, ret_result);
}

static int undrain_begin(struct control_call *call, json_t **ret_result)
{
	return drain(call, false, ret_result);
}

const struct control_method control_methods[] = {
	{"status", control_status, NULL},
	{"lags", lags_begin, lags_row},
	{"macs", macs_begin, macs_row},
	{"neighbors", neighbors_begin, neighbors_row},
	{"addresses", addresses_begin, addresses_row},
	{"gateways", control_gateways_begin, control_gateways_row},
	{"counters", counters_begin, counters_row},
	{"explain", control_explain, NULL},
	{"record", control_record_begin, control_record_row},
	{"diff", control_diff_begin, control_diff_row},
	{"reload", reload_begin, NULL},
	{"role", role_begin, NULL},
	{"leave", leave_rows_begin, leave_row},
	{"drain", drain_begin, NULL},
	{"undrain", undrain_begin, NULL},
	{NULL, NULL, NULL},
};
