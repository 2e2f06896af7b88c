/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds-checked cursors: the only way bytes of the wire are read or written.
 *
 * A cursor that ran out of room fails for good: reads give zero, writes do nothing, and the caller
 * asks once, at the end.  All integers are big-endian on the wire.
 */
#ifndef MLAG_BUF_H
#define MLAG_BUF_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

struct buf_reader {
	const uint8_t *data;
	uint32_t size;
	uint32_t offset;
	bool failed;
};

struct buf_writer {
	uint8_t *data;
	uint32_t size;
	uint32_t offset;
	bool failed;
};

void buf_reader_init(struct buf_reader *reader, const uint8_t *data, uint32_t size);
void buf_writer_init(struct buf_writer *writer, uint8_t *data, uint32_t size);

/** buf_left() - bytes not yet read; 0 after a failure */
uint32_t buf_left(const struct buf_reader *reader);

uint8_t buf_get_u8(struct buf_reader *reader);
uint16_t buf_get_u16(struct buf_reader *reader);
uint32_t buf_get_u32(struct buf_reader *reader);
uint64_t buf_get_u64(struct buf_reader *reader);
struct mlag_mac buf_get_mac(struct buf_reader *reader);

/**
 * buf_get_text() - read a text: one length byte, then that many bytes
 * @ret_text: room for @size bytes; always ends with NUL; bytes that are not printable ASCII become
 *	'?', because the text of another machine ends up on a terminal
 * @size: 1 or more; a longer text is cut
 */
void buf_get_text(struct buf_reader *reader, char *ret_text, uint32_t size);

void buf_put_u8(struct buf_writer *writer, uint8_t value);
void buf_put_u16(struct buf_writer *writer, uint16_t value);
void buf_put_u32(struct buf_writer *writer, uint32_t value);
void buf_put_u64(struct buf_writer *writer, uint64_t value);
void buf_put_mac(struct buf_writer *writer, const struct mlag_mac *mac);

/** buf_put_text() - write a text of at most 255 bytes as buf_get_text() reads it */
void buf_put_text(struct buf_writer *writer, const char *text);

/**
 * buf_patch_u16() - overwrite a value written before
 * @offset: where buf_put_u16() had written it
 */
void buf_patch_u16(struct buf_writer *writer, uint32_t offset, uint16_t value);

#endif
