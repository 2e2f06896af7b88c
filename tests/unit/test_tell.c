/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a peer tells when it is asked how it sees a table: anything, against one engine.  What is
 * malformed ends the session (SAFE-9), what nobody asked for is nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diff.h"
#include "rig.h"

#define ID 4
#define HAS_OWN 0x01
#define HAS_HEARD 0x02

static struct rig rig;
static const struct leg_value up = {.up = 1, .generation = 3};

static int start(void **state)
{
	(void)state;
	rig_init(&rig, 0);
	rig.hello.features |= WIRE_FEATURE_REPAIR;
	rig_static_leg(&rig);
	rig_connect(&rig);
	rig_hear_leg(&rig, 1, &up);
	(void)rig_drain(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_fini(&rig);
	return 0;
}

/* Ask about legs; the question is on its way. */
static void ask(bool has_key)
{
	struct mlag_question question = {.id = ID, .has_key = has_key};
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = &question};
	struct buf_reader payload;

	question.key.table = MLAG_TABLE_LEGS;
	question.key.lag_id = 1;
	rig_step(&rig, &event);
	assert_int_equal(rig_next(&rig, &payload), WIRE_ASK);
}

static void begin_tell(enum wire_table table, uint32_t id, uint32_t next, uint16_t count)
{
	static const struct digest_set all;

	buf_put_u8(rig_begin(&rig), (uint8_t)table);
	buf_put_u32(&rig.writer, id);
	buf_put_u32(&rig.writer, next);
	buf_put_u32(&rig.writer, 1);
	buf_put_u64(&rig.writer, 2);
	buf_put_u32(&rig.writer, 3);
	buf_put_u64(&rig.writer, 4);
	digest_put_set(&rig.writer, &all);
	buf_put_u16(&rig.writer, count);
}

/* A leg as the peer sees it: its own claim and ours, each where there is a sequence. */
static void put_row(uint16_t lag_id, uint32_t own_seq, const struct leg_value *own,
		    uint32_t heard_seq, const struct leg_value *heard)
{
	struct leg_key key = {.lag_id = lag_id};

	leg_table_class.put_key(&rig.writer, &key);
	buf_put_u8(&rig.writer, (own_seq != 0 ? HAS_OWN : 0) | (heard_seq != 0 ? HAS_HEARD : 0));
	if (own_seq != 0) {
		buf_put_u32(&rig.writer, own_seq);
		leg_table_class.put_value(&rig.writer, own);
	}
	if (heard_seq != 0) {
		buf_put_u32(&rig.writer, heard_seq);
		leg_table_class.put_value(&rig.writer, heard);
	}
}

static enum mlag_answer take(struct mlag_row_view *ret_row)
{
	return mlag_next_answer(rig.engine, ID, ret_row);
}

static uint32_t own_seq(void)
{
	struct leg_key key = {.lag_id = 1};

	return table_find(&rig.engine->legs, &key)->own_seq;
}

static uint32_t heard_seq(void)
{
	struct leg_key key = {.lag_id = 1};

	return table_find(&rig.engine->legs, &key)->peer_seq;
}

static void test_what_both_see_alike_is_equal_and_what_is_not_is_shown(void **state)
{
	struct leg_value own = *rig_own_leg(&rig, 1);
	struct leg_value other = own;
	struct leg_value down = {.generation = 3};
	const struct {
		uint32_t peer_seq;
		const struct leg_value *peer;
		uint32_t our_seq;
		const struct leg_value *ours;
		bool equal;
	} cases[] = {
		{heard_seq(), &up, own_seq(), &own, true},
		{heard_seq() + 1, &up, own_seq(), &own, false},
		{heard_seq(), &down, own_seq(), &own, false},
		{0, NULL, own_seq(), &own, false},
		{heard_seq(), &up, own_seq() + 1, &own, false},
		{heard_seq(), &up, own_seq(), &other, false},
		{heard_seq(), &up, 0, NULL, false},
	};

	(void)state;
	other.generation++;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mlag_row_view row;

		ask(true);
		begin_tell(WIRE_TABLE_LEGS, ID, 0, 1);
		put_row(1, cases[i].peer_seq, cases[i].peer, cases[i].our_seq, cases[i].ours);
		rig_hear(&rig, WIRE_TELL);
		assert_int_equal(rig.closes, 0);
		assert_int_equal(take(&row), MLAG_ANSWER_ROW);
		assert_true(row.peer_told);
		assert_int_equal(row.equal, cases[i].equal);
		assert_int_equal(row.peer_own.present, cases[i].peer_seq != 0);
		assert_int_equal(row.peer_heard.present, cases[i].our_seq != 0);
		assert_int_equal(take(&row), MLAG_ANSWER_END);
	}
}

