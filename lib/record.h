/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of what an engine was told and asked, so that the same can be told to another one.
 *
 * An engine is a function of its configuration and of the calls that were made, so a list of these
 * is its whole life: events with their times, and what was pulled, with a digest of what came, by
 * which a replay sees that it is the same life.  Written by the daemon's recorder, read by the simulator
 * (make sim REPLAY=file) and by the fuzzer.
 *
 * A file is a header and segments of records; all numbers are big-endian.  The first segment keeps the
 * beginning, the others are used in turn, so that there is always a last part; between the first and
 * the oldest of the others something may be missing.
 *
 * There is no secret in it: keys never reach the engine, and the seed of the hash tables is left
 * out, for nothing that is decided depends on it.
 */
#ifndef MLAG_RECORD_H
#define MLAG_RECORD_H

#include "buf.h"
#include "mlag.h"
#include "resume.h"

#define RECORD_MAGIC UINT64_C(0x6d6c616772656331) /* mlagrec1 */
#define RECORD_VERSION 2
#define RECORD_FILE_HEADER_SIZE 4096
#define RECORD_SEGMENTS 3
#define RECORD_FILE_SIZE_MAX (64 * 1024 * 1024)
#define RECORD_HEADER_SIZE 13 /* of a record: kind, size of what follows, time */
#define RECORD_PAYLOAD_MAX (MLAG_WIRE_MESSAGE_MAX + 256)
#define RECORD_SIZE_MAX (RECORD_HEADER_SIZE + RECORD_PAYLOAD_MAX)

/* Where the numbers of a file header are. */
#define RECORD_AT_VERSION 8
#define RECORD_AT_SOFTWARE 12 /* MLAG_TEXT_MAX octets */
#define RECORD_AT_ENDED 76    /* 4: 1 when whoever wrote it came to an end */
#define RECORD_AT_SEGMENTS 80 /* of each: order 8, offset 4, size 4, used 4, unused 4 */
#define RECORD_SEGMENT_SIZE 24

enum record_kind {
	RECORD_NONE,
	RECORD_CONFIG, /* an engine is made */
	RECORD_STEP,   /* an event, and a digest of its effects */
	RECORD_MESSAGE,
	RECORD_HELLO,
	RECORD_LEG,
	RECORD_FDB,
	RECORD_ADDRESSES,
	RECORD_NEIGHBORS,
	RECORD_ANSWER,
	RECORD_KINDS_COUNT,
};
const char *record_kind_text(enum record_kind kind);

/**
 * struct record_pull - something was taken from the engine
 * @argument: urgency of a message, most of a slice, id of a question
 * @count: what came: octets or operations; of an answer which
 * @digest: of what came
 */
struct record_pull {
	uint32_t argument;
	uint32_t count;
	uint32_t digest;
};

/**
 * struct record - one of them; what @event borrows is in here, or in the file
 * @kind: says what counts
 * @now_ns: the time that the engine was told
 */
struct record {
	enum record_kind kind;
	uint64_t now_ns;
	struct mlag_config config;
	struct mlag_event event;
	uint32_t effects_digest;
	struct record_pull pull;
	struct mlag_peer_link peer_link;
	struct mlag_leg_observation leg;
	struct mlag_default_route route;
	struct mlag_question question;
	struct mlag_resume resume;
	struct mlag_leg_program leg_program;
	struct mlag_address_program address_program;
};

/**
 * record_put() - write one
 * @ret_bytes: room for RECORD_SIZE_MAX
 *
 * Return: its size; 0 when the event is of no known type.
 */
uint32_t record_put(const struct record *record, uint8_t *ret_bytes);

/**
 * record_get() - read the one that starts at @bytes
 * @size: how much there is
 *
 * Return: its size, or 0 when it is cut short or makes no sense.
 */
uint32_t record_get(const uint8_t *bytes, uint32_t size, struct record *ret_record);

/* What came of a pull, or of a step, as a number. */
uint32_t record_digest_bytes(const uint8_t *data, uint32_t size);
uint32_t record_digest_effects(const struct mlag_effects *effects);
uint32_t record_digest_leg(const struct mlag_leg_program *program);
uint32_t record_digest_fdb(const struct mlag_fdb_operation *operations, uint32_t count);
uint32_t record_digest_addresses(const struct mlag_address_program *programs, uint32_t count);
uint32_t record_digest_neighbors(const struct mlag_neighbor_operation *operations, uint32_t count);

/**
 * struct record_reader - a whole file, in the order of time
 * @missing: between the record before and the next something is missing
 * @software: version of who wrote it
 * @ended: it came to an end; otherwise it crashed, was killed or still runs
 */
struct record_reader {
	const uint8_t *data;
	uint32_t size;
	uint32_t segment; /* position in @order */
	uint32_t offset;  /* in that segment */
	uint32_t order[RECORD_SEGMENTS];
	uint32_t segments_count;
	uint32_t starts[RECORD_SEGMENTS];
	uint32_t used[RECORD_SEGMENTS];
	uint64_t numbers[RECORD_SEGMENTS];
	bool missing;
	bool ended;
	char software[MLAG_TEXT_MAX];
};

/**
 * record_open() - look at a file's header
 *
 * Return: false when this is no such file, or of another version.
 */
bool record_open(struct record_reader *reader, const uint8_t *data, size_t size);

/**
 * record_next() - read the next one
 *
 * Return: 1, 0 at the end, -1 when there is a record that makes no sense.
 */
int record_next(struct record_reader *reader, struct record *ret_record);

#endif
