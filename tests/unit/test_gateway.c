// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared gateways (R28) as far as they are values: what there is, what is done next, what is said of
 * it, and what is announced.
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
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kernel/announce.h"
#include "kernel/fdbown.h"
#include "kernel/gatewayplan.h"

#define BRIDGE 2
#define SVI 10
#define DEVICE 11
#define VRF 20
#define STEPS_MAX 40

static const struct mlag_mac shared = {{0, 0, 0x5e, 0, 1, 10}};
static const struct mlag_mac other = {{0, 0, 0x5e, 0, 1, 99}};
static const struct mlag_mac svi_mac = {{0x02, 0, 0, 0, 0, 0x10}};

static struct gatewayplan_address address_of(const char *text, uint8_t length)
{
	struct gatewayplan_address address = {.length = length};
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	address.family = family == AF_INET ? 4 : 6;
	assert_int_equal(inet_pton(family, text, address.octets), 1);
	return address;
}

static struct gatewayplan_wanted want(void)
{
	struct gatewayplan_wanted wanted = {.svi = "vlan10", .mac = shared, .addresses_count = 2};

	gatewayplan_name(wanted.svi, wanted.device);
	gatewayplan_alias("br0", wanted.alias);
	wanted.addresses[0] = address_of("10.0.10.254", 24);
	wanted.addresses[1] = address_of("fd00:10::fe", 64);
	return wanted;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void a_device_is_named_after_its_svi(void **state)
{
	char name[IFNAMSIZ], again[IFNAMSIZ];

	(void)state;
	gatewayplan_name("vlan10", name);
	assert_string_equal(name, "vlan10-gw");
	gatewayplan_name("bridge0.4094", name);
	assert_string_equal(name, "bridge0.4094-gw");
	/* Longer ones keep their beginning, and what tells them apart. */
	gatewayplan_name("bridge100.4094", name);
	gatewayplan_name("bridge100.4095", again);
	assert_int_equal(strlen(name), 15);
	assert_memory_equal(name, "bridge10", 8);
	assert_string_equal(name + 12, "-gw");
	assert_string_not_equal(name, again);
}

/* ---- the order of things --------------------------------------------------------------------- */

static bool is_wanted_hold(const struct gatewayplan_hold *hold, const struct gatewayplan_seen *seen,
			   const struct mlag_mac *mac)
{
	return hold->present && hold->vlan == seen->svi.vlan &&
	       memcmp(&hold->mac, mac, sizeof(*mac)) == 0;
}

/* Some hold covers what the device answers with. */
static bool is_covered(const struct gatewayplan_seen *seen)
{
	return is_wanted_hold(&seen->hold, seen, &seen->device.mac) ||
	       is_wanted_hold(&seen->old_hold, seen, &seen->device.mac);
}

/* An IPv6 address is on a device once, whatever the length of its prefix. */
static void check_addable(const struct gatewayplan_address *address,
			  const struct gatewayplan_seen *seen)
{
	for (uint32_t i = 0; i < seen->stale_count; i++) {
		assert_false(address->family == 6 && seen->stale[i].family == 6 &&
			     memcmp(address->octets, seen->stale[i].octets, 16) == 0);
	}
}

static void make_device(const struct gatewayplan_wanted *wanted, struct gatewayplan_seen *seen)
{
	assert_false(seen->device.present);
	seen->device.present = true;
	seen->device.ours = true;
	seen->device.ifindex = DEVICE;
	seen->device.lower = seen->svi.ifindex;
	seen->device.mac = wanted->mac;
}

/* The kernel, as a step leaves it; what a step must not do is asserted here. */
static void do_step(const struct gatewayplan_wanted *wanted, struct gatewayplan_seen *seen,
		    const struct gatewayplan_step *step)
{
	bool was_covered = is_covered(seen);

	if (seen->device.present && !seen->device.ours) {
		/* Somebody else's device: nothing but our own entries may be touched. */
		assert_true(step->verb == GATEWAYPLAN_LET || step->verb == GATEWAYPLAN_LET_OLD);
	}
	switch (step->verb) {
	case GATEWAYPLAN_NONE:
		fail();
		break;
	case GATEWAYPLAN_DELETE:
		assert_true(seen->device.present);
		memset(&seen->device, 0, sizeof(seen->device));
		seen->there = 0;
		seen->stale_count = 0;
		break;
	case GATEWAYPLAN_CREATE:
		make_device(wanted, seen);
		break;
	case GATEWAYPLAN_MARK:
		seen->device.marked = true;
		break;
	case GATEWAYPLAN_ENSLAVE:
		seen->device.master = seen->svi.vrf_ifindex;
		break;
	case GATEWAYPLAN_HOLD:
		assert_false(seen->old_hold.present);
		seen->old_hold = seen->hold;
		seen->hold = (struct gatewayplan_hold){true, seen->svi.vlan, wanted->mac};
		break;
	case GATEWAYPLAN_SET_MAC:
		seen->device.mac = wanted->mac;
		break;
	case GATEWAYPLAN_LET_OLD:
		assert_true(seen->old_hold.present);
		memset(&seen->old_hold, 0, sizeof(seen->old_hold));
		break;
	case GATEWAYPLAN_ADD:
		assert_int_equal(seen->there & UINT32_C(1) << step->index, 0);
		check_addable(&wanted->addresses[step->index], seen);
		seen->there |= UINT32_C(1) << step->index;
		break;
	case GATEWAYPLAN_REMOVE:
		assert_true(step->index < seen->stale_count);
		seen->stale[step->index] = seen->stale[--seen->stale_count];
		break;
	case GATEWAYPLAN_SET_UP:
		assert_false(seen->device.up);
		seen->device.up = true;
		assert_int_equal(seen->there, (1 << wanted->addresses_count) - 1);
		break;
	case GATEWAYPLAN_SET_DOWN:
		assert_true(seen->device.up);
		seen->device.up = false;
		break;
	case GATEWAYPLAN_LET:
		assert_true(seen->hold.present);
		memset(&seen->hold, 0, sizeof(seen->hold));
		break;
	}
	/* The entry is there before the device answers, and while it does. */
	if (seen->device.present && seen->device.ours && seen->device.up) {
		assert_true(is_covered(seen) || !was_covered);
		assert_true(step->verb != GATEWAYPLAN_SET_UP || is_covered(seen));
		assert_true(step->verb != GATEWAYPLAN_SET_MAC || is_covered(seen));
	}
}

static uint32_t bit(uint32_t *rest)
{
	uint32_t value = *rest & 1;

	*rest >>= 1;
	return value;
}

/* One of all the states that there may be. */
static void make_seen(uint32_t number, const struct gatewayplan_wanted *wanted,
		      struct gatewayplan_seen *ret)
{
	uint32_t rest = number;

