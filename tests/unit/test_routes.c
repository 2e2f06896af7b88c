/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routing adapter of R31: messages as bytes, which default route the kernel uses, and, as root,
 * the adapter with the real kernel in a network namespace of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/routes.h"
#include "kernel/routesmsg.h"

#define SOON_MS 3000

/* ---- messages ------------------------------------------------------------------------------- */

static uint8_t buffer[1024] __attribute__((aligned(8)));

static struct nlmsghdr *begin_route(uint8_t family, uint8_t prefix, uint8_t type)
{
	struct nlmsghdr *message;
	struct rtmsg *header;

	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_NEWROUTE;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->rtm_family = family;
	header->rtm_dst_len = prefix;
	header->rtm_type = type;
	header->rtm_table = RT_TABLE_MAIN;
	header->rtm_protocol = RTPROT_STATIC;
	return message;
}

static struct routesmsg parse(const struct nlmsghdr *message)
{
	struct routesmsg route;

	assert_int_equal(routesmsg_parse(message, &route), 0);
	return route;
}

static void put_address(struct nlmsghdr *message, uint16_t type, const char *text)
{
	uint8_t octets[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, octets), 1);
	mnl_attr_put(message, type, family == AF_INET ? 4 : 16, octets);
}

static void put_hop(struct nlmsghdr *message, const char *gateway, uint32_t ifindex, uint8_t flags)
{
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(message);
	uint32_t before = message->nlmsg_len;

	memset(hop, 0, sizeof(*hop));
	message->nlmsg_len += (uint32_t)sizeof(*hop);
	put_address(message, RTA_GATEWAY, gateway);
	hop->rtnh_ifindex = (int)ifindex;
	hop->rtnh_flags = flags;
	hop->rtnh_len = (unsigned short)(message->nlmsg_len - before);
}

static void a_default_route_is_read(void **state)
{
	struct nlmsghdr *message = begin_route(AF_INET, 0, RTN_UNICAST);
	struct routesmsg route;

	(void)state;
	put_address(message, RTA_GATEWAY, "10.0.0.2");
	mnl_attr_put_u32(message, RTA_OIF, 7);
	mnl_attr_put_u32(message, RTA_PRIORITY, 50);
	mnl_attr_put_u32(message, RTA_TABLE, 100000);
	mnl_attr_put_u32(message, RTA_NH_ID, 12);
	route = parse(message);
	assert_int_equal(route.family, 4);
	assert_int_equal(route.table, 100000);
	assert_int_equal(route.priority, 50);
	assert_int_equal(route.nexthop_id, 12);
	assert_true(route.alive && route.from_zero && !route.special);
	assert_int_equal(route.hops_count, 1);
	assert_int_equal(route.hops[0].ifindex, 7);
	assert_int_equal(route.hops[0].family, 4);
	assert_memory_equal(route.hops[0].octets, "\x0a\x00\x00\x02", 4);
	assert_true(route.hops[0].usable);
}

static void a_next_hop_of_the_other_family_is_read(void **state)
{
	struct nlmsghdr *message = begin_route(AF_INET, 0, RTN_UNICAST);
	uint8_t via[18] = {0};
	uint16_t family = AF_INET6;
	struct routesmsg route;

	(void)state;
	memcpy(via, &family, sizeof(family));
	via[2] = 0xfe;
	via[3] = 0x80;
	via[17] = 2;
	mnl_attr_put(message, RTA_VIA, sizeof(via), via);
	mnl_attr_put_u32(message, RTA_OIF, 7);
	route = parse(message);
	assert_int_equal(route.hops[0].family, 6);
	assert_int_equal(route.hops[0].octets[15], 2);
}

