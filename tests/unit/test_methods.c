// SPDX-License-Identifier: BSD-2-Clause
/*
 * The methods of the control socket on a real engine: the JSON has the keys of the contract, and
 * nothing is called healthy that is not proven.
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

#include "control/gateways.h"
#include "control/methods.h"
#include "hello.h"
#include "kernel/gatewayplan.h"

#define SECOND_NS UINT64_C(1000000000)

static const char file[] = "[domain]\nsystem-mac = 44:38:39:ff:00:01\nid = 5\nbridge = br0\n"
			   "[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\n"
			   "security = none\nlast-resort = on\n[lag bond1]\nid = 7\n"
			   "[gateway vlan10]\nmac = 00:00:5e:00:01:01\naddress = 10.1.0.1/24\n";

static struct config config;
static struct control_context context;
static struct mlag_engine *engine;
static uint64_t now_ns = SECOND_NS;
static int reload_result;

static uint64_t fake_now(void)
{
	return now_ns;
}

static int fake_reload(void *user, config_error_fn *report, void *report_user)
{
	(void)user;
	report(report_user, CONFIG_SEVERITY_WARNING, "F:1: warning: w");
	if (reload_result == -EINVAL) {
		report(report_user, CONFIG_SEVERITY_ERROR, "F:2: e");
	}
	return reload_result;
}

/* One gateway, whose state a test may change. */
static struct gatewayplan_wanted gateway_wanted = {
	.svi = "vlan10",
	.device = "vlan10-gw",
	.mac = {{0, 0, 0x5e, 0, 1, 1}},
	.addresses_count = 2,
	.addresses = {{4, 24, {10, 1, 0, 1}}, {6, 64, {0xfe, 0x80, [15] = 1}}},
};
static struct gatewayplan_seen gateway_seen;
static struct gatewayplan_view gateway;

static bool fake_gateway(void *user, uint32_t index, struct gatewayplan_view *ret_view)
{
	(void)user;
	*ret_view = gateway;
	return index == 0;
}

static void step(const struct mlag_event *event)
{
	static struct mlag_effects effects;

	mlag_step(engine, event, now_ns, &effects);
}

static int setup(void **state)
{
	struct mlag_config engine_config = {
		.system_mac = {{0x44, 0x38, 0x39, 0xff, 0, 1}},
		.domain_id = 5,
		.hello_interval_ns = SECOND_NS / 10,
		.dead_multiplier = 3,
		.restart_hold_ns = 3 * SECOND_NS,
		.startup_wait_ns = 5 * SECOND_NS,
		.boot_id = 1,
		.hash_seed = 1,
		.macs_max = 1024,
	};
	struct mlag_event configure = {.type = MLAG_EVENT_LEG_CONFIGURE, .leg_configure.lag_id = 7};

	(void)state;
	assert_int_equal(config_parse("F", file, strlen(file), &config, NULL, NULL, NULL), 0);
	engine = mlag_engine_init(calloc(1, mlag_engine_size(&engine_config)), &engine_config,
				  now_ns);
	step(&configure);
	context = (struct control_context){.engine = engine,
					   .config = &config,
					   .now_ns = fake_now,
					   .reload = fake_reload,
					   .gateway = fake_gateway};
	memset(&gateway_seen, 0, sizeof(gateway_seen));
	gateway = (struct gatewayplan_view){.wanted = &gateway_wanted,
					    .seen = &gateway_seen,
					    .state = GATEWAYPLAN_STATE_WAITING,
					    .reason = "vlan10 does not exist"};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(engine);
	return 0;
}

static const struct control_method *find_method(const char *name)
{
	const struct control_method *method = control_methods;

	while (method->name != NULL && strcmp(method->name, name) != 0) {
		method++;
	}
	assert_non_null(method->name);
	return method;
}

static void end_call(struct control_call *call)
{
	free(call->error_code);
	free(call->error_text);
	json_decref(call->error_lines);
	free(call->state);
}

