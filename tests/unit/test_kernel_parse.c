// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the daemon reads out of netlink messages: links, VLANs and FDB entries, built here as the
 * kernel builds them, whole and cut short at every byte; and the model of legs made from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>

#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "kernel/fdblocal.h"
#include "kernel/fdbmsg.h"
#include "kernel/filters.h"
#include "kernel/linkmsg.h"
#include "kernel/linkstate.h"

#define LOWER_UP 0x10000 /* IFF_LOWER_UP, which net/if.h does not have */
#define UP (IFF_UP | IFF_RUNNING | LOWER_UP)

static const uint8_t partner[6] = {0x02, 0, 0, 0, 0, 0x99};

struct packet {
	uint8_t bytes[2048] __attribute__((aligned(4)));
};

/* ---- messages as the kernel makes them ------------------------------------------------------ */

static struct nlmsghdr *link_begin(struct packet *packet, uint8_t family, int ifindex,
				   unsigned int flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct ifinfomsg *header;

	message->nlmsg_type = RTM_NEWLINK;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ifi_family = family;
	header->ifi_index = ifindex;
	header->ifi_flags = flags;
	return message;
}

static struct nlmsghdr *link_named(struct packet *packet, int ifindex, unsigned int flags,
				   const char *ifname, uint32_t master)
{
	static const uint8_t address[6] = {0x02, 0, 0, 0, 0, 0x01};
	struct nlmsghdr *message = link_begin(packet, AF_UNSPEC, ifindex, flags);

	mnl_attr_put_strz(message, IFLA_IFNAME, ifname);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof(address), address);
	if (master != 0) {
		mnl_attr_put_u32(message, IFLA_MASTER, master);
	}
	return message;
}

static struct nlmsghdr *make_bridge(struct packet *packet, bool vlan_filtering)
{
	struct nlmsghdr *message = link_named(packet, 2, UP, "br0", 0);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BR_VLAN_FILTERING, vlan_filtering);
	mnl_attr_put_u8(message, IFLA_BR_MCAST_SNOOPING, 1);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	return message;
}

static void put_bridge_port(struct nlmsghdr *message, uint8_t learning)
{
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BRPORT_LEARNING, learning);
	mnl_attr_nest_end(message, data);
}

static struct nlmsghdr *make_port(struct packet *packet, int ifindex, const char *ifname,
				  uint32_t master, unsigned int flags)
{
	struct nlmsghdr *message = link_named(packet, ifindex, flags, ifname, master);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	put_bridge_port(message, 1);
	mnl_attr_nest_end(message, info);
	return message;
}

static struct nlmsghdr *make_bond(struct packet *packet, int ifindex, uint16_t aggregator)
{
	struct nlmsghdr *message = link_named(packet, ifindex, UP, "bond1", 2);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;
	struct nlattr *ad;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bond");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BOND_MODE, 4);
	ad = mnl_attr_nest_start(message, IFLA_BOND_AD_INFO);
	mnl_attr_put_u16(message, IFLA_BOND_AD_INFO_AGGREGATOR, aggregator);
	mnl_attr_put(message, IFLA_BOND_AD_INFO_PARTNER_MAC, sizeof(partner), partner);
	mnl_attr_nest_end(message, ad);
	mnl_attr_nest_end(message, data);
	put_bridge_port(message, 0);
	mnl_attr_nest_end(message, info);
	return message;
}

static struct nlmsghdr *make_slave(struct packet *packet, int ifindex, unsigned int flags,
				   uint8_t actor, uint16_t partner_state, uint16_t aggregator)
{
	struct nlmsghdr *message = link_named(packet, ifindex, flags, "slave", 10);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bond");
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_STATE, 0);
	mnl_attr_put_u16(message, IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, aggregator);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE, actor);
	mnl_attr_put_u16(message, IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE, partner_state);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	return message;
}

