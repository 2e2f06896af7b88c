// SPDX-License-Identifier: BSD-2-Clause
/*
 * The configuration: what a right file becomes, and that every wrong key, value, range and
 * duplicate is told on a line of its own, with file and line.
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

#include <arpa/inet.h>

#include "config.h"
#include "config_table.h"

#define DOMAIN "[domain]\nsystem-mac = 44:38:39:ff:00:01\nbridge = br0\n" /* lines 1 to 3 */
#define PEER \
	"[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\nsecurity = none\n" /* 4 to 8 */
#define BASE DOMAIN PEER

struct reports {
	char text[16384];
	size_t used;
	unsigned int errors;
	unsigned int warnings;
};

static struct config config;

static void record(void *user, enum config_severity severity, const char *text)
{
	struct reports *reports = user;
	int added = snprintf(reports->text + reports->used, sizeof(reports->text) - reports->used,
			     "%s\n", text);

	assert_null(strchr(text, '\n'));
	assert_in_range(added, 0, sizeof(reports->text) - reports->used - 1);
	reports->used += (size_t)added;
	reports->errors += severity == CONFIG_SEVERITY_ERROR;
	reports->warnings += severity == CONFIG_SEVERITY_WARNING;
}

static int parse(const char *text, struct reports *ret)
{
	unsigned int errors = 99;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = config_parse("F", text, strlen(text), &config, record, ret, &errors);
	assert_int_equal(errors, ret->errors);
	return r;
}

static void test_defaults_are_those_of_the_contract(void **state)
{
	struct reports reports;

	(void)state;
	assert_int_equal(parse(BASE, &reports), 0);
	assert_string_equal(reports.text, "");
	assert_memory_equal(config.system_mac.octets, "\x44\x38\x39\xff\x00\x01", 6);
	assert_int_equal(config.domain_id, 1);
	assert_int_equal(config.priority, 32768);
	assert_string_equal(config.bridge, "br0");
	assert_int_equal(config.datapath, CONFIG_DATAPATH_AUTO);
	assert_string_equal(config.link, "pl");
	assert_int_equal(config.port, 4796);
	assert_int_equal(config.security, CONFIG_SECURITY_PLAIN);
	assert_string_equal(config.key_file, "/etc/mlag/peer.key");
	assert_int_equal(config.backup_local.size, 0);
	assert_int_equal(config.hello_interval_ns, 100000000);
	assert_int_equal(config.dead_multiplier, 3);
	assert_true(config.restart_hold_ns == UINT64_C(30000000000));
	assert_true(config.startup_wait_ns == UINT64_C(30000000000));
	assert_false(config.last_resort);
	assert_true(config.hold_svis);
	assert_int_equal(config.lags_count, 0);
	assert_int_equal(config.bridge_line, 3);
	assert_int_equal(config.link_line, 5);
}

static void test_every_key_is_read(void **state)
{
	static const char text[] =
		"[domain]\nsystem-mac = 44:38:39:FF:00:01 ; c\nid = 65535\npriority = 0\n"
		"bridge = br0\ndatapath = tc\n"
		"[lag bond1] ; before [peer]\nid = 7\nbring-up = on\n[lag swp2]\nid = 1\n"
		"[peer]\nlink = pl\nlocal = fe80::1%lo\nremote = fe80::2%lo\nport = 1\n"
		"security = none\nkey-file = /k\nbackup-local = 192.0.2.11\n"
		"backup-remote = 192.0.2.12\nhello-interval = 1s\ndead-multiplier = 20\n"
		"restart-hold = 600s\nstartup-wait = 0s\nlast-resort = on\nhold-svis = off\n"
		"[gateway vlan10]\naddress = 10.0.10.1/24\naddress = fd00::1/64\n"
		"mac = 00:00:5e:00:01:0a";
	struct reports reports;
	struct sockaddr_in6 local;
	struct sockaddr_in backup;

	(void)state;
	assert_int_equal(parse(text, &reports), 0);
	assert_int_equal(config.domain_id, 65535);
	assert_int_equal(config.priority, 0);
	assert_int_equal(config.datapath, CONFIG_DATAPATH_TC);
	assert_int_equal(config.lags_count, 2);
	assert_string_equal(config.lags[0].ifname, "bond1");
	assert_int_equal(config.lags[0].id, 7);
	assert_int_equal(config.lags[0].line, 7);
	assert_true(config.lags[0].bring_up);
	assert_false(config.lags[1].bring_up);
	assert_ptr_equal(config_lag_by_id(&config, 1), &config.lags[1]);
	assert_null(config_lag_by_id(&config, 2));
	memcpy(&local, &config.local.storage, sizeof(local));
	assert_int_equal(config.local.size, sizeof(local));
	assert_int_equal(local.sin6_family, AF_INET6);
	assert_int_equal(local.sin6_port, htons(1));
	assert_int_equal(local.sin6_scope_id, if_nametoindex("lo"));
	assert_string_equal(config.local.scope, "lo");
	memcpy(&backup, &config.backup_remote.storage, sizeof(backup));
	assert_int_equal(backup.sin_addr.s_addr, htonl(0xc000020c));
	assert_int_equal(backup.sin_port, htons(1));
	assert_true(config.hello_interval_ns == UINT64_C(1000000000));
	assert_true(config.restart_hold_ns == UINT64_C(600000000000));
	assert_int_equal(config.startup_wait_ns, 0);
	assert_true(config.last_resort);
	assert_false(config.hold_svis);
	assert_int_equal(config.gateways_count, 1);
	assert_int_equal(config.gateways[0].addresses_count, 2);
	assert_int_equal(config.gateways[0].addresses[1].length, 64);
	assert_int_equal(config.gateways[0].mac.octets[5], 10);
	assert_int_equal(reports.warnings, 0);
}