/* Runs a method to its end: the result, or the list of its rows; NULL when it fails. */
static json_t *run(const char *name, const json_t *params, const char *code)
{
	const struct control_method *method = find_method(name);
	struct control_call call = {.context = &context, .params = params};
	json_t *result = NULL, *row = NULL;
	int r = method->begin(&call, &result);

	if (r == 0 && method->row != NULL) {
		result = json_array();
		while ((r = method->row(&call, &row)) != 0) {
			assert_true(r == 1 || r == -EAGAIN);
			if (r == 1) {
				json_array_append_new(result, row);
			}
		}
	}
	if (code != NULL) {
		assert_true(r < 0);
		assert_string_equal(call.error_code, code);
	} else {
		assert_int_equal(r, 0);
	}
	end_call(&call);
	return result;
}

static bool has_problem(const json_t *status, const char *code)
{
	const json_t *problems = json_object_get(status, "problems");

	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *problem = json_array_get(problems, i);

		assert_non_null(json_string_value(json_object_get(problem, "text")));
		if (strcmp(json_string_value(json_object_get(problem, "code")), code) == 0) {
			return true;
		}
	}
	return false;
}

static void test_status_has_the_keys_of_the_contract(void **state)
{
	json_t *status = run("status", NULL, NULL);
	const char *role, *verdict, *since, *health, *session, *path, *backup, *ifname;
	json_t *problems, *member_id, *version;
	int domain, carrier, usable, match;
	json_int_t local, remote;

	(void)state;
	assert_int_equal(
		json_unpack(status,
			    "{s:s,s:i,s:s,s:s,s:s,s:o,s:{s:s,s:{s:s,s:s},s:o,s:o},"
			    "s:{s:s,s:b,s:b},s:{s:{s:I,s:I,s:b},s:{s:I,s:I,s:b},s:{s:I,s:I,s:b}}}",
			    "role", &role, "domain", &domain, "verdict", &verdict, "since", &since,
			    "health", &health, "problems", &problems, "peer", "session", &session,
			    "paths", "peer_link", &path, "backup", &backup, "member_id", &member_id,
			    "version", &version, "peer_link", "ifname", &ifname, "carrier",
			    &carrier, "usable", &usable, "sync", "macs", "local", &local, "remote",
			    &remote, "match", &match, "neighbors", "local", &local, "remote",
			    &remote, "match", &match, "addresses", "local", &local, "remote",
			    &remote, "match", &match),
		0);
	assert_string_equal(json_string_value(json_object_get(status, "version")), MLAG_VERSION);
	assert_string_equal(role, "none");
	assert_int_equal(domain, 5);
	assert_string_equal(verdict, "starting");
	assert_string_equal(health, "degraded");
	assert_string_equal(session, "down");
	assert_string_equal(path, "dead");
	assert_string_equal(backup, "none");
	assert_string_equal(ifname, "pl");
	assert_true(json_is_null(member_id) && json_is_null(version));
	assert_true(local == 0 && remote == 0 && !match);
	assert_int_equal(strlen(since), strlen("2024-01-02T03:04:05Z"));
	assert_true(since[10] == 'T' && since[19] == 'Z');
	assert_true(has_problem(status, "session-down"));
	assert_true(has_problem(status, "peer-link-down"));
	assert_true(has_problem(status, "gateway-waiting"));
	assert_true(json_is_string(json_object_get(status, "because")));
	assert_true(json_is_string(json_object_get(status, "next")));
	assert_int_equal(json_integer_value(json_object_get(status, "role_epoch")), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(status, "findings"), "peer")),
		"none");
	assert_string_equal(json_string_value(json_object_get(json_object_get(status, "findings"),
							      "peer_link")),
			    "no-carrier");
	assert_int_equal(json_array_size(problems), 3);
	json_decref(status);
}

