/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of sections and keys behind config.h: what each is called, what it may hold, what it
 * defaults to.  Only config.c, its tests and the man page's reference read it.
 */
#ifndef MLAGD_CONFIG_TABLE_H
#define MLAGD_CONFIG_TABLE_H

#include "config.h"

#define CONFIG_ALLOWED_SIZE 160 /* bytes of a text that says what is allowed */

enum config_section_id {
	CONFIG_SECTION_NONE,
	CONFIG_SECTION_DOMAIN,
	CONFIG_SECTION_PEER,
	CONFIG_SECTION_LAG,
	CONFIG_SECTION_GATEWAY,
	CONFIG_SECTIONS_COUNT,
};

/**
 * struct config_section - one kind of section
 * @name: first word
 * @device: NULL, or what the second word is; such a section may come many times
 * @count_max: of sections of this kind
 * @required: at least one
 * @help: for the manual
 */
struct config_section {
	const char *name;
	const char *device;
	uint32_t count_max;
	bool required;
	const char *help;
};

enum config_type {
	CONFIG_TYPE_NONE,
	CONFIG_TYPE_MAC,      /* struct mlag_mac, unicast, not zero */
	CONFIG_TYPE_UINT,     /* uint16_t or uint32_t */
	CONFIG_TYPE_DURATION, /* uint64_t, ns */
	CONFIG_TYPE_IFNAME,   /* char [IFNAMSIZ] */
	CONFIG_TYPE_ADDRESS,  /* struct config_address */
	CONFIG_TYPE_PREFIX,   /* struct config_prefix, the next free one of the gateway */
	CONFIG_TYPE_CHOICE,   /* int: an enum whose 0 is none, 1 the first word, … */
	CONFIG_TYPE_SWITCH,   /* bool */
	CONFIG_TYPE_PATH,     /* char [CONFIG_PATH_SIZE_MAX] */
};

#define CONFIG_CHOICES_MAX 4

/**
 * struct config_key - one key
 * @section, @name: where it stands
 * @type: what it holds
 * @required: it has no default and must be there
 * @repeated: it may be there more than once
 * @fallback: the default as it would stand in the file, or NULL
 * @min, @max: of a number, or of a duration in ns
 * @unit: of a number or duration, for the manual
 * @choices: the words of a choice
 * @offset: of the member in struct config, struct config_lag or struct config_gateway
 * @size: of the member
 * @help: for the manual: a sentence or two
 */
struct config_key {
	enum config_section_id section;
	const char *name;
	enum config_type type;
	bool required;
	bool repeated;
	const char *fallback;
	uint64_t min;
	uint64_t max;
	const char *unit;
	const char *choices[CONFIG_CHOICES_MAX];
	size_t offset;
	size_t size;
	const char *help;
};

extern const struct config_section config_sections[CONFIG_SECTIONS_COUNT];
extern const struct config_key config_keys[];
extern const uint32_t config_keys_count;

/**
 * config_value_parse() - turn a value into the member it stands for
 * @key: its line of the table
 * @text: the value
 * @ret: the member itself (of a repeated prefix: one struct config_prefix)
 *
 * Return: NULL, or what is wrong with it ("is out of range"), a constant string.
 */
const char *config_value_parse(const struct config_key *key, const char *text, void *ret);

/**
 * config_key_allowed() - what a key may hold, in words
 * @key: its line of the table
 * @ret_text: CONFIG_ALLOWED_SIZE bytes
 */
void config_key_allowed(const struct config_key *key, char *ret_text);

/**
 * config_ifname_valid() - could this be the name of a network device?
 */
bool config_ifname_valid(const char *text);

#endif
