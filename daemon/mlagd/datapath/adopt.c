// SPDX-License-Identifier: BSD-2-Clause
/*
 * What an earlier daemon left in the kernel.  Attached programs keep their maps alive, so the way to
 * the maps that are in force leads through the programs: from a port to the program that runs there,
 * from that to its maps, all by their numbers.  That needs no file system, which matters because
 * `ip netns exec` hides bpffs.  Where nothing is attached any more the pins are looked at.
 *
 * A map that fits is used on, row for row; the programs that are loaded now are put in the place of
 * the old ones one by one and find everything as it was.  One that does not fit (another size of
 * another version) is copied into a new one before any program is replaced.
 *
 * From a number to the thing itself takes CAP_SYS_ADMIN, which the service does not have.  It goes by
 * the pins, and believes them only if every program that is attached is one that reads those maps, or
 * one of another domain in this network namespace, by the pins of that.
 */
#include "datapath/adopt.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "datapath/attach.h"
#include "datapath/pins.h"
#include "datapath/programs.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define ADOPT_PROGRAMS_MAX 64 /* different ones of ours in a namespace */
#define ADOPT_PROGRAM_MAPS_MAX 32
#define ADOPT_BATCH_MAX 4096

struct adopt_search {
	bool (*accept)(void *user, const struct mlag_state *state);
	void *user;
	const char *directory; /* of the pins, NULL for none */
	bool asked;	       /* the caller knows better why not */
	uint32_t state_id;     /* of the map that was accepted, 0 for none yet */
	uint32_t seen_count;
	uint32_t seen[ADOPT_PROGRAMS_MAX]; /* programs that were looked at */
	struct adopt_found *found;
};

const char *adopt_map_name(enum datapath_map map)
{
	static const char *const names[DATAPATH_MAPS_COUNT] = {
		[DATAPATH_MAP_DOMAIN] = "mlag_domain",
		[DATAPATH_MAP_PORTS] = "mlag_ports",
		[DATAPATH_MAP_COUNTERS] = "mlag_counters",
		[DATAPATH_MAP_SOURCES] = "mlag_sources",
		[DATAPATH_MAP_ROUTERS] = "mlag_routers",
		[DATAPATH_MAP_ROUTER_OCTETS] = "mlag_router_octets",
		[DATAPATH_MAP_ADDRESSES] = "mlag_addresses",
		[DATAPATH_MAP_LEG_RX] = "mlag_leg_rx",
		[DATAPATH_MAP_FAST_COUNTERS] = "mlag_fast_counters",
		[DATAPATH_MAP_STATE] = "mlag_state",
	};

	return names[map];
}

uint64_t adopt_netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0) {
		return 0;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0) {
		cookie = 0;
	}
	close(fd);
	return cookie;
}

void adopt_none(struct adopt_found *ret_found)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		ret_found->fds[i] = -1;
	}
	ret_found->refused = NULL;
}

void adopt_release(struct adopt_found *found)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		if (found->fds[i] >= 0) {
			close(found->fds[i]);
		}
	}
	adopt_none(found);
}

static int get_info(int fd, struct bpf_map_info *ret)
{
	uint32_t size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &size);
}

/* ---- searching ------------------------------------------------------------------------------ */

static bool read_state(int fd, struct bpf_map_info *ret_info, struct mlag_state *ret_state)
{
	uint32_t zero = 0;

	return fd >= 0 && !get_info(fd, ret_info) && ret_info->type == BPF_MAP_TYPE_ARRAY &&
	       ret_info->key_size == sizeof(zero) && ret_info->value_size == sizeof(*ret_state) &&
	       !bpf_map_lookup_elem(fd, &zero, ret_state);
}

/* Somebody was here, but this cannot be used; a reason that the caller gave itself counts more. */
static bool refuse(struct adopt_search *search, const char *because)
{
	if (!search->asked) {
		search->found->refused = because;
	}
	return false;
}

