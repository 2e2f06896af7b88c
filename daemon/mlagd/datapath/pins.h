/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this pair keeps in bpffs what must outlive the daemon.
 */
#ifndef MLAG_DATAPATH_PINS_H
#define MLAG_DATAPATH_PINS_H

#include <stdint.h>

#define PINS_PATH_SIZE 128

/**
 * pins_open() - make this pair's directory, /sys/fs/bpf/mlag/<network namespace>-<domain id>
 * @domain_id: 1..65535
 * @ret_path: filled with its path, without a slash at the end
 *
 * The network namespace is that of the calling thread, by its inode number.
 *
 * Return: 0, -ENOENT when there is no bpffs (`ip netns exec` hides it), or -errno of the
 * filesystem.
 */
int pins_open(uint16_t domain_id, char ret_path[PINS_PATH_SIZE]);

/** pins_get() - a descriptor of what has this name in the directory, or -errno */
int pins_get(const char *directory, const char *name);

/**
 * pins_replace() - as pins_put(), but in one step: the name leads to the one or the other
 *
 * Return: 0 or -errno; on failure what had the name has it still.
 */
int pins_replace(int fd, const char *directory, const char *name);

/** pins_drop() - take a name away; nothing of that name is no error */
void pins_drop(const char *directory, const char *name);

/**
 * pins_put() - pin an object, in place of what has the name
 * @fd: the object
 * @path: a name in the directory of pins_open()
 *
 * The daemon of another network namespace removes directories in which nothing is pinned, which
 * ours is at first; it is made again.
 *
 * Return: 0, or -errno of the filesystem.
 */
int pins_put(int fd, const char *path);

/**
 * pins_each() - the directories beside ours
 * @directory: ours, from pins_open()
 * @on_other: called for each of them; may remove it
 * @user: handed to it
 */
void pins_each(const char *directory, void (*on_other)(void *user, const char *other), void *user);

/**
 * pins_remove() - remove the directory if nothing is pinned there any more
 * @path: from pins_open()
 */
void pins_remove(const char *path);

#endif
