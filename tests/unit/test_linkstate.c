// SPDX-License-Identifier: BSD-2-Clause
/*
 * The model of bridge, peer link and legs that is made from messages of the kernel: readiness, VLANs,
 * problems, incarnations, settings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>

#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kernel/filters.h"
#include "kernel/linkmsg.h"
#include "kernel/linkstate.h"
#include "packet.h"

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
	feed(model, packet_make_bridge(&packet, true));
	feed(model, packet_make_port(&packet, 3, "pl", 2, PACKET_UP));
	feed(model, packet_make_bond(&packet, 10, 1));
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
	feed(model, packet_make_slave(&packet, 11, PACKET_UP, 0, 0, 1));
	feed(model, packet_make_slave(&packet, 12, PACKET_UP, 0, 0, 1));
	assert_true(observe(model, 0).carrier);
	assert_true(observe(model, 0).lacp);
	/* The bond says up until its miimon looks; the slaves' own events come before. */
	feed(model, packet_make_slave(&packet, 11, IFF_UP, 0, 0, 1));
	assert_true(observe(model, 0).carrier);
	feed(model, packet_make_slave(&packet, 12, IFF_UP, 0, 0, 1));
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

		feed(model, packet_make_slave(&packet, 11, PACKET_UP, cases[i].actor[0],
					      cases[i].partner[0], 1));
		feed(model, packet_make_slave(&packet, 12, PACKET_UP, cases[i].actor[1],
					      cases[i].partner[1], 1));
		leg = observe(model, 0);
		assert_int_equal(leg.distributing, cases[i].distributing);
		assert_int_equal(leg.partner_collecting, cases[i].collecting);
		assert_memory_equal(leg.partner_mac.octets, packet_partner, sizeof(packet_partner));
	}
	model_free(model);
}

static void an_aggregator_that_is_not_active_does_not_count(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	feed(model, packet_make_slave(&packet, 11, PACKET_UP, 0x3d, 0x3d, 2));
	assert_true(observe(model, 0).carrier);
	assert_false(observe(model, 0).distributing);
	feed(model, packet_make_bond(&packet, 10, 2));
	assert_true(observe(model, 0).distributing);
	assert_true(observe(model, 0).partner_collecting);
	model_free(model);
}

static void a_slave_without_carrier_is_no_evidence(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	feed(model, packet_make_slave(&packet, 11, IFF_UP, 0x3d, 0x3d, 1));
	feed(model, packet_make_slave(&packet, 12, PACKET_UP, 0x05, 0x3d, 1));
	assert_false(observe(model, 0).distributing);
	model_free(model);
}

static void a_static_leg_follows_its_own_flags(void **state)
{
	struct linkstate *model = model_new();
	struct packet packet;

	(void)state;
	assert_int_equal(observe(model, 1).ifindex, 0);
	feed(model, packet_make_port(&packet, 20, "eth9", 0, PACKET_UP));
	assert_int_equal(observe(model, 1).ifindex, 0);
	feed(model, packet_make_port(&packet, 20, "eth9", 2, PACKET_UP));
	assert_int_equal(observe(model, 1).ifindex, 20);
	assert_true(observe(model, 1).carrier);
	assert_false(observe(model, 1).lacp);
	feed(model, packet_make_port(&packet, 20, "eth9", 2, IFF_UP | PACKET_LOWER_UP));
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
	assert_int_equal(linkmsg_parse_vlans(packet_make_vlans(&packet), &ifindex, &vlans), 0);
	assert_int_equal(linkstate_update_vlans(model, ifindex, &vlans), 0);
	leg = observe(model, 0);
	assert_true(mlag_vlans_has(&leg.vlans, 14));
	assert_false(mlag_vlans_has(&leg.vlans, 0));
	assert_int_equal(leg.untagged_vid, 1);
	feed(model, packet_make_bridge(&packet, false));
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
	feed(model, packet_make_port(&packet, 4, "orphan", 2, PACKET_UP));
	feed(model, packet_make_port(&packet, 5, "other", 0, PACKET_UP));
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
	feed(model, packet_make_bridge(&packet, false));
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
	feed(model, packet_make_port(&packet, 20, "eth9", 0, 0));
	assert_true(has_problem(model, "not-a-port", "eth9"));
	assert_true(has_problem(model, "device-down", "eth9"));
	assert_int_equal(linkproblems_find(model, &one, 1), 1);
	feed(model, packet_link_named(&packet, 2, PACKET_UP, "br0", 0));
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
	feed(model, packet_make_bond(&packet, 10, 2));
	feed(model, packet_make_port(&packet, 20, "eth9", 2, PACKET_UP));
	assert_int_equal(incarnation(model), before);
	/* Out of the bridge and back, with nobody looking in between. */
	feed(model, packet_make_port(&packet, 10, "bond1", 0, PACKET_UP));
	feed(model, packet_make_bond(&packet, 10, 1));
	assert_int_not_equal(incarnation(model), before);
	before = incarnation(model);
	/* Deleted, and made again with the same number. */
	linkstate_remove(model, 10);
	feed(model, packet_make_bond(&packet, 10, 1));
	assert_int_not_equal(incarnation(model), before);
	/* While it is no port there is nothing to tell apart. */
	feed(model, packet_make_port(&packet, 10, "bond1", 0, PACKET_UP));
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
	feed(model, packet_make_port(&packet, 3, "pl", 0, PACKET_UP));
	feed(model, packet_make_port(&packet, 3, "pl", 2, PACKET_UP));
	feed(model, packet_make_port(&packet, 10, "bond1", 0, PACKET_UP));
	feed(model, packet_make_bond(&packet, 10, 1));
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
	feed(model, packet_make_port(&packet, 20, "eth9", 0, PACKET_UP));
	assert_int_equal(linkstate_find(model, 20)->incarnation, UINT32_MAX);
	feed(model, packet_make_port(&packet, 20, "eth9", 2, PACKET_UP));
	assert_int_not_equal(linkstate_find(model, 20)->incarnation, 0);
	model_free(model);
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
	feed(model, packet_make_port(&packet, 3, "pl", 0, PACKET_UP));
	feed(model, packet_make_port(&packet, 3, "pl", 2, PACKET_UP));
	linkstate_resolve(model);
	assert_true(linkstate_take_settings(model, 0, &ifindex, &settings));
	feed(model, packet_make_port(&packet, 3, "pl", 0, PACKET_UP));
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
		feed(model, packet_link_named(&packet, (int)ifindex, 0, ifname, 0));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(settings_are_reported_when_they_change),
		cmocka_unit_test(tags_of_another_type_are_a_problem),
		cmocka_unit_test(a_lost_filter_is_told_from_other_events),
		cmocka_unit_test(many_links_stay_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
