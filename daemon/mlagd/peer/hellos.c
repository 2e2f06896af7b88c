/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hellos on their two paths (see hellos.h).  A socket that cannot be made, or that lost its device,
 * is made anew when the next hello is sent; what is wrong meanwhile is that nothing is heard, and the
 * engine finds that out by itself.  Each cause is logged once.  Called by main.c and effects.c.
 */
#include "peer/hellos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "peer/endpoint.h"
#include "peer/rawsocket.h"

#define HELLOS_READS_MAX 1024 /* more than a socket's buffer holds */
#define HELLOS_FRAME_MAX 2048

/**
 * struct hellos_path - one path and its socket
 * @fd: -1 while there is none
 * @index: the device the socket is bound to; 0 for none
 * @last_error: the last one that was logged, until it works again
 */
struct hellos_path {
	struct hellos *hellos;
	enum mlag_path path;
	int fd;
	uint32_t index;
	sd_event_source *source;
	int last_error;
};

struct hellos {
	sd_event *event;
	hellos_heard_fn *heard;
	void *user;
	uint32_t incarnation; /* of the peer link's device */
	uint32_t link_index;
	bool has_backup;
	struct channel_spec backup;
	struct hellos_path link;
	struct hellos_path other;
};

static void close_path(struct hellos_path *path)
{
	path->source = sd_event_source_disable_unref(path->source);
	if (path->fd >= 0) {
		close(path->fd);
		path->fd = -1;
	}
	path->index = 0;
}

static void complain(struct hellos_path *path, const char *what, int error)
{
	if (error != path->last_error) {
		path->last_error = error;
		log_info("hellos, %s: %s: %s; trying again",
			 path->path == MLAG_PATH_PEER_LINK ? "peer link" : "backup path", what,
			 strerror(error));
	}
}

/* Somebody else's datagram is nobody's life. */
static bool is_from_peer(const struct hellos_path *path, const struct sockaddr_storage *from)
{
	return path->path == MLAG_PATH_PEER_LINK ||
	       endpoint_same_host(from, &path->hellos->backup.remote);
}

static void read_path(struct hellos_path *path)
{
	struct hellos *hellos = path->hellos;
	uint8_t data[HELLOS_FRAME_MAX];
	int fd = path->fd;

	for (uint32_t i = 0; i < HELLOS_READS_MAX && path->fd >= 0 && path->fd == fd; i++) {
		struct sockaddr_storage from = {0};
		socklen_t from_size = sizeof(from);
		ssize_t n = recvfrom(path->fd, data, sizeof(data), 0, (struct sockaddr *)&from,
				     &from_size);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		/* An error is told once: the device went down, the peer's port is closed. */
		if (n > 0 && is_from_peer(path, &from)) {
			hellos->heard(hellos->user, path->path, data, (uint32_t)n);
		}
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)source;
	(void)fd;
	(void)revents;
	read_path(user);
	return 0;
}

static int watch(struct hellos_path *path)
{
	int r = sd_event_add_io(path->hellos->event, &path->source, path->fd, EPOLLIN, on_io, path);

	if (r >= 0) {
		r = sd_event_source_set_priority(path->source, SD_EVENT_PRIORITY_IMPORTANT);
	}
	return r;
}

/* The sockets as they should be now; what cannot be made is tried again with the next hello. */
static void open_link(struct hellos *hellos)
{
	struct hellos_path *path = &hellos->link;
	int r;

	if (path->fd >= 0 || hellos->link_index == 0) {
		return;
	}
	r = rawsocket_open(hellos->link_index, &path->fd);
	if (r >= 0) {
		path->index = hellos->link_index;
		r = watch(path);
	}
	if (r < 0) {
		complain(path, "no socket", -r);
		close_path(path);
	}
}

static void open_backup(struct hellos *hellos)
{
	struct hellos_path *path = &hellos->other;
	uint32_t index;
	int r;

	if (!hellos->has_backup) {
		return;
	}
	index = endpoint_scope_index(&hellos->backup);
	if (path->fd >= 0 && index == path->index) {
		return;
	}
	close_path(path);
	r = endpoint_datagram(&hellos->backup, index, &path->fd);
	if (r >= 0) {
		path->index = index;
		r = watch(path);
	}
	if (r < 0) {
		complain(path, "no socket", -r);
		close_path(path);
	}
}

void hellos_set_peer_link(struct hellos *hellos, uint32_t ifindex, uint32_t incarnation)
{
	if (hellos == NULL) {
		return;
	}
	if (ifindex != hellos->link_index || incarnation != hellos->incarnation) {
		hellos->link_index = ifindex;
		hellos->incarnation = incarnation;
		close_path(&hellos->link);
	}
	open_link(hellos);
}

static void note_sent(struct hellos_path *path, int r)
{
	if (r == 0) {
		path->last_error = 0;
	} else if (r != -EAGAIN && r != -ENETDOWN) {
		complain(path, "cannot send", -r);
	}
}

void hellos_send(struct hellos *hellos, const uint8_t *data, uint32_t size)
{
	if (hellos == NULL) {
		return;
	}
	open_link(hellos);
	open_backup(hellos);
	if (hellos->link.fd >= 0) {
		note_sent(&hellos->link,
			  rawsocket_send(hellos->link.fd, hellos->link.index, data, size));
	}
	if (hellos->other.fd >= 0) {
		note_sent(&hellos->other,
			  endpoint_send(&hellos->backup, hellos->other.fd, data, size));
	}
}

void hellos_read(struct hellos *hellos)
{
	if (hellos == NULL) {
		return;
	}
	read_path(&hellos->link);
	read_path(&hellos->other);
}

int hellos_open(struct hellos **ret, sd_event *event, const struct channel_spec *backup,
		hellos_heard_fn *heard, void *user)
{
	struct hellos *hellos = calloc(1, sizeof(*hellos));

	if (hellos == NULL) {
		return -ENOMEM;
	}
	hellos->event = sd_event_ref(event);
	hellos->heard = heard;
	hellos->user = user;
	hellos->link = (struct hellos_path){hellos, MLAG_PATH_PEER_LINK, -1, 0, NULL, 0};
	hellos->other = (struct hellos_path){hellos, MLAG_PATH_BACKUP, -1, 0, NULL, 0};
	if (backup != NULL) {
		hellos->has_backup = true;
		hellos->backup = *backup;
		open_backup(hellos);
	}
	*ret = hellos;
	return 0;
}

void hellos_close(struct hellos *hellos)
{
	if (hellos == NULL) {
		return;
	}
	close_path(&hellos->link);
	close_path(&hellos->other);
	sd_event_unref(hellos->event);
	free(hellos);
}