static void put_vlan(struct nlmsghdr *message, uint16_t vid, uint16_t flags)
{
	struct bridge_vlan_info info = {.flags = flags, .vid = vid};

	mnl_attr_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

static struct nlmsghdr *make_vlans(struct packet *packet)
{
	struct nlmsghdr *message = link_begin(packet, AF_BRIDGE, 10, UP);
	struct nlattr *nest;

	mnl_attr_put_u32(message, IFLA_MASTER, 2);
	nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	put_vlan(message, 1, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	put_vlan(message, 10, BRIDGE_VLAN_INFO_RANGE_BEGIN);
	put_vlan(message, 14, BRIDGE_VLAN_INFO_RANGE_END);
	put_vlan(message, 20, 0);
	put_vlan(message, 4094, 0);
	mnl_attr_nest_end(message, nest);
	return message;
}

/* ---- links ----------------------------------------------------------------------------------- */

static void a_bridge_is_read(void **state)
{
	struct packet packet;
	struct linkmsg link;

	(void)state;
	assert_int_equal(linkmsg_parse(make_bridge(&packet, true), &link), 0);
	assert_int_equal(link.ifindex, 2);
	assert_string_equal(link.ifname, "br0");
	assert_int_equal(link.kind, LINKMSG_KIND_BRIDGE);
	assert_true(link.vlan_filtering);
	assert_true(link.multicast_snooping);
	assert_true(link.up && link.running && link.lower_up);
	assert_int_equal(link.master, 0);
	assert_int_equal(link.mac.octets[5], 1);
}

static void a_permanent_address_wins(void **state)
{
	static const uint8_t permanent[6] = {0x02, 0, 0, 0, 0, 0x77};
	struct packet packet;
	struct nlmsghdr *message = link_named(&packet, 5, 0, "eth0", 0);
	struct linkmsg link;

	(void)state;
	mnl_attr_put(message, IFLA_PERM_ADDRESS, sizeof(permanent), permanent);
	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(link.mac.octets[5], 0x77);
	assert_int_equal(link.address.octets[5], 1);
	assert_false(link.up || link.running || link.lower_up);
}

static struct nlmsghdr *make_vlan_device(struct packet *packet, uint16_t protocol, uint16_t vlan)
{
	struct nlmsghdr *message = link_named(packet, 9, UP, "br0.10", 20);
	struct nlattr *info, *data;

	mnl_attr_put_u32(message, IFLA_LINK, 2);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u16(message, IFLA_VLAN_ID, vlan);
	mnl_attr_put_u16(message, IFLA_VLAN_PROTOCOL, htons(protocol));
	mnl_attr_nest_end(message, data);
	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "vrf");
	mnl_attr_nest_end(message, info);
	return message;
}

static void a_vlan_device_is_read(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = make_vlan_device(&packet, ETH_P_8021Q, 10);
	struct linkmsg link;

	(void)state;
	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(link.kind, LINKMSG_KIND_VLAN);
	assert_int_equal(link.vlan, 10);
	assert_int_equal(link.lower, 2);
	assert_int_equal(link.master, 20);
	assert_int_equal(link.master_kind, LINKMSG_KIND_VRF);
	assert_int_equal(link.address.octets[5], 1);
	/* The number below is one of another namespace. */
	mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0);
	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(link.lower, 0);
	assert_int_equal(linkmsg_parse(make_vlan_device(&packet, ETH_P_8021AD, 10), &link), 0);
	assert_int_equal(link.vlan, 0);
	assert_int_equal(linkmsg_parse(make_vlan_device(&packet, ETH_P_8021Q, 4095), &link), 0);
	assert_int_equal(link.vlan, 0);
}

static void a_slave_shows_both_lacp_states(void **state)
{
	struct packet packet;
	struct linkmsg link;

	(void)state;
	assert_int_equal(linkmsg_parse(make_slave(&packet, 11, UP, 0x3d, 0x0f, 3), &link), 0);
	assert_int_equal(link.master, 10);
	assert_int_equal(link.master_kind, LINKMSG_KIND_BOND);
	assert_int_equal(link.actor_state, 0x3d);
	assert_int_equal(link.partner_state, 0x0f);
	assert_int_equal(link.aggregator, 3);
}

static void what_describes_no_link_is_refused(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = link_named(&packet, 5, 0, "wlan0", 0);
	struct linkmsg link;

	(void)state;
	mnl_attr_put_u32(message, IFLA_WIRELESS, 0);
	assert_int_equal(linkmsg_parse(message, &link), -ENOMSG);
	assert_int_equal(linkmsg_parse(make_vlans(&packet), &link), -ENOMSG);
	assert_int_equal(linkmsg_parse(link_begin(&packet, AF_UNSPEC, 5, 0), &link), -EBADMSG);
	assert_int_equal(linkmsg_parse(link_named(&packet, 0, 0, "x", 0), &link), -EBADMSG);
}

static void vlans_are_read_with_ranges(void **state)
{
	struct packet packet;
	struct linkmsg_vlans vlans;
	uint32_t ifindex;
	uint16_t vlan;

	(void)state;
	assert_int_equal(linkmsg_parse_vlans(make_vlans(&packet), &ifindex, &vlans), 0);
	assert_int_equal(ifindex, 10);
	assert_int_equal(vlans.ingress_vid, 1);
	assert_true(vlans.ingress_untagged);
	assert_int_equal(vlans.untagged_vid, 1);
	assert_int_equal(vlans.untagged_vid_second, 0);
	for (vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		bool expected = vlan == 1 || (vlan >= 10 && vlan <= 14) || vlan == 20 ||
				vlan == 4094;

		assert_int_equal(mlag_vlans_has(&vlans.set, vlan), expected);
	}
}

static void two_untagged_vlans_are_both_named(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = link_begin(&packet, AF_BRIDGE, 10, UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	(void)state;
	put_vlan(message, 30, BRIDGE_VLAN_INFO_UNTAGGED);
	put_vlan(message, 40, BRIDGE_VLAN_INFO_UNTAGGED);
	put_vlan(message, 20, BRIDGE_VLAN_INFO_UNTAGGED);
	mnl_attr_nest_end(message, nest);
	assert_int_equal(linkmsg_parse_vlans(message, &ifindex, &vlans), 0);
	assert_int_equal(vlans.untagged_vid, 20);
	assert_int_equal(vlans.untagged_vid_second, 30);
}

static int parse_one_vlan(uint16_t vid, uint16_t flags)
{
	struct packet packet;
	struct nlmsghdr *message = link_begin(&packet, AF_BRIDGE, 10, UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	put_vlan(message, vid, flags);
	mnl_attr_nest_end(message, nest);
	return linkmsg_parse_vlans(message, &ifindex, &vlans);
}

static void vlans_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_one_vlan(1, 0), 0);
	assert_int_equal(parse_one_vlan(4094, 0), 0);
	assert_int_equal(parse_one_vlan(0, 0), -EBADMSG);
	assert_int_equal(parse_one_vlan(4095, 0), -EBADMSG);
	assert_int_equal(parse_one_vlan(65535, 0), -EBADMSG);
	assert_int_equal(parse_one_vlan(7, BRIDGE_VLAN_INFO_RANGE_BEGIN), -EBADMSG);
}

