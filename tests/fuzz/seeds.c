/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes seeds for the fuzz targets: fuzz_seeds DIRECTORY makes DIRECTORY/TARGET/NAME.  What the
 * kernel says of the namespace it runs in is asked of the kernel; what this machine may not have
 * (bonds, VLANs, next hops) is made by the unit tests' own messages; what mlagd says is written by its
 * encoders.  tests/fuzz/corpora.sh runs it in a namespace with something of everything, and keeps what
 * each target finds new in them.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/lease.h"
#include "control/methods.h"
#include "engine.h"
#include "hello.h"
#include "packet.h"
#include "resume.h"

#define MESSAGE_MAX 4000

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, expression);
	abort();
}

static const char *directory;
static uint32_t seeds_count;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "fuzz_seeds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_seed(const char *target, const void *data, size_t size)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, target);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		fail(path);
	}
	(void)snprintf(path, sizeof(path), "%s/%s/seed-%03u", directory, target, seeds_count++);
	file = fopen(path, "we");
	if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
		fail(path);
	}
}

/* ---- netlink --------------------------------------------------------------------------------- */

static uint8_t together[3 * MESSAGE_MAX];
static size_t together_size;

/* As fuzz_netlink.c takes it. */
static size_t put_netlink(uint8_t *ret, const struct nlmsghdr *message)
{
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	ret[0] = (uint8_t)message->nlmsg_type;
	ret[1] = (uint8_t)(message->nlmsg_type >> 8);
	ret[2] = (uint8_t)size;
	ret[3] = (uint8_t)(size >> 8);
	memcpy(ret + 4, mnl_nlmsg_get_payload(message), size);
	return size + 4;
}

static int take_netlink(const struct nlmsghdr *message, void *user)
{
	uint8_t bytes[MESSAGE_MAX + 4];

	(void)user;
	if (message->nlmsg_len > MESSAGE_MAX) {
		return MNL_CB_OK;
	}
	write_seed("netlink", bytes, put_netlink(bytes, message));
	if (together_size < sizeof(together) - MESSAGE_MAX) {
		together_size += put_netlink(together + together_size, message);
	}
	return MNL_CB_OK;
}

/* A dump of what this namespace has; the families' headers all begin with the family. */
static void dump(uint16_t type, uint8_t family, size_t header_size, uint32_t filter)
{
	uint8_t request[256] = {0};
	static uint8_t answer[1 << 16];
	struct nlmsghdr *message = mnl_nlmsg_put_header(request);
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	int r = MNL_CB_OK;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	*(uint8_t *)mnl_nlmsg_put_extra_header(message, header_size) = family;
	if (filter != 0) {
		mnl_attr_put_u32(message, IFLA_EXT_MASK, filter);
	}
	if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		fail("netlink");
	}
	while (r == MNL_CB_OK) {
		ssize_t size = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		r = size < 0 ? -1 : mnl_cb_run(answer, (size_t)size, 0, 0, take_netlink, NULL);
	}
	(void)mnl_socket_close(socket); /* a kernel without next hops answers with an error */
}

static void write_made_links(void)
{
	struct packet packet;
	struct nlmsghdr *message;
	struct nlattr *entry;
	struct bridge_vlan_info info = {.vid = 10};

	together_size = 0;
	(void)take_netlink(packet_make_bridge(&packet, true), NULL);
	(void)take_netlink(packet_make_port(&packet, 3, "pl", 2, PACKET_UP), NULL);
	(void)take_netlink(packet_make_bond(&packet, 10, 3), NULL);
	(void)take_netlink(packet_make_slave(&packet, 11, PACKET_UP, 0x3d, 0x3d, 3), NULL);
	(void)take_netlink(packet_make_vlans(&packet), NULL);
	(void)take_netlink(packet_make_settings(&packet, 10, 1, 1, 3), NULL);
	message = mnl_nlmsg_put_header(packet.bytes);
	message->nlmsg_type = RTM_NEWVLAN;
	*(struct br_vlan_msg *)mnl_nlmsg_put_extra_header(message, sizeof(struct br_vlan_msg)) =
		(struct br_vlan_msg){.family = AF_BRIDGE, .ifindex = 10};
	entry = mnl_attr_nest_start(message, BRIDGE_VLANDB_ENTRY);
	mnl_attr_put(message, BRIDGE_VLANDB_ENTRY_INFO, sizeof(info), &info);
	mnl_attr_put_u16(message, BRIDGE_VLANDB_ENTRY_RANGE, 14);
	mnl_attr_put_u8(message, BRIDGE_VLANDB_ENTRY_STATE, BR_STATE_BLOCKING);
	mnl_attr_nest_end(message, entry);
	(void)take_netlink(message, NULL);
	write_seed("netlink", together, together_size);
}

