// SPDX-License-Identifier: BSD-2-Clause
/*
 * Attaching by tcx links: they outlive who made them by their pins, are replaced in their place,
 * and are missed when somebody takes them away; programs of others are left alone; and of the two
 * ways to attach only one is ever in use.  Skipped where the kernel has no tcx (before 6.6), or
 * there is no bpffs.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "aid.skel.h"
#include "datapath/attach.h"
#include "datapath/datapath.h"
#include "datapath/pins.h"
#include "datapath/tcx.h"
#include "wire.h"

#define DOMAIN_ID 65534 /* a directory of pins of its own */
#define LAG 7
#define PAYLOAD 50
#define SOON_MS 1000
#define SILENCE_MS 30

static const enum bpf_attach_type TCX_EGRESS = 47;

static struct {
	struct datapath *dp;
	uint32_t bridge, leg, peer_link;
	int leg_far, peer_link_far;
	char pins[PINS_PATH_SIZE];
} lab;

static const uint8_t STRANGER[6] = {0x02, 0, 0, 0, 0, 0x0c}; /* behind PL */
static const uint8_t EVERYBODY[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static struct datapath *open_datapath(uint16_t domain_id)
{
	struct datapath_spec spec = {.sources_max = 16, .domain_id = domain_id, .log = on_log};
	struct mlag_domain domain = {.peer_link_ifindex = lab.peer_link};
	struct mlag_port leg = {
		.kind = MLAG_PORT_LEG,
		.gate = MLAG_GATE_OPEN,
		.lag_id = LAG,
		.isolated = {1},
	};
	struct datapath *dp;

	assert_int_equal(datapath_open(&dp, &spec), 0);
	assert_int_equal(datapath_set_domain(dp, &domain), 0);
	assert_int_equal(datapath_set_port(dp, lab.leg, &leg), 0);
	return dp;
}

/* R1: a flood from PL does not reach the leg. */
static bool is_isolated(void)
{
	struct wire_frame frame, received;
	const uint32_t no_tag = 0;

	while (wire_receive(lab.leg_far, SILENCE_MS, &received)) {
		continue;
	}
	wire_frame_make(&frame, EVERYBODY, STRANGER, &no_tag, 1, PAYLOAD);
	wire_send(lab.peer_link_far, &frame);
	return wire_receive(lab.leg_far, SILENCE_MS, &received) == 0;
}

static uint32_t tcx_program(enum attach_point point)
{
	uint32_t id = 0;

	assert_int_equal(tcx_query(NULL, lab.leg, point, &id), 0);
	return id;
}

static uint32_t clsact_program(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)lab.leg, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = DATAPATH_TC_HANDLE,
		    .priority = DATAPATH_TC_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

static uint32_t count_pins(void)
{
	DIR *directory = opendir(lab.pins);
	const struct dirent *entry;
	uint32_t count = 0;

	while (directory && (entry = readdir(directory))) {
		count += strncmp(entry->d_name, "tcx-", 4) == 0;
	}
	if (directory) {
		closedir(directory);
	}
	return count;
}

static void pin_path(const char *point, char ret[PINS_PATH_SIZE + 32])
{
	(void)snprintf(ret, PINS_PATH_SIZE + 32, "%s/tcx-%u-%s", lab.pins, lab.leg, point);
}

static bool is_intact(void)
{
	bool intact;

	assert_int_equal(datapath_verify(lab.dp, lab.leg, MLAG_PORT_LEG, &intact), 0);
	return intact;
}

static void test_programs_are_attached_by_links_that_are_pinned(void **state)
{
	(void)state;
	assert_true(is_isolated());
	assert_true(is_intact());
	assert_int_not_equal(tcx_program(ATTACH_EGRESS), 0);
	assert_int_not_equal(tcx_program(ATTACH_INGRESS), 0);
	assert_int_equal(clsact_program(), 0);
	assert_int_equal(count_pins(), 2);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(count_pins(), 0);
	assert_false(is_isolated());
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0); /* again */
}

static void test_links_outlive_the_daemon_and_are_replaced_in_place(void **state)
{
	char path[PINS_PATH_SIZE + 32];
	struct bpf_link_info before = {0}, after = {0};
	uint32_t size = sizeof(before);
	uint32_t old_id = tcx_program(ATTACH_EGRESS);
	int fd;

	(void)state;
	pin_path("egress", path);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &before, &size), 0);
	close(fd);
	datapath_close(lab.dp);
	assert_true(is_isolated());
	lab.dp = open_datapath(DOMAIN_ID);
	assert_false(is_intact());
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_intact());
	assert_int_not_equal(tcx_program(ATTACH_EGRESS), old_id);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &after, &size), 0);
	close(fd);
	assert_int_equal(after.id, before.id);
}

static void test_a_pin_that_is_removed_is_missed_and_made_again(void **state)
{
	char path[PINS_PATH_SIZE + 32];

	(void)state;
	pin_path("egress", path);
	assert_int_equal(unlink(path), 0);
	assert_false(is_intact());
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_intact());
	assert_true(is_isolated());
}

/*
 * R27: the program of the bridge itself reads but one map.  Its link is still held, as by a neighbour's
 * sweep, so the program does not go with the pin, and would be refused a second time for ever.
 */
