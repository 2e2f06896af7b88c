// SPDX-License-Identifier: BSD-2-Clause
/*
 * What adapters make of a kernel that says no: EPERM (a capability is gone), EEXIST (somebody else's
 * entry or rule is there), ENOENT, ENODEV (what is to be written to has vanished since it was decided),
 * EOPNOTSUPP (it is no port any more).  docs/netlink.md has the table of answers.
 */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/datapath.h"
#include "ip.h"
#include "kernel/fdb.h"
#include "kernel/neighbors.h"
#include "kernel/ports.h"
#include "kernel/routeswrite.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	sd_event *event;
	struct fdb *fdb;
	struct neighbors *neighbors;
	struct ports *ports;
	struct routeswrite *routes;
	struct datapath *dp;
	uint32_t bridge, port, other;
	uint32_t failed_count;
	int failed_error;
	struct mlag_fdb_entry entry;
	struct mlag_neighbor_entry neighbor;
} lab;

/* ---- the capability that all writes need ----------------------------------------------------- */

static void set_capable(bool capable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (capable) {
		data[0].effective |= 1u << CAP_NET_ADMIN;
	} else {
		data[0].effective &= ~(1u << CAP_NET_ADMIN);
	}
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* ---- what the adapters report ---------------------------------------------------------------- */

static void on_entry(void *user, const struct mlag_mac_key *key, const struct mlag_fdb_entry *entry)
{
	(void)user;
	(void)key;
	lab.entry = *entry;
}

static void on_failed(void *user, const struct mlag_mac_key *key, int error)
{
	(void)user;
	(void)key;
	lab.failed_count++;
	lab.failed_error = error;
}

static void on_dump(void *user)
{
	(void)user;
}

static void on_neighbor(void *user, const struct mlag_neighbor_key *key,
			const struct mlag_neighbor_entry *entry)
{
	(void)user;
	(void)key;
	lab.neighbor = *entry;
}

static void on_neighbor_failed(void *user, const struct mlag_neighbor_key *key, int error)
{
	(void)user;
	(void)key;
	lab.failed_count++;
	lab.failed_error = error;
}

static const struct fdb_handler on_fdb = {
	.entry = on_entry,
	.listed = on_entry,
	.dump_begin = on_dump,
	.dump_end = on_dump,
	.failed = on_failed,
};

static const struct neighbors_handler on_neighbors = {
	.entry = on_neighbor,
	.dump_begin = on_dump,
	.dump_end = on_dump,
	.failed = on_neighbor_failed,
};

/* ---- FDB ------------------------------------------------------------------------------------- */

/* The errno that a write came to, 0 for none. */
static int write_fdb(enum mlag_fdb_verb verb, uint32_t ifindex, uint8_t octet)
{
	struct mlag_fdb_operation operation = {.verb = verb};

	operation.key.mac.octets[0] = 2;
	operation.key.mac.octets[5] = octet;
	operation.entry.ifindex = ifindex;
	operation.entry.kind = MLAG_FDB_ACTIVE;
	lab.failed_count = 0;
	lab.failed_error = 0;
	assert_int_equal(fdb_apply(lab.fdb, &operation, 1), 0);
	assert_int_equal(lab.failed_count, lab.failed_error != 0);
	return lab.failed_error;
}

static uint32_t port_of(uint8_t octet)
{
	memset(&lab.entry, 0xff, sizeof(lab.entry));
	assert_int_equal(write_fdb(MLAG_FDB_VERB_VERIFY, 0, octet), 0);
	return lab.entry.kind == MLAG_FDB_NONE ? 0 : lab.entry.ifindex;
}

static void test_eperm_of_an_fdb_write_is_told_and_the_next_try_succeeds(void **state)
{
	(void)state;
	set_capable(false);
	assert_int_equal(write_fdb(MLAG_FDB_VERB_SET, lab.port, 1), EPERM);
	set_capable(true);
	assert_int_equal(port_of(1), 0);
	assert_int_equal(write_fdb(MLAG_FDB_VERB_SET, lab.port, 1), 0);
	assert_int_equal(port_of(1), lab.port);
	set_capable(false);
	assert_int_equal(write_fdb(MLAG_FDB_VERB_DELETE, lab.port, 1), EPERM);
	set_capable(true);
	assert_int_equal(port_of(1), lab.port);
}

static void test_an_fdb_entry_that_is_there_already_becomes_what_is_wanted(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};

	(void)state;
	wire_pin_mac("other", mac);
	assert_int_equal(port_of(2), lab.other);
	assert_int_equal(write_fdb(MLAG_FDB_VERB_RENEW, lab.port, 2), 0);
	assert_int_equal(port_of(2), lab.port);
	assert_int_equal(lab.entry.kind, MLAG_FDB_ACTIVE);
}

