// SPDX-License-Identifier: BSD-2-Clause
/*
 * R30, one scene a case: the same frame is given to answer.h here and, by BPF_PROG_TEST_RUN, to the
 * loaded programs; both must say what the scene expects, and the answer is looked at field by field
 * by somebody who did not make it.  What is not answered comes out as it went in.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/answerer.h"
#include "datapath/datapath.h"
#include "ip.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define VRF 77
#define VLAN 10
#define NO_TIME 0
#define LONG_TIME UINT64_MAX

/* What is wrong with a question, if anything. */
enum flaw {
	SOUND,
	/* either family */
	FROM_PEER,    /* its source is the peer's MAC */
	OTHER_SENDER, /* the sender's MAC inside is not the frame's */
	GROUP_SENDER, /* a group MAC asks */
	NO_SENDER,    /* a probe: no sender's address */
	OWN_ADDRESS,  /* an announcement: who asks has the address */
	ANSWER,	      /* it is an answer itself */
	CUT_OFF,      /* the frame ends in it */
	/* ARP */
	NOT_ETHERNET,
	NOT_IPV4,
	LONG_MAC,
	LONG_ADDRESS,
	/* IPv6 */
	HOP_LIMIT, /* it was routed */
	CODE,
	EXTENSION,   /* a header before ICMPv6 */
	OPTION_KIND, /* one that is not the sender's MAC */
	OPTION_SIZE,
	TWO_OPTIONS,
	GROUP_TARGET,
	OTHER_GROUP, /* not the one that the target listens to */
	GROUP_SOURCE,
	TOO_LONG,    /* longer than its frame says */
	WITHOUT_MAC, /* sound: a unicast solicitation without the sender's MAC */
};

struct scene {
	const char *name;
	const char *target;
	int flaw; /* enum flaw */
	bool unicast;
	uint64_t until; /* of the lease */
	bool other_svi;
	bool answered;
};

#define ON .until = LONG_TIME
#define ANSWERED ON, .answered = true

static const struct scene SCENES[] = {
	{"R30 the peer's address", "10.0.10.2", ANSWERED},
	{"R30 the peer's address, v6", "2001:db8:10::2", ANSWERED},
	{"R30 its loopback", "192.0.2.2", ANSWERED},
	{"R30 its link-local address", "169.254.7.2", ANSWERED},
	{"R30 its link-local address, v6", "fe80::2", ANSWERED},
	{"R30 asked of the peer alone", "10.0.10.2", .unicast = true, ANSWERED},
	{"R30 asked of the peer alone, v6", "2001:db8:10::2", .unicast = true, ANSWERED},
	{"R30 by who knows it, v6", "2001:db8:10::2", WITHOUT_MAC, .unicast = true, ANSWERED},
	{.name = "R30 never without a lease", .target = "10.0.10.2"},
	{.name = "R30 never without a lease, v6", .target = "2001:db8:10::2"},
	{"R30 not when the lease ran out", "10.0.10.2", .until = 1},
	{"R30 not at an SVI that is not known", "10.0.10.2", .other_svi = true, ON},
	{"R30 an address of ours is ours to answer", "10.0.10.1", ON},
	{"R30 an address of ours, v6", "2001:db8:10::1", ON},
	{"R30 nobody's address", "10.0.10.9", ON},
	{"R30 nobody's address, v6", "2001:db8:10::9", ON},
	{"R30 an address of another routing domain", "10.7.0.2", ON},
	{"R30 a link-local address of another VLAN", "fe80::3", ON},
	{"R30 no probe: it may be the peer's own", "10.0.10.2", NO_SENDER, ON},
	{"R30 no DAD: it may be the peer's own", "2001:db8:10::2", NO_SENDER, ON},
	{"R30 no announcement", "10.0.10.2", OWN_ADDRESS, ON},
	{"R30 no announcement, v6", "2001:db8:10::2", OWN_ADDRESS, ON},
	{"R30 not the peer itself", "10.0.10.2", FROM_PEER, ON},
	{"R30 not the peer itself, v6", "2001:db8:10::2", FROM_PEER, ON},
	{"R30 a sender in disguise", "10.0.10.2", OTHER_SENDER, ON},
	{"R30 a sender in disguise, v6", "2001:db8:10::2", OTHER_SENDER, ON},
	{"R30 a sender that is a group", "10.0.10.2", GROUP_SENDER, ON},
	{"R30 a sender that is a group, v6", "2001:db8:10::2", GROUP_SENDER, ON},
	{"R30 an answer", "10.0.10.2", ANSWER, ON},
	{"R30 an answer, v6", "2001:db8:10::2", ANSWER, ON},
	{"R30 cut off", "10.0.10.2", CUT_OFF, ON},
	{"R30 cut off, v6", "2001:db8:10::2", CUT_OFF, ON},
	{"R30 not of Ethernet", "10.0.10.2", NOT_ETHERNET, ON},
	{"R30 not for IPv4", "10.0.10.2", NOT_IPV4, ON},
	{"R30 a MAC of eight octets", "10.0.10.2", LONG_MAC, ON},
	{"R30 an address of six octets", "10.0.10.2", LONG_ADDRESS, ON},
	{"R30 hop limit below 255", "2001:db8:10::2", HOP_LIMIT, ON},
	{"R30 a code", "2001:db8:10::2", CODE, ON},
	{"R30 an extension header", "2001:db8:10::2", EXTENSION, ON},
	{"R30 an option of another kind", "2001:db8:10::2", OPTION_KIND, ON},
	{"R30 an option of another size", "2001:db8:10::2", OPTION_SIZE, ON},
	{"R30 two options", "2001:db8:10::2", TWO_OPTIONS, ON},
	{"R30 a target that is a group", "2001:db8:10::2", GROUP_TARGET, ON},
	{"R30 a group that is not the target's", "2001:db8:10::2", OTHER_GROUP, ON},
	{"R30 a source that is a group", "2001:db8:10::2", GROUP_SOURCE, ON},
	{"R30 longer than its frame", "2001:db8:10::2", TOO_LONG, ON},
};

