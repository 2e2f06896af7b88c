/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fuzz targets have in common: an input that is taken apart piece by piece, and the demand that
 * something holds.  A target is one file and one binary; each includes this once.
 */
#ifndef MLAG_TESTS_FUZZ_H
#define MLAG_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/* Says where, for the stack may not: what fails is often inlined. */
#define fuzz_require(truth) fuzz_check(truth, #truth, __LINE__)

static inline void fuzz_check(bool truth, const char *text, int line)
{
	if (!truth) {
		(void)fprintf(stderr, "line %d: not so: %s\n", line, text);
		abort();
	}
}

/* The next octet, 0 behind the end. */
static inline uint8_t fuzz_take_u8(struct fuzz_input *input)
{
	if (input->size == 0) {
		return 0;
	}
	input->size--;
	return *input->data++;
}

/* Sixteen bits, the lower octet first. */
static inline uint16_t fuzz_take_u16(struct fuzz_input *input)
{
	uint16_t low = fuzz_take_u8(input);

	return (uint16_t)(low | fuzz_take_u8(input) << 8);
}

/* At most @size_max octets, in place. */
static inline struct fuzz_input fuzz_take(struct fuzz_input *input, size_t size_max)
{
	struct fuzz_input part = {input->data, size_max < input->size ? size_max : input->size};

	input->data += part.size;
	input->size -= part.size;
	return part;
}

/* A copy of its very size, so that reading behind it is seen; to be freed. */
static inline uint8_t *fuzz_copy(const void *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	fuzz_require(copy != NULL);
	memcpy(copy, data, size);
	return copy;
}

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: %s\n", file, line, expression);
	abort();
}

#endif
