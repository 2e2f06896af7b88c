// SPDX-License-Identifier: BSD-2-Clause
/*
 * Neighbour messages, built here as the kernel builds them, whole and cut short at every byte; and,
 * as root, the adapter on a kernel of its own: a bridge in a network namespace, somebody else who
 * writes there, and what the adapter makes of it.
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
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/neighbormsg.h"
#include "kernel/neighbors.h"

static const uint8_t MAC[6] = {0x02, 0, 0, 0, 0, 0x07};
static const uint8_t V4[4] = {10, 0, 0, 7};

struct packet {
	uint8_t bytes[512] __attribute__((aligned(4)));
};

/* ---- messages ------------------------------------------------------------------------------- */

static struct nlmsghdr *make(struct packet *packet, uint16_t type, uint8_t family, uint16_t state,
			     uint8_t flags, uint8_t protocol)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet->bytes);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	uint8_t v6[16] = {0x20, 0x01, [15] = 7};

	message->nlmsg_type = type;
	header->ndm_family = family;
	header->ndm_ifindex = 5;
	header->ndm_state = state;
	header->ndm_flags = flags;
	header->ndm_type = RTN_UNICAST;
	mnl_attr_put(message, NDA_DST, family == AF_INET ? 4 : 16, family == AF_INET ? V4 : v6);
	if ((state & (NUD_FAILED | NUD_INCOMPLETE)) == 0) {
		mnl_attr_put(message, NDA_LLADDR, sizeof(MAC), MAC);
	}
	mnl_attr_put_u8(message, NDA_PROTOCOL, protocol);
	return message;
}

static void states_say_who_knows(void **state)
{
	static const struct {
		uint16_t nud;
		enum mlag_neighbor_state state;
	} cases[] = {
		{NUD_REACHABLE, MLAG_NEIGHBOR_CONFIRMED}, {NUD_STALE, MLAG_NEIGHBOR_KNOWN},
		{NUD_DELAY, MLAG_NEIGHBOR_KNOWN},	  {NUD_PROBE, MLAG_NEIGHBOR_KNOWN},
		{NUD_PERMANENT, MLAG_NEIGHBOR_STATIC},	  {NUD_NOARP, MLAG_NEIGHBOR_STATIC},
		{NUD_FAILED, MLAG_NEIGHBOR_FAILED},	  {NUD_NONE, MLAG_NEIGHBOR_NONE},
	};
	struct neighbormsg neighbor;
	struct packet packet;

	(void)state;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t family = i % 2 == 0 ? AF_INET : AF_INET6;

		assert_int_equal(
			neighbormsg_parse(make(&packet, RTM_NEWNEIGH, family, cases[i].nud, 0, 0),
					  &neighbor),
			0);
		assert_int_equal(neighbor.entry.state, cases[i].state);
		assert_int_equal(neighbor.family, family == AF_INET ? 4 : 6);
		assert_int_equal(neighbor.ifindex, 5);
		assert_false(neighbor.entry.marked);
		if (neighbor.entry.state >= MLAG_NEIGHBOR_KNOWN) {
			assert_memory_equal(&neighbor.entry.mac, MAC, sizeof(MAC));
		}
	}
	assert_int_equal(
		neighbormsg_parse(make(&packet, RTM_DELNEIGH, AF_INET, NUD_REACHABLE, 0, 0),
				  &neighbor),
		0);
	assert_int_equal(neighbor.entry.state, MLAG_NEIGHBOR_NONE);
}

static void the_mark_is_protocol_and_flag(void **state)
{
	struct neighbormsg neighbor;
	struct packet packet;

	(void)state;
	(void)neighbormsg_parse(make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, NTF_EXT_LEARNED,
				     NEIGHBORMSG_PROTOCOL),
				&neighbor);
	assert_true(neighbor.entry.marked);
	/* Somebody wrote it anew: the kernel keeps the number, but it is his now. */
	(void)neighbormsg_parse(make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, 0,
				     NEIGHBORMSG_PROTOCOL),
				&neighbor);
	assert_false(neighbor.entry.marked);
	/* Another control plane's (EVPN). */
	(void)neighbormsg_parse(make(&packet, RTM_NEWNEIGH, AF_INET, NUD_NOARP, NTF_EXT_LEARNED,
				     RTPROT_ZEBRA),
				&neighbor);
	assert_false(neighbor.entry.marked);
}

