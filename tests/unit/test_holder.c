/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking legs out of service: what is told, what is set down, what is remembered, and what is given
 * back after the daemon was killed at any moment.  The kernel is a few devices made of bytes; the real
 * one is in tests/lab/test_hold.py.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/heldfile.h"
#include "log.h"

#define LEG 20
#define FIRST 1
#define SECOND 2
#define DEVICES 8
#define SECOND_NS UINT64_C(1000000000)

static struct kernel {
	bool is_up[DEVICES];
	bool is_slave[DEVICES];
	uint16_t priority;
	uint32_t changes;
	uint32_t failures_left;
	char order[64]; /* p: priority changed, P: given back, d: down, u: up */
} kernel;

static struct holder *holder;
static char directory[] = "/tmp/mlag-holder-XXXXXX";
static uint64_t now_ns;

static int may_fail(void)
{
	if (kernel.failures_left > 0) {
		kernel.failures_left--;
		return -EBUSY;
	}
	kernel.changes++;
	return 0;
}

static void note(char what)
{
	size_t length = strlen(kernel.order);

	assert_true(length + 1 < sizeof(kernel.order));
	kernel.order[length] = what;
}

static int set_up(void *user, uint32_t ifindex, bool up)
{
	int error = may_fail();

	(void)user;
	assert_true(ifindex < DEVICES);
	if (error == 0) {
		note(up ? 'u' : 'd');
		kernel.is_up[ifindex] = up;
	}
	return error;
}

static int get_priority(void *user, uint32_t ifindex, uint16_t *ret_priority)
{
	(void)user;
	assert_int_equal(ifindex, LEG);
	*ret_priority = kernel.priority;
	return 0;
}

static int set_priority(void *user, uint32_t ifindex, uint16_t priority)
{
	int error = may_fail();

	(void)user;
	assert_int_equal(ifindex, LEG);
	if (error == 0) {
		note(priority == 1000 ? 'P' : 'p');
		kernel.priority = priority;
	}
	return error;
}

static const char *error_text(void *user)
{
	(void)user;
	return "busy";
}

static char path[64];

static int save(void *user, const struct holder_record *records, uint32_t count)
{
	(void)user;
	return heldfile_save(path, records, count);
}

static const struct holder_ops ops = {set_up, get_priority, set_priority, error_text, save};

static uint64_t apply(bool lacp, bool hold)
{
	struct holder_leg leg = {.ifindex = LEG, .ifname = "bond1", .lacp = lacp, .hold = hold};

	for (uint32_t i = 0; i < DEVICES; i++) {
		if (kernel.is_slave[i]) {
			leg.devices[leg.devices_count].ifindex = i;
			leg.devices[leg.devices_count++].is_up = kernel.is_up[i];
		}
	}
	return holder_apply(holder, &leg, now_ns);
}

/* Until it wants nothing more. */
static void settle(bool hold)
{
	for (uint32_t i = 0; i < 10; i++) {
		uint64_t due_ns = apply(true, hold);

		if (due_ns == 0) {
			return;
		}
		now_ns = due_ns;
	}
	fail_msg("it never settles");
}

static void open_holder(void)
{
	(void)snprintf(path, sizeof(path), "%s/held", directory);
	assert_int_equal(holder_open(&holder, DEVICES, &ops, NULL), 0);
	heldfile_load(path, holder);
}

/* The daemon is killed, and another one starts. */
static void restart(void)
{
	holder_close(holder);
	open_holder();
}

static int start(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.priority = 1000;
	kernel.is_slave[FIRST] = true;
	kernel.is_slave[SECOND] = true;
	kernel.is_up[FIRST] = true;
	kernel.is_up[SECOND] = true;
	now_ns = SECOND_NS;
	(void)strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	open_holder();
	return 0;
}

static int end(void **state)
{
	(void)state;
	holder_close(holder);
	(void)snprintf(path, sizeof(path), "%s/held", directory);
	(void)unlink(path);
	return rmdir(directory);
}