	memset(ret, 0, sizeof(*ret));
	ret->svi.present = bit(&rest);
	ret->svi.role = bit(&rest) && ret->svi.present;
	ret->svi.delivers = bit(&rest) && ret->svi.role;
	ret->svi.up = bit(&rest) && ret->svi.present;
	ret->svi.running = ret->svi.up;
	ret->svi.ifindex = SVI;
	ret->svi.vlan = 10;
	ret->svi.mac = svi_mac;
	ret->svi.vrf_ifindex = bit(&rest) ? VRF : 0;
	ret->device.present = bit(&rest);
	ret->device.ours = bit(&rest) && ret->device.present;
	ret->device.marked = bit(&rest) && ret->device.ours;
	ret->device.up = bit(&rest) && ret->device.present;
	ret->device.ifindex = DEVICE;
	ret->device.lower = bit(&rest) ? SVI : 77;
	ret->device.mac = bit(&rest) ? wanted->mac : other;
	ret->device.master = bit(&rest) ? VRF : 0;
	if (ret->device.ours) {
		ret->there = bit(&rest) | bit(&rest) << 1;
		ret->stale_count = bit(&rest);
		ret->stale[0] = bit(&rest) ? address_of("fd00:10::fe", 80)
					   : address_of("10.0.10.9", 24);
		if (ret->stale[0].family == 6) {
			ret->there &= 1; /* it is on the device once */
		}
	}
	ret->hold.present = bit(&rest);
	ret->hold.vlan = 10;
	ret->hold.mac = ret->device.mac;
	if (!ret->hold.present) {
		memset(&ret->hold, 0, sizeof(ret->hold));
	}
}

/* From wherever it begins it comes to an end, and to the right one. */
static void from_every_state_a_plan_ends_where_it_should(void **state)
{
	const struct gatewayplan_wanted wanted = want();
	char reason[GATEWAYPLAN_REASON_SIZE];
	struct gatewayplan_seen seen;
	struct gatewayplan_step step;
	uint32_t longest = 0, active = 0;

	(void)state;
	for (uint32_t number = 0; number < UINT32_C(1) << 17; number++) {
		uint32_t steps = 0;
		bool possible;

		make_seen(number, &wanted, &seen);
		possible = seen.svi.delivers && seen.svi.up &&
			   (!seen.device.present || seen.device.ours);
		for (;;) {
			gatewayplan_next(&wanted, &seen, &step);
			if (step.verb == GATEWAYPLAN_NONE) {
				break;
			}
			do_step(&wanted, &seen, &step);
			assert_true(++steps < STEPS_MAX);
		}
		longest = steps > longest ? steps : longest;
		assert_int_equal(gatewayplan_judge(&wanted, &seen, reason) ==
					 GATEWAYPLAN_STATE_ACTIVE,
				 possible);
		assert_int_equal(reason[0] == '\0', possible);
		assert_int_equal(is_wanted_hold(&seen.hold, &seen, &wanted.mac), possible);
		assert_false(seen.old_hold.present);
		active += possible;
		if (possible) {
			assert_true(seen.device.up && seen.device.marked);
			assert_int_equal(seen.device.lower, SVI);
			assert_int_equal(seen.device.master, seen.svi.vrf_ifindex);
			assert_int_equal(seen.there, 3);
			assert_int_equal(seen.stale_count, 0);
		} else {
			assert_false(seen.device.ours && seen.device.up);
		}
	}
	assert_true(active > 0 && longest > 5);
	print_message("longest plan: %u steps\n", longest);
}

static void from_every_state_nothing_is_left_at_the_end(void **state)
{
	const struct gatewayplan_wanted wanted = want();
	struct gatewayplan_seen seen;
	struct gatewayplan_step step;

	(void)state;
	for (uint32_t number = 0; number < UINT32_C(1) << 17; number++) {
		make_seen(number, &wanted, &seen);
		for (uint32_t steps = 0; steps < STEPS_MAX; steps++) {
			gatewayplan_end(&seen, &step);
			if (step.verb == GATEWAYPLAN_NONE) {
				break;
			}
			do_step(&wanted, &seen, &step);
		}
		assert_false(seen.device.present && seen.device.ours);
		assert_false(seen.hold.present || seen.old_hold.present);
	}
}

static void a_gateway_that_is_as_it_should_be_is_not_touched(void **state)
{
	const struct gatewayplan_wanted wanted = want();
	struct gatewayplan_seen seen;
	struct gatewayplan_step step;

	(void)state;
	make_seen(UINT32_MAX, &wanted, &seen);
	seen.there = 3;
	seen.stale_count = 0;
	memset(&seen.hold, 0, sizeof(seen.hold));
	/* A restarted daemon holds nothing yet; that is all it has to do. */
	gatewayplan_next(&wanted, &seen, &step);
	assert_int_equal(step.verb, GATEWAYPLAN_HOLD);
	do_step(&wanted, &seen, &step);
	gatewayplan_next(&wanted, &seen, &step);
	assert_int_equal(step.verb, GATEWAYPLAN_NONE);
}

static void the_shared_mac_on_the_svi_is_a_conflict(void **state)
{
	const struct gatewayplan_wanted wanted = want();
	char reason[GATEWAYPLAN_REASON_SIZE];
	struct gatewayplan_seen seen;
	struct gatewayplan_step step;

	(void)state;
	make_seen(UINT32_MAX, &wanted, &seen);
	seen.svi.mac = wanted.mac;
	gatewayplan_next(&wanted, &seen, &step);
	assert_int_equal(step.verb, GATEWAYPLAN_SET_DOWN);
	assert_int_equal(gatewayplan_judge(&wanted, &seen, reason), GATEWAYPLAN_STATE_CONFLICT);
	assert_non_null(strstr(reason, "vlan10"));
}

/* ---- looking --------------------------------------------------------------------------------- */

static struct addressstate model;

static int setup(void **state)
{
	const struct linkmsg bridge = {
		.ifindex = BRIDGE, .kind = LINKMSG_KIND_BRIDGE, .up = true, .ifname = "br0"};
	struct linkmsg_vlans vlans = {0};

	(void)state;
	addressstate_init(&model);
	assert_int_equal(addressstate_put_link(&model, &bridge), 0);
	mlag_vlans_add(&vlans.set, 10);
	(void)addressstate_set_bridge(&model, BRIDGE, true);
	addressstate_set_vlans(&model, &vlans);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	addressstate_fini(&model);
	return 0;
}

static void put_svi(bool up, uint32_t vrf)
{
	const struct linkmsg link = {.ifindex = SVI,
				     .kind = LINKMSG_KIND_VLAN,
				     .up = up,
				     .running = up,
				     .lower = BRIDGE,
				     .vlan = 10,
				     .address = svi_mac,
				     .master = vrf,
				     .master_kind = vrf != 0 ? LINKMSG_KIND_VRF : LINKMSG_KIND_NONE,
				     .ifname = "vlan10"};

	assert_int_equal(addressstate_put_link(&model, &link), 0);
}

static void put_device(enum linkmsg_kind kind, const char *alias, bool up, uint32_t lower)
{
	struct linkmsg link = {.ifindex = DEVICE,
			       .kind = kind,
			       .up = up,
			       .lower = lower,
			       .address = shared,
			       .ifname = "vlan10-gw"};

	(void)snprintf(link.alias, sizeof(link.alias), "%s", alias);
	assert_int_equal(addressstate_put_link(&model, &link), 0);
}

static void put_ip(uint32_t ifindex, const char *text, uint8_t length, uint8_t protocol)
{
	const struct gatewayplan_address address = address_of(text, length);
	struct addressmsg ip = {.ifindex = ifindex,
				.family = address.family,
				.prefix = address.family == 4 ? length : 0,
				.length = length,
				.protocol = protocol,
				.usable = true};

	memcpy(ip.octets, address.octets, sizeof(ip.octets));
	assert_int_equal(addressstate_put_ip(&model, &ip), 0);
}

static struct gatewayplan_seen look(void)
{
	const struct gatewayplan_wanted wanted = want();
	struct gatewayplan_seen seen = {0};

