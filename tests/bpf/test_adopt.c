/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one data plane leaves in the kernel and the next one finds: by the programs that are attached,
 * by the pins, whole or copied, and when it must not be believed.  A namespace and a bpffs of the
 * test's own.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "datapath/datapath.h"
#include "datapath/pins.h"
#include "datapath/trial.h"
#include "wire.h"

#define DOMAIN_ID 7
#define SOURCES_MAX 256
#define MANY 131072 /* MACs, the most by default */

static struct {
	uint32_t leg, peer_link;
	uint32_t other; /* a port of another domain in this namespace */
	uint32_t asked; /* how often somebody was asked to accept a state */
	uint8_t wanted; /* first octet of a state that is accepted */
	uint32_t log_lines;
	uint32_t rows;	     /* of the last walk */
	uint64_t lag_ids;    /* their sum */
	uint32_t generation; /* of the leg in the last walk over ports */
} lab;

static void on_log(void *user, const char *text)
{
	(void)user;
	lab.log_lines++;
	print_message("log: %s\n", text);
}

static bool on_adopt(void *user, const struct mlag_state *state)
{
	assert_ptr_equal(user, &lab);
	lab.asked++;
	return state->size == 1 && state->bytes[0] == lab.wanted;
}

/* Open one that takes over what it finds; @domain_id 0 for no pins. */
static struct datapath *open_next(uint32_t sources_max, uint16_t domain_id)
{
	struct datapath_spec spec = {
		.sources_max = sources_max,
		.domain_id = domain_id,
		.adopt = on_adopt,
		.log = on_log,
		.user = &lab,
	};
	struct datapath *dp;

	lab.asked = 0;
	lab.log_lines = 0;
	assert_int_equal(datapath_open(&dp, &spec), 0);
	return dp;
}

static void set_source(struct datapath *dp, uint32_t number, uint16_t lag_id)
{
	struct mlag_source_key key = {.vlan = 10};
	struct mlag_source source = {.lag_id = lag_id, .known = 1, .own_seq = number + 1};

	memcpy(key.mac, &number, sizeof(number));
	assert_int_equal(datapath_set_source(dp, &key, &source), 0);
}

static void fill(struct datapath *dp)
{
	struct mlag_domain domain = {.peer_link_ifindex = lab.peer_link, .route_for_peer = 1};
	struct mlag_port port = {.kind = MLAG_PORT_LEG, .gate = MLAG_GATE_OPEN, .lag_id = 3};
	struct mlag_router_key router_key = {.vlan = 10, .mac = {2}};
	struct mlag_router router = {.owner = MLAG_OWNER_PEER, .own_ifindex = 9};
	struct mlag_address address = {.family = 4, .octets = {10, 0, 0, 1}};
	struct mlag_state state = {.size = 1, .bytes = {lab.wanted}};

	port.memory.generation = 77;
	assert_int_equal(datapath_set_domain(dp, &domain), 0);
	assert_int_equal(datapath_set_port(dp, lab.leg, &port), 0);
	assert_int_equal(datapath_set_router(dp, &router_key, &router), 0);
	assert_int_equal(datapath_set_address(dp, &address, MLAG_OWNER_PEER), 0);
	assert_int_equal(datapath_set_state(dp, &state), 0);
	for (uint32_t i = 0; i < 100; i++) {
		set_source(dp, i, (uint16_t)i);
	}
}

static void attach(struct datapath *dp)
{
	assert_int_equal(datapath_attach(dp, lab.leg, MLAG_PORT_LEG), 0);
	assert_int_equal(datapath_attach(dp, lab.peer_link, MLAG_PORT_PEER_LINK), 0);
}

/* A daemon was here, and ended. */
static void leave_behind(uint16_t domain_id)
{
	struct datapath *dp = open_next(SOURCES_MAX, domain_id);

	fill(dp);
	attach(dp);
	datapath_close(dp);
}

static void on_source(void *user, const void *key, const void *value)
{
	const struct mlag_source *source = value;

	(void)user;
	(void)key;
	lab.rows++;
	lab.lag_ids += source->lag_id;
}

