// SPDX-License-Identifier: BSD-2-Clause
/*
 * R31 in the data plane: what mark_peer_link does to the mark of a frame, held against forward.h by
 * BPF_PROG_TEST_RUN over everything it reads; that it is at the peer link only while it is wanted;
 * and that R25 does not take the last resort for a route, with the very rules and routes that mlagd
 * writes.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "ip.h"
#include "kernel/routeswrite.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct {
	struct datapath *dp;
	uint32_t bridge, peer_link, port, out;
} lab;

static const uint8_t MACS[][6] = {
	{0x02, 0, 0, 0, 0, 0x01}, /* ours */
	{0x02, 0, 0, 0, 0, 0x02}, /* the peer's */
	{0x02, 0, 0, 0, 0, 0x03}, /* a stranger's */
	{0x33, 0x33, 0, 0, 0, 0x01},
};
static const uint8_t OWNERS[] = {MLAG_OWNER_SELF, MLAG_OWNER_PEER, MLAG_OWNER_NONE,
				 MLAG_OWNER_SELF}; /* as if somebody called a group a router */
static const uint8_t SOURCE_MAC[6] = {0x02, 0, 0, 0, 0, 0x09};
static const uint16_t ROUTER_VLANS[] = {0, 10, 11};

/* ---- the mark ------------------------------------------------------------------------------- */

static void set_routers(uint16_t vlan, bool present)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(MACS); i++) {
		struct mlag_router_key key = {.vlan = vlan};
		struct mlag_router router = {.owner = OWNERS[i]};

		memcpy(key.mac, MACS[i], sizeof(key.mac));
		assert_int_equal(datapath_set_router(
					 lab.dp, &key,
					 present && OWNERS[i] != MLAG_OWNER_NONE ? &router : NULL),
				 0);
	}
}

/* Gives a frame with a mark to the program at the peer link.  Return: the mark it has then. */
static uint32_t run(int program_fd, const struct wire_frame *frame, uint32_t mark)
{
	struct __sk_buff in = {.ifindex = lab.peer_link, .mark = mark};
	struct __sk_buff out = {0};
	struct wire_frame after;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->size,
		    .data_out = after.bytes, .data_size_out = sizeof(after.bytes), .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out),
		    .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(program_fd, &opts), 0);
	assert_int_equal((int)opts.retval, TC_ACT_UNSPEC);
	assert_int_equal(opts.data_size_out, frame->size);
	assert_memory_equal(after.bytes, frame->bytes, frame->size);
	return out.mark;
}

static void test_R31_program_and_forward_mark_alike(void **state)
{
	static const uint32_t TAGS[][2] = {
		{0},
		{WIRE_TAG(ETH_P_8021Q, 10)},
		{WIRE_TAG(ETH_P_8021Q, 11)},
		{WIRE_TAG(ETH_P_8021AD, 10)},
	};
	static const uint16_t TAG_VLANS[] = {0, 10, 11, 0};
	static const uint32_t MARKS[] = {0, 1, 0xbfffffff, MLAG_MARK_PEER_LINK, 0xffffffff};
	int program_fd = wire_open_program(lab.peer_link, BPF_TC_INGRESS);
	uint32_t frames = 0, marked = 0;

	(void)state;
	for (uint32_t number = 0; number < 2 * 2 * 3 * 4 * 4 * ARRAY_SIZE(MARKS); number++) {
		uint32_t mark = MARKS[number % ARRAY_SIZE(MARKS)];
		uint32_t rest = number / ARRAY_SIZE(MARKS);
		uint32_t to = rest % 4, tag = rest / 4 % 4;
		uint16_t router_vlan = ROUTER_VLANS[rest / 16 % 3];
		struct mlag_domain domain = {
			.peer_link_ifindex = lab.peer_link,
			.vlan_aware = rest / 48 % 2,
			.peer_link_untagged_vid = rest / 96 % 2 ? 10 : 0,
		};
		uint16_t vlan = !domain.vlan_aware ? 0
				: TAG_VLANS[tag]   ? TAG_VLANS[tag]
						   : domain.peer_link_untagged_vid;
		uint8_t owner = vlan == router_vlan ? OWNERS[to] : MLAG_OWNER_NONE;
		struct wire_frame frame;
		uint32_t expected = mlag_peer_link_mark(mark, to == 3, owner);

		wire_frame_make(&frame, MACS[to], SOURCE_MAC, TAGS[tag], 2, 46);
		assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
		set_routers(router_vlan, true);
		assert_int_equal(run(program_fd, &frame, mark), expected);
		set_routers(router_vlan, false);
		frames++;
		marked += expected != mark;
	}
	close(program_fd);
	assert_true(marked > 20 && marked < frames / 4);
}