	gatewayplan_look(&model, &wanted, &seen);
	return seen;
}

static void an_svi_is_seen_with_its_vlan_and_vrf(void **state)
{
	const struct linkmsg vrf = {
		.ifindex = VRF, .kind = LINKMSG_KIND_VRF, .up = true, .ifname = "red"};

	(void)state;
	assert_false(look().svi.present);
	put_svi(true, 0);
	assert_true(look().svi.present && look().svi.role && look().svi.delivers);
	assert_int_equal(look().svi.vlan, 10);
	assert_int_equal(look().svi.vrf_ifindex, 0);
	assert_int_equal(addressstate_put_link(&model, &vrf), 0);
	put_svi(true, VRF);
	assert_int_equal(look().svi.vrf_ifindex, VRF);
	assert_string_equal(look().svi.vrf, "red");
	(void)addressstate_set_bridge(&model, 99, true);
	assert_true(look().svi.present && !look().svi.role);
}

/* Ours is what has our alias, or what a daemon left that ended before it could write it. */
static void a_device_is_ours_by_its_alias(void **state)
{
	const struct gatewayplan_wanted wanted = want();

	(void)state;
	put_svi(true, 0);
	assert_false(look().device.present);
	put_device(LINKMSG_KIND_MACVLAN, wanted.alias, true, SVI);
	assert_true(look().device.present && look().device.ours && look().device.marked);
	put_device(LINKMSG_KIND_MACVLAN, "", false, SVI);
	assert_true(look().device.ours && !look().device.marked);
	put_device(LINKMSG_KIND_MACVLAN, "", true, SVI);
	assert_false(look().device.ours);
	put_device(LINKMSG_KIND_MACVLAN, "", false, BRIDGE);
	assert_false(look().device.ours);
	put_device(LINKMSG_KIND_MACVLAN, "somebody's", false, SVI);
	assert_false(look().device.ours);
	put_device(LINKMSG_KIND_MACVLAN, "mlagd shared gateway on br1", false, SVI);
	assert_false(look().device.ours);
	put_device(LINKMSG_KIND_NONE, wanted.alias, true, SVI);
	assert_false(look().device.ours);
}

static void addresses_are_told_from_those_a_person_added(void **state)
{
	const struct gatewayplan_wanted wanted = want();

	(void)state;
	put_svi(true, 0);
	put_device(LINKMSG_KIND_MACVLAN, wanted.alias, true, SVI);
	put_ip(DEVICE, "10.0.10.254", 24, GATEWAYPLAN_PROTOCOL);
	put_ip(DEVICE, "10.0.10.77", 24, 0);
	put_ip(DEVICE, "fd00:10::77", 64, 0);
	assert_int_equal(look().there, 1);
	assert_int_equal(look().stale_count, 0);
	put_ip(DEVICE, "10.0.10.253", 24, GATEWAYPLAN_PROTOCOL);
	put_ip(DEVICE, "fd00:10::fe", 80, GATEWAYPLAN_PROTOCOL); /* another prefix length */
	assert_int_equal(look().there, 1);
	assert_int_equal(look().stale_count, 2);
	/* What a person put there as it should be is as good. */
	put_ip(DEVICE, "fd00:10::fe", 64, 0);
	assert_int_equal(look().there, 3);
	assert_int_equal(look().stale_count, 1);
	assert_int_equal(look().doubled, 0);
	put_ip(SVI, "fd00:10::fe", 128, 0);
	assert_int_equal(look().doubled, 2);
}

static void strays_are_devices_with_our_alias(void **state)
{
	const struct gatewayplan_wanted wanted = want();
	uint32_t cursor = 0;

	(void)state;
	put_svi(true, 0);
	assert_null(gatewayplan_stray(&model, wanted.alias, &cursor));
	put_device(LINKMSG_KIND_MACVLAN, wanted.alias, true, SVI);
	cursor = 0;
	assert_non_null(gatewayplan_stray(&model, wanted.alias, &cursor));
	assert_null(gatewayplan_stray(&model, wanted.alias, &cursor));
	cursor = 0;
	assert_null(gatewayplan_stray(&model, "mlagd shared gateway on br1", &cursor));
}

/* R20: one more router MAC of the VLAN, but not the SVI's own. */
static void a_macvlan_on_an_svi_is_a_router_mac_of_its_vlan(void **state)
{
	struct addressstate_row *rows;
	uint32_t count, found = 0;

	(void)state;
	put_svi(true, 0);
	put_device(LINKMSG_KIND_MACVLAN, "", true, SVI);
	put_ip(DEVICE, "fe80::1", 64, 0);
	assert_int_equal(addressstate_rows(&model, &rows, &count), 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].key.vlan, 10);
		found += rows[i].key.kind == MLAG_ADDRESS_LINK_LOCAL;
		if (rows[i].key.kind == MLAG_ADDRESS_ROUTER_MAC) {
			bool svi = memcmp(rows[i].key.octets, &svi_mac, sizeof(svi_mac)) == 0;

			assert_int_equal(rows[i].ifindex, svi ? SVI : 0);
			found++;
		}
	}
	free(rows);
	assert_int_equal(found, 3);
	/* With its SVI down it gets nothing; on something else than an SVI neither. */
	put_svi(false, 0);
	assert_int_equal(addressstate_rows(&model, &rows, &count), 0);
	free(rows);
	assert_int_equal(count, 0);
	put_svi(true, 0);
	put_device(LINKMSG_KIND_MACVLAN, "", true, 77);
	assert_int_equal(addressstate_rows(&model, &rows, &count), 0);
	free(rows);
	assert_int_equal(count, 1);
}