/* R31: a row a family, and why it is as it is. */
static void test_status_has_the_last_resort(void **state)
{
	struct mlag_config on = {
		.hello_interval_ns = SECOND_NS / 10, .dead_multiplier = 3, .last_resort = true};
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE, .reconfigure = &on};
	json_t *status = run("status", NULL, NULL);
	json_t *expected = json_pack("[{s:i,s:i,s:s,s:n,s:n,s:s},{s:i,s:i,s:s,s:n,s:n,s:s}]",
				     "family", 4, "domain", 0, "state", "off", "next_hop", "ifname",
				     "because", "it is off in the configuration", "family", 6,
				     "domain", 0, "state", "off", "next_hop", "ifname", "because",
				     "it is off in the configuration");

	(void)state;
	assert_true(json_equal(json_object_get(status, "last_resort"), expected));
	json_decref(status);
	json_decref(expected);
	step(&event);
	status = run("status", NULL, NULL);
	expected = json_array_get(json_object_get(status, "last_resort"), 1);
	assert_string_equal(json_string_value(json_object_get(expected, "state")), "ready");
	assert_string_equal(json_string_value(json_object_get(expected, "because")),
			    "there was no default route yet");
	json_decref(status);
}

/* What the engine finds of peer and paths, and the code that it has in `status`. */
static void test_every_finding_has_a_problem_of_its_own(void **state)
{
	struct mlag_peer_link peer_link = {
		.ifindex = 2, .carrier = true, .mac = {{2, 0, 0, 0, 0, 1}}};
	struct mlag_event carrier = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &peer_link};
	struct hello hello = {.version = HELLO_VERSION,
			      .kind = HELLO_KIND_DAEMON,
			      .domain_id = 5,
			      .boot_id = 7,
			      .heard_boot_id = 1,
			      .interval_ms = 100};
	uint8_t data[MLAG_HELLO_SIZE_MAX];
	struct buf_writer writer;
	struct mlag_event heard = {.type = MLAG_EVENT_HELLO};
	json_t *status;

	(void)state;
	step(&carrier);
	status = run("status", NULL, NULL);
	assert_true(has_problem(status, "peer-link-silent"));
	json_decref(status);
	for (uint32_t i = 0; i < 2; i++) {
		hello.sequence++;
		hello.hears = i == 0 ? 0 : 1U << MLAG_PATH_PEER_LINK;
		buf_writer_init(&writer, data, sizeof(data));
		hello_put(&writer, &hello);
		heard.hello.path = MLAG_PATH_PEER_LINK;
		heard.hello.data = data;
		heard.hello.size = writer.offset;
		heard.hello.authentic = true;
		step(&heard);
		status = run("status", NULL, NULL);
		assert_int_equal(has_problem(status, "peer-link-one-way"), i == 0);
		assert_false(has_problem(status, "peer-link-silent"));
		assert_int_equal(json_is_true(json_object_get(json_object_get(status, "peer_link"),
							      "usable")),
				 i == 1);
		json_decref(status);
	}
	peer_link.carrier = false;
	step(&carrier);
	status = run("status", NULL, NULL);
	assert_true(has_problem(status, "peer-link-down"));
	assert_true(has_problem(status, "peer-unknown"));
	json_decref(status);
}

static int promote_result;

static int fake_promote(void *user, const char **ret_because)
{
	(void)user;
	*ret_because = "of a reason";
	return promote_result;
}

static void test_role(void **state)
{
	json_t *params = json_pack("{s:s}", "role", "primary");
	json_t *wrong = json_pack("{s:s}", "role", "secondary");
	json_t *result;

	(void)state;
	run("role", params, "unavailable");
	context.promote = fake_promote;
	run("role", NULL, "bad-params");
	run("role", wrong, "bad-params");
	promote_result = -EBUSY;
	run("role", params, "role");
	promote_result = 0;
	result = run("role", params, NULL);
	assert_true(json_is_false(json_object_get(result, "changed")));
	assert_string_equal(json_string_value(json_object_get(result, "role")), "none");
	json_decref(result);
	json_decref(params);
	json_decref(wrong);
}

static void test_since_does_not_flicker(void **state)
{
	json_t *first = run("status", NULL, NULL), *second;

	(void)state;
	now_ns += SECOND_NS / 4; /* the clocks drift by less than half a second */
	second = run("status", NULL, NULL);
	assert_true(json_equal(json_object_get(first, "since"), json_object_get(second, "since")));
	json_decref(first);
	json_decref(second);
}

