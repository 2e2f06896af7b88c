/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command `explain`: its options, the question made of them, and the answer as text.
 */
#ifndef MLAGCTL_EXPLAIN_H
#define MLAGCTL_EXPLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define EXPLAIN_OPTION_FIRST 512
#define EXPLAIN_ASSUMPTIONS_MAX 16

/* Option and key of the question; --if may be repeated, --vlan belongs to others too. */
#define EXPLAIN_OPTIONS(X)                              \
	X(EXPLAIN_OPTION_IN, "in", "in")                \
	X(EXPLAIN_OPTION_DST_MAC, "dst-mac", "dst_mac") \
	X(EXPLAIN_OPTION_DST_IP, "dst-ip", "dst_ip")    \
	X(EXPLAIN_OPTION_SRC_MAC, "src-mac", "src_mac") \
	X(EXPLAIN_OPTION_SRC_IP, "src-ip", "src_ip")    \
	X(EXPLAIN_OPTION_TTL, "ttl", "ttl")             \
	X(EXPLAIN_OPTION_FRAME, "frame", "frame")
#define EXPLAIN_OPTION_VALUE(symbol, option, key) symbol,
enum explain_option {
	EXPLAIN_OPTION_NONE = EXPLAIN_OPTION_FIRST,
	EXPLAIN_OPTIONS(EXPLAIN_OPTION_VALUE) EXPLAIN_OPTION_IF,
	EXPLAIN_OPTION_LAST,
};

/* Rows of the table of getopt_long(). */
#define EXPLAIN_LONG_OPTION(symbol, option, key) {option, required_argument, NULL, symbol},
#define EXPLAIN_LONG_OPTIONS                                     \
	EXPLAIN_OPTIONS(EXPLAIN_LONG_OPTION)                     \
	{                                                        \
		"if", required_argument, NULL, EXPLAIN_OPTION_IF \
	}

/**
 * struct explain_options - what was given
 * @is_used: any of them was
 * @values: by option, NULL for none
 * @assumptions: of --if
 */
struct explain_options {
	bool is_used;
	const char *values[EXPLAIN_OPTION_LAST - EXPLAIN_OPTION_FIRST];
	unsigned int assumptions_count;
	const char *assumptions[EXPLAIN_ASSUMPTIONS_MAX];
};

/**
 * explain_take_option() - note an option
 * @option: as getopt_long() returned it
 *
 * Return: false for one that is not explain's, or one --if too many.
 */
bool explain_take_option(struct explain_options *options, int option, const char *value);

/**
 * explain_params() - the question
 * @vlan: of --vlan, or NULL
 * @err: told what is missing
 *
 * Return: a new object, or NULL.
 */
json_t *explain_params(const struct explain_options *options, const char *vlan, FILE *err);

/** explain_help() - the options, for --help */
void explain_help(FILE *out);

/** render_explain() - the answer: each step, then where each copy ends */
void render_explain(FILE *out, const json_t *result);

#endif