static void the_bridge_inside_a_card_does_not_count(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = link_begin(&packet, AF_BRIDGE, 10, UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	(void)state;
	mnl_attr_put_u16(message, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	mnl_attr_nest_end(message, nest);
	assert_int_equal(linkmsg_parse_vlans(message, &ifindex, &vlans), -ENOMSG);
}

/*
 * Every prefix of a message, in memory that ends where the prefix does, so that the address
 * sanitizer and valgrind see a read beyond it.
 */
static void each_prefix(const struct nlmsghdr *message)
{
	static const struct fdbmsg_bridge bridge = {.ifindex = 2, .vlan_aware = true};
	uint32_t size;

	for (size = sizeof(*message); size <= message->nlmsg_len; size++) {
		struct nlmsghdr *prefix = malloc(size);
		struct linkmsg link;
		struct linkmsg_vlans vlans;
		struct linkmsg_settings settings;
		struct mlag_mac_key key;
		struct mlag_fdb_entry entry;
		uint32_t ifindex;

		assert_non_null(prefix);
		memcpy(prefix, message, size);
		prefix->nlmsg_len = size;
		(void)linkmsg_family(prefix);
		(void)linkmsg_parse(prefix, &link);
		(void)linkmsg_parse_vlans(prefix, &ifindex, &vlans);
		(void)linkmsg_parse_settings(prefix, &ifindex, &settings);
		(void)fdbmsg_parse(prefix, &bridge, &key, &entry);
		free(prefix);
	}
}

static void messages_cut_short_are_survived(void **state)
{
	static const struct mlag_mac_key key = {.vlan = 10, .mac = {{2, 0, 0, 0, 0, 5}}};
	static const struct mlag_fdb_entry entry = {.ifindex = 4, .kind = MLAG_FDB_INACTIVE};
	struct packet packet;
	struct nlmsghdr *message;

	(void)state;
	each_prefix(make_bridge(&packet, true));
	each_prefix(make_bond(&packet, 10, 1));
	each_prefix(make_slave(&packet, 11, UP, 0x3d, 0x3d, 1));
	each_prefix(make_vlans(&packet));
	message = mnl_nlmsg_put_header(packet.bytes);
	message->nlmsg_type = RTM_NEWNEIGH;
	fdbmsg_put_set(message, &key, &entry);
	mnl_attr_put_u32(message, NDA_MASTER, 2);
	each_prefix(message);
}

/* ---- the model of ports -------------------------------------------------------------------- */

static void feed(struct linkstate *model, const struct nlmsghdr *message)
{
	struct linkmsg link;

	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(linkstate_update(model, &link), 0);
}

static struct mlag_leg_observation observe(struct linkstate *model, uint32_t lag_index)
{
	struct mlag_leg_observation leg;

	linkstate_resolve(model);
	linkstate_observe_leg(model, lag_index, &leg);
	return leg;
}

static struct linkstate *model_new(void)
{
	struct linkstate *model = calloc(1, sizeof(*model));
	struct links_spec spec = {.bridge = "br0", .peer_link = "pl", .lags_count = 2};
	struct packet packet;

	assert_non_null(model);
	(void)snprintf(spec.lags[0].ifname, IFNAMSIZ, "bond1");
	spec.lags[0].id = 1;
	(void)snprintf(spec.lags[1].ifname, IFNAMSIZ, "eth9");
	spec.lags[1].id = 9;
	linkstate_configure(model, &spec);
	feed(model, make_bridge(&packet, true));
	feed(model, make_port(&packet, 3, "pl", 2, UP));
	feed(model, make_bond(&packet, 10, 1));
	return model;
}

static void model_free(struct linkstate *model)
{
	linkstate_fini(model);
	free(model);
}

static void a_bond_without_slaves_with_carrier_has_none(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	assert_false(observe(model, 0).carrier);
	feed(model, make_slave(&packet, 11, UP, 0, 0, 1));
	feed(model, make_slave(&packet, 12, UP, 0, 0, 1));
	assert_true(observe(model, 0).carrier);
	assert_true(observe(model, 0).lacp);
	/* The bond says up until its miimon looks; the slaves' own events come before. */
	feed(model, make_slave(&packet, 11, IFF_UP, 0, 0, 1));
	assert_true(observe(model, 0).carrier);
	feed(model, make_slave(&packet, 12, IFF_UP, 0, 0, 1));
	assert_false(observe(model, 0).carrier);
	model_free(model);
}

static void readiness_is_read_from_actor_and_partner_of_one_slave(void **state)
{
	static const struct {
		uint8_t actor[2];
		uint16_t partner[2];
		bool distributing;
		bool collecting;
	} cases[] = {
		{{0x00, 0x00}, {0x3d, 0x3d}, false, false},
		{{0x3d, 0x00}, {0x00, 0x3d}, true, false}, /* not the same slave */
		{{0x3d, 0x00}, {0x10, 0x00}, true, false}, /* not in sync */
		{{0x3d, 0x00}, {0x08, 0x00}, true, false},
		{{0x3d, 0x00}, {0x18, 0x00}, true, true},
		{{0x00, 0x20}, {0x00, 0x18}, true, true},
	};
	struct linkstate *model = model_new();
	struct packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mlag_leg_observation leg;

		feed(model, make_slave(&packet, 11, UP, cases[i].actor[0], cases[i].partner[0], 1));
		feed(model, make_slave(&packet, 12, UP, cases[i].actor[1], cases[i].partner[1], 1));
		leg = observe(model, 0);
		assert_int_equal(leg.distributing, cases[i].distributing);
		assert_int_equal(leg.partner_collecting, cases[i].collecting);
		assert_memory_equal(leg.partner_mac.octets, partner, sizeof(partner));
	}
	model_free(model);
}

static void an_aggregator_that_is_not_active_does_not_count(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	feed(model, make_slave(&packet, 11, UP, 0x3d, 0x3d, 2));
	assert_true(observe(model, 0).carrier);
	assert_false(observe(model, 0).distributing);
	feed(model, make_bond(&packet, 10, 2));
	assert_true(observe(model, 0).distributing);
	assert_true(observe(model, 0).partner_collecting);
	model_free(model);
}

static void a_slave_without_carrier_is_no_evidence(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	feed(model, make_slave(&packet, 11, IFF_UP, 0x3d, 0x3d, 1));
	feed(model, make_slave(&packet, 12, UP, 0x05, 0x3d, 1));
	assert_false(observe(model, 0).distributing);
	model_free(model);
}

static void a_static_leg_follows_its_own_flags(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	assert_int_equal(observe(model, 1).ifindex, 0);
	feed(model, make_port(&packet, 20, "eth9", 0, UP));
	assert_int_equal(observe(model, 1).ifindex, 0);
	feed(model, make_port(&packet, 20, "eth9", 2, UP));
	assert_int_equal(observe(model, 1).ifindex, 20);
	assert_true(observe(model, 1).carrier);
	assert_false(observe(model, 1).lacp);
	feed(model, make_port(&packet, 20, "eth9", 2, IFF_UP | LOWER_UP));
	assert_false(observe(model, 1).carrier);
	linkstate_remove(model, 20);
	assert_int_equal(observe(model, 1).ifindex, 0);
	model_free(model);
}

static void vlans_follow_the_bridge(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;
	struct linkmsg_vlans vlans;
	struct mlag_leg_observation leg;
	uint32_t ifindex;

	(void)state;
	assert_int_equal(linkmsg_parse_vlans(make_vlans(&packet), &ifindex, &vlans), 0);
	assert_int_equal(linkstate_update_vlans(model, ifindex, &vlans), 0);
	leg = observe(model, 0);
	assert_true(mlag_vlans_has(&leg.vlans, 14));
	assert_false(mlag_vlans_has(&leg.vlans, 0));
	assert_int_equal(leg.untagged_vid, 1);
	feed(model, make_bridge(&packet, false));
	leg = observe(model, 0);
	assert_true(mlag_vlans_has(&leg.vlans, 0));
	assert_false(mlag_vlans_has(&leg.vlans, 14));
	assert_int_equal(leg.untagged_vid, 0);
	model_free(model);
}

static void the_peer_links_untagged_vlan_is_observed(void **state)
{
	struct linkstate *model = model_new();
	struct linkmsg_vlans vlans = {.untagged_vid = 10, .ingress_vid = 10};
	struct mlag_peer_link before, after;

	(void)state;
	mlag_vlans_add(&vlans.set, 10);
	assert_int_equal(linkstate_update_vlans(model, 3, &vlans), 0);
	linkstate_resolve(model);
	linkstate_observe_peer_link(model, &before);
	assert_int_equal(before.untagged_vid, 10);
	vlans.untagged_vid = 0;
	assert_int_equal(linkstate_update_vlans(model, 3, &vlans), 0);
	linkstate_observe_peer_link(model, &after);
	assert_int_equal(after.untagged_vid, 0);
	assert_false(linkstate_peer_link_equal(&before, &after));
	model_free(model);
}

static void ports_but_the_peer_link_are_listed_with_their_pvid(void **state)
{
	struct linkstate *model = model_new();
	struct linkmsg_vlans vlans = {.ingress_vid = 30};
	struct links_port member;
	struct packet packet;
	uint32_t index = 0;

	(void)state;
	feed(model, make_port(&packet, 4, "orphan", 2, UP));
	feed(model, make_port(&packet, 5, "other", 0, UP));
	assert_int_equal(linkstate_update_vlans(model, 3, &vlans), 0);
	assert_int_equal(linkstate_update_vlans(model, 4, &vlans), 0);
	linkstate_resolve(model);
	assert_true(linkstate_next_member(model, &index, &member));
	assert_int_equal(member.ifindex, 4);
	assert_int_equal(member.ingress_vid, 30);
	assert_true(linkstate_next_member(model, &index, &member));
	assert_int_equal(member.ifindex, 10);
	assert_int_equal(member.ingress_vid, 0);
	assert_false(linkstate_next_member(model, &index, &member));
	feed(model, make_bridge(&packet, false));
	linkstate_resolve(model);
	index = 0;
	assert_true(linkstate_next_member(model, &index, &member));
	assert_int_equal(member.ingress_vid, 0);
	linkstate_remove(model, 2);
	linkstate_resolve(model);
	index = 0;
	assert_false(linkstate_next_member(model, &index, &member));
	model_free(model);
}

static bool has_problem(struct linkstate *model, const char *code, const char *word)
{
	struct links_problem problems[16];
	uint32_t count;
	uint32_t i;

	linkstate_resolve(model);
	count = linkproblems_find(model, problems, 16);
	for (i = 0; i < count; i++) {
		if (strcmp(problems[i].code, code) == 0 && strstr(problems[i].text, word) != NULL) {
			return true;
		}
	}
	return false;
}

static void problems_name_the_device(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;
	struct linkmsg_vlans vlans = {.untagged_vid = 5, .untagged_vid_second = 6};
	struct links_problem one;

	(void)state;
	assert_true(has_problem(model, "multicast-snooping", "br0"));
	assert_true(has_problem(model, "peer-link-learning", "pl"));
	assert_true(has_problem(model, "device-missing", "eth9"));
	assert_false(has_problem(model, "vlan-missing-on-peer-link", ""));
	mlag_vlans_add(&vlans.set, 5);
	mlag_vlans_add(&vlans.set, 6);
	mlag_vlans_add(&vlans.set, 9);
	assert_int_equal(linkstate_update_vlans(model, 10, &vlans), 0);
	assert_true(has_problem(model, "vlan-conflict", "VLAN 5 and VLAN 6"));
	assert_true(has_problem(model, "vlan-missing-on-peer-link", "VLAN 5-6,9 of the leg bond1"));
	feed(model, make_port(&packet, 20, "eth9", 0, 0));
	assert_true(has_problem(model, "not-a-port", "eth9"));
	assert_true(has_problem(model, "device-down", "eth9"));
	assert_int_equal(linkproblems_find(model, &one, 1), 1);
	feed(model, link_named(&packet, 2, UP, "br0", 0));
	assert_true(has_problem(model, "not-a-bridge", "br0"));
	linkstate_remove(model, 2);
	assert_true(has_problem(model, "device-missing", "br0"));
	model_free(model);
}

static void a_reload_keeps_what_was_reported(void **state)
{
	struct linkstate *model = model_new();
	struct links_spec spec = model->spec;

	(void)state;
	model->ports[1].reported = true;
	model->ports[2].reported = true;
	spec.lags[0] = model->spec.lags[1];
	spec.lags[1].id = 44;
	linkstate_configure(model, &spec);
	assert_true(model->ports[1].reported);
	assert_false(model->ports[2].reported);
	model_free(model);
}

static uint32_t incarnation(struct linkstate *model)
{
	return observe(model, 0).incarnation;
}

/* What the daemon set at a port is gone with the port, however alike the next one looks. */
static void a_port_that_is_one_anew_has_another_incarnation(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;
	uint32_t before = incarnation(model);

	(void)state;
	assert_int_not_equal(before, 0);
	feed(model, make_bond(&packet, 10, 2));
	feed(model, make_port(&packet, 20, "eth9", 2, UP));
	assert_int_equal(incarnation(model), before);
	/* Out of the bridge and back, with nobody looking in between. */
	feed(model, make_port(&packet, 10, "bond1", 0, UP));
	feed(model, make_bond(&packet, 10, 1));
	assert_int_not_equal(incarnation(model), before);
	before = incarnation(model);
	/* Deleted, and made again with the same number. */
	linkstate_remove(model, 10);
	feed(model, make_bond(&packet, 10, 1));
	assert_int_not_equal(incarnation(model), before);
	/* While it is no port there is nothing to tell apart. */
	feed(model, make_port(&packet, 10, "bond1", 0, UP));
	assert_int_equal(incarnation(model), 0);
	model_free(model);
}

static void another_incarnation_is_reported(void **state)
{
	struct linkstate *model = model_new();
	struct mlag_peer_link before, after;
	struct mlag_leg_observation leg_before = observe(model, 0), leg_after;
	struct links_port member, member_after;
	struct packet packet;
	uint32_t index = 0;

	(void)state;
	linkstate_observe_peer_link(model, &before);
	assert_true(linkstate_next_member(model, &index, &member));
	feed(model, make_port(&packet, 3, "pl", 0, UP));
	feed(model, make_port(&packet, 3, "pl", 2, UP));
	feed(model, make_port(&packet, 10, "bond1", 0, UP));
	feed(model, make_bond(&packet, 10, 1));
	leg_after = observe(model, 0);
	linkstate_observe_peer_link(model, &after);
	assert_false(linkstate_peer_link_equal(&before, &after));
	assert_false(linkstate_leg_equal(&leg_before, &leg_after));
	index = 0;
	assert_true(linkstate_next_member(model, &index, &member_after));
	assert_int_equal(member_after.ifindex, member.ifindex);
	assert_int_equal(member_after.incarnation, leg_after.incarnation);
	assert_int_not_equal(member_after.incarnation, member.incarnation);
	before.incarnation = after.incarnation;
	leg_before.incarnation = leg_after.incarnation;
	assert_true(linkstate_peer_link_equal(&before, &after));
	assert_true(linkstate_leg_equal(&leg_before, &leg_after));
	model_free(model);
}

static void incarnations_are_never_0(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	model->incarnations = UINT32_MAX - 1;
	feed(model, make_port(&packet, 20, "eth9", 0, UP));
	assert_int_equal(linkstate_find(model, 20)->incarnation, UINT32_MAX);
	feed(model, make_port(&packet, 20, "eth9", 2, UP));
	assert_int_not_equal(linkstate_find(model, 20)->incarnation, 0);
	model_free(model);
}

static struct nlmsghdr *make_settings(struct packet *packet, int ifindex, uint8_t learning,
				      uint8_t flood, uint32_t backup_ifindex)
{
	struct nlmsghdr *message = link_begin(packet, AF_BRIDGE, ifindex, UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_PROTINFO);

	mnl_attr_put_u8(message, IFLA_BRPORT_LEARNING, learning);
	mnl_attr_put_u8(message, IFLA_BRPORT_UNICAST_FLOOD, flood);
	mnl_attr_put_u8(message, IFLA_BRPORT_MCAST_FLOOD, 1);
	mnl_attr_put_u8(message, IFLA_BRPORT_BCAST_FLOOD, flood);
	if (backup_ifindex != 0) {
		mnl_attr_put_u32(message, IFLA_BRPORT_BACKUP_PORT, backup_ifindex);
	}
	mnl_attr_nest_end(message, nest);
	return message;
}

static void settings_of_a_port_are_read(void **state)
{
	struct packet packet;
	struct linkmsg_settings settings;
	uint32_t ifindex;

	(void)state;
	assert_int_equal(linkmsg_parse_settings(make_settings(&packet, 10, 0, 1, 3), &ifindex,
						&settings),
			 0);
	assert_int_equal(ifindex, 10);
	assert_false(settings.learning);
	assert_true(settings.flood && settings.mcast_flood && settings.bcast_flood);
	assert_int_equal(settings.backup_ifindex, 3);
	assert_int_equal(
		linkmsg_parse_settings(make_settings(&packet, 3, 1, 0, 0), &ifindex, &settings), 0);
	assert_true(settings.learning && settings.mcast_flood);
	assert_false(settings.flood || settings.bcast_flood);
	assert_int_equal(settings.backup_ifindex, 0);
	/* The bridge's word that a port is gone has none. */
	assert_int_equal(linkmsg_parse_settings(make_vlans(&packet), &ifindex, &settings), -ENOMSG);
	each_prefix(make_settings(&packet, 10, 0, 1, 3));
}

static void settings_are_reported_when_they_change(void **state)
{
	struct linkstate *model = model_new();
	struct linkmsg_settings settings;
	struct packet packet;
	uint32_t ifindex;

	(void)state;
	linkstate_resolve(model);
	assert_true(linkstate_take_settings(model, 0, &ifindex, &settings));
	assert_int_equal(ifindex, 3);
	assert_true(settings.learning);
	assert_true(linkstate_take_settings(model, 1, &ifindex, &settings));
	assert_int_equal(ifindex, 10);
	assert_false(linkstate_take_settings(model, 0, &ifindex, &settings));
	assert_false(linkstate_take_settings(model, 1, &ifindex, &settings));
	assert_false(linkstate_take_settings(model, 2, &ifindex, &settings)); /* no such device */
	linkstate_find(model, 10)->message.settings.backup_ifindex = 3;
	assert_true(linkstate_take_settings(model, 1, &ifindex, &settings));
	assert_int_equal(settings.backup_ifindex, 3);
	assert_false(linkstate_take_settings(model, 1, &ifindex, &settings));
	/* Those of a new port are told though they look the same. */
	feed(model, make_port(&packet, 3, "pl", 0, UP));
	feed(model, make_port(&packet, 3, "pl", 2, UP));
	linkstate_resolve(model);
	assert_true(linkstate_take_settings(model, 0, &ifindex, &settings));
	feed(model, make_port(&packet, 3, "pl", 0, UP));
	linkstate_resolve(model);
	assert_false(linkstate_take_settings(model, 0, &ifindex, &settings));
	model_free(model);
}

static void tags_of_another_type_are_a_problem(void **state)
{
	struct linkstate *model = model_new();
	struct linkstate_link *bridge = linkstate_find(model, 2);

	(void)state;
	assert_false(has_problem(model, "vlan-protocol", "")); /* not told */
	bridge->message.vlan_protocol = ETH_P_8021Q;
	assert_false(has_problem(model, "vlan-protocol", ""));
	bridge->message.vlan_protocol = ETH_P_8021AD;
	assert_true(has_problem(model, "vlan-protocol", "br0"));
	bridge->message.vlan_filtering = false;
	assert_false(has_problem(model, "vlan-protocol", ""));
	model_free(model);
}

static void a_lost_filter_is_told_from_other_events(void **state)
{
	static const struct {
		uint16_t type;
		bool told;
	} cases[] = {
		{RTM_DELQDISC, true}, {RTM_DELTFILTER, true}, {RTM_NEWTFILTER, true},
		{RTM_DELCHAIN, true}, {RTM_NEWQDISC, false},  {RTM_NEWTCLASS, false},
		{RTM_NEWLINK, false},
	};
	struct packet packet;
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet.bytes);
	struct tcmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	(void)state;
	header->tcm_ifindex = 7;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message->nlmsg_type = cases[i].type;
		assert_int_equal(filters_parse(message), cases[i].told ? 7 : 0);
	}
	message->nlmsg_type = RTM_DELQDISC;
	header->tcm_ifindex = -1; /* a block shared by several devices */
	assert_int_equal(filters_parse(message), 0);
	header->tcm_ifindex = 7;
	message->nlmsg_len -= 1;
	assert_int_equal(filters_parse(message), 0);
}