static void several_next_hops_are_read(void **state)
{
	struct nlmsghdr *message = begin_route(AF_INET, 0, RTN_UNICAST);
	struct nlattr *nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
	struct routesmsg route;

	(void)state;
	put_hop(message, "10.0.0.2", 7, 0);
	put_hop(message, "10.0.1.2", 8, RTNH_F_DEAD | RTNH_F_LINKDOWN);
	put_hop(message, "10.0.2.2", 9, RTNH_F_LINKDOWN);
	mnl_attr_nest_end(message, nest);
	route = parse(message);
	assert_int_equal(route.hops_count, 3);
	assert_true(route.alive);
	assert_true(route.hops[0].usable && !route.hops[1].usable && !route.hops[2].usable);
	assert_int_equal(route.hops[2].ifindex, 9);
	assert_int_equal(route.hops[2].octets[2], 2);
}

static void more_next_hops_than_are_looked_at(void **state)
{
	static uint8_t large[8192] __attribute__((aligned(8)));
	struct nlmsghdr *message;
	struct nlattr *nest;
	struct routesmsg route;

	(void)state;
	message = begin_route(AF_INET, 0, RTN_UNICAST);
	memcpy(large, buffer, sizeof(buffer));
	message = (void *)large;
	nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
	for (uint32_t i = 0; i < MLAG_HOPS_MAX + 8; i++) {
		put_hop(message, "10.0.0.2", i + 1, 0);
	}
	mnl_attr_nest_end(message, nest);
	route = parse(message);
	assert_int_equal(route.hops_count, MLAG_HOPS_MAX);
}

/* Every length, cut anywhere and with every octet of the lengths wrong: survived. */
static void messages_cut_short_are_survived(void **state)
{
	struct nlmsghdr *message = begin_route(AF_INET6, 0, RTN_UNICAST);
	struct nlattr *nest = mnl_attr_nest_start(message, RTA_MULTIPATH);
	uint32_t whole;
	uint8_t *copy;

	(void)state;
	put_hop(message, "fe80::2", 7, 0);
	put_hop(message, "fe80::3", 8, 0);
	mnl_attr_nest_end(message, nest);
	mnl_attr_put_u32(message, RTA_PRIORITY, 50);
	whole = message->nlmsg_len;
	for (uint32_t length = NLMSG_HDRLEN; length <= whole; length++) {
		struct routesmsg_rule rule;
		struct routesmsg route;
		int error;

		copy = malloc(length);
		assert_non_null(copy);
		memcpy(copy, buffer, length);
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = length;
		error = routesmsg_parse((void *)copy, &route);
		assert_true(error == 0 || error == -EBADMSG);
		assert_true(error != 0 || route.hops_count <= 2);
		(void)routesmsg_parse_rule((void *)copy, &rule);
		(void)routesmsg_parse_nexthop((void *)copy);
		free(copy);
	}
	for (uint32_t at = NLMSG_HDRLEN; at < whole; at++) {
		struct routesmsg route;

		copy = malloc(whole);
		assert_non_null(copy);
		memcpy(copy, buffer, whole);
		copy[at] = (uint8_t)~copy[at];
		(void)routesmsg_parse((void *)copy, &route);
		free(copy);
	}
}

/* ---- which one counts ------------------------------------------------------------------------ */

static struct routesmsg make(uint8_t family, uint32_t priority, uint32_t ifindex)
{
	struct routesmsg route = {.family = family,
				  .table = RT_TABLE_MAIN,
				  .type = RTN_UNICAST,
				  .from_zero = true,
				  .priority = priority,
				  .alive = true,
				  .hops_count = 1};

	route.hops[0].ifindex = ifindex;
	route.hops[0].usable = true;
	return route;
}

static struct mlag_default_route choose(uint8_t family, const struct routesmsg *routes,
					uint32_t count)
{
	struct routesmsg_choice choice = {0};
	struct mlag_default_route route;

	for (uint32_t i = 0; i < count; i++) {
		routesmsg_consider(&choice, &routes[i]);
	}
	routesmsg_conclude(&choice, family, &route);
	assert_int_equal(route.family, family);
	return route;
}

