// SPDX-License-Identifier: BSD-2-Clause
/*
 * The INI reader: each text and what it is read as, line by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ini.h"

struct record {
	char text[4096];
	size_t used;
};

static void record_item(void *user, const struct ini_item *item)
{
	static const char *const words[] = {
		[INI_NONE] = "?", [INI_SECTION] = "S", [INI_VALUE] = "V", [INI_ERROR] = "E"};
	struct record *record = user;
	int added = snprintf(record->text + record->used, sizeof(record->text) - record->used,
			     "%s%u(%s|%s)", words[item->type], item->line,
			     item->name != NULL ? item->name : "",
			     item->type == INI_ERROR ? "" : item->value);

	assert_in_range(added, 0, sizeof(record->text) - record->used - 1);
	record->used += (size_t)added;
}

static uint32_t read_bytes(const char *text, size_t size, struct record *ret)
{
	memset(ret, 0, sizeof(*ret));
	return ini_read(text, size, record_item, ret);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		const char *items;
		uint32_t lines;
	} cases[] = {
		{"", "", 1},
		{"\n\n", "", 2},
		{"[peer]", "S1(peer|)", 1},
		{"[lag bond1]\nid=1", "S1(lag|bond1)V2(id|1)", 2},
		{"[ lag \t bond1 ]", "S1(lag|bond1)", 1},
		{"\t[a]\r\n key = a b \r\n", "S1(a|)V2(key|a b)", 2},
		{"[a] ; x\nk = 1 ; y\nk = 1;y\nk = 1 # y\n", "S1(a|)V2(k|1)V3(k|1;y)V4(k|1)", 4},
		{"; only\n# comments\n  ; here\n", "", 3},
		{"k =\nk = ; nothing\n", "V1(k|)V2(k|)", 2},
		{"k = a = b\n", "V1(k|a = b)", 1},
		{"word\n", "E1(|)", 1},
		{"= 1\nKey = 1\nk y = 1\n", "E1(|)E2(|)E3(|)", 3},
		{"[]\n[a\n[a b c]\n[A]\n[a]b\n[a]]\n",
		 "E1(|)S1(|)E2(|)S2(|)E3(|)S3(|)E4(|)S4(|)"
		 "E5(|)S5(|)E6(|)S6(|)",
		 6},
		{"[\n", "E1(|)S1(|)", 1},
		{"a = 1\n\n\nb = 2", "V1(a|1)V4(b|2)", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record record;
		uint32_t lines = read_bytes(cases[i].text, strlen(cases[i].text), &record);

		assert_string_equal(record.text, cases[i].items);
		assert_int_equal(lines, cases[i].lines);
	}
}

static void test_nul_byte_is_an_error_of_its_line(void **state)
{
	static const char text[] = "[a]\nk = 1\0 2\nl = 3\n[b\0]\nm = 4\n";
	struct record record;

	(void)state;
	read_bytes(text, sizeof(text) - 1, &record);
	assert_string_equal(record.text, "S1(a|)E2(|)V3(l|3)E4(|)S4(|)V5(m|4)");
}

static void test_long_lines(void **state)
{
	char text[2 * INI_LINE_SIZE_MAX + 64];
	struct record record;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "k = ", 4);
	/* The longest line that is allowed, with and without its newline. */
	read_bytes(text, INI_LINE_SIZE_MAX, &record);
	assert_memory_equal(record.text, "V1(k|xxx", 8);
	text[INI_LINE_SIZE_MAX] = '\n';
	read_bytes(text, INI_LINE_SIZE_MAX + 1, &record);
	assert_memory_equal(record.text, "V1(k|xxx", 8);
	/* One byte more is an error, and only of that line. */
	text[INI_LINE_SIZE_MAX] = 'x';
	memcpy(text + INI_LINE_SIZE_MAX + 1, "\nk = 2\n", 7);
	read_bytes(text, INI_LINE_SIZE_MAX + 8, &record);
	assert_string_equal(record.text, "E1(|)V2(k|2)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nul_byte_is_an_error_of_its_line),
		cmocka_unit_test(test_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
