/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cluster.h"
#include "bench/node.h"
#include "sim/city/process.h"

#define VICTIM "victim"
#define LOOK_US 100
#define PATIENCE_NS UINT64_C(60000000000)
#define PEERS_MAX 16

/* ---- the process that dies ------------------------------------------------------------------- */

int node_victim(const char *seed)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    char byte;
    config.name = VICTIM;
    config.cluster = "bench";
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = seed;
    config.log_level = 1;
    measure_must(holm_open(&config, &node), "opening a node");
    while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
        continue;
    return 0;
}

static void spawn(struct holm_process *victim, const struct cluster *cluster)
{
    char program[] = "bench_node", option[] = NODE_VICTIM_OPTION, seed[128];
    (void)snprintf(seed, sizeof seed, "%s", holm_address(cluster->nodes[0]));
    char *const argv[] = {program, option, seed, NULL};
    holm_process_init(victim);
    measure_must(holm_process_spawn(victim, "/proc/self/exe", argv, "/dev/null"), "a process");
}

static void bury(struct holm_process *victim)
{
    (void)kill(victim->pid, SIGKILL);
    while (waitpid(victim->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    holm_process_close(victim);
}

/* ---- those that notice ----------------------------------------------------------------------- */

/* Down, too, when nobody has heard of it. */
static enum holm_liveness liveness(struct holm_node *node)
{
    struct holm_peer peers[PEERS_MAX];
    size_t count = holm_peers(node, peers, PEERS_MAX);
    for (size_t i = 0; i < count && i < PEERS_MAX; i++)
        if (strcmp(peers[i].name, VICTIM) == 0)
            return peers[i].liveness;
    return HOLM_DOWN;
}

/* Until all nodes see it so; how long that took. */
static double wait_ms(const struct cluster *cluster, enum holm_liveness wanted)
{
    uint64_t begun = measure_now_ns();
    for (size_t i = 0; i < cluster->count;) {
        measure_require(measure_now_ns() - begun < PATIENCE_NS, "a node is noticed");
        if (liveness(cluster->nodes[i]) == wanted)
            i++;
        else
            measure_nap_us(LOOK_US);
    }
    return (double)(measure_now_ns() - begun) / 1e6;
}

/* `signal` is SIGKILL or SIGSTOP. */
static void measure_notice(struct measure_samples *ms, const struct cluster *cluster, int signal)
{
    struct holm_process victim;
    spawn(&victim, cluster);
    (void)wait_ms(cluster, HOLM_UP);
    measure_nap_us(50000); /* its first words are said */
    measure_require(kill(victim.pid, signal) == 0, "a process takes a signal");
    measure_sample(ms, wait_ms(cluster, HOLM_DOWN));
    bury(&victim);
}

void node_notice(struct report *report)
{
    if (!report_wants(report, "notice",
                      "until both other nodes see a node of another process down"))
        return;
    struct measure_samples killed = {0}, frozen = {0};
    struct cluster cluster;
    cluster_open(&cluster, 2, (struct cluster_options){0, 0});
    for (int i = 0; i < (report->quick ? 3 : 9); i++)
        measure_notice(&killed, &cluster, SIGKILL);
    for (int i = 0; i < (report->quick ? 1 : 3); i++)
        measure_notice(&frozen, &cluster, SIGSTOP);
    report_row(report, &(struct report_row){.name = "its process is killed",
                                            .unit = "ms",
                                            .samples = &killed,
                                            .most = 20,
                                            .cited = "Horde, by its connection",
                                            .cited_value = 62});
    report_row(report, &(struct report_row){.name = "its process is frozen",
                                            .unit = "ms",
                                            .samples = &frozen,
                                            .most = 4000,
                                            .cited = "memberlist, 30 nodes",
                                            .cited_value = 7500});
    cluster_close(&cluster);
    measure_samples_free(&killed);
    measure_samples_free(&frozen);
}
