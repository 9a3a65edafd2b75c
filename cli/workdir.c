/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "holm-sim."

/* A socket's path has 107 bytes; behind the directory come a city's name and what a transport adds. */
#define BASE_BYTES_MAX 40

static const char *base(void)
{
    const char *set = getenv("TMPDIR");
    if (set == NULL || set[0] != '/' || strlen(set) > BASE_BYTES_MAX)
        return "/tmp";
    return set;
}

/* Only files and sockets are ever made there; whatever else is found keeps the directory. */
static void remove_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(fd, entry->d_name, 0);
    }
    (void)closedir(directory);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* True when it is this user's and nobody holds its lock. */
static bool is_stale(int parent, const char *name)
{
    struct stat status;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool stale = fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                 flock(fd, LOCK_EX | LOCK_NB) == 0;
    (void)close(fd);
    return stale;
}

static void sweep(void)
{
    DIR *directory = opendir(base());
    if (directory == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 &&
            is_stale(dirfd(directory), entry->d_name))
            remove_directory(dirfd(directory), entry->d_name);
    }
    (void)closedir(directory);
}

static bool make(struct holm_workdir *workdir)
{
    (void)snprintf(workdir->path, sizeof workdir->path, "%s/" PREFIX "XXXXXX", base());
    if (mkdtemp(workdir->path) == NULL) {
        workdir->path[0] = '\0';
        return false;
    }
    workdir->lock_fd = open(workdir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return workdir->lock_fd >= 0 && flock(workdir->lock_fd, LOCK_EX | LOCK_NB) == 0 &&
           access(workdir->path, W_OK) == 0;
}

bool holm_workdir_open(struct holm_workdir *workdir)
{
    *workdir = (struct holm_workdir){.lock_fd = -1};
    sweep();
    /* Another run that sweeps right now may take a new directory for a stale one. */
    for (int attempt = 0; attempt < 10; attempt++) {
        if (make(workdir))
            return true;
        int error = errno;
        holm_workdir_close(workdir);
        errno = error;
    }
    return false;
}

void holm_workdir_close(struct holm_workdir *workdir)
{
    if (workdir->path[0] != '\0')
        remove_directory(AT_FDCWD, workdir->path);
    if (workdir->lock_fd >= 0)
        (void)close(workdir->lock_fd);
    workdir->lock_fd = -1;
    workdir->path[0] = '\0';
}