static void test_an_fdb_entry_that_is_gone_is_deleted(void **state)
{
	(void)state;
	assert_int_equal(write_fdb(MLAG_FDB_VERB_DELETE, lab.port, 3), 0);
	assert_int_equal(port_of(3), 0);
}

static void test_a_local_address_is_nobody_elses(void **state)
{
	struct mlag_fdb_operation operation = {.verb = MLAG_FDB_VERB_SET};
	struct mlag_fdb_operation verify = {.verb = MLAG_FDB_VERB_VERIFY};

	(void)state;
	wire_get_mac("other", operation.key.mac.octets);
	verify.key = operation.key;
	operation.entry.ifindex = lab.port;
	operation.entry.kind = MLAG_FDB_ACTIVE;
	lab.failed_error = 0;
	assert_int_equal(fdb_apply(lab.fdb, &operation, 1), 0);
	assert_int_equal(lab.failed_error, EADDRINUSE);
	/* Nor is it reported as an entry. */
	memset(&lab.entry, 0xff, sizeof(lab.entry));
	assert_int_equal(fdb_apply(lab.fdb, &verify, 1), 0);
	assert_int_equal(lab.entry.kind, MLAG_FDB_NONE);
}

static void test_a_port_that_vanished_before_the_write_is_told(void **state)
{
	uint32_t ifindex = wire_make_port("brief", "brief-far", lab.bridge);

	(void)state;
	assert_int_equal(write_fdb(MLAG_FDB_VERB_SET, ifindex, 4), 0);
	wire_delete("brief");
	assert_int_equal(write_fdb(MLAG_FDB_VERB_SET, ifindex, 5), ENODEV);
	assert_int_equal(port_of(5), 0);
	/* Asked for by name it is gone: so the engine has nothing left to do. */
	assert_int_equal(write_fdb(MLAG_FDB_VERB_DELETE, ifindex, 4), ENODEV);
	assert_int_equal(port_of(4), 0);
}

static void test_what_is_no_port_any_more_takes_no_entry(void **state)
{
	uint32_t ifindex = wire_make_port("apart", "apart-far", 0);

	(void)state;
	assert_int_not_equal(write_fdb(MLAG_FDB_VERB_SET, ifindex, 6), 0);
	assert_int_equal(port_of(6), 0);
	wire_delete("apart");
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static int write_neighbor(enum mlag_neighbor_verb verb, uint32_t ifindex, uint8_t octet)
{
	struct mlag_neighbor_operation operation = {.verb = verb, .ifindex = ifindex};

	operation.key.family = 4;
	operation.key.device = MLAG_NEIGHBOR_ON_SVI;
	(void)ip_parse("10.0.10.0", operation.key.octets);
	operation.key.octets[3] = octet;
	operation.mac.octets[0] = 2;
	operation.mac.octets[5] = octet;
	lab.failed_count = 0;
	lab.failed_error = 0;
	assert_int_equal(neighbors_apply(lab.neighbors, &operation, 1), 0);
	assert_int_equal(lab.failed_count, lab.failed_error != 0);
	return lab.failed_error;
}

static bool is_neighbor(uint8_t octet)
{
	memset(&lab.neighbor, 0, sizeof(lab.neighbor));
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_VERIFY, lab.bridge, octet), 0);
	return lab.neighbor.state != MLAG_NEIGHBOR_NONE;
}

static void test_eperm_of_a_neighbour_is_told_and_the_next_try_succeeds(void **state)
{
	(void)state;
	set_capable(false);
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_SET, lab.bridge, 9), EPERM);
	set_capable(true);
	assert_false(is_neighbor(9));
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_SET, lab.bridge, 9), 0);
	assert_true(is_neighbor(9));
}

