/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How both members see a table, for people (`mlagctl diff`).
 *
 * Who is asked by a person sends the peer what it has sent and what it has heard, as sums of
 * buckets (ASK); the peer answers with its rows of the buckets that differ, or with the one row that
 * was asked for (TELL).  Nothing of this changes a table: what is found is repaired by repair.c.
 */
#ifndef MLAG_DIFF_H
#define MLAG_DIFF_H

#include "mlag_diff.h"
#include "table.h"

#define DIFF_ROWS_MAX 64 /* of one answer; more are asked for */

enum diff_state {
	DIFF_IDLE,
	DIFF_DUE,     /* the question is to be sent */
	DIFF_WAITING, /* for the answer */
	DIFF_ROWS,    /* of the answer are being taken */
	DIFF_REST,    /* rows here that the answer did not mention */
	DIFF_FAILED,
};

/* What is asked of a table, by either member. */
struct diff_question {
	uint32_t id;
	uint32_t table; /* enum wire_table */
	bool has_key;
	_Alignas(8) uint8_t key[TABLE_KEY_SIZE_MAX];
	struct digest_set differ; /* buckets; of no use with a key */
	uint32_t cursor;	  /* of the one who answers */
};

/**
 * struct diff - the question under way here, and the one of the peer's
 * @rest_cursor: of our own rows
 * @tell_due: @peer is to be answered
 */
struct diff {
	enum diff_state state;
	struct diff_question own;
	struct mlag_answer_view view;
	uint32_t rows_count;
	uint32_t rows_next;
	uint32_t rest_cursor;
	struct mlag_row_view rows[DIFF_ROWS_MAX];

	bool tell_due;
	struct diff_question peer;
};

/** diff_ask() - MLAG_EVENT_ASK */
void diff_ask(struct mlag_engine *engine, const struct mlag_question *question);

/** diff_session_start(), diff_session_end() - who was asked is not there any more */
void diff_session_start(struct mlag_engine *engine);
void diff_session_end(struct mlag_engine *engine);

/** diff_put_message() - the question or the answer that is due */
enum wire_type diff_put_message(struct mlag_engine *engine, struct buf_writer *writer);

/** diff_get_ask(), diff_get_tell() - apply one; false when it is malformed */
bool diff_get_ask(struct mlag_engine *engine, struct table *table, struct buf_reader *reader);
bool diff_get_tell(struct mlag_engine *engine, struct table *table, struct buf_reader *reader);

/** diff_describe() - a row that was not what it should be, in words that leave the engine */
void diff_describe(const struct table *table, const struct table_difference *difference,
		   struct mlag_difference *ret_difference);

#endif
