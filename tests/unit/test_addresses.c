// SPDX-License-Identifier: BSD-2-Clause
/*
 * What this machine answers to (R20 to R23): address messages as the kernel makes them, whole and
 * cut short; and the model that makes rows of links, addresses, VRFs and the bridge's own VLANs, in
 * whatever order they come and go.
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
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "kernel/addressstate.h"
#include "kernel/fdbown.h"

#define BRIDGE 2
#define SVI 10
#define VRF 20

static const struct mlag_mac bridge_mac = {{0x02, 0, 0, 0, 0, 0xb0}};
static const struct mlag_mac svi_mac = {{0x02, 0, 0, 0, 0, 0x10}};

struct packet {
	uint8_t bytes[512] __attribute__((aligned(4)));
};

/* ---- messages -------------------------------------------------------------------------------- */

static size_t octets_of(int family, const char *text, uint8_t *ret)
{
	assert_int_equal(inet_pton(family, text, ret), 1);
	return family == AF_INET ? 4 : 16;
}

static struct nlmsghdr *make_message(struct packet *packet, uint8_t family, const char *address,
				     const char *local, uint8_t prefix, uint32_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint8_t octets[16];

	message->nlmsg_type = RTM_NEWADDR;
	header->ifa_family = family;
	header->ifa_index = SVI;
	header->ifa_prefixlen = prefix;
	header->ifa_flags = (uint8_t)flags;
	if (address != NULL) {
		mnl_attr_put(message, IFA_ADDRESS, octets_of(family, address, octets), octets);
	}
	if (local != NULL) {
		mnl_attr_put(message, IFA_LOCAL, octets_of(family, local, octets), octets);
	}
	mnl_attr_put_u32(message, IFA_FLAGS, flags);
	return message;
}

static void an_address_is_read(void **state)
{
	static const uint8_t expected[16] = {10, 0, 0, 1};
	static const uint8_t far[4] = {10, 0, 0, 9};
	struct packet packet;
	struct addressmsg ip;

	(void)state;
	assert_int_equal(addressmsg_parse(make_message(&packet, AF_INET, "10.0.0.9", "10.0.0.1", 24,
						       IFA_F_PERMANENT),
					  &ip),
			 0);
	assert_int_equal(ip.ifindex, SVI);
	assert_int_equal(ip.family, 4);
	assert_int_equal(ip.prefix, 24);
	assert_memory_equal(ip.octets, expected, 16);
	assert_memory_equal(ip.far, far, 4);
	assert_true(ip.usable);
	/* IPv6 says "local" only where there is a far end. */
	assert_int_equal(addressmsg_parse(make_message(&packet, AF_INET6, "2001:db8::1", NULL, 64,
						       IFA_F_PERMANENT),
					  &ip),
			 0);
	assert_int_equal(ip.octets[15], 1);
	assert_int_equal(ip.prefix, 0);
	assert_int_equal(addressmsg_parse(make_message(&packet, AF_INET6, "2001:db8::9",
						       "2001:db8::2", 64, IFA_F_PERMANENT),
					  &ip),
			 0);
	assert_int_equal(ip.octets[15], 2);
}

