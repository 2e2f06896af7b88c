// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loads ebpf/answer.bpf.c onto the maps of the data plane, and puts its programs on devices and
 * takes them off again (see answer.h).  Called by answers.c, which knows when and where.
 */
#include "datapath/answerer.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "answer.skel.h"
#include "datapath/tcfilter.h"

static const struct tcfilter FILTER = {ANSWERER_TC_PRIORITY, ANSWERER_TC_HANDLE};

struct answerer {
	struct answer_bpf *programs;
	struct mnl_socket *socket;
	struct mlag_counter *per_cpu; /* zeros, one a CPU */
};

static int share_maps(struct answer_bpf *programs, const struct datapath_maps *maps)
{
	const struct {
		struct bpf_map *map;
		int fd;
	} shared[] = {
		{programs->maps.mlag_domain, maps->domain},
		{programs->maps.mlag_ports, maps->ports},
		{programs->maps.mlag_counters, maps->counters},
		{programs->maps.mlag_routers, maps->routers},
		{programs->maps.mlag_addresses, maps->addresses},
	};

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		int error = bpf_map__reuse_fd(shared[i].map, shared[i].fd);

		if (error) {
			return error;
		}
	}
	return 0;
}

static int load(struct answerer *answer, const struct datapath_maps *maps)
{
	int cpus_count = libbpf_num_possible_cpus();
	int error;

	if (cpus_count < 0) {
		return cpus_count;
	}
	answer->per_cpu = calloc((size_t)cpus_count, sizeof(*answer->per_cpu));
	if (!answer->per_cpu) {
		return -ENOMEM;
	}
	answer->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!answer->socket || mnl_socket_bind(answer->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		return -errno;
	}
	answer->programs = answer_bpf__open();
	if (!answer->programs) {
		return -errno;
	}
	error = share_maps(answer->programs, maps);
	return error ? error : answer_bpf__load(answer->programs);
}

int answerer_open(struct answerer **ret, const struct datapath_maps *maps)
{
	struct answerer *answer = calloc(1, sizeof(*answer));
	int error;

	if (!answer) {
		return -ENOMEM;
	}
	error = load(answer, maps);
	if (error) {
		answerer_close(answer);
		return error;
	}
	*ret = answer;
	return 0;
}

void answerer_close(struct answerer *answer)
{
	if (!answer) {
		return;
	}
	answer_bpf__destroy(answer->programs);
	if (answer->socket) {
		(void)mnl_socket_close(answer->socket);
	}
	free(answer->per_cpu);
	free(answer);
}

int answerer_set_until(struct answerer *answer, uint64_t until_ns)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(answer->programs->maps.mlag_answer), &zero,
				   &until_ns, BPF_ANY);
}

int answerer_set_svi(struct answerer *answer, uint32_t ifindex, const struct mlag_answer_svi *svi)
{
	int fd = bpf_map__fd(answer->programs->maps.mlag_answer_svis);
	int error;

	if (svi) {
		return bpf_map_update_elem(fd, &ifindex, svi, BPF_ANY);
	}
	error = bpf_map_delete_elem(fd, &ifindex);
	return error == -ENOENT ? 0 : error;
}

int answerer_attach(struct answerer *answer, uint32_t ifindex, enum answerer_place place,
		    bool *ret_qdisc_made)
{
	struct mlag_counter_key key = {.ifindex = ifindex, .reason = MLAG_REASON_ANSWERED};
	const struct bpf_program *program = place == ANSWERER_AT_SVI
						    ? answer->programs->progs.answer
						    : answer->programs->progs.answer_port;

	/* Without a row nothing is counted, but all is answered. */
	(void)bpf_map_update_elem(bpf_map__fd(answer->programs->maps.mlag_counters), &key,
				  answer->per_cpu, BPF_NOEXIST);
	return tcfilter_set(answer->socket, ifindex, &FILTER, bpf_program__fd(program),
			    bpf_program__name(program), ret_qdisc_made);
}

int answerer_detach(struct answerer *answer, uint32_t ifindex)
{
	return tcfilter_remove(answer->socket, ifindex, &FILTER);
}
