/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file as typed values.  One table (section, key, type, default, range, help)
 * drives parsing, the errors of `mlagd --check` and the key reference of mlagd.conf(5).
 */
#ifndef MLAGD_CONFIG_H
#define MLAGD_CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "peer/tls.h"
#include "types.h"

#define CONFIG_FILE_DEFAULT "/etc/mlag/mlagd.conf"
#define CONFIG_FILE_SIZE_MAX (1024 * 1024) /* bytes; a larger file is refused */
#define CONFIG_PATH_SIZE_MAX 256	   /* bytes of a path value, with its NUL */
#define CONFIG_GATEWAYS_MAX 256
#define CONFIG_GATEWAY_ADDRESSES_MAX 8
#define CONFIG_ERRORS_MAX 1000 /* errors reported of one file; the rest is only counted */

enum config_datapath {
	CONFIG_DATAPATH_NONE,
	CONFIG_DATAPATH_AUTO,
	CONFIG_DATAPATH_TC,
	CONFIG_DATAPATH_XDP,
};

enum config_security {
	CONFIG_SECURITY_NONE,  /* not set */
	CONFIG_SECURITY_PSK,   /* TLS 1.3 with the key of key-file */
	CONFIG_SECURITY_PLAIN, /* "none" in the file */
};

/**
 * struct config_address - an address of this member or of the peer
 * @storage: sockaddr_in or sockaddr_in6; the port is that of [peer] port
 * @size: bytes of @storage in use, 0 when the key is absent
 * @scope: device after '%', "" without one; sin6_scope_id is its index when the file was read, 0 if
 *	it did not exist then, so resolve it again before use
 */
struct config_address {
	struct sockaddr_storage storage;
	socklen_t size;
	char scope[IFNAMSIZ];
};

/**
 * struct config_lag - one [lag IFNAME] section
 * @ifname: the device
 * @id: 1..65535, unique in the file
 * @bring_up: devices of the leg that have not served since boot are set up when it is not held
 * @line: of the section, for messages
 */
struct config_lag {
	char ifname[IFNAMSIZ];
	uint16_t id;
	bool bring_up;
	uint32_t line;
};

/**
 * struct config_prefix - an address with its prefix length
 * @family: AF_INET or AF_INET6
 * @length: prefix length in bits
 * @in: with AF_INET
 * @in6: with AF_INET6
 */
struct config_prefix {
	uint16_t family;
	uint16_t length;
	union {
		struct in_addr in;
		struct in6_addr in6;
	};
};

/**
 * struct config_gateway - one [gateway IFNAME] section
 * @ifname: the SVI
 * @mac: the shared router MAC
 * @addresses_count: how many of @addresses are set, at least 1
 * @line: of the section
 */
struct config_gateway {
	char ifname[IFNAMSIZ];
	struct mlag_mac mac;
	uint32_t addresses_count;
	struct config_prefix addresses[CONFIG_GATEWAY_ADDRESSES_MAX];
	uint32_t line;
};

/**
 * struct config - a whole file, valid as a whole
 *
 * Durations are nanoseconds.  It is large (tens of kilobytes): keep it on the heap or static.
 * It holds no pointers and may be copied by assignment; it may hold a key, so config_free() it.
 *
 * @key: what is in @key_file, with CONFIG_SECURITY_PSK; zero when only parsed
 * @system_mac_line, @domain_id_line, @bridge_line, @link_line, @key_file_line: lines of those keys,
 *	for messages
 * @startup_wait_ns: 0 means: do not wait
 * @last_resort: R31
 * @hold_svis: interfaces of VLANs that are reached by held legs alone are held too
 * @lags_count, @lags: in the order of the file
 * @gateways_count, @gateways: in the order of the file
 */
struct config {
	/* [domain] */
	struct mlag_mac system_mac;
	uint16_t domain_id;
	uint16_t priority;
	char bridge[IFNAMSIZ];
	uint32_t macs_max;
	enum config_datapath datapath;
	/* [peer] */
	char link[IFNAMSIZ];
	struct config_address local;
	struct config_address remote;
	uint16_t port;
	enum config_security security;
	char key_file[CONFIG_PATH_SIZE_MAX];
	struct tls_key key;
	struct config_address backup_local;
	struct config_address backup_remote;
	uint64_t hello_interval_ns;
	uint32_t dead_multiplier;
	uint64_t restart_hold_ns;
	uint64_t startup_wait_ns;
	bool last_resort;
	bool hold_svis;

	uint32_t system_mac_line;
	uint32_t domain_id_line;
	uint32_t bridge_line;
	uint32_t link_line;
	uint32_t key_file_line;
	uint32_t lags_count;
	struct config_lag lags[MLAG_LEGS_MAX];
	uint32_t gateways_count;
	struct config_gateway gateways[CONFIG_GATEWAYS_MAX];
};

enum config_severity {
	CONFIG_SEVERITY_NONE,
	CONFIG_SEVERITY_WARNING, /* the file is fine, the machine is not there yet */
	CONFIG_SEVERITY_ERROR,	 /* the file is wrong; nothing of it is used */
	CONFIG_SEVERITY_NOTE,	 /* a reload changed this */
};

/**
 * config_error_fn - told one error or warning
 * @user: as given to config_load()
 * @severity: error or warning
 * @text: one line without newline, "FILE:LINE: [section] key: what is wrong and what is allowed"; a
 *	warning says "warning: " after the line; valid during the call
 */
typedef void config_error_fn(void *user, enum config_severity severity, const char *text);

/**
 * config_load() - read and check a configuration file, and the key that it names
 * @path: the file
 * @ret: filled on success, otherwise untouched
 * @report: called for every error and warning, in one pass over the file; may be NULL
 * @user: for @report
 * @ret_errors: how many errors there are (0 on success); may be NULL
 *
 * Context: blocks on the file system only.
 * Return: 0; -EINVAL when the file is wrong; another -errno when it cannot be read (also reported).
 */
int config_load(const char *path, struct config *ret, config_error_fn *report, void *user,
		unsigned int *ret_errors);

/**
 * config_parse() - config_load() of a text in memory, without looking at devices or at the key
 * @name: stands for FILE in messages
 * @text: need not end with a NUL or a newline
 * @size: bytes of @text
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int config_parse(const char *name, const char *text, size_t size, struct config *ret,
		 config_error_fn *report, void *user, unsigned int *ret_errors);

/** config_free() - forget a configuration on the heap, and its key with it; NULL is fine */
void config_free(struct config *config);

/**
 * config_check() - `mlagd --check -c FILE`
 * @path: the file
 *
 * Prints each error and warning on its own line on stderr.
 *
 * Return: the exit code, 0 (warnings included) or 1.
 */
int config_check(const char *path);

/**
 * config_print_reference() - print the table of sections and keys as scdoc, for mlagd.conf(5)
 * @stream: where to
 */
void config_print_reference(FILE *stream);

/**
 * config_lag_by_id() - find a LAG
 *
 * Return: the section, or NULL.
 */
const struct config_lag *config_lag_by_id(const struct config *config, uint16_t id);

#endif
