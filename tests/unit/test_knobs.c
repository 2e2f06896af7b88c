// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings of other people's devices, which are put back as they were found (R27).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "kernel/knobs.h"

#define ALL "ipv4/conf/all/send_redirects"
#define LO "ipv4/conf/lo/send_redirects"
#define LO_IGNORE "ipv4/conf/lo/arp_ignore"

static struct knobs *open_knobs(const char *directory)
{
	struct knobs *knobs = NULL;

	assert_int_equal(knobs_open(&knobs, directory), 0);
	return knobs;
}

static void want_them(struct knobs *knobs, bool lo)
{
	knobs_begin(knobs);
	assert_int_equal(knobs_want(knobs, KNOBS_ALL, "all", KNOBS_SEND_REDIRECTS), 0);
	if (lo) {
		assert_int_equal(knobs_want(knobs, 1, "lo", KNOBS_SEND_REDIRECTS), 0);
		assert_int_equal(knobs_want(knobs, 1, "lo", KNOBS_ARP_IGNORE), 0);
	}
	assert_int_equal(knobs_end(knobs), 0);
}

static void remove_directory(const char *directory)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/settings", directory);
	(void)unlink(path);
	assert_int_equal(rmdir(directory), 0);
}

/* In a network namespace of its own, for which it takes root. */
static void settings_are_put_back_as_found_also_by_the_next_daemon(void **state)
{
	char directory[] = "/tmp/test_knobs.XXXXXX";
	struct knobs *knobs;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		skip();
	}
	assert_non_null(mkdtemp(directory));
	assert_int_equal(knobs_write(ALL, 1), 0);
	assert_int_equal(knobs_write(LO, 1), 0);
	assert_int_equal(knobs_write(LO_IGNORE, 2), 0);
	knobs = open_knobs(directory);
	want_them(knobs, true);
	assert_int_equal(knobs_read(ALL), 0);
	assert_int_equal(knobs_read(LO), 0);
	assert_int_equal(knobs_read(LO_IGNORE), 2); /* does as well */
	knobs_close(knobs);

	knobs = open_knobs(directory);
	want_them(knobs, true);
	assert_int_equal(knobs_read(LO), 0);
	/* Somebody turned it back: it is set again, and what was found first still counts. */
	assert_int_equal(knobs_write(LO, 5), 0);
	want_them(knobs, true);
	assert_int_equal(knobs_read(LO), 0);
	want_them(knobs, false);
	assert_int_equal(knobs_read(LO), 1);
	assert_int_equal(knobs_read(ALL), 0);
	/* What somebody changed since is his. */
	assert_int_equal(knobs_write(ALL, 7), 0);
	knobs_begin(knobs);
	assert_int_equal(knobs_end(knobs), 0);
	assert_int_equal(knobs_read(ALL), 7);
	knobs_close(knobs);
	remove_directory(directory);
}

static void what_another_namespace_wrote_does_not_count(void **state)
{
	char directory[] = "/tmp/test_knobs.XXXXXX";
	struct knobs *knobs;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		skip();
	}
	assert_non_null(mkdtemp(directory));
	assert_int_equal(knobs_write(LO, 1), 0);
	knobs = open_knobs(directory);
	want_them(knobs, true);
	knobs_close(knobs);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(knobs_write(LO, 0), 0);
	knobs = open_knobs(directory);
	want_them(knobs, false);
	assert_int_equal(knobs_read(LO), 0);
	knobs_close(knobs);
	remove_directory(directory);
}

static void a_setting_that_is_not_there_is_an_error(void **state)
{
	struct knobs *knobs = open_knobs("/nowhere");

	(void)state;
	knobs_begin(knobs);
	assert_int_equal(knobs_want(knobs, 12345, "no-such", KNOBS_ARP_ANNOUNCE), -ENOENT);
	assert_int_equal(knobs_end(knobs), 0);
	knobs_close(knobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_put_back_as_found_also_by_the_next_daemon),
		cmocka_unit_test(what_another_namespace_wrote_does_not_count),
		cmocka_unit_test(a_setting_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
