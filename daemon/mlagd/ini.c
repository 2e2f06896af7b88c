// SPDX-License-Identifier: BSD-2-Clause
/*
 * A strict INI reader for config.c.  It is our own because every error must name its line, and
 * every line must be judged: nothing is skipped in silence, nothing is cut to fit.  Each line is
 * copied into a bounded buffer, so the callback gets strings and the text is never written to.
 */
#include "ini.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r"
#define WORD_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

struct ini_reader {
	ini_fn *item;
	void *user;
	uint32_t line;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(const char *text)
{
	return *text != '\0' && text[strspn(text, WORD_LETTERS)] == '\0';
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
	text += strspn(text, BLANKS);
	for (size_t size = strlen(text); size > 0 && is_blank(text[size - 1]); size--) {
		text[size - 1] = '\0';
	}
	return text;
}

static void cut_comment(char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		if ((text[i] == ';' || text[i] == '#') && (i == 0 || is_blank(text[i - 1]))) {
			text[i] = '\0';
			return;
		}
	}
}

static void emit(const struct ini_reader *reader, enum ini_item_type type, const char *name,
		 const char *value)
{
	struct ini_item item = {type, reader->line, name, value};

	reader->item(reader->user, &item);
}

/* Splits "[name argument]" in place; false when it is no such thing. */
static bool split_section(char *text, char **ret_name, char **ret_argument)
{
	size_t size = strlen(text);
	size_t name_size;

	if (text[size - 1] != ']') {
		return false;
	}
	text[size - 1] = '\0';
	*ret_name = trim(text + 1);
	name_size = strcspn(*ret_name, BLANKS);
	*ret_argument = *ret_name + name_size;
	if (**ret_argument != '\0') {
		*ret_argument = trim(*ret_argument + 1);
		(*ret_name)[name_size] = '\0';
	}
	return is_word(*ret_name) && strpbrk(*ret_argument, "[]" BLANKS) == NULL;
}

static void read_value(struct ini_reader *reader, char *text)
{
	char *equals = strchr(text, '=');
	char *key;

	if (equals == NULL) {
		emit(reader, INI_ERROR, NULL,
		     "not understood; allowed: [section], key = value, or a comment after ; or #");
		return;
	}
	*equals = '\0';
	key = trim(text);
	if (!is_word(key)) {
		emit(reader, INI_ERROR, NULL,
		     "not a key; allowed before '=': lower-case letters, digits and '-'");
		return;
	}
	emit(reader, INI_VALUE, key, trim(equals + 1));
}

static void read_line(struct ini_reader *reader, const char *text, size_t size)
{
	const char *wrong = NULL;
	char buffer[INI_LINE_SIZE_MAX + 1];
	char *line, *name, *argument;

	if (size > INI_LINE_SIZE_MAX) {
		wrong = "the line is too long; allowed: 1024 bytes";
		size = INI_LINE_SIZE_MAX;
	} else if (memchr(text, '\0', size) != NULL) {
		wrong = "a NUL byte; allowed: text";
	}
	memcpy(buffer, text, size);
	buffer[size] = '\0';
	cut_comment(buffer);
	line = trim(buffer);
	if (*line == '[') {
		if (wrong == NULL && split_section(line, &name, &argument)) {
			emit(reader, INI_SECTION, name, argument);
		} else {
			emit(reader, INI_ERROR, "",
			     wrong != NULL
				     ? wrong
				     : "not a section; allowed: [name] or [name device], in lower case");
			emit(reader, INI_SECTION, "", "");
		}
	} else if (wrong != NULL) {
		emit(reader, INI_ERROR, NULL, wrong);
	} else if (*line != '\0') {
		read_value(reader, line);
	}
}

uint32_t ini_read(const char *text, size_t size, ini_fn *item, void *user)
{
	struct ini_reader reader = {.item = item, .user = user};

	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end != NULL ? (size_t)(end - text) : size;
		size_t taken = end != NULL ? length + 1 : length;

		reader.line++;
		read_line(&reader, text, length);
		text += taken;
		size -= taken;
	}
	return reader.line > 0 ? reader.line : 1;
}