static struct {
	struct datapath *dp;
	struct answerer *answerer;
	uint32_t svi, other_svi, port;
	int svi_fd, port_fd;
} lab;

static bool made; /* a clsact, of which nobody wants to know here */

static const uint8_t HOST_MAC[6] = {0x02, 0, 0, 0, 0, 0x0a};
static const uint8_t OUR_MAC[6] = {0x02, 0, 0, 0, 1, 0x01};
static const uint8_t PEER_MAC[6] = {0x02, 0, 0, 0, 1, 0x02};
static const char HOST_IP[] = "10.0.10.9", HOST_IP6[] = "2001:db8:10::9";

static const struct mlag_answer_svi SVI = {.vlan = VLAN, .peer_mac = {0x02, 0, 0, 0, 1, 0x02}};

static const struct {
	const char *ip;
	uint32_t domain;
	uint16_t vlan;
	enum mlag_owner owner;
} ADDRESSES[] = {
	{"10.0.10.1", 0, 0, MLAG_OWNER_SELF},	   {"10.0.10.2", 0, 0, MLAG_OWNER_PEER},
	{"192.0.2.2", 0, 0, MLAG_OWNER_PEER},	   {"10.7.0.2", VRF, 0, MLAG_OWNER_PEER},
	{"2001:db8:10::1", 0, 0, MLAG_OWNER_SELF}, {"2001:db8:10::2", 0, 0, MLAG_OWNER_PEER},
	{"fe80::2", 0, VLAN, MLAG_OWNER_PEER},	   {"fe80::3", 0, VLAN + 1, MLAG_OWNER_PEER},
	{"169.254.7.2", 0, VLAN, MLAG_OWNER_PEER},
};

/* ---- questions ------------------------------------------------------------------------------ */

