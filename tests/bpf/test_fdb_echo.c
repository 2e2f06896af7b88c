// SPDX-License-Identifier: BSD-2-Clause
/*
 * Own writes to a real FDB: which of them come back as events, and what an event is worth that a
 * write has crossed.  A second adapter is everybody else.
 */
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ip.h"
#include "kernel/fdb.h"
#include "wire.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MANY 100
#define MORE_THAN_ONE_READ 1100
#define TURNS_MAX 1000 /* most of them at once, for what the other adapter hears */
#define TURN_US 10000

static struct {
	sd_event *event;
	struct fdb *fdb;
	struct fdb *others;
	uint32_t bridge, port, other, peer_link;
	uint32_t told_count;
	struct mlag_mac_key key; /* of the last that was told */
	struct mlag_fdb_entry entry;
	struct mlag_mac_key silent; /* set @is_silent when it is said to be so */
	bool is_silent;
} lab;

static void on_entry(void *user, const struct mlag_mac_key *key, const struct mlag_fdb_entry *entry)
{
	if (user == NULL) {
		lab.told_count++;
		lab.key = *key;
		lab.entry = *entry;
		lab.is_silent = lab.is_silent || (entry->kind == MLAG_FDB_INACTIVE &&
						  memcmp(key, &lab.silent, sizeof(*key)) == 0);
	}
}

static void on_failed(void *user, const struct mlag_mac_key *key, int error)
{
	(void)user;
	fail_msg("%02x: %s", key->mac.octets[5], strerror(error));
}

static void on_dump(void *user)
{
	(void)user;
}

static const struct fdb_handler handler = {
	.entry = on_entry,
	.listed = on_entry,
	.dump_begin = on_dump,
	.dump_end = on_dump,
	.failed = on_failed,
};

static struct mlag_mac_key key_of(uint8_t kind, uint32_t number)
{
	struct mlag_mac_key key = {.vlan = 0};

	key.mac.octets[0] = 2;
	key.mac.octets[1] = kind;
	key.mac.octets[4] = (uint8_t)(number >> 8);
	key.mac.octets[5] = (uint8_t)number;
	return key;
}

static void write_entry(struct fdb *fdb, struct mlag_mac_key key, uint32_t ifindex,
			enum mlag_fdb_kind kind)
{
	struct mlag_fdb_operation operation = {.verb = MLAG_FDB_VERB_SET, .key = key};

	operation.entry.ifindex = ifindex;
	operation.entry.kind = kind;
	assert_int_equal(fdb_apply(fdb, &operation, 1), 0);
}

/* How many were read, when all that wait have been: it takes more than one read. */
static uint64_t events_count(void)
{
	struct fdb_statistics statistics = {0};
	uint64_t before;

	do {
		before = statistics.events;
		assert_int_equal(fdb_drain(lab.fdb), 0);
		fdb_get_statistics(lab.fdb, &statistics);
	} while (statistics.events != before);
	return statistics.events;
}

static void assert_told(struct mlag_mac_key key, uint32_t ifindex, enum mlag_fdb_kind kind)
{
	assert_memory_equal(&lab.key, &key, sizeof(key));
	assert_int_equal(lab.entry.ifindex, ifindex);
	assert_int_equal(lab.entry.kind, kind);
}

/* What the kernel holds, asked for by name. */
static void assert_held(struct mlag_mac_key key, uint32_t ifindex, enum mlag_fdb_kind kind)
{
	struct mlag_fdb_operation operation = {.verb = MLAG_FDB_VERB_VERIFY, .key = key};

	assert_int_equal(fdb_apply(lab.fdb, &operation, 1), 0);
	assert_told(key, ifindex, kind);
}

