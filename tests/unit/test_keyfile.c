// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file of the pre-shared key: what `mlagctl genkey` makes is read back, in both forms that are
 * allowed, and nothing else is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "keyfile.h"
#include "mlagctl/genkey.h"

#define HEX "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define BASE64 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="

static const uint8_t expected[TLS_KEY_SIZE] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
	0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
	0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

static const char *parse(const char *text, struct tls_key *ret)
{
	return keyfile_parse(text, strlen(text), ret);
}

static void test_both_forms_are_read_with_comments_and_without(void **state)
{
	static const char *const texts[] = {
		HEX,
		HEX "\n",
		BASE64 "\n",
		"# of the pair\n\n; since May\n  " BASE64 "  \r\n\n# end",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tls_key key;

		assert_null(parse(texts[i], &key));
		assert_memory_equal(key.octets, expected, TLS_KEY_SIZE);
	}
}

static void test_whatever_else_is_refused_and_leaves_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"\n# only a comment\n",
		"password\n",
		HEX "0\n",
		"0" HEX "\n",
		HEX "\n" BASE64 "\n",
		"g0112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n",
		"ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8\n",  /* no padding */
		"ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v9=\n", /* bits too many */
		"ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8=\n",
		"0000000000000000000000000000000000000000000000000000000000000000\n",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	};
	struct tls_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(&key, 0x5a, sizeof(key));
		assert_non_null(parse(texts[i], &key));
		assert_int_equal(key.octets[0] + key.octets[31], 2 * 0x5a);
	}
	assert_non_null(keyfile_parse(HEX "\0\n", sizeof(HEX) + 1, &key));
}

static void test_a_key_that_was_made_is_read_and_never_written_over(void **state)
{
	char directory[] = "/tmp/test_keyfile.XXXXXX", path[64], why[160], message[512] = "";
	struct tls_key key, again;
	struct stat status;
	FILE *err;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/peer.key", directory);
	err = fmemopen(message, sizeof(message), "w");
	assert_non_null(err);
	assert_int_equal(genkey_run(path, stdout, err), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(keyfile_read(path, &key, why, sizeof(why)), 0);
	assert_int_equal(genkey_run(path, stdout, err), -EEXIST);
	assert_int_equal(keyfile_read(path, &again, why, sizeof(why)), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	fflush(err);
	assert_non_null(strstr(message, "is there already"));
	/* Another one is another one. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(genkey_run(path, stdout, err), 0);
	assert_int_equal(keyfile_read(path, &again, why, sizeof(why)), 0);
	assert_memory_not_equal(&key, &again, sizeof(key));
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(keyfile_read(path, &again, why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "mode 0604"));
	unlink(path);
	assert_int_equal(genkey_run("/nowhere/at/all", stdout, err), -ENOENT);
	fclose(err);
	/* Nothing was left beside it. */
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(keyfile_read(path, &again, why, sizeof(why)), -ENOENT);
	assert_int_equal(keyfile_read("/", &again, why, sizeof(why)), -EINVAL);
	assert_int_equal(keyfile_read("/dev/zero", &again, why, sizeof(why)), -EINVAL);
}

static void test_a_key_that_is_printed_is_one_line(void **state)
{
	char text[512] = "", message[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w"), *err = fmemopen(message, 512, "w");
	struct tls_key key;

	(void)state;
	assert_true(out != NULL && err != NULL);
	assert_int_equal(genkey_run(NULL, out, err), 0);
	fclose(out);
	fclose(err);
	assert_int_equal(strlen(text), 65);
	assert_null(parse(text, &key));
	assert_string_equal(message, "");
	/* Into a file that others may read: it is said. */
	out = tmpfile();
	err = fmemopen(message, sizeof(message), "w");
	assert_true(out != NULL && err != NULL && fchmod(fileno(out), 0644) == 0);
	assert_int_equal(genkey_run(NULL, out, err), 0);
	fclose(out);
	fclose(err);
	assert_non_null(strstr(message, "others may read this file"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_forms_are_read_with_comments_and_without),
		cmocka_unit_test(test_whatever_else_is_refused_and_leaves_nothing),
		cmocka_unit_test(test_a_key_that_was_made_is_read_and_never_written_over),
		cmocka_unit_test(test_a_key_that_is_printed_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
