/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* unshare, setns */
#include "tests/netns/rooms.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32

/* ---- programs ------------------------------------------------------------------------------- */

static _Noreturn void become(const struct rooms *rooms, uint32_t room,
                             const char *const arguments[], int input)
{
    char *words[WORDS_MAX + 1] = {NULL};
    if (input >= 0)
        (void)dup2(input, STDIN_FILENO);
    if (room != ROOMS_HERE && !rooms_enter(rooms, room))
        _exit(126);
    for (size_t i = 0; i < WORDS_MAX && arguments[i] != NULL; i++)
        words[i] = strdup(arguments[i]);
    (void)execvp(words[0], words);
    _exit(127);
}

static bool run(const struct rooms *rooms, uint32_t room, const char *const arguments[],
                const char *input)
{
    int ends[2] = {-1, -1};
    int status = 1;
    if (input != NULL && pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        become(rooms, room, arguments, ends[0]);
    if (input != NULL) {
        size_t size = strlen(input); /* less than a pipe holds */
        (void)close(ends[0]);
        if (write(ends[1], input, size) != (ssize_t)size)
            status = 1;
        (void)close(ends[1]);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* A line of words, made as printf does, run as a program. */
static bool run_line(const struct rooms *rooms, uint32_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool run_line(const struct rooms *rooms, uint32_t room, const char *format, ...)
{
    char line[256];
    const char *words[WORDS_MAX + 1] = {NULL};
    char *rest = NULL;
    size_t count = 0;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *word = strtok_r(line, " ", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    bool done = run(rooms, room, words, NULL);
    if (!done)
        (void)fprintf(stderr, "netns: failed: %s\n", format);
    return done;
}

bool rooms_run(const struct rooms *rooms, uint32_t room, const char *const arguments[])
{
    return run(rooms, room, arguments, NULL);
}

bool rooms_enter(const struct rooms *rooms, uint32_t room)
{
    return setns(rooms->spaces[room], CLONE_NEWNET) == 0;
}

static struct sockaddr_in address_of(uint32_t room, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a4d0001u + room); /* 10.77.0.1 */
    return address;
}

/* A socket stays in the namespace in which it was made. */
static int socket_in(const struct rooms *rooms, uint32_t room)
{
    int hall = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int fd = rooms_enter(rooms, room) ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (setns(hall, CLONE_NEWNET) != 0)
        abort();
    (void)close(hall);
    return fd;
}

int rooms_listen(const struct rooms *rooms, uint32_t room, uint16_t port)
{
    struct sockaddr_in address = address_of(room, port);
    int fd = socket_in(rooms, room), yes = 1;
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
                    bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
                    listen(fd, SOMAXCONN) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

int rooms_connect(const struct rooms *rooms, uint32_t from, uint32_t to, uint16_t port)
{
    struct sockaddr_in address = address_of(to, port);
    int fd = socket_in(rooms, from);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* ---- what is missing ------------------------------------------------------------------------ */

static void find_programs(void)
{
    char path[1024];
    const char *known = getenv("PATH");
    (void)snprintf(path, sizeof path, "%s:/usr/sbin:/sbin", known == NULL ? "/usr/bin" : known);
    (void)setenv("PATH", path, 1);
}

static bool is_there(const char *program)
{
    char line[64];
    (void)snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", program);
    const char *const words[] = {"sh", "-c", line, NULL};
    return run(NULL, ROOMS_HERE, words, NULL);
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        (void)close(fd);
    return done;
}

/* Who is not root may still be root in a user namespace of their own. */
static bool move_out(void)
{
    char map[64];
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    (void)snprintf(map, sizeof map, "0 %u 1\n", (unsigned)getuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_file("/proc/self/uid_map", map);
}

/* Tried out in a child, which leaves nothing behind. */
static bool may_move_out(enum rooms_kind kind)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        bool may = move_out();
        if (may && kind == ROOMS_SWITCH) {
            may = open("/dev/net/tun", O_RDWR | O_CLOEXEC) >= 0;
        } else if (may) {
            const char *const words[] = {"nft", "add", "table", "bridge", "holm", NULL};
            may = run(NULL, ROOMS_HERE, words, NULL) &&
                  run_line(NULL, ROOMS_HERE, "ip link add br0 type bridge") &&
                  run_line(NULL, ROOMS_HERE, "ip link add name p0 type veth peer name q0");
        }
        _exit(may ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

const char *rooms_missing(enum rooms_kind kind)
{
    find_programs();
    if (!is_there("ip") || !is_there("ss"))
        return "ip and ss (iproute2) are missing";
    if (kind == ROOMS_BRIDGE && !is_there("nft"))
        return "nft (nftables) is missing";
    if (kind == ROOMS_SWITCH && access("/dev/net/tun", R_OK | W_OK) != 0)
        return "/dev/net/tun cannot be opened";
    if (!may_move_out(kind))
        return "making network namespaces is not permitted here";
    return NULL;
}

/* ---- rooms ---------------------------------------------------------------------------------- */

static int space_here(void)
{
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* A namespace beside this one: `hall` is where to come back to. */
static int space_new(int hall)
{
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    int made = space_here();
    return setns(hall, CLONE_NEWNET) == 0 ? made : -1;
}

static bool tap_make(struct rooms *rooms, uint32_t room, int hall)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "eth0", 5);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (!rooms_enter(rooms, room))
        return false;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    bool made = fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0;
    rooms->taps[room] = fd;
    return setns(hall, CLONE_NEWNET) == 0 && made;
}

static bool veth_make(const struct rooms *rooms, uint32_t room)
{
    return run_line(rooms, ROOMS_HERE,
                    "ip link add p%u type veth peer name eth0 netns /proc/%ld/fd/%d", room,
                    (long)getpid(), rooms->spaces[room]) &&
           run_line(rooms, ROOMS_HERE, "ip link set p%u master br0 up", room);
}

static bool room_make(struct rooms *rooms, uint32_t room, int hall)
{
    rooms->spaces[room] = space_new(hall);
    if (rooms->spaces[room] < 0)
        return false;
    if (!(rooms->kind == ROOMS_SWITCH ? tap_make(rooms, room, hall) : veth_make(rooms, room)))
        return false;
    return run_line(rooms, room, "ip link set eth0 address 02:00:00:00:00:0%u", room) &&
           run_line(rooms, room, "ip addr add 10.77.0.%u/24 broadcast + dev eth0", room + 1) &&
           run_line(rooms, room, "ip link set lo up") &&
           run_line(rooms, room, "ip link set eth0 up");
}

bool rooms_open(struct rooms *rooms, enum rooms_kind kind, uint32_t count, uint64_t seed)
{
    memset(rooms, 0, sizeof *rooms);
    rooms->kind = kind;
    rooms->count = count;
    for (uint32_t i = 0; i < ROOMS_MAX; i++)
        rooms->spaces[i] = rooms->taps[i] = -1;
    int hall = move_out() ? space_here() : -1;
    bool made = hall >= 0 && count <= ROOMS_MAX;
    if (made && kind == ROOMS_BRIDGE)
        made = run_line(rooms, ROOMS_HERE, "ip link add br0 type bridge mcast_snooping 0") &&
               run_line(rooms, ROOMS_HERE, "ip link set br0 up");
    for (uint32_t i = 0; i < count && made; i++)
        made = room_make(rooms, i, hall);
    if (made && kind == ROOMS_SWITCH)
        made = tap_switch_open(&rooms->tap_switch, rooms->taps, count, seed);
    if (hall >= 0)
        (void)close(hall);
    return made;
}

void rooms_close(struct rooms *rooms)
{
    tap_switch_close(&rooms->tap_switch);
    for (uint32_t i = 0; i < rooms->count; i++) {
        if (rooms->taps[i] >= 0)
            (void)close(rooms->taps[i]);
        if (rooms->spaces[i] >= 0)
            (void)close(rooms->spaces[i]);
    }
    if (rooms->kind == ROOMS_BRIDGE)
        (void)run_line(rooms, ROOMS_HERE, "ip link del br0");
    memset(rooms, 0, sizeof *rooms);
}

/* ---- cuts ----------------------------------------------------------------------------------- */

static bool apply_bridge(const struct rooms *rooms)
{
    char script[4096];
    int size = snprintf(
        script, sizeof script,
        "add table bridge holm\ndelete table bridge holm\n"
        "table bridge holm { chain forward { type filter hook forward priority 0;\n");
    for (uint32_t from = 0; from < rooms->count; from++)
        for (uint32_t to = 0; to < rooms->count; to++)
            if (rooms->cut[from][to])
                size += snprintf(script + size, sizeof script - (size_t)size,
                                 "iifname . oifname { \"p%u\" . \"p%u\" } drop\n", from, to);
    (void)snprintf(script + size, sizeof script - (size_t)size, "}\n}\n");
    const char *const words[] = {"nft", "-f", "-", NULL};
    return run(rooms, ROOMS_HERE, words, script);
}

bool rooms_apply(struct rooms *rooms)
{
    if (rooms->kind == ROOMS_BRIDGE)
        return apply_bridge(rooms);
    for (uint32_t from = 0; from < rooms->count; from++)
        for (uint32_t to = 0; to < rooms->count; to++)
            atomic_store(&rooms->tap_switch.shared->wires[from][to].cut, rooms->cut[from][to]);
    return true;
}