/* A line that is put at line 4 of BASE ([domain]), or at line 9 (the end of [peer]). */
static const struct {
	bool domain;
	const char *line;
	const char *error; /* how the one error begins */
} wrong_lines[] = {
	{true, "id = 0",
	 "F:4: [domain] id: \"0\" is out of range; allowed: a number from 1 to 65535"},
	{true, "id = 65536", "F:4: [domain] id: \"65536\" is out of range; allowed: "},
	{true, "id = 18446744073709551617", "F:4: [domain] id: \"18446744073709551617\" is out of"},
	{true, "id = -1", "F:4: [domain] id: \"-1\" is not a number; allowed: "},
	{true, "id = 1x", "F:4: [domain] id: \"1x\" is not a number; allowed: "},
	{true, "id = 0x1", "F:4: [domain] id: \"0x1\" is not a number; allowed: "},
	{true, "id =", "F:4: [domain] id: \"\" is empty; allowed: "},
	{true, "id", "F:4: [domain]: not understood; allowed: "},
	{true, "priority = 65536",
	 "F:4: [domain] priority: \"65536\" is out of range; allowed: a "
	 "number from 0 to 65535"},
	{true, "datapath = ebpf",
	 "F:4: [domain] datapath: \"ebpf\" is not one of the words; allowed: "
	 "auto, tc or xdp"},
	{true, "datapath = TC", "F:4: [domain] datapath: \"TC\" is not one of the words"},
	{true, "bridge = br1",
	 "F:4: [domain] bridge: is there twice, first in line 3; allowed: once"},
	{true, "link = pl", "F:4: [domain] link: is not a key; allowed: system-mac, id, "},
	{true, "Id = 1", "F:4: [domain]: not a key; allowed before '=': lower-case"},
	{false, "port = 0",
	 "F:9: [peer] port: \"0\" is out of range; allowed: a number from 1 to "},
	{false, "security = none", "F:9: [peer] security: is there twice, first in line 8"},
	{false, "key-file = peer.key",
	 "F:9: [peer] key-file: \"peer.key\" is not an absolute path"},
	{false, "hello-interval = 49ms",
	 "F:9: [peer] hello-interval: \"49ms\" is out of range; "
	 "allowed: a duration in ms or s from 50ms to 1s"},
	{false, "hello-interval = 1001ms",
	 "F:9: [peer] hello-interval: \"1001ms\" is out of range"},
	{false, "hello-interval = 100",
	 "F:9: [peer] hello-interval: \"100\" has no unit; allowed: "},
	{false, "hello-interval = 100us",
	 "F:9: [peer] hello-interval: \"100us\" has an unknown unit"},
	{false, "hello-interval = 100 ms",
	 "F:9: [peer] hello-interval: \"100 ms\" has an unknown "},
	{false, "hello-interval = ms", "F:9: [peer] hello-interval: \"ms\" is not a duration"},
	{false, "hello-interval = 18446744073709551615s", "F:9: [peer] hello-interval: "},
	{false, "dead-multiplier = 1",
	 "F:9: [peer] dead-multiplier: \"1\" is out of range; allowed: a "
	 "number from 2 to 20"},
	{false, "dead-multiplier = 21", "F:9: [peer] dead-multiplier: \"21\" is out of range"},
	{false, "restart-hold = 999ms",
	 "F:9: [peer] restart-hold: \"999ms\" is out of range; allowed: "
	 "a duration in ms or s from 1s to 600s"},
	{false, "restart-hold = 601s", "F:9: [peer] restart-hold: \"601s\" is out of range"},
	{false, "startup-wait = 3601s",
	 "F:9: [peer] startup-wait: \"3601s\" is out of range; allowed: "
	 "a duration in ms or s from 0s to 3600s"},
	{false, "last-resort = yes",
	 "F:9: [peer] last-resort: \"yes\" is not one of the words; "
	 "allowed: on or off"},
	{false, "backup-local = 192.0.2.1",
	 "F:9: [peer] backup-local: is there without backup-remote"},
	{false, "backup-remote = 192.0.2.1", "F:9: [peer] backup-remote: is there without backup-"},
	{false, "backup-local = 192.0.2.1\nbackup-remote = 192.0.2.1",
	 "F:10: [peer] backup-remote: is the same address as backup-local; allowed: "},
	{false, "backup-local = 192.0.2.1\nbackup-remote = fd00::1",
	 "F:10: [peer] backup-remote: is not of the family of backup-local; allowed: "},
	{false, "backup-local = fe80::1%lo\nbackup-remote = fe80::2%eth0",
	 "F:10: [peer] backup-remote: is not on the device of backup-local; allowed: "},
	{false, "backup-local = 10.0.0.1\nbackup-remote = 10.0.0.2",
	 "F:10: [peer] backup-remote: makes the backup path the session's own"},
	{false, "bogus = 1",
	 "F:9: [peer] bogus: is not a key; allowed: link, local, remote, port, "
	 "security, key-file, backup-local, backup-remote, hello-interval, "
	 "dead-multiplier, restart-hold, startup-wait, last-resort, hold-svis"},
	{false, "[bogus]\nx = 1",
	 "F:9: [bogus]: is not a section; allowed: domain, peer, lag, gateway"},
	{false, "[domain]", "F:9: [domain]: is there twice, first in line 1; allowed: once"},
	{false, "[peer]", "F:9: [peer]: is there twice, first in line 4; allowed: once"},
	{false, "[domain x]", "F:9: [domain x]: has a word too many; allowed: [domain]"},
	{false, "[lag]\nid = 1", "F:9: [lag]: is not named after a device; allowed: [lag DEVICE]"},
	{false, "[lag a/b]\nid = 1", "F:9: [lag a/b]: is not named after a device"},
	{false, "[lag a123456789012345]\nid = 1",
	 "F:9: [lag a123456789012345]: is not named after"},
	{false, "[lag bond1", "F:9: not a section; allowed: [name] or [name device]"},
	{false, "[lag bond1]",
	 "F:9: [lag bond1] id: is missing and has no default; allowed: a number "
	 "from 1 to 65535"},
	{false, "[lag bond1]\nid = 0", "F:10: [lag bond1] id: \"0\" is out of range; allowed: "},
	{false, "[lag bond1]\nid = 1\nid = 2",
	 "F:11: [lag bond1] id: is there twice, first in line 10"},
	{false, "[lag bond1]\nid = 1\n[lag bond1]\nid = 2",
	 "F:11: [lag bond1]: is there twice, first "
	 "in line 9; allowed: once"},
	{false, "[lag bond1]\nid = 1\n[lag bond2]\nid = 1",
	 "F:12: [lag bond2] id: 1 is also the id of [lag bond1] in line 10; allowed: a number of its "},
	{false, "[lag pl]\nid = 1", "F:9: [lag pl]: is the peer link ([peer] link); allowed: "},
	{false, "[lag br0]\nid = 1", "F:9: [lag br0]: is the bridge ([domain] bridge); allowed: "},
	{false, "[gateway v]\naddress = 10.0.0.1/24",
	 "F:9: [gateway v] mac: is missing and has no "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01",
	 "F:9: [gateway v] address: is missing and "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.1",
	 "F:11: [gateway v] address: \"10.0.0.1\" has no prefix length; allowed: "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.1/33",
	 "F:11: [gateway v] address: \"10.0.0.1/33\" has a prefix length out of range; allowed: "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = fd00::1/0",
	 "F:11: [gateway v] address: \"fd00::1/0\" has a prefix length out of range; allowed: "},
	{false,
	 "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.1/24\naddress = 10.0.0.1/16",
	 "F:12: [gateway v] address: is there twice; allowed: each address once"},
	{false, "[gateway v]\nmac = 33:33:00:00:00:01\naddress = 10.0.0.1/24",
	 "F:10: [gateway v] mac: \"33:33:00:00:00:01\" is a group address (multicast bit); allowed: "},
	{false, "[gateway v]\nmac = 44:38:39:ff:00:01\naddress = 10.0.0.1/24",
	 "F:9: [gateway v]: its mac is the pair's LACP id ([domain] system-mac); allowed: "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.0/24",
	 "F:11: [gateway v] address: \"10.0.0.0/24\" is the address of the network itself; allowed: "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.255/24",
	 "F:11: [gateway v] address: \"10.0.0.255/24\" is the broadcast address of its network; all"},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 127.0.0.1/8",
	 "F:11: [gateway v] address: \"127.0.0.1/8\" is a loopback address; allowed: "},
	{false, "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = ::1/128",
	 "F:11: [gateway v] address: \"::1/128\" is "},
	{false,
	 "[gateway v-gw]\nmac = 00:00:5e:00:01:01\naddress = 10.0.1.1/24\n"
	 "[gateway v]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.1/24",
	 "F:12: [gateway v]: its device would be named v-gw, which is also that of [gateway v-gw] in "},
	{false, "[gateway pl]\nmac = 00:00:5e:00:01:01\naddress = 10.0.0.1/24",
	 "F:9: [gateway pl]: is a port of the bridge; allowed: an SVI"},
};