static void many_links_stay_in_order(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;
	char ifname[IFNAMSIZ];
	uint32_t i;

	(void)state;
	for (i = 0; i < 500; i++) {
		uint32_t ifindex = 1000 + (i * 7919) % 500;

		(void)snprintf(ifname, sizeof(ifname), "d%u", ifindex);
		feed(model, link_named(&packet, (int)ifindex, 0, ifname, 0));
	}
	for (i = 1000; i < 1500; i++) {
		assert_non_null(linkstate_find(model, i));
		assert_int_equal(linkstate_find(model, i)->message.ifindex, i);
	}
	for (i = 1000; i < 1500; i += 2) {
		linkstate_remove(model, i);
		linkstate_remove(model, i);
	}
	for (i = 1000; i < 1500; i++) {
		assert_int_equal(linkstate_find(model, i) != NULL, i % 2);
	}
	model_free(model);
}

/* ---- FDB ------------------------------------------------------------------------------------- */

static const struct mlag_mac_key host = {.vlan = 10, .mac = {{0x02, 0, 0, 0, 0, 0x05}}};
static const struct fdbmsg_bridge aware = {.ifindex = 2, .vlan_aware = true};
static const struct fdbmsg_bridge plain = {.ifindex = 2, .vlan_aware = false};

static struct nlmsghdr *make_entry(struct packet *packet, uint16_t type,
				   const struct mlag_mac_key *key, uint16_t nud, uint8_t flags,
				   int notify)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = 4;
	header->ndm_state = nud;
	header->ndm_flags = flags;
	mnl_attr_put(message, NDA_LLADDR, 6, key->mac.octets);
	mnl_attr_put_u32(message, NDA_MASTER, 2);
	if (key->vlan != 0) {
		mnl_attr_put_u16(message, NDA_VLAN, key->vlan);
	}
	if (notify >= 0) {
		struct nlattr *nest = mnl_attr_nest_start(message, NDA_FDB_EXT_ATTRS);

		mnl_attr_put_u8(message, NFEA_ACTIVITY_NOTIFY, (uint8_t)notify);
		mnl_attr_nest_end(message, nest);
	}
	return message;
}