/* Is this a state that whoever searches can go on with? */
static bool is_acceptable(struct adopt_search *search, int fd, uint32_t *ret_id)
{
	struct bpf_map_info info;
	struct mlag_state state;

	if (fd < 0) {
		return refuse(search, "no state is kept with it");
	}
	if (!read_state(fd, &info, &state)) {
		return refuse(search, "it is of another version");
	}
	*ret_id = info.id;
	if (info.id == search->state_id) {
		return true;
	}
	if (search->state_id != 0) {
		return false; /* of one daemon before the last */
	}
	if (state.layout == 0) {
		return refuse(search, "it had written nothing down yet");
	}
	if (state.layout != MLAG_LAYOUT || state.size > sizeof(state.bytes)) {
		return refuse(search, "it is of another version");
	}
	if (state.netns_cookie != adopt_netns_cookie()) {
		return refuse(search, "it is of another network namespace");
	}
	search->asked = true;
	search->found->refused = NULL;
	return search->accept(search->user, &state);
}

static bool names(const struct mlag_state *state, uint32_t program_id)
{
	uint32_t place = 0;

	while (place < MLAG_STATE_PROGRAMS_MAX && state->program_ids[place] != program_id) {
		place++;
	}
	return place < MLAG_STATE_PROGRAMS_MAX;
}

struct claim {
	uint32_t program_id;
	bool is_made;
};

static void ask_other_domain(void *user, const char *directory)
{
	struct claim *claim = user;
	struct bpf_map_info info;
	struct mlag_state state;
	int fd = pins_get(directory, adopt_map_name(DATAPATH_MAP_STATE));

	if (fd < 0) {
		return;
	}
	if (read_state(fd, &info, &state) && state.layout == MLAG_LAYOUT &&
	    state.netns_cookie == adopt_netns_cookie() && names(&state, claim->program_id)) {
		claim->is_made = true;
	}
	close(fd);
}

static bool is_of_other_domain(const char *directory, uint32_t program_id)
{
	struct claim claim = {.program_id = program_id};

	pins_each(directory, ask_other_domain, &claim);
	return claim.is_made;
}

/* Do all programs that are attached read the maps of this state, but for those of other domains? */
static bool is_in_force(struct adopt_search *search, int fd)
{
	struct bpf_map_info info;
	struct mlag_state state;

	if (!read_state(fd, &info, &state)) {
		return fd >= 0 && refuse(search, "it is of another version");
	}
	for (uint32_t i = 0; i < search->seen_count; i++) {
		if (!names(&state, search->seen[i]) &&
		    !is_of_other_domain(search->directory, search->seen[i])) {
			return refuse(search, "other programs run than its state names");
		}
	}
	return true;
}

/* Keep what is new of a set that belongs to the accepted state. */
static void merge(struct adopt_search *search, struct adopt_found *set)
{
	uint32_t state_id;

	if (!is_acceptable(search, set->fds[DATAPATH_MAP_STATE], &state_id)) {
		return;
	}
	search->state_id = state_id;
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		if (search->found->fds[i] < 0) {
			search->found->fds[i] = set->fds[i];
			set->fds[i] = -1;
		}
	}
}

static void sort_in(struct adopt_found *set, uint32_t map_id)
{
	struct bpf_map_info info;
	int fd = bpf_map_get_fd_by_id(map_id);

	if (fd < 0) {
		return;
	}
	for (uint32_t i = 0; get_info(fd, &info) == 0 && i < DATAPATH_MAPS_COUNT; i++) {
		if (set->fds[i] < 0 &&
		    strcmp(info.name, adopt_map_name((enum datapath_map)i)) == 0) {
			set->fds[i] = fd;
			return;
		}
	}
	close(fd);
}

static void search_program(struct adopt_search *search, uint32_t program_id)
{
	uint32_t map_ids[ADOPT_PROGRAM_MAPS_MAX];
	struct bpf_prog_info info = {
		.nr_map_ids = ADOPT_PROGRAM_MAPS_MAX,
		.map_ids = (uintptr_t)map_ids,
	};
	uint32_t size = sizeof(info);
	struct adopt_found set = {.refused = NULL};
	int fd = bpf_prog_get_fd_by_id(program_id);

	if (fd < 0) {
		return;
	}
	adopt_none(&set);
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
		for (uint32_t i = 0; i < info.nr_map_ids && i < ADOPT_PROGRAM_MAPS_MAX; i++) {
			sort_in(&set, map_ids[i]);
		}
		merge(search, &set);
	}
	adopt_release(&set);
	close(fd);
}