static void test_lags(void **state)
{
	json_t *lags = run("lags", NULL, NULL);
	json_t *expected = json_pack("[{s:s,s:i,s:b,s:b,s:b,s:s,s:n,s:n}]", "ifname", "bond1", "id",
				     7, "local_up", 0, "peer_up", 0, "isolated", 0, "state", "down",
				     "held_reason", "partner_mac");
	json_t *lag = json_array_get(lags, 0);

	(void)state;
	assert_int_equal(json_array_size(lags), 1);
	json_object_set(json_array_get(expected, 0), "isolated", json_object_get(lag, "isolated"));
	assert_true(json_equal(lags, expected));
	json_decref(expected);
	json_decref(lags);
}

static bool fake_fenced(void *user, uint16_t lag_id)
{
	(void)user;
	return lag_id == 7;
}

static void test_a_leg_that_the_guard_keeps_down_is_held(void **state)
{
	json_t *lags, *lag;

	(void)state;
	context.fenced = fake_fenced;
	lags = run("lags", NULL, NULL);
	lag = json_array_get(lags, 0);
	assert_string_equal(json_string_value(json_object_get(lag, "state")), "held");
	assert_string_equal(json_string_value(json_object_get(lag, "held_reason")), "fenced");
	json_decref(lags);
}

static void test_mac_filters_are_checked(void **state)
{
	static const char *const wrong[] = {
		"{\"vlan\":0}",
		"{\"vlan\":4095}",
		"{\"vlan\":\"x\"}",
		"{\"vlan\":[]}",
		"{\"lag\":\"no\"}",
		"{\"lag\":70000}",
		"{\"lag\":0}",
		"{\"mac\":\"\"}",
		"{\"mac\":1}",
		"{\"mac\":\"02:00:00:00:00:0\"}",
		"{\"mac\":\"02:00:00:00:00:0g\"}",
		"{\"mac\":\"+2:00:00:00:00:00\"}",
	};
	static const char *const right[] = {
		"{\"vlan\":1}",
		"{\"vlan\":\"4094\"}",
		"{\"lag\":\"bond1\"}",
		"{\"lag\":\"65535\"}",
		"{\"mac\":\"02:00:00:00:00:0A\"}",
		"{\"vlan\":null}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *params = json_loads(wrong[i], 0, NULL);

		assert_non_null(params);
		run("macs", params, "bad-params");
		json_decref(params);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		json_t *params = json_loads(right[i], 0, NULL);
		json_t *macs = run("macs", params, NULL);

		assert_int_equal(json_array_size(macs), 0);
		json_decref(macs);
		json_decref(params);
	}
}

static void observe_address(enum mlag_address_kind kind, uint8_t family, uint16_t vlan,
			    uint32_t domain, const uint8_t octets[16])
{
	struct mlag_event event = {.type = MLAG_EVENT_ADDRESS, .address = {.present = true}};
	struct mlag_address_key *key = &event.address.key;

	key->kind = (uint8_t)kind;
	key->family = family;
	key->vlan = vlan;
	memcpy(key->octets, octets, sizeof(key->octets));
	if (kind == MLAG_ADDRESS_ROUTER_MAC) {
		event.address.domain = domain;
		event.address.ifindex = 9;
	} else {
		key->domain = domain;
	}
	step(&event);
}