static void an_address_that_waits_for_dad_is_not_usable(void **state)
{
	static const struct {
		uint32_t flags;
		bool usable;
	} cases[] = {
		{IFA_F_PERMANENT, true},
		{IFA_F_TENTATIVE, false},
		{IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, true},
		{IFA_F_TENTATIVE | IFA_F_DADFAILED, false},
		{IFA_F_DADFAILED | IFA_F_PERMANENT, false},
		{IFA_F_MANAGETEMPADDR | IFA_F_DEPRECATED, true},
	};
	struct packet packet;
	struct addressmsg ip;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addressmsg_parse(make_message(&packet, AF_INET6, "fe80::1", NULL,
							       64, cases[i].flags),
						  &ip),
				 0);
		assert_int_equal(ip.usable, cases[i].usable);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	struct packet packet;
	struct nlmsghdr *message;
	struct addressmsg ip;

	(void)state;
	message = make_message(&packet, AF_INET, NULL, NULL, 24, 0);
	assert_int_equal(addressmsg_parse(message, &ip), -EBADMSG);
	message = make_message(&packet, AF_INET, "10.0.0.1", NULL, 24, 0);
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(message))->ifa_index = 0;
	assert_int_equal(addressmsg_parse(message, &ip), -EBADMSG);
	message = make_message(&packet, AF_INET, "10.0.0.1", NULL, 24, 0);
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(message))->ifa_family = AF_INET6;
	assert_int_equal(addressmsg_parse(message, &ip), -EBADMSG);
	((struct ifaddrmsg *)mnl_nlmsg_get_payload(message))->ifa_family = AF_BRIDGE;
	assert_int_equal(addressmsg_parse(message, &ip), -ENOMSG);
}

/* Every prefix of a message, in memory that ends where the prefix does. */
static void messages_cut_short_are_survived(void **state)
{
	struct packet packet;
	const struct nlmsghdr *message =
		make_message(&packet, AF_INET6, "2001:db8::9", "2001:db8::2", 64, 0);
	uint32_t size;

	(void)state;
	for (size = sizeof(*message); size <= message->nlmsg_len; size++) {
		struct nlmsghdr *prefix = malloc(size);
		struct addressmsg ip;

		assert_non_null(prefix);
		memcpy(prefix, message, size);
		prefix->nlmsg_len = size;
		(void)addressmsg_parse(prefix, &ip);
		free(prefix);
	}
}

