// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the bridge forwards, as the kernel tells it: the state of a port, of a VLAN on a port, and
 * what else is asked of a frame; and which slaves of a bond collect.  Ways round the bridge depend
 * on it (DESIGN §1).
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "kernel/linkstate.h"
#include "kernel/vlanmsg.h"

enum {
	BRIDGE = 2,
	PEER_LINK = 3,
	PORT = 4,
	BOND = 10,
	SLAVE = 11,
};

static struct linkstate *model;

static void update(struct linkmsg message)
{
	assert_int_equal(linkstate_update(model, &message), 0);
	linkstate_resolve(model);
}

static struct linkmsg bridge(bool vlan_filtering)
{
	return (struct linkmsg){
		.ifindex = BRIDGE,
		.ifname = "br0",
		.up = true,
		.kind = LINKMSG_KIND_BRIDGE,
		.vlan_filtering = vlan_filtering,
		.vlan_protocol = ETH_P_8021Q,
	};
}

static struct linkmsg port(uint32_t ifindex, const char *ifname, bool forwarding, bool guarded)
{
	struct linkmsg message = {
		.ifindex = ifindex,
		.master = BRIDGE,
		.master_kind = LINKMSG_KIND_BRIDGE,
		.settings = {.forwarding = forwarding, .guarded = guarded},
	};

	memcpy(message.ifname, ifname, strlen(ifname));
	return message;
}

static void set_vlans(uint32_t ifindex, uint16_t first, uint16_t last)
{
	struct linkmsg_vlans vlans = {.ingress_vid = first};

	for (uint16_t vlan = first; vlan <= last; vlan++) {
		mlag_vlans_add(&vlans.set, vlan);
	}
	assert_int_equal(linkstate_update_vlans(model, ifindex, &vlans), 0);
}

static struct links_port look(uint32_t ifindex)
{
	struct links_port found = {0};
	uint32_t index = 0;

	while (linkstate_next_member(model, &index, &found)) {
		if (found.ifindex == ifindex) {
			return found;
		}
	}
	fail_msg("%u is no port", ifindex);
	return found;
}

static bool forwards(uint32_t ifindex, uint16_t vlan)
{
	struct links_port found = look(ifindex);

	return mlag_vlans_has(&found.forwards, vlan);
}

static void test_a_port_forwards_its_vlans_while_its_state_says_so(void **state)
{
	(void)state;
	set_vlans(PORT, 10, 12);
	assert_false(forwards(PORT, 9));
	assert_true(forwards(PORT, 10));
	assert_true(forwards(PORT, 12));
	assert_false(forwards(PORT, 0));
	update(port(PORT, "port", false, false));
	assert_false(forwards(PORT, 10));
	update(port(PORT, "port", true, false));
	assert_true(forwards(PORT, 10));
}

static void test_on_a_plain_bridge_it_is_bit_0(void **state)
{
	(void)state;
	update(bridge(false));
	assert_true(forwards(PORT, 0));
	assert_false(forwards(PORT, 10));
	update(port(PORT, "port", false, false));
	assert_false(forwards(PORT, 0));
}

static void test_tags_that_are_not_802_1q_are_nothing_to_the_programs(void **state)
{
	struct linkmsg message = bridge(true);

	(void)state;
	set_vlans(PORT, 10, 12);
	message.vlan_protocol = ETH_P_8021AD;
	update(message);
	assert_false(forwards(PORT, 10));
}

static void test_a_locked_port_is_guarded_and_that_is_news(void **state)
{
	struct links_port before = look(PORT);
	struct links_port after;

	(void)state;
	assert_false(before.guarded);
	update(port(PORT, "port", true, true));
	after = look(PORT);
	assert_true(after.guarded);
	assert_false(linkstate_port_equal(&before, &after));
	assert_true(linkstate_port_equal(&after, &after));
}

static void test_what_a_port_forwards_is_news(void **state)
{
	struct links_port before, after;

	(void)state;
	set_vlans(PORT, 10, 12);
	before = look(PORT);
	set_vlans(PORT, 10, 13);
	after = look(PORT);
	assert_false(linkstate_port_equal(&before, &after));
}

/* ---- states of VLANs ------------------------------------------------------------------------- */

struct packet {
	uint8_t bytes[256] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *begin(struct packet *packet, uint16_t type, uint32_t ifindex)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct br_vlan_msg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	header->family = AF_BRIDGE;
	header->ifindex = ifindex;
	return message;
}

static void add_entry(struct nlmsghdr *message, uint16_t first, uint16_t last, uint8_t state)
{
	struct nlattr *entry = mnl_attr_nest_start(message, BRIDGE_VLANDB_ENTRY);
	struct bridge_vlan_info info = {.vid = first};

	mnl_attr_put(message, BRIDGE_VLANDB_ENTRY_INFO, sizeof(info), &info);
	if (last != first) {
		mnl_attr_put_u16(message, BRIDGE_VLANDB_ENTRY_RANGE, last);
	}
	mnl_attr_put_u8(message, BRIDGE_VLANDB_ENTRY_STATE, state);
	mnl_attr_nest_end(message, entry);
}

static void tell(const struct nlmsghdr *message)
{
	struct mlag_vlans named, blocked;
	uint32_t ifindex;

	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), 0);
	linkstate_update_vlan_states(model, ifindex, &named, &blocked);
}