static void test_each_wrong_line_is_one_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_lines) / sizeof(wrong_lines[0]); i++) {
		const char *line = wrong_lines[i].line;
		struct reports reports;
		char text[2048];

		snprintf(text, sizeof(text), DOMAIN "%s%s" PEER "%s%s",
			 wrong_lines[i].domain ? line : "", wrong_lines[i].domain ? "\n" : "",
			 wrong_lines[i].domain ? "" : line, wrong_lines[i].domain ? "" : "\n");
		assert_int_equal(parse(text, &reports), -EINVAL);
		if (reports.errors != 1 || strncmp(reports.text, wrong_lines[i].error,
						   strlen(wrong_lines[i].error)) != 0) {
			fail_msg("%s: expected \"%s\", got %u errors:\n%s", line,
				 wrong_lines[i].error, reports.errors, reports.text);
		}
	}
}

/* Values of [domain] system-mac and of the two addresses; NULL where the other one is right. */
static const struct {
	const char *system_mac;
	const char *local;
	const char *remote;
	const char *error;
} wrong_values[] = {
	{"00:00:00:00:00:00", NULL, NULL,
	 "F:2: [domain] system-mac: \"00:00:00:00:00:00\" is the zero"},
	{"01:80:c2:00:00:00", NULL, NULL,
	 "F:2: [domain] system-mac: \"01:80:c2:00:00:00\" is a group"},
	{"ff:ff:ff:ff:ff:ff", NULL, NULL,
	 "F:2: [domain] system-mac: \"ff:ff:ff:ff:ff:ff\" is a group"},
	{"44:38:39:ff:00", NULL, NULL, "F:2: [domain] system-mac: \"44:38:39:ff:00\" is not a MAC"},
	{"44-38-39-ff-00-01", NULL, NULL,
	 "F:2: [domain] system-mac: \"44-38-39-ff-00-01\" is not a"},
	{"44:38:39:ff:00:0g", NULL, NULL,
	 "F:2: [domain] system-mac: \"44:38:39:ff:00:0g\" is not a"},
	{NULL, "10.0.0.2", NULL, "F:7: [peer] remote: is the same address as local; allowed: "},
	{NULL, "fd00::1", NULL, "F:7: [peer] remote: is not of the family of local; allowed: both"},
	{NULL, "10.0.0", NULL,
	 "F:6: [peer] local: \"10.0.0\" is not an address; allowed: a unicast"},
	{NULL, "peer.example", NULL, "F:6: [peer] local: \"peer.example\" is not an address"},
	{NULL, "0.0.0.0", NULL, "F:6: [peer] local: \"0.0.0.0\" is the unspecified address"},
	{NULL, "224.0.0.1", NULL, "F:6: [peer] local: \"224.0.0.1\" is a multicast address"},
	{NULL, "10.0.0.1%eth0", NULL,
	 "F:6: [peer] local: \"10.0.0.1%eth0\" has a device after '%'"},
	{NULL, NULL, "255.255.255.255",
	 "F:7: [peer] remote: \"255.255.255.255\" is a broadcast or"},
	{NULL, NULL, "::", "F:7: [peer] remote: \"::\" is the unspecified address"},
	{NULL, NULL, "ff02::1", "F:7: [peer] remote: \"ff02::1\" is a multicast address"},
	{NULL, NULL, "::ffff:10.0.0.2",
	 "F:7: [peer] remote: \"::ffff:10.0.0.2\" is an IPv4 address in"},
	{NULL, NULL, "fe80::1",
	 "F:7: [peer] remote: \"fe80::1\" is link-local and needs its device"},
	{NULL, NULL, "fe80::1%", "F:7: [peer] remote: \"fe80::1%\" has no valid device after '%'"},
	{NULL, "fe80::1%lo", "fe80::2%eth0",
	 "F:7: [peer] remote: is not on the device of local; allowed: the same after '%', or none"},
	{NULL, "fe80::1%lo", "fe80::1%eth0", "F:7: [peer] remote: is not on the device of local"},
	{NULL, "fd00::1", "fe80::2%lo", "F:7: [peer] remote: is not on the device of local"},
	{NULL, NULL, "10.0.0.2:4796", "F:7: [peer] remote: \"10.0.0.2:4796\" is not an address"},
};