static void scopes_follow_the_bits(void **state)
{
	static const struct {
		const char *text;
		enum addressmsg_scope scope;
	} cases[] = {
		{"0.0.0.0", ADDRESSMSG_SCOPE_NONE},
		{"0.1.2.3", ADDRESSMSG_SCOPE_NONE},
		{"10.0.0.1", ADDRESSMSG_SCOPE_GLOBAL},
		{"126.255.255.255", ADDRESSMSG_SCOPE_GLOBAL},
		{"127.0.0.1", ADDRESSMSG_SCOPE_NONE},
		{"128.0.0.1", ADDRESSMSG_SCOPE_GLOBAL},
		{"169.253.0.1", ADDRESSMSG_SCOPE_GLOBAL},
		{"169.254.0.1", ADDRESSMSG_SCOPE_LINK},
		{"169.255.0.1", ADDRESSMSG_SCOPE_GLOBAL},
		{"223.255.255.255", ADDRESSMSG_SCOPE_GLOBAL},
		{"224.0.0.5", ADDRESSMSG_SCOPE_NONE},
		{"240.0.0.1", ADDRESSMSG_SCOPE_GLOBAL},
		{"255.255.255.255", ADDRESSMSG_SCOPE_NONE},
		{"::", ADDRESSMSG_SCOPE_NONE},
		{"::1", ADDRESSMSG_SCOPE_NONE},
		{"::2", ADDRESSMSG_SCOPE_GLOBAL},
		{"2001:db8::1", ADDRESSMSG_SCOPE_GLOBAL},
		{"fc00::1", ADDRESSMSG_SCOPE_GLOBAL},
		{"fe7f::1", ADDRESSMSG_SCOPE_GLOBAL},
		{"fe80::1", ADDRESSMSG_SCOPE_LINK},
		{"febf::1", ADDRESSMSG_SCOPE_LINK},
		{"fec0::1", ADDRESSMSG_SCOPE_GLOBAL},
		{"ff02::5", ADDRESSMSG_SCOPE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int family = strchr(cases[i].text, ':') != NULL ? AF_INET6 : AF_INET;
		uint8_t octets[16] = {0};

		octets_of(family, cases[i].text, octets);
		if (addressmsg_scope(family == AF_INET ? 4 : 6, octets) != cases[i].scope) {
			fail_msg("%s", cases[i].text);
		}
	}
}

/* ---- the model ------------------------------------------------------------------------------- */

static struct addressstate model;

static void put_link(uint32_t ifindex, enum linkmsg_kind kind, const char *ifname, bool up)
{
	struct linkmsg link = {.ifindex = ifindex, .kind = kind, .up = up};

	link.address = ifindex == BRIDGE ? bridge_mac : svi_mac;
	(void)snprintf(link.ifname, sizeof(link.ifname), "%s", ifname);
	assert_int_equal(addressstate_put_link(&model, &link), 0);
}

static void put_svi(bool up, uint32_t vrf)
{
	struct linkmsg link = {.ifindex = SVI,
			       .kind = LINKMSG_KIND_VLAN,
			       .up = up,
			       .lower = BRIDGE,
			       .vlan = 10,
			       .address = svi_mac,
			       .ifname = "br0.10",
			       .master = vrf};

	link.master_kind = vrf != 0 ? LINKMSG_KIND_VRF : LINKMSG_KIND_NONE;
	assert_int_equal(addressstate_put_link(&model, &link), 0);
}

static struct addressmsg ip_of(uint32_t ifindex, const char *text)
{
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	struct addressmsg ip = {.ifindex = ifindex, .usable = true};

	ip.family = family == AF_INET ? 4 : 6;
	octets_of(family, text, ip.octets);
	return ip;
}

static void put_ip(uint32_t ifindex, const char *text)
{
	const struct addressmsg ip = ip_of(ifindex, text);

	assert_int_equal(addressstate_put_ip(&model, &ip), 0);
}

static void set_vlans(uint16_t pvid, bool untagged, uint16_t tagged)
{
	struct linkmsg_vlans vlans = {.ingress_vid = pvid, .ingress_untagged = untagged};

	if (pvid != 0) {
		mlag_vlans_add(&vlans.set, pvid);
		vlans.untagged_vid = untagged ? pvid : 0;
	}
	if (tagged != 0) {
		mlag_vlans_add(&vlans.set, tagged);
	}
	addressstate_set_vlans(&model, &vlans);
}

static const char *row_text(const struct addressstate_row *row)
{
	static char text[160];
	const struct mlag_address_key *key = &row->key;
	char address[INET6_ADDRSTRLEN] = "";
	const char *domain = "?";

	if (key->kind == MLAG_ADDRESS_ROUTER_MAC) {
		(void)snprintf(address, sizeof(address), "%02x", key->octets[5]);
	} else {
		(void)inet_ntop(key->family == 4 ? AF_INET : AF_INET6, key->octets, address,
				sizeof(address));
	}
	if ((key->domain | row->domain) == 0) {
		domain = "-";
	} else if ((key->domain | row->domain) == mlag_routing_domain("red")) {
		domain = "red";
	} else if ((key->domain | row->domain) == mlag_routing_domain("blue")) {
		domain = "blue";
	}
	(void)snprintf(text, sizeof(text), "%s %s v%u %s if%u", mlag_address_kind_text(key->kind),
		       address, key->vlan, domain, row->ifindex);
	return text;
}

/* The rows, in their order, are as written: "kind address vVLAN domain ifSVI". */
static void expect_rows(const char *const *expected)
{
	struct addressstate_row *rows;
	uint32_t count, i;

	assert_int_equal(addressstate_rows(&model, &rows, &count), 0);
	for (i = 0; i < count && expected[i] != NULL; i++) {
		assert_string_equal(row_text(&rows[i]), expected[i]);
	}
	if (i < count) {
		fail_msg("not expected: %s", row_text(&rows[i]));
	}
	assert_null(expected[i]);
	free(rows);
}

#define EXPECT_ROWS(...) expect_rows((const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_NO_ROWS() expect_rows((const char *const[]){NULL})

static int setup(void **state)
{
	(void)state;
	addressstate_init(&model);
	(void)addressstate_set_bridge(&model, BRIDGE, true);
	put_link(BRIDGE, LINKMSG_KIND_BRIDGE, "br0", true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	addressstate_fini(&model);
	return 0;
}

static void the_bridge_is_an_svi_of_its_pvid(void **state)
{
	(void)state;
	EXPECT_NO_ROWS();
	set_vlans(7, true, 10);
	EXPECT_ROWS("router-mac b0 v7 - if2");
	set_vlans(7, false, 10); /* what is for it comes with a tag, which it does not take */
	EXPECT_NO_ROWS();
	set_vlans(0, false, 10);
	EXPECT_NO_ROWS();
	set_vlans(7, true, 0);
	put_link(BRIDGE, LINKMSG_KIND_BRIDGE, "br0", false);
	EXPECT_NO_ROWS();
	put_link(BRIDGE, LINKMSG_KIND_BRIDGE, "br0", true);
	assert_true(addressstate_set_bridge(&model, BRIDGE, false));
	assert_false(addressstate_set_bridge(&model, BRIDGE, false));
	EXPECT_ROWS("router-mac b0 v0 - if2");
	assert_true(addressstate_set_bridge(&model, 0, false));
	EXPECT_NO_ROWS();
}

static void an_svi_needs_its_vlan_on_the_bridge_itself(void **state)
{
	struct addresses_problem problem;

	(void)state;
	put_svi(true, 0);
	EXPECT_NO_ROWS();
	assert_int_equal(addressstate_problems(&model, &problem, 1), 1);
	assert_string_equal(problem.code, "svi-without-vlan");
	assert_non_null(strstr(problem.text, "br0.10"));
	set_vlans(0, false, 10);
	EXPECT_ROWS("router-mac 10 v10 - if10");
	assert_int_equal(addressstate_problems(&model, &problem, 1), 0);
	set_vlans(10, true, 0); /* without its tag it goes to the bridge, not to the VLAN device */
	EXPECT_ROWS("router-mac b0 v10 - if2");
	assert_int_equal(addressstate_problems(&model, &problem, 1), 1);
	set_vlans(0, false, 10);
	put_svi(false, 0);
	EXPECT_NO_ROWS();
	assert_int_equal(addressstate_problems(&model, &problem, 1), 0);
	put_svi(true, 0);
	(void)addressstate_set_bridge(&model, BRIDGE, false);
	EXPECT_ROWS("router-mac b0 v0 - if2");
	(void)addressstate_set_bridge(&model, 3, true);
	EXPECT_NO_ROWS();
}

static void domains_follow_the_vrf_by_name(void **state)
{
	(void)state;
	set_vlans(0, false, 10);
	put_svi(true, VRF);
	put_ip(SVI, "10.0.10.1");
	put_ip(SVI, "fe80::1");
	put_ip(VRF, "10.255.0.1");
	EXPECT_ROWS("link-local fe80::1 v10 - if0"); /* nobody knows its name yet */
	put_link(VRF, LINKMSG_KIND_VRF, "red", true);
	EXPECT_ROWS("router-mac 10 v10 red if10", "ip 10.0.10.1 v0 red if0",
		    "ip 10.255.0.1 v0 red if0", "link-local fe80::1 v10 - if0",
		    "svi-ip 10.0.10.1 v10 red if0");
	put_link(VRF, LINKMSG_KIND_VRF, "blue", true);
	EXPECT_ROWS("router-mac 10 v10 blue if10", "ip 10.0.10.1 v0 blue if0",
		    "ip 10.255.0.1 v0 blue if0", "link-local fe80::1 v10 - if0",
		    "svi-ip 10.0.10.1 v10 blue if0");
	put_svi(true, 0);
	EXPECT_ROWS("router-mac 10 v10 - if10", "ip 10.0.10.1 v0 - if0",
		    "ip 10.255.0.1 v0 blue if0", "link-local fe80::1 v10 - if0",
		    "svi-ip 10.0.10.1 v10 - if0");
}

static void addresses_of_any_device_count_while_it_is_up(void **state)
{
	struct addressmsg ip = ip_of(5, "2001:db8::5");

	(void)state;
	put_ip(5, "10.1.1.1");
	EXPECT_NO_ROWS();
	put_link(5, LINKMSG_KIND_NONE, "dummy0", true);
	put_link(6, LINKMSG_KIND_NONE, "gw10", true);
	put_ip(5, "127.0.0.2");
	put_ip(5, "169.254.1.1");
	put_ip(5, "fe80::5");
	put_ip(6, "10.1.1.1"); /* twice in one domain is one row */
	EXPECT_ROWS("ip 10.1.1.1 v0 - if0");
	ip.usable = false;
	assert_int_equal(addressstate_put_ip(&model, &ip), 0);
	EXPECT_ROWS("ip 10.1.1.1 v0 - if0");
	put_ip(5, "2001:db8::5");
	EXPECT_ROWS("ip 10.1.1.1 v0 - if0", "ip 2001:db8::5 v0 - if0");
	put_link(5, LINKMSG_KIND_NONE, "dummy0", false);
	EXPECT_ROWS("ip 10.1.1.1 v0 - if0");
	addressstate_remove_link(&model, 6);
	EXPECT_NO_ROWS();
	put_link(5, LINKMSG_KIND_NONE, "dummy0", true);
	addressstate_remove_link(&model, 5);
	put_link(5, LINKMSG_KIND_NONE, "dummy0", true);
	EXPECT_NO_ROWS();
}

static void link_local_addresses_are_of_a_vlan(void **state)
{
	(void)state;
	set_vlans(7, true, 10);
	put_svi(true, 0);
	put_ip(SVI, "fe80::1");
	put_ip(SVI, "169.254.7.7");
	put_ip(BRIDGE, "fe80::1");
	EXPECT_ROWS("router-mac b0 v7 - if2", "router-mac 10 v10 - if10",
		    "link-local 169.254.7.7 v10 - if0", "link-local fe80::1 v7 - if0",
		    "link-local fe80::1 v10 - if0");
}

static void an_address_goes_with_its_last_prefix(void **state)
{
	struct addressmsg first = ip_of(5, "10.1.1.1"), second = first;

	(void)state;
	put_link(5, LINKMSG_KIND_NONE, "dummy0", true);
	first.prefix = 24;
	second.prefix = 32;
	second.far[0] = 9;
	assert_int_equal(addressstate_put_ip(&model, &first), 0);
	assert_int_equal(addressstate_put_ip(&model, &second), 0);
	addressstate_remove_ip(&model, &first);
	addressstate_remove_ip(&model, &first);
	EXPECT_ROWS("ip 10.1.1.1 v0 - if0");
	addressstate_remove_ip(&model, &second);
	EXPECT_NO_ROWS();
}

static void only_what_counts_is_a_change(void **state)
{
	(void)state;
	put_svi(true, 0);
	put_ip(SVI, "10.0.10.1");
	set_vlans(0, false, 10);
	EXPECT_ROWS("router-mac 10 v10 - if10", "ip 10.0.10.1 v0 - if0",
		    "svi-ip 10.0.10.1 v10 - if0");
	assert_false(model.changed);
	put_svi(true, 0);
	put_ip(SVI, "10.0.10.1");
	set_vlans(0, false, 10);
	addressstate_unsee(&model);
	assert_false(model.changed);
	addressstate_forget_unseen(&model, SVI, 6);
	assert_false(model.changed);
	put_ip(SVI, "10.0.10.2");
	addressstate_forget_unseen(&model, SVI, 4);
	assert_true(model.changed);
	EXPECT_ROWS("router-mac 10 v10 - if10", "ip 10.0.10.2 v0 - if0",
		    "svi-ip 10.0.10.2 v10 - if0");
}

/* R31: in the default domain alone, and with what is on an SVI. */
static void routers_are_walked_by_device(void **state)
{
	uint32_t cursor = 0;

	(void)state;
	set_vlans(0, false, 10);
	put_svi(true, 0);
	put_link(VRF, LINKMSG_KIND_VRF, "red", true);
	assert_int_equal(addressstate_next_router(&model, &cursor), SVI);
	assert_int_equal(addressstate_next_router(&model, &cursor), 0);
	cursor = 0;
	put_svi(true, VRF);
	assert_int_equal(addressstate_next_router(&model, &cursor), 0);
}

static void a_full_model_says_so(void **state)
{
	struct addressmsg ip = {.ifindex = 5, .family = 4, .usable = true};
	struct addresses_problem problem;
	uint32_t i;

	(void)state;
	put_link(5, LINKMSG_KIND_NONE, "dummy0", true);
	for (i = 0; i <= ADDRESSSTATE_IPS_MAX; i++) {
		ip.octets[0] = 10;
		ip.octets[1] = (uint8_t)(i >> 16);
		ip.octets[2] = (uint8_t)(i >> 8);
		ip.octets[3] = (uint8_t)i;
		assert_int_equal(addressstate_put_ip(&model, &ip),
				 i < ADDRESSSTATE_IPS_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(addressstate_problems(&model, &problem, 1), 1);
	assert_string_equal(problem.code, "too-many-addresses");
	addressstate_remove_link(&model, 5);
	assert_int_equal(addressstate_problems(&model, &problem, 1), 0);
}

/* ---- wanted local entries -------------------------------------------------------------------- */

static void own_router_macs_are_remembered_by_vlan(void **state)
{
	const struct mlag_mac_key ten = {.vlan = 10, .mac = svi_mac};
	const struct mlag_mac_key twenty = {.vlan = 20, .mac = svi_mac};
	const struct mlag_mac_key other = {.vlan = 10, .mac = bridge_mac};
	struct fdbown own;

	(void)state;
	fdbown_init(&own, 2);
	assert_false(fdbown_lose_all(&own));
	assert_int_equal(fdbown_want(&own, &ten, FDBOWN_ADDRESS), 1);
	assert_int_equal(fdbown_want(&own, &ten, FDBOWN_ADDRESS), 0);
	assert_int_equal(fdbown_want(&own, &twenty, FDBOWN_ADDRESS), 1);
	assert_int_equal(fdbown_want(&own, &other, FDBOWN_ADDRESS), -ENOSPC);
	assert_true(fdbown_lose(&own, &twenty));
	assert_false(fdbown_lose(&own, &other));
	assert_true(fdbown_lose_all(&own));
	assert_true(fdbown_forget(&own, &ten, FDBOWN_ADDRESS));
	assert_false(fdbown_forget(&own, &ten, FDBOWN_ADDRESS));
	assert_false(fdbown_lose(&own, &ten));
	assert_true(fdbown_lose(&own, &twenty));
	fdbown_fini(&own);
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_read),
		cmocka_unit_test(an_address_that_waits_for_dad_is_not_usable),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(messages_cut_short_are_survived),
		cmocka_unit_test(scopes_follow_the_bits),
		MODEL_TEST(the_bridge_is_an_svi_of_its_pvid),
		MODEL_TEST(an_svi_needs_its_vlan_on_the_bridge_itself),
		MODEL_TEST(domains_follow_the_vrf_by_name),
		MODEL_TEST(addresses_of_any_device_count_while_it_is_up),
		MODEL_TEST(link_local_addresses_are_of_a_vlan),
		MODEL_TEST(an_address_goes_with_its_last_prefix),
		MODEL_TEST(only_what_counts_is_a_change),
		MODEL_TEST(routers_are_walked_by_device),
		MODEL_TEST(a_full_model_says_so),
		cmocka_unit_test(own_router_macs_are_remembered_by_vlan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