static void search_point(struct adopt_search *search, uint32_t ifindex, enum attach_point point)
{
	uint32_t ids[ATTACH_WAYS];

	attach_find(ifindex, point, search->directory, ids);
	for (uint32_t way = 0; way < ATTACH_WAYS; way++) {
		uint32_t place = 0;

		while (place < search->seen_count && search->seen[place] != ids[way]) {
			place++;
		}
		if (ids[way] != 0 && place == search->seen_count && place < ADOPT_PROGRAMS_MAX) {
			search->seen[search->seen_count++] = ids[way];
			search_program(search, ids[way]);
		}
	}
}

static bool has_all(const struct adopt_found *found)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		if (found->fds[i] < 0) {
			return false;
		}
	}
	return true;
}

static void search_attached(struct adopt_search *search)
{
	struct if_nameindex *interfaces = if_nameindex();

	if (interfaces == NULL) {
		return; /* no memory; what is pinned is found all the same */
	}
	for (uint32_t i = 0; interfaces[i].if_index != 0; i++) {
		search_point(search, interfaces[i].if_index, ATTACH_EGRESS);
		search_point(search, interfaces[i].if_index, ATTACH_INGRESS);
		if (has_all(search->found)) {
			break;
		}
	}
	if_freenameindex(interfaces);
}

/* Whatever comes of their maps: these programs are ours to replace. */
static void know_programs(const char *directory)
{
	int fd = directory ? pins_get(directory, adopt_map_name(DATAPATH_MAP_STATE)) : -ENOENT;
	struct bpf_map_info info;
	struct mlag_state state;

	if (fd < 0) {
		return;
	}
	if (read_state(fd, &info, &state) && state.layout == MLAG_LAYOUT &&
	    state.netns_cookie == adopt_netns_cookie()) {
		programs_know(state.program_ids, MLAG_STATE_PROGRAMS_MAX);
	}
	close(fd);
}

static void search_pinned(struct adopt_search *search)
{
	struct adopt_found set = {.refused = NULL};

	adopt_none(&set);
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		set.fds[i] = pins_get(search->directory, adopt_map_name((enum datapath_map)i));
	}
	if (is_in_force(search, set.fds[DATAPATH_MAP_STATE])) {
		merge(search, &set);
	}
	adopt_release(&set);
}

bool adopt_search(const char *directory, bool (*accept)(void *user, const struct mlag_state *state),
		  void *user, struct adopt_found *ret_found)
{
	struct adopt_search search = {
		.accept = accept,
		.user = user,
		.directory = directory,
		.found = ret_found,
	};

	adopt_none(ret_found);
	if (accept == NULL) {
		return false;
	}
	know_programs(directory);
	search_attached(&search);
	if (search.state_id == 0 && directory != NULL) {
		search_pinned(&search);
	}
	return search.state_id != 0;
}

/* ---- what nobody will look for any more ----------------------------------------------------- */

/* Programs are held by what they are attached to, and by who loaded them. */
static bool is_deserted(const struct mlag_state *state)
{
	uint32_t programs_count = 0;

	if (state->layout != MLAG_LAYOUT) {
		return false;
	}
	for (uint32_t i = 0; i < MLAG_STATE_PROGRAMS_MAX; i++) {
		if (state->program_ids[i] != 0 && !programs_is_gone(state->program_ids[i])) {
			return false;
		}
		programs_count += state->program_ids[i] != 0;
	}
	return programs_count > 0;
}