/* Of all rows those that are alike are not told; one that is here alone is, or there alone. */
static void test_rows_that_only_one_has(void **state)
{
	struct leg_value own = *rig_own_leg(&rig, 1);
	struct mlag_row_view row;

	(void)state;
	ask(false);
	begin_tell(WIRE_TABLE_LEGS, ID, 0, 2);
	put_row(1, heard_seq(), &up, own_seq(), &own);
	put_row(2, 5, &up, 0, NULL);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_ROW);
	assert_int_equal(row.key.lag_id, 2);
	assert_false(row.equal);
	assert_false(row.heard.present);
	assert_int_equal(take(&row), MLAG_ANSWER_END);
}

static void test_more_is_asked_for_from_where_the_answer_ended(void **state)
{
	struct buf_reader payload;
	struct mlag_row_view row;

	(void)state;
	ask(false);
	begin_tell(WIRE_TABLE_LEGS, ID, 7, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_NONE);
	assert_int_equal(rig_next(&rig, &payload), WIRE_ASK);
	/* Whoever goes back has come to the end. */
	begin_tell(WIRE_TABLE_LEGS, ID, 7, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_END);
	assert_int_equal(rig.closes, 0);
}

static void test_what_nobody_asked_for_is_nothing(void **state)
{
	struct mlag_row_view row;

	(void)state;
	begin_tell(WIRE_TABLE_LEGS, ID, 0, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_ANOTHER);
	ask(true);
	begin_tell(WIRE_TABLE_LEGS, ID + 1, 0, 0);
	rig_hear(&rig, WIRE_TELL);
	begin_tell(WIRE_TABLE_MACS, ID, 0, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_NONE);
	assert_int_equal(mlag_next_answer(rig.engine, ID + 1, &row), MLAG_ANSWER_ANOTHER);
	begin_tell(WIRE_TABLE_LEGS, ID, 0, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_ROW);
	assert_false(row.equal);
	assert_int_equal(rig.closes, 0);
}

static void test_safe9_every_prefix_of_an_answer_ends_the_session(void **state)
{
	static uint8_t bytes[1024];
	uint32_t whole;

	(void)state;
	begin_tell(WIRE_TABLE_LEGS, ID, 0, 1);
	put_row(1, 1, &up, 1, &up);
	whole = rig.writer.offset - MLAG_WIRE_HEADER_SIZE;
	assert_true(whole <= sizeof(bytes));
	memcpy(bytes, rig.bytes + MLAG_WIRE_HEADER_SIZE, whole);
	for (uint32_t size = 0; size < whole; size++) {
		struct mlag_row_view row;

		(void)end(NULL);
		(void)start(NULL);
		ask(true);
		rig_begin(&rig);
		for (uint32_t i = 0; i < size; i++) {
			buf_put_u8(&rig.writer, bytes[i]);
		}
		rig_hear(&rig, WIRE_TELL);
		assert_int_equal(rig.closes, 1);
		assert_int_equal(rig.close_reason, MLAG_CLOSE_MALFORMED);
		assert_int_equal(take(&row), MLAG_ANSWER_FAILED);
	}
}

static void test_answers_that_make_no_sense_end_the_session(void **state)
{
	(void)state;
	for (uint32_t what = 0; what < 3; what++) {
		struct leg_value open = {.open = 1}; /* and not up */

		(void)end(NULL);
		(void)start(NULL);
		ask(true);
		begin_tell(WIRE_TABLE_LEGS, ID, 0, what == 0 ? DIFF_ROWS_MAX + 1 : 1);
		if (what == 1) {
			put_row(0, 1, &up, 0, NULL);
		} else if (what == 2) {
			put_row(1, 1, &open, 0, NULL);
		}
		rig_hear(&rig, WIRE_TELL);
		assert_int_equal(rig.closes, 1);
		assert_int_equal(rig.close_reason, MLAG_CLOSE_MALFORMED);
	}
}

static void test_questions_that_there_are_not_are_ignored(void **state)
{
	struct mlag_question question = {.id = ID};
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = &question};
	struct buf_reader payload;

	(void)state;
	question.key.table = MLAG_TABLES_COUNT;
	rig_step(&rig, &event);
	question.key.table = MLAG_TABLE_LEGS;
	question.id = 0;
	rig_step(&rig, &event);
	assert_int_equal(rig.engine->ignored_count, 2);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
}

static void ask_of(enum mlag_table table, bool has_key, uint16_t lag_id)
{
	struct mlag_question question = {.id = ID, .has_key = has_key};
	struct mlag_event event = {.type = MLAG_EVENT_ASK, .ask = &question};

	question.key.table = table;
	question.key.lag_id = lag_id;
	rig_step(&rig, &event);
}

static void test_without_a_session_there_is_what_is_here_and_no_answer(void **state)
{
	struct mlag_row_view row;

	(void)state;
	rig_step_type(&rig, MLAG_EVENT_CHANNEL_DOWN);
	ask_of(MLAG_TABLE_LEGS, true, 1);
	assert_int_equal(take(&row), MLAG_ANSWER_FAILED);
	assert_false(row.peer_told);
	assert_false(row.equal);
	assert_true(row.own.present);
	assert_true(row.heard.present);
	memset(&row, 0, sizeof(row));
	ask_of(MLAG_TABLE_LEGS, false, 1);
	assert_int_equal(take(&row), MLAG_ANSWER_FAILED);
	assert_false(row.own.present);
}

