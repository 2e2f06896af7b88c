/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the pre-shared key (see keyfile.h).  Called by config.c.  Nothing of a key is left in
 * memory here, and nothing of it is in a message.
 */
#include "keyfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_SIZE (2 * TLS_KEY_SIZE)
#define BASE64_SIZE 44 /* of 32 bytes, with one '=' */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool parse_hex(const char *text, struct tls_key *ret)
{
	for (size_t i = 0; i < TLS_KEY_SIZE; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		ret->octets[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_base64(const char *text, struct tls_key *ret)
{
	uint32_t bits = 0, have = 0;
	size_t count = 0;

	for (size_t i = 0; i < BASE64_SIZE - 1; i++) {
		int value = base64_value(text[i]);

		if (value < 0) {
			return false;
		}
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret->octets[count++] = (uint8_t)(bits >> have);
			bits &= (1U << have) - 1;
		}
	}
	return count == TLS_KEY_SIZE && bits == 0 && text[BASE64_SIZE - 1] == '=';
}

/* All bytes the same is no key, but what somebody wrote to have one. */
static bool is_trivial(const struct tls_key *key)
{
	for (size_t i = 1; i < TLS_KEY_SIZE; i++) {
		if (key->octets[i] != key->octets[0]) {
			return false;
		}
	}
	return true;
}

static const char *parse_line(const char *line, size_t size, struct tls_key *ret)
{
	if ((size == HEX_SIZE && parse_hex(line, ret)) ||
	    (size == BASE64_SIZE && parse_base64(line, ret))) {
		return is_trivial(ret) ? "its bytes are all the same" : NULL;
	}
	return "its line is neither 64 hexadecimal digits nor 44 characters of base64";
}

const char *keyfile_parse(const char *text, size_t size, struct tls_key *ret_key)
{
	const char *wrong = NULL;
	struct tls_key key;
	bool found = false;

	memset(&key, 0, sizeof(key));
	for (size_t i = 0; i < size && wrong == NULL;) {
		const char *newline = memchr(text + i, '\n', size - i);
		size_t end = newline != NULL ? (size_t)(newline - text) : size;
		size_t begin = i;

		i = end + 1;
		while (begin < end && isspace((unsigned char)text[begin])) {
			begin++;
		}
		while (end > begin && isspace((unsigned char)text[end - 1])) {
			end--;
		}
		if (begin == end || text[begin] == '#' || text[begin] == ';') {
			continue;
		}
		wrong = found ? "there is more than one key in it"
			      : parse_line(text + begin, end - begin, &key);
		found = true;
	}
	if (!found) {
		wrong = "there is no key in it";
	}
	if (wrong == NULL) {
		*ret_key = key;
	}
	explicit_bzero(&key, sizeof(key));
	return wrong;
}

static int read_all(int fd, char *ret_text, size_t *ret_size)
{
	size_t size = 0;

	while (size <= KEYFILE_SIZE_MAX) {
		ssize_t n = read(fd, ret_text + size, KEYFILE_SIZE_MAX + 1 - size);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			*ret_size = size;
			return 0;
		}
		size += (size_t)n;
	}
	return -EFBIG;
}

int keyfile_read(const char *path, struct tls_key *ret_key, char *ret_why, size_t why_size)
{
	char text[KEYFILE_SIZE_MAX + 1];
	const char *wrong = NULL;
	struct stat status;
	size_t size = 0;
	int fd, r = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		r = -errno;
	} else if (!S_ISREG(status.st_mode)) {
		r = -EINVAL;
		wrong = "it is no file";
	} else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		(void)snprintf(ret_why, why_size,
			       "others may read or write it (mode %04o); allowed: chmod 600, and a "
			       "new key if anybody did",
			       (unsigned int)status.st_mode & 07777U);
		close(fd);
		return -EPERM;
	} else {
		r = read_all(fd, text, &size);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (r == 0) {
		wrong = keyfile_parse(text, size, ret_key);
		r = wrong != NULL ? -EINVAL : 0;
	}
	explicit_bzero(text, sizeof(text));
	if (r < 0) {
		(void)snprintf(ret_why, why_size,
			       "%s; allowed: what 'mlagctl genkey' makes, the same on both members",
			       wrong != NULL ? wrong : strerror(-r));
	}
	return r;
}