static void test_each_wrong_value_is_one_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_values) / sizeof(wrong_values[0]); i++) {
		const char *mac = wrong_values[i].system_mac;
		const char *local = wrong_values[i].local;
		const char *remote = wrong_values[i].remote;
		struct reports reports;
		char text[1024];

		snprintf(text, sizeof(text),
			 "[domain]\nsystem-mac = %s\nbridge = br0\n[peer]\nlink = pl\nlocal = %s\n"
			 "remote = %s\nsecurity = none\n",
			 mac != NULL ? mac : "44:38:39:ff:00:01",
			 local != NULL ? local : "10.0.0.1", remote != NULL ? remote : "10.0.0.2");
		assert_int_equal(parse(text, &reports), -EINVAL);
		if (reports.errors != 1 || strncmp(reports.text, wrong_values[i].error,
						   strlen(wrong_values[i].error)) != 0) {
			fail_msg("expected \"%s\", got %u errors:\n%s", wrong_values[i].error,
				 reports.errors, reports.text);
		}
	}
}

static void test_missing_keys_name_the_line_of_their_section(void **state)
{
	struct reports reports;

	(void)state;
	assert_int_equal(parse("; nothing\n[domain]\n\n[peer]\n", &reports), -EINVAL);
	assert_int_equal(reports.errors, 5);
	assert_non_null(strstr(reports.text, "F:2: [domain] system-mac: is missing and has no "));
	assert_non_null(strstr(reports.text, "F:2: [domain] bridge: is missing and has no "));
	assert_non_null(strstr(reports.text, "F:4: [peer] link: is missing and has no "));
	assert_non_null(strstr(reports.text, "F:4: [peer] local: is missing and has no "));
	assert_non_null(strstr(reports.text, "F:4: [peer] remote: is missing and has no "));
	/* A section that is not there at all: the last line. */
	assert_int_equal(parse(DOMAIN "\n\n", &reports), -EINVAL);
	assert_non_null(strstr(reports.text, "F:5: [peer] link: is missing and has no "));
	assert_int_equal(parse("", &reports), -EINVAL);
	assert_int_equal(reports.errors, 5);
	assert_non_null(strstr(reports.text, "F:1: [domain] bridge: is missing and has no "));
}