static void test_addresses(void **state)
{
	static const uint8_t mac[16] = {2, 0, 0, 0, 0, 5}, v4[16] = {10, 1, 2, 3};
	static const uint8_t v6[16] = {0xfe, 0x80, [15] = 1};
	static const char *const expected[] = {
		"{\"kind\":\"router-mac\",\"address\":\"02:00:00:00:00:05\",\"vlan\":10,"
		"\"domain\":4000000000,\"origin\":\"local\"}",
		"{\"kind\":\"ip\",\"address\":\"10.1.2.3\",\"vlan\":null,\"domain\":0,"
		"\"origin\":\"local\"}",
		"{\"kind\":\"link-local\",\"address\":\"fe80::1\",\"vlan\":10,\"domain\":null,"
		"\"origin\":\"local\"}",
	};
	json_t *addresses = run("addresses", NULL, NULL);
	size_t found = 0;

	(void)state;
	assert_int_equal(json_array_size(addresses), 0);
	json_decref(addresses);
	observe_address(MLAG_ADDRESS_ROUTER_MAC, 0, 10, 4000000000U, mac);
	observe_address(MLAG_ADDRESS_IP, 4, 0, 0, v4);
	observe_address(MLAG_ADDRESS_LINK_LOCAL, 6, 10, 0, v6);
	addresses = run("addresses", NULL, NULL);
	assert_int_equal(json_array_size(addresses), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *wanted = json_loads(expected[i], 0, NULL);

		for (size_t j = 0; j < 3; j++) {
			found += (size_t)json_equal(json_array_get(addresses, j), wanted);
		}
		json_decref(wanted);
	}
	assert_int_equal(found, 3);
	json_decref(addresses);
}

static void observe_neighbor(uint8_t family, uint16_t vlan, const uint8_t octets[16],
			     enum mlag_neighbor_state state, uint8_t mac)
{
	struct mlag_event device = {.type = MLAG_EVENT_NEIGHBOR_DEVICE};
	struct mlag_event event = {.type = MLAG_EVENT_NEIGHBOR};

	device.neighbor_device.vlan = vlan;
	device.neighbor_device.device = MLAG_NEIGHBOR_ON_SVI;
	device.neighbor_device.ifindex = 9;
	step(&device);
	event.neighbor.key.family = family;
	event.neighbor.key.device = MLAG_NEIGHBOR_ON_SVI;
	event.neighbor.key.vlan = vlan;
	memcpy(event.neighbor.key.octets, octets, sizeof(event.neighbor.key.octets));
	event.neighbor.entry.state = state;
	event.neighbor.entry.mac.octets[0] = 2;
	event.neighbor.entry.mac.octets[5] = mac;
	step(&event);
}

static void test_neighbors(void **state)
{
	static const uint8_t v4[16] = {10, 1, 2, 3}, v6[16] = {0x20, 1, [15] = 1};
	static const struct {
		const char *params;
		size_t count;
	} filters[] = {
		{"{}", 2},
		{"{\"vlan\":10}", 1},
		{"{\"vlan\":11}", 0},
		{"{\"mac\":\"02:00:00:00:00:06\"}", 1},
	};
	json_t *params = json_loads("{\"lag\":\"bond1\"}", 0, NULL);
	json_t *wanted = json_loads("{\"ip\":\"10.1.2.3\",\"mac\":\"02:00:00:00:00:05\","
				    "\"vlan\":10,\"ifname\":null,\"device\":\"svi\","
				    "\"origin\":\"local\",\"state\":\"confirmed\"}",
				    0, NULL);

	(void)state;
	observe_neighbor(4, 10, v4, MLAG_NEIGHBOR_CONFIRMED, 5);
	observe_neighbor(6, 0, v6, MLAG_NEIGHBOR_STATIC, 6);
	run("neighbors", params, "bad-params");
	json_decref(params);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		json_t *rows;

		params = json_loads(filters[i].params, 0, NULL);
		rows = run("neighbors", params, NULL);
		assert_int_equal(json_array_size(rows), filters[i].count);
		if (i == 1) {
			assert_true(json_equal(json_array_get(rows, 0), wanted));
		}
		json_decref(params);
		json_decref(rows);
	}
	json_decref(wanted);
}

static void test_counters_without_a_data_plane(void **state)
{
	json_t *counters = run("counters", NULL, NULL);

	(void)state;
	assert_int_equal(json_array_size(counters), 0);
	json_decref(counters);
}

static void test_reload(void **state)
{
	json_t *result;

	(void)state;
	reload_result = 0;
	result = run("reload", NULL, NULL);
	assert_true(json_is_true(json_object_get(result, "applied")));
	assert_int_equal(json_array_size(json_object_get(result, "warnings")), 1);
	json_decref(result);
	reload_result = -EINVAL;
	run("reload", NULL, "config");
	reload_result = -ENOENT;
	run("reload", NULL, "reload");
	context.reload = NULL;
	run("reload", NULL, "unavailable");
}

