/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control socket answers: status, lags, macs, neighbors, addresses, counters, reload,
 * role and leave, as DESIGN §6 writes them, built from the views of the engine and of the adapters.  Nothing here changes
 * anything but by a callback of the context.
 */
#ifndef MLAGD_CONTROL_METHODS_H
#define MLAGD_CONTROL_METHODS_H

#include "common/lease.h"
#include "config.h"
#include "control/server.h"
#include "mlag.h"

struct addresses;
struct links;
struct links_problem;
struct datapath;
struct datapath_trial;
struct gatewayplan_view;
struct routes;
struct neighbors;

/**
 * struct control_leave_step - something that was done for `leave`
 * @name: stable word of the API
 * @text: what it came to
 * @error: negative errno of what could not be taken back, 0 for nothing
 */
struct control_leave_step {
	const char *name;
	char text[120];
	int error;
};

/**
 * struct control_context - what the methods read; hand its address to control_server_new()
 * @engine: the engine; may change between two calls
 * @links: the link adapter, NULL in tests: devices then have no names
 * @addresses: the address adapter, NULL in tests: it then has no problems
 * @neighbors: the adapter of neighbours, NULL in tests: it then has no problems
 * @datapath: the data plane, NULL in tests: there are then no counters
 * @trial: the programs a second time, for `explain`; NULL until it is first asked
 * @routes: the adapter of the last resort, NULL in tests: it then has no problems
 * @config: the configuration in force
 * @now_ns: the engine's clock
 * @port_problems: what is wrong with ports and cannot be put right; writes @max at most and
 *	returns how many.  NULL: there are none
 * @reload: read the file again and apply the difference, or nothing when it is wrong; returns 0 or
 *	-errno, and tells errors and warnings to @report.  NULL: not available
 * @gateway: a shared gateway by its position; false when there is none.  NULL: there are none
 * @redirects_failed: R27 could not be put in force.  NULL: it was
 * @guard: what mlag-guard is doing, and whether there was one.  NULL: there is none
 * @fenced: mlag-guard keeps the leg of a LAG down.  NULL: it does not
 * @promote: make this member primary; returns 0, or -errno and why not.  NULL: not available
 * @leave: leave the pair and end; returns 0 or -errno.  NULL: not available
 * @leave_step: what was done of that, by position: 1, 0 at the end, or -EAGAIN
 * @ask, @answer: mlag_step() of MLAG_EVENT_ASK, and mlag_next_answer().  NULL: not available
 * @drain: hold LAGs or no longer (see holds.h); NULL: not available
 * @copy_record: what the recorder has; 0 or -errno.  NULL: not available
 * @security: connections to the peer that failed for their protection.  NULL: not known
 * @user: for all these
 * @wall_offset_ns: private; start it at 0
 */
struct control_context {
	const struct mlag_engine *engine;
	struct links *links;
	const struct addresses *addresses;
	const struct neighbors *neighbors;
	struct datapath *datapath;
	struct datapath_trial *trial;
	const struct routes *routes;
	const struct config *config;
	uint64_t (*now_ns)(void);
	uint32_t (*port_problems)(void *user, struct links_problem *ret, uint32_t max);
	int (*reload)(void *user, config_error_fn *report, void *report_user);
	bool (*redirects_failed)(void *user);
	bool (*gateway)(void *user, uint32_t index, struct gatewayplan_view *ret_view);
	enum lease_guard (*guard)(void *user, bool *ret_was_there);
	bool (*fenced)(void *user, uint16_t lag_id);
	int (*promote)(void *user, const char **ret_because);
	int (*leave)(void *user);
	int (*leave_step)(void *user, uint32_t index, struct control_leave_step *ret);
	int (*copy_record)(void *user, uint8_t **ret_data, uint32_t *ret_size);
	void (*ask)(void *user, const struct mlag_question *question);
	enum mlag_answer (*answer)(void *user, uint32_t id, struct mlag_row_view *ret_row);
	int (*drain)(void *user, uint16_t lag_id, bool on, bool force, uint16_t *ret_lag_id,
		     const char **ret_because);
	const struct tls_counts *(*security)(void *user);
	void *user;
	int64_t wall_offset_ns;
};

/* The methods, for control_server_new(). */
extern const struct control_method control_methods[];

#endif
