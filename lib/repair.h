/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two tables that are not equal are made so by exchanging only what differs.
 *
 * Who finds that it does not hold what the peer has sent says what it holds, as a sum of each bucket
 * (COMPARE).  The peer sends the buckets that differ once more, between REPAIR_BEGIN and REPAIR_END:
 * what was sent before is marked as a repetition, so what is news to the receiver all the same was
 * wrong there, and is named; and what is in those buckets and was not mentioned is wrong as well.
 */
#ifndef MLAG_REPAIR_H
#define MLAG_REPAIR_H

#include "table.h"

/** repair_put_message() - the next message about a repair; WIRE_NONE when none is due */
enum wire_type repair_put_message(struct table *table, struct buf_writer *writer);

/**
 * repair_get_compare(), repair_get_begin(), repair_get_end() - apply a message of the peer
 * @reader: behind the table number
 * @changed: called for every row whose peer claim changed
 *
 * Return: false when the message is malformed.
 */
bool repair_get_compare(struct table *table, struct buf_reader *reader);
bool repair_get_begin(struct table *table, struct buf_reader *reader);
bool repair_get_end(struct table *table, struct buf_reader *reader, table_row_fn *changed,
		    void *user);

#endif