static void kinds_follow_state_flags_and_activity(void **state)
{
	static const struct {
		uint16_t nud;
		uint8_t flags;
		int notify;
		enum mlag_fdb_kind kind;
	} cases[] = {
		{NUD_REACHABLE, 0, -1, MLAG_FDB_DYNAMIC},
		{NUD_STALE, 0, -1, MLAG_FDB_DYNAMIC},
		{NUD_REACHABLE, NTF_EXT_LEARNED, -1, MLAG_FDB_EXTERNAL},
		{NUD_NOARP, 0, -1, MLAG_FDB_OPERATOR},
		{NUD_NOARP, NTF_STICKY, -1, MLAG_FDB_STICKY},
		{NUD_NOARP, NTF_STICKY, FDB_NOTIFY_BIT, MLAG_FDB_STICKY},
		{NUD_NOARP, NTF_STICKY | NTF_EXT_LEARNED, -1, MLAG_FDB_STICKY},
		{NUD_NOARP, 0, FDB_NOTIFY_BIT, MLAG_FDB_ACTIVE},
		{NUD_NOARP, 0, FDB_NOTIFY_BIT | FDB_NOTIFY_INACTIVE_BIT, MLAG_FDB_INACTIVE},
		{NUD_NOARP, NTF_EXT_LEARNED, FDB_NOTIFY_BIT, MLAG_FDB_ACTIVE},
	};
	struct packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mlag_mac_key key;
		struct mlag_fdb_entry entry;

		assert_int_equal(fdbmsg_parse(make_entry(&packet, RTM_NEWNEIGH, &host, cases[i].nud,
							 cases[i].flags, cases[i].notify),
					      &aware, &key, &entry),
				 0);
		assert_int_equal(entry.kind, cases[i].kind);
		assert_int_equal(entry.ifindex, 4);
		assert_int_equal(key.vlan, 10);
		assert_memory_equal(key.mac.octets, host.mac.octets, 6);
	}
}