static void test_psk_is_the_default(void **state)
{
	static const char peer[] = "[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\n";
	struct reports reports;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), DOMAIN "%s", peer);
	assert_int_equal(parse(text, &reports), 0);
	assert_int_equal(config.security, CONFIG_SECURITY_PSK);
	assert_string_equal(config.key_file, "/etc/mlag/peer.key");
	assert_int_equal(config.key_file_line, 4); /* its section */
	snprintf(text, sizeof(text), DOMAIN "%ssecurity = tls\n", peer);
	assert_int_equal(parse(text, &reports), -EINVAL);
	assert_non_null(strstr(reports.text, "allowed: psk or none"));
}

static void test_all_errors_come_in_one_pass(void **state)
{
	struct reports reports;

	(void)state;
	assert_int_equal(parse("stray = 1\n" DOMAIN "id = 0\nbogus = 1\n" PEER "port = x\n"
			       "remote = 10.0.0.1\nlast-resort = 1\n[lag pl]\nid = x\n[what]\n",
			       &reports),
			 -EINVAL);
	assert_int_equal(reports.errors, 9);
	assert_non_null(strstr(reports.text, "F:1: the key \"stray\" is in no section"));
	assert_non_null(strstr(reports.text, "F:15: [lag pl]: is the peer link"));
	assert_non_null(strstr(reports.text, "F:17: [what]: is not a section"));
}