static void test_what_was_written_is_told_without_an_event_of_it(void **state)
{
	uint64_t before = events_count();

	(void)state;
	lab.told_count = 0;
	for (uint32_t i = 0; i < MANY; i++) {
		write_entry(lab.fdb, key_of(1, i), lab.port, MLAG_FDB_INACTIVE);
		assert_told(key_of(1, i), lab.port, MLAG_FDB_INACTIVE);
		write_entry(lab.fdb, key_of(2, i), lab.peer_link, MLAG_FDB_EXTERNAL);
		assert_told(key_of(2, i), lab.peer_link, MLAG_FDB_EXTERNAL);
	}
	/* A write that is interrupted for long is heard as well. */
	assert_in_range(events_count() - before, 0, MANY / 5);
	assert_in_range(lab.told_count, 2 * MANY, 2 * MANY + MANY / 5);
}

static void test_what_others_learn_and_write_is_heard(void **state)
{
	uint64_t before = events_count();

	(void)state;
	write_entry(lab.others, key_of(3, 0), lab.port, MLAG_FDB_EXTERNAL);
	assert_int_equal(events_count(), before + 1);
	assert_told(key_of(3, 0), lab.port, MLAG_FDB_EXTERNAL);
	write_entry(lab.others, key_of(3, 1), lab.port, MLAG_FDB_DYNAMIC);
	assert_int_equal(events_count(), before + 2);
	assert_told(key_of(3, 1), lab.port, MLAG_FDB_DYNAMIC);
	write_entry(lab.others, key_of(3, 2), lab.peer_link, MLAG_FDB_OPERATOR);
	assert_int_equal(events_count(), before + 3);
	assert_told(key_of(3, 2), lab.peer_link, MLAG_FDB_OPERATOR);
	/* Static counts, whatever else it is. */
	write_entry(lab.others, key_of(3, 2), lab.peer_link, MLAG_FDB_EXTERNAL);
	assert_int_equal(events_count(), before + 4);
	assert_told(key_of(3, 2), lab.peer_link, MLAG_FDB_OPERATOR);
}

static void test_a_mac_that_moves_after_the_write_is_heard(void **state)
{
	static const enum mlag_fdb_kind kinds[] = {MLAG_FDB_INACTIVE, MLAG_FDB_EXTERNAL};
	static const uint8_t nobody[6] = {2, 0xff};
	int near = wire_open("port-far"), far = wire_open("other-far");
	struct wire_frame frame;

	(void)state;
	wire_wait_forwarding(near, far);
	(void)close(near);
	for (uint32_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct mlag_mac_key key = key_of(4, i);
		uint32_t from = kinds[i] == MLAG_FDB_EXTERNAL ? lab.peer_link : lab.port;

		write_entry(lab.fdb, key_of(4, i), from, kinds[i]);
		wire_frame_make(&frame, nobody, key.mac.octets, NULL, 0, 46);
		/* In the tick of the write itself the kernel does not say that it was seen. */
		for (uint32_t turn = 0; turn < TURNS_MAX && lab.entry.ifindex != lab.other;
		     turn++) {
			wire_send(far, &frame);
			(void)sd_event_run(lab.event, TURN_US);
		}
		assert_memory_equal(&lab.key, &key, sizeof(key));
		assert_int_equal(lab.entry.ifindex, lab.other);
	}
	(void)close(far);
}

static void test_what_is_not_where_it_is_to_be_deleted_is_looked_for(void **state)
{
	struct mlag_fdb_operation operation = {.verb = MLAG_FDB_VERB_DELETE, .key = key_of(8, 0)};

	(void)state;
	write_entry(lab.fdb, key_of(8, 0), lab.port, MLAG_FDB_INACTIVE);
	write_entry(lab.others, key_of(8, 0), lab.other, MLAG_FDB_INACTIVE);
	assert_told(key_of(8, 0), lab.port, MLAG_FDB_INACTIVE);
	operation.entry.ifindex = lab.port;
	assert_int_equal(fdb_apply(lab.fdb, &operation, 1), 0);
	assert_told(key_of(8, 0), lab.other, MLAG_FDB_INACTIVE);
	operation.entry.ifindex = lab.other;
	assert_int_equal(fdb_apply(lab.fdb, &operation, 1), 0);
	assert_held(key_of(8, 0), 0, MLAG_FDB_NONE);
}