static void on_port(void *user, const void *key, const void *value)
{
	const struct mlag_port *port = value;

	(void)user;
	(void)key;
	lab.rows++;
	lab.generation = port->memory.generation;
}

static void on_row(void *user, const void *key, const void *value)
{
	(void)user;
	(void)key;
	(void)value;
	lab.rows++;
}

static uint32_t count(const struct datapath *dp, enum datapath_map map,
		      void (*on)(void *user, const void *key, const void *value))
{
	lab.rows = 0;
	lab.lag_ids = 0;
	assert_int_equal(datapath_walk(dp, map, on, NULL), 0);
	return lab.rows;
}

static void expect_everything(struct datapath *dp)
{
	struct mlag_domain domain;

	assert_true(datapath_is_adopted(dp));
	assert_int_equal(datapath_get_domain(dp, &domain), 0);
	assert_int_equal(domain.peer_link_ifindex, lab.peer_link);
	assert_int_equal(domain.route_for_peer, 1);
	assert_int_equal(count(dp, DATAPATH_MAP_PORTS, on_port), 1);
	assert_int_equal(lab.generation, 77);
	assert_int_equal(count(dp, DATAPATH_MAP_ROUTERS, on_row), 1);
	assert_int_equal(count(dp, DATAPATH_MAP_ADDRESSES, on_row), 1);
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), 100);
	assert_int_equal(lab.lag_ids, 99 * 100 / 2);
}

static void expect_nothing(struct datapath *dp)
{
	assert_false(datapath_is_adopted(dp));
	assert_int_equal(count(dp, DATAPATH_MAP_PORTS, on_port), 0);
	assert_int_equal(count(dp, DATAPATH_MAP_ROUTERS, on_row), 0);
	assert_int_equal(count(dp, DATAPATH_MAP_ADDRESSES, on_row), 0);
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), 0);
}

static bool is_attached_by(const struct datapath *dp)
{
	bool intact = false;

	assert_int_equal(datapath_verify(dp, lab.leg, MLAG_PORT_LEG, &intact), 0);
	return intact;
}

static void test_the_maps_of_attached_programs_are_used_on(void **state)
{
	struct datapath *dp;
	uint64_t frames;

	(void)state;
	leave_behind(0);
	for (uint32_t generation = 0; generation < 3; generation++) {
		dp = open_next(SOURCES_MAX, 0);
		assert_int_equal(lab.asked, 1);
		expect_everything(dp);
		/* Nothing at the ports has changed yet. */
		assert_false(is_attached_by(dp));
		assert_int_equal(datapath_leg_rx(dp, lab.leg, &frames), 0);
		attach(dp);
		assert_true(is_attached_by(dp));
		expect_everything(dp);
		datapath_close(dp);
	}
	assert_int_equal(lab.log_lines, 0);
}

static void test_one_attached_program_leads_to_what_it_uses(void **state)
{
	struct datapath *dp;

	(void)state;
	leave_behind(0);
	/* The peer link has the filter alone, which reads no routers. */
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(datapath_detach(dp, lab.leg), 0);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_true(datapath_is_adopted(dp));
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), 100);
	assert_int_equal(count(dp, DATAPATH_MAP_ROUTERS, on_row), 0);
	datapath_close(dp);
}

static void test_a_state_that_is_not_wanted_leaves_the_maps_empty(void **state)
{
	struct datapath *dp;

	(void)state;
	leave_behind(0);
	lab.wanted++;
	dp = open_next(SOURCES_MAX, 0);
	assert_true(lab.asked > 0);
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_an_empty_state_is_nobodys(void **state)
{
	struct datapath_spec spec = {.sources_max = SOURCES_MAX, .log = on_log};
	struct datapath *dp;

	(void)state;
	/* Programs of a daemon that died before it wrote anything down. */
	assert_int_equal(datapath_open(&dp, &spec), 0);
	attach(dp);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(lab.asked, 0);
	assert_string_equal(datapath_refused(dp), "it had written nothing down yet");
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_maps_of_another_size_are_copied(void **state)
{
	struct datapath *dp;

	(void)state;
	leave_behind(0);
	dp = open_next(2 * SOURCES_MAX, 0);
	expect_everything(dp);
	assert_int_equal(lab.log_lines, 0);
	/* The old programs read the old map still: what is written now is not for them. */
	set_source(dp, 1000, 1);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), 100);
	datapath_close(dp);
}