/* Nothing of the other bits is touched, and only one MAC's owner makes a mark. */
static void test_R31_the_mark_in_words(void **state)
{
	(void)state;
	assert_int_equal(mlag_peer_link_mark(0, 0, MLAG_OWNER_SELF), MLAG_MARK_PEER_LINK);
	assert_int_equal(mlag_peer_link_mark(0x1234, 0, MLAG_OWNER_SELF),
			 MLAG_MARK_PEER_LINK | 0x1234);
	assert_int_equal(mlag_peer_link_mark(0x1234, 0, MLAG_OWNER_PEER), 0x1234);
	assert_int_equal(mlag_peer_link_mark(0x1234, 0, MLAG_OWNER_NONE), 0x1234);
	assert_int_equal(mlag_peer_link_mark(0x1234, 1, MLAG_OWNER_SELF), 0x1234);
	assert_true(mlag_route_is_ours(0));
	assert_true(mlag_route_is_ours(1024));
	assert_false(mlag_route_is_ours(MLAG_LAST_RESORT_METRIC));
}

static void test_R31_the_program_is_there_only_while_it_is_wanted(void **state)
{
	bool intact;

	(void)state;
	/* On, as set_up() made it. */
	assert_int_equal(datapath_verify(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK, &intact), 0);
	assert_true(intact);
	datapath_set_marking(lab.dp, false);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(datapath_verify(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK, &intact), 0);
	assert_true(intact);
	/* Wanted again, and missing until it is attached: an audit sees that. */
	datapath_set_marking(lab.dp, true);
	assert_int_equal(datapath_verify(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK, &intact), 0);
	assert_false(intact);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(datapath_verify(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK, &intact), 0);
	assert_true(intact);
}

/* ---- what would go back --------------------------------------------------------------------- */

/*
 * What the peer has routed to us, by the source MAC, and our routes would return: by everything that
 * the decision reads.  A next hop is behind br0, where the packet came by, or behind another device.
 */