static void
test_lacp_is_told_before_the_link_goes_and_priority_is_back_before_it_returns(void **state)
{
	(void)state;
	assert_int_equal(apply(true, true), now_ns + HOLDER_TELL_NS);
	assert_string_equal(kernel.order, "p");
	assert_true(kernel.is_up[FIRST]);
	now_ns += HOLDER_TELL_NS / 2;
	assert_int_not_equal(apply(true, true), 0);
	assert_string_equal(kernel.order, "p");
	now_ns += HOLDER_TELL_NS;
	assert_int_equal(apply(true, true), 0);
	assert_string_equal(kernel.order, "pddP");
	settle(false);
	assert_string_equal(kernel.order, "pddPuu");
}

static void test_without_lacp_there_is_nobody_to_tell(void **state)
{
	(void)state;
	assert_int_equal(apply(false, true), 0);
	assert_string_equal(kernel.order, "dd");
	assert_int_equal(apply(false, false), 0);
	assert_string_equal(kernel.order, "dduu");
}

static void test_nothing_is_changed_of_a_leg_that_is_not_held(void **state)
{
	(void)state;
	assert_int_equal(apply(true, false), 0);
	restart();
	assert_int_equal(apply(true, false), 0);
	assert_int_equal(kernel.changes, 0);
}

static void test_what_somebody_had_down_stays_down(void **state)
{
	(void)state;
	kernel.is_up[SECOND] = false;
	settle(true);
	restart();
	settle(false);
	assert_true(kernel.is_up[FIRST]);
	assert_false(kernel.is_up[SECOND]);
}

static void test_a_slave_that_comes_to_a_held_bond_is_held_and_given_back(void **state)
{
	(void)state;
	settle(true);
	kernel.is_slave[3] = true;
	kernel.is_up[3] = true;
	settle(true);
	assert_false(kernel.is_up[3]);
	settle(false);
	assert_true(kernel.is_up[FIRST] && kernel.is_up[SECOND] && kernel.is_up[3]);
	assert_int_equal(kernel.priority, 1000);
}

static void test_what_somebody_sets_up_of_a_held_leg_is_set_down_again(void **state)
{
	(void)state;
	settle(true);
	kernel.is_up[FIRST] = true;
	settle(true);
	assert_false(kernel.is_up[FIRST]);
}

static void test_a_slave_that_was_taken_from_the_bond_is_left_alone(void **state)
{
	(void)state;
	settle(true);
	kernel.is_slave[SECOND] = false;
	settle(false);
	assert_true(kernel.is_up[FIRST]);
	assert_false(kernel.is_up[SECOND]);
}

/* Killed after any number of changes, in either direction: the next daemon ends where it was found. */
static void test_after_a_kill_at_any_moment_everything_is_as_it_was_found(void **state)
{
	(void)state;
	for (uint32_t changes = 0; changes < 8; changes++) {
		kernel.changes = 0;
		kernel.order[0] = '\0';
		memset(kernel.order, 0, sizeof(kernel.order));
		kernel.is_up[4] = false;
		kernel.is_slave[4] = true;
		for (uint32_t i = 0; i < 3 && kernel.changes < changes; i++) {
			now_ns += HOLDER_TELL_NS;
			(void)apply(true, true);
		}
		restart();
		settle(changes % 2 == 0);
		restart();
		settle(false);
		assert_true(kernel.is_up[FIRST] && kernel.is_up[SECOND]);
		assert_false(kernel.is_up[4]);
		assert_int_equal(kernel.priority, 1000);
		assert_false(holder_is_held(holder, LEG));
	}
}

static void test_a_leg_that_was_told_to_leave_goes_down_before_it_comes_back(void **state)
{
	(void)state;
	(void)apply(true, true);
	settle(false);
	assert_string_equal(kernel.order, "pddPuu");
}

