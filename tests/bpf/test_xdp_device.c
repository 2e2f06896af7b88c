// SPDX-License-Identifier: BSD-2-Clause
/*
 * How XDP gets to a device and away from it: what is ours and what is somebody else's, never the
 * kernel's generic XDP, and what devices say they can do.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "aid.skel.h"
#include "datapath/datapath.h"
#include "datapath/device.h"
#include "wire.h"

static struct {
	struct datapath *dp;
	uint32_t bridge, leg, peer_link;
} lab;

static void on_log(void *user, const char *text)
{
	(void)user;
	print_message("log: %s\n", text);
}

static void test_somebody_elses_program_is_left_alone(void **state)
{
	struct aid_bpf *aid = aid_bpf__open_and_load();
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char reason[XDP_REASON_SIZE];
	bool intact = true;
	uint32_t id;

	(void)state;
	assert_non_null(aid);
	assert_int_equal(datapath_detach_xdp(lab.dp, lab.leg), 0);
	assert_int_equal(bpf_xdp_attach((int)lab.leg, bpf_program__fd(aid->progs.nothing_xdp),
					XDP_FLAGS_DRV_MODE, NULL),
			 0);
	assert_int_equal(bpf_xdp_query((int)lab.leg, 0, &query), 0);
	id = query.drv_prog_id;
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.leg, reason), -EBUSY);
	assert_true(reason[0] != '\0');
	assert_int_equal(datapath_verify_xdp(lab.dp, lab.leg, &intact), 0);
	assert_false(intact);
	assert_int_equal(datapath_detach_xdp(lab.dp, lab.leg), 0);
	assert_int_equal(bpf_xdp_query((int)lab.leg, 0, &query), 0);
	assert_int_equal(query.drv_prog_id, id);
	assert_int_equal(bpf_xdp_attach((int)lab.leg, -1, XDP_FLAGS_DRV_MODE, NULL), 0);
	aid_bpf__destroy(aid);
}

static void test_generic_xdp_is_never_used(void **state)
{
	char reason[XDP_REASON_SIZE];

	(void)state;
	/* A bridge has no XDP of its own; the kernel would offer the generic one. */
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.bridge, reason), -EOPNOTSUPP);
	assert_true(reason[0] != '\0');
}

static void test_a_new_program_takes_the_place_of_ours(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	struct datapath *next;
	char reason[XDP_REASON_SIZE];
	bool intact;

	(void)state;
	assert_int_equal(datapath_open(&next, &spec), 0);
	assert_int_equal(datapath_verify_xdp(next, lab.leg, &intact), 0);
	assert_false(intact);
	assert_int_equal(datapath_attach_xdp(next, lab.leg, reason), 0);
	assert_int_equal(datapath_verify_xdp(next, lab.leg, &intact), 0);
	assert_true(intact);
	datapath_close(next);
	assert_int_equal(datapath_verify_xdp(lab.dp, lab.leg, &intact), 0);
	assert_false(intact);
}

static void test_features_of_devices(void **state)
{
	uint64_t features = 0;
	bool strips = false;
	int error = device_xdp_features(lab.peer_link, &features);

	(void)state;
	assert_int_equal(device_strips_tags(lab.leg, &strips), 0);
	assert_true(strips);
	wire_set_feature("leg", WIRE_NO_TAGS, true);
	assert_int_equal(device_strips_tags(lab.leg, &strips), 0);
	assert_false(strips);
	wire_set_feature("leg", WIRE_NO_TAGS, false);
	assert_int_equal(device_strips_tags(99999, &strips), -ENODEV);
	if (error == -EOPNOTSUPP) {
		skip(); /* before Linux 6.3 */
	}
	assert_int_equal(error, 0);
	assert_true(features & DEVICE_XDP_BASIC);
	assert_true(features & DEVICE_XDP_REDIRECT);
	assert_true(features & DEVICE_XDP_TRANSMIT);
	wire_set_feature("pl-far", WIRE_GRO, false);
	assert_int_equal(device_xdp_features(lab.peer_link, &features), 0);
	assert_false(features & DEVICE_XDP_TRANSMIT);
	wire_set_feature("pl-far", WIRE_GRO, true);
	assert_int_equal(device_xdp_features(lab.bridge, &features), 0);
	assert_false(features & DEVICE_XDP_BASIC);
	assert_int_equal(device_xdp_features(99999, &features), -ENODEV);
}

static int set_up_network(void **state)
{
	(void)state;
	wire_enter_namespace();
	lab.bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", lab.bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", lab.bridge);
	wire_set_feature("pl-far", WIRE_GRO, true);
	return 0;
}

static int set_up(void **state)
{
	struct datapath_spec spec = {.sources_max = 16, .log = on_log};
	char reason[XDP_REASON_SIZE];

	(void)state;
	assert_int_equal(datapath_open(&lab.dp, &spec), 0);
	assert_int_equal(datapath_attach(lab.dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach_xdp(lab.dp, lab.leg, reason), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(datapath_detach_all(lab.dp), 0);
	datapath_close(lab.dp);
	return 0;
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_somebody_elses_program_is_left_alone),
		test(test_generic_xdp_is_never_used),
		test(test_a_new_program_takes_the_place_of_ours),
		test(test_features_of_devices),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
