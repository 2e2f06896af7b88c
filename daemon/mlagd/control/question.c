// SPDX-License-Identifier: BSD-2-Clause
/*
 * The parameters of `explain` (see question.h): every one is checked, and what is wrong is said with
 * what would be right.  control/explain.c calls this; nothing here knows the pair.
 */
#include "control/question.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "bad-params"

/* A parameter as text; a number is written out into @buf.  NULL for one that is not given. */
static const char *get_text(const struct control_call *call, const char *key, char buf[24])
{
	const json_t *value = json_object_get(call->params, key);

	if (json_is_integer(value)) {
		(void)snprintf(buf, 24, "%lld", (long long)json_integer_value(value));
		return buf;
	}
	if (value == NULL || json_is_null(value)) {
		return NULL;
	}
	return json_is_string(value) ? json_string_value(value) : "";
}

static bool parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*ret = (uint32_t)value;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= max;
}

static bool parse_mac(const char *text, struct mlag_mac *ret)
{
	uint8_t *o = ret->octets;
	int used = 0;

	return strlen(text) == 17 && text[strspn(text, "0123456789abcdefABCDEF:")] == '\0' &&
	       sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &o[0], &o[1], &o[2], &o[3],
		      &o[4], &o[5], &used) == 6 &&
	       used == 17;
}

/* Return: the family, 0 for text that is no address. */
static uint8_t parse_ip(const char *text, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (inet_pton(AF_INET, text, ret) == 1) {
		return 4;
	}
	return inet_pton(AF_INET6, text, ret) == 1 ? 6 : 0;
}

static int nibble(char digit)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

	return found != NULL ? (int)((found - digits) % 16) : -1;
}

/* Hexadecimal octets; spaces, colons and line breaks between them do not matter. */
static int parse_hex(const char *text, uint8_t *ret, uint32_t max, uint32_t *ret_size)
{
	uint32_t size = 0;

	for (;;) {
		int high, low;

		text += strspn(text, " \t\r\n:");
		if (*text == '\0') {
			*ret_size = size;
			return 0;
		}
		high = nibble(text[0]);
		low = high < 0 ? -1 : nibble(text[1]);
		if (low < 0) {
			return -EINVAL;
		}
		if (size == max) {
			return -E2BIG;
		}
		ret[size++] = (uint8_t)(high * 16 + low);
		text += 2;
	}
}

static int read_mac(struct control_call *call, const char *key, struct mlag_mac *ret,
		    bool *ret_given)
{
	char buf[24];
	const char *text = get_text(call, key, buf);

	*ret_given = text != NULL;
	if (text != NULL && !parse_mac(text, ret)) {
		return control_call_fail(call, EINVAL, BAD,
					 "%s: \"%.40s\" is not a MAC address; allowed: such as "
					 "44:38:39:ff:00:01",
					 key, text);
	}
	return 0;
}

static int read_ip(struct control_call *call, const char *key, uint8_t ret[16], uint8_t *ret_family)
{
	char buf[24];
	const char *text = get_text(call, key, buf);

	*ret_family = text != NULL ? parse_ip(text, ret) : 0;
	if (text != NULL && *ret_family == 0) {
		return control_call_fail(call, EINVAL, BAD,
					 "%s: \"%.48s\" is not an IP address; allowed: such as "
					 "10.0.20.9 or 2001:db8::9",
					 key, text);
	}
	return 0;
}

static int read_number(struct control_call *call, const char *key, uint32_t min, uint32_t max,
		       uint32_t *ret, bool *ret_given)
{
	char buf[24];
	const char *text = get_text(call, key, buf);

	*ret_given = text != NULL;
	if (text != NULL && (!parse_number(text, max, ret) || *ret < min)) {
		return control_call_fail(call, EINVAL, BAD,
					 "%s: \"%.24s\" is not right; allowed: a number from %u to "
					 "%u",
					 key, text, min, max);
	}
	return 0;
}