static void write_netlink(void)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refused = {{NLMSG_LENGTH(sizeof(struct nlmsgerr)), NLMSG_ERROR, 0, 1, 0},
		     {.error = -EBUSY}};

	dump(RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), 0);
	dump(RTM_GETLINK, AF_BRIDGE, sizeof(struct ifinfomsg), RTEXT_FILTER_BRVLAN);
	write_seed("netlink", together, together_size);
	dump(RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg), 0);
	for (size_t i = 0; i < sizeof(families); i++) {
		dump(RTM_GETNEIGH, families[i], sizeof(struct ndmsg), 0);
		dump(RTM_GETADDR, families[i], sizeof(struct ifaddrmsg), 0);
		dump(RTM_GETROUTE, families[i], sizeof(struct rtmsg), 0);
		dump(RTM_GETRULE, families[i], sizeof(struct rtmsg), 0);
		dump(RTM_GETNEIGHTBL, families[i], sizeof(struct ndtmsg), 0);
	}
	dump(RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg), 0);
	write_made_links();
	(void)take_netlink(&refused.header, NULL);
}

/* ---- what an engine says --------------------------------------------------------------------- */

static struct mlag_engine *engine;
static uint64_t now_ns = 1000000000;

static void step(const struct mlag_event *event)
{
	struct mlag_effects effects;

	mlag_step(engine, event, now_ns, &effects);
}

static void make_engine(uint64_t boot_id)
{
	struct mlag_config config = {.system_mac = {{2, 0, 0, 0, 0, 1}},
				     .domain_id = 1,
				     .priority = 32768,
				     .hello_interval_ns = 100000000,
				     .dead_multiplier = 3,
				     .restart_hold_ns = 3000000000,
				     .startup_wait_ns = 3000000000,
				     .backup = true,
				     .boot_id = boot_id,
				     .hash_seed = 1,
				     .macs_max = 64,
				     .neighbors_max = 64};
	struct mlag_peer_link link = {.ifindex = 10,
				      .bridge_ifindex = 9,
				      .carrier = true,
				      .vlan_aware = true,
				      .mac = {{2, 0, 0, 0, 0, (uint8_t)(4 + boot_id)}}};
	struct mlag_leg_observation leg = {.lacp = true,
					   .ifindex = 21,
					   .carrier = true,
					   .distributing = true,
					   .partner_collecting = true,
					   .untagged_vid = 1};
	struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK, .peer_link = &link};

	mlag_vlans_add(&link.vlans, 1);
	mlag_vlans_add(&link.vlans, 10);
	leg.vlans = link.vlans;
	engine = mlag_engine_init(calloc(1, mlag_engine_size(&config)), &config, now_ns);
	step(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_LEG_CONFIGURE};
	event.leg_configure.lag_id = 1;
	step(&event);
	event = (struct mlag_event){.type = MLAG_EVENT_LEG};
	event.leg.lag_id = 1;
	event.leg.observation = &leg;
	step(&event);
	for (uint8_t i = 0; i < 3; i++) {
		event = (struct mlag_event){.type = MLAG_EVENT_FDB};
		event.fdb.key = (struct mlag_mac_key){.mac = {{2, 0, 0, 0, 1, i}}, .vlan = 10};
		event.fdb.entry.kind = MLAG_FDB_DYNAMIC;
		event.fdb.entry.ifindex = i == 0 ? 21 : 30;
		step(&event);
	}
}

/* The data plane has what the engine wants: before that it has nothing to say. */
static void apply_legs(void)
{
	struct mlag_leg_program program;

	while (mlag_next_leg(engine, &program)) {
		struct mlag_event applied = {.type = MLAG_EVENT_LEG_APPLIED};

		applied.leg_applied.lag_id = program.lag_id;
		applied.leg_applied.serial = program.serial;
		step(&applied);
	}
}

