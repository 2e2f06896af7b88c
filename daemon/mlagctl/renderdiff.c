// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rows of `diff` as text: what this member and the peer claim, and what each has heard of the
 * other.
 */
#include <inttypes.h>

#include "render.h"

static void print_value(FILE *out, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value)) {
		if (json_is_true(value)) {
			fprintf(out, " %s", key);
		}
	} else if (json_is_integer(value)) {
		fprintf(out, " %s %" JSON_INTEGER_FORMAT, key, json_integer_value(value));
	} else if (text != NULL) {
		fprintf(out, " %s %s", key, text);
	}
}

static void print_side(FILE *out, const char *who, const json_t *side)
{
	const char *key;
	json_t *value;

	fprintf(out, "    %-20s", who);
	if (!json_is_object(side)) {
		fprintf(out, " nothing\n");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)side, key, value) {
		print_value(out, key, value);
	}
	fputc('\n', out);
}

void render_difference(FILE *out, const json_t *row)
{
	const char *table, *key;
	const json_t *here, *peer, *equal;

	if (row == NULL) {
		return;
	}
	table = json_string_value(json_object_get(row, "table"));
	key = json_string_value(json_object_get(row, "key"));
	here = json_object_get(row, "here");
	peer = json_object_get(row, "peer");
	equal = json_object_get(row, "equal");
	fprintf(out, "%s%s%s: %s\n", table != NULL ? table : "?", key != NULL ? " " : "",
		key != NULL ? key : "",
		json_is_true(equal)    ? "equal"
		: json_is_false(equal) ? "DIFFERENT"
				       : "the peer cannot be asked");
	print_side(out, "here, our claim", json_object_get(here, "own"));
	if (json_is_object(peer)) {
		print_side(out, "peer, heard of it", json_object_get(peer, "heard"));
		print_side(out, "peer, its claim", json_object_get(peer, "own"));
	}
	print_side(out, "here, heard of it", json_object_get(here, "heard"));
}