static void test_a_wrong_file_leaves_the_result_alone(void **state)
{
	struct reports reports;

	(void)state;
	assert_int_equal(parse(BASE, &reports), 0);
	assert_int_equal(parse("[domain]\nbridge = br9\n", &reports), -EINVAL);
	assert_string_equal(config.bridge, "br0");
}

static void test_messages_hold_no_control_characters(void **state)
{
	struct reports reports;

	(void)state;
	assert_int_equal(parse(BASE "port = \x1b[2J\xff\n", &reports), -EINVAL);
	assert_null(strchr(reports.text, '\x1b'));
	assert_null(strchr(reports.text, '\xff'));
}

static void test_too_many_sections(void **state)
{
	size_t size = 64 * 1024, used;
	char *text = calloc(1, size);
	struct reports reports;

	(void)state;
	assert_non_null(text);
	used = (size_t)snprintf(text, size, "%s", BASE);
	for (int i = 0; i <= MLAG_LEGS_MAX; i++) {
		used += (size_t)snprintf(text + used, size - used, "[lag l%d]\nid = %d\n", i,
					 i + 1);
	}
	assert_int_equal(parse(text, &reports), -EINVAL);
	assert_int_equal(reports.errors, 1);
	assert_non_null(strstr(reports.text, "[lag l256]: is one too many; allowed: 256"));
	free(text);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_missing_devices_are_warnings(void **state)
{
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path);
	struct reports reports = {0};
	unsigned int errors = 99;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "[domain]\nsystem-mac = 44:38:39:ff:00:01\nbridge = no-br\n"
			 "[peer]\nlink = lo\nlocal = 10.0.0.1\nremote = 10.0.0.2\nsecurity = none\n"
			 "[lag no-bond]\nid = 1\n");
	assert_int_equal(config_load(path, &config, record, &reports, &errors), 0);
	assert_int_equal(errors, 0);
	assert_int_equal(reports.warnings, 2);
	assert_non_null(
		strstr(reports.text, ":3: warning: [domain] bridge: device no-br does not "));
	assert_non_null(
		strstr(reports.text, ":9: warning: [lag no-bond]: device no-bond does not "));
	assert_int_equal(config_check(path), 0);
	write_file(path, "[domain]\n");
	assert_int_equal(config_check(path), 1);
	unlink(path);
	assert_int_equal(config_check(path), 1);
	assert_int_equal(config_load(path, &config, record, &reports, &errors), -ENOENT);
	assert_int_equal(errors, 1);
	assert_int_equal(config_load("/", &config, NULL, NULL, NULL), -EISDIR);
}