static void test_a_neighbour_that_somebody_set_becomes_what_is_wanted(void **state)
{
	static const uint8_t foreign[6] = {2, 0, 0, 0, 7, 7};

	(void)state;
	ip_add_neighbor("br0", "10.0.10.10", foreign);
	assert_true(is_neighbor(10));
	assert_int_equal(lab.neighbor.mac.octets[4], 7);
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_SET, lab.bridge, 10), 0);
	assert_true(is_neighbor(10));
	assert_int_equal(lab.neighbor.mac.octets[5], 10);
}

static void test_a_neighbour_that_is_gone_is_deleted(void **state)
{
	(void)state;
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_DELETE, lab.bridge, 11), 0);
}

static void test_a_device_of_neighbours_that_vanished_is_told(void **state)
{
	(void)state;
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_SET, 99999, 12), ENODEV);
	assert_int_equal(write_neighbor(MLAG_NEIGHBOR_VERB_DELETE, 99999, 12), ENODEV);
}

/* ---- settings of ports ----------------------------------------------------------------------- */

static void test_settings_that_are_not_permitted_come_with_the_reason(void **state)
{
	(void)state;
	set_capable(false);
	assert_int_equal(ports_set_flood(lab.ports, lab.port, false), -EPERM);
	assert_non_null(strstr(ports_error(lab.ports), "not permitted"));
	set_capable(true);
	assert_int_equal(ports_set_flood(lab.ports, lab.port, false), 0);
	assert_int_equal(ports_set_flood(lab.ports, lab.port, true), 0);
}

static void test_settings_of_a_port_that_vanished_are_no_error_of_ours(void **state)
{
	uint32_t ifindex = wire_make_port("brief", "brief-far", lab.bridge);

	(void)state;
	assert_int_equal(ports_set_flood(lab.ports, ifindex, false), 0);
	wire_delete("brief");
	assert_int_equal(ports_set_flood(lab.ports, ifindex, true), -ENODEV);
	assert_int_equal(ports_prepare_leg(lab.ports, ifindex, false, lab.other, NULL), -ENODEV);
	assert_int_equal(ports_restore(lab.ports, ifindex, true), 0);
}

static void test_a_backup_port_that_vanished_is_refused_by_name(void **state)
{
	uint32_t ifindex = wire_make_port("brief", "brief-far", lab.bridge);

	(void)state;
	wire_delete("brief");
	assert_true(ports_prepare_leg(lab.ports, lab.port, false, ifindex, NULL) < 0);
	assert_non_null(strstr(ports_error(lab.ports), "backup_port"));
}

/* ---- routes and rules ------------------------------------------------------------------------ */

static void test_a_rule_is_there_once_and_gone_once(void **state)
{
	(void)state;
	for (uint32_t times = 0; times < 2; times++) {
		assert_int_equal(routeswrite_set_rule(lab.routes, 4, "br0", true), 0);
	}
	for (uint32_t times = 0; times < 2; times++) {
		assert_int_equal(routeswrite_set_rule(lab.routes, 4, "br0", false), 0);
	}
}

static void test_a_route_to_what_vanished_is_left_to_who_hears_of_it(void **state)
{
	uint8_t gateway[16];

	(void)state;
	(void)ip_parse("10.0.10.2", gateway);
	assert_int_equal(routeswrite_set_route(lab.routes, 4, gateway, 99999), 0);
	assert_int_equal(routeswrite_delete_route(lab.routes, 4), 0);
	assert_int_equal(routeswrite_set_route(lab.routes, 4, gateway, lab.bridge), 0);
	assert_int_equal(routeswrite_set_route(lab.routes, 4, gateway, lab.bridge), 0);
	assert_int_equal(routeswrite_delete_route(lab.routes, 4), 0);
}

static void test_routes_that_are_not_permitted_come_with_the_reason(void **state)
{
	uint8_t gateway[16];

	(void)state;
	(void)ip_parse("10.0.10.2", gateway);
	set_capable(false);
	assert_int_equal(routeswrite_set_route(lab.routes, 4, gateway, lab.bridge), -EPERM);
	assert_non_null(strstr(routeswrite_error(lab.routes), "not permitted"));
	assert_int_equal(routeswrite_set_rule(lab.routes, 4, "br0", true), -EPERM);
	set_capable(true);
}

/* ---- programs -------------------------------------------------------------------------------- */