static void test_a_map_that_is_too_small_is_told(void **state)
{
	struct datapath *dp;

	(void)state;
	leave_behind(0);
	dp = open_next(50, 0);
	assert_true(datapath_is_adopted(dp));
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), 50);
	assert_int_equal(lab.log_lines, 1);
	datapath_close(dp);
}

static void test_pins_lead_to_the_maps_where_nothing_is_attached(void **state)
{
	struct datapath *dp;

	(void)state;
	leave_behind(DOMAIN_ID);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(datapath_detach(dp, lab.leg), 0);
	assert_int_equal(datapath_detach(dp, lab.peer_link), 0);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(lab.asked, 1);
	expect_everything(dp);
	datapath_close(dp);
	/* Those of another domain are another directory. */
	dp = open_next(SOURCES_MAX, DOMAIN_ID + 1);
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_pins_are_not_believed_while_other_programs_run(void **state)
{
	struct datapath_spec spec = {.sources_max = SOURCES_MAX, .log = on_log};
	struct datapath *dp;

	(void)state;
	leave_behind(DOMAIN_ID);
	assert_int_equal(datapath_open(&dp, &spec), 0);
	attach(dp);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(lab.asked, 0);
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_pins_of_another_namespace_are_not_believed(void **state)
{
	char path[PINS_PATH_SIZE];
	struct mlag_state value;
	struct datapath *dp;
	uint32_t zero = 0;
	int fd;

	(void)state;
	leave_behind(DOMAIN_ID);
	/* A namespace can get the inode of one that is gone, but never its cookie. */
	assert_int_equal(pins_open(DOMAIN_ID, path), 0);
	fd = pins_get(path, "mlag_state");
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &value), 0);
	value.netns_cookie++;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &value, BPF_ANY), 0);
	close(fd);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(lab.asked, 0);
	assert_string_equal(datapath_refused(dp), "it is of another network namespace");
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_a_state_of_another_layout_is_not_shown(void **state)
{
	struct mlag_state value;
	struct datapath *dp;
	uint32_t zero = 0;
	int fd;

	(void)state;
	dp = open_next(SOURCES_MAX, 0);
	assert_null(datapath_refused(dp));
	fill(dp);
	attach(dp);
	fd = datapath_map_fd(dp, "mlag_state");
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &value), 0);
	value.layout = MLAG_LAYOUT + 1;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &value, BPF_ANY), 0);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(lab.asked, 0);
	assert_string_equal(datapath_refused(dp), "it is of another version");
	expect_nothing(dp);
	datapath_close(dp);
}

static void test_pins_are_those_of_the_last_daemon(void **state)
{
	char path[PINS_PATH_SIZE];
	struct datapath *dp;
	int fd;

	(void)state;
	leave_behind(DOMAIN_ID);
	lab.wanted++;
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	expect_nothing(dp);
	set_source(dp, 1, 1);
	datapath_close(dp);
	assert_int_equal(pins_open(DOMAIN_ID, path), 0);
	fd = pins_get(path, "mlag_sources");
	assert_true(fd >= 0);
	/* It is the new one: with one row, so the second key is the end. */
	assert_int_equal(bpf_map_get_next_key(fd, NULL, &(struct mlag_source_key){0}), 0);
	close(fd);
	assert_int_equal(pins_get(path, "mlag_sources_new"), -ENOENT);
}

/* ---- what is kept in mind beside the maps -------------------------------------------------- */