static void sweep_directory(void *user, const char *directory)
{
	int fd = pins_get(directory, adopt_map_name(DATAPATH_MAP_STATE));
	struct bpf_map_info info;
	struct mlag_state state;

	(void)user;
	if (fd < 0) {
		return;
	}
	if (read_state(fd, &info, &state) && is_deserted(&state)) {
		adopt_unpin(directory);
		pins_remove(directory);
	}
	close(fd);
}

void adopt_unpin(const char *directory)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		pins_drop(directory, adopt_map_name((enum datapath_map)i));
	}
}

void adopt_sweep(const char *directory)
{
	pins_each(directory, sweep_directory, NULL);
}

/* ---- taking over ---------------------------------------------------------------------------- */

static bool fits(const struct bpf_map *map, const struct bpf_map_info *info)
{
	return info->type == bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       info->max_entries == bpf_map__max_entries(map) &&
	       info->map_flags == bpf_map__map_flags(map);
}

int adopt_reuse(struct bpf_map *map, const struct adopt_found *found, enum datapath_map which)
{
	struct bpf_map_info info;
	int error;

	if (found->fds[which] < 0) {
		return 0;
	}
	error = get_info(found->fds[which], &info);
	if (error || !fits(map, &info)) {
		return error;
	}
	return bpf_map__reuse_fd(map, found->fds[which]);
}

int adopt_walk(int map_fd, void (*on_row)(void *user, const void *key, const void *value),
	       void *user)
{
	uint64_t position[8]; /* as long as a key, which is at most 24 bytes */
	struct bpf_map_info info;
	uint8_t *keys, *values;
	uint32_t room, count;
	bool begun = false;
	int error = get_info(map_fd, &info);

	if (error) {
		return error;
	}
	room = info.max_entries < ADOPT_BATCH_MAX ? info.max_entries : ADOPT_BATCH_MAX;
	keys = calloc(room, info.key_size);
	values = calloc(room, info.value_size);
	error = keys != NULL && values != NULL ? 0 : -ENOMEM;
	while (!error) {
		count = room;
		error = bpf_map_lookup_batch(map_fd, begun ? position : NULL, position, keys,
					     values, &count, NULL);
		for (uint32_t i = 0; (!error || error == -ENOENT) && i < count; i++) {
			on_row(user, keys + (size_t)i * info.key_size,
			       values + (size_t)i * info.value_size);
		}
		begun = true;
	}
	free(keys);
	free(values);
	return error == -ENOENT ? 0 : error;
}

/* A row on its way from one map into another whose values may be longer or shorter. */
struct adopt_copying {
	int to_fd;
	int error;
	uint32_t from_size;
	uint32_t to_size;
	uint8_t *value;
};

static void copy_row(void *user, const void *key, const void *value)
{
	struct adopt_copying *copying = user;
	uint32_t size = copying->from_size < copying->to_size ? copying->from_size
							      : copying->to_size;
	int error;

	memset(copying->value, 0, copying->to_size);
	memcpy(copying->value, value, size);
	error = bpf_map_update_elem(copying->to_fd, key, copying->value, BPF_ANY);
	if (error && !copying->error) {
		copying->error = error;
	}
}

int adopt_copy(const struct bpf_map *map, const struct adopt_found *found, enum datapath_map which)
{
	struct adopt_copying copying = {.to_fd = bpf_map__fd(map)};
	struct bpf_map_info from, to;
	int error;

	if (found->fds[which] < 0 || which == DATAPATH_MAP_COUNTERS ||
	    which == DATAPATH_MAP_FAST_COUNTERS) {
		return 0;
	}
	error = get_info(found->fds[which], &from);
	if (!error) {
		error = get_info(copying.to_fd, &to);
	}
	if (error || from.id == to.id) {
		return error;
	}
	if (from.type != to.type || from.key_size != to.key_size) {
		return -EINVAL;
	}
	copying.from_size = from.value_size;
	copying.to_size = to.value_size;
	copying.value = malloc(to.value_size);
	if (copying.value == NULL) {
		return -ENOMEM;
	}
	error = adopt_walk(found->fds[which], copy_row, &copying);
	free(copying.value);
	return error ? error : copying.error;
}
