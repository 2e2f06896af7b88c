/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A strict INI reader: bytes in, one callback a section, a value or an error.  It knows nothing of
 * what sections and keys mean.
 *
 *	; or # begin a comment, at the start of a line or after a space or tab
 *	[word] or [word argument]
 *	key = value
 *
 * Keys are lower-case letters, digits and '-'.  There is no quoting and no continuation line.
 */
#ifndef MLAGD_INI_H
#define MLAGD_INI_H

#include <stddef.h>
#include <stdint.h>

#define INI_LINE_SIZE_MAX 1024 /* bytes of a line without its newline */

enum ini_item_type {
	INI_NONE,
	INI_SECTION,
	INI_VALUE,
	INI_ERROR,
};

/**
 * struct ini_item - one line that says something
 * @type: section, value or error
 * @line: counted from 1
 * @name: of a section its first word, of a value the key; of an error "" when the line was meant to
 *	be a section, otherwise NULL
 * @value: of a section what follows the first word (or ""), of a value what follows '=' (or ""), of
 *	an error what is wrong and what is allowed
 *
 * The strings end with a NUL, hold none, and are valid during the call.
 */
struct ini_item {
	enum ini_item_type type;
	uint32_t line;
	const char *name;
	const char *value;
};

typedef void ini_fn(void *user, const struct ini_item *item);

/**
 * ini_read() - read a text
 * @text: need not end with a NUL or a newline
 * @size: bytes of @text
 * @item: called for each line that is not empty or a comment, in order
 * @user: for @item
 *
 * Reading goes on after an error.  A section that cannot be read is reported as an error and then
 * as a section with the name "", so that its keys are not taken for those of the one before.
 *
 * Return: the number of the last line, at least 1.
 */
uint32_t ini_read(const char *text, size_t size, ini_fn *item, void *user);

#endif