static void the_lowest_metric_that_lives_counts(void **state)
{
	struct routesmsg routes[3] = {make(4, 50, 1), make(4, 20, 2), make(4, 90, 3)};
	struct mlag_default_route route = choose(4, routes, 3);

	(void)state;
	assert_true(route.present && !route.reject);
	assert_int_equal(route.hops[0].ifindex, 2);
	routes[1].alive = false;
	assert_int_equal(choose(4, routes, 3).hops[0].ifindex, 1);
	/* One that says no stands before those with a higher metric. */
	routes[1].alive = true;
	routes[1].type = RTN_UNREACHABLE;
	route = choose(4, routes, 3);
	assert_true(route.present && route.reject);
	assert_false(choose(4, NULL, 0).present);
}

static void what_is_no_default_route_does_not_count(void **state)
{
	struct routesmsg route = make(4, 50, 1);

	(void)state;
	route.prefix = 1;
	assert_false(choose(4, &route, 1).present);
	route = make(4, 50, 1);
	route.special = true;
	assert_false(choose(4, &route, 1).present);
	route = make(4, 50, 1);
	route.table = 77;
	assert_false(choose(4, &route, 1).present);
	route = make(4, 50, 1);
	route.type = RTN_LOCAL;
	assert_false(choose(4, &route, 1).present);
	/* What kernels of old show for "no route". */
	route = make(6, UINT32_MAX, 1);
	route.type = RTN_UNREACHABLE;
	route.protocol = RTPROT_KERNEL;
	assert_false(choose(6, &route, 1).present);
}

static void routers_of_one_metric_stand_side_by_side_in_ipv6(void **state)
{
	struct routesmsg routes[2] = {make(6, 1024, 1), make(6, 1024, 2)};

	(void)state;
	assert_int_equal(choose(6, routes, 2).hops_count, 2);
	routes[0].family = 4;
	routes[1].family = 4;
	assert_int_equal(choose(4, routes, 2).hops_count, 1);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static struct nlmsghdr *make_rule(void)
{
	struct nlmsghdr *message;
	struct fib_rule_hdr *header;

	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_NEWRULE;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->family = AF_INET;
	header->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTES_RULE_PRIORITY);
	mnl_attr_put_u32(message, FRA_TABLE, ROUTES_TABLE);
	mnl_attr_put_strz(message, FRA_IIFNAME, "br0.10");
	mnl_attr_put_u32(message, FRA_FWMARK, 0);
	mnl_attr_put_u32(message, FRA_FWMASK, MLAG_MARK_PEER_LINK);
	mnl_attr_put_u8(message, FRA_PROTOCOL, ROUTES_PROTOCOL);
	return message;
}

static void a_rule_is_ours_when_nothing_else_is_in_it(void **state)
{
	struct nlmsghdr *message = make_rule();
	struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct routesmsg_rule rule;

	(void)state;
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_true(rule.genuine);
	assert_int_equal(rule.protocol, ROUTES_PROTOCOL);
	assert_string_equal(rule.ifname, "br0.10");
	header->flags = FIB_RULE_INVERT;
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_false(rule.genuine);
	message = make_rule();
	mnl_attr_put_strz(message, FRA_OIFNAME, "up0");
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_false(rule.genuine);
}

static void a_rule_returns_when_it_is_for_the_mark_alone(void **state)
{
	struct nlmsghdr *message = make_rule();
	struct fib_rule_hdr *header;
	struct routesmsg_rule rule;

	(void)state;
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_false(rule.returns);
	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_NEWRULE;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->family = AF_INET6;
	header->action = FR_ACT_UNREACHABLE;
	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTES_RETURN_PRIORITY);
	mnl_attr_put_u32(message, FRA_FWMARK, MLAG_MARK_RETURN);
	mnl_attr_put_u32(message, FRA_FWMASK, MLAG_MARK_RETURN);
	mnl_attr_put_u8(message, FRA_PROTOCOL, ROUTES_PROTOCOL);
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_true(rule.returns);
	assert_false(rule.genuine);
	header->action = FR_ACT_BLACKHOLE;
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_false(rule.returns);
	header->action = FR_ACT_UNREACHABLE;
	mnl_attr_put_strz(message, FRA_IIFNAME, "up0");
	assert_int_equal(routesmsg_parse_rule(message, &rule), 0);
	assert_false(rule.returns);
}