static void carrier_and_alias_are_worth_a_look_but_no_new_rows(void **state)
{
	const struct linkmsg link = {.ifindex = SVI,
				     .kind = LINKMSG_KIND_VLAN,
				     .up = true,
				     .running = false,
				     .lower = BRIDGE,
				     .vlan = 10,
				     .address = svi_mac,
				     .ifname = "vlan10"};

	(void)state;
	put_svi(true, 0);
	model.changed = model.touched = false;
	put_svi(true, 0);
	assert_false(model.changed || model.touched);
	assert_int_equal(addressstate_put_link(&model, &link), 0);
	assert_true(model.touched && !model.changed);
	model.touched = false;
	put_device(LINKMSG_KIND_MACVLAN, "", false, SVI);
	assert_true(model.touched && model.changed);
	model.changed = model.touched = false;
	put_device(LINKMSG_KIND_MACVLAN, "a word", false, SVI);
	assert_true(model.touched && !model.changed);
}

/* ---- messages -------------------------------------------------------------------------------- */

struct packet {
	uint8_t bytes[512] __attribute__((aligned(4)));
};

static void a_macvlan_and_its_alias_are_read(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet.bytes);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	char text[100];
	struct linkmsg link;
	struct nlattr *nest;

	(void)state;
	memset(text, 'x', sizeof(text));
	message->nlmsg_type = RTM_NEWLINK;
	header->ifi_family = AF_UNSPEC;
	header->ifi_index = DEVICE;
	mnl_attr_put_strz(message, IFLA_IFNAME, "vlan10-gw");
	mnl_attr_put_u32(message, IFLA_LINK, SVI);
	nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "macvlan");
	mnl_attr_nest_end(message, nest);
	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(link.kind, LINKMSG_KIND_MACVLAN);
	assert_string_equal(link.alias, "");
	mnl_attr_put(message, IFLA_IFALIAS, sizeof(text), text); /* without its NUL */
	assert_int_equal(linkmsg_parse(message, &link), 0);
	assert_int_equal(strlen(link.alias), LINKMSG_ALIAS_SIZE - 1);
}