static void test_programs_that_are_not_permitted_leave_what_is_there(void **state)
{
	bool is_intact = false;

	(void)state;
	assert_int_equal(datapath_attach(lab.dp, lab.port, MLAG_PORT_LEG), 0);
	set_capable(false);
	assert_true(datapath_attach(lab.dp, lab.port, MLAG_PORT_NONE) < 0);
	assert_true(datapath_attach(lab.dp, lab.other, MLAG_PORT_LEG) < 0);
	set_capable(true);
	assert_int_equal(datapath_verify(lab.dp, lab.port, MLAG_PORT_LEG, &is_intact), 0);
	assert_true(is_intact);
	assert_int_equal(datapath_verify(lab.dp, lab.other, MLAG_PORT_LEG, &is_intact), 0);
	assert_false(is_intact);
	assert_false(datapath_has_programs(lab.dp, lab.other, MLAG_PORT_LEG));
	assert_int_equal(datapath_attach(lab.dp, lab.other, MLAG_PORT_LEG), 0);
	assert_true(datapath_has_programs(lab.dp, lab.other, MLAG_PORT_LEG));
}

static void test_programs_for_a_port_that_vanished_are_enodev(void **state)
{
	uint32_t ifindex = wire_make_port("brief", "brief-far", lab.bridge);

	(void)state;
	wire_delete("brief");
	assert_int_equal(datapath_attach_begin(lab.dp, ifindex, MLAG_PORT_LEG), -ENODEV);
	assert_false(datapath_has_programs(lab.dp, ifindex, MLAG_PORT_LEG));
	assert_int_equal(datapath_detach(lab.dp, ifindex), 0);
}

static int set_up(void **state)
{
	static const char *const devices[] = {"br0"};
	const struct datapath_spec spec = {.sources_max = 64};

	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.port = wire_make_port("port", "port-far", lab.bridge);
	lab.other = wire_make_port("other", "other-far", lab.bridge);
	ip_enable(devices, ARRAY_SIZE(devices));
	ip_add_address("br0", "10.0.10.1/24");
	assert_int_equal(sd_event_new(&lab.event), 0);
	assert_int_equal(fdb_open(&lab.fdb, lab.event, &on_fdb, NULL), 0);
	assert_int_equal(fdb_set_bridge(lab.fdb, lab.bridge, false), 0);
	assert_int_equal(neighbors_open(&lab.neighbors, lab.event, &on_neighbors, NULL), 0);
	neighbors_set_device(lab.neighbors, 0, MLAG_NEIGHBOR_ON_SVI, lab.bridge);
	assert_int_equal(ports_open(&lab.ports, NULL), 0);
	assert_int_equal(routeswrite_open(&lab.routes), 0);
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	set_capable(true);
	(void)datapath_detach_all(lab.dp);
	datapath_close(lab.dp);
	routeswrite_close(lab.routes);
	ports_close(lab.ports);
	neighbors_close(lab.neighbors);
	fdb_close(lab.fdb);
	sd_event_unref(lab.event);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eperm_of_an_fdb_write_is_told_and_the_next_try_succeeds),
		cmocka_unit_test(test_an_fdb_entry_that_is_there_already_becomes_what_is_wanted),
		cmocka_unit_test(test_an_fdb_entry_that_is_gone_is_deleted),
		cmocka_unit_test(test_a_local_address_is_nobody_elses),
		cmocka_unit_test(test_a_port_that_vanished_before_the_write_is_told),
		cmocka_unit_test(test_what_is_no_port_any_more_takes_no_entry),
		cmocka_unit_test(test_eperm_of_a_neighbour_is_told_and_the_next_try_succeeds),
		cmocka_unit_test(test_a_neighbour_that_somebody_set_becomes_what_is_wanted),
		cmocka_unit_test(test_a_neighbour_that_is_gone_is_deleted),
		cmocka_unit_test(test_a_device_of_neighbours_that_vanished_is_told),
		cmocka_unit_test(test_settings_that_are_not_permitted_come_with_the_reason),
		cmocka_unit_test(test_settings_of_a_port_that_vanished_are_no_error_of_ours),
		cmocka_unit_test(test_a_backup_port_that_vanished_is_refused_by_name),
		cmocka_unit_test(test_a_rule_is_there_once_and_gone_once),
		cmocka_unit_test(test_a_route_to_what_vanished_is_left_to_who_hears_of_it),
		cmocka_unit_test(test_routes_that_are_not_permitted_come_with_the_reason),
		cmocka_unit_test(test_programs_that_are_not_permitted_leave_what_is_there),
		cmocka_unit_test(test_programs_for_a_port_that_vanished_are_enodev),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