static void what_is_no_neighbour_is_not_wanted(void **state)
{
	struct neighbormsg neighbor;
	struct packet packet;
	struct nlmsghdr *message;

	(void)state;
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_INCOMPLETE, 0, 0);
	assert_int_equal(neighbormsg_parse(message, &neighbor), -ENOMSG);
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, NTF_PROXY, 0);
	assert_int_equal(neighbormsg_parse(message, &neighbor), -ENOMSG);
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_NOARP, 0, 0);
	((struct ndmsg *)mnl_nlmsg_get_payload(message))->ndm_type = RTN_MULTICAST;
	assert_int_equal(neighbormsg_parse(message, &neighbor), -ENOMSG);
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, 0, 0);
	((struct ndmsg *)mnl_nlmsg_get_payload(message))->ndm_family = AF_BRIDGE;
	assert_int_equal(neighbormsg_parse(message, &neighbor), -ENOMSG);
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, 0, 0);
	((struct ndmsg *)mnl_nlmsg_get_payload(message))->ndm_family = AF_INET6;
	assert_int_equal(neighbormsg_parse(message, &neighbor), -EBADMSG);
	message = make(&packet, RTM_NEWNEIGH, AF_INET, NUD_STALE, 0, 0);
	((struct ndmsg *)mnl_nlmsg_get_payload(message))->ndm_ifindex = 0;
	assert_int_equal(neighbormsg_parse(message, &neighbor), -EBADMSG);
}

static void cut_messages_are_bad_or_without_what_was_cut(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = make(&packet, RTM_NEWNEIGH, AF_INET6, NUD_STALE, NTF_EXT_LEARNED,
					NEIGHBORMSG_PROTOCOL);
	uint32_t size = message->nlmsg_len;

	(void)state;
	for (uint32_t length = sizeof(*message); length < size; length++) {
		struct neighbormsg neighbor;
		uint8_t *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, packet.bytes, length);
		((struct nlmsghdr *)copy)->nlmsg_len = length;
		if (neighbormsg_parse((struct nlmsghdr *)copy, &neighbor) == 0) {
			assert_true(length >= size - 8 - 2); /* protocol and padding are missing */
			assert_true(!neighbor.entry.marked || length >= size - 3);
		}
		free(copy);
	}
}

static void a_table_is_told_with_its_overflows(void **state)
{
	struct packet packet;
	struct nlmsghdr *message = mnl_nlmsg_put_header(packet.bytes);
	struct ndtmsg *header;
	struct ndt_config config = {.ndtc_entries = 900};
	struct ndt_stats statistics = {.ndts_table_fulls = 7};
	struct neighbormsg_table table;

	(void)state;
	message->nlmsg_type = RTM_NEWNEIGHTBL;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ndtm_family = AF_INET6;
	mnl_attr_put(message, NDTA_CONFIG, sizeof(config), &config);
	/* The parameters of a device have no statistics. */
	assert_int_equal(neighbormsg_parse_table(message, &table), -ENOMSG);
	mnl_attr_put_u32(message, NDTA_THRESH3, 1024);
	mnl_attr_put(message, NDTA_STATS, sizeof(statistics), &statistics);
	assert_int_equal(neighbormsg_parse_table(message, &table), 0);
	assert_int_equal(table.family, 6);
	assert_int_equal(table.entries, 900);
	assert_int_equal(table.threshold, 1024);
	assert_int_equal(table.fulls, 7);
}

/* ---- the adapter on a kernel ---------------------------------------------------------------- */

#define ENTRIES_MAX 64

