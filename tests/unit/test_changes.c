// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a reload does: the difference of two files, nothing where there is none, and a refusal with
 * line and remedy of what cannot change at run time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_changes.h"

#define DOMAIN "[domain]\nsystem-mac = 44:38:39:ff:00:01\nbridge = br0\n" /* lines 1 to 3 */
#define PEER \
	"[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\nsecurity = none\n" /* 4 to 8 */
#define LAGS "[lag bond1]\nid = 1\n[lag bond2]\nid = 2\n"			    /* 9 to 12 */
#define GATEWAY "[gateway vlan10]\naddress = 10.0.10.1/24\nmac = 00:00:5e:00:01:0a\n"
#define BASE DOMAIN PEER LAGS GATEWAY

static struct config old, now;
static struct config_changes changes;
static char said[4096];

static void record(void *user, enum config_severity severity, const char *text)
{
	size_t used = strlen(said);

	(void)user;
	(void)severity;
	(void)snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

static void parse(const char *text, struct config *ret)
{
	assert_int_equal(config_parse("F", text, strlen(text), ret, NULL, NULL, NULL), 0);
}

static void compare(const char *before, const char *after)
{
	parse(before, &old);
	parse(after, &now);
	config_compare(&old, &now, &changes);
}

static void test_the_same_file_changes_nothing(void **state)
{
	(void)state;
	compare(BASE, BASE);
	assert_false(config_changes_any(&changes));
	assert_int_equal(changes.removed_count + changes.added_count, 0);
}

static void test_comments_order_of_lags_and_line_numbers_are_no_change(void **state)
{
	(void)state;
	compare(BASE, "; hello\n\n" DOMAIN "id = 1\n" PEER
		      "[lag bond2]\nid = 2\n[lag bond1]\n\nid = 1\n" GATEWAY);
	assert_false(config_changes_any(&changes));
}

/* One key at a time, and which single part of the reload it is. */
static void test_each_key_concerns_its_part_and_no_other(void **state)
{
	static const struct {
		const char *after;
		size_t part;
	} rows[] = {
#define PART(member) offsetof(struct config_changes, member)
		{DOMAIN "priority = 7\n" PEER LAGS GATEWAY, PART(engine)},
		{DOMAIN PEER "hello-interval = 200ms\n" LAGS GATEWAY, PART(engine)},
		{DOMAIN PEER "dead-multiplier = 5\n" LAGS GATEWAY, PART(engine)},
		{DOMAIN PEER "restart-hold = 10s\n" LAGS GATEWAY, PART(engine)},
		{DOMAIN PEER "startup-wait = 1s\n" LAGS GATEWAY, PART(engine)},
		{DOMAIN "datapath = tc\n" PEER LAGS GATEWAY, PART(datapath)},
		{DOMAIN PEER "port = 4000\n" LAGS GATEWAY, PART(channel)},
		{DOMAIN PEER LAGS, PART(gateways)},
		{DOMAIN PEER LAGS
		 "[gateway vlan10]\naddress = 10.0.10.2/24\nmac = 00:00:5e:00:01:0a\n",
		 PART(gateways)},
		{DOMAIN PEER LAGS
		 "[gateway vlan10]\naddress = 10.0.10.1/25\nmac = 00:00:5e:00:01:0a\n",
		 PART(gateways)},
		{DOMAIN PEER LAGS
		 "[gateway vlan10]\naddress = 10.0.10.1/24\nmac = 00:00:5e:00:01:0b\n",
		 PART(gateways)},
		{DOMAIN PEER "[lag bond1]\nid = 1\n" GATEWAY, PART(devices)},
	};
	static const size_t parts[] = {PART(engine),  PART(last_resort), PART(datapath),
				       PART(devices), PART(gateways),	 PART(channel),
				       PART(backup)};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compare(BASE, rows[i].after);
		for (size_t j = 0; j < sizeof(parts) / sizeof(parts[0]); j++) {
			bool is_set = *((const bool *)((const char *)&changes + parts[j]));

			assert_int_equal(is_set, parts[j] == rows[i].part);
		}
	}
}

static void test_last_resort_and_backup_are_told_to_the_engine_too(void **state)
{
	(void)state;
	compare(BASE, DOMAIN PEER "last-resort = on\n" LAGS GATEWAY);
	assert_true(changes.last_resort && changes.engine);
	assert_false(changes.devices || changes.gateways || changes.channel || changes.backup);
	compare(BASE,
		DOMAIN PEER "backup-local = 192.0.2.1\nbackup-remote = 192.0.2.2\n" LAGS GATEWAY);
	assert_true(changes.backup && changes.engine);
	assert_false(changes.channel || changes.devices);
}

