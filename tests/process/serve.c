/* SPDX-License-Identifier: Apache-2.0 */
/* `holm serve`: a node by itself, with certificates, that others meet and a signal ends. */
#define _GNU_SOURCE 1 /* pipe2 */
#include "api.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/certificates.h"

#define WORDS 24
#define TEXT_BYTES 4096

static struct certificates ours;
static char folder[] = "/tmp/holm-serve-XXXXXX";

struct served {
    pid_t pid;
    int out, err;
};

static _Noreturn void become(const char *const words[], const int out[2], const int err[2])
{
    char *argv[WORDS + 2] = {(char[]){HOLM_PROGRAM}, (char[]){"serve"}};
    for (size_t i = 0; i + 2 < WORDS + 2 && words[i] != NULL; i++)
        argv[i + 2] = strdup(words[i]);
    (void)dup2(out[1], STDOUT_FILENO);
    (void)dup2(err[1], STDERR_FILENO);
    (void)execv(argv[0], argv);
    _exit(127);
}

static struct served serve(const char *const words[])
{
    struct served served;
    int out[2], err[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    served.pid = fork();
    assert_true(served.pid >= 0);
    if (served.pid == 0)
        become(words, out, err);
    close(out[1]);
    close(err[1]);
    served.out = out[0];
    served.err = err[0];
    return served;
}

static void read_line(int fd, char line[TEXT_BYTES])
{
    size_t size = 0;
    while (size + 1 < TEXT_BYTES && read(fd, line + size, 1) == 1 && line[size] != '\n')
        size++;
    line[size] = '\0';
}

/* How it ended, and what was left to read of its log. */
static int await_end(struct served *served, char log[TEXT_BYTES])
{
    size_t size = 0;
    ssize_t count;
    int status;
    while ((count = read(served->err, log + size, TEXT_BYTES - 1 - size)) > 0)
        size += (size_t)count;
    log[size] = '\0';
    assert_int_equal(waitpid(served->pid, &status, 0), served->pid);
    assert_true(WIFEXITED(status));
    close(served->out);
    close(served->err);
    return WEXITSTATUS(status);
}

static bool has_come(struct holm_node *node)
{
    int64_t sum;
    return holm_count(node, holm_str("k"), holm_str("c"), &sum) == HOLM_OK && sum == 7;
}

/* What one client wrote and left behind is there for the next one, after a restart too. */
static void test_serve_when_clients_come_and_go_then_it_keeps_what_they_wrote(void **state)
{
    struct holm_transport_tls oslo = certificates_of(&ours, "oslo");
    struct holm_transport_tls lisbon = certificates_of(&ours, "lisbon");
    char address[TEXT_BYTES], store[64], log[TEXT_BYTES];
    snprintf(store, sizeof store, "%s/store", folder);
    for (int life = 0; life < 2; life++) {
        struct served served = serve(
            (const char *[]){"--name", "oslo", "--log-level", "4", "--cluster", "api", "--listen",
                             "tls+tcp://127.0.0.1:0", "--store", store, "--certificate",
                             oslo.certificate, "--key", oslo.key, "--ca", oslo.ca, NULL});
        read_line(served.out, address);
        assert_memory_equal(address, "tls+tcp://127.0.0.1:", 20);
        struct holm_config config = api_config("lisbon");
        config.seeds = address;
        config.tls_certificate = lisbon.certificate;
        config.tls_key = lisbon.key;
        config.tls_ca = lisbon.ca;
        struct holm_node *node;
        assert_ok(holm_open(&config, &node));
        assert_ok(holm_wait_peers(node, 1, API_WAIT_MS));
        if (life == 0) {
            assert_ok(holm_add(node, holm_str("k"), holm_str("c"), 7));
            assert_ok(holm_wait_seen(node, NULL, 1, API_WAIT_MS));
        } else {
            await(has_come(node));
        }
        holm_close(node);
        assert_int_equal(kill(served.pid, life == 0 ? SIGTERM : SIGINT), 0);
        assert_int_equal(await_end(&served, log), 0);
        assert_non_null(strstr(log, "event=peer_up node=oslo peer=lisbon"));
    }
}

static void test_serve_when_the_words_make_no_sense_then_it_says_which(void **state)
{
    static const struct {
        const char *words[5];
        int status;
        const char *said;
    } rows[] = {
        {{NULL}, 2, "--name is missing"},
        {{"--name"}, 2, "'--name' is not understood"},
        {{"--name", "a", "--wrong", "b"}, 2, "'--wrong b' is not understood"},
        {{"--name", "a", "--partitions", "1x"}, 2, "'--partitions 1x'"},
        {{"--name", "a", "--retention", "never"}, 2, "'--retention never'"},
        {{"--name", "a", "--listen", "tcp://*:0"}, 1, "is plain tcp off loopback"},
        {{"--name", "a", "--listen", "tls+tcp://*:0"}, 1, "needs tls_certificate"},
        {{"--name", "a", "--partitions", "0"}, 1, "partitions is 0"},
        {{"--name", "a", "--log-level", "5"}, 1, "log_level is 5; allowed is 0 to 4"},
        {{"--name", "a", "--http", "127.0.0.1:9464"}, 1, "http has '127.0.0.1:9464'"},
        {{"--name", "a", "--resolve-interval", "1s"}, 2, "'--resolve-interval 1s'"},
        {{"--name", "a", "--resolve-interval", "99"}, 1, "resolve_interval_ms is 99"},
        {{"--name", "a", "--hearsay", "1d"}, 2, "'--hearsay 1d'"},
        {{"--name", "a", "--hearsay", "281474976710656"}, 1, "hearsay_ms is 281474976710656"},
        {{"--help"}, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char log[TEXT_BYTES];
        struct served served = serve(rows[i].words);
        assert_int_equal(await_end(&served, log), rows[i].status);
        assert_non_null(strstr(log, rows[i].said));
    }
}

/* --insecure is heeded. */
static void test_serve_when_it_is_insecure_then_it_listens_everywhere(void **state)
{
    char address[TEXT_BYTES], log[TEXT_BYTES];
    struct served served = serve(
        (const char *[]){"--name", "a", "--listen", "tcp://*:0", "--insecure", NULL});
    read_line(served.out, address);
    assert_memory_equal(address, "tcp://*:", 8);
    assert_int_equal(kill(served.pid, SIGTERM), 0);
    assert_int_equal(await_end(&served, log), 0);
}

static int make_all(void **state)
{
    certificates_make(&ours, "lisbon", "oslo", NULL);
    return mkdtemp(folder) == NULL;
}

static int remove_all(void **state)
{
    char command[64];
    certificates_remove(&ours);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serve_when_clients_come_and_go_then_it_keeps_what_they_wrote),
        cmocka_unit_test(test_serve_when_the_words_make_no_sense_then_it_says_which),
        cmocka_unit_test(test_serve_when_it_is_insecure_then_it_listens_everywhere),
    };
    return cmocka_run_group_tests_name("serve", tests, make_all, remove_all);
}