static void test_R31_what_would_go_back_has_a_mark_of_its_own(void **state)
{
	static const struct {
		const char *destination;
		bool back;
	} PLACES[] = {
		{"10.50.0.1", true},	   /* by the peer */
		{"10.51.0.1", false},	   /* by somebody else in that VLAN */
		{"10.52.0.1", false},	   /* by another device, to the same MAC */
		{"10.99.0.1", false},	   /* no route */
		{"10.0.10.1", false},	   /* ours */
		{"10.0.10.2", true},	   /* the peer's own, which it would not send here */
		{"224.0.0.5", false},	   /* never routed */
		{"169.254.1.1", false},	   /* never routed */
		{"2001:db8:50::1", true},  /* by the peer */
		{"2001:db8:51::1", false}, /* by somebody else in that VLAN */
		{"2001:db8:52::1", false}, /* by another device, to the same MAC */
		{"2001:db8:99::1", false}, /* no route */
		{"fe80::1", false},	   /* never routed */
	};
	struct mlag_domain domain = {.peer_link_ifindex = lab.peer_link};
	int program_fd = wire_open_program(lab.peer_link, BPF_TC_INGRESS);
	uint32_t marked = 0;

	(void)state;
	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	for (uint32_t owner = 0; owner < 2; owner++) {
		struct mlag_router_key key = {0};
		struct mlag_router router = {.owner = OWNERS[owner], .own_ifindex = lab.bridge};

		memcpy(key.mac, MACS[owner], sizeof(key.mac));
		memcpy(router.own_mac, MACS[0], sizeof(router.own_mac));
		assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
	}
	for (uint32_t number = 0; number < ARRAY_SIZE(PLACES) * 3 * 3; number++) {
		uint32_t place = number % ARRAY_SIZE(PLACES);
		uint32_t from = number / ARRAY_SIZE(PLACES) % 3;
		uint32_t to = number / ARRAY_SIZE(PLACES) / 3;
		bool v6 = strchr(PLACES[place].destination, ':') != NULL;
		struct ip_packet packet = {
			.destination_mac = MACS[to],
			.source_mac = MACS[from],
			.source = v6 ? "2001:db8:77::5" : "10.77.0.5",
			.destination = PLACES[place].destination,
			.hop_limit = 64,
		};
		uint32_t ours = mlag_peer_link_mark(0x1234, 0, OWNERS[to]);
		uint32_t expected =
			mlag_return_mark(ours, OWNERS[from], to == 0 && PLACES[place].back);
		struct wire_frame frame;

		ip_frame_make(&frame, &packet);
		assert_int_equal(run(program_fd, &frame, 0x1234), expected);
		marked += (expected & MLAG_MARK_RETURN) != 0;
	}
	close(program_fd);
	assert_int_equal(marked, 3);
	set_routers(0, false);
	assert_int_equal(mlag_return_mark(1, MLAG_OWNER_PEER, true), MLAG_MARK_RETURN | 1);
	assert_int_equal(mlag_return_mark(1, MLAG_OWNER_PEER, false), 1);
	assert_int_equal(mlag_return_mark(1, MLAG_OWNER_SELF, true), 1);
	assert_int_equal(mlag_return_mark(1, MLAG_OWNER_NONE, true), 1);
}

/* ---- R25 ------------------------------------------------------------------------------------ */

/* Whether receive makes the frame ours, that is, finds a route. */
static bool is_routed_here(int program_fd, const char *source, const char *destination)
{
	struct __sk_buff in = {.ifindex = lab.port, .ingress_ifindex = lab.port};
	struct ip_packet packet = {
		.destination_mac = MACS[1],
		.source_mac = SOURCE_MAC,
		.source = source,
		.destination = destination,
		.hop_limit = 64,
	};
	struct wire_frame frame, after;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_out = after.bytes,
		    .data_size_out = sizeof(after.bytes), .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .repeat = 1);

	ip_frame_make(&frame, &packet);
	opts.data_in = frame.bytes;
	opts.data_size_in = frame.size;
	assert_int_equal(bpf_prog_test_run_opts(program_fd, &opts), 0);
	return memcmp(after.bytes, MACS[0], sizeof(MACS[0])) == 0;
}

