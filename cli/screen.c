/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"

static bool write_all(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t count = write(STDOUT_FILENO, text, size);
        if (count > 0) {
            text += count;
            size -= (size_t)count;
        } else if (count < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Takes what waits out of the screen, under the lock; writes it without. */
struct parcel {
    char *text;
    size_t size;
};

/* `size` NULL: nothing. */
static void take(struct parcel *parcel, const char *text, size_t *size)
{
    parcel->size = size == NULL || parcel->text == NULL ? 0 : *size;
    if (parcel->size > 0)
        memcpy(parcel->text, text, parcel->size);
    if (size != NULL)
        *size = 0;
}

/* On a terminal lines wait for the end: before, the frames own it. */
static bool has_lines(const struct holm_screen *screen)
{
    return screen->lines_size > 0 && (!screen->terminal || screen->closing);
}

static void *work(void *context)
{
    struct holm_screen *screen = context;
    struct parcel frame = {malloc(HOLM_SCREEN_FRAME_BYTES_MAX), 0};
    struct parcel lines = {malloc(HOLM_SCREEN_LINES_BYTES_MAX), 0};
    bool ok = frame.text != NULL && lines.text != NULL;
    bool closing = false;
    if (screen->terminal)
        ok = ok && write_all(ENTER, sizeof ENTER - 1);
    while (!closing) {
        (void)pthread_mutex_lock(&screen->mutex);
        screen->broken = screen->broken || !ok;
        while (!screen->closing && !screen->frame_waits && !has_lines(screen))
            (void)pthread_cond_wait(&screen->wanted, &screen->mutex);
        closing = screen->closing;
        take(&frame, screen->frame, ok && screen->frame_waits ? &screen->frame_size : NULL);
        take(&lines, screen->lines, has_lines(screen) ? &screen->lines_size : NULL);
        screen->frame_waits = false;
        (void)pthread_mutex_unlock(&screen->mutex);
        if (closing && screen->terminal)
            ok = ok && write_all(LEAVE, sizeof LEAVE - 1);
        else if (frame.size > 0)
            ok = ok && write_all(frame.text, frame.size);
        if (lines.size > 0)
            ok = ok && write_all(lines.text, lines.size);
    }
    free(frame.text);
    free(lines.text);
    return NULL;
}

void holm_screen_measure(struct holm_screen *screen)
{
    struct winsize size;
    screen->columns = 80;
    screen->rows = 24;
    if (screen->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_row > 0) {
        screen->columns = size.ws_col;
        screen->rows = size.ws_row;
    }
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

static void look_around(struct holm_screen *screen, bool plain)
{
    const char *term = getenv("TERM");
    bool dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
    bool terminal = isatty(STDOUT_FILENO) == 1 && !dumb;
    (void)setlocale(LC_CTYPE, "");
    screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    screen->terminal = terminal && !plain;
    screen->colour = terminal && !is_set("NO_COLOR");
    holm_screen_measure(screen);
}

bool holm_screen_open(struct holm_screen *screen, bool plain)
{
    *screen = (struct holm_screen){0};
    look_around(screen, plain);
    screen->frame = malloc(HOLM_SCREEN_FRAME_BYTES_MAX);
    screen->lines = malloc(HOLM_SCREEN_LINES_BYTES_MAX);
    if (screen->frame == NULL || screen->lines == NULL)
        goto refused;
    if (pthread_mutex_init(&screen->mutex, NULL) != 0)
        goto refused;
    if (pthread_cond_init(&screen->wanted, NULL) != 0)
        goto refused_mutex;
    if (pthread_create(&screen->thread, NULL, work, screen) == 0)
        return true;
    (void)pthread_cond_destroy(&screen->wanted);
refused_mutex:
    (void)pthread_mutex_destroy(&screen->mutex);
refused:
    free(screen->frame);
    free(screen->lines);
    return false;
}

void holm_screen_frame(struct holm_screen *screen, const char *text, size_t size)
{
    if (size + sizeof HOME > HOLM_SCREEN_FRAME_BYTES_MAX)
        return;
    (void)pthread_mutex_lock(&screen->mutex);
    memcpy(screen->frame, HOME, sizeof HOME - 1);
    memcpy(screen->frame + sizeof HOME - 1, text, size);
    screen->frame_size = size + sizeof HOME - 1;
    screen->frame_waits = true;
    (void)pthread_cond_signal(&screen->wanted);
    (void)pthread_mutex_unlock(&screen->mutex);
}

void holm_screen_text(struct holm_screen *screen, const char *text)
{
    static const char notice[] = "(lines were left out: nobody read them in time)\n";
    size_t size = strlen(text);
    (void)pthread_mutex_lock(&screen->mutex);
    size_t room = HOLM_SCREEN_LINES_BYTES_MAX - screen->lines_size;
    if (size + sizeof notice > room) {
        screen->dropped++;
    } else {
        if (screen->dropped > 0) {
            memcpy(screen->lines + screen->lines_size, notice, sizeof notice - 1);
            screen->lines_size += sizeof notice - 1;
            screen->dropped = 0;
        }
        memcpy(screen->lines + screen->lines_size, text, size);
        screen->lines_size += size;
    }
    (void)pthread_cond_signal(&screen->wanted);
    (void)pthread_mutex_unlock(&screen->mutex);
}

bool holm_screen_broken(struct holm_screen *screen)
{
    (void)pthread_mutex_lock(&screen->mutex);
    bool broken = screen->broken;
    (void)pthread_mutex_unlock(&screen->mutex);
    return broken;
}

void holm_screen_close(struct holm_screen *screen)
{
    (void)pthread_mutex_lock(&screen->mutex);
    screen->closing = true;
    (void)pthread_cond_signal(&screen->wanted);
    (void)pthread_mutex_unlock(&screen->mutex);
    (void)pthread_join(screen->thread, NULL);
    (void)pthread_cond_destroy(&screen->wanted);
    (void)pthread_mutex_destroy(&screen->mutex);
    free(screen->frame);
    free(screen->lines);
}