static struct {
	sd_event *event;
	struct neighbors *neighbors;
	uint32_t ifindex;
	uint32_t entries_count;
	struct mlag_neighbor_key keys[ENTRIES_MAX];
	struct mlag_neighbor_entry entries[ENTRIES_MAX];
	uint32_t dumps;
	uint32_t failures;
	int error;
} live;

static void on_entry(void *user, const struct mlag_neighbor_key *key,
		     const struct mlag_neighbor_entry *entry)
{
	(void)user;
	if (key->family == 4 && live.entries_count < ENTRIES_MAX) {
		live.keys[live.entries_count] = *key;
		live.entries[live.entries_count++] = *entry;
	}
}

static void on_dump_begin(void *user)
{
	(void)user;
}

static void on_dump_end(void *user)
{
	(void)user;
	live.dumps++;
}

static void on_failed(void *user, const struct mlag_neighbor_key *key, int error)
{
	(void)user;
	(void)key;
	live.failures++;
	live.error = error;
}

static void shell(const char *command)
{
	if (system(command) != 0) {
		fail_msg("%s", command);
	}
}

/* The first word that the kernel's list has for an address, or "" when it is not there. */
static const char *kernel_says(const char *word)
{
	static char line[256];
	char command[256];
	FILE *pipe;

	(void)snprintf(command, sizeof(command),
		       "ip neigh show 10.0.0.7 dev br0 | grep -o '%s' | head -n 1", word);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	line[0] = '\0';
	if (fgets(line, sizeof(line), pipe) != NULL) {
		line[strcspn(line, "\n")] = '\0';
	}
	(void)pclose(pipe);
	return line;
}

static void run_loop(void)
{
	while (sd_event_run(live.event, 50000) > 0) {
	}
}

static int open_live(void **state)
{
	static const struct neighbors_handler handler = {on_entry, on_dump_begin, on_dump_end,
							 on_failed};

	(void)state;
	memset(&live, 0, sizeof(live));
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		return 0;
	}
	shell("ip link add br0 type bridge && ip link set br0 up && "
	      "ip address add 10.0.0.1/24 dev br0");
	live.ifindex = if_nametoindex("br0");
	assert_true(sd_event_new(&live.event) >= 0);
	assert_int_equal(neighbors_open(&live.neighbors, live.event, &handler, NULL), 0);
	return 0;
}

static int close_live(void **state)
{
	(void)state;
	neighbors_close(live.neighbors);
	sd_event_unref(live.event);
	return 0;
}

static struct mlag_neighbor_operation operation(enum mlag_neighbor_verb verb)
{
	struct mlag_neighbor_operation result;

	memset(&result, 0, sizeof(result));
	result.verb = verb;
	result.ifindex = live.ifindex;
	result.key.family = 4;
	result.key.device = MLAG_NEIGHBOR_ON_SVI;
	memcpy(result.key.octets, V4, sizeof(V4));
	memcpy(&result.mac, MAC, sizeof(MAC));
	return result;
}

static void apply(enum mlag_neighbor_verb verb)
{
	struct mlag_neighbor_operation one = operation(verb);

	live.entries_count = 0;
	live.failures = 0;
	assert_int_equal(neighbors_apply(live.neighbors, &one, 1), 0);
}

/* The only entry that was reported since the last call. */
static const struct mlag_neighbor_entry *reported(void)
{
	struct mlag_neighbor_operation one = operation(MLAG_NEIGHBOR_VERB_NONE);

	run_loop();
	assert_int_equal(live.entries_count, 1);
	assert_memory_equal(&live.keys[0], &one.key, sizeof(one.key));
	live.entries_count = 0;
	return &live.entries[0];
}

static bool begin_live(void)
{
	if (live.neighbors == NULL) {
		skip();
	}
	neighbors_set_device(live.neighbors, 0, MLAG_NEIGHBOR_ON_SVI, live.ifindex);
	run_loop();
	assert_true(live.dumps >= 1);
	live.entries_count = 0;
	return true;
}