static void test_a_router_mac_too_many_in_the_count_is_put_right(void **state)
{
	struct mlag_router_key key = {.vlan = 10, .mac = {2}};
	uint32_t octet = key.mac[5];
	uint32_t count = 7; /* killed between two writes, six times */
	struct datapath *dp;

	(void)state;
	dp = open_next(SOURCES_MAX, 0);
	fill(dp);
	attach(dp);
	assert_int_equal(bpf_map_update_elem(datapath_map_fd(dp, "mlag_router_octets"), &octet,
					     &count, BPF_ANY),
			 0);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(
		bpf_map_lookup_elem(datapath_map_fd(dp, "mlag_router_octets"), &octet, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(datapath_set_router(dp, &key, NULL), 0);
	assert_int_equal(
		bpf_map_lookup_elem(datapath_map_fd(dp, "mlag_router_octets"), &octet, &count), 0);
	assert_int_equal(count, 0);
	datapath_close(dp);
}

static void test_what_xdp_recalls_of_before_holds_no_more(void **state)
{
	struct mlag_domain before, after;
	struct datapath *dp;

	(void)state;
	dp = open_next(SOURCES_MAX, 0);
	fill(dp);
	attach(dp);
	assert_int_equal(datapath_get_domain(dp, &before), 0);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(datapath_get_domain(dp, &after), 0);
	assert_true(after.epoch > before.epoch);
	datapath_close(dp);
}

static void test_a_gate_that_was_found_closed_is_not_forgotten(void **state)
{
	struct mlag_port port = {.kind = MLAG_PORT_LEG, .gate = MLAG_GATE_CLOSED, .lag_id = 3};
	struct mlag_domain domain = {.peer_link_ifindex = lab.peer_link};
	struct datapath *dp;

	(void)state;
	dp = open_next(SOURCES_MAX, 0);
	fill(dp);
	assert_int_equal(datapath_set_port(dp, lab.leg, &port), 0);
	attach(dp);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	assert_int_equal(datapath_set_domain(dp, &domain), 0);
	assert_int_equal(datapath_get_domain(dp, &domain), 0);
	assert_int_equal(domain.gated, 1);
	port.gate = MLAG_GATE_OPEN;
	assert_int_equal(datapath_set_port(dp, lab.leg, &port), 0);
	assert_int_equal(datapath_get_domain(dp, &domain), 0);
	assert_int_equal(domain.gated, 0);
	datapath_close(dp);
}

static uint32_t counters_of(const struct datapath *dp, uint32_t ifindex)
{
	struct mlag_port port;

	assert_int_equal(bpf_map_lookup_elem(datapath_map_fd(dp, "mlag_ports"), &ifindex, &port),
			 0);
	return port.counters;
}

static void test_each_port_counts_on_in_its_own_row(void **state)
{
	struct mlag_port port = {.kind = MLAG_PORT_PEER_LINK};
	struct datapath *dp;
	uint32_t leg, peer_link;

	(void)state;
	dp = open_next(SOURCES_MAX, 0);
	fill(dp);
	assert_int_equal(datapath_set_port(dp, lab.peer_link, &port), 0);
	attach(dp);
	leg = counters_of(dp, lab.leg);
	peer_link = counters_of(dp, lab.peer_link);
	assert_int_not_equal(leg, peer_link);
	datapath_close(dp);
	dp = open_next(SOURCES_MAX, 0);
	/* In another order, and with a newcomer before them. */
	port.kind = MLAG_PORT_NONE;
	assert_int_equal(datapath_set_port(dp, 4000, &port), 0);
	port.kind = MLAG_PORT_PEER_LINK;
	assert_int_equal(datapath_set_port(dp, lab.peer_link, &port), 0);
	port.kind = MLAG_PORT_LEG;
	assert_int_equal(datapath_set_port(dp, lab.leg, &port), 0);
	assert_int_equal(counters_of(dp, lab.leg), leg);
	assert_int_equal(counters_of(dp, lab.peer_link), peer_link);
	assert_int_not_equal(counters_of(dp, 4000), leg);
	assert_int_not_equal(counters_of(dp, 4000), peer_link);
	datapath_close(dp);
}

/* ---- as the service ------------------------------------------------------------------------ */

static void set_admin(bool admin)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (admin) {
		data[0].effective |= 1u << CAP_SYS_ADMIN;
	} else {
		data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	}
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* The number of the link that is pinned for a port, 0 where there is none. */
static uint32_t pinned_link(const char *name)
{
	char path[PINS_PATH_SIZE];
	char file[64];
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);
	int fd;

	assert_int_equal(pins_open(DOMAIN_ID, path), 0);
	(void)snprintf(file, sizeof(file), "tcx-%u-%s", lab.leg, name);
	fd = pins_get(path, file);
	if (fd < 0) {
		return 0;
	}
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

static void leave_behind_with_xdp(void)
{
	char reason[XDP_REASON_SIZE];
	struct datapath *dp = open_next(SOURCES_MAX, DOMAIN_ID);

	fill(dp);
	attach(dp);
	assert_int_equal(datapath_attach_xdp(dp, lab.leg, reason), 0);
	datapath_close(dp);
}

static void test_without_cap_sys_admin_programs_are_replaced_in_their_place(void **state)
{
	char reason[XDP_REASON_SIZE];
	struct datapath *dp;
	uint32_t egress, ingress;
	bool intact = false;

	(void)state;
	leave_behind_with_xdp();
	egress = pinned_link("egress");
	ingress = pinned_link("ingress");
	set_admin(false);
	for (uint32_t generation = 0; generation < 4; generation++) {
		dp = open_next(SOURCES_MAX, DOMAIN_ID);
		expect_everything(dp);
		assert_false(is_attached_by(dp));
		attach(dp);
		assert_true(is_attached_by(dp));
		assert_int_equal(datapath_attach_xdp(dp, lab.leg, reason), 0);
		assert_int_equal(datapath_verify_xdp(dp, lab.leg, &intact), 0);
		assert_true(intact);
		/* The very links, so there was no moment without, and none with two. */
		assert_int_equal(pinned_link("egress"), egress);
		assert_int_equal(pinned_link("ingress"), ingress);
		datapath_close(dp);
	}
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(datapath_detach(dp, lab.leg), 0);
	datapath_close(dp);
	set_admin(true);
	assert_int_equal(pinned_link("egress"), 0);
	assert_int_equal(lab.log_lines, 0);
}

static void test_without_cap_sys_admin_what_is_not_adopted_is_replaced_all_the_same(void **state)
{
	char reason[XDP_REASON_SIZE];
	struct datapath *dp;
	bool intact = false;

	(void)state;
	leave_behind_with_xdp();
	lab.wanted++;
	set_admin(false);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	expect_nothing(dp);
	attach(dp);
	assert_true(is_attached_by(dp));
	assert_int_equal(datapath_attach_xdp(dp, lab.leg, reason), 0);
	assert_int_equal(datapath_verify_xdp(dp, lab.leg, &intact), 0);
	assert_true(intact);
	datapath_close(dp);
	set_admin(true);
}

static void
test_without_cap_sys_admin_the_programs_of_another_domain_are_not_in_the_way(void **state)
{
	char path[PINS_PATH_SIZE];
	struct datapath *other, *dp;

	(void)state;
	leave_behind(DOMAIN_ID);
	set_admin(false);
	other = open_next(SOURCES_MAX, DOMAIN_ID + 1);
	fill(other);
	assert_int_equal(datapath_attach(other, lab.other, MLAG_PORT_LEG), 0);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(lab.asked, 1);
	assert_null(datapath_refused(dp));
	expect_everything(dp);
	attach(dp);
	datapath_close(dp);
	/* Whose nobody says they are, they count as before. */
	assert_int_equal(pins_open(DOMAIN_ID + 1, path), 0);
	pins_drop(path, "mlag_state");
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	assert_int_equal(lab.asked, 0);
	assert_string_equal(datapath_refused(dp), "other programs run than its state names");
	datapath_close(dp);
	assert_int_equal(datapath_detach(other, lab.other), 0);
	datapath_close(other);
	set_admin(true);
}

static void test_maps_of_a_namespace_that_is_gone_are_swept(void **state)
{
	char own[PINS_PATH_SIZE], other[PINS_PATH_SIZE];
	struct datapath *alive, *dp;

	(void)state;
	assert_int_equal(pins_open(DOMAIN_ID, own), 0);
	assert_int_equal(pins_open(DOMAIN_ID + 1, other), 0);
	alive = open_next(SOURCES_MAX, DOMAIN_ID + 1);
	fill(alive); /* attached nowhere, but somebody holds the programs */
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	datapath_close(dp);
	assert_true(access(other, F_OK) == 0);
	datapath_close(alive);
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	fill(dp);
	datapath_close(dp);
	assert_true(access(other, F_OK) < 0);
	/* Never one's own, deserted though it is. */
	dp = open_next(SOURCES_MAX, DOMAIN_ID);
	expect_everything(dp);
	datapath_close(dp);
}

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void test_many_rows_are_read_in_batches(void **state)
{
	enum { BATCH = 256 };
	struct mlag_source_key keys[BATCH] = {0};
	struct mlag_source sources[BATCH];
	struct datapath *dp = open_next(MANY, 0);
	struct mlag_state note = {.size = 1, .bytes = {lab.wanted}};
	uint64_t begin_us, open_us, walk_us;

	(void)state;
	for (uint32_t number = 0; number < MANY; number += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++) {
			uint32_t mac = number + i;

			memcpy(keys[i].mac, &mac, sizeof(mac));
			sources[i] = (struct mlag_source){.lag_id = 1, .known = 1};
		}
		assert_int_equal(datapath_set_sources(dp, keys, sources, BATCH), 0);
	}
	assert_int_equal(datapath_set_state(dp, &note), 0);
	attach(dp);
	datapath_close(dp);
	begin_us = now_us();
	dp = open_next(MANY, 0);
	open_us = now_us() - begin_us;
	begin_us = now_us();
	assert_int_equal(count(dp, DATAPATH_MAP_SOURCES, on_source), MANY);
	walk_us = now_us() - begin_us;
	assert_int_equal(lab.lag_ids, MANY);
	datapath_close(dp);
	print_message("%u rows: found and used on in %llu us, read in %llu us\n", MANY,
		      (unsigned long long)open_us, (unsigned long long)walk_us);
}

static int set_up_network(void **state)
{
	uint32_t bridge;

	(void)state;
	wire_enter_namespace();
	/* Pins of the machine's own are none of ours. */
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), 0);
	bridge = wire_make_bridge("br0");
	lab.leg = wire_make_port("leg", "leg-far", bridge);
	lab.peer_link = wire_make_port("pl", "pl-far", bridge);
	lab.other = wire_make_port("other", "other-far", bridge);
	lab.wanted = 1;
	return 0;
}

