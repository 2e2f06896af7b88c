/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two members come to the same end about a MAC, whatever the order in which they see and hear
 * things (R9).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"

/*
 * Two engines, one MAC.  Each kernel holds one entry and tells its engine of every change, at once
 * or late; every engine's messages are delivered only when the schedule says so.
 */
#define INBOX_MAX 64

struct pair_member {
	struct rig rig;
	struct mlag_fdb_entry entry;
	struct mlag_fdb_entry late[64]; /* events not yet delivered */
	uint32_t late_count;
	struct {
		uint16_t type;
		uint32_t size;
		uint8_t bytes[512];
	} inbox[INBOX_MAX];
	uint32_t inbox_count;
};

static struct pair_member pair[2];

static void tell_kernel(struct pair_member *m, uint32_t ifindex, enum mlag_fdb_kind kind)
{
	m->entry.ifindex = ifindex;
	m->entry.kind = kind;
	assert_true(m->late_count < 64);
	m->late[m->late_count++] = m->entry;
}

static void pull(uint32_t who)
{
	struct pair_member *m = &pair[who];
	struct pair_member *other = &pair[1 - who];
	struct mlag_fdb_operation operation;
	struct buf_reader payload;
	enum wire_type type;

	(void)rig_apply(&m->rig);
	while (mlag_next_fdb(m->rig.engine, &operation, 1) != 0) {
		if (operation.verb == MLAG_FDB_VERB_SET || operation.verb == MLAG_FDB_VERB_RENEW) {
			tell_kernel(m, operation.entry.ifindex, operation.entry.kind);
		} else if (operation.verb == MLAG_FDB_VERB_DELETE &&
			   m->entry.ifindex == operation.entry.ifindex) {
			tell_kernel(m, 0, MLAG_FDB_NONE);
		}
	}
	while ((type = rig_next(&m->rig, &payload)) != WIRE_NONE) {
		if (type == WIRE_KEEPALIVE) {
			continue;
		}
		assert_true(other->inbox_count < INBOX_MAX);
		other->inbox[other->inbox_count].type = (uint16_t)type;
		other->inbox[other->inbox_count].size = payload.size;
		assert_true(payload.size <= 512);
		memcpy(other->inbox[other->inbox_count].bytes, m->rig.bytes, payload.size);
		other->inbox_count++;
	}
}

static bool deliver_events(uint32_t who)
{
	struct pair_member *m = &pair[who];
	uint32_t count = 0;

	while (m->late_count > 0) {
		struct mlag_fdb_entry entry = m->late[0];

		m->late_count--;
		memmove(&m->late[0], &m->late[1], m->late_count * sizeof(m->late[0]));
		rig_fdb(&m->rig, 1, entry.ifindex, entry.kind);
		pull(who);
		assert_true(++count < 100); /* it settles */
	}
	return count > 0;
}

static bool deliver_one(uint32_t who)
{
	struct pair_member *m = &pair[who];

	if (m->inbox_count == 0) {
		return false;
	}
	rig_hear_bytes(&m->rig, m->inbox[0].bytes, m->inbox[0].size);
	m->inbox_count--;
	memmove(&m->inbox[0], &m->inbox[1], m->inbox_count * sizeof(m->inbox[0]));
	pull(who);
	return true;
}

static void settle_pair(void)
{
	uint32_t rounds = 0;
	bool moved;

	do {
		moved = false;
		for (uint32_t who = 0; who < 2; who++) {
			moved |= deliver_events(who);
			moved |= deliver_one(who);
		}
		assert_true(++rounds < 1000);
	} while (moved);
}

static void start_pair(void)
{
	memset(pair, 0, sizeof(pair));
	for (uint32_t who = 0; who < 2; who++) {
		rig_init(&pair[who].rig, 16);
		if (who == 1) {
			struct mlag_event event = {.type = MLAG_EVENT_PEER_LINK,
						   .peer_link = &pair[1].rig.peer_link};

			pair[1].rig.peer_link.mac.octets[5] = 2;
			rig_step(&pair[1].rig, &event);
		}
		rig_static_leg(&pair[who].rig);
		rig_step_type(&pair[who].rig, MLAG_EVENT_CHANNEL_UP);
		pull(who);
	}
	settle_pair();
	assert_int_equal(pair[0].rig.engine->session, MLAG_SESSION_UP);
	assert_int_equal(pair[1].rig.engine->session, MLAG_SESSION_UP);
}

static void end_of_pair(void)
{
	rig_fini(&pair[0].rig);
	rig_fini(&pair[1].rig);
}