/* More events wait than one read takes, the last of them about what is written meanwhile. */
static void test_an_event_from_before_the_write_does_not_undo_it(void **state)
{
	static const enum mlag_fdb_kind kinds[] = {MLAG_FDB_INACTIVE, MLAG_FDB_EXTERNAL};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t to = kinds[i] == MLAG_FDB_EXTERNAL ? lab.peer_link : lab.other;

		for (uint32_t number = 0; number < MORE_THAN_ONE_READ; number++) {
			write_entry(lab.others, key_of((uint8_t)(5 + i), number), lab.port,
				    MLAG_FDB_DYNAMIC);
		}
		write_entry(lab.fdb, key_of((uint8_t)(5 + i), MORE_THAN_ONE_READ - 1), to,
			    kinds[i]);
		(void)events_count();
		assert_told(key_of((uint8_t)(5 + i), MORE_THAN_ONE_READ - 1), to, kinds[i]);
		assert_held(key_of((uint8_t)(5 + i), MORE_THAN_ONE_READ - 1), to, kinds[i]);
	}
}

static void set_ageing(uint32_t hundredths)
{
	uint8_t buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct mnl_socket *route = mnl_socket_open(NETLINK_ROUTE);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	struct nlattr *info, *data;

	assert_non_null(route);
	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	link->ifi_index = (int)lab.bridge;
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u32(message, IFLA_BR_AGEING_TIME, hundredths);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	assert_true(mnl_socket_sendto(route, message, message->nlmsg_len) > 0);
	assert_true(mnl_socket_recvfrom(route, buffer, sizeof(buffer)) > 0);
	assert_int_equal(((const struct nlmsgerr *)mnl_nlmsg_get_payload((void *)buffer))->error,
			 0);
	(void)mnl_socket_close(route);
}

static void test_what_falls_silent_is_heard(void **state)
{
	(void)state;
	lab.silent = key_of(7, 0);
	set_ageing(100);
	write_entry(lab.fdb, key_of(7, 0), lab.port, MLAG_FDB_ACTIVE);
	(void)events_count();
	assert_told(key_of(7, 0), lab.port, MLAG_FDB_ACTIVE);
	for (uint32_t turn = 0; turn < TURNS_MAX && !lab.is_silent; turn++) {
		(void)sd_event_run(lab.event, TURN_US);
	}
	assert_true(lab.is_silent);
}

static int set_up(void **state)
{
	static const char *const devices[] = {"br0", "port", "other", "pl"};

	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.port = wire_make_port("port", "port-far", lab.bridge);
	lab.other = wire_make_port("other", "other-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	ip_enable(devices, ARRAY_SIZE(devices));
	set_ageing(100 * 3600); /* nothing of it ages but what the last test wants to */
	assert_int_equal(sd_event_new(&lab.event), 0);
	assert_int_equal(fdb_open(&lab.fdb, lab.event, &handler, NULL), 0);
	assert_int_equal(fdb_open(&lab.others, lab.event, &handler, &lab), 0);
	fdb_set_peer_link(lab.fdb, lab.peer_link);
	assert_int_equal(fdb_set_bridge(lab.fdb, lab.bridge, false), 0);
	assert_int_equal(fdb_set_bridge(lab.others, lab.bridge, false), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fdb_close(lab.others);
	fdb_close(lab.fdb);
	sd_event_unref(lab.event);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_told_without_an_event_of_it),
		cmocka_unit_test(test_what_others_learn_and_write_is_heard),
		cmocka_unit_test(test_a_mac_that_moves_after_the_write_is_heard),
		cmocka_unit_test(test_what_is_not_where_it_is_to_be_deleted_is_looked_for),
		cmocka_unit_test(test_an_event_from_before_the_write_does_not_undo_it),
		cmocka_unit_test(test_what_falls_silent_is_heard),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