static int tear_down(void **state)
{
	struct datapath *dp;

	(void)state;
	lab.wanted += 2; /* nothing of it is wanted by the next test */
	dp = open_next(1, 0);
	assert_int_equal(datapath_detach(dp, lab.leg), 0);
	assert_int_equal(datapath_detach(dp, lab.peer_link), 0);
	datapath_close(dp);
	return 0;
}

#define test(function) cmocka_unit_test_teardown(function, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_the_maps_of_attached_programs_are_used_on),
		test(test_one_attached_program_leads_to_what_it_uses),
		test(test_a_state_that_is_not_wanted_leaves_the_maps_empty),
		test(test_an_empty_state_is_nobodys),
		test(test_maps_of_another_size_are_copied),
		test(test_a_map_that_is_too_small_is_told),
		test(test_pins_lead_to_the_maps_where_nothing_is_attached),
		test(test_pins_are_not_believed_while_other_programs_run),
		test(test_pins_of_another_namespace_are_not_believed),
		test(test_a_state_of_another_layout_is_not_shown),
		test(test_pins_are_those_of_the_last_daemon),
		test(test_a_router_mac_too_many_in_the_count_is_put_right),
		test(test_what_xdp_recalls_of_before_holds_no_more),
		test(test_a_gate_that_was_found_closed_is_not_forgotten),
		test(test_each_port_counts_on_in_its_own_row),
		test(test_without_cap_sys_admin_programs_are_replaced_in_their_place),
		test(test_without_cap_sys_admin_what_is_not_adopted_is_replaced_all_the_same),
		test(test_without_cap_sys_admin_the_programs_of_another_domain_are_not_in_the_way),
		test(test_maps_of_a_namespace_that_is_gone_are_swept),
		test(test_many_rows_are_read_in_batches),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