static int parse_entry(const struct nlmsghdr *message, const struct fdbmsg_bridge *bridge)
{
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;

	return fdbmsg_parse(message, bridge, &key, &entry);
}

static void what_is_not_to_be_reported_is_told_apart(void **state)
{
	static const struct mlag_mac_key group = {.vlan = 10, .mac = {{1, 0, 0x5e, 0, 0, 1}}};
	static const struct mlag_mac_key untagged = {.mac = {{2, 0, 0, 0, 0, 5}}};
	static const struct fdbmsg_bridge other = {.ifindex = 3, .vlan_aware = true};
	struct packet packet;
	struct nlmsghdr *message = make_entry(&packet, RTM_NEWNEIGH, &host, NUD_REACHABLE, 0, -1);
	struct mlag_mac_key key;
	struct mlag_fdb_entry entry;

	(void)state;
	assert_int_equal(parse_entry(message, &aware), 0);
	assert_int_equal(parse_entry(message, &other), -ENOMSG);
	assert_int_equal(parse_entry(message, &plain), -ENOMSG);
	message->nlmsg_type = RTM_DELNEIGH;
	assert_int_equal(fdbmsg_parse(message, &aware, &key, &entry), 0);
	assert_int_equal(entry.kind, MLAG_FDB_NONE);
	assert_int_equal(entry.ifindex, 0);
	message = make_entry(&packet, RTM_NEWNEIGH, &untagged, NUD_REACHABLE, 0, -1);
	assert_int_equal(parse_entry(message, &plain), 0);
	assert_int_equal(parse_entry(message, &aware), -ENOMSG);
	message = make_entry(&packet, RTM_NEWNEIGH, &group, NUD_NOARP, 0, -1);
	assert_int_equal(parse_entry(message, &aware), -ENOMSG);
	message = make_entry(&packet, RTM_NEWNEIGH, &host, NUD_PERMANENT, NTF_SELF, -1);
	assert_int_equal(parse_entry(message, &aware), -ENOMSG);
	message = make_entry(&packet, RTM_NEWNEIGH, &untagged, NUD_PERMANENT, 0, -1);
	assert_int_equal(parse_entry(message, &aware), -EADDRINUSE);
}

