/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `record` (see record.h).  The file is copied when the call begins, so all of it is of one moment;
 * what is zero is not sent: a row says where its octets belong.
 */
#include "control/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/methods.h"

#define PIECE_SIZE 4096 /* octets of one row */

/**
 * struct copy - one call
 * @size: of @data, which is behind it
 */
struct copy {
	uint32_t size;
	uint8_t data[];
};

int control_record_begin(struct control_call *call, json_t **ret_result)
{
	const struct control_context *context = call->context;
	struct copy *copy;
	uint8_t *data;
	uint32_t size;
	int r = -ENOENT;

	(void)ret_result;
	if (context->copy_record != NULL) {
		r = context->copy_record(context->user, &data, &size);
	}
	if (r < 0) {
		return control_call_fail(call, -r, "unavailable",
					 "nothing is recorded by this daemon (see its log)");
	}
	copy = malloc(sizeof(*copy) + size);
	if (copy == NULL) {
		free(data);
		return -ENOMEM;
	}
	copy->size = size;
	memcpy(copy->data, data, size);
	free(data);
	call->state = copy;
	return 0;
}

static bool is_empty(const uint8_t *data, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		if (data[i] != 0) {
			return false;
		}
	}
	return true;
}

int control_record_row(struct control_call *call, json_t **ret_row)
{
	static const char digits[] = "0123456789abcdef";
	const struct copy *copy = call->state;
	char text[2 * PIECE_SIZE + 1];
	uint32_t offset, size;

	do {
		offset = call->cursor * PIECE_SIZE;
		if (offset >= copy->size) {
			return 0;
		}
		size = copy->size - offset < PIECE_SIZE ? copy->size - offset : PIECE_SIZE;
		call->cursor++;
		/* The last piece says how long the file is. */
	} while (is_empty(copy->data + offset, size) && offset + size < copy->size);
	for (uint32_t i = 0; i < size; i++) {
		text[2 * i] = digits[copy->data[offset + i] >> 4];
		text[2 * i + 1] = digits[copy->data[offset + i] & 15];
	}
	text[2 * size] = '\0';
	*ret_row = json_pack("{s:I,s:s}", "offset", (json_int_t)offset, "octets", text);
	return *ret_row != NULL ? 1 : -ENOMEM;
}