static void test_the_key_must_be_there_and_be_nobody_elses(void **state)
{
	char path[] = "/tmp/test_config.XXXXXX", key_path[] = "/tmp/test_config_key.XXXXXX";
	int fd = mkstemp(path), key_fd = mkstemp(key_path);
	static const struct tls_key none;
	struct reports reports = {0};
	unsigned int errors = 99;
	char text[512];

	(void)state;
	assert_true(fd >= 0 && key_fd >= 0);
	close(fd);
	close(key_fd);
	snprintf(text, sizeof(text),
		 "[domain]\nsystem-mac = 44:38:39:ff:00:01\nbridge = lo\n"
		 "[peer]\nlink = pl\nlocal = 10.0.0.1\nremote = 10.0.0.2\nkey-file = %s\n",
		 key_path);
	write_file(path, text);
	memset(&config, 0, sizeof(config));
	assert_int_equal(config_load(path, &config, record, &reports, &errors), -EINVAL);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(reports.text, ":8: [peer] key-file: /tmp/test_config_key."));
	assert_non_null(
		strstr(reports.text, "there is no key in it; allowed: what 'mlagctl genkey'"));
	assert_string_equal(config.bridge, ""); /* untouched */
	write_file(
		key_path,
		"# of the pair\n000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	assert_int_equal(config_load(path, &config, record, &reports, &errors), 0);
	assert_int_equal(config.key.octets[31], 31);
	assert_int_equal(config_check(path), 0);
	assert_int_equal(chmod(key_path, 0640), 0);
	assert_int_equal(config_load(path, &config, record, &reports, &errors), -EINVAL);
	assert_non_null(strstr(reports.text, "others may read or write it (mode 0640)"));
	assert_int_equal(config_check(path), 1);
	unlink(key_path);
	assert_int_equal(config_load(path, &config, record, &reports, &errors), -EINVAL);
	assert_non_null(strstr(reports.text, "No such file or directory; allowed: what 'mlagctl "));
	/* Without it no key is looked for. */
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "security = none\n");
	write_file(path, text);
	assert_int_equal(config_load(path, &config, record, &reports, &errors), 0);
	assert_memory_equal(&config.key, &none, sizeof(none));
	unlink(path);
}

static void test_the_table_is_sane(void **state)
{
	static union {
		struct config config;
		struct config_lag lag;
		struct config_gateway gateway;
	} target;

	(void)state;
	for (uint32_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];
		char allowed[CONFIG_ALLOWED_SIZE] = "";

		assert_true(key->section > CONFIG_SECTION_NONE &&
			    key->section < CONFIG_SECTIONS_COUNT);
		assert_true(key->type != CONFIG_TYPE_NONE);
		assert_false(key->required && key->fallback != NULL);
		assert_non_null(key->help);
		config_key_allowed(key, allowed);
		assert_true(strlen(allowed) > 0);
		/* A default is a value that may stand in the file. */
		if (key->fallback != NULL) {
			assert_null(config_value_parse(key, key->fallback,
						       (char *)&target + key->offset));
		}
		for (uint32_t j = 0; j < i; j++) {
			assert_false(config_keys[j].section == key->section &&
				     strcmp(config_keys[j].name, key->name) == 0);
		}
	}
}

/* Reads a file of the source tree; the test runs in its root. */
static char *read_source(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(text);
	if (file == NULL) {
		free(text);
		return NULL;
	}
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void test_the_manual_has_the_table(void **state)
{
	char *manual = read_source("man/mlagd.conf.5.scd");
	char *reference = NULL;
	size_t size = 0;
	FILE *stream;

	(void)state;
	if (manual == NULL) {
		skip();
	}
	stream = open_memstream(&reference, &size);
	assert_non_null(stream);
	config_print_reference(stream);
	assert_int_equal(fclose(stream), 0);
	if (strstr(manual, reference) == NULL) {
		fail_msg("man/mlagd.conf.5.scd lacks the table as it is:\n%s", reference);
	}
	free(reference);
	free(manual);
}

static void test_the_example_is_right(void **state)
{
	char *example = read_source("systemd/mlagd.conf");
	struct reports reports;

	(void)state;
	if (example == NULL) {
		skip();
	}
	assert_int_equal(parse(example, &reports), 0);
	assert_string_equal(reports.text, "");
	free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_those_of_the_contract),
		cmocka_unit_test(test_every_key_is_read),
		cmocka_unit_test(test_each_wrong_line_is_one_error),
		cmocka_unit_test(test_each_wrong_value_is_one_error),
		cmocka_unit_test(test_missing_keys_name_the_line_of_their_section),
		cmocka_unit_test(test_psk_is_the_default),
		cmocka_unit_test(test_all_errors_come_in_one_pass),
		cmocka_unit_test(test_a_wrong_file_leaves_the_result_alone),
		cmocka_unit_test(test_messages_hold_no_control_characters),
		cmocka_unit_test(test_too_many_sections),
		cmocka_unit_test(test_missing_devices_are_warnings),
		cmocka_unit_test(test_the_key_must_be_there_and_be_nobody_elses),
		cmocka_unit_test(test_the_table_is_sane),
		cmocka_unit_test(test_the_manual_has_the_table),
		cmocka_unit_test(test_the_example_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