static void prefix_and_protocol_of_an_address_are_read(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet.bytes);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint8_t octets[16] = {0xfd, [15] = 1};
	struct addressmsg ip;

	(void)state;
	message->nlmsg_type = RTM_NEWADDR;
	header->ifa_family = AF_INET6;
	header->ifa_index = DEVICE;
	header->ifa_prefixlen = 64;
	mnl_attr_put(message, IFA_ADDRESS, sizeof(octets), octets);
	assert_int_equal(addressmsg_parse(message, &ip), 0);
	assert_int_equal(ip.length, 64);
	assert_int_equal(ip.prefix, 0);
	assert_int_equal(ip.protocol, 0);
	mnl_attr_put_u8(message, IFA_PROTO, GATEWAYPLAN_PROTOCOL);
	assert_int_equal(addressmsg_parse(message, &ip), 0);
	assert_int_equal(ip.protocol, GATEWAYPLAN_PROTOCOL);
}

/* ---- the entry that two may want --------------------------------------------------------------- */

static void an_own_mac_goes_with_the_last_who_wants_it(void **state)
{
	const struct mlag_mac_key key = {.vlan = 10, .mac = shared};
	struct fdbown own;

	(void)state;
	fdbown_init(&own, 4);
	assert_int_equal(fdbown_want(&own, &key, FDBOWN_GATEWAY), 1);
	assert_int_equal(fdbown_want(&own, &key, FDBOWN_ADDRESS), 0);
	assert_false(fdbown_has(&own, &key)); /* wanted, not made */
	assert_true(fdbown_forget(&own, &key, FDBOWN_ADDRESS));
	assert_true(fdbown_wants(&own, &key));
	assert_true(fdbown_forget(&own, &key, FDBOWN_ADDRESS));
	assert_true(fdbown_wants(&own, &key));
	assert_true(fdbown_forget(&own, &key, FDBOWN_GATEWAY));
	assert_false(fdbown_wants(&own, &key));
	assert_false(fdbown_forget(&own, &key, FDBOWN_GATEWAY));
	fdbown_fini(&own);
}