static void test_lags_come_go_and_change_hands(void **state)
{
	(void)state;
	compare(BASE, DOMAIN PEER "[lag bond2]\nid = 2\n[lag bond3]\nid = 3\n" GATEWAY);
	assert_int_equal(changes.removed_count, 1);
	assert_int_equal(changes.removed[0], 1);
	assert_int_equal(changes.added_count, 1);
	assert_int_equal(changes.added[0], 3);
	/* Two devices exchange their numbers: both went and came. */
	compare(BASE, DOMAIN PEER "[lag bond1]\nid = 2\n[lag bond2]\nid = 1\n" GATEWAY);
	assert_int_equal(changes.removed_count, 2);
	assert_int_equal(changes.added_count, 2);
	/* The LAG gets another device. */
	compare(BASE, DOMAIN PEER "[lag bond9]\nid = 1\n[lag bond2]\nid = 2\n" GATEWAY);
	assert_int_equal(changes.removed_count, 1);
	assert_int_equal(changes.added[0], 1);
	said[0] = '\0';
	config_describe(&changes, &old, &now, record, NULL);
	assert_string_equal(said, "LAG 1 (bond1) removed\nLAG 1 (bond9) added\n");
}

static unsigned int find(const char *ifname)
{
	return strcmp(ifname, "renamed") == 0 ? 7 : 99;
}

static uint32_t refuse(const char *after, uint32_t bridge_ifindex, uint32_t link_ifindex)
{
	const struct config_devices devices = {bridge_ifindex, link_ifindex, find};

	compare(BASE, after);
	said[0] = '\0';
	return config_refuse("F", &old, &now, &devices, record, NULL);
}

static void test_what_cannot_change_is_refused_by_file_line_key_and_remedy(void **state)
{
	(void)state;
	assert_int_equal(refuse(BASE, 7, 8), 0);
	assert_int_equal(
		refuse("[domain]\nsystem-mac = 44:38:39:ff:00:02\nbridge = br0\n" PEER LAGS, 7, 8),
		1);
	assert_string_equal(said,
			    "F:2: [domain] system-mac: every LACP leg would lose its partner, "
			    "so it cannot change while mlagd runs: run 'mlagctl leave' and "
			    "start mlagd again, or put back 44:38:39:ff:00:01\n");
	assert_int_equal(refuse(DOMAIN "id = 2\n" PEER LAGS, 7, 8), 1);
	assert_non_null(strstr(said, "F:4: [domain] id: "));
	assert_non_null(strstr(said, "put back 1\n"));
	assert_int_equal(refuse("[domain]\nsystem-mac = 44:38:39:ff:00:02\nid = 3\nbridge = br1\n"
				"[peer]\nlink = other\nlocal = 10.0.0.1\nremote = 10.0.0.2\n"
				"security = none\n",
				7, 8),
			 4);
	assert_non_null(strstr(said, "F:4: [domain] bridge: br1 is another device"));
	assert_non_null(strstr(said, "F:6: [peer] link: other is another device"));
}

static void test_a_device_that_was_renamed_or_is_not_there_may_be_named_anew(void **state)
{
	static const char renamed[] =
		"[domain]\nsystem-mac = 44:38:39:ff:00:01\nbridge = renamed\n" PEER;
	static const char link[] = DOMAIN
		"[peer]\nlink = other\nlocal = 10.0.0.1\nremote = 10.0.0.2\n"
		"security = none\n";

	(void)state;
	assert_int_equal(refuse(renamed, 7, 8), 0);
	assert_int_equal(refuse(renamed, 6, 8), 1);
	assert_int_equal(refuse(link, 7, 0), 0);
	assert_int_equal(refuse(link, 7, 8), 1);
	assert_true(changes.devices);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_file_changes_nothing),
		cmocka_unit_test(test_comments_order_of_lags_and_line_numbers_are_no_change),
		cmocka_unit_test(test_each_key_concerns_its_part_and_no_other),
		cmocka_unit_test(test_last_resort_and_backup_are_told_to_the_engine_too),
		cmocka_unit_test(test_lags_come_go_and_change_hands),
		cmocka_unit_test(test_what_cannot_change_is_refused_by_file_line_key_and_remedy),
		cmocka_unit_test(test_a_device_that_was_renamed_or_is_not_there_may_be_named_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