static void test_what_is_dropped_stays_down_and_is_not_given_back_by_the_next(void **state)
{
	(void)state;
	(void)apply(true, true); /* its partner is being told */
	assert_int_not_equal(kernel.priority, 1000);
	kernel.is_up[FIRST] = false;
	kernel.is_up[SECOND] = false;
	holder_drop(holder, LEG, "bond1");
	assert_int_equal(kernel.priority, 1000);
	assert_false(holder_is_held(holder, LEG));
	kernel.is_up[FIRST] = true;
	kernel.is_up[SECOND] = true;
	settle(true);
	holder_drop(holder, LEG, "bond1");
	restart();
	settle(false);
	assert_false(kernel.is_up[FIRST] || kernel.is_up[SECOND]);
}

static void test_what_the_kernel_refuses_is_tried_again(void **state)
{
	(void)state;
	for (uint32_t failures = 1; failures < 6; failures++) {
		kernel.failures_left = failures;
		settle(true);
		assert_false(kernel.is_up[FIRST] || kernel.is_up[SECOND]);
		kernel.failures_left = failures;
		settle(false);
		assert_true(kernel.is_up[FIRST] && kernel.is_up[SECOND]);
		assert_int_equal(kernel.priority, 1000);
	}
}

static void test_without_its_file_nothing_is_held(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/none/held", directory);
	now_ns += SECOND_NS;
	assert_int_not_equal(apply(true, true), 0);
	now_ns += SECOND_NS;
	assert_int_not_equal(apply(true, true), 0);
	assert_int_equal(kernel.changes, 0);
	assert_false(holder_is_held(holder, LEG));
}

static void test_what_has_no_room_in_the_notes_is_not_set_down(void **state)
{
	(void)state;
	holder_close(holder);
	assert_int_equal(holder_open(&holder, 1, &ops, NULL), 0);
	assert_int_not_equal(apply(false, true), 0);
	assert_true(kernel.is_up[FIRST] && kernel.is_up[SECOND]);
	assert_false(holder_found(holder, &(struct holder_record){.ifindex = FIRST}));
	assert_false(holder_found(holder, &(struct holder_record){.leg_ifindex = LEG}));
}

static void test_a_file_of_another_boot_is_not_believed(void **state)
{
	FILE *file;

	(void)state;
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fprintf(file, "boot somewhere namespace 1\ndevice %u %u\n", LEG, FIRST);
	assert_int_equal(fclose(file), 0);
	restart();
	assert_false(holder_is_held(holder, LEG));
}

static void test_a_damaged_line_hides_no_leg_behind_it(void **state)
{
	char line[128];
	uint32_t cursor = 0;
	FILE *file;

	(void)state;
	settle(true);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(fclose(file), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fprintf(file, "%sdevice 0 7\npriority 0 9\ndevice\ndevice %u %u\n", line, LEG, FIRST);
	assert_int_equal(fclose(file), 0);
	restart();
	assert_int_equal(holder_next_leg(holder, &cursor), LEG);
	assert_true(holder_is_held(holder, LEG));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lacp_is_told_before_the_link_goes_and_priority_is_back_before_it_returns),
		TEST(test_without_lacp_there_is_nobody_to_tell),
		TEST(test_nothing_is_changed_of_a_leg_that_is_not_held),
		TEST(test_what_somebody_had_down_stays_down),
		TEST(test_a_slave_that_comes_to_a_held_bond_is_held_and_given_back),
		TEST(test_what_somebody_sets_up_of_a_held_leg_is_set_down_again),
		TEST(test_a_slave_that_was_taken_from_the_bond_is_left_alone),
		TEST(test_after_a_kill_at_any_moment_everything_is_as_it_was_found),
		TEST(test_a_leg_that_was_told_to_leave_goes_down_before_it_comes_back),
		TEST(test_what_is_dropped_stays_down_and_is_not_given_back_by_the_next),
		TEST(test_what_the_kernel_refuses_is_tried_again),
		TEST(test_without_its_file_nothing_is_held),
		TEST(test_what_has_no_room_in_the_notes_is_not_set_down),
		TEST(test_a_file_of_another_boot_is_not_believed),
		TEST(test_a_damaged_line_hides_no_leg_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