static void test_a_peer_without_the_feature_is_not_asked(void **state)
{
	struct buf_reader payload;
	struct mlag_row_view row;

	(void)state;
	(void)end(NULL);
	rig_init(&rig, 0);
	rig_static_leg(&rig);
	rig_connect(&rig);
	(void)rig_drain(&rig);
	ask_of(MLAG_TABLE_LEGS, true, 1);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
	assert_int_equal(take(&row), MLAG_ANSWER_FAILED);
}

static void test_an_answer_is_asked_for_by_its_number(void **state)
{
	struct mlag_row_view row;

	(void)state;
	assert_int_equal(mlag_next_answer(rig.engine, 0, &row), MLAG_ANSWER_ANOTHER);
	ask(true);
	begin_tell(WIRE_TABLE_LEGS, ID, 0, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_ROW);
	/* At its end it stays there. */
	assert_int_equal(take(&row), MLAG_ANSWER_END);
	assert_int_equal(take(&row), MLAG_ANSWER_END);
}

static void test_a_key_that_the_peer_does_not_have_is_equal_only_if_nobody_has_it(void **state)
{
	struct mlag_row_view row;

	(void)state;
	rig_hear_leg(&rig, 2, &up); /* it says so, and denies it */
	for (uint16_t lag_id = 1; lag_id <= 3; lag_id++) {
		struct buf_reader payload;

		ask_of(MLAG_TABLE_LEGS, true, lag_id);
		while (rig_next(&rig, &payload) != WIRE_ASK) {
		}
		begin_tell(WIRE_TABLE_LEGS, ID, 0, 0);
		rig_hear(&rig, WIRE_TELL);
		assert_int_equal(take(&row), MLAG_ANSWER_ROW);
		assert_int_equal(row.own.present, lag_id == 1);
		assert_int_equal(row.heard.present, lag_id <= 2);
		assert_int_equal(row.equal, lag_id == 3);
		assert_int_equal(take(&row), MLAG_ANSWER_END);
	}
}

static void test_a_question_of_a_kind_that_nobody_knows_is_not_answered(void **state)
{
	struct buf_reader payload;

	(void)state;
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_LEGS);
	buf_put_u32(&rig.writer, 77);
	buf_put_u8(&rig.writer, 9);
	buf_put_u32(&rig.writer, 0);
	rig_hear(&rig, WIRE_ASK);
	assert_int_equal(rig.closes, 0);
	assert_int_equal(rig_next(&rig, &payload), WIRE_NONE);
}

/* A MAC that the kernel alone holds is nobody's claim, and no difference. */
static void test_rows_that_nobody_claims_are_not_told(void **state)
{
	struct buf_reader payload;
	struct mlag_row_view row;
	struct digest_set all;

	(void)state;
	rig_fdb(&rig, 1, RIG_LEG, MLAG_FDB_INACTIVE);
	rig_fdb(&rig, 2, RIG_LEG, MLAG_FDB_DYNAMIC);
	ask_of(MLAG_TABLE_MACS, false, 0);
	while (rig_next(&rig, &payload) != WIRE_ASK) {
	}
	memset(&all, 0xff, sizeof(all));
	buf_put_u8(rig_begin(&rig), WIRE_TABLE_MACS);
	buf_put_u32(&rig.writer, ID);
	buf_put_u32(&rig.writer, 0);
	buf_put_u32(&rig.writer, 0);
	buf_put_u64(&rig.writer, 0);
	buf_put_u32(&rig.writer, 0);
	buf_put_u64(&rig.writer, 0);
	digest_put_set(&rig.writer, &all);
	buf_put_u16(&rig.writer, 0);
	rig_hear(&rig, WIRE_TELL);
	assert_int_equal(take(&row), MLAG_ANSWER_ROW);
	assert_int_equal(row.key.mac.octets[5], 2);
	assert_true(row.own.present);
	assert_int_equal(take(&row), MLAG_ANSWER_END);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_what_both_see_alike_is_equal_and_what_is_not_is_shown),
		RIG_TEST(test_rows_that_only_one_has),
		RIG_TEST(test_more_is_asked_for_from_where_the_answer_ended),
		RIG_TEST(test_what_nobody_asked_for_is_nothing),
		RIG_TEST(test_safe9_every_prefix_of_an_answer_ends_the_session),
		RIG_TEST(test_answers_that_make_no_sense_end_the_session),
		RIG_TEST(test_questions_that_there_are_not_are_ignored),
		RIG_TEST(test_without_a_session_there_is_what_is_here_and_no_answer),
		RIG_TEST(test_a_peer_without_the_feature_is_not_asked),
		RIG_TEST(test_an_answer_is_asked_for_by_its_number),
		RIG_TEST(test_a_key_that_the_peer_does_not_have_is_equal_only_if_nobody_has_it),
		RIG_TEST(test_a_question_of_a_kind_that_nobody_knows_is_not_answered),
		RIG_TEST(test_rows_that_nobody_claims_are_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