static void put_arp(const struct scene *scene, struct wire_frame *ret)
{
	uint8_t *arp = ret->bytes + ETH_HLEN;
	uint8_t octets[16];

	ret->size = 60;
	ret->bytes[12] = 0x08;
	ret->bytes[13] = 0x06;
	memcpy(arp, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(arp + 8, ret->bytes + 6, 6);
	(void)ip_parse(HOST_IP, octets);
	memcpy(arp + 14, octets, 4);
	(void)ip_parse(scene->target, octets);
	memcpy(arp + 24, octets, 4);
	switch (scene->flaw) {
	case OTHER_SENDER:
		arp[13] ^= 1;
		break;
	case NO_SENDER:
		memset(arp + 14, 0, 4);
		break;
	case OWN_ADDRESS:
		memcpy(arp + 14, arp + 24, 4);
		break;
	case ANSWER:
		arp[7] = 2;
		break;
	case CUT_OFF:
		ret->size = ETH_HLEN + 27;
		break;
	case NOT_ETHERNET:
		arp[1] = 6;
		break;
	case NOT_IPV4:
		arp[2] = 9;
		break;
	case LONG_MAC:
		arp[4] = 8;
		break;
	case LONG_ADDRESS:
		arp[5] = 6;
		break;
	default:
		break;
	}
}

/* A checksum by the book, not by answer.h; over a message with its own in it: 0. */
static uint16_t checksum(const struct wire_frame *frame)
{
	uint32_t size = (uint32_t)frame->bytes[18] << 8 | frame->bytes[19];
	uint32_t sum = size + 58;

	for (uint32_t at = 22; at < 54 + size; at++) {
		sum += at % 2 == 0 ? (uint32_t)frame->bytes[at] << 8 : frame->bytes[at];
	}
	while (sum > 0xffff) {
		sum = (sum >> 16) + (sum & 0xffff);
	}
	return (uint16_t)~sum;
}

static void spoil_ns(const struct scene *scene, struct wire_frame *frame)
{
	uint8_t *bytes = frame->bytes;

	switch (scene->flaw) {
	case OTHER_SENDER:
		bytes[85] ^= 1;
		break;
	case NO_SENDER:
		memset(bytes + 22, 0, 16);
		break;
	case OWN_ADDRESS:
		memcpy(bytes + 22, bytes + 62, 16);
		break;
	case ANSWER:
		bytes[54] = 136;
		break;
	case CUT_OFF:
		frame->size = 77;
		break;
	case HOP_LIMIT:
		bytes[21] = 254;
		break;
	case CODE:
		bytes[55] = 1;
		break;
	case EXTENSION:
		bytes[20] = 60;
		break;
	case OPTION_KIND:
		bytes[78] = 14;
		break;
	case OPTION_SIZE:
		bytes[79] = 2;
		break;
	case TWO_OPTIONS:
		bytes[19] = 40;
		memcpy(bytes + 86, bytes + 78, 8);
		frame->size = 94;
		break;
	case GROUP_TARGET:
		bytes[62] = 0xff;
		break;
	case OTHER_GROUP:
		bytes[53] ^= 1;
		break;
	case GROUP_SOURCE:
		bytes[22] = 0xff;
		break;
	case TOO_LONG:
		frame->size = 85;
		break;
	default:
		break;
	}
}

static void put_ns(const struct scene *scene, struct wire_frame *ret)
{
	uint8_t *ip = ret->bytes + ETH_HLEN;
	uint8_t target[16];
	uint16_t sum;

	(void)ip_parse(scene->target, target);
	ret->size = scene->flaw == WITHOUT_MAC ? 78 : 86;
	ret->bytes[12] = 0x86;
	ret->bytes[13] = 0xdd;
	ip[0] = 0x60;
	ip[5] = (uint8_t)(ret->size - 54);
	ip[6] = 58;
	ip[7] = 255;
	(void)ip_parse(HOST_IP6, ip + 8);
	if (scene->unicast) {
		memcpy(ip + 24, target, 16);
	} else {
		(void)ip_parse("ff02::1:ff00:0", ip + 24);
		memcpy(ip + 37, target + 13, 3);
	}
	ip[40] = 135;
	memcpy(ip + 48, target, 16);
	if (scene->flaw != WITHOUT_MAC) {
		ip[64] = 1;
		ip[65] = 1;
		memcpy(ip + 66, ret->bytes + 6, 6);
	}
	spoil_ns(scene, ret);
	sum = checksum(ret);
	ip[42] = (uint8_t)(sum >> 8);
	ip[43] = (uint8_t)sum;
}

static bool is_v6(const struct scene *scene)
{
	return strchr(scene->target, ':') != NULL;
}

static void make_question(const struct scene *scene, struct wire_frame *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (scene->unicast) {
		memcpy(ret->bytes, PEER_MAC, 6);
	} else {
		memset(ret->bytes, is_v6(scene) ? 0x33 : 0xff, 6);
	}
	memcpy(ret->bytes + 6, scene->flaw == FROM_PEER ? PEER_MAC : HOST_MAC, 6);
	ret->bytes[6] |= scene->flaw == GROUP_SENDER;
	if (is_v6(scene)) {
		put_ns(scene, ret);
	} else {
		put_arp(scene, ret);
	}
}

/* ---- answers -------------------------------------------------------------------------------- */

static void check_arp(const struct scene *scene, const struct wire_frame *answer)
{
	const uint8_t *arp = answer->bytes + ETH_HLEN;
	uint8_t host[16], target[16];

	(void)ip_parse(HOST_IP, host);
	(void)ip_parse(scene->target, target);
	assert_memory_equal(arp, "\0\1\x08\0\6\4\0\2", 8);
	assert_memory_equal(arp + 8, PEER_MAC, 6);
	assert_memory_equal(arp + 14, target, 4);
	assert_memory_equal(arp + 18, HOST_MAC, 6);
	assert_memory_equal(arp + 24, host, 4);
}

static void check_na(const struct scene *scene, const struct wire_frame *answer)
{
	const uint8_t *ip = answer->bytes + ETH_HLEN;
	bool has_mac = scene->flaw != WITHOUT_MAC;
	uint8_t host[16], target[16];

	(void)ip_parse(HOST_IP6, host);
	(void)ip_parse(scene->target, target);
	assert_int_equal(ip[5], has_mac ? 32 : 24);
	assert_int_equal(ip[6], 58);
	assert_int_equal(ip[7], 255);
	assert_memory_equal(ip + 8, target, 16);
	assert_memory_equal(ip + 24, host, 16);
	assert_int_equal(ip[40], 136);
	assert_int_equal(ip[41], 0);
	/* Router, solicited; with a MAC in it override. */
	assert_memory_equal(ip + 44, has_mac ? "\xe0\0\0\0" : "\xc0\0\0\0", 4);
	assert_memory_equal(ip + 48, target, 16);
	if (has_mac) {
		assert_memory_equal(ip + 64, "\2\1", 2);
		assert_memory_equal(ip + 66, PEER_MAC, 6);
	}
	assert_int_equal(checksum(answer), 0);
}

static void check_answer(const struct scene *scene, const struct wire_frame *question,
			 const struct wire_frame *answer)
{
	assert_int_equal(answer->size, question->size);
	assert_memory_equal(answer->bytes, HOST_MAC, 6);
	assert_memory_equal(answer->bytes + 6, PEER_MAC, 6);
	assert_memory_equal(answer->bytes + 12, question->bytes + 12, 2);
	if (is_v6(scene)) {
		check_na(scene, answer);
	} else {
		check_arp(scene, answer);
	}
}

static uint8_t owner_of(const struct mlag_address *address)
{
	for (uint32_t index = 0; index < ARRAY_SIZE(ADDRESSES); index++) {
		uint8_t octets[16];

		(void)ip_parse(ADDRESSES[index].ip, octets);
		if (memcmp(octets, address->octets, sizeof(octets)) == 0 &&
		    ADDRESSES[index].domain == address->domain &&
		    ADDRESSES[index].vlan == address->vlan) {
			return (uint8_t)ADDRESSES[index].owner;
		}
	}
	return MLAG_OWNER_NONE;
}

/* Userspace's word: answered, and then @frame is the answer.  Lease and SVI are not its business. */
static bool decide(struct wire_frame *frame)
{
	uint8_t family = mlag_question_family(frame->bytes, frame->size);
	struct mlag_address address;

	if (!family) {
		return false;
	}
	mlag_question_address(&SVI, frame->bytes, family, &address);
	if (!mlag_answers(&SVI, frame->bytes, owner_of(&address))) {
		return false;
	}
	if (family == 4) {
		mlag_answer_arp(&SVI, frame->bytes);
	} else {
		mlag_answer_ns(&SVI, frame->bytes);
	}
	return true;
}

static int run(int program_fd, uint32_t ifindex, const struct wire_frame *in,
	       struct wire_frame *ret)
{
	struct __sk_buff skb = {.ifindex = ifindex, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->size,
		    .data_out = ret->bytes, .data_size_out = sizeof(ret->bytes), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(program_fd, &opts), 0);
	ret->size = opts.data_size_out;
	return (int)opts.retval;
}

static void on_counter(void *user, uint32_t ifindex, enum mlag_reason reason, uint64_t packets,
		       uint64_t bytes)
{
	uint64_t *count = user;

	(void)bytes;
	assert_int_equal(ifindex, lab.svi);
	assert_int_equal(reason, MLAG_REASON_ANSWERED);
	*count = packets;
}

static uint64_t count_answers(void)
{
	uint64_t count = 0;

	assert_int_equal(datapath_counters(lab.dp, on_counter, &count), 0);
	return count;
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;
	struct wire_frame question, mine, out;
	uint64_t before = count_answers();
	bool of_its_own = scene->until != LONG_TIME || scene->other_svi;
	int verdict;

	make_question(scene, &question);
	mine = question;
	assert_int_equal(answerer_set_until(lab.answerer, scene->until), 0);
	verdict = run(lab.svi_fd, scene->other_svi ? lab.other_svi : lab.svi, &question, &out);
	if (!of_its_own) {
		assert_int_equal(decide(&mine), scene->answered);
	}
	assert_int_equal(verdict, scene->answered ? TC_ACT_REDIRECT : TC_ACT_UNSPEC);
	assert_int_equal(out.size, mine.size);
	assert_memory_equal(out.bytes, mine.bytes, mine.size);
	assert_int_equal(count_answers() - before, scene->answered);
	if (scene->answered) {
		check_answer(scene, &question, &out);
	} else {
		assert_memory_equal(out.bytes, question.bytes, question.size);
	}
}

/* ---- at the ports --------------------------------------------------------------------------- */

static void set_domain(bool vlan_aware)
{
	struct mlag_domain domain = {.peer_link_ifindex = 1, .vlan_aware = vlan_aware};
	struct mlag_port port = {.ingress_vid = vlan_aware ? VLAN : 0};

	assert_int_equal(datapath_set_domain(lab.dp, &domain), 0);
	assert_int_equal(datapath_set_port(lab.dp, lab.port, &port), 0);
}

static void set_router(uint16_t vlan, uint32_t own_ifindex, uint8_t owner)
{
	struct mlag_router_key key = {.vlan = vlan};
	struct mlag_router router = {.own_ifindex = own_ifindex, .owner = owner};

	memcpy(key.mac, PEER_MAC, sizeof(key.mac));
	memcpy(router.own_mac, OUR_MAC, sizeof(router.own_mac));
	assert_int_equal(
		datapath_set_router(lab.dp, &key, owner == MLAG_OWNER_NONE ? NULL : &router), 0);
}

/* Give a question to the port's program; true when its destination is ours now, and nothing else. */
static bool is_taken(const struct scene *scene)
{
	struct wire_frame question, out;

	make_question(scene, &question);
	assert_int_equal(run(lab.port_fd, lab.port, &question, &out), TC_ACT_UNSPEC);
	assert_int_equal(out.size, question.size);
	assert_memory_equal(out.bytes + 6, question.bytes + 6, question.size - 6);
	if (memcmp(out.bytes, question.bytes, 6) == 0) {
		return false;
	}
	assert_memory_equal(out.bytes, OUR_MAC, 6);
	return true;
}

static void test_R30_questions_to_the_peers_MAC_become_ours(void **state)
{
	static const struct scene ARP = {.target = "10.0.10.2", .unicast = true};
	static const struct scene NS = {.target = "2001:db8:10::2", .unicast = true};
	static const struct scene SHORT = {
		.target = "2001:db8:10::2", .unicast = true, .flaw = WITHOUT_MAC};
	static const struct scene BROADCAST = {.target = "10.0.10.2"};
	static const struct scene REPLY = {.target = "10.0.10.2", .unicast = true, .flaw = ANSWER};

	(void)state;
	for (uint32_t vlan_aware = 0; vlan_aware <= 1; vlan_aware++) {
		uint16_t vlan = vlan_aware ? VLAN : 0;

		set_domain(vlan_aware);
		set_router(vlan, lab.svi, MLAG_OWNER_PEER);
		assert_int_equal(answerer_set_until(lab.answerer, LONG_TIME), 0);
		assert_true(is_taken(&ARP));
		assert_true(is_taken(&NS));
		assert_true(is_taken(&SHORT));
		assert_false(is_taken(&BROADCAST));
		assert_false(is_taken(&REPLY));
		/* Without an SVI of ours there is nobody to look at it. */
		set_router(vlan, 0, MLAG_OWNER_PEER);
		assert_false(is_taken(&ARP));
		set_router(vlan, lab.svi, MLAG_OWNER_SELF);
		assert_false(is_taken(&ARP));
		set_router(vlan, lab.svi, MLAG_OWNER_NONE);
		assert_false(is_taken(&ARP));
		/* Of another VLAN. */
		set_router(VLAN + 1, lab.svi, MLAG_OWNER_PEER);
		assert_false(is_taken(&ARP));
		set_router(VLAN + 1, lab.svi, MLAG_OWNER_NONE);
		/* Not without a lease. */
		set_router(vlan, lab.svi, MLAG_OWNER_PEER);
		assert_int_equal(answerer_set_until(lab.answerer, 0), 0);
		assert_false(is_taken(&ARP));
		set_router(vlan, lab.svi, MLAG_OWNER_NONE);
	}
	assert_int_equal(datapath_delete_port(lab.dp, lab.port), 0);
}

static void test_R30_the_lease_runs_out_by_itself(void **state)
{
	static const struct scene QUESTION = {.target = "10.0.10.2"};
	struct wire_frame question, out;
	struct timespec now;
	uint64_t until_ns;

	(void)state;
	make_question(&QUESTION, &question);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	until_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 200000000u;
	assert_int_equal(answerer_set_until(lab.answerer, until_ns), 0);
	assert_int_equal(run(lab.svi_fd, lab.svi, &question, &out), TC_ACT_REDIRECT);
	while ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec < until_ns) {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	}
	assert_int_equal(run(lab.svi_fd, lab.svi, &question, &out), TC_ACT_UNSPEC);
}