/* ---- announcements --------------------------------------------------------------------------- */

static void a_gratuitous_arp_is_a_broadcast_request_for_itself(void **state)
{
	static const uint8_t expected[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,	0, 0x5e, 0,   1, 10, 8, 6, /* Ethernet */
		0,    1,    8,	  0,	6,    4,    0,	1,			   /* request */
		0,    0,    0x5e, 0,	1,    10,   10, 0, 10,	 254,		   /* sender */
		0,    0,    0,	  0,	0,    0,    10, 0, 10,	 254,		   /* target */
	};
	const struct gatewayplan_address address = address_of("10.0.10.254", 24);
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	(void)state;
	assert_int_equal(announce_frame(4, address.octets, &shared, frame), sizeof(expected));
	assert_memory_equal(frame, expected, sizeof(expected));
}

static uint32_t sum_of(const uint8_t *octets, uint32_t size)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i += 2) {
		sum += (uint32_t)octets[i] * 256 + octets[i + 1];
	}
	return sum;
}

static void an_unsolicited_advertisement_is_to_all_nodes_and_adds_up(void **state)
{
	static const uint8_t head[] = {0x33, 0x33, 0,	 0,    0, 1, 0, 0, 0x5e, 0,  1,
				       10,   0x86, 0xdd, 0x60, 0, 0, 0, 0, 32,	 58, 255};
	const struct gatewayplan_address address = address_of("fd00:10::fe", 64);
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	uint32_t sum;

	(void)state;
	assert_int_equal(announce_frame(6, address.octets, &shared, frame), 86);
	assert_memory_equal(frame, head, sizeof(head));
	assert_memory_equal(frame + 22, address.octets, 16);
	assert_int_equal(frame[38] << 8 | frame[39], 0xff02);
	assert_int_equal(frame[54], 136);
	assert_int_equal(frame[58], 0xa0); /* router, override, not solicited */
	assert_memory_equal(frame + 62, address.octets, 16);
	assert_memory_equal(frame + 80, &shared, 6);
	/* The receiver's sum: addresses, length, next header and all of the payload. */
	sum = sum_of(frame + 22, 64) + 32 + 58;
	while (sum > 0xffff) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	assert_int_equal(sum, 0xffff);
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_named_after_its_svi),
		cmocka_unit_test(from_every_state_a_plan_ends_where_it_should),
		cmocka_unit_test(from_every_state_nothing_is_left_at_the_end),
		cmocka_unit_test(a_gateway_that_is_as_it_should_be_is_not_touched),
		cmocka_unit_test(the_shared_mac_on_the_svi_is_a_conflict),
		MODEL_TEST(an_svi_is_seen_with_its_vlan_and_vrf),
		MODEL_TEST(a_device_is_ours_by_its_alias),
		MODEL_TEST(addresses_are_told_from_those_a_person_added),
		MODEL_TEST(strays_are_devices_with_our_alias),
		MODEL_TEST(a_macvlan_on_an_svi_is_a_router_mac_of_its_vlan),
		MODEL_TEST(carrier_and_alias_are_worth_a_look_but_no_new_rows),
		cmocka_unit_test(a_macvlan_and_its_alias_are_read),
		cmocka_unit_test(prefix_and_protocol_of_an_address_are_read),
		cmocka_unit_test(an_own_mac_goes_with_the_last_who_wants_it),
		cmocka_unit_test(a_gratuitous_arp_is_a_broadcast_request_for_itself),
		cmocka_unit_test(an_unsolicited_advertisement_is_to_all_nodes_and_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
