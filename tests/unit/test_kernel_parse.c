// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the daemon reads out of netlink messages: links, VLANs and FDB entries, built here as the
 * kernel builds them, whole and cut short at every byte.
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
#include "kernel/linkmsg.h"
#include "packet.h"

/* ---- links ----------------------------------------------------------------------------------- */

static void a_bridge_is_read(void **state)
{
	struct packet packet;
	struct linkmsg link;

	(void)state;
	assert_int_equal(linkmsg_parse(packet_make_bridge(&packet, true), &link), 0);
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
	struct nlmsghdr *message = packet_link_named(&packet, 5, 0, "eth0", 0);
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
	struct nlmsghdr *message = packet_link_named(packet, 9, PACKET_UP, "br0.10", 20);
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
	assert_int_equal(
		linkmsg_parse(packet_make_slave(&packet, 11, PACKET_UP, 0x3d, 0x0f, 3), &link), 0);
	assert_int_equal(link.master, 10);
	assert_int_equal(link.master_kind, LINKMSG_KIND_BOND);
	assert_int_equal(link.actor_state, 0x3d);
	assert_int_equal(link.partner_state, 0x0f);
	assert_int_equal(link.aggregator, 3);
}

static void what_describes_no_link_is_refused(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = packet_link_named(&packet, 5, 0, "wlan0", 0);
	struct linkmsg link;

	(void)state;
	mnl_attr_put_u32(message, IFLA_WIRELESS, 0);
	assert_int_equal(linkmsg_parse(message, &link), -ENOMSG);
	assert_int_equal(linkmsg_parse(packet_make_vlans(&packet), &link), -ENOMSG);
	assert_int_equal(linkmsg_parse(packet_link_begin(&packet, AF_UNSPEC, 5, 0), &link),
			 -EBADMSG);
	assert_int_equal(linkmsg_parse(packet_link_named(&packet, 0, 0, "x", 0), &link), -EBADMSG);
}

static void vlans_are_read_with_ranges(void **state)
{
	struct packet packet;
	struct linkmsg_vlans vlans;
	uint32_t ifindex;
	uint16_t vlan;

	(void)state;
	assert_int_equal(linkmsg_parse_vlans(packet_make_vlans(&packet), &ifindex, &vlans), 0);
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
	struct nlmsghdr *message = packet_link_begin(&packet, AF_BRIDGE, 10, PACKET_UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	(void)state;
	packet_put_vlan(message, 30, BRIDGE_VLAN_INFO_UNTAGGED);
	packet_put_vlan(message, 40, BRIDGE_VLAN_INFO_UNTAGGED);
	packet_put_vlan(message, 20, BRIDGE_VLAN_INFO_UNTAGGED);
	mnl_attr_nest_end(message, nest);
	assert_int_equal(linkmsg_parse_vlans(message, &ifindex, &vlans), 0);
	assert_int_equal(vlans.untagged_vid, 20);
	assert_int_equal(vlans.untagged_vid_second, 30);
}

static int parse_one_vlan(uint16_t vid, uint16_t flags)
{
	struct packet packet;
	struct nlmsghdr *message = packet_link_begin(&packet, AF_BRIDGE, 10, PACKET_UP);
	struct nlattr *nest = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct linkmsg_vlans vlans;
	uint32_t ifindex;

	packet_put_vlan(message, vid, flags);
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
	struct nlmsghdr *message = packet_link_begin(&packet, AF_BRIDGE, 10, PACKET_UP);
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
	each_prefix(packet_make_bridge(&packet, true));
	each_prefix(packet_make_bond(&packet, 10, 1));
	each_prefix(packet_make_slave(&packet, 11, PACKET_UP, 0x3d, 0x3d, 1));
	each_prefix(packet_make_vlans(&packet));
	message = mnl_nlmsg_put_header(packet.bytes);
	message->nlmsg_type = RTM_NEWNEIGH;
	fdbmsg_put_set(message, &key, &entry);
	mnl_attr_put_u32(message, NDA_MASTER, 2);
	each_prefix(message);
}

static void settings_of_a_port_are_read(void **state)
{
	struct packet packet;
	struct linkmsg_settings settings;
	uint32_t ifindex;

	(void)state;
	assert_int_equal(linkmsg_parse_settings(packet_make_settings(&packet, 10, 0, 1, 3),
						&ifindex, &settings),
			 0);
	assert_int_equal(ifindex, 10);
	assert_false(settings.learning);
	assert_true(settings.flood && settings.mcast_flood && settings.bcast_flood);
	assert_int_equal(settings.backup_ifindex, 3);
	assert_int_equal(linkmsg_parse_settings(packet_make_settings(&packet, 3, 1, 0, 0), &ifindex,
						&settings),
			 0);
	assert_true(settings.learning && settings.mcast_flood);
	assert_false(settings.flood || settings.bcast_flood);
	assert_int_equal(settings.backup_ifindex, 0);
	/* The bridge's word that a port is gone has none. */
	assert_int_equal(linkmsg_parse_settings(packet_make_vlans(&packet), &ifindex, &settings),
			 -ENOMSG);
	each_prefix(packet_make_settings(&packet, 10, 0, 1, 3));
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
		cmocka_unit_test(settings_of_a_port_are_read),
		cmocka_unit_test(kinds_follow_state_flags_and_activity),
		cmocka_unit_test(what_is_not_to_be_reported_is_told_apart),
		cmocka_unit_test(what_is_written_is_read_back_as_the_same_kind),
		cmocka_unit_test(own_addresses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