/* The kernel of a member sees a frame of the MAC by a port. */
static void sight(uint32_t who, uint32_t port)
{
	struct pair_member *m = &pair[who];

	if (m->entry.ifindex == port &&
	    (m->entry.kind == MLAG_FDB_DYNAMIC || m->entry.kind == MLAG_FDB_ACTIVE)) {
		return;
	}
	tell_kernel(m, port,
		    m->entry.kind == MLAG_FDB_INACTIVE || m->entry.kind == MLAG_FDB_ACTIVE
			    ? MLAG_FDB_ACTIVE
			    : MLAG_FDB_DYNAMIC);
}

static void age(uint32_t who)
{
	struct pair_member *m = &pair[who];

	if (m->entry.kind == MLAG_FDB_DYNAMIC) {
		tell_kernel(m, 0, MLAG_FDB_NONE);
	} else if (m->entry.kind == MLAG_FDB_ACTIVE) {
		tell_kernel(m, m->entry.ifindex, MLAG_FDB_INACTIVE);
	}
}

/* Both members agree on one place, and their kernels follow. */
static void expect_agreement(void)
{
	struct mlag_mac_view views[2];
	bool known[2];

	for (uint32_t who = 0; who < 2; who++) {
		known[who] = rig_mac(&pair[who].rig, 1, &views[who]);
	}
	assert_int_equal(known[0], known[1]);
	if (!known[0]) {
		assert_int_equal(pair[0].entry.kind, MLAG_FDB_NONE);
		assert_int_equal(pair[1].entry.kind, MLAG_FDB_NONE);
		return;
	}
	assert_int_equal(views[0].own, views[1].peer);
	assert_int_equal(views[1].own, views[0].peer);
	assert_int_equal(views[0].lag_id, views[1].lag_id);
	assert_true(views[0].own || views[1].own);
	assert_false(views[0].own && views[1].own && views[0].lag_id == 0);
	for (uint32_t who = 0; who < 2; who++) {
		uint32_t port = views[who].lag_id == 1 ? RIG_LEG
				: views[who].own       ? RIG_ORPHAN
						       : RIG_PEER_LINK;

		assert_int_equal(pair[who].entry.ifindex, port);
	}
}

/* What can happen between two deliveries, by number. */
static void happen(uint32_t what)
{
	switch (what) {
	case 0:
		sight(0, RIG_ORPHAN);
		break;
	case 1:
		sight(1, RIG_ORPHAN);
		break;
	case 2:
		sight(0, RIG_LEG);
		break;
	case 3:
		sight(1, RIG_LEG);
		break;
	case 4:
		age(0);
		break;
	default:
		age(1);
		break;
	}
}

#define HAPPENINGS 6

/* So that it is no flapping what happens. */
static void pass_time(void)
{
	pair[0].rig.now_ns += 2 * RIG_SECOND;
	pair[1].rig.now_ns += 2 * RIG_SECOND;
}

static void test_r9_moves_in_every_order_come_to_one_end(void **state)
{
	(void)state;
	start_pair();
	/* Three happenings, and after each one of the eight ways in which news may spread. */
	for (uint32_t story = 0; story < HAPPENINGS * HAPPENINGS * HAPPENINGS; story++) {
		for (uint32_t schedule = 0; schedule < 512; schedule++) {
			uint32_t rest = story;

			pass_time();
			for (uint32_t i = 0; i < 3; i++) {
				uint32_t spread = (schedule >> (3 * i)) & 7;

				happen(rest % HAPPENINGS);
				rest /= HAPPENINGS;
				if ((spread & 1) != 0) {
					(void)deliver_events(0);
					(void)deliver_events(1);
				}
				if ((spread & 2) != 0) {
					(void)deliver_one(0);
				}
				if ((spread & 4) != 0) {
					(void)deliver_one(1);
				}
			}
			settle_pair();
			expect_agreement();
		}
	}
	end_of_pair();
}

static void test_r9_a_later_sighting_wins_once_it_was_heard(void **state)
{
	struct mlag_mac_view views[2];

	(void)state;
	start_pair();
	for (uint32_t i = 0; i < 100; i++) {
		pass_time();
		sight(i % 2, RIG_ORPHAN);
		settle_pair();
		assert_true(rig_mac(&pair[i % 2].rig, 1, &views[0]));
		assert_true(views[0].own && !views[0].peer);
		assert_int_equal(views[0].own_seq, i + 1);
		expect_agreement();
	}
	end_of_pair();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_r9_moves_in_every_order_come_to_one_end),
		cmocka_unit_test(test_r9_a_later_sighting_wins_once_it_was_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
