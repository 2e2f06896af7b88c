// SPDX-License-Identifier: BSD-2-Clause
/*
 * Single questions to the kernel, answered by a real one: ports, FDB, routes, neighbours of a small
 * network.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ip.h"
#include "kernel/lookup.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	struct lookup *lookup;
	uint32_t bridge, port, out;
} lab;

static const uint8_t HOST_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t NEXT_MAC[6] = {0x02, 0, 0, 0, 2, 0x09};

/* ---- ports ---------------------------------------------------------------------------------- */

struct found {
	uint32_t ports;
	bool bridge;
	struct lookup_port port;
};

static void on_port(void *user, const struct lookup_port *port)
{
	struct found *found = user;

	if (port->is_bridge) {
		found->bridge = true;
		assert_string_equal(port->ifname, "br0");
		return;
	}
	found->ports++;
	if (port->ifindex == lab.port) {
		found->port = *port;
	}
}

static void test_ports_are_those_of_the_bridge(void **state)
{
	struct found found = {0};

	(void)state;
	assert_int_equal(lookup_ports(lab.lookup, lab.bridge, on_port, &found), 0);
	assert_int_equal(found.ports, 2); /* not those of the other bridge */
	assert_string_equal(found.port.ifname, "port");
	assert_int_equal(found.port.state, BR_STATE_FORWARDING);
	assert_true(found.port.carrier && !found.port.locked && !found.port.is_isolated);
	assert_true(found.port.settings.flood && found.port.settings.learning);
}

static void test_a_link_by_its_number(void **state)
{
	struct linkmsg link;

	(void)state;
	assert_int_equal(lookup_link(lab.lookup, lab.out, &link), 0);
	assert_string_equal(link.ifname, "out");
	assert_int_equal(lookup_link(lab.lookup, 9999, &link), -ENODEV);
}

/* ---- FDB ------------------------------------------------------------------------------------ */

static void test_where_the_bridge_has_a_mac(void **state)
{
	struct mlag_mac_key key = {.vlan = 0};
	struct mlag_fdb_entry entry = {0};

	(void)state;
	memcpy(key.mac.octets, HOST_MAC, 6);
	assert_int_equal(lookup_fdb(lab.lookup, lab.bridge, false, &key, &entry), -ENOENT);
	wire_pin_mac("port", HOST_MAC);
	assert_int_equal(lookup_fdb(lab.lookup, lab.bridge, false, &key, &entry), 0);
	assert_int_equal(entry.ifindex, lab.port);
	assert_int_equal(entry.kind, MLAG_FDB_STICKY);
	wire_get_mac("port", key.mac.octets);
	assert_int_equal(lookup_fdb(lab.lookup, lab.bridge, false, &key, &entry), -EADDRINUSE);
	wire_get_mac("br0", key.mac.octets);
	assert_int_equal(lookup_fdb(lab.lookup, lab.bridge, false, &key, &entry), -EADDRINUSE);
}

/* ---- routes --------------------------------------------------------------------------------- */

static int ask(const char *source, const char *destination, struct lookup_route *ret)
{
	struct lookup_packet packet = {.ifindex = lab.bridge};

	packet.family = ip_parse(destination, packet.destination);
	(void)ip_parse(source, packet.source);
	return lookup_route(lab.lookup, &packet, ret);
}

static void expect_forwarded(const char *source, const char *destination, const char *gateway,
			     const char *prefix, uint8_t size)
{
	struct lookup_route route;
	uint8_t octets[16];

	assert_int_equal(ask(source, destination, &route), 0);
	assert_int_equal(route.type, RTN_UNICAST);
	assert_int_equal(route.ifindex, lab.out);
	if (gateway != NULL) {
		assert_int_equal(route.gateway_family, ip_parse(gateway, octets));
		assert_memory_equal(route.gateway, octets, 16);
	} else {
		assert_int_equal(route.gateway_family, 0);
	}
	(void)ip_parse(prefix, octets);
	assert_memory_equal(route.prefix, octets, 16);
	assert_int_equal(route.prefix_size, size);
	assert_int_equal(route.table, RT_TABLE_MAIN);
}

static void test_a_packet_is_routed_by_the_kernel(void **state)
{
	(void)state;
	expect_forwarded("10.0.10.9", "10.0.20.9", NULL, "10.0.20.0", 24);
	expect_forwarded("10.0.10.9", "10.40.1.1", "10.0.20.9", "10.40.0.0", 16);
	expect_forwarded("2001:db8:10::9", "2001:db8:20::9", NULL, "2001:db8:20::", 64);
	expect_forwarded("2001:db8:10::9", "2001:db8:40::1", "2001:db8:20::9", "2001:db8:40::", 48);
}

