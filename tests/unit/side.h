/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One side of a replicated table that is wired to another directly, with nothing around it.  The
 * class has a number for a key and a number for a value, and its owner may need a row longer.
 */
#ifndef MLAG_TESTS_SIDE_H
#define MLAG_TESTS_SIDE_H

#include "mlag.h"
#include "table.h"

#define SIDE_PAYLOAD_MAX (MLAG_WIRE_PAYLOAD_MAX)

struct side {
	struct table table;
	void *memory;
	uint32_t changes; /* of the peer's claims */
	uint32_t acks;
	bool slow; /* programs nothing until told */
};

void side_init(struct side *side, uint32_t rows_max);
void side_fini(struct side *side);
void side_claim(struct side *side, uint32_t key, uint32_t value);
void side_withdraw(struct side *side, uint32_t key);
struct table_row *side_row_of(const struct side *side, uint32_t key);
void side_program_all(struct side *side);

/* What the table of a side calls; the user is the side. */
void side_on_changed(void *user, struct table *table, struct table_row *row);
void side_on_acked(void *user, struct table *table, struct table_row *row);

/** side_next() - the next message of @side, as the engine would choose it */
enum wire_type side_next(struct side *side, uint8_t *payload, uint32_t *ret_size);

/** side_apply() - apply one message, read from memory of its very size */
bool side_apply(struct side *side, enum wire_type type, const uint8_t *payload, uint32_t size);

/** side_pass_one() - one message from @from to @to; false when @from has nothing to say */
bool side_pass_one(struct side *from, struct side *to);
void side_lose_one(struct side *from);
uint32_t side_pass_all(struct side *a, struct side *b);
void side_start_session(struct side *a, struct side *b);
void side_end_session(struct side *a, struct side *b);
bool side_compare(struct side *to, const struct side *from);
void side_expect_heard(const struct side *to, const struct side *from);

/** side_expect_equal() - each holds what the other claims, and both can prove it */
void side_expect_equal(struct side *a, struct side *b);

#endif