/* As fuzz_engine.c takes a message: operation 1 or 2 with the type above, the length, the payload. */
static size_t put_step(uint8_t *ret, const uint8_t *message, uint32_t size)
{
	uint32_t payload = size - MLAG_WIRE_HEADER_SIZE;

	if (payload > 255) {
		payload = 255;
	}
	ret[0] = (uint8_t)(message[5] << 4);
	while (ret[0] % 14 != 1 && ret[0] % 14 != 2) {
		ret[0]++;
	}
	ret[1] = (uint8_t)payload;
	memcpy(ret + 2, message + MLAG_WIRE_HEADER_SIZE, payload);
	return payload + 2;
}

/* Two engines that speak to each other; what one of them says is the seed. */
static void write_session(void)
{
	static uint8_t message[MLAG_WIRE_MESSAGE_MAX];
	static uint8_t bytes[1 << 16];
	struct mlag_event up = {.type = MLAG_EVENT_CHANNEL_UP};
	struct mlag_engine *engines[2];
	size_t size = 0;

	for (uint64_t i = 0; i < 2; i++) {
		make_engine(2 - i);
		engines[i] = engine;
		step(&up);
	}
	for (uint32_t round = 0; round < 40; round++) {
		struct mlag_event heard = {.type = MLAG_EVENT_MESSAGE};
		struct mlag_event tick = {.type = MLAG_EVENT_TICK};
		uint32_t from = round % 2;

		engine = engines[from];
		apply_legs();
		heard.message.size =
			mlag_next_message(engine, MLAG_URGENCY_URGENT, now_ns, message);
		if (heard.message.size == 0) {
			heard.message.size =
				mlag_next_message(engine, MLAG_URGENCY_BULK, now_ns, message);
		}
		if (heard.message.size == 0) {
			now_ns += 50000000;
			tick.tick.read_ns = now_ns;
			step(&tick);
			continue;
		}
		if (from == 0 && size < sizeof(bytes) - 512) {
			uint8_t whole[MLAG_WIRE_MESSAGE_MAX + 2] = {7, 0};

			size += put_step(bytes + size, message, heard.message.size);
			memcpy(whole + 2, message, heard.message.size);
			write_seed("wire", whole, heard.message.size + 2);
			whole[0] = 0; /* what is behind the frame, as a HELLO and as a KEEPALIVE */
			memmove(whole + 2, message + MLAG_WIRE_HEADER_SIZE,
				heard.message.size - MLAG_WIRE_HEADER_SIZE);
			write_seed("wire", whole, heard.message.size - MLAG_WIRE_HEADER_SIZE + 2);
			whole[0] = 1;
			write_seed("wire", whole, heard.message.size - MLAG_WIRE_HEADER_SIZE + 2);
		}
		heard.message.data = message;
		engine = engines[1 - from];
		step(&heard);
	}
	write_seed("engine", bytes, size);
	free(engines[0]);
	free(engines[1]);
}

/* On the peer link, and on the backup path with the headers of IPv4 and UDP. */
static void write_hellos(void)
{
	uint8_t bytes[2048] = {0}, many[4096];
	uint32_t many_size = 0;

	make_engine(2);
	apply_legs();
	for (uint32_t i = 0; i < 4; i++) {
		struct mlag_event tick = {.type = MLAG_EVENT_TICK};
		uint32_t head = (i & 1) != 0 ? 28 : 0;
		uint32_t size = mlag_next_hello(engine, now_ns, bytes + 3 + head);

		bytes[0] = (uint8_t)(0x14 | (i & 1));
		bytes[1] = (uint8_t)(size + head);
		bytes[2] = (uint8_t)((size + head) >> 8);
		if (head != 0) {
			static const uint8_t addresses[8] = {192, 0, 2, 12, 192, 0, 2, 11};

			memset(bytes + 3, 0, head);
			bytes[3] = 0x45;
			memcpy(bytes + 3 + 12, addresses, sizeof(addresses));
		}
		write_seed("hello", bytes, 3 + head + size);
		if (many_size + 3 + head + size < sizeof(many)) {
			memcpy(many + many_size, bytes, 3 + head + size);
			many_size += 3 + head + size;
		}
		now_ns += 100000000;
		tick.tick.read_ns = now_ns;
		step(&tick);
	}
	write_seed("hello", many, many_size);
	free(engine);
}