static void test_what_is_not_forwarded_is_told_apart(void **state)
{
	static const struct {
		const char *source;
		const char *destination;
		int error;
		uint8_t type;
	} packets[] = {
		{"10.0.10.9", "10.0.10.1", 0, RTN_LOCAL},
		{"2001:db8:10::9", "2001:db8:10::1", 0, RTN_LOCAL},
		{"10.0.10.9", "10.99.0.1", -ENETUNREACH, 0},
		{"2001:db8:10::9", "2001:db8:99::1", -ENETUNREACH, 0},
		{"10.0.10.9", "10.67.0.1", -EHOSTUNREACH, 0},
		{"2001:db8:10::9", "2001:db8:67::1", -EHOSTUNREACH, 0},
		{"10.0.10.9", "10.68.0.1", -EACCES, 0},
		{"2001:db8:10::9", "2001:db8:68::1", -EACCES, 0},
		{"10.0.10.9", "10.66.0.1", -EINVAL, 0},
		{"2001:db8:10::9", "2001:db8:66::1", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		struct lookup_route route;
		int r = ask(packets[i].source, packets[i].destination, &route);

		if (r != packets[i].error || (r == 0 && route.type != packets[i].type)) {
			fail_msg("%s: answered %d, type %d", packets[i].destination, r, route.type);
		}
	}
}

static void test_forwarding_that_is_off_is_seen(void **state)
{
	static const uint8_t families[] = {4, 6};
	bool is_on = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		assert_int_equal(lookup_forwarding(lab.lookup, lab.bridge, families[i], &is_on), 0);
		assert_true(is_on);
	}
	ip_set_forwarding("br0", false);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		assert_int_equal(lookup_forwarding(lab.lookup, lab.bridge, families[i], &is_on), 0);
		assert_false(is_on);
	}
	ip_set_forwarding("br0", true);
}

/* ---- neighbours and addresses --------------------------------------------------------------- */

static void test_a_neighbour_by_address_and_by_mac(void **state)
{
	static const char *const addresses[] = {"10.0.20.9", "2001:db8:20::9"};
	struct mlag_mac mac, next;
	uint8_t octets[16], found[16];

	(void)state;
	memcpy(next.octets, NEXT_MAC, 6);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		uint8_t family = ip_parse(addresses[i], octets);

		assert_int_equal(lookup_neighbor(lab.lookup, lab.out, family, octets, &mac), 0);
		assert_memory_equal(mac.octets, NEXT_MAC, 6);
		assert_int_equal(lookup_neighbor_of(lab.lookup, lab.out, family, &next, found), 0);
		assert_memory_equal(found, octets, 16);
		octets[family == 4 ? 3 : 15] ^= 0x40;
		assert_int_equal(lookup_neighbor(lab.lookup, lab.out, family, octets, &mac),
				 -ENOENT);
		assert_int_equal(lookup_neighbor_of(lab.lookup, lab.bridge, family, &next, found),
				 -ENOENT);
	}
}

static void test_an_own_address(void **state)
{
	uint8_t octets[16], wanted[16], size = 0;

	(void)state;
	assert_int_equal(lookup_address(lab.lookup, lab.out, 4, octets, &size), 0);
	(void)ip_parse("10.0.20.1", wanted);
	assert_memory_equal(octets, wanted, 16);
	assert_int_equal(size, 24);
	assert_int_equal(lookup_address(lab.lookup, lab.out, 6, octets, &size), 0);
	(void)ip_parse("2001:db8:20::1", wanted);
	assert_memory_equal(octets, wanted, 16);
	assert_int_equal(lookup_address(lab.lookup, lab.port, 4, octets, &size), -ENOENT);
}

/* ---- the network ---------------------------------------------------------------------------- */

static void make_network(void)
{
	static const char *const devices[] = {"br0", "out"};
	uint32_t other;

	lab.bridge = wire_make_bridge("br0");
	lab.port = wire_make_port("port", "port-far", lab.bridge);
	(void)wire_make_port("second", "second-far", lab.bridge);
	other = wire_make_bridge("br1");
	(void)wire_make_port("foreign", "foreign-far", other);
	lab.out = wire_make_port("out", "out-far", 0);
	ip_enable(devices, ARRAY_SIZE(devices));
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("br0", "2001:db8:10::1/64");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_address("out", "2001:db8:20::1/64");
	ip_add_neighbor("out", "10.0.20.9", NEXT_MAC);
	ip_add_neighbor("out", "2001:db8:20::9", NEXT_MAC);
	ip_add_route("10.40.0.0/16", RTN_UNICAST, "10.0.20.9");
	ip_add_route("10.66.0.0/16", RTN_BLACKHOLE, NULL);
	ip_add_route("10.67.0.0/16", RTN_UNREACHABLE, NULL);
	ip_add_route("10.68.0.0/16", RTN_PROHIBIT, NULL);
	ip_add_route("2001:db8:40::/48", RTN_UNICAST, "2001:db8:20::9");
	ip_add_route("2001:db8:66::/48", RTN_BLACKHOLE, NULL);
	ip_add_route("2001:db8:67::/48", RTN_UNREACHABLE, NULL);
	ip_add_route("2001:db8:68::/48", RTN_PROHIBIT, NULL);
}

static int set_up(void **state)
{
	int from, to;

	(void)state;
	wire_enter_namespace();
	make_network();
	from = wire_open("port-far");
	to = wire_open("second-far");
	wire_wait_forwarding(from, to);
	ip_wait_local();
	assert_int_equal(lookup_open(&lab.lookup), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lookup_close(lab.lookup);
	lookup_close(NULL);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_are_those_of_the_bridge),
		cmocka_unit_test(test_a_link_by_its_number),
		cmocka_unit_test(test_where_the_bridge_has_a_mac),
		cmocka_unit_test(test_a_packet_is_routed_by_the_kernel),
		cmocka_unit_test(test_what_is_not_forwarded_is_told_apart),
		cmocka_unit_test(test_forwarding_that_is_off_is_seen),
		cmocka_unit_test(test_a_neighbour_by_address_and_by_mac),
		cmocka_unit_test(test_an_own_address),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