static void test_R27_without_its_pin_is_known_all_the_same(void **state)
{
	char path[PINS_PATH_SIZE + 32];
	bool intact = false;
	int fd;

	(void)state;
	assert_int_equal(datapath_attach_svis(lab.dp, lab.bridge), 0);
	(void)snprintf(path, sizeof(path), "%s/tcx-%u-egress", lab.pins, lab.bridge);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(datapath_verify_svis(lab.dp, lab.bridge, &intact), 0);
	assert_false(intact);
	assert_int_equal(datapath_attach_svis(lab.dp, lab.bridge), 0);
	assert_int_equal(datapath_verify_svis(lab.dp, lab.bridge, &intact), 0);
	assert_true(intact);
	close(fd);
	assert_int_equal(datapath_detach(lab.dp, lab.bridge), 0);
}

static void test_a_link_that_is_detached_is_missed_and_made_again(void **state)
{
	char path[PINS_PATH_SIZE + 32];
	int fd;

	(void)state;
	pin_path("egress", path);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_link_detach(fd), 0);
	close(fd);
	assert_false(is_isolated());
	assert_false(is_intact());
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_intact());
	assert_true(is_isolated());
}

static void test_only_one_way_to_attach_is_in_use(void **state)
{
	struct datapath *by_clsact = open_datapath(0);

	(void)state;
	assert_int_equal(datapath_attach(by_clsact, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_not_equal(clsact_program(), 0);
	assert_int_equal(tcx_program(ATTACH_EGRESS), 0);
	assert_true(is_isolated());
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(clsact_program(), 0);
	assert_int_not_equal(tcx_program(ATTACH_EGRESS), 0);
	assert_true(is_isolated());
	datapath_close(by_clsact);
}

static void test_programs_of_others_are_left_alone(void **state)
{
	struct aid_bpf *aid = aid_bpf__open_and_load();
	uint32_t ids[8] = {0};
	uint32_t count = 8;
	int link;

	(void)state;
	assert_non_null(aid);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	link = bpf_link_create(bpf_program__fd(aid->progs.nothing_tc), (int)lab.leg, TCX_EGRESS,
			       NULL);
	assert_true(link >= 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_isolated());
	assert_int_equal(bpf_prog_query((int)lab.leg, TCX_EGRESS, 0, NULL, ids, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(ids[0], tcx_program(ATTACH_EGRESS)); /* ours before all others */
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	count = 8;
	assert_int_equal(bpf_prog_query((int)lab.leg, TCX_EGRESS, 0, NULL, ids, &count), 0);
	assert_int_equal(count, 1);
	close(link);
	aid_bpf__destroy(aid);
}

static void test_pins_of_a_port_that_is_gone_are_swept(void **state)
{
	uint32_t ifindex = wire_make_port("fleeting", "fleeting-far", lab.bridge);
	uint32_t before = count_pins();

	(void)state;
	assert_int_equal(datapath_attach(lab.dp, ifindex, MLAG_PORT_LEG), 0);
	assert_int_equal(count_pins(), before + 2);
	wire_delete("fleeting");
	datapath_close(lab.dp);
	lab.dp = open_datapath(DOMAIN_ID);
	assert_int_equal(count_pins(), before);
	assert_true(is_isolated());
}

/* A port with the number of one that is gone, whose pins are still there. */
static void test_a_pin_of_another_port_is_no_obstacle(void **state)
{
	char path[PINS_PATH_SIZE + 32];
	uint32_t other = wire_make_port("other", "other-far", lab.bridge);
	char other_path[PINS_PATH_SIZE + 32];
	int fd;

	(void)state;
	assert_int_equal(datapath_attach(lab.dp, other, MLAG_PORT_LEG), 0);
	pin_path("egress", path);
	(void)snprintf(other_path, sizeof(other_path), "%s/tcx-%u-egress", lab.pins, other);
	fd = bpf_obj_get(other_path);
	assert_true(fd >= 0);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_intact());
	assert_true(is_isolated());
	assert_int_equal(datapath_detach(lab.dp, other), 0);
	wire_delete("other");
}

/* The daemon of another network namespace sweeps while we have pinned nothing yet. */
static void test_a_directory_swept_by_another_is_made_again(void **state)
{
	char other[PINS_PATH_SIZE];

	(void)state;
	assert_int_equal(pins_open(DOMAIN_ID - 1, other), 0);
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	assert_int_equal(count_pins(), 0);
	tcx_sweep(other);
	assert_int_equal(rmdir(lab.pins), -1); /* it was empty: the sweep has taken it */
	assert_int_equal(errno, ENOENT);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_true(is_intact());
	pins_remove(other);
}

static void test_nothing_without_tcx(void **state)
{
	(void)state;
	skip();
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	lab.leg_far = wire_open("leg-far");
	lab.peer_link_far = wire_open("pl-far");
	wire_wait_forwarding(lab.peer_link_far, lab.leg_far);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(pins_open(DOMAIN_ID, lab.pins), 0); /* of this network namespace */
	lab.dp = open_datapath(DOMAIN_ID);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(datapath_detach(lab.dp, lab.leg), 0);
	datapath_close(lab.dp);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_programs_are_attached_by_links_that_are_pinned),
		test(test_links_outlive_the_daemon_and_are_replaced_in_place),
		test(test_a_pin_that_is_removed_is_missed_and_made_again),
		test(test_R27_without_its_pin_is_known_all_the_same),
		test(test_a_link_that_is_detached_is_missed_and_made_again),
		test(test_only_one_way_to_attach_is_in_use),
		test(test_programs_of_others_are_left_alone),
		test(test_pins_of_a_port_that_is_gone_are_swept),
		test(test_a_directory_swept_by_another_is_made_again),
		test(test_a_pin_of_another_port_is_no_obstacle),
	};

	const struct CMUnitTest none[] = {cmocka_unit_test(test_nothing_without_tcx)};

	if (!tcx_is_known() || pins_open(DOMAIN_ID, lab.pins) < 0) {
		return cmocka_run_group_tests(none, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