/* What an engine leaves behind, without its digest; then some rows. */
static void write_resume(void)
{
	uint8_t bytes[2 + MLAG_RESUME_SIZE_MAX + 64];
	struct mlag_resume resume;
	uint32_t size;

	for (uint64_t i = 0; i < 2; i++) {
		make_engine(2);
		apply_legs();
		mlag_get_resume(engine, &resume);
		resume.verdict = MLAG_VERDICT_PEERED;
		resume.session_up = i != 0;
		resume.written_ns = now_ns;
		size = mlag_resume_write(&resume, bytes + 2) - 8;
		bytes[0] = (uint8_t)size;
		bytes[1] = (uint8_t)(size >> 8);
		memset(bytes + 2 + size, 0x21, 64);
		write_seed("resume", bytes, 2 + size + 64);
		free(engine);
	}
}

/* ---- the control socket, files, the configuration -------------------------------------------- */

static void write_control(void)
{
	static const char *const params[] = {
		"",
		"{\"table\":\"macs\"}",
		"{\"mac\":\"02:00:00:01:00:01\",\"vlan\":1}",
		"{\"lag\":\"all\",\"force\":true}",
		"{\"role\":\"primary\"}",
		"{\"in\":\"bond1\",\"dst\":\"02:00:00:01:00:01\",\"vlan\":10,\"ttl\":1}"};
	uint8_t bytes[512];

	for (uint32_t i = 0; control_methods[i].name != NULL; i++) {
		for (uint32_t j = 0; j < sizeof(params) / sizeof(params[0]); j++) {
			size_t size = strlen(params[j]);

			/* Connect, write in small pieces, ask, read, close. */
			memcpy(bytes, "\x00\x00\x00\x7f\x00\x00", 6);
			bytes[6] = (uint8_t)(2 | i << 3);
			bytes[7] = 0;
			bytes[8] = (uint8_t)size;
			memcpy(bytes + 9, params[j], size);
			memcpy(bytes + 9 + size, "\xfc\x00\x00\xfc\x00\x00\x05\x00\x00", 9);
			write_seed("control", bytes, 9 + size + 9);
		}
	}
	write_seed("control", "\x00\x00\x00\x01\x00\x14{\"method\":\"status\"}\n\n", 27);
}

static void write_files(void)
{
	static const char *const texts[] = {
		"\1"
		"3 15 1 1 1 4 1 0 44:38:39:ff:00:01 1\n7 8 0 0 0 0 0 -1 00:00:00:00:00:00 0\n",
		"\2"
		"device 20 21\npriority 20 65535\ndevice 20 22\n",
		"\3"
		"0 1 1\n7 2 0\n7 6 1\n"};
	static struct lease_terms terms = {.hold_ns = 3000000000, .link = "pl", .legs_count = 1};
	uint8_t bytes[600] = {0};
	size_t at = offsetof(struct lease_page, terms[1]) - offsetof(struct lease_page, renewed_ns);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_seed("files", texts[i], strlen(texts[i]));
	}
	/* The serial, then the terms from their beginning. */
	bytes[1] =
		offsetof(struct lease_page, terms_serial) - offsetof(struct lease_page, renewed_ns);
	bytes[3] = 1;
	bytes[5] = 1;
	bytes[6] = (uint8_t)at;
	bytes[7] = (uint8_t)(at >> 8);
	bytes[8] = 64;
	memcpy(bytes + 10, &terms, 64);
	write_seed("files", bytes, 10 + 64);
}

static void write_config(const char *path)
{
	char text[1 << 15];
	FILE *file = fopen(path, "re");
	size_t size = file != NULL ? fread(text, 1, sizeof(text), file) : 0;

	if (size == 0) {
		fail(path);
	}
	(void)fclose(file);
	write_seed("config", text, size);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "Usage: fuzz_seeds DIRECTORY [CONFIGURATION...]\n");
		return 3;
	}
	directory = argv[1];
	if (mkdir(directory, 0755) < 0 && errno != EEXIST) {
		fail(directory);
	}
	write_netlink();
	write_session();
	write_hellos();
	write_resume();
	write_control();
	write_files();
	for (int i = 2; i < argc; i++) {
		write_config(argv[i]);
	}
	(void)printf("%u seeds\n", seeds_count);
	return 0;
}