static void what_others_write_is_told_and_own_writes_are_not(void **state)
{
	(void)state;
	(void)begin_live();
	shell("ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:08 nud reachable dev br0");
	assert_int_equal(reported()->state, MLAG_NEIGHBOR_CONFIRMED);
	apply(MLAG_NEIGHBOR_VERB_SET);
	run_loop();
	assert_int_equal(live.entries_count, 0);
	assert_string_equal(kernel_says("02:00:00:00:00:07"), "02:00:00:00:00:07");
	assert_string_equal(kernel_says("extern_learn"), "extern_learn");
	assert_string_equal(kernel_says("STALE"), "STALE");
	apply(MLAG_NEIGHBOR_VERB_VERIFY);
	assert_true(reported()->marked);
	apply(MLAG_NEIGHBOR_VERB_KEEP);
	run_loop();
	assert_int_equal(live.entries_count, 0);
	assert_string_equal(kernel_says("extern_learn"), "");
	assert_string_equal(kernel_says("02:00:00:00:00:07"), "02:00:00:00:00:07");
	assert_string_equal(kernel_says("REACHABLE"), "REACHABLE");
	/* The end of an entry is told without a name: so it is asked for. */
	apply(MLAG_NEIGHBOR_VERB_DELETE);
	assert_int_equal(reported()->state, MLAG_NEIGHBOR_NONE);
	apply(MLAG_NEIGHBOR_VERB_DELETE);
	assert_int_equal(live.failures, 0);
	apply(MLAG_NEIGHBOR_VERB_VERIFY);
	assert_int_equal(reported()->state, MLAG_NEIGHBOR_NONE);
	apply(MLAG_NEIGHBOR_VERB_KEEP);
	assert_int_equal(live.failures, 1);
	assert_int_equal(live.error, ENOENT);
}

static void an_older_word_is_not_told_after_a_write(void **state)
{
	(void)state;
	(void)begin_live();
	/* The event waits in the socket while the entry is written. */
	shell("ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:08 nud reachable dev br0");
	apply(MLAG_NEIGHBOR_VERB_SET);
	assert_int_equal(live.entries_count, 1);
	assert_memory_equal(&live.entries[0].mac, MAC, sizeof(MAC));
	assert_true(live.entries[0].marked);
	live.entries_count = 0;
	run_loop();
	assert_int_equal(live.entries_count, 0);
}

static void a_person_who_flushes_is_no_host_that_fails(void **state)
{
	(void)state;
	(void)begin_live();
	apply(MLAG_NEIGHBOR_VERB_SET);
	shell("ip neigh del 10.0.0.7 dev br0");
	run_loop();
	assert_true(live.entries_count >= 1);
	for (uint32_t i = 0; i < live.entries_count; i++) {
		assert_int_equal(live.entries[i].state, MLAG_NEIGHBOR_NONE);
	}
}

static void what_was_there_comes_with_the_device(void **state)
{
	(void)state;
	if (live.neighbors == NULL) {
		skip();
	}
	shell("ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 nud stale dev br0");
	run_loop();
	assert_int_equal(live.entries_count, 0);
	neighbors_set_device(live.neighbors, 0, MLAG_NEIGHBOR_ON_SVI, live.ifindex);
	assert_int_equal(reported()->state, MLAG_NEIGHBOR_KNOWN);
}

#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, open_live, close_live)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_say_who_knows),
		cmocka_unit_test(the_mark_is_protocol_and_flag),
		cmocka_unit_test(what_is_no_neighbour_is_not_wanted),
		cmocka_unit_test(cut_messages_are_bad_or_without_what_was_cut),
		cmocka_unit_test(a_table_is_told_with_its_overflows),
		LIVE_TEST(what_others_write_is_told_and_own_writes_are_not),
		LIVE_TEST(an_older_word_is_not_told_after_a_write),
		LIVE_TEST(a_person_who_flushes_is_no_host_that_fails),
		LIVE_TEST(what_was_there_comes_with_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