/* ---- gateways ---- */

static void test_gateways(void **state)
{
	json_t *rows = run("gateways", NULL, NULL), *row = json_array_get(rows, 0);
	const char *ifname, *device, *mac, *word, *reason;
	json_t *addresses, *vlan, *vrf;
	int redirects_off;

	(void)state;
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_unpack(row, "{s:s,s:s,s:s,s:o,s:o,s:o,s:s,s:s,s:b !}", "ifname",
				     &ifname, "device", &device, "mac", &mac, "addresses",
				     &addresses, "vlan", &vlan, "vrf", &vrf, "state", &word,
				     "reason", &reason, "redirects_off", &redirects_off),
			 0);
	assert_string_equal(ifname, "vlan10");
	assert_string_equal(device, "vlan10-gw");
	assert_string_equal(mac, "00:00:5e:00:01:01");
	assert_string_equal(json_string_value(json_array_get(addresses, 0)), "10.1.0.1/24");
	assert_string_equal(json_string_value(json_array_get(addresses, 1)), "fe80::1/64");
	assert_true(json_is_null(vlan) && json_is_null(vrf) && !redirects_off);
	assert_string_equal(word, "waiting");
	assert_string_equal(reason, "vlan10 does not exist");
	json_decref(rows);

	gateway.state = GATEWAYPLAN_STATE_ACTIVE;
	gateway.reason[0] = '\0';
	gateway_seen.svi.role = true;
	gateway_seen.svi.vlan = 10;
	memcpy(gateway_seen.svi.vrf, "red", 4);
	rows = run("gateways", NULL, NULL);
	row = json_array_get(rows, 0);
	assert_int_equal(json_integer_value(json_object_get(row, "vlan")), 10);
	assert_string_equal(json_string_value(json_object_get(row, "vrf")), "red");
	assert_string_equal(json_string_value(json_object_get(row, "state")), "active");
	assert_true(json_is_null(json_object_get(row, "reason")));
	json_decref(rows);
}

static const char *gateway_problem(bool proven)
{
	static struct control_gateway_problem problem;

	assert_true(control_gateway_problem(&context, 0, proven, &problem));
	assert_false(control_gateway_problem(&context, 1, proven, &problem));
	return problem.code != NULL ? problem.code : "";
}

/* What this member publishes itself is no sign of the peer's having it. */
static void test_problems_of_gateways(void **state)
{
	uint8_t mac[16] = {0}, ip[16] = {10, 1, 0, 1};

	(void)state;
	memcpy(mac, gateway_wanted.mac.octets, sizeof(gateway_wanted.mac.octets));
	gateway_seen.svi.vlan = 10;
	assert_string_equal(gateway_problem(true), "gateway-waiting");
	gateway.state = GATEWAYPLAN_STATE_CONFLICT;
	assert_string_equal(gateway_problem(true), "gateway-conflict");
	gateway.state = GATEWAYPLAN_STATE_ACTIVE;
	assert_string_equal(gateway_problem(true), "redirects-on");
	gateway.redirects_off = true;
	assert_string_equal(gateway_problem(false), "");
	assert_string_equal(gateway_problem(true), "gateway-mismatch");
	observe_address(MLAG_ADDRESS_ROUTER_MAC, 0, 10, 0, mac);
	observe_address(MLAG_ADDRESS_IP, 4, 0, 0, ip);
	assert_string_equal(gateway_problem(true), "gateway-mismatch");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status_has_the_keys_of_the_contract),
		TEST(test_every_finding_has_a_problem_of_its_own),
		TEST(test_role),
		TEST(test_status_has_the_last_resort),
		TEST(test_since_does_not_flicker),
		TEST(test_lags),
		TEST(test_a_leg_that_the_guard_keeps_down_is_held),
		TEST(test_mac_filters_are_checked),
		TEST(test_addresses),
		TEST(test_neighbors),
		TEST(test_counters_without_a_data_plane),
		TEST(test_reload),
		TEST(test_gateways),
		TEST(test_problems_of_gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