/* ---- with the kernel ------------------------------------------------------------------------- */

static struct {
	bool root;
	sd_event *event;
	struct routes *routes;
	struct mlag_default_route seen[ROUTES_FAMILIES];
	uint32_t reports[ROUTES_FAMILIES];
} lab;

static void on_default_route(void *user, const struct mlag_default_route *route)
{
	(void)user;
	lab.seen[route->family == 6] = *route;
	lab.reports[route->family == 6]++;
}

static void sh(const char *command)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s", command);
	if (system(text) != 0) {
		fail_msg("%s", command);
	}
}

/* What a command prints, on one line. */
static const char *ask(const char *command)
{
	static char text[4096];
	FILE *pipe = popen(command, "r");
	size_t size;

	assert_non_null(pipe);
	size = fread(text, 1, sizeof(text) - 1, pipe);
	(void)pclose(pipe);
	text[size] = '\0';
	for (char *at = text; *at != '\0'; at++) {
		*at = *at == '\n' ? ';' : *at;
	}
	return text;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How long this process has kept a processor busy. */
static uint64_t worked_ms(void)
{
	struct timespec worked;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &worked);
	return (uint64_t)worked.tv_sec * 1000 + (uint64_t)worked.tv_nsec / 1000000;
}

#define WAIT(condition)                                                   \
	do {                                                              \
		uint64_t limit_ms_ = now_ms() + SOON_MS;                  \
		while (!(condition)) {                                    \
			if (now_ms() > limit_ms_) {                       \
				fail_msg("%s: not in time", #condition);  \
			}                                                 \
			assert_true(sd_event_run(lab.event, 10000) >= 0); \
		}                                                         \
	} while (0)

static void run_ms(uint64_t duration_ms)
{
	uint64_t limit_ms = now_ms() + duration_ms;

	while (now_ms() < limit_ms) {
		assert_true(sd_event_run(lab.event, 5000) >= 0);
	}
}

static int enter(void **state)
{
	(void)state;
	lab.root = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
	return 0;
}

static int open_lab(void **state)
{
	static const struct routes_handler handler = {on_default_route};

	(void)state;
	if (!lab.root) {
		return 0;
	}
	memset(lab.seen, 0, sizeof(lab.seen));
	memset(lab.reports, 0, sizeof(lab.reports));
	sh("ip link set lo up; ip link add up0 type veth peer name up1; ip link set up0 up; "
	   "ip link set up1 up; ip address add 10.0.0.1/24 dev up0; "
	   "ip address add 10.0.1.1/24 dev up1; ip address add fd00::1/64 dev up0 nodad");
	assert_int_equal(sd_event_new(&lab.event), 0);
	assert_int_equal(routes_open(&lab.routes, lab.event, &handler, NULL), 0);
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	if (!lab.root) {
		return 0;
	}
	routes_close(lab.routes);
	sd_event_unref(lab.event);
	sh("ip link del up0; ip rule flush pref 32800 2>/dev/null; "
	   "ip -6 rule flush pref 32800 2>/dev/null; ip rule flush pref 999 2>/dev/null; "
	   "ip -6 rule flush pref 999 2>/dev/null; true");
	return 0;
}

#define NEED_ROOT()              \
	do {                     \
		(void)state;     \
		if (!lab.root) { \
			skip();  \
		}                \
	} while (0)

static void enable(void)
{
	assert_int_equal(routes_set_enabled(lab.routes, true), 0);
	WAIT(lab.reports[0] == 1 && lab.reports[1] == 1);
}

static void default_routes_come_and_go(void **state)
{
	NEED_ROOT();
	enable();
	assert_false(lab.seen[0].present || lab.seen[1].present);
	sh("ip route add default via 10.0.0.2 metric 50; ip -6 route add default via fd00::2");
	WAIT(lab.seen[0].present && lab.seen[1].present);
	assert_int_equal(lab.seen[0].hops[0].octets[3], 2);
	assert_true(lab.seen[0].hops[0].usable);
	assert_true(lab.seen[0].hops[0].lower_ifindex != 0); /* of a veth: its other end */
	sh("ip route add default via 10.0.0.3 metric 20");
	WAIT(lab.seen[0].hops[0].octets[3] == 3);
	sh("ip route add blackhole default metric 10");
	WAIT(lab.seen[0].reject);
	sh("ip route del blackhole default metric 10; ip route del default metric 20; "
	   "ip route del default metric 50; ip -6 route del default");
	WAIT(!lab.seen[0].present && !lab.seen[1].present);
	/* A route that is none of those wakes nobody. */
	lab.reports[0] = 0;
	sh("ip route add 10.9.0.0/16 via 10.0.0.2; ip route add default via 10.0.0.2 table 77");
	run_ms(50);
	assert_int_equal(lab.reports[0], 0);
}

static void routes_that_go_without_a_word(void **state)
{
	NEED_ROOT();
	sh("ip route add default via 10.0.0.2");
	enable();
	assert_true(lab.seen[0].present);
	sh("ip link set up0 down");
	WAIT(!lab.seen[0].present);
	sh("ip link set up0 up; ip address add 10.0.0.5/24 dev up0; "
	   "ip route add default via 10.0.0.2 src 10.0.0.5");
	WAIT(lab.seen[0].present);
	sh("ip address del 10.0.0.5/24 dev up0");
	WAIT(!lab.seen[0].present);
	sh("ip nexthop add id 7 via 10.0.0.2 dev up0; ip route add default nhid 7");
	WAIT(lab.seen[0].present);
	sh("ip nexthop del id 7");
	WAIT(!lab.seen[0].present);
}

static void several_next_hops_die_one_by_one(void **state)
{
	NEED_ROOT();
	sh("ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; "
	   "ip address add 10.0.2.1/24 dev d0");
	sh("ip route add default nexthop via 10.0.0.2 nexthop via 10.0.2.2");
	enable();
	assert_int_equal(lab.seen[0].hops_count, 2);
	assert_true(lab.seen[0].hops[0].usable && lab.seen[0].hops[1].usable);
	sh("ip link set d1 down"); /* d0 has no carrier: its next hop is no way out */
	WAIT(!lab.seen[0].hops[1].usable);
	assert_true(lab.seen[0].present && lab.seen[0].hops[0].usable);
	sh("ip link del d0; ip link set up0 down");
	WAIT(!lab.seen[0].present);
}

static struct routes_wanted wanted;

static void want(enum mlag_last_resort_state state, uint8_t last)
{
	memset(&wanted, 0, sizeof(wanted));
	for (uint32_t i = 0; i < ROUTES_FAMILIES; i++) {
		struct mlag_last_resort *resort = &wanted.resorts[i];

		resort->family = i == 0 ? 4 : 6;
		resort->state = state;
		resort->armed = state != MLAG_LAST_RESORT_OFF;
		resort->because = "";
		resort->ifindex = if_nametoindex("up0");
		resort->octets[i == 0 ? 3 : 15] = last;
		resort->octets[0] = i == 0 ? 10 : 0xfe;
		resort->octets[1] = i == 0 ? 0 : 0x80;
	}
	wanted.devices_count = 3;
	wanted.devices[0] = if_nametoindex("up1");
	wanted.devices[1] = if_nametoindex("up0");
	wanted.devices[2] = if_nametoindex("up1"); /* twice */
	routes_apply(lab.routes, &wanted);
	assert_null(routes_problem(lab.routes));
}

#define RULES "ip rule show pref 32800; ip -6 rule show pref 32800"
#define RULE(device)                                                             \
	"32800:\tfrom all fwmark 0/0x40000000 iif " device " lookup 1835819367 " \
	"proto 109;"
#define RETURN_RULES "ip rule show pref 999; ip -6 rule show pref 999"
#define RETURN_RULE "999:\tfrom all fwmark 0x20000000/0x20000000 unreachable proto 109;"
#define OURS "ip route show table 1835819367; ip -6 route show table 1835819367"

static void what_is_wanted_is_there_and_nothing_else(void **state)
{
	NEED_ROOT();
	enable();
	want(MLAG_LAST_RESORT_READY, 0);
	assert_string_equal(ask(RULES), RULE("up0") RULE("up1") RULE("up0") RULE("up1"));
	assert_string_equal(ask(RETURN_RULES), RETURN_RULE RETURN_RULE);
	assert_string_equal(ask(OURS " 2>/dev/null"), "");
	want(MLAG_LAST_RESORT_ACTIVE, 2);
	assert_string_equal(ask(RETURN_RULES), RETURN_RULE RETURN_RULE);
	assert_non_null(strstr(ask(OURS), "default via 10.0.0.2 dev up0 proto 109 metric "
					  "1835819367 onlink"));
	assert_non_null(strstr(ask(OURS), "default via fe80::2 dev up0 proto 109 metric "
					  "1835819367"));
	want(MLAG_LAST_RESORT_ACTIVE, 3);
	assert_non_null(strstr(ask(OURS), "10.0.0.3"));
	assert_null(strstr(ask(OURS), "10.0.0.2"));
	/* Nobody's routing table of main has it. */
	assert_null(strstr(ask("ip route show; ip -6 route show"), "default"));
	want(MLAG_LAST_RESORT_OFF, 0);
	assert_string_equal(ask(RULES), "");
	assert_string_equal(ask(RETURN_RULES), "");
	assert_string_equal(ask(OURS " 2>/dev/null"), "");
}

static void what_somebody_takes_away_comes_back(void **state)
{
	NEED_ROOT();
	enable();
	want(MLAG_LAST_RESORT_ACTIVE, 2);
	sh("ip rule del pref 32800 iif up1; ip route flush table 1835819367");
	WAIT(strstr(ask(OURS), "10.0.0.2") != NULL && strstr(ask(RULES), "up1") != NULL);
	/* A rule with our number that is not as ours are goes. */
	sh("ip rule add pref 32800 iif up1 lookup 1835819367 proto 109");
	WAIT(strstr(ask(RULES), "from all iif") == NULL);
	assert_non_null(strstr(ask(RULES), RULE("up1")));
	sh("ip -6 rule del pref 999; ip rule add pref 999 fwmark 0x20000000 prohibit proto 109");
	WAIT(strcmp(ask(RETURN_RULES), RETURN_RULE RETURN_RULE) == 0);
}

static void what_is_not_ours_is_not_touched(void **state)
{
	char before[4096];

	NEED_ROOT();
	sh("ip rule add pref 32800 iif up0 lookup 77; ip rule add pref 32800 iif up0 "
	   "lookup 1835819367 proto static; ip route add default via 10.0.0.9 table 1835819367 "
	   "metric 7 proto static; ip route add 10.7.0.0/16 via 10.0.0.9 table 1835819367");
	enable();
	(void)snprintf(before, sizeof(before), "%s", ask(RULES "; " OURS));
	want(MLAG_LAST_RESORT_ACTIVE, 2);
	assert_string_not_equal(ask(RULES "; " OURS), before);
	want(MLAG_LAST_RESORT_OFF, 0);
	assert_string_equal(ask(RULES "; " OURS), before);
	sh("ip route flush table 1835819367");
}

static void what_an_earlier_daemon_left_is_adopted(void **state)
{
	static const struct routes_handler handler = {on_default_route};
	char before[4096];

	NEED_ROOT();
	enable();
	assert_false(lab.seen[0].adopted || lab.seen[1].adopted);
	want(MLAG_LAST_RESORT_ACTIVE, 2);
	(void)snprintf(before, sizeof(before), "%s", ask(RULES "; " OURS));
	routes_close(lab.routes);
	assert_int_equal(routes_open(&lab.routes, lab.event, &handler, NULL), 0);
	memset(lab.reports, 0, sizeof(lab.reports));
	enable();
	assert_true(lab.seen[0].adopted && lab.seen[1].adopted);
	/* The peer was not heard yet. */
	wanted.resorts[0].keep = true;
	wanted.resorts[1].keep = true;
	wanted.resorts[0].state = MLAG_LAST_RESORT_READY;
	wanted.resorts[1].armed = false;
	routes_apply(lab.routes, &wanted);
	assert_string_equal(ask(RULES "; " OURS), before);
	/* A daemon without it takes all of it away, enabled or not. */
	assert_int_equal(routes_set_enabled(lab.routes, false), 0);
	want(MLAG_LAST_RESORT_OFF, 0);
	assert_string_equal(ask(RULES), "");
}

static void what_the_kernel_refuses_is_told_and_tried_again(void **state)
{
	NEED_ROOT();
	enable();
	want(MLAG_LAST_RESORT_ACTIVE, 2);
	sh("ip link set up0 down");
	routes_apply(lab.routes, &wanted);
	assert_non_null(routes_problem(lab.routes));
	assert_non_null(strstr(routes_problem(lab.routes), "IPv4: adding the route: "));
	sh("ip link set up0 up");
	WAIT(routes_problem(lab.routes) == NULL);
	assert_non_null(strstr(ask(OURS), "10.0.0.2"));
	/* A device that has just gone is no refusal: the next word about it is on its way. */
	wanted.resorts[0].ifindex = 99999;
	routes_apply(lab.routes, &wanted);
	assert_null(routes_problem(lab.routes));
}

/* Of IPv4 a look costs the same beside 50 000 routes; of IPv6 all of them are read, by and by. */
static void a_full_table_is_not_read(void **state)
{
	static const char make_routes[] =
		"for a in $(seq 0 195); do for b in $(seq 0 255); do "
		"echo route add 20.$a.$b.0/24 via 10.0.0.2; done; done | ip -batch -; "
		"for a in $(seq 1 10000); do printf 'route add fd01:%x::/32 via fd00::2\n' $a; done | "
		"ip -6 -batch -";
	uint64_t begin_ms;

	NEED_ROOT();
	sh(make_routes);
	enable();
	begin_ms = worked_ms();
	for (uint32_t i = 0; i < 20; i++) {
		sh("ip route add default via 10.0.0.2");
		WAIT(lab.seen[0].present);
		sh("ip route del default");
		WAIT(!lab.seen[0].present);
	}
	/* Of this process alone, however busy the machine is; reading 50 000 routes takes 50 ms. */
	assert_true(worked_ms() - begin_ms < 40 * 10);
	sh("ip -6 route add default via fd00::2");
	WAIT(lab.seen[1].present);
}

#define LIVE(f) cmocka_unit_test_setup_teardown(f, open_lab, close_lab)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_default_route_is_read),
		cmocka_unit_test(a_next_hop_of_the_other_family_is_read),
		cmocka_unit_test(several_next_hops_are_read),
		cmocka_unit_test(more_next_hops_than_are_looked_at),
		cmocka_unit_test(messages_cut_short_are_survived),
		cmocka_unit_test(the_lowest_metric_that_lives_counts),
		cmocka_unit_test(what_is_no_default_route_does_not_count),
		cmocka_unit_test(routers_of_one_metric_stand_side_by_side_in_ipv6),
		cmocka_unit_test(a_rule_is_ours_when_nothing_else_is_in_it),
		cmocka_unit_test(a_rule_returns_when_it_is_for_the_mark_alone),
		LIVE(default_routes_come_and_go),
		LIVE(routes_that_go_without_a_word),
		LIVE(several_next_hops_die_one_by_one),
		LIVE(what_is_wanted_is_there_and_nothing_else),
		LIVE(what_somebody_takes_away_comes_back),
		LIVE(what_is_not_ours_is_not_touched),
		LIVE(what_an_earlier_daemon_left_is_adopted),
		LIVE(what_the_kernel_refuses_is_told_and_tried_again),
		LIVE(a_full_table_is_not_read),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
