/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair's SVIs: no redirects leave them (R27), one with a shared gateway answers and asks with its
 * own addresses only, and all keep their neighbours when they lose their carrier (R29).
 */
#ifndef MLAGD_SVIS_H
#define MLAGD_SVIS_H

#include "daemon.h"

/** svis_open() - begin; 0 or -errno */
int svis_open(struct daemon *daemon);

/** svis_close() - end; settings and program stay as they are */
void svis_close(struct daemon *daemon);

/** svis_want() - the program on the bridge may be gone: the next svis_sync() looks */
void svis_want(struct daemon *daemon, uint32_t ifindex);

/**
 * svis_sync() - see that every SVI has its settings, and the bridge its program
 *
 * What was changed on a device that is no SVI any more is put back as it was found.
 *
 * Return: 0, or -errno of something that should be tried again; logged.
 */
int svis_sync(struct daemon *daemon);

/** svis_failed() - redirects may leave the SVIs; for struct control_context */
bool svis_failed(void *user);

/** svis_leave() - put all settings back and take the program away, for good; 0 or -errno */
int svis_leave(struct daemon *daemon);

#endif