static void test_R25_the_last_resort_is_no_route(void **state)
{
	static const struct {
		uint8_t family;
		const char *source, *destination, *gateway, *everywhere;
	} CASES[] = {
		{4, "10.0.10.5", "10.99.0.1", "10.0.20.9", "0.0.0.0/0"},
		{6, "2001:db8:10::5", "2001:db8:99::1", "2001:db8:20::9", "::/0"},
	};
	struct mlag_domain domain = {.peer_link_ifindex = lab.peer_link, .route_for_peer = 1};
	struct mlag_router_key key = {0};
	struct mlag_router router = {.owner = MLAG_OWNER_PEER, .own_ifindex = lab.bridge};
	struct routeswrite *writer;
	int program_fd = wire_open_program(lab.port, BPF_TC_INGRESS);

	(void)state;
	memcpy(key.mac, MACS[1], sizeof(key.mac));
	memcpy(router.own_mac, MACS[0], sizeof(router.own_mac));
	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	assert_int_equal(datapath_set_router(lab.dp, &key, &router), 0);
	assert_int_equal(routeswrite_open(&writer), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		uint8_t gateway[16];

		(void)ip_parse(CASES[i].gateway, gateway);
		assert_false(is_routed_here(program_fd, CASES[i].source, CASES[i].destination));
		assert_int_equal(routeswrite_set_rule(writer, CASES[i].family, "br0", true), 0);
		assert_int_equal(routeswrite_set_route(writer, CASES[i].family, gateway, lab.out),
				 0);
		assert_false(is_routed_here(program_fd, CASES[i].source, CASES[i].destination));
		/* The same next hop in the main table is one. */
		ip_add_route(CASES[i].everywhere, RTN_UNICAST, CASES[i].gateway);
		assert_true(is_routed_here(program_fd, CASES[i].source, CASES[i].destination));
		assert_int_equal(routeswrite_delete_route(writer, CASES[i].family), 0);
		assert_int_equal(routeswrite_delete_route(writer, CASES[i].family), 0);
		assert_int_equal(routeswrite_set_rule(writer, CASES[i].family, "br0", false), 0);
		assert_int_equal(routeswrite_set_rule(writer, CASES[i].family, "br0", false), 0);
	}
	routeswrite_close(writer);
	close(program_fd);
}

/* ---- set up --------------------------------------------------------------------------------- */

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static int set_up(void **state)
{
	static const char *const DEVICES[] = {"br0", "out"};
	static const uint8_t NEIGHBOR[6] = {0x02, 0, 0, 0, 2, 0x09};
	static const struct mlag_port peer_link = {.kind = MLAG_PORT_PEER_LINK};
	static const struct mlag_port ordinary;
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};

	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	lab.port = wire_make_port("port", "port-far", lab.bridge);
	lab.out = wire_make_port("out", "out-far", 0);
	ip_enable(DEVICES, ARRAY_SIZE(DEVICES));
	ip_add_address("br0", "10.0.10.1/24");
	ip_add_address("br0", "2001:db8:10::1/64");
	ip_add_address("out", "10.0.20.1/24");
	ip_add_address("out", "2001:db8:20::1/64");
	ip_add_neighbor("out", "10.0.20.9", NEIGHBOR);
	ip_add_neighbor("out", "2001:db8:20::9", NEIGHBOR);
	ip_add_neighbor("br0", "10.0.10.2", MACS[1]);
	ip_add_neighbor("br0", "2001:db8:10::2", MACS[1]);
	ip_add_neighbor("br0", "10.0.10.3", MACS[2]);
	ip_add_neighbor("br0", "2001:db8:10::3", MACS[2]);
	ip_add_neighbor("out", "10.0.20.2", MACS[1]);
	ip_add_neighbor("out", "2001:db8:20::2", MACS[1]);
	ip_add_route("10.50.0.0/16", RTN_UNICAST, "10.0.10.2");
	ip_add_route("10.51.0.0/16", RTN_UNICAST, "10.0.10.3");
	ip_add_route("10.52.0.0/16", RTN_UNICAST, "10.0.20.2");
	ip_add_route("2001:db8:50::/48", RTN_UNICAST, "2001:db8:10::2");
	ip_add_route("2001:db8:51::/48", RTN_UNICAST, "2001:db8:10::3");
	ip_add_route("2001:db8:52::/48", RTN_UNICAST, "2001:db8:20::2");
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	datapath_set_marking(lab.dp, true);
	assert_int_equal(datapath_set_port(lab.dp, lab.peer_link, &peer_link), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.port, &ordinary), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.port, MLAG_PORT_NONE), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R31_the_mark_in_words),
		cmocka_unit_test(test_R31_program_and_forward_mark_alike),
		cmocka_unit_test(test_R31_what_would_go_back_has_a_mark_of_its_own),
		cmocka_unit_test(test_R31_the_program_is_there_only_while_it_is_wanted),
		cmocka_unit_test(test_R25_the_last_resort_is_no_route),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
