/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of the peer protocol, version 1 (docs/protocol.md).
 *
 * Every message is a header (payload length u32, type u16, reserved u16) and a payload.  A receiver
 * skips types it does not know and ignores bytes behind the fields it knows, so a newer peer can
 * say more.  ROWS is written and read by table.c with the cursors here.
 */
#ifndef MLAG_WIRE_H
#define MLAG_WIRE_H

#include "buf.h"
#include "types.h"

enum wire_type {
	WIRE_NONE = 0,
	WIRE_HELLO = 1,
	WIRE_REFUSE = 2,
	WIRE_KEEPALIVE = 3,
	WIRE_GOODBYE = 4,
	WIRE_SNAPSHOT_BEGIN = 5,
	WIRE_ROWS = 6,
	WIRE_SNAPSHOT_END = 7,
	WIRE_ACK = 8,
	WIRE_RESYNC = 9,
	WIRE_COMPARE = 16,
	WIRE_REPAIR_BEGIN = 17,
	WIRE_REPAIR_END = 18,
	WIRE_ASK = 19,
	WIRE_TELL = 20,
};

/* Table numbers on the wire; 0 is none. */
enum wire_table {
	WIRE_TABLE_NONE = 0,
	WIRE_TABLE_LEGS = 1,
	WIRE_TABLE_MACS = 2,
	WIRE_TABLE_ADDRESSES = 3,
	WIRE_TABLE_NEIGHBORS = 4,
	WIRE_TABLES_COUNT = 5,
};

/* Operations of a row. */
enum wire_row {
	WIRE_ROW_NONE = 0,
	WIRE_ROW_CLAIM = 1,
	WIRE_ROW_WITHDRAW = 2,
	WIRE_ROW_REPEAT =
		3, /* a claim that was sent before; only between REPAIR_BEGIN and REPAIR_END */
};

#define WIRE_HELLO_VLAN_AWARE 0x01

/* Bits of wire_hello.features. */
#define WIRE_FEATURE_LAST_RESORT UINT64_C(0x01) /* kinds 4 and 5 of the table of addresses */
#define WIRE_FEATURE_REPAIR UINT64_C(0x10)	/* COMPARE to TELL; digests are of what was sent */

/**
 * struct wire_hello - who is speaking; the first message in both directions
 * @version, @version_min: newest and oldest protocol version spoken
 * @features: WIRE_FEATURE_*, what the sender knows beyond version 1
 * @flags: WIRE_HELLO_VLAN_AWARE
 * @software: version of the daemon, for people
 */
struct wire_hello {
	uint16_t version;
	uint16_t version_min;
	uint64_t features;
	uint16_t domain_id;
	struct mlag_mac system_mac;
	struct mlag_mac member_id;
	uint64_t boot_id;
	uint32_t role_epoch;
	uint16_t priority;
	uint8_t role;
	uint8_t flags;
	char software[MLAG_TEXT_MAX];
};

/**
 * struct wire_digest - how the sender's and its picture of the receiver's table stand
 * @table: enum wire_table
 * @settled: the sender has no change of this table waiting to be sent
 * @own_count, @own_digest: rows the sender publishes; with WIRE_FEATURE_REPAIR as it has sent them
 * @heard_count, @heard_digest: rows of the receiver's that the sender holds
 * @batch_known, @heard_batch: up to which ROWS message of this session; older peers do not say
 */
struct wire_digest {
	uint8_t table;
	uint8_t settled;
	uint32_t own_count;
	uint64_t own_digest;
	uint32_t heard_count;
	uint64_t heard_digest;
	bool batch_known;
	uint32_t heard_batch;
};

/**
 * struct wire_keepalive - a sign of life, with the digests when they changed or a second passed
 */
struct wire_keepalive {
	uint32_t role_epoch;
	uint8_t role;
	uint8_t verdict;
	uint8_t digests_count;
	struct wire_digest digests[WIRE_TABLES_COUNT];
};

/** wire_begin() - reserve the header of a message in @writer */
void wire_begin(struct buf_writer *writer);

/**
 * wire_end() - fill the header in
 *
 * Return: the message's size, header included; 0 if it did not fit.
 */
uint32_t wire_end(struct buf_writer *writer, enum wire_type type);

/**
 * wire_peek_size() - the whole size of the message that starts with these bytes
 * @data: MLAG_WIRE_HEADER_SIZE bytes
 *
 * Return: MLAG_WIRE_HEADER_SIZE..MLAG_WIRE_MESSAGE_MAX, or 0 when no message may be so long.
 */
uint32_t wire_peek_size(const uint8_t *data);

/**
 * wire_open() - read a header and set a reader on the payload
 * @data: one whole message of @size bytes
 *
 * Return: true if the sizes agree.
 */
bool wire_open(const uint8_t *data, uint32_t size, uint16_t *ret_type,
	       struct buf_reader *ret_payload);

void wire_put_hello(struct buf_writer *writer, const struct wire_hello *hello);
bool wire_get_hello(struct buf_reader *reader, struct wire_hello *ret_hello);
void wire_put_keepalive(struct buf_writer *writer, const struct wire_keepalive *keepalive);
bool wire_get_keepalive(struct buf_reader *reader, struct wire_keepalive *ret_keepalive);

/** wire_put_vlans() - write a VLAN set as ranges: count u16, then first u16 and last u16 of each */
void wire_put_vlans(struct buf_writer *writer, const struct mlag_vlans *vlans);

/**
 * wire_get_vlans() - read a VLAN set
 *
 * Return: false when a range is empty, out of order or beyond 4095; ranges ascend.
 */
bool wire_get_vlans(struct buf_reader *reader, struct mlag_vlans *ret_vlans);

#endif