static void what_is_written_is_read_back_as_the_same_kind(void **state)
{
	enum mlag_fdb_kind kind;

	(void)state;
	for (kind = MLAG_FDB_DYNAMIC; kind <= MLAG_FDB_STICKY; kind++) {
		struct mlag_fdb_entry wanted = {.ifindex = 4, .kind = kind};
		struct mlag_fdb_entry entry;
		struct mlag_mac_key key;
		struct packet packet;
		struct nlmsghdr *message = mnl_nlmsg_put_header(packet.bytes);

		message->nlmsg_type = RTM_NEWNEIGH;
		fdbmsg_put_set(message, &host, &wanted);
		assert_in_range(message->nlmsg_len, 1, FDBMSG_SIZE_MAX);
		/* The kernel adds the bridge. */
		mnl_attr_put_u32(message, NDA_MASTER, 2);
		assert_int_equal(fdbmsg_parse(message, &aware, &key, &entry), 0);
		assert_int_equal(entry.kind, kind);
		assert_int_equal(entry.ifindex, 4);
		assert_int_equal(key.vlan, host.vlan);
	}
}

static void own_addresses_are_counted(void **state)
{
	struct fdblocal *local = calloc(1, sizeof(*local));
	struct mlag_mac mac = {{2, 0, 0, 0, 0, 1}};
	uint32_t i;

	(void)state;
	assert_non_null(local);
	assert_false(fdblocal_has(local, &mac));
	assert_true(fdblocal_add(local, &mac));
	assert_true(fdblocal_add(local, &mac));
	fdblocal_remove(local, &mac);
	assert_true(fdblocal_has(local, &mac));
	fdblocal_remove(local, &mac);
	assert_false(fdblocal_has(local, &mac));
	fdblocal_remove(local, &mac);
	for (i = 0; i < FDBLOCAL_MAX; i++) {
		mac.octets[3] = (uint8_t)(i >> 8);
		mac.octets[4] = (uint8_t)i;
		assert_true(fdblocal_add(local, &mac));
	}
	assert_true(fdblocal_add(local, &mac));
	mac.octets[5] = 9;
	assert_false(fdblocal_add(local, &mac));
	fdblocal_clear(local);
	assert_true(fdblocal_add(local, &mac));
	free(local);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bridge_is_read),
		cmocka_unit_test(a_permanent_address_wins),
		cmocka_unit_test(a_vlan_device_is_read),
		cmocka_unit_test(a_slave_shows_both_lacp_states),
		cmocka_unit_test(what_describes_no_link_is_refused),
		cmocka_unit_test(vlans_are_read_with_ranges),
		cmocka_unit_test(two_untagged_vlans_are_both_named),
		cmocka_unit_test(vlans_out_of_range_are_refused),
		cmocka_unit_test(the_bridge_inside_a_card_does_not_count),
		cmocka_unit_test(messages_cut_short_are_survived),
		cmocka_unit_test(a_bond_without_slaves_with_carrier_has_none),
		cmocka_unit_test(readiness_is_read_from_actor_and_partner_of_one_slave),
		cmocka_unit_test(an_aggregator_that_is_not_active_does_not_count),
		cmocka_unit_test(a_slave_without_carrier_is_no_evidence),
		cmocka_unit_test(a_static_leg_follows_its_own_flags),
		cmocka_unit_test(vlans_follow_the_bridge),
		cmocka_unit_test(the_peer_links_untagged_vlan_is_observed),
		cmocka_unit_test(ports_but_the_peer_link_are_listed_with_their_pvid),
		cmocka_unit_test(problems_name_the_device),
		cmocka_unit_test(a_reload_keeps_what_was_reported),
		cmocka_unit_test(a_port_that_is_one_anew_has_another_incarnation),
		cmocka_unit_test(another_incarnation_is_reported),
		cmocka_unit_test(incarnations_are_never_0),
		cmocka_unit_test(settings_of_a_port_are_read),
		cmocka_unit_test(settings_are_reported_when_they_change),
		cmocka_unit_test(tags_of_another_type_are_a_problem),
		cmocka_unit_test(a_lost_filter_is_told_from_other_events),
		cmocka_unit_test(many_links_stay_in_order),
		cmocka_unit_test(kinds_follow_state_flags_and_activity),
		cmocka_unit_test(what_is_not_to_be_reported_is_told_apart),
		cmocka_unit_test(what_is_written_is_read_back_as_the_same_kind),
		cmocka_unit_test(own_addresses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