static void test_a_vlan_with_a_state_of_its_own(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = begin(&packet, RTM_NEWVLAN, PORT);

	(void)state;
	set_vlans(PORT, 10, 20);
	add_entry(message, 10, 10, BR_STATE_FORWARDING);
	add_entry(message, 11, 13, BR_STATE_BLOCKING);
	tell(message);
	assert_true(forwards(PORT, 10));
	assert_false(forwards(PORT, 11));
	assert_false(forwards(PORT, 13));
	assert_true(forwards(PORT, 14));
	set_vlans(PORT, 10, 21); /* another message, which knows nothing of states */
	assert_false(forwards(PORT, 12));
	message = begin(&packet, RTM_NEWVLAN, PORT);
	add_entry(message, 12, 12, BR_STATE_FORWARDING);
	tell(message);
	assert_true(forwards(PORT, 12));
	assert_false(forwards(PORT, 13));
	message = begin(&packet, RTM_DELVLAN, PORT);
	add_entry(message, 13, 13, BR_STATE_BLOCKING);
	tell(message); /* if it comes back it forwards, unless told otherwise */
	assert_true(forwards(PORT, 13));
}

static void test_wrong_messages_about_vlans(void **state)
{
	struct mlag_vlans named, blocked;
	struct packet packet;
	struct nlmsghdr *message = begin(&packet, RTM_NEWVLAN, PORT);
	uint32_t ifindex;

	(void)state;
	add_entry(message, 10, 9, BR_STATE_BLOCKING);
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -EBADMSG);
	message = begin(&packet, RTM_NEWVLAN, PORT);
	add_entry(message, 4000, 4095, BR_STATE_BLOCKING);
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -EBADMSG);
	message = begin(&packet, RTM_NEWVLAN, PORT);
	add_entry(message, 0, 0, BR_STATE_BLOCKING);
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -EBADMSG);
	message = begin(&packet, RTM_NEWVLAN, 0);
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -EBADMSG);
	message = begin(&packet, RTM_NEWVLAN, PORT);
	((struct br_vlan_msg *)mnl_nlmsg_get_payload(message))->family = AF_UNSPEC;
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -ENOMSG);
	message = begin(&packet, RTM_NEWVLAN, PORT);
	message->nlmsg_len -= 4;
	assert_int_equal(vlanmsg_parse_states(message, &ifindex, &named, &blocked), -EBADMSG);
}

/* ---- bonds ----------------------------------------------------------------------------------- */

static struct linkmsg slave(uint32_t ifindex, uint16_t aggregator, uint8_t actor_state)
{
	return (struct linkmsg){
		.ifindex = ifindex,
		.ifname = "slave",
		.master = BOND,
		.master_kind = LINKMSG_KIND_BOND,
		.up = true,
		.lower_up = true,
		.aggregator = aggregator,
		.actor_state = actor_state,
	};
}

static void test_slaves_of_a_leg_that_collect(void **state)
{
	struct linkmsg bond = port(BOND, "bond1", true, false);
	struct linkmsg down;
	struct links_bond found;

	(void)state;
	bond.kind = LINKMSG_KIND_BOND;
	bond.bond_8023ad = true;
	bond.aggregator = 1;
	update(bond);
	update(slave(SLAVE, 1, LINKMSG_LACP_COLLECTING | LINKMSG_LACP_DISTRIBUTING));
	update(slave(SLAVE + 1, 1, LINKMSG_LACP_SYNCHRONIZATION));
	update(slave(SLAVE + 2, 2, LINKMSG_LACP_COLLECTING)); /* in another aggregator */
	down = slave(SLAVE + 3, 1, LINKMSG_LACP_COLLECTING);
	down.lower_up = false;
	update(down);
	linkstate_get_bond(model, BOND, &found);
	assert_true(found.is_bond);
	assert_true(found.is_lacp_leg);
	assert_int_equal(found.slaves_count, 4);
	assert_true(found.slaves[0].collects);
	for (uint32_t index = 1; index < 4; index++) {
		assert_false(found.slaves[index].collects);
		assert_int_equal(found.slaves[index].has_carrier, index != 3);
	}
	linkstate_get_bond(model, PORT, &found);
	assert_false(found.is_bond);
	assert_int_equal(found.slaves_count, 0);
	for (uint32_t index = 4; index <= LINKS_SLAVES_MAX; index++) {
		update(slave(SLAVE + index, 1, LINKMSG_LACP_COLLECTING));
	}
	linkstate_get_bond(model, BOND, &found);
	assert_true(found.has_more);
}

static int set_up(void **state)
{
	struct links_spec spec = {
		.bridge = "br0",
		.peer_link = "peerlink",
		.lags_count = 1,
		.lags = {{"bond1", 1}},
	};

	(void)state;
	model = calloc(1, sizeof(*model));
	assert_non_null(model);
	linkstate_configure(model, &spec);
	update(bridge(true));
	update(port(PEER_LINK, "peerlink", true, false));
	update(port(PORT, "port", true, false));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	linkstate_fini(model);
	free(model);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_port_forwards_its_vlans_while_its_state_says_so),
		test(test_on_a_plain_bridge_it_is_bit_0),
		test(test_tags_that_are_not_802_1q_are_nothing_to_the_programs),
		test(test_a_locked_port_is_guarded_and_that_is_news),
		test(test_what_a_port_forwards_is_news),
		test(test_a_vlan_with_a_state_of_its_own),
		test(test_wrong_messages_about_vlans),
		test(test_slaves_of_a_leg_that_collect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