static void test_programs_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(answerer_attach(lab.answerer, lab.port, ANSWERER_AT_PORT, &made), 0);
	assert_int_equal(answerer_attach(lab.answerer, lab.port, ANSWERER_AT_PORT, &made), 0);
	assert_int_equal(answerer_detach(lab.answerer, lab.port), 0);
	assert_int_equal(answerer_detach(lab.answerer, lab.port), 0);
	assert_int_equal(answerer_detach(lab.answerer, 99999), 0);
	assert_int_equal(answerer_attach(lab.answerer, 99999, ANSWERER_AT_PORT, &made), -ENODEV);
}

/* ---- set up --------------------------------------------------------------------------------- */

static int open_program(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ANSWERER_TC_HANDLE,
		    .priority = ANSWERER_TC_PRIORITY);
	int fd;

	assert_int_equal(bpf_tc_query(&hook, &opts), 0);
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	assert_true(fd >= 0);
	return fd;
}

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("libbpf: %s\n", text);
}

static void set_addresses(void)
{
	for (uint32_t index = 0; index < ARRAY_SIZE(ADDRESSES); index++) {
		struct mlag_address address = {0};

		address.family = ip_parse(ADDRESSES[index].ip, address.octets);
		address.domain = ADDRESSES[index].domain;
		address.vlan = ADDRESSES[index].vlan;
		assert_int_equal(
			datapath_set_address(lab.dp, &address, (uint8_t)ADDRESSES[index].owner), 0);
	}
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	struct datapath_maps maps;

	(void)state;
	wire_enter_namespace();
	lab.svi = wire_make_bridge("br0");
	lab.other_svi = wire_make_bridge("br1");
	lab.port = wire_make_port("port", "port-far", lab.svi);
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	set_addresses();
	datapath_get_maps(lab.dp, &maps);
	assert_int_equal(answerer_open(&lab.answerer, &maps), 0);
	assert_int_equal(answerer_set_svi(lab.answerer, lab.svi, &SVI), 0);
	assert_int_equal(answerer_attach(lab.answerer, lab.svi, ANSWERER_AT_SVI, &made), 0);
	assert_int_equal(answerer_attach(lab.answerer, lab.port, ANSWERER_AT_PORT, &made), 0);
	lab.svi_fd = open_program(lab.svi);
	lab.port_fd = open_program(lab.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(lab.svi_fd);
	close(lab.port_fd);
	answerer_close(lab.answerer);
	datapath_close(lab.dp);
	return 0;
}

int main(void)
{
	enum { OTHERS = 3 };
	struct CMUnitTest tests[OTHERS + ARRAY_SIZE(SCENES)] = {
		cmocka_unit_test(test_R30_questions_to_the_peers_MAC_become_ours),
		cmocka_unit_test(test_R30_the_lease_runs_out_by_itself),
		cmocka_unit_test(test_programs_come_and_go),
	};

	for (uint32_t index = 0; index < ARRAY_SIZE(SCENES); index++) {
		tests[OTHERS + index] = (struct CMUnitTest){
			.name = SCENES[index].name,
			.test_func = test_scene,
			.initial_state = (void *)(uintptr_t)&SCENES[index],
		};
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
