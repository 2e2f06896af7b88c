/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon leaves for the next one, to bytes and back, and read with suspicion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resume.h"
#include "rig.h"
#include "world.h"

static void test_what_was_written_is_read(void **state)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume resume = rig_resume();
	struct mlag_resume found;

	(void)state;
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
	memset(resume.peer_version, 'v', sizeof(resume.peer_version) - 1);
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
	memset(&resume, 0, sizeof(resume));
	resume.verdict = MLAG_VERDICT_STARTING;
	assert_true(mlag_resume_read(bytes, mlag_resume_write(&resume, bytes), &found));
	assert_memory_equal(&found, &resume, sizeof(found));
}

static void test_what_is_cut_off_or_damaged_is_refused(void **state)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX + 1];
	struct mlag_resume resume = rig_resume();
	struct mlag_resume found;
	uint32_t size = mlag_resume_write(&resume, bytes);

	(void)state;
	for (uint32_t cut = 0; cut < size; cut++) {
		assert_false(mlag_resume_read(bytes, cut, &found));
	}
	assert_false(mlag_resume_read(bytes, size + 1, &found));
	assert_false(mlag_resume_read(bytes, UINT32_MAX, &found));
	for (uint32_t bit = 0; bit < size * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(mlag_resume_read(bytes, size, &found));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(mlag_resume_read(bytes, size, &found));
}

static bool is_read(const struct mlag_resume *resume)
{
	uint8_t bytes[MLAG_RESUME_SIZE_MAX];
	struct mlag_resume found;

	return mlag_resume_read(bytes, mlag_resume_write(resume, bytes), &found);
}

static void test_what_cannot_be_is_refused(void **state)
{
	struct mlag_resume resume = rig_resume();

	(void)state;
	resume.role = (enum mlag_role)3;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.verdict = MLAG_VERDICT_NONE;
	assert_false(is_read(&resume));
	resume.verdict = (enum mlag_verdict)(MLAG_VERDICT_ALONE_UNSURE + 1);
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.birth_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.liveness.life_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.liveness.carrier_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.liveness.lost_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns = resume.written_ns + 1;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.liveness.peer_interval_ns = UINT64_MAX;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.peer_hold_ns = UINT64_MAX;
	assert_false(is_read(&resume));
	resume = rig_resume();
	resume.verdict_since_ns = UINT64_MAX;
	assert_false(is_read(&resume));
}

static void test_another_hello_is_nothing_new_to_write_down(void **state)
{
	struct mlag_resume a = rig_resume();
	struct mlag_resume b = a;

	(void)state;
	b.written_ns++;
	b.liveness.life_ns++;
	b.liveness.sequence++;
	b.liveness.paths[MLAG_PATH_PEER_LINK].heard_ns++;
	b.liveness.paths[MLAG_PATH_PEER_LINK].sequence++;
	assert_false(mlag_resume_differs(&a, &b));
	b.liveness.paths[MLAG_PATH_PEER_LINK].heard = false;
	assert_true(mlag_resume_differs(&a, &b));
	b = a;
	b.role_epoch++;
	assert_true(mlag_resume_differs(&a, &b));
}

static void test_what_is_about_something_else_is_refused(void **state)
{
	struct mlag_config config = {.domain_id = 1, .system_mac = {{2}}};
	struct mlag_resume resume = rig_resume();

	(void)state;
	assert_null(mlag_resume_refuse(&resume, &config, 9, 5000));
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 4999), "it is from the future");
	assert_string_equal(mlag_resume_refuse(&resume, &config, 8, 5000),
			    "it is of another bridge");
	resume.bridge_ifindex = 0;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 0, 5000),
			    "it is of another bridge");
	config.domain_id = 2;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 5000),
			    "it is of another domain");
	config.domain_id = 1;
	config.system_mac.octets[0] = 6;
	assert_string_equal(mlag_resume_refuse(&resume, &config, 9, 5000),
			    "it is of another domain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_what_is_cut_off_or_damaged_is_refused),
		cmocka_unit_test(test_what_cannot_be_is_refused),
		cmocka_unit_test(test_another_hello_is_nothing_new_to_write_down),
		cmocka_unit_test(test_what_is_about_something_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