static int read_frame(struct control_call *call, const char *text, struct question *ret)
{
	static const char *const others[] = {"dst_mac", "dst_ip", "src_mac",
					     "src_ip",	"ttl",	  "vlan"};
	uint8_t octets[EXPLAIN_FRAME_MAX];
	uint32_t size = 0;
	int r;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char buf[24];

		if (get_text(call, others[i], buf) != NULL) {
			return control_call_fail(call, EINVAL, BAD,
						 "%s: does not go with a whole frame", others[i]);
		}
	}
	r = parse_hex(text, octets, sizeof(octets), &size);
	if (r == -EINVAL) {
		return control_call_fail(call, EINVAL, BAD,
					 "frame: not hexadecimal octets; allowed: such as "
					 "\"ffffffffffff 443839ff0001 0806 …\"");
	}
	if (r < 0 || explain_frame_read(&ret->frame, octets, size) < 0) {
		return control_call_fail(
			call, EINVAL, BAD,
			"frame: %s than a frame may be; allowed: 14 (with a tag 18) "
			"to %d octets",
			r < 0 ? "longer" : "shorter", EXPLAIN_FRAME_MAX);
	}
	ret->is_frame = true;
	return 0;
}

static int read_source_ip(struct control_call *call, struct question *ret)
{
	uint8_t family;
	int r = read_ip(call, "src_ip", ret->ip.source, &family);

	if (r < 0) {
		return r;
	}
	ret->has_source_ip = family != 0;
	if (family != 0 && family != ret->ip.family) {
		return control_call_fail(call, EINVAL, BAD,
					 ret->ip.family == 0
						 ? "src_ip: a packet needs dst_ip too"
						 : "src_ip: not of the same family as dst_ip");
	}
	return 0;
}

static int read_fields(struct control_call *call, struct question *ret)
{
	uint32_t number = 64;
	bool given;
	int r;

	if ((r = read_mac(call, "dst_mac", &ret->destination, &given)) < 0) {
		return r;
	}
	if (!given) {
		return control_call_fail(
			call, EINVAL, BAD,
			"dst_mac: missing; a destination MAC, or a whole frame, is "
			"needed");
	}
	if ((r = read_mac(call, "src_mac", &ret->source, &ret->has_source)) < 0 ||
	    (r = read_ip(call, "dst_ip", ret->ip.destination, &ret->ip.family)) < 0 ||
	    (r = read_source_ip(call, ret)) < 0 ||
	    (r = read_number(call, "ttl", 0, 255, &number, &given)) < 0) {
		return r;
	}
	if (given && ret->ip.family == 0) {
		return control_call_fail(call, EINVAL, BAD, "ttl: a packet needs dst_ip too");
	}
	ret->ip.hop_limit = (uint8_t)number;
	r = read_number(call, "vlan", 1, 4094, &number, &ret->has_vlan);
	ret->vlan = (uint16_t)number;
	return r;
}

static int read_assumptions(struct control_call *call, struct question *ret)
{
	const json_t *list = json_object_get(call->params, "if");
	size_t count = json_array_size(list);

	if (list != NULL && !json_is_null(list) && !json_is_array(list)) {
		return control_call_fail(call, EINVAL, BAD, "if: not a list of texts");
	}
	if (count > QUESTION_ASSUMPTIONS_MAX) {
		return control_call_fail(call, EINVAL, BAD, "if: more than %d are assumed",
					 QUESTION_ASSUMPTIONS_MAX);
	}
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		ret->assumptions[ret->assumptions_count++] = text != NULL ? text : "";
	}
	return 0;
}

int question_read(struct control_call *call, struct question *ret)
{
	char buf[24];
	const char *frame = get_text(call, "frame", buf);
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->in = json_string_value(json_object_get(call->params, "in"));
	if (ret->in == NULL || *ret->in == '\0') {
		return control_call_fail(call, EINVAL, BAD,
					 "in: missing; the port where the frame arrives is needed");
	}
	r = frame != NULL ? read_frame(call, frame, ret) : read_fields(call, ret);
	return r < 0 ? r : read_assumptions(call, ret);
}
